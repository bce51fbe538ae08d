"""Processes: one for each library and number of threads, whose measurements alternate.

So thread pools, environment variables and cores of one library cannot affect another. JAX takes its
number of threads from the cores of its process, and can be limited to one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from math import inf
from multiprocessing import get_context
from statistics import median
from time import perf_counter, sleep
from typing import Any

from benchmarks.machine import cores

ONE_THREAD = {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false"}  # JAX has no other setting
PAUSE = 0.01  # seconds for threads that still spin, waiting for work, to give up


class Process:
    """Objects living in a process of their own, which may use only the ``allowed`` cores."""

    def __init__(self, allowed: Sequence[int], environment: dict[str, str] | None = None) -> None:
        context = get_context("spawn")  # the libraries' threads would not survive a fork
        self._connection, theirs = context.Pipe()
        arguments = (theirs, list(allowed), environment or {})
        self._process = context.Process(target=_serve, args=arguments, daemon=True)
        self._process.start()
        theirs.close()

    def make(self, name: str, kind: type, *arguments: Any, **settings: Any) -> None:
        """Make an object there; one of the same name is dropped."""
        self.ask(name, kind, arguments, settings)
        self.answer()

    def call(self, name: str, method: str, *arguments: Any) -> Any:
        """Call a method of an object there."""
        self.ask(name, method, arguments, {})
        return self.answer()

    def ask(self, *question: Any) -> None:
        self._connection.send(question)

    def answer(self) -> Any:
        """Wait for the answer to what was asked."""
        try:
            answer, error = self._connection.recv()
        except (EOFError, ConnectionError):
            self._process.join()
            error = f"it ended by itself (exit code {self._process.exitcode})"
        if error is not None:
            raise RuntimeError(f"In a process of the benchmark: {error}")
        return answer

    def close(self) -> None:
        """End the process."""
        self._connection.send(None)
        self._process.join()


def _serve(connection: Any, allowed: list[int], environment: dict[str, str]) -> None:
    os.environ.update(environment)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, allowed)
    objects: dict[str, Any] = {}
    while (question := connection.recv()) is not None:
        name, what, arguments, settings = question
        try:
            answer = None
            if isinstance(what, type):
                objects.pop(name, None)
                objects[name] = what(*arguments, **settings)
            elif what == "seconds":
                answer = _seconds(objects[name], *arguments)
            else:
                answer = getattr(objects[name], what)(*arguments)
            connection.send((answer, None))
        except Exception as error:
            connection.send((None, f"{type(error).__name__}: {error}"))


def _seconds(contender: Any, n: int) -> float:
    """Time per unit of a contender that does ``n`` units or a few more."""
    start = perf_counter()
    n_done = contender.run(n)
    return (perf_counter() - start) / n_done


class Processes:
    """A process for each library and number of threads, started when first asked for."""

    def __init__(self) -> None:
        self._started: dict[tuple[str, int], Process] = {}

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: Any) -> None:
        for process in self._started.values():
            process.close()

    def of(self, library: str, n_threads: int) -> Process:
        """Its process, which may use as many cores as it has threads."""
        key = library, n_threads
        if key not in self._started:
            environment = ONE_THREAD if n_threads == 1 else {}
            self._started[key] = Process(cores()[-n_threads:], environment)
        return self._started[key]


@dataclass
class Runner:
    """A contender in its process, and its times per unit so far."""

    name: str
    n_threads: int | None  # None: its own choice
    process: Process
    n: int = 1  # units at a time
    times: list[float] = field(default_factory=list)

    @property
    def key(self) -> str:
        return f"{self.name} {self.n_threads}"

    @property
    def median(self) -> float:
        return median(self.times)

    def warm_up(self, seconds: float, n_least: int) -> None:
        """Run until a time is long enough to tell how many units fill ``seconds``."""
        self.process.call(self.key, "seconds", 1)
        while True:
            time = self.process.call(self.key, "seconds", self.n)
            if self.n * time > seconds / 4:
                break
            self.n *= 4
        self.n = max(n_least, round(seconds / time))

    def run(self) -> None:
        """Take one time."""
        sleep(PAUSE)
        self.times.append(self.process.call(self.key, "seconds", self.n))


def race(
    ours: Iterable[Runner],
    theirs: Iterable[Runner],
    *,
    rounds: int,
    seconds: float,
    n_least: int = 1,
    long: float = inf,
) -> None:
    """Time everyone in turn, one of ours and one of theirs, for this number of rounds.

    Each time lasts about ``seconds``, and at least ``n_least`` units. If a round takes longer than
    ``long`` there are fewer, but three.
    """
    pairs = zip_longest(ours, theirs)
    turns = [runner for pair in pairs for runner in pair if runner is not None]
    for runner in turns:
        runner.warm_up(seconds, n_least)
    end = perf_counter() + rounds * long
    for k in range(rounds):
        if k >= 3 and perf_counter() > end:
            break
        for runner in turns:
            runner.run()


def best(runners: Iterable[Runner]) -> Runner:
    """The one with the smallest median."""
    return min(runners, key=lambda runner: runner.median)
