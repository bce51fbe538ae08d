"""Training on Dask: the time of a step with one and two workers beside that of one process.

All processes run on this machine, with one thread each, so the times do not include a network. The
last columns are not measured. They come from a model: the gradient divided by the number of
workers, the step of the solver, and an exchange of ``a + b w + c w W`` seconds for w workers and W
parameters. a, b and c are fitted to exchanges without a gradient, which are measured here too, so
they include the memory of this machine instead of a network. Install ``distributed``.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from scipy.optimize import nnls

from benchmarks.exchange import model_of
from benchmarks.machine import describe, headline
from benchmarks.report import table, write_json
from benchmarks.speed import readable
from sklstm import LSTMRegressor
from sklstm._sequences import read_sequences
from sklstm._solvers import SOLVERS

SIZES = 1_000, 10_000, 100_000, 1_000_000  # parameters, about
BATCHES = 256, 1024, 8192
STEPS, FEATURES = 20, 8
WORKERS, PREDICTED = (1, 2), (16, 64)
MOST, LEAST, SECONDS = 30, 3, 20.0  # steps of a measurement, and when it ends


def main(argv: Sequence[str]) -> None:
    """Print the table, and write it with every time taken if a file is given."""
    parser = ArgumentParser(prog="python -m benchmarks distributed", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="W")
    parser.add_argument("--batches", type=int, nargs="+", default=BATCHES, metavar="B")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each measurement")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save every time to this file")
    arguments = parser.parse_args(argv)
    print(headline())
    print(f"distributed {version('distributed')}\n")
    sizes, batches, seconds = arguments.sizes, arguments.batches, arguments.seconds
    measured = {"here": in_one_process(sizes, batches, seconds)}
    for n_workers in WORKERS:
        measured[str(n_workers)] = on_workers(n_workers, sizes, batches, seconds)
    print(markdown(measured))
    write_json(
        arguments.json,
        {
            "machine": describe() | {"distributed": version("distributed")},
            "settings": {"steps": STEPS, "features": FEATURES},
            "distributed": measured,
        },
    )


def data(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Sequences and targets, in float32."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, STEPS, FEATURES)).astype(np.float32)
    return X, rng.normal(size=n)


def network_of(size: int) -> LSTMRegressor:
    """A network with about this number of parameters, in float32."""
    model = model_of(size)
    model.parameters_ = model.parameters_.astype(np.float32)
    return model


def in_one_process(
    sizes: Sequence[int], batches: Sequence[int], seconds: float
) -> list[dict[str, Any]]:
    """Gradient and step of the solver on one thread, for each size and batch."""
    found = []
    for size in sizes:
        for batch in batches:
            model, (X, y) = network_of(size), data(batch)
            sequences = read_sequences(model, X, reset=False, dtype=np.float32)
            gradient, step = prepared(model, sequences, y)
            found.append(
                {
                    "parameters": len(model.parameters_),
                    "batch": batch,
                    "gradient": times(gradient, seconds),
                    "step": times(step, seconds / 10),
                }
            )
    return found


def echo(_: Any, vector: np.ndarray) -> np.ndarray:
    """What a worker without a gradient to compute returns."""
    return vector.copy()


def on_workers(
    n_workers: int, sizes: Sequence[int], batches: Sequence[int], seconds: float
) -> dict[str, Any]:
    """Seconds of the gradient for each size and batch, and of an exchange for each size."""
    from distributed import Client, LocalCluster

    from sklstm.distributed._cluster import Cluster
    from sklstm.distributed._partitions import Partitions

    gradients, exchanges = [], []
    with (
        LocalCluster(
            n_workers=n_workers, threads_per_worker=1, dashboard_address=None, silence_logs=50
        ) as here,
        Client(here, direct_to_workers=True) as client,
    ):
        for size in sizes:
            for batch in batches:
                model, (X, y) = network_of(size), data(batch)
                shares = zip(
                    np.array_split(X, n_workers), np.array_split(y, n_workers), strict=True
                )
                cluster = Cluster(client, list(shares), "Partition")
                sequences = read_sequences(
                    model, Partitions(cluster), reset=False, dtype=np.float32
                )
                gradient, _ = prepared(model, sequences, y)
                gradients.append(times(gradient, seconds))
            held, vector = cluster.opened, model.parameters_
            arguments = [()] * n_workers
            exchanges.append(
                times(lambda: cluster.call(echo, held, arguments, vector), seconds)  # noqa: B023
            )
    return {"gradient": gradients, "exchange": exchanges}


def prepared(
    model: LSTMRegressor, sequences: Any, y: np.ndarray
) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """Functions that compute the gradient of all sequences, and make a step along it."""
    vector, weights = np.array(model.parameters_), np.ones(len(y))
    trainer = model._network(vector).trainer(
        sequences,
        y[:, None].astype(np.float32),
        weights,
        weights,
        model._outputs_now().objective,
        n_threads=1,
        batch_size=len(y),
    )
    rows = np.arange(len(y), dtype=np.int64)
    step, _ = trainer.step_on(SOLVERS["adam"](SOLVERS["adam"].start(vector, model), model))
    return lambda: trainer.gradient(rows), step


def times(function: Callable[[], Any], seconds: float) -> list[float]:
    """Seconds of each call, after one that does not count."""
    function()
    found: list[float] = []
    while len(found) < LEAST or (len(found) < MOST and sum(found) < seconds):
        start = perf_counter()
        function()
        found.append(perf_counter() - start)
    return found


def exchange(measured: dict[str, Any]) -> np.ndarray:
    """a, b and c of the seconds ``a + b w + c w W`` of an exchange, by relative least squares."""
    sizes = list(dict.fromkeys(line["parameters"] for line in measured["here"]))
    rows, seconds = [], []
    for n_workers in WORKERS:
        for size, calls in zip(sizes, measured[str(n_workers)]["exchange"], strict=True):
            rows.append([1, n_workers, n_workers * size])
            seconds.append(median(calls))
    return nnls(np.array(rows) / np.array(seconds)[:, None], np.ones(len(rows)))[0]


def predicted(line: dict[str, Any], n_workers: int, cost: np.ndarray) -> float:
    """Seconds of a step by the model."""
    trip = cost @ [1, n_workers, n_workers * line["parameters"]]
    return median(line["gradient"]) / n_workers + trip + median(line["step"])


def markdown(measured: dict[str, Any]) -> str:
    """The table of the medians, and of what the model predicts."""
    cost = exchange(measured)
    head = ["parameters", "batch", "one process"]
    head += [f"{n} worker{'s' * (n > 1)}" for n in WORKERS]
    head += [f"times as fast with {WORKERS[-1]}", *(f"with {n} (model)" for n in PREDICTED)]
    rows = []
    for k, line in enumerate(measured["here"]):
        alone = median(line["gradient"]) + median(line["step"])
        steps = [median(measured[str(n)]["gradient"][k]) + median(line["step"]) for n in WORKERS]
        ratios = [alone / steps[-1], *(alone / predicted(line, n, cost) for n in PREDICTED)]
        rows.append(
            [
                f"{line['parameters']:,}",
                f"{line['batch']:,}",
                *map(readable, (alone, *steps)),
                *(f"{ratio:.2f}" for ratio in ratios),
            ]
        )
    a, b, c = cost * [1e3, 1e3, 1e9]
    return (
        f"{table(head, rows)}\n\nThe model of an exchange: {a:.2f} ms, {b:.2f} ms for each worker, "
        f"and {c:.2f} ns for each worker and parameter."
    )
