"""Speed: training steps and inference against PyTorch, JAX and ONNX Runtime, with targets.

Training is the time of a ``fit`` of many steps divided by their number. Inference is one
``predict``. Each library runs in its own process, with one thread and with two threads on as many
cores, and measurements alternate. The better median of the two counts, and sklstm is compared with
the fastest peer.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.contenders import check_agreement, contenders, skipped
from benchmarks.machine import describe, headline
from benchmarks.processes import Processes, Runner, best, race
from benchmarks.report import table, write_json
from benchmarks.work import Work


@dataclass(frozen=True)
class Line:
    """A piece of work, and how many times as fast as the best peer it has to be."""

    work: Work
    full: float
    truncated: float | None = None

    @property
    def targets(self) -> dict[str, float]:
        if self.work.task == "inference":
            return {"sklstm": self.full}
        return {"sklstm full": self.full, "sklstm truncated": self.truncated}


LINES = (
    Line(Work("training", 1, 100, 2, 8), 15, 20),
    Line(Work("training", 1, 1000, 2, 8), 15, 20),
    Line(Work("training", 1, 100, 16, 32), 6, 7.5),
    Line(Work("training", 32, 100, 2, 8), 12, 15),
    Line(Work("training", 32, 100, 8, 32), 6, 7.5),
    Line(Work("training", 32, 100, 16, 128), 2.0, 2.6),
    Line(Work("training", 64, 28, 28, 128), 2.0, 2.6),
    Line(Work("training", 128, 50, 64, 256), 1.85, 2.4),
    Line(Work("training", 64, 100, 128, 512), 1.7, 2.2),
    Line(Work("training", 64, 20, 8, 1024), 1.3, 1.6),
    Line(Work("training", 4, 50, 8, 512), 1.3, 1.6),
    Line(Work("training", 8, 100, 16, 128), 1.3, 1.6),
    Line(Work("training", 8, 50, 64, 256), 1.3, 1.6),
    Line(Work("training", 20, 50, 8, 512), 1.3, 1.6),
    Line(Work("training", 64, 20, 1000, 32), 2.5, 3),
    Line(Work("training", 32, None, 8, 32), 8, 10),
    Line(Work("training", 200, 50, 8, 32, "float64", "adam", sequences=1000), 6, 7),
    Line(Work("training", 200, 100, 16, 128, "float64", "adam", sequences=1000), 2.8, 3.4),
    Line(Work("inference", 1, 100, 16, 32), 1.4),
    Line(Work("inference", 1, 100, 8, 32), 1.2),
    Line(Work("inference", 32, 10, 8, 32), 1.2),
    Line(Work("inference", 1024, 100, 16, 64), 1.8),
    Line(Work("inference", 256, 100, 64, 256), 1.35),
    Line(Work("inference", 64, 20, 8, 1024), 1.3),
)
ROUNDS, SECONDS = 7, 0.2  # times of each contender, and how long each takes, if one unit is shorter
QUICK_ROUNDS, QUICK_SECONDS = 3, 0.02
QUICK_FLOP = 1e8  # larger work is left out
LEAST = {"training": 4, "inference": 1}  # units at a time
LONG = 4.0  # seconds of a round: one that takes longer is repeated less often


def main(argv: Sequence[str]) -> None:
    """Print the table, and write it with every time taken if a file is given."""
    parser = ArgumentParser(prog="python -m benchmarks speed", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="small sizes, short measurements: a minute"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="save every time to this file")
    parser.add_argument(
        "--rows", type=int, nargs="+", metavar="N", help=f"only these lines, from 1 to {len(LINES)}"
    )
    parser.add_argument(
        "--unroll",
        type=int,
        default=1,
        metavar="N",
        help="unroll parameter of JAX's scan. JAX's default is 1; 4 is faster for single sequences",
    )
    parser.add_argument("--rounds", type=int, metavar="N", help=f"measurements (default: {ROUNDS})")
    arguments = parser.parse_args(argv)
    lines = [LINES[n - 1] for n in arguments.rows or range(1, len(LINES) + 1)]
    rounds, seconds = ROUNDS, SECONDS
    if arguments.quick:
        rounds, seconds = QUICK_ROUNDS, QUICK_SECONDS
        lines = [line for line in lines if line.work.flop <= QUICK_FLOP]
    rounds = arguments.rounds or rounds

    print(headline())
    start, results = perf_counter(), []
    with Processes() as processes:
        for text in (*skipped(), *check_agreement(processes, arguments.unroll)):
            print(text)
        print()
        for line in lines:
            results.append(measure(line, processes, rounds, seconds, arguments.unroll))
            print(f"{perf_counter() - start:4.0f} s  {summary(results[-1])}", flush=True)
    print(f"\n{markdown(results)}")
    settings = {"rounds": rounds, "seconds": seconds, "unroll": arguments.unroll}
    write_json(arguments.json, {"machine": describe(), "settings": settings, "speed": results})


def measure(
    line: Line, processes: Processes, rounds: int, seconds: float, unroll: int = 1
) -> dict[str, Any]:
    """Time one line: every time taken, the best of each side, and the ratios."""
    ours, theirs = contenders(line.work, processes, unroll)
    race(ours, theirs, rounds=rounds, seconds=seconds, n_least=LEAST[line.work.task], long=LONG)
    result: dict[str, Any] = {
        "work": line.work.as_dict(),
        "times": {runner.key: runner.times for runner in (*ours, *theirs)},
        "medians": {runner.key: runner.median for runner in (*ours, *theirs)},
        "sklstm": {},
    }
    peer = best(theirs) if theirs else None
    if peer is not None:
        result["best_peer"] = _figure(peer)
    for name, target in line.targets.items():
        mine = best(runner for runner in ours if runner.name == name)
        figure = _figure(mine) | {"target": target}
        if peer is not None:
            ratio = peer.median / mine.median
            figure |= {"ratio": ratio, "met": ratio >= target}
        result["sklstm"][name] = figure
    return result


def summary(result: dict[str, Any]) -> str:
    """A line as soon as it is measured."""
    figures = [result.get("best_peer"), *result["sklstm"].values()]
    times = ", ".join(f"{figure['name']} {_time(figure)}" for figure in figures if figure)
    work = Work.from_dict(result["work"])
    return f"{work.title} {work}: {times}"


def markdown(results: Sequence[dict[str, Any]]) -> str:
    """The table of the results: a time is followed by the threads that it was reached with."""
    head = ("work", "(B, T, F, H)", "best peer")
    head += ("full", "ratio", "target", "truncated", "ratio", "target")
    rows = []
    for result in results:
        work, peer = Work.from_dict(result["work"]), result.get("best_peer")
        row = [work.title, str(work)]
        row.append(f"{peer['name']} {_time(peer)}" if peer else "")
        for figure in result["sklstm"].values():
            row += _cells(figure)
        rows.append(row + [""] * (len(head) - len(row)))
    return table(head, rows)


def _cells(figure: dict[str, Any]) -> list[str]:
    if "ratio" not in figure:
        return [_time(figure), "", f"{figure['target']:g}"]
    met = "met" if figure["met"] else "missed"
    return [_time(figure), f"{figure['ratio']:.2f}", f"{figure['target']:g} {met}"]


def _figure(runner: Runner) -> dict[str, Any]:
    return {"name": runner.name, "n_threads": runner.n_threads, "seconds": runner.median}


def _time(figure: dict[str, Any]) -> str:
    return f"{readable(figure['seconds'])} ({figure['n_threads']})"


def readable(seconds: float) -> str:
    """A time in microseconds or milliseconds, to three digits."""
    number, unit = (seconds * 1e6, "us") if seconds < 1e-3 else (seconds * 1e3, "ms")
    return f"{number:.{max(0, 2 - len(str(int(number))) + 1)}f} {unit}"
