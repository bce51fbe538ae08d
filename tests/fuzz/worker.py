"""The process that carries cases out: it may crash, hang or ask for too much memory.

It reads a case in each line, as JSON, and answers with a line. What it needs at most is limited
from outside (address sanitizer) or by the system: see LIMIT.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from contextlib import suppress
from pathlib import Path

MIB = 1 << 20
# A case may ask the system for so much beyond what the process had before. Models here have
# less than 100 kB.
LIMIT = 256 * MIB
# And write to so much of it, unless somebody asked for it by an assignment.
TOUCHED = 64 * MIB


def _status(name: str) -> int:
    """Bytes, as the system counts them for this process; 0 where it does not."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) << 10
    return 0


def _forget_peak() -> None:
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _limit() -> None:
    if "asan" in os.environ.get("LD_PRELOAD", ""):
        return  # its shadow memory alone is beyond any limit; ASAN_OPTIONS has one
    with suppress(ImportError, ValueError, OSError):
        import resource

        most = _status("VmSize") + LIMIT
        if most > LIMIT:
            resource.setrlimit(resource.RLIMIT_AS, (most, most))


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # nobody else writes answers
    from tests.fuzz.kinds import run
    from tests.fuzz.subjects import MAKERS, subject

    warnings.simplefilter("ignore")
    for name in MAKERS:
        subject(name)
    _limit()
    answers.write("ready\n")
    for line in sys.stdin:
        _forget_peak()
        before = _status("VmRSS")
        outcome, words, case = "failed", "", json.loads(line)
        try:
            outcome, words = run(case)
        except MemoryError as error:
            words = f"MemoryError: {error}"
        except BaseException as error:
            words = f"{type(error).__name__}: {error}"
        grown = _status("VmHWM") - before
        bounded = case.get("way") != "assigned" and "asan" not in os.environ.get("LD_PRELOAD", "")
        if grown > TOUCHED and bounded:
            outcome, words = "failed", f"took {grown >> 20} MiB; {words}"
        answers.write(json.dumps([outcome, words[:400]]) + "\n")


if __name__ == "__main__":
    main()
