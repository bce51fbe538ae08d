"""Options: the cost of pooling and dropout, relative to a training step without them.

It uses one thread, and the sizes of ``python -m benchmarks speed`` except the ragged one. All
options alternate in one process, and medians are compared.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.machine import cores, describe, headline
from benchmarks.processes import Process, Runner, race
from benchmarks.report import table, write_json
from benchmarks.speed import LEAST, LINES, readable
from benchmarks.work import Sklstm, Work

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "max": {"pooling": "max"},
    "mean": {"pooling": "mean"},
    "dropout": {"dropout": 0.3},
    "recurrent dropout": {"recurrent_dropout": 0.3},
    "max, dropout": {"pooling": "max", "dropout": 0.3},
}
WORKS = [line.work for line in LINES if line.work.task == "training" and not line.work.ragged]
MOST = 1.10  # of the time without
ROUNDS, SECONDS, LONG = 7, 0.1, 8.0


def main(argv: Sequence[str]) -> None:
    """Print the table, and write it with every time taken if a file is given."""
    parser = ArgumentParser(prog="python -m benchmarks options", description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help=f"measurements (default: {ROUNDS})"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="save every time to this file")
    arguments = parser.parse_args(argv)
    print(headline(), end="\n\n")
    start, results = perf_counter(), []
    process = Process(cores()[-1:])
    for work in WORKS:
        results.append(measure(work, process, arguments.rounds))
        ratios = ", ".join(f"{name} {ratio:.2f}" for name, ratio in results[-1]["ratios"].items())
        print(f"{perf_counter() - start:4.0f} s  {work.title} {work}: {ratios}", flush=True)
    process.close()
    print(f"\n{markdown(results)}")
    write_json(arguments.json, {"machine": describe(), "options": results})


def measure(work: Work, process: Process, rounds: int) -> dict[str, Any]:
    """Every time of every option, and their medians over that of the plain one."""
    runners = {name: Runner(name, 1, process) for name in OPTIONS}
    for name, runner in runners.items():
        process.make(runner.key, Sklstm, work, 1, **OPTIONS[name])
    race(runners.values(), (), rounds=rounds, seconds=SECONDS, n_least=LEAST[work.task], long=LONG)
    plain = runners["plain"].median
    return {
        "work": work.as_dict(),
        "times": {name: runner.times for name, runner in runners.items()},
        "seconds": plain,
        "ratios": {name: runner.median / plain for name, runner in runners.items()},
    }


def markdown(results: Sequence[dict[str, Any]]) -> str:
    """The table of the results."""
    head = ("work", "(B, T, F, H)", *OPTIONS, f"at most {MOST}")
    rows = []
    for result in results:
        work, ratios = Work.from_dict(result["work"]), result["ratios"]
        others = [f"{ratio:.2f}" for name, ratio in ratios.items() if name != "plain"]
        met = "met" if max(ratios.values()) <= MOST else "missed"
        rows.append((work.title, str(work), readable(result["seconds"]), *others, met))
    return table(head, rows)
