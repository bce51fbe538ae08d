"""Progress of trials, printed to standard error."""

from __future__ import annotations

import sys
from time import monotonic
from typing import Any

from sklstm._locks import Lock

EVERY = 0.5  # seconds between two updates of the line of a running trial


class TrialLines:
    """Callback that receives the seed of a trial and its record, and prints a line.

    On a terminal, the line of a running trial is updated in place. Every finished trial leaves a
    line. Elsewhere only finished trials are printed.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self.last = 0.0
        self.lock = Lock()
        self.live = sys.stderr.isatty()

    def __call__(self, seed: int, record: dict[str, Any]) -> None:
        with self.lock.now:
            finished = record.get("finished", False)
            if not finished and (not self.live or monotonic() - self.last < EVERY):
                return
            self.last = monotonic()
            end = "\n" if finished else ""
            start = "\r\x1b[K" if self.live else ""
            print(f"{start}{self._line(seed, record)}", end=end, file=sys.stderr, flush=True)

    def _line(self, seed: int, record: dict[str, Any]) -> str:
        words = [f"{self.title}, seed {seed}: {record['sequences']:,} sequences"]
        if "recent_error" in record:
            words.append(
                f"recent error {record['recent_error']:.4f}, {record['recent_wrong']} wrong"
            )
        if "share_wrong" in record:
            words.append(f"{record['share_wrong']:.0%} of recent ones wrong")
        if record.get("finished"):
            words.append("success" if record["success"] else "no success")
        return ", ".join(words)

    def __enter__(self) -> TrialLines:
        return self

    def __exit__(self, *error: object) -> None:
        if self.live:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
