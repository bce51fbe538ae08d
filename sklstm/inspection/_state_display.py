"""StateDisplay: what the gates and cells of a layer do over the steps of one sequence."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sklstm.inspection._drawing import check_names, legend_right, several_axes
from sklstm.inspection._fitted_lstm import names_of_features, one_sequence, step_values
from sklstm.inspection._states import states_of_first

HEAT_MAP_FROM = 8  # rows: from here on, lines of one panel cannot be told apart
KINDS = ("auto", "lines", "heatmap")


class Panel(NamedTuple):
    """One panel of a StateDisplay."""

    name: str
    title: str
    rows: str  # what its rows or lines are
    values: np.ndarray  # (T, rows)


class StateDisplay:
    """Input, gates, cell states and outputs over the steps of one sequence.

    There is one panel each for the input, the input gate, the forget gate (if the cell has one),
    the output gate, the cell state and the output. A layer of fewer than 8 cells is drawn as lines.
    From 8 cells up each panel is a heat map with a row per cell. Use :meth:`from_estimator` to run
    a sequence and draw it in one call.

    Parameters
    ----------
    states : Bunch
        Gates, states and outputs, as :func:`~sklstm.inspection.hidden_states` returns them.
    x : array-like of shape (T, F), default=None
        The sequence that the network has read, in the units in which it reads it. None leaves the
        panel of the input out.
    feature_names : list of str, default=None
        Names of the features of ``x``. None numbers them from 0.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes
        Axes of the panels, from top to bottom.
    ax_ : matplotlib Axes
        The panel of the cell states, one of ``axes_``.
    figure_ : matplotlib Figure
        Figure of the axes.
    lines_ : list of lists of matplotlib Line2D
        For each panel the lines of its cells, gates or features. Empty for heat maps.
    images_ : list of matplotlib AxesImage
        Heat map of each panel: 0 to 1 for gates, symmetric about 0 for all others. Empty for lines.

    See Also
    --------
    hidden_states : The numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm import LSTMRegressor
    >>> from sklstm.inspection import StateDisplay
    >>> model = LSTMRegressor(16, random_state=0).initialize(1)
    >>> x = np.sin(np.arange(50.0))[:, None]
    >>> display = StateDisplay.from_estimator(model, x)  # doctest: +SKIP
    """

    def __init__(self, states: Any, x: Any = None, *, feature_names: Any = None) -> None:
        self.states = states
        self.x = None if x is None else np.asarray(x)
        self.feature_names = feature_names

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        x: Any,
        *,
        layer: int = -1,
        feature_names: Any = None,
        kind: str = "auto",
        ax: Any = None,
    ) -> StateDisplay:
        """Run a fitted model on one sequence and draw its states.

        Parameters
        ----------
        estimator : LSTMClassifier, LSTMRegressor or Pipeline
            Fitted or initialised. In a pipeline the LSTM is the last step, and the earlier steps
            transform ``x``.
        x : array-like of shape (T, F)
            One sequence, as the estimator or the pipeline takes it. If it was fitted on a
            table, one row, such as ``X[0]``, ``df.iloc[0]`` or ``df.iloc[[0]]``.
        layer : int, default=-1
            Index in ``layers_``. The default is the last layer, which the outputs are read from.
            The two directions of a bidirectional layer have an index each.
        feature_names : list of str, default=None
            Names of the features that the LSTM reads. None takes those of the data frames of
            ``fit``, or numbers.
        kind : {"auto", "lines", "heatmap"}, default="auto"
            As in :meth:`plot`.
        ax : sequence of matplotlib Axes, default=None
            One for each panel, six (five for a cell without a forget gate). None makes a new
            figure.

        Returns
        -------
        display : StateDisplay
            The display, drawn.

        Raises
        ------
        TypeError
            If the estimator is neither an LSTM nor a pipeline that ends with one. The message says
            what to pass.
        sklearn.exceptions.NotFittedError
            If the estimator or a step of the pipeline is not fitted.
        ValueError
            If ``x`` is not one sequence that the model can read, or a parameter is not valid.
        ImportError
            If Matplotlib is not installed.
        """
        lstm, X = one_sequence(estimator, x, cls.__name__)
        states = states_of_first(lstm, X, layer)
        if feature_names is None:
            feature_names = names_of_features(estimator, lstm)
        return cls(states, step_values(lstm, X), feature_names=feature_names).plot(ax, kind=kind)

    def plot(self, ax: Any = None, *, kind: str = "auto", **kwargs: Any) -> StateDisplay:
        """Draw the panels.

        Parameters
        ----------
        ax : sequence of matplotlib Axes, default=None
            One for each panel. None makes a new figure. The layout of a figure of your own should
            be "constrained", so that it makes room for legends and colour bars.
        kind : {"auto", "lines", "heatmap"}, default="auto"
            "auto" draws lines up to 7 cells and heat maps from 8 cells up. Set the other values to
            choose yourself.
        **kwargs : dict
            Options of all lines, such as ``linewidth``, or of all heat maps, such as
            ``interpolation``.

        Returns
        -------
        self : StateDisplay
            The display.

        Raises
        ------
        ValueError
            If ``kind`` has another value, ``ax`` has another number of axes, or ``feature_names``
            another number of names.
        ImportError
            If Matplotlib is not installed.
        """
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {[*KINDS]}, got {kind!r}.")
        panels = self._panels()
        if self.x is not None:
            check_names(self.feature_names, self.x.shape[1])
        n_cells = np.shape(self.states.state)[1]
        as_map = n_cells >= HEAT_MAP_FROM if kind == "auto" else kind == "heatmap"
        heights = [_height(panel, as_map) for panel in panels]
        self.axes_ = several_axes(ax, [panel.title for panel in panels], heights)
        self.lines_, self.images_ = [], []
        for axes, panel in zip(self.axes_, panels, strict=True):
            (self._map if as_map else self._lines)(axes, panel, kwargs)
        self.axes_[-1].set_xlabel("Step")
        self.axes_[-1].xaxis.get_major_locator().set_params(integer=True)
        self.ax_ = self.axes_[[panel.name for panel in panels].index("state")]
        self.figure_ = self.ax_.figure
        return self

    def _panels(self) -> list[Panel]:
        states = self.states
        blocks = states.input_gate.shape[1] != states.state.shape[1]
        panels = [
            Panel(name, f"{name[:-5].capitalize()} gate", "block" if blocks else "cell", values)
            for name in ("input_gate", "forget_gate", "output_gate")
            if (values := states.get(name)) is not None
        ]
        panels += [
            Panel("state", "Cell state", "cell", states.state),
            Panel("output", "Output", "cell", states.output),
        ]
        return panels if self.x is None else [Panel("x", "Input", "feature", self.x), *panels]

    def _names(self, panel: Panel) -> list[str]:
        n_rows = panel.values.shape[1]
        named = panel.rows == "feature" and self.feature_names is not None
        names = check_names(self.feature_names, n_rows) if named else None
        return [str(row) for row in range(n_rows)] if names is None else names

    def _lines(self, axes: Any, panel: Panel, options: dict[str, Any]) -> None:
        lines = axes.plot(np.arange(len(panel.values)), panel.values, **options)
        self.lines_.append(lines)
        axes.set_ylabel(panel.title)
        if panel.name.endswith("_gate"):
            axes.set_ylim(-0.05, 1.05)
        # Gates share the legend of the first of them, and outputs that of the states.
        if 1 < len(lines) < HEAT_MAP_FROM and panel.name in ("x", "input_gate", "state"):
            legend_right(axes, lines, self._names(panel), panel.rows.capitalize())

    def _map(self, axes: Any, panel: Panel, options: dict[str, Any]) -> None:
        n_steps, n_rows = panel.values.shape
        if panel.name.endswith("_gate"):
            scale = {"cmap": "viridis", "vmin": 0.0, "vmax": 1.0}
        else:
            largest = np.abs(panel.values).max(initial=0.0) or 1.0
            scale = {"cmap": "RdBu_r", "vmin": -largest, "vmax": largest}
        extent = (-0.5, n_steps - 0.5, n_rows - 0.5, -0.5)
        image = axes.imshow(
            panel.values.T, **{"aspect": "auto", "extent": extent} | scale | options
        )
        self.images_.append(image)
        axes.set_ylabel(f"{panel.title}\n({panel.rows})")
        if panel.rows == "feature" and self.feature_names is not None and n_rows <= 12:
            axes.set_yticks(range(n_rows), self._names(panel))
        elif n_rows <= 3:
            axes.set_yticks(range(n_rows))
        else:
            axes.yaxis.get_major_locator().set_params(integer=True, nbins=4)
        label = {"x": "Value", "state": "State"}.get(panel.name, "Activation")
        axes.figure.colorbar(image, ax=axes, label=label)


def _height(panel: Panel, as_map: bool) -> float:
    """Of a panel, in inches."""
    if not as_map:
        return 1.5
    return float(np.clip(0.35 + 0.12 * panel.values.shape[1], 0.9, 2.2))
