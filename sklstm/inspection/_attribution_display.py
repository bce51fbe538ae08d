"""A picture of attributions: which features matter, and when."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklstm._label_outputs import Labels
from sklstm.inspection._attributions import attributions
from sklstm.inspection._drawing import check_names, legend_right, several_axes
from sklstm.inspection._fitted_lstm import names_of_features, one_sequence, step_values


class AttributionDisplay:
    """Attributions of one sequence as a heat map, features over steps, under the signal.

    Draw it to see which features and steps an output depends on. Use :meth:`from_estimator` to
    explain a sequence and draw it in one call.

    Parameters
    ----------
    x : ndarray of shape (T, F)
        The sequence, in the units in which the network reads it.
    values : ndarray of shape (T, F)
        Attributions, as :func:`~sklstm.inspection.attributions` returns them.
    feature_names : list of str, default=None
        Names of the features. None numbers them from 0.
    unit : str, default=None
        Unit of the attributions, for the label of the colour bar. None names no unit.

    Attributes
    ----------
    axes_ : ndarray of two matplotlib Axes
        Axes of the signal and of the heat map.
    ax_ : matplotlib Axes
        Axes of the heat map, the second of ``axes_``.
    figure_ : matplotlib Figure
        Figure of the axes.
    lines_ : list of matplotlib Line2D
        The features over the steps. Categories are drawn as their codes.
    image_ : matplotlib AxesImage
        The attributions. Red raises the output, blue lowers it.

    See Also
    --------
    attributions : The numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm import LSTMRegressor
    >>> from sklstm.inspection import AttributionDisplay
    >>> X = np.random.default_rng(0).normal(size=(40, 10, 2))
    >>> model = LSTMRegressor(4, max_iter=5, random_state=0).fit(X, X[:, 3, 0])
    >>> display = AttributionDisplay.from_estimator(model, X[0])  # doctest: +SKIP
    """

    def __init__(
        self, x: np.ndarray, values: np.ndarray, *, feature_names: Any = None, unit: Any = None
    ) -> None:
        self.x, self.values = np.asarray(x), np.asarray(values)
        self.feature_names, self.unit = feature_names, unit

    @classmethod
    def from_estimator(
        cls, estimator: Any, x: Any, *, ax: Any = None, feature_names: Any = None, **options: Any
    ) -> AttributionDisplay:
        """Explain an output of a fitted model for one sequence and draw it.

        Parameters
        ----------
        estimator : LSTMClassifier, LSTMRegressor or Pipeline
            Fitted. In a pipeline the LSTM is the last step, and the earlier steps transform ``x``.
            Attributions are then those of the transformed features.
        x : array-like of shape (T, F)
            One sequence, as the estimator or the pipeline takes it. If it was fitted on a
            table, one row, such as ``X[0]``, ``df.iloc[0]`` or ``df.iloc[[0]]``.
        ax : sequence of two matplotlib Axes, default=None
            Axes for the signal and the heat map. None makes a new figure. The layout of a figure of
            your own should be "constrained", so that it makes room for the legend.
        feature_names : list of str, default=None
            Names of the features that the LSTM reads. None takes those of the data frames of
            ``fit``, or numbers.
        **options : dict
            ``method``, ``target``, ``step`` and ``baseline`` of
            :func:`~sklstm.inspection.attributions`.

        Returns
        -------
        display : AttributionDisplay
            The display, drawn.

        Raises
        ------
        TypeError
            If the estimator is neither an LSTM nor a pipeline that ends with one. The message says
            what to pass.
        sklearn.exceptions.NotFittedError
            If the estimator or a step of the pipeline is not fitted.
        ValueError
            If ``x`` is not one sequence that the model can read, or an option is not valid.
        ImportError
            If Matplotlib is not installed.
        """
        lstm, X = one_sequence(estimator, x, cls.__name__)
        (values,) = attributions(lstm, X, **options)
        if feature_names is None:
            feature_names = names_of_features(estimator, lstm)
        read = step_values(lstm, X)
        values = np.reshape(values, read.shape)  # a table has one row for all steps
        return cls(read, values, feature_names=feature_names, unit=_unit(lstm)).plot(ax)

    def plot(self, ax: Any = None, **image_kwargs: Any) -> AttributionDisplay:
        """Draw the signal and the heat map.

        Parameters
        ----------
        ax : sequence of two matplotlib Axes, default=None
            Axes for the signal and the heat map. None makes a new figure.
        **image_kwargs : dict
            Options of the heat map, such as ``cmap``.

        Returns
        -------
        self : AttributionDisplay
            The display.

        Raises
        ------
        ValueError
            If ``ax`` has another number of axes, or ``feature_names`` another number of names.
        ImportError
            If Matplotlib is not installed.
        """
        n_steps, n_features = self.values.shape
        names = check_names(self.feature_names, n_features)
        heights = [1.8, 1.5 + 0.2 * min(n_features, 24)]
        self.axes_ = several_axes(ax, ["signal", "attributions"], heights)
        signal, heat = self.axes_
        names = [f"{k}" for k in range(n_features)] if names is None else names
        self.lines_ = signal.plot(np.arange(n_steps), self.x)
        signal.set_ylabel("Input (value)")
        if 1 < n_features < 8:
            legend_right(signal, self.lines_, names, "Feature")
        largest = np.abs(self.values).max() or 1.0
        options = {"cmap": "RdBu_r", "aspect": "auto", "vmin": -largest, "vmax": largest}
        self.image_ = heat.imshow(self.values.T, interpolation="nearest", **options | image_kwargs)
        if n_features <= 24:
            heat.set_yticks(range(n_features), names)
        else:
            heat.yaxis.get_major_locator().set_params(integer=True)
        heat.xaxis.get_major_locator().set_params(integer=True)
        heat.set_xlabel("Step")
        heat.set_ylabel("Feature")
        label = "Attribution" if self.unit is None else f"Attribution ({self.unit})"
        heat.figure.colorbar(self.image_, ax=heat, label=label)
        self.ax_, self.figure_ = heat, heat.figure
        return self


def _unit(lstm: Any) -> str:
    """The unit of attributions: that of the outputs that are explained."""
    outputs = lstm._outputs_now()
    if isinstance(outputs, Labels):
        return "decision value"
    if outputs.activation != "identity" or outputs.loss == "poisson":
        return "raw output"
    return "units of y"
