"""Cases of a harness: functions that run in processes of their own, under a watchdog.

A harness is a package of modules; ``python -m PACKAGE`` tries its cases, and a test the short form.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import warnings
from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from tests.watchdog import execute

SHORT, LONG = 120, 7200  # seconds for a process


class Case(NamedTuple):
    """A function of a module of the package, which returns how often something was tried.

    Attributes
    ----------
    rounds, short : int
        What the function is given in the long form, and in the short one.
    environment : dict
        Changes that the process begins with.
    one_processor : bool
        Whether the process may use one only.
    """

    module: str
    name: str
    rounds: int
    short: int = 1
    environment: dict[str, str] = {}  # noqa: RUF012, a constant
    one_processor: bool = False

    def why_not(self, package: str) -> str:
        """Why it cannot be tried here; empty if it can."""
        if self.one_processor and not hasattr(os, "sched_setaffinity"):
            return "processors cannot be chosen here"
        function = getattr(import_module(f"{package}.{self.module}"), self.name)
        return next(filter(None, (reason() for reason in getattr(function, "needs", ()))), "")


def needs(*reasons: Callable[[], str]) -> Callable[[Callable], Callable]:
    """Mark a case that can be tried where none of these functions gives a reason not to."""

    def mark(function: Callable) -> Callable:
        function.needs = reasons
        return function

    return mark


def fork() -> str:
    return "" if hasattr(os, "fork") else "this platform does not fork"


def package(name: str) -> Callable[[], str]:
    """A package that has to be installed."""

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
    """In a process of its own: try cases, and print a line of each."""
    warnings.simplefilter("ignore")
    if cases[0].one_processor:  # before the package is imported
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    for case in cases:
        begin = time.monotonic()
        function = getattr(import_module(f"{name}.{case.module}"), case.name)
        tried = function(max(1, round(case.rounds * rounds)) if rounds else case.short)
        print(f"{case.name}\t{tried}\t{time.monotonic() - begin:.1f}", flush=True)


def processes(cases: list[Case], alone: tuple[str, ...] = ()) -> list[list[Case]]:
    """Cases that may share a process: those of a module that begin alike.

    Modules ``alone`` have a process for each of their cases.
    """
    found: dict[tuple, list[Case]] = {}
    for case in cases:
        own = case.name if case.module in alone else case.module
        key = own, str(case.environment), case.one_processor
        found.setdefault(key, []).append(case)
    return list(found.values())


def run(name: str, cases: list[Case], rounds: float = 0, seconds: float = SHORT) -> str:
    """Try cases in a process; what it prints. An error if they fail or do not end."""
    names = [f"{case.module}.{case.name}" for case in cases]
    command = [sys.executable, "-m", name, "--here", "--rounds", str(rounds), *names]
    ended = execute(command, seconds, **cases[0].environment)
    assert ended.code == 0, f"exit code {ended.code}\n{ended.out}\n{ended.err}"
    return ended.out


def main(name: str, all_cases: list[Case], description: str) -> int:
    """The command line of a harness."""
    parser = argparse.ArgumentParser(prog=f"python -m {name}", description=description)
    parser.add_argument("names", nargs="*", help="cases, as MODULE.NAME (default: all)")
    parser.add_argument("--long", action="store_true", help="as many rounds as cases.py says")
    parser.add_argument("--rounds", type=float, default=0, help="a part of these")
    parser.add_argument("--here", action="store_true", help="in this process, and unwatched")
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
