"""Progress of training: one updated line on a terminal, one line per epoch elsewhere."""

from __future__ import annotations

import sys
from time import perf_counter
from typing import Any

from sklstm._training import End

REFRESH = 0.1  # shortest time between two updates of the line, in seconds


class Silence:
    """Progress for ``verbose=0``."""

    def epoch(self, n_iter: int, loss: float, score: float | None) -> None: ...

    def close(self, end: End) -> None: ...


class ProgressLine:
    """Line with epoch, loss, validation score, elapsed time and longest remaining time."""

    def __init__(self, max_iter: int) -> None:
        self.max_iter = max_iter
        self.start = self.written = perf_counter()
        self.line = ""
        self.width = 0
        self.in_place = sys.stdout is not None and sys.stdout.isatty()

    def epoch(self, n_iter: int, loss: float, score: float | None) -> None:
        now = perf_counter()
        seconds = now - self.start
        left = seconds / n_iter * (self.max_iter - n_iter)
        self.line = f"epoch {n_iter:{len(str(self.max_iter))}}/{self.max_iter}  loss {loss:.6f}"
        if score is not None:
            self.line += f"  validation score {score:.4f}"
        self.line += f"  {duration(seconds)}"
        if n_iter < self.max_iter:
            self.line += f"  at most {duration(left)} left"
        if not self.in_place:
            print(self.line, flush=True)
        elif now - self.written > REFRESH:
            self.written = now
            self._rewrite()

    def close(self, end: End) -> None:
        if self.in_place and self.line:
            self._rewrite()
            print()
        if end is not End.MAX_ITER:
            print(f"Training ends: {end.value}.")

    def _rewrite(self) -> None:
        # Blanks overwrite the end of a longer line before.
        print("\r" + self.line.ljust(self.width), end="", flush=True)
        self.width = len(self.line)


def progress(verbose: Any, max_iter: int) -> ProgressLine | Silence:
    """The progress for a value of ``verbose``."""
    return ProgressLine(max_iter) if verbose else Silence()


def duration(seconds: float) -> str:
    """A duration as text: 7.3s, 2m05s or 1h02m."""
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    minutes, seconds = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{seconds:02d}s"
    return f"{minutes // 60}h{minutes % 60:02d}m"
