"""Shared style of the benchmarks' pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"


def new_figure(n_rows: int, n_columns: int, **shared: Any) -> tuple[Any, Any]:
    """A figure and the array of its panels."""
    import matplotlib

    matplotlib.use("Agg")  # needs no screen
    from matplotlib import pyplot

    size = (4.8 * n_columns, 3.9 * n_rows)
    return pyplot.subplots(n_rows, n_columns, figsize=size, layout="constrained", **shared)


def save(figure: Any, file: Path) -> None:
    """Write the figure, in a folder that is made if there is none."""
    for panel in figure.axes:
        panel.spines[["top", "right"]].set_visible(False)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=130, facecolor="white")
