"""A picture below the cell of a notebook that is drawn anew while something goes on."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import find_spec
from io import BytesIO
from time import perf_counter
from typing import Any

REFRESH = 1.0  # seconds between two pictures at least,
SHARE = 10  # and so many times what drawing one takes


class LivePicture:
    """What ``plot`` draws on the axes that it is given, as it is now."""

    def __init__(self, plot: Callable[[Any], Any], display: Callable[..., Any], Image: type):
        self._plot, self._display, self._Image = plot, display, Image
        self._shown = None
        self._next = 0.0

    @classmethod
    def in_notebook(cls, plot: Callable[[Any], Any]) -> LivePicture | None:
        """A picture, if this is a notebook and there is matplotlib."""
        ipython = sys.modules.get("IPython")
        shell = None if ipython is None else ipython.get_ipython()
        if not hasattr(shell, "kernel") or find_spec("matplotlib") is None:
            return None
        from IPython.display import Image, display

        return cls(plot, display, Image)

    def refresh(self) -> None:
        """Draw if the last picture is old enough."""
        if perf_counter() >= self._next:
            self.draw()

    def draw(self) -> None:
        """Draw, in the place of the picture before."""
        from matplotlib.figure import Figure  # not pyplot's, which would keep it

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
