"""A picture of attributions: which features matter, and when."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklstm.inspection._attributions import attributions
from sklstm.inspection._displays import pyplot


class AttributionDisplay:
    """Attributions of one sequence as a heat map, features over steps, under the signal.

    Parameters
    ----------
    x : ndarray of shape (T, F)
        The sequence.
    values : ndarray of shape (T, F)
        As `attributions` returns them.
    feature_names : list of str, default=None
        For the heat map; None numbers the features.

    Attributes
    ----------
    axes_ : ndarray of two matplotlib Axes
        The signal, and the heat map.
    ax_ : matplotlib Axes
        The heat map, second of `axes_`.
    figure_ : matplotlib Figure
        The figure of the axes.
    lines_ : list of matplotlib Line2D
        The features over the steps; of categories their codes.
    image_ : matplotlib AxesImage
        The attributions: red adds to the output, blue takes away from it.
    """

    def __init__(self, x: np.ndarray, values: np.ndarray, *, feature_names: Any = None) -> None:
        self.x, self.values, self.feature_names = np.asarray(x), np.asarray(values), feature_names

    @classmethod
    def from_estimator(
        cls, estimator: Any, x: Any, *, ax: Any = None, feature_names: Any = None, **options: Any
    ) -> AttributionDisplay:
        """Explain one sequence and draw.

        Parameters
        ----------
        estimator : as for `attributions`
        x : array-like of shape (T, F)
            The sequence.
        ax : sequence of two matplotlib Axes, default=None
            None makes a new figure.
        feature_names : list of str, default=None
            None takes those of the estimator, or numbers.
        **options : dict
            ``method``, ``target``, ``step`` and ``baseline`` of `attributions`.

        Returns
        -------
        display : AttributionDisplay
        """
        (values,) = attributions(estimator, [x], **options)
        if feature_names is None:
            feature_names = getattr(estimator, "feature_names_in_", None)
        (x,) = estimator._coded([x])
        return cls(x, values, feature_names=feature_names).plot(ax)

    def plot(self, ax: Any = None, **image_kwargs: Any) -> AttributionDisplay:
        """Draw the signal and the heat map.

        Parameters
        ----------
        ax : sequence of two matplotlib Axes, default=None
            None makes a new figure.
        **image_kwargs : dict
            Options of the heat map, such as ``cmap``.

        Returns
        -------
        self : AttributionDisplay
        """
        n_steps, n_features = self.values.shape
        if ax is None:
            height = 2 + 0.25 * min(n_features, 24)
            _, ax = pyplot().subplots(
                2, sharex=True, figsize=(7, 1.8 + height), layout="constrained",
                height_ratios=(1.8, height),
            )  # fmt: skip
        self.axes_ = np.ravel(ax)
        if len(self.axes_) != 2:
            raise ValueError(f"ax has {len(self.axes_)} axes, needs 2: the signal and the map.")
        signal, heat = self.axes_
        self.lines_ = signal.plot(np.arange(n_steps), self.x)
        signal.set_ylabel("Features")
        largest = np.abs(self.values).max() or 1.0
        options = {"cmap": "RdBu_r", "aspect": "auto", "vmin": -largest, "vmax": largest}
        self.image_ = heat.imshow(self.values.T, interpolation="nearest", **options | image_kwargs)
        names = self.feature_names
        names = [f"{k}" for k in range(n_features)] if names is None else list(names)
        if n_features <= 24:
            heat.set_yticks(range(n_features), names)
        heat.xaxis.get_major_locator().set_params(integer=True)
        heat.set_xlabel("Step")
        heat.set_ylabel("Feature")
        heat.figure.colorbar(self.image_, ax=heat, label="Attribution")
        self.ax_, self.figure_ = heat, heat.figure
        return self
