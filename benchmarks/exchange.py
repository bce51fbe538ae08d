"""Exchange of gradients: the round trip of a training step between two processes, MPI and Ray.

Both processes run on this machine, so the times do not include a network. The table also has the
times of one process with one thread: the gradient of some sequences, and a step of the solver. The
last columns are sequences per process and step. With that many, the gradient takes nine times as
long as the round trip. Install ``mpi4py openmpi`` and ``ray``. If one is missing, it is skipped.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from argparse import SUPPRESS, ArgumentParser
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from math import ceil
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.machine import describe, headline
from benchmarks.report import table, write_json
from benchmarks.speed import readable
from sklstm import LSTMRegressor

SIZES = 1_000, 100_000  # parameters, about
SEQUENCES, STEPS, FEATURES = 64, 100, 8
PROCESSES, WARM_UP, ROUNDS = 2, 10, 200
ROOT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}  # containers
NINE_TENTHS = 9
Sums = tuple[float, float, np.ndarray]


def main(argv: Sequence[str]) -> None:
    """Print the table, and write it with every time taken if a file is given."""
    parser = ArgumentParser(prog="python -m benchmarks exchange", description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help=f"measurements of each (default: {ROUNDS})"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="save every time to this file")
    parser.add_argument("--rank", action="store_true", help=SUPPRESS)  # what mpiexec starts
    arguments = parser.parse_args(argv)
    if arguments.rank:
        rank(arguments.rounds)
        return
    print(headline())
    print("".join(f"{name} {number}\n" for name, number in versions().items()))
    measured = {"here": here(arguments.rounds)}
    for name, measure in (("MPI", by_mpi), ("Ray", by_ray)):
        try:
            measured[name] = measure(arguments.rounds)
        except ImportError as missing:
            print(f"Skipped: {missing}.")
    print(f"\n{markdown(measured)}")
    settings = {"sequences": SEQUENCES, "steps": STEPS, "features": FEATURES}
    write_json(
        arguments.json,
        {"machine": describe() | versions(), "settings": settings, "exchange": measured},
    )


def model_of(n: int) -> LSTMRegressor:
    """A network of one layer with about ``n`` parameters, on one thread."""

    def parameters(units: int) -> int:
        return 4 * units * (FEATURES + units + 1) + units + 1

    units = min(range(1, 2 + round(n**0.5)), key=lambda units: abs(parameters(units) - n))
    return LSTMRegressor(units, random_state=0, n_jobs=1).initialize(FEATURES)


def here(rounds: int) -> list[dict[str, Any]]:
    """Gradient and step of the solver in this process, for each size."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(SEQUENCES, STEPS, FEATURES)), rng.normal(size=SEQUENCES)
    found = []
    for n in SIZES:
        model = model_of(n)
        _, weight, gradient = model.compute_gradient(X, y)
        found.append(
            {
                "parameters": len(model.parameters_),
                "gradient": times(lambda: model.compute_gradient(X, y), max(3, rounds // 10)),  # noqa: B023
                "step": times(lambda: model.apply_gradient(gradient, weight), rounds),  # noqa: B023
            }
        )
    return found


def by_mpi(rounds: int) -> list[list[float]]:
    """Seconds of each round trip between ranks that this starts, for each size."""
    beside = Path(sys.executable).parent / "mpiexec"
    mpiexec = str(beside) if beside.exists() else shutil.which("mpiexec")
    if find_spec("mpi4py") is None or mpiexec is None:
        raise ImportError("mpi4py or an MPI is not installed")
    command = [mpiexec, "-n", str(PROCESSES), sys.executable, "-m", "mpi4py", "-m", "benchmarks"]
    command += ["exchange", "--rank", "--rounds", str(rounds)]
    ended = subprocess.run(command, env=os.environ | ROOT, stdout=subprocess.PIPE, check=True)
    return json.loads(ended.stdout)


def rank(rounds: int) -> None:
    """Exchange sums with the other ranks, as in `examples/beyond/train_mpi.py`."""
    from mpi4py import MPI

    ranks = MPI.COMM_WORLD

    def round_trip() -> Sums:
        found = {part: sums for each in ranks.allgather(mine) for part, sums in each.items()}
        return added([found[part] for part in range(ranks.size)])

    found = []
    for n in SIZES:
        mine = {ranks.rank: (0.0, 1.0, model_of(n).parameters_)}
        found.append(times(round_trip, rounds))
    if ranks.rank == 0:
        print(json.dumps(found))


def by_ray(rounds: int) -> list[list[float]]:
    """Seconds of each round trip between this process and its workers, for each size."""
    if find_spec("ray") is None:
        raise ImportError("Ray is not installed")
    import ray

    @ray.remote(num_cpus=1)
    class Worker:
        def gradient(self, model: LSTMRegressor) -> Sums:
            return 0.0, 1.0, model.parameters_

    ray.init(
        num_cpus=PROCESSES, include_dashboard=False, log_to_driver=False, logging_level="error"
    )
    workers = [Worker.remote() for _ in range(PROCESSES)]

    def round_trip(model: LSTMRegressor) -> Sums:
        sent = ray.put(model)
        return added(ray.get([worker.gradient.remote(sent) for worker in workers]))

    try:
        return [times(lambda: round_trip(model), rounds) for model in map(model_of, SIZES)]  # noqa: B023
    finally:
        ray.shutdown()


def added(in_order: Sequence[Sums]) -> Sums:
    """The sums over all parts."""
    loss, weight, gradient = (sum(values) for values in zip(*in_order, strict=True))
    return loss, weight, gradient


def times(function: Callable[[], Any], rounds: int) -> list[float]:
    """Seconds of each call, after some that do not count."""
    for _ in range(WARM_UP):
        function()
    found = []
    for _ in range(rounds):
        start = perf_counter()
        function()
        found.append(perf_counter() - start)
    return found


def enough(trip: float, gradient: float) -> int:
    """Sequences whose gradient takes nine times as long as a round trip."""
    return ceil(NINE_TENTHS * trip / (gradient / SEQUENCES))


def versions() -> dict[str, str]:
    """Those of the engines that are installed."""
    found = {}
    for package in ("mpi4py", "openmpi", "ray"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def markdown(measured: dict[str, Any]) -> str:
    """The table of the medians."""
    engines = [name for name in measured if name != "here"]
    head = ["parameters", f"gradient of {SEQUENCES} sequences", "solver"]
    head += [f"{name} round trip" for name in engines]
    head += [f"sequences for 90 % with {name}" for name in engines]
    rows = []
    for k, size in enumerate(measured["here"]):
        gradient, step = median(size["gradient"]), median(size["step"])
        trips = [median(measured[name][k]) for name in engines]
        row = [f"{size['parameters']:,}", *map(readable, (gradient, step, *trips))]
        rows.append(row + [f"{enough(trip, gradient):,}" for trip in trips])
    return table(head, rows)
