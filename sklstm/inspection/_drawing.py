"""Functions that the displays share: Matplotlib, axes to draw on, and legends outside of them."""

from __future__ import annotations

from typing import Any

import numpy as np


def pyplot() -> Any:
    """Matplotlib's pyplot, or an error that says how to install it."""
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError("Plots need Matplotlib: pip install 'sklstm[plot]'.") from error
    return pyplot


def one_axes(ax: Any) -> Any:
    """The axes of the user, or those of a new figure."""
    if ax is not None:
        if not hasattr(ax, "fill_between"):
            raise TypeError(
                f"ax must be one matplotlib Axes or None, got {type(ax).__name__}. Pass one of the "
                "axes, or ax=None to draw a new figure."
            )
        return ax
    return pyplot().subplots(layout="constrained")[1]


def several_axes(ax: Any, names: list[str], heights: list[float]) -> np.ndarray:
    """The axes of the user, which must be one per panel, or those of a new figure.

    ``heights`` are in inches.
    """
    if ax is None:
        _, ax = pyplot().subplots(
            len(names),
            sharex=True,
            figsize=(7.5, sum(heights) + 0.6),  # the label of the shared x axis needs the rest
            layout="constrained",
            height_ratios=heights,
        )
    axes = np.ravel(ax)
    if len(axes) != len(names):
        raise ValueError(
            f"ax has {len(axes)} axes, but the display needs {len(names)}: {', '.join(names)}. "
            "Pass ax=None to draw a new figure."
        )
    return axes


def check_names(names: Any, n_features: int) -> list[str] | None:
    """Names of features as a list. A wrong number would shift or drop labels without a word."""
    if names is None:
        return None
    names = [names] if isinstance(names, str) else [str(name) for name in names]
    if len(names) != n_features:
        raise ValueError(
            f"feature_names has {len(names)} names, but the LSTM reads {n_features} features. Pass "
            "one name per feature, or None."
        )
    return names


def legend_right(ax: Any, handles: list[Any], labels: list[str], title: str | None = None) -> None:
    """A legend to the right of the axes."""
    ax.legend(
        handles,
        labels,
        title=title,
        loc="upper left",
        bbox_to_anchor=(1.02, 1.0),
        borderaxespad=0,
        fontsize="small",
    )


def legend_beside(ax: Any, handles: list[Any]) -> None:
    """A legend below the axes, or above them if the layout of the figure does not make room.

    Below, it is out of the way of a title that is set later. Without a layout engine there is no
    room below the label of the x axis, but a few lines fit above the axes.
    """
    from matplotlib.transforms import ScaledTranslation

    options = {"handles": handles, "ncols": 2, "borderaxespad": 0, "fontsize": "small"}
    if ax.figure.get_layout_engine() is None:
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1.02), **options)
        return
    # Tick labels and the label of the axis, with the space above each, in points.
    texts = (ax.xaxis.label, *ax.get_xticklabels()[:1])
    below = 1.3 * sum(text.get_fontsize() for text in texts) + 18
    place = ax.transAxes + ScaledTranslation(0, -below / 72, ax.figure.dpi_scale_trans)
    ax.legend(loc="upper left", bbox_to_anchor=(0, 0), bbox_transform=place, **options)
