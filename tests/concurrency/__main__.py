"""``python -m tests.concurrency``: try the cases, each in time, and count what failed."""

from __future__ import annotations

import argparse
import os
import sys
import time
import warnings
from importlib import import_module

from tests.concurrency.cases import CASES, Case
from tests.watchdog import execute

SHORT, LONG = 120, 3600  # seconds for a process


def work(cases: list[Case], rounds: float) -> None:
    """In a process of its own: try cases, and print a line of each."""
    warnings.simplefilter("ignore")
    if cases[0].one_processor:  # before the package is imported
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    for case in cases:
        begin = time.monotonic()
        function = getattr(import_module(f"tests.concurrency.{case.module}"), case.name)
        tried = function(max(1, round(case.rounds * rounds)) if rounds else case.short)
        print(f"{case.name}\t{tried}\t{time.monotonic() - begin:.1f}", flush=True)


def processes(cases: list[Case]) -> list[list[Case]]:
    """Cases that may share a process: those of a module that begin alike, but not PyTorch's."""
    found: dict[tuple, list[Case]] = {}
    for case in cases:
        own = case.name if case.module == "runtimes" else case.module
        key = own, str(case.environment), case.one_processor
        found.setdefault(key, []).append(case)
    return list(found.values())


def run(cases: list[Case], rounds: float, seconds: float, python: str = sys.executable) -> str:
    """Try cases in a process; what it prints. An error if they fail or do not end."""
    names = [f"{case.module}.{case.name}" for case in cases]
    command = [python, "-m", "tests.concurrency", "--here", "--rounds", str(rounds), *names]
    ended = execute(command, seconds, **cases[0].environment)
    assert ended.code == 0, f"exit code {ended.code}\n{ended.out}\n{ended.err}"
    return ended.out


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.concurrency", description=__doc__)
    parser.add_argument("names", nargs="*", help="cases, as MODULE.NAME (default: all)")
    parser.add_argument("--long", action="store_true", help="as many rounds as cases.py says")
    parser.add_argument("--rounds", type=float, default=0, help="a part of these")
    parser.add_argument("--here", action="store_true", help="in this process, and unwatched")
    options = parser.parse_args()
    rounds = 1.0 if options.long else options.rounds
    names = {f"{case.module}.{case.name}": case for case in CASES}
    cases = [names[name] for name in options.names] or CASES
    if options.here:
        work(cases, rounds)
        return 0
    n_failed = 0
    for case in cases:
        if reason := case.why_not():
            print(f"{case.name:32} not tried: {reason}")
            continue
        begin = time.monotonic()
        try:
            tried = run([case], rounds, LONG if rounds else SHORT).split()[1]
            print(f"{case.name:32} {tried:>5} tried, 0 failed", end="")
        except AssertionError as error:
            n_failed += 1
            print(f"{case.name:32} FAILED: {error}", end="")
        print(f", {time.monotonic() - begin:.0f} s", flush=True)
    return 1 if n_failed else 0


if __name__ == "__main__":
    sys.exit(main())
