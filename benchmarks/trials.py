"""Trials of the 1997 experiments: time of a training step, its floor, and the share of Python.

The floor is the time to touch each weight and trace of the step once, see floor.py.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from subprocess import CalledProcessError
from time import perf_counter

from benchmarks.floor import Floor, touched
from benchmarks.machine import describe, headline
from benchmarks.report import table, write_json
from sklstm.paper import _kernel
from sklstm.paper._criterion import criterion_of
from sklstm.paper._nets import net_of
from sklstm.paper._readings import AS_PRINTED
from sklstm.paper._rows import select
from sklstm.paper._run import kernel_of
from sklstm.paper._tasks import NEXT_SYMBOL, NUMBERS, task_of

ROWS = ("1:3x2,lr=0.1", "2a", "2c:q=50,p=50", "2c:q=1000,p=1000", "3a:T=1000", "4:T=1000", "6b")
STEPS = 200_000  # of every lane


def measure(name: str, floor: Floor | None) -> dict[str, float]:
    """Time of `STEPS` steps with a net in every lane: per step and net, and in Python."""
    row = select(name)[0]
    start = perf_counter()
    net, task = net_of(row, AS_PRINTED), task_of(row, AS_PRINTED, 0)
    # a window error that no net can reach: nothing but training
    criterion = replace(criterion_of(row, AS_PRINTED, 10**9), window_error=-1.0)
    kernel = kernel_of(row, AS_PRINTED, task, criterion)
    for lane in range(_kernel.lanes):
        kernel.start(lane, lane, net.vector(lane))
    begun = perf_counter()
    kernel.run(STEPS)
    ended = perf_counter()
    for lane in range(_kernel.lanes):
        kernel.record(lane)
    found = {
        "weights": net.n_weights,
        "ns_per_step": (ended - begun) / STEPS / _kernel.lanes * 1e9,
        "python_ms": (perf_counter() - start - (ended - begun)) * 1e3,
    }
    if floor is None:
        return found
    numbers = touched(
        net,
        symbols=row.experiment not in NUMBERS,
        feedback=AS_PRINTED.feedback,
        targets=1 if row.experiment in NEXT_SYMBOL else 1 / row.mean_steps,
        updates=1 / row.mean_steps,
    )
    least = floor.nanoseconds(numbers)
    about = {"numbers_read": numbers.read, "numbers_changed": numbers.changed}
    about["functions"] = numbers.functions
    return found | about | {"floor_ns": least, "times_floor": found["ns_per_step"] / least}


def markdown(results: dict[str, dict[str, float]]) -> str:
    """The table of the page on the cost of a step."""
    head = ["row", "weights", "read", "changed", "functions", "floor, ns", "step, ns", "ratio"]
    rows = [
        [
            f"`{name}`",
            *(
                f"{found[key]:,}" if key in found else "-"
                for key in ("weights", "numbers_read", "numbers_changed", "functions")
            ),
            f"{found['floor_ns']:.1f}" if "floor_ns" in found else "-",
            f"{found['ns_per_step']:.0f}",
            f"{found['times_floor']:.1f}" if "floor_ns" in found else "-",
        ]
        for name, found in results.items()
    ]
    return table(head, rows)


def main(argv: Sequence[str]) -> int:
    parser = ArgumentParser(prog="python -m benchmarks trials", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the figures to this file")
    arguments = parser.parse_args(argv)
    try:
        floor = Floor()
    except (FileNotFoundError, CalledProcessError) as error:
        print(f"Skipped the floor: {error}.\n")
        floor = None
    results = {name: measure(name, floor) for name in ROWS}
    print(f"{headline()}; {_kernel.lanes} nets side by side on one core, float64\n")
    print(markdown(results))
    if arguments.json:
        write_json(arguments.json, {"machine": describe(), "rows": results})
    return 0
