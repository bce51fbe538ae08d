"""ErrorFlowDisplay: by how much errors are scaled on their way back in time."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklstm.inspection._drawing import legend_beside, one_axes
from sklstm.inspection._error_flow import error_flow
from sklstm.inspection._fitted_lstm import lstm_and_input
from sklstm.inspection._states import gradient_in_use


class ErrorFlowDisplay:
    """Error flow against lag, on a logarithmic scale.

    Draw it to see over how many steps an error still reaches back, and whether it vanishes or
    explodes on the way. Use :meth:`from_estimator` to measure and draw in one call.

    Parameters
    ----------
    lag : ndarray of shape (Q + 1,)
        Numbers of steps back, from 0 to Q.
    flow : ndarray of shape (n, Q + 1, n_units)
        Factors without a unit, as :func:`~sklstm.inspection.error_flow` and
        :func:`~sklstm.inspection.plain_error_flow` return them. NaN values are ignored.
    name : str, default=None
        Name of the curve in the legend. With None there is no legend.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes that hold the curve.
    figure_ : matplotlib Figure
        Figure of the axes.
    lines_ : list of one matplotlib Line2D
        Median over sequences and units.
    band_ : matplotlib collection
        Range from the smallest to the largest factor.

    See Also
    --------
    error_flow : The numbers, for an LSTM.
    plain_error_flow : The numbers, for a plain recurrent net.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm.inspection import ErrorFlowDisplay, plain_error_flow
    >>> rng = np.random.default_rng(0)
    >>> flow = plain_error_flow(rng.normal(size=(8, 8)), rng.normal(size=(50, 8)))
    >>> display = ErrorFlowDisplay(flow.lag, flow.unit, name="plain net")
    >>> display = display.plot()  # doctest: +SKIP
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
        """Measure the error flow of a fitted model and draw it.

        Parameters
        ----------
        estimator : LSTMClassifier, LSTMRegressor or Pipeline
            Fitted or initialised. In a pipeline the LSTM is the last step, and the earlier steps
            transform ``X``.
        X : array of shape (n, T, F), list of (T_i, F) arrays, or table of shape (n, d)
            The sequences, as the estimator or the pipeline takes them.
        at : {"state", "candidate", "input_gate", "forget_gate", "output_gate"}, default="state"
            Place at which errors are measured. "state" shows the constant error carousel; choose
            another place to see what the weights of a gate or of the cell inputs learn from.
        gradient : {"truncated", "full"}, default=None
            Gradient that is followed. None is the one that the estimator learns with.
        max_lag : int, default=None
            Largest lag, in steps. None goes back to the first step of the longest sequence.
        layer : int, default=-1
            Index in ``layers_``. The default is the last layer, which the outputs are read from.
        name : str, default=None
            Name of the curve in the legend. None is the cell and the gradient.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure. Its layout should be "constrained", so that
            it makes room for the legend.

        Returns
        -------
        display : ErrorFlowDisplay
            The display, drawn.

        Raises
        ------
        TypeError
            If the estimator is neither an LSTM nor a pipeline that ends with one, or ``ax`` is
            not one Axes. The message says what to pass.
        sklearn.exceptions.NotFittedError
            If the estimator or a step of the pipeline is not fitted.
        ValueError
            If a parameter or ``X`` is not valid.
        ImportError
            If Matplotlib is not installed.
        """
        lstm, X = lstm_and_input(estimator, X)
        flow = error_flow(lstm, X, gradient=gradient, max_lag=max_lag, layer=layer)
        places = [key for key in flow if key != "lag"]
        if at not in places:
            raise ValueError(f"at must be one of {places}, got {at!r}.")
        if name is None:
            name = f"{lstm.cell}, {gradient or gradient_in_use(lstm)} gradient"
        return cls(flow.lag, flow[at], name=name).plot(ax)

    def plot(self, ax: Any = None, **line_kwargs: Any) -> ErrorFlowDisplay:
        """Draw the median and the range.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure. Pass the axes of another display to compare.
        **line_kwargs : dict
            Options of the line, such as ``color``.

        Returns
        -------
        self : ErrorFlowDisplay
            The display.

        Raises
        ------
        TypeError
            If ``ax`` is not one Axes.
        ImportError
            If Matplotlib is not installed.
        """
        ax = one_axes(ax)
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
        ax.set(yscale="log", xlabel="Lag (steps back)", ylabel="Scaling of the error (factor)")
        named, _ = ax.get_legend_handles_labels()
        if named:
            legend_beside(ax, named)
        self.ax_, self.figure_ = ax, ax.figure
        return self
