"""Picture below a notebook cell that is updated during a computation."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import find_spec
from io import BytesIO
from time import perf_counter
from typing import Any

REFRESH = 1.0  # shortest time between two pictures, in seconds
SHARE = 10  # shortest time between two pictures, in multiples of the time that drawing takes


class LivePicture:
    """Picture that calls ``plot`` with new axes whenever it is updated."""

    def __init__(self, plot: Callable[[Any], Any], display: Callable[..., Any], Image: type):
        self._plot, self._display, self._Image = plot, display, Image
        self._shown = None
        self._next = 0.0

    @classmethod
    def in_notebook(cls, plot: Callable[[Any], Any]) -> LivePicture | None:
        """A picture, or None outside of notebooks or without matplotlib."""
        ipython = sys.modules.get("IPython")
        shell = None if ipython is None else ipython.get_ipython()
        if not hasattr(shell, "kernel") or find_spec("matplotlib") is None:
            return None
        from IPython.display import Image, display

        return cls(plot, display, Image)

    def refresh(self) -> None:
        """Draw the picture if the last one is old enough."""
        if perf_counter() >= self._next:
            self.draw()

    def draw(self) -> None:
        """Draw the picture and replace the previous one."""
        from matplotlib.figure import Figure  # pyplot would keep a reference to the figure

        begin, file = perf_counter(), BytesIO()
        figure = Figure(layout="constrained")
        self._plot(figure.subplots())
        figure.savefig(file, format="png")
        picture = self._Image(data=file.getvalue(), format="png")
        if self._shown is None:
            self._shown = self._display(picture, display_id=True)
        else:
            self._shown.update(picture)
        end = perf_counter()
        self._next = end + max(REFRESH, SHARE * (end - begin))
