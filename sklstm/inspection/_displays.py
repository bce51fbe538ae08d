"""Pictures, after scikit-learn's convention; Matplotlib is imported when something is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sklstm.inspection._error_flow import error_flow
from sklstm.inspection._states import gradient_in_use, hidden_states


def pyplot() -> Any:
    """Matplotlib's pyplot, or an error that says how to get it."""
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError("Plots need Matplotlib: pip install 'sklstm[plot]'.") from error
    return pyplot


class ErrorFlowDisplay:
    """Error flow against lag, on a logarithmic scale.

    Parameters
    ----------
    lag : ndarray of shape (Q + 1,)
        Steps back.
    flow : ndarray of shape (n, Q + 1, n_units)
        Factors, as `error_flow` and `plain_error_flow` give them.
    name : str, default=None
        For the legend.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it is drawn.
    figure_ : matplotlib Figure
        The figure of the axes.
    lines_ : list of one matplotlib Line2D
        The median over sequences and units.
    band_ : matplotlib collection
        From the smallest to the largest.
    """

    def __init__(self, lag: np.ndarray, flow: np.ndarray, *, name: str | None = None) -> None:
        self.lag = lag
        self.flow = flow
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        at: str = "state",
        gradient: str | None = None,
        max_lag: int | None = None,
        layer: int = -1,
        name: str | None = None,
        ax: Any = None,
    ) -> ErrorFlowDisplay:
        """Measure and draw.

        Parameters
        ----------
        estimator, X : as for `error_flow`
        at : str, default="state"
            Where errors are measured: one of the arrays that `error_flow` returns.
        gradient, max_lag, layer : as for `error_flow`
        name : str, default=None
            For the legend; None is the cell and the gradient.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        display : ErrorFlowDisplay
        """
        flow = error_flow(estimator, X, gradient=gradient, max_lag=max_lag, layer=layer)
        places = [key for key in flow if key != "lag"]
        if at not in places:
            raise ValueError(f"at must be one of {places}, got {at!r}.")
        if name is None:
            name = f"{estimator.cell}, {gradient or gradient_in_use(estimator)} gradient"
        return cls(flow.lag, flow[at], name=name).plot(ax)

    def plot(self, ax: Any = None, **line_kwargs: Any) -> ErrorFlowDisplay:
        """Draw the median and the range.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **line_kwargs : dict
            Options of the line, such as ``color``.

        Returns
        -------
        self : ErrorFlowDisplay
        """
        if ax is None:
            _, ax = pyplot().subplots()
        by_lag = np.moveaxis(self.flow, 1, 0).reshape(len(self.lag), -1)
        median = np.nanmedian(by_lag, axis=1)
        self.lines_ = ax.plot(self.lag, median, **({"label": self.name} | line_kwargs))
        self.band_ = ax.fill_between(
            self.lag,
            np.nanmin(by_lag, axis=1),
            np.nanmax(by_lag, axis=1),
            color=self.lines_[0].get_color(),
            alpha=0.15,
            linewidth=0,
        )
        ax.set(yscale="log", xlabel="Lag (steps back)", ylabel="Scaling of the error")
        if self.lines_[0].get_label()[:1] != "_":
            ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self


class LossCurveDisplay:
    """Training loss, and validation scores if there are any, over epochs.

    Parameters
    ----------
    loss : array-like of shape (n_epochs,)
        `loss_curve_` of an estimator.
    validation_scores : array-like, default=None
        `validation_scores_`: accuracy or R² after each of the last epochs.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where the loss is drawn.
    validation_ax_ : matplotlib Axes or None
        The same place with the scale of the scores, on the right.
    figure_ : matplotlib Figure
        The figure of the axes.
    lines_ : list of matplotlib Line2D
        The loss, then the scores.
    """

    def __init__(self, loss: Sequence[float], validation_scores: Sequence[float] | None = None):
        self.loss = loss
        self.validation_scores = validation_scores

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None) -> LossCurveDisplay:
        """Draw the records of a fitted estimator.

        Parameters
        ----------
        estimator : LSTMClassifier or LSTMRegressor
            Fitted.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        display : LossCurveDisplay

        Raises
        ------
        ValueError
            If the estimator has made no epoch yet.
        """
        loss = getattr(estimator, "loss_curve_", None)
        if not loss:
            raise ValueError(
                f"This {type(estimator).__name__} has no loss curve: call fit or partial_fit first."
            )
        return cls(loss, estimator.validation_scores_).plot(ax)

    def plot(self, ax: Any = None, **line_kwargs: Any) -> LossCurveDisplay:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **line_kwargs : dict
            Options of the line of the loss, such as ``color``.

        Returns
        -------
        self : LossCurveDisplay
        """
        if ax is None:
            _, ax = pyplot().subplots()
        epochs = np.arange(1, len(self.loss) + 1)
        self.lines_ = ax.plot(epochs, self.loss, **({"label": "Training loss"} | line_kwargs))
        ax.set(xlabel="Epoch", ylabel="Training loss")
        self.validation_ax_ = None
        if self.validation_scores is not None:
            self.validation_ax_ = ax.twinx()
            # After a warm start there may be fewer scores than epochs: the last ones.
            self.lines_ += self.validation_ax_.plot(
                epochs[len(epochs) - len(self.validation_scores) :],
                self.validation_scores,
                color="C1",
                label="Validation score",
            )
            self.validation_ax_.set_ylabel("Validation score")
            ax.legend(handles=self.lines_)
        self.ax_, self.figure_ = ax, ax.figure
        return self


class StateDisplay:
    """Cell states, cell outputs and gates over the steps of one sequence.

    Parameters
    ----------
    states : Bunch
        As `hidden_states` gives them.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes
        One panel each for states, outputs, and every kind of gate.
    ax_ : matplotlib Axes
        The panel of the states, first of `axes_`.
    figure_ : matplotlib Figure
        The figure of the axes.
    lines_ : list of lists of matplotlib Line2D
        For each panel one line for each cell, or gate.
    """

    PANELS = ("state", "output", "input_gate", "forget_gate", "output_gate")

    def __init__(self, states: Any) -> None:
        self.states = states

    @classmethod
    def from_estimator(
        cls, estimator: Any, x: Any, *, layer: int = -1, ax: Any = None
    ) -> StateDisplay:
        """Run one sequence and draw.

        Parameters
        ----------
        estimator, x, layer : as for `hidden_states`
        ax : sequence of matplotlib Axes, default=None
            One for each panel; None makes a new figure.

        Returns
        -------
        display : StateDisplay
        """
        return cls(hidden_states(estimator, x, layer=layer)).plot(ax)

    def plot(self, ax: Any = None, **line_kwargs: Any) -> StateDisplay:
        """Draw the panels.

        Parameters
        ----------
        ax : sequence of matplotlib Axes, default=None
            One for each panel; None makes a new figure.
        **line_kwargs : dict
            Options of all lines, such as ``linewidth``.

        Returns
        -------
        self : StateDisplay
        """
        panels = [name for name in self.PANELS if name in self.states]
        if ax is None:
            _, ax = pyplot().subplots(
                len(panels), sharex=True, figsize=(7, 1.6 * len(panels)), layout="constrained"
            )
        self.axes_ = np.ravel(ax)
        if len(self.axes_) != len(panels):
            raise ValueError(f"ax has {len(self.axes_)} axes, needs {len(panels)}: {panels}.")
        steps = np.arange(1, len(self.states.state) + 1)
        self.lines_ = []
        for panel, name in zip(self.axes_, panels, strict=True):
            self.lines_.append(panel.plot(steps, self.states[name], **line_kwargs))
            is_gate = name.endswith("_gate")
            what = name.replace("_", " ").capitalize() + "s" if is_gate else f"Cell {name}s"
            panel.set_ylabel(what)
            if is_gate:
                panel.set_ylim(-0.05, 1.05)
        self.axes_[-1].set_xlabel("Step")
        self.ax_, self.figure_ = self.axes_[0], self.axes_[0].figure
        return self
