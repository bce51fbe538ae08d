"""Cases of a harness: functions that run in separate processes, with a time limit.

A harness is a package of modules. ``python -m PACKAGE`` runs its cases, and a test runs their short
form.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import warnings
from collections.abc import Callable
from importlib import import_module
from textwrap import fill
from typing import NamedTuple

from tests.watchdog import execute

SHORT, LONG = 120, 7200  # time limit of a process in seconds


class Case(NamedTuple):
    """A function of a module of the package. It returns how often something was tried.

    Attributes
    ----------
    rounds, short : int
        Argument of the function in the long form, and in the short one.
    environment : dict
        Environment variables of the process.
    one_processor : bool
        If True, the process may use one processor only.
    """

    module: str
    name: str
    rounds: int
    short: int = 1
    environment: dict[str, str] = {}  # noqa: RUF012, a constant
    one_processor: bool = False

    def why_not(self, package: str) -> str:
        """Return why the case cannot run here; empty if it can."""
        if self.one_processor and not hasattr(os, "sched_setaffinity"):
            return "processors cannot be chosen here"
        function = getattr(import_module(f"{package}.{self.module}"), self.name)
        return next(filter(None, (reason() for reason in getattr(function, "needs", ()))), "")


def needs(*reasons: Callable[[], str]) -> Callable[[Callable], Callable]:
    """Mark a case that runs only if all of these functions return an empty string."""

    def mark(function: Callable) -> Callable:
        function.needs = reasons
        return function

    return mark


def fork() -> str:
    return "" if hasattr(os, "fork") else "this platform does not fork"


def package(name: str) -> Callable[[], str]:
    """Return a function for `needs`: this package must be installed."""

    def reason() -> str:
        try:
            import_module(name)
        except ImportError:
            return f"{name} is not installed"
        return ""

    return reason


def callbacks() -> str:
    from sklstm.callback._needed import require_callbacks

    try:
        require_callbacks("This")
    except ImportError as error:
        return str(error)
    return ""


def work(name: str, cases: list[Case], rounds: float) -> None:
    """Run cases in this process, and print a line for each."""
    warnings.simplefilter("ignore")
    if cases[0].one_processor:  # before sklstm is imported
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    for case in cases:
        begin = time.monotonic()
        function = getattr(import_module(f"{name}.{case.module}"), case.name)
        tried = function(max(1, round(case.rounds * rounds)) if rounds else case.short)
        print(f"{case.name}\t{tried}\t{time.monotonic() - begin:.1f}", flush=True)


def processes(cases: list[Case], alone: tuple[str, ...] = ()) -> list[list[Case]]:
    """Group cases that may share a process: those of a module with the same environment.

    Each case of the modules in ``alone`` has its own process.
    """
    found: dict[tuple, list[Case]] = {}
    for case in cases:
        own = case.name if case.module in alone else case.module
        key = own, str(case.environment), case.one_processor
        found.setdefault(key, []).append(case)
    return list(found.values())


def run(name: str, cases: list[Case], rounds: float = 0, seconds: float = SHORT) -> str:
    """Run cases in a process and return its output. Raise an error if they fail or hang."""
    names = [f"{case.module}.{case.name}" for case in cases]
    command = [sys.executable, "-m", name, "--here", "--rounds", str(rounds), *names]
    ended = execute(command, seconds, **cases[0].environment)
    assert ended.code == 0, f"exit code {ended.code}\n{ended.out}\n{ended.err}"
    return ended.out


def main(name: str, all_cases: list[Case], description: str) -> int:
    """The command line of a harness."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {name}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=fill("Cases: " + ", ".join(f"{case.module}.{case.name}" for case in all_cases), 95),
    )
    parser.add_argument(
        "names", nargs="*", metavar="CASE", help="cases to run, as MODULE.NAME (default: all)"
    )
    parser.add_argument(
        "--long", action="store_true", help="run the number of rounds in cases.py: hours"
    )
    parser.add_argument(
        "--rounds", type=float, default=0, help="run this fraction of the rounds of --long"
    )
    parser.add_argument(
        "--here", action="store_true", help="run in this process, without a time limit (to debug)"
    )
    options = parser.parse_args()
    rounds = 1.0 if options.long else options.rounds
    named = {f"{case.module}.{case.name}": case for case in all_cases}
    cases = [named[given] for given in options.names] or all_cases
    if options.here:
        work(name, cases, rounds)
        return 0
    n_failed = 0
    for case in cases:
        if reason := case.why_not(name):
            print(f"{case.name:32} not tried: {reason}", flush=True)
            continue
        begin = time.monotonic()
        try:
            tried = run(name, [case], rounds, LONG if rounds else SHORT).split("\t")[1]
            print(f"{case.name:32} {tried:>5} tried, 0 failed", end="")
        except AssertionError as error:
            n_failed += 1
            print(f"{case.name:32} FAILED: {error}", end="")
        print(f", {time.monotonic() - begin:.0f} s", flush=True)
    return 1 if n_failed else 0
