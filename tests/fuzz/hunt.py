"""Case after case in worker processes, and what came of them."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SECONDS = 30.0  # that a case may take; each needs a hundredth of one
OUTCOMES = ("worked", "refused", "failed", "crashed", "hung")


class Worker:
    """A process that answers cases."""

    def __init__(self, folder: str, seconds: float) -> None:
        self.folder, self.seconds = folder, seconds
        self.process: subprocess.Popen | None = None
        self.errors = Path(folder) / "stderr"

    def _start(self) -> subprocess.Popen:
        settings = {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
        defaults = {"OMP_WAIT_POLICY": "passive", "OMP_NUM_THREADS": "2"}
        with self.errors.open("wb") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.fuzz.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=self.folder,
                env=defaults | os.environ | settings,
            )
        if self._line(process, 10 * self.seconds) != b"ready\n":
            process.kill()
            raise RuntimeError(f"no worker: {self.errors.read_text(errors='replace')[-3000:]}")
        return process

    def _line(self, process: subprocess.Popen, seconds: float) -> bytes | None:
        """A line of its answers; empty if it has ended, None if it takes too long."""
        found, end = b"", time.monotonic() + seconds
        while not found.endswith(b"\n"):
            left = end - time.monotonic()
            if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
                return None
            some = os.read(process.stdout.fileno(), 1 << 16)
            if not some:
                return b""
            found += some
        return found

    def answer(self, case: dict[str, Any]) -> tuple[str, str]:
        """What comes of a case, and words."""
        if self.process is None:
            self.process = self._start()
        self.process.stdin.write(json.dumps(case).encode() + b"\n")
        self.process.stdin.flush()
        line = self._line(self.process, self.seconds)
        if line:
            return tuple(json.loads(line))
        if line is None:
            self.stop()
            return "hung", f"no answer in {self.seconds} s"
        code = self.process.wait()
        self.stop()
        words = self.errors.read_text(errors="replace")
        at = max(words.find("ERROR: AddressSanitizer"), 0)
        return "crashed", f"exit code {code}: {words[at : at + 3000]}"

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stdin.close()
            self.process.stdout.close()
            self.process = None


@dataclass
class Findings:
    """Counts by kind and outcome, and what should not have happened."""

    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    bad: list[tuple[dict[str, Any], str, str]] = field(default_factory=list)

    def add(self, case: dict[str, Any], outcome: str, words: str) -> None:
        counts = self.counts.setdefault(case["kind"], dict.fromkeys(OUTCOMES, 0))
        counts[outcome] += 1
        if outcome not in ("worked", "refused"):
            self.bad.append((case, outcome, words))

    def table(self) -> str:
        lines = [f"{'':12}{'tried':>9}" + "".join(f"{name:>9}" for name in OUTCOMES)]
        rows = dict(self.counts)
        if len(rows) > 1:
            totals = {name: sum(row[name] for row in rows.values()) for name in OUTCOMES}
            rows["all"] = totals
        for kind, row in rows.items():
            numbers = [sum(row.values()), *(row[name] for name in OUTCOMES)]
            lines.append(f"{kind:12}" + "".join(f"{number:9}" for number in numbers))
        return "\n".join(lines)


def hunt(cases: Iterable[dict[str, Any]], seconds: float = SECONDS) -> Iterator[tuple]:
    """Each case, what came of it, and words."""
    with tempfile.TemporaryDirectory() as folder:
        worker = Worker(folder, seconds)
        try:
            for case in cases:
                yield (case, *worker.answer(case))
        finally:
            worker.stop()
