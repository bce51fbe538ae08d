"""Limits: share of the machine's peak, float64 against float32, two threads against one.

The peak is measured between the times that it is compared with, on the same core.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.machine import cores, describe, headline
from benchmarks.peak import Peak
from benchmarks.processes import Process
from benchmarks.report import table, write_json
from benchmarks.speed import LINES
from benchmarks.work import Sklstm, Work

LARGE = tuple(
    line.work
    for line in LINES
    if line.work.task == "training" and line.work.hidden >= 128 and not line.work.special
)
SHARES = {  # of the peak
    Work("training", 32, 100, 16, 128): {"inference": 0.75, "training": 0.70},
    Work("training", 128, 50, 64, 256): {"inference": 0.80, "training": 0.72},
    Work("training", 64, 100, 128, 512): {"inference": 0.85, "training": 0.75},
}
FLOAT64 = 0.47  # of the rate of float32, everywhere
# Gain of two threads. Smaller work than DIVIDED must not be slower, but for noise.
GAIN, GAIN_SMALL = 1.85, 0.97
DIVIDED = Work("training", 32, 100, 8, 32)
SECONDS = 0.1


def main(argv: Sequence[str]) -> None:
    """Print the tables, and write them if a file is given."""
    parser = ArgumentParser(prog="python -m benchmarks limits", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each (default: 5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the results to this file")
    arguments = parser.parse_args(argv)
    print(headline(), end="\n\n")
    results: dict[str, Any] = {}
    try:
        results["rates"] = [row for work in LARGE for row in rates(work, arguments.rounds)]
        print(_rate_table(results["rates"]), end="\n\n", flush=True)
    except FileNotFoundError as error:
        print(f"Skipped the peak: {error}.\n")
    if len(cores()) > 1:
        team = [Process(allowed) for allowed in (cores()[:1], cores()[1:2], cores()[:2])]
        results["threads"] = [
            row for line in LINES for row in threads(line.work, team, arguments.rounds)
        ]
        print(_thread_table(results["threads"]))
    else:
        print("Skipped the threads: this process may use only one core.")
    write_json(arguments.json, {"machine": describe()} | results)


def rates(work: Work, rounds: int, seconds: float = SECONDS) -> list[dict[str, Any]]:
    """GFLOP/s of one thread, forward and full training, float32 and float64, beside the peak.

    All of it in one process on one core; a rate is a median.
    """
    process = Process(cores()[-1:])
    keys = []
    for dtype in ("float32", "float64"):
        process.make(f"peak {dtype}", Peak, dtype)
        for task in ("inference", "training"):
            key = f"{task} {dtype}"
            process.make(key, Sklstm, replace(work, task=task, dtype=dtype), 1)
            keys.append((key, _units(process, key, seconds)))
    times: dict[str, list[float]] = {key: [] for key, _ in keys}
    peaks: dict[str, list[float]] = {"float32": [], "float64": []}
    for _ in range(rounds):
        for key, n in keys:
            dtype = key.split()[1]
            peaks[dtype].append(process.call(f"peak {dtype}", "gflops"))
            times[key].append(process.call(key, "seconds", n))
    process.close()
    rows = []
    for task in ("inference", "training"):
        row: dict[str, Any] = {"work": replace(work, task=task).as_dict()}
        for dtype in peaks:
            flop = replace(work, task=task, dtype=dtype).flop
            row[dtype] = flop / median(times[f"{task} {dtype}"]) / 1e9
            row[f"peak {dtype}"] = median(peaks[dtype])
        row["share of peak"] = row["float32"] / row["peak float32"]
        row["float64 share"] = row["float64"] / row["float32"]
        row["targets"] = {"peak": SHARES.get(work, {}).get(task), "float64": FLOAT64}
        rows.append(row)
    return rows


def threads(
    work: Work, team: Sequence[Process], rounds: int, seconds: float = SECONDS
) -> list[dict[str, Any]]:
    """One thread, two threads, and two processes of one thread at the same time.

    The team: a process on one core, one on the other, one on both. Times are per unit; that of the
    two processes, the most that this machine has for two threads, is as if they shared the units.
    """
    alone, neighbour, pair = team
    rows = []
    for gradient in ("full", "truncated") if work.task == "training" else ("full",):
        for process, n_threads in ((alone, 1), (neighbour, 1), (pair, 2)):
            process.make("sklstm", Sklstm, work, n_threads, gradient)
        n = _units(alone, "sklstm", seconds)
        times: dict[str, list[float]] = {"one": [], "two": [], "processes": []}
        for _ in range(rounds):
            times["one"].append(alone.call("sklstm", "seconds", n))
            times["two"].append(pair.call("sklstm", "seconds", n))
            for process in (alone, neighbour):
                process.ask("sklstm", "seconds", (n,), {})
            together = [process.answer() for process in (alone, neighbour)]
            times["processes"].append(1 / sum(1 / time for time in together))
        medians = {name: median(found) for name, found in times.items()}
        row = {"work": work.as_dict(), "gradient": gradient, "seconds": medians}
        row["gain"] = medians["one"] / medians["two"]
        row["share of processes"] = medians["processes"] / medians["two"]
        divided = work.flop >= replace(DIVIDED, task=work.task).flop
        row["target"] = GAIN if divided else GAIN_SMALL
        rows.append(row)
    return rows


def _units(process: Process, key: str, seconds: float) -> int:
    """Units that take about so long, after a warm-up."""
    process.call(key, "seconds", 1)
    return max(1, round(seconds / process.call(key, "seconds", 1)))


def _rate_table(rows: Sequence[dict[str, Any]]) -> str:
    head = ("one thread", "(B, T, F, H)", "peak", "float32", "of the peak", "target")
    head += ("float64", "of float32", "target")
    names = {"inference": "forward", "training": "full training"}
    lines = []
    for row in rows:
        line = [names[row["work"]["task"]], str(Work.from_dict(row["work"]))]
        line += [f"{row['peak float32']:.0f}", f"{row['float32']:.0f} GFLOP/s"]
        line += _share(row["share of peak"], row["targets"]["peak"])
        line += [f"{row['float64']:.0f} GFLOP/s"]
        line += _share(row["float64 share"], row["targets"]["float64"])
        lines.append(line)
    return table(head, lines)


def _thread_table(rows: Sequence[dict[str, Any]]) -> str:
    head = ("work", "(B, T, F, H)", "two threads gain", "target", "of two processes")
    lines = []
    for row in rows:
        work = Work.from_dict(row["work"])
        name = row["gradient"] if work.task == "training" else "inference"
        line = [f"{name} ({work.special})" if work.special else name, str(work)]
        line += _share(row["gain"], row["target"], "{:.2f} x")
        lines.append([*line, f"{row['share of processes']:.0%}"])
    return table(head, lines)


def _share(value: float, target: float | None, form: str = "{:.0%}") -> list[str]:
    if target is None:
        return [form.format(value), ""]
    met = "met" if value >= target else "missed"
    return [form.format(value), f"{form.format(target)} {met}"]
