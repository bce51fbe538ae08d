"""Busy machines: ``fit`` with the default threads while other processes are at work.

Each busy process counts without end, on whatever core it is given. Everyone has two cores: sklstm
with the threads that it chooses by itself (``n_jobs=None``), with one and with two; PyTorch with
one and with two. Beside others the default must cost at most 1.15 of one thread; alone it must have
at least 0.97 of the speed of the best fixed number of threads.
"""

from __future__ import annotations

import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from typing import Any

from benchmarks.machine import cores, describe, headline
from benchmarks.peers import peers_of
from benchmarks.processes import Process, Runner, race
from benchmarks.report import table, write_json
from benchmarks.work import Sklstm, Work

WORKS = (Work("training", 32, 100, 8, 32), Work("training", 32, 100, 16, 128))
BUSY = (0, 1, 2)
ROUNDS, SECONDS = 7, 1.0
QUIET_LEAST, BUSY_MOST = 0.97, 1.15


@contextmanager
def busy(n: int) -> Iterator[None]:
    """So many processes that count without end."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(n)]
    sleep(0.3)
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def runners_of(work: Work) -> list[Runner]:
    """sklstm at its default and with fixed numbers of threads, and PyTorch if it is there."""
    runners = []
    torch = peers_of(work, 1).get("PyTorch")
    for name, n_threads, kind, settings in (
        ("sklstm default", None, Sklstm, {}),
        ("sklstm", 1, Sklstm, {}),
        ("sklstm", 2, Sklstm, {}),
        *(("PyTorch", n, *torch) for n in ((1, 2) if torch else ())),
    ):
        process = Process(cores()[-2:])
        runner = Runner(name, n_threads, process)
        process.make(runner.key, kind, work, n_threads, **settings)
        runners.append(runner)
    return runners


def measure(work: Work, n_busy: int, rounds: int, seconds: float) -> dict[str, Any]:
    """Medians of everyone beside so many busy processes, and how the default stands."""
    runners = runners_of(work)
    with busy(n_busy):
        race(runners, (), rounds=rounds, seconds=seconds, n_least=8)
    for runner in runners:
        runner.process.close()
    medians = {runner.key: runner.median for runner in runners}
    default, one, two = (medians[f"sklstm {which}"] for which in ("default None", "1", "2"))
    if n_busy == 0:
        figure, met = min(one, two) / default, min(one, two) / default >= QUIET_LEAST
    else:
        figure, met = default / one, default / one <= BUSY_MOST
    return {
        "work": work.as_dict(),
        "sizes": str(work),
        "busy": n_busy,
        "medians": medians,
        "times": {runner.key: runner.times for runner in runners},
        "figure": figure,
        "met": met,
    }


def main(argv: Sequence[str]) -> None:
    """Print the table, and write it if a file is given."""
    parser = ArgumentParser(prog="python -m benchmarks busy", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of times (default: 7)")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of one time (default: 1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="store the results")
    arguments = parser.parse_args(argv)
    if len(cores()) < 2:
        print("Skipped: with one core there are no threads to choose from.")
        return
    print(headline(), end="\n\n")
    results = [
        measure(work, n_busy, arguments.rounds, arguments.seconds)
        for work in WORKS
        for n_busy in BUSY
    ]
    head = (
        "(B, T, F, H)",
        "busy",
        "default",
        "one thread",
        "two",
        "PyTorch one",
        "two",
        "default is",
    )
    print(table(head, [_row(result) for result in results]))
    write_json(arguments.json, {"machine": describe(), "busy": results})


def _row(result: dict[str, Any]) -> list[str]:
    medians = result["medians"]
    met = "met" if result["met"] else "missed"
    if result["busy"] == 0:
        verdict = f"{result['figure']:.2f} of the best's speed ({QUIET_LEAST} {met})"
    else:
        verdict = f"{result['figure']:.2f} of one thread's time ({BUSY_MOST} {met})"
    keys = ("sklstm default None", "sklstm 1", "sklstm 2", "PyTorch 1", "PyTorch 2")
    times = [f"{1e3 * medians[key]:.2f} ms" if key in medians else "-" for key in keys]
    return [result["sizes"], str(result["busy"]), *times, verdict]
