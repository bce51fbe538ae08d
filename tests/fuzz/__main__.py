"""Fuzz models, streams and files: change them at random places and use the result.

Each case runs in a worker process. It passes if the call works or raises a documented error. A
crash, a hang, another exception or too much memory is a failure, and its case is printed as a line
of JSON.

It runs for --seconds (60 by default). The table at the end counts the outcomes of each kind of
case: worked, refused (a documented error), failed (another exception), crashed, hung. The exit code
is 1 if a case failed, crashed or hung. Run such cases again with --replay FILE.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from tests.fuzz.hunt import SECONDS, Findings, hunt
from tests.fuzz.kinds import KINDS, LEFT_OUT, draw


def cases(kinds: list[str], seed: int, most: int | None, end: float) -> Iterator[dict]:
    """Draw cases of each kind in turn, until one of the limits is reached."""
    for number in count():
        for k, kind in enumerate(kinds):
            if time.monotonic() > end or (most is not None and number * len(kinds) + k >= most):
                return
            yield draw(kind, seed, number)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=60, help="run this long (default: 60)")
    parser.add_argument("--cases", type=int, help="stop after this many cases")
    parser.add_argument("--seed", type=int, default=1, help="seed of the cases (default: 1)")
    parser.add_argument(
        "--kind",
        choices=[*KINDS, *LEFT_OUT, "all"],
        default="all",
        help="run this kind of cases only",
    )
    parser.add_argument(
        "--watchdog",
        type=float,
        default=SECONDS,
        help=f"time limit of a case (default: {SECONDS:g} s)",
    )
    parser.add_argument(
        "--replay", type=Path, help="run the cases of this file, one JSON object per line"
    )
    parser.add_argument("--found", type=Path, help="append failed cases to this file")
    options = parser.parse_args()
    if options.kind in LEFT_OUT:
        parser.error(f"--kind {options.kind} needs a package: pip install {options.kind}")
    for kind in LEFT_OUT:
        print(f"left out: {kind}, because the package {kind} is not installed (pip install {kind})")
    if options.replay:
        replayed = [json.loads(line) for line in options.replay.read_text().splitlines()]
        given = iter([case for case in replayed if case["kind"] not in LEFT_OUT])
    else:
        kinds = list(KINDS) if options.kind == "all" else [options.kind]
        end = time.monotonic() + options.seconds
        given = cases(kinds, options.seed, options.cases, end)
    findings, start = Findings(), time.monotonic()
    for case, outcome, words in hunt(given, options.watchdog):
        findings.add(case, outcome, words)
        if outcome not in ("worked", "refused"):
            print(f"{outcome}: {json.dumps(case)}\n    {words}", flush=True)
            if options.found:
                with options.found.open("a") as file:
                    file.write(json.dumps(case) + "\n")
    print(findings.table())
    print(f"seed {options.seed}, {time.monotonic() - start:.0f} s")
    return 1 if findings.bad else 0


if __name__ == "__main__":
    sys.exit(main())
