"""Trials of the 1997 experiments: time of a training step, and the share of Python."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from benchmarks.machine import describe, headline
from benchmarks.report import table, write_json
from sklstm.paper import _kernel
from sklstm.paper._criterion import criterion_of
from sklstm.paper._nets import net_of
from sklstm.paper._readings import AS_PRINTED
from sklstm.paper._rows import select
from sklstm.paper._run import kernel_of
from sklstm.paper._tasks import task_of

ROWS = ("1:3x2,lr=0.1", "2a", "2c:q=50,p=50", "2c:q=1000,p=1000", "3a:T=1000", "4:T=1000", "6b")
STEPS = 200_000  # of every lane


def measure(name: str) -> dict[str, float]:
    """Seconds of the kernel and of everything for `STEPS` steps with a net in every lane."""
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
    return {
        "weights": net.n_weights,
        "ns_per_step": (ended - begun) / STEPS / _kernel.lanes * 1e9,
        "python_ms": (perf_counter() - start - (ended - begun)) * 1e3,
    }


def main(argv: Sequence[str]) -> int:
    parser = ArgumentParser(prog="python -m benchmarks trials", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the figures to this file")
    arguments = parser.parse_args(argv)
    results = {name: measure(name) for name in ROWS}
    print(f"{headline()}; {_kernel.lanes} nets side by side on one core, float64\n")
    rows = [
        [
            name,
            f"{found['weights']:,}",
            f"{found['ns_per_step']:.0f} ns",
            f"{found['python_ms']:.0f} ms",
        ]
        for name, found in results.items()
    ]
    print(table(["row", "weights", "a step of one net", "Python, for all trials"], rows))
    if arguments.json:
        write_json(arguments.json, {"machine": describe(), "rows": results})
    return 0
