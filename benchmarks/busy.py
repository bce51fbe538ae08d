"""Busy machines: ``fit`` and ``predict`` with the default threads while other processes run.

Each busy process counts in a loop, and all processes share the same two cores. sklstm runs with the
default threads (``n_jobs=None``), with one, and with up to two. PyTorch runs with one and with two.
Targets: next to busy processes the default takes at most 1.15 times as long as one thread, and on a
quiet machine it has at least 0.97 of the speed of the faster of one and up to two threads. sklstm
keeps its measurements of threads between fits, and all libraries warm up next to the busy
processes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.contenders import skipped
from benchmarks.machine import cores, describe, headline
from benchmarks.peers import PyTorch, installed
from benchmarks.processes import Process, Runner, race
from benchmarks.report import table, write_json
from benchmarks.work import Sklstm, Work

WORKS = (
    Work("training", 32, 100, 8, 32),
    Work("training", 32, 100, 16, 128),
    Work("inference", 1024, 100, 16, 64),
)
BUSY = (0, 1, 2)
ROUNDS, SECONDS = 7, 0.5
LEAST = 8  # units at a time
LONG = 5.0  # seconds of a round: one that takes longer is repeated less often
QUIET_LEAST, BUSY_MOST = 0.97, 1.15
KINDS = {"sklstm": Sklstm, "PyTorch": PyTorch}
THREADS = {"sklstm": (None, 1, 2), "PyTorch": (1, 2)}  # None: those that it chooses by itself
# What a busy process runs. It ends with the benchmark, however that ends.
COUNTING = """
import os, sys
parent, *cores = map(int, sys.argv[1:])
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, cores)
print("counting", flush=True)
while os.getppid() == parent:
    sum(range(100_000))
"""
Team = Mapping[tuple[str, int | None], Process]


def main(argv: Sequence[str]) -> None:
    """Print the table, and write it with every time taken if a file is given."""
    parser = ArgumentParser(prog="python -m benchmarks busy", description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help=f"measurements of each (default: {ROUNDS})"
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=SECONDS,
        help=f"duration of a measurement (default: {SECONDS})",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="save every time to this file")
    arguments = parser.parse_args(argv)
    if len(cores()) < 2:
        print("Skipped: this benchmark needs two cores.")
        return
    print(headline())
    print(*(line for line in skipped() if "PyTorch" in line), sep="\n")
    start, results = perf_counter(), []
    shared = cores()[-2:]
    names = [name for name in KINDS if name == "sklstm" or installed()[name]]
    team = {(name, n): Process(shared) for name in names for n in THREADS[name]}
    for work in WORKS:
        make(work, team)
        for n_busy in BUSY:
            with busy(n_busy, shared):
                results.append(measure(work, n_busy, team, arguments.rounds, arguments.seconds))
            found = f"{work.task} {work}, {n_busy} busy: {verdict(results[-1])}"
            print(f"{perf_counter() - start:4.0f} s  {found}", flush=True)
    for process in team.values():
        process.close()
    print(f"\n{markdown(results)}")
    settings = {"rounds": arguments.rounds, "seconds": arguments.seconds}
    write_json(arguments.json, {"machine": describe(), "settings": settings, "busy": results})


@contextmanager
def busy(n: int, allowed: Sequence[int]) -> Iterator[list[subprocess.Popen]]:
    """Processes that count without end on the ``allowed`` cores, as long as this lasts."""
    command = [sys.executable, "-c", COUNTING, *map(str, [os.getpid(), *allowed])]
    with ExitStack() as stack:
        others = []
        for _ in range(n):
            other = subprocess.Popen(command, stdout=subprocess.PIPE)
            stack.enter_context(other)
            stack.callback(other.kill)  # before it is waited for
            others.append(other)
        for other in others:
            other.stdout.readline()
        yield others


def make(work: Work, team: Team) -> None:
    """Give everyone this work to do."""
    for runner in runners_of(team):
        runner.process.make(runner.key, KINDS[runner.name], work, runner.n_threads)


def runners_of(team: Team) -> list[Runner]:
    """Everyone, without times so far."""
    return [Runner(name, n_threads, process) for (name, n_threads), process in team.items()]


def measure(work: Work, n_busy: int, team: Team, rounds: int, seconds: float) -> dict[str, Any]:
    """Every time taken by everyone beside busy processes, their medians, and how the default is."""
    runners = runners_of(team)
    race(runners, (), rounds=rounds, seconds=seconds, n_least=LEAST, long=LONG)
    medians = {runner.key: runner.median for runner in runners}
    return {
        "work": work.as_dict(),
        "busy": n_busy,
        "times": {runner.key: runner.times for runner in runners},
        "medians": medians,
    } | judge(medians, n_busy)


def judge(medians: Mapping[str, float], n_busy: int) -> dict[str, Any]:
    """The default beside the better number of threads, or beside one thread if others are busy."""
    default, one, two = (medians[f"sklstm {n}"] for n in THREADS["sklstm"])
    if n_busy == 0:
        speed = min(one, two) / default
        return {"speed": speed, "met": speed >= QUIET_LEAST}
    time = default / one
    return {"time": time, "met": time <= BUSY_MOST}


def verdict(result: dict[str, Any]) -> str:
    """How the default is, in words."""
    met = "met" if result["met"] else "missed"
    if "speed" in result:
        return f"{result['speed']:.2f} of the best speed ({QUIET_LEAST} {met})"
    return f"{result['time']:.2f} of one thread's time ({BUSY_MOST} {met})"


def markdown(results: Sequence[dict[str, Any]]) -> str:
    """The table of the results."""
    head = ("work", "(B, T, F, H)", "busy", "default", "one thread", "up to two")
    head += ("PyTorch, one", "two", "default has")
    keys = [f"{name} {n}" for name in KINDS for n in THREADS[name]]
    rows = []
    for result in results:
        work, medians = Work.from_dict(result["work"]), result["medians"]
        times = [f"{1e3 * medians[key]:.2f} ms" if key in medians else "" for key in keys]
        rows.append([work.task, str(work), str(result["busy"]), *times, verdict(result)])
    return table(head, rows)
