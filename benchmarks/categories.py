"""Categories: time of a step with 4 to 50,000 categories, and the memory of a fit.

The net has one categorical feature with random codes, 64 units, float32, and one thread. The time
of a training step is the time of additional epochs of `fit` divided by their number of steps.
"numbers" is the same net with one numeric feature.
"""

from __future__ import annotations

import ctypes
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.machine import describe, headline
from benchmarks.memory import _status
from benchmarks.report import table, write_json
from sklstm import LSTMRegressor

COUNTS = (None, 4, 1000, 50_000)  # None: numbers
UNITS, BATCH, STEPS, BATCHES = 64, 32, 100, 20
ROUNDS, STREAMED, EPOCHS = 5, 20_000, 4
SOLVERS: dict[str, dict[str, Any]] = {
    "SGD": {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 1e-3},
    "Adam": {"solver": "adam"},
}
COLUMNS = ("predict", "fit, SGD", "fit, Adam", "stream step", "stream learn")


def model(count: int | None, **settings: Any) -> LSTMRegressor:
    chosen = None if count is None else [0]
    settings = {"n_jobs": 1, "random_state": 0, "batch_size": BATCH} | settings
    return LSTMRegressor(UNITS, categorical_features=chosen, **settings)


def data(count: int | None) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    shape = (BATCHES * BATCH, STEPS, 1)
    if count is None:
        X = rng.normal(size=shape)
    else:
        X = rng.permutation(np.resize(np.arange(count), shape).ravel()).reshape(shape)
    return X.astype(np.float32), rng.normal(size=len(X))


def seconds(call: Callable[[], object]) -> float:
    start = perf_counter()
    call()
    return perf_counter() - start


def measure(count: int | None) -> dict[str, float]:
    """Nanoseconds of a step of a sequence, by what is done."""
    X, y = data(count)
    n_steps, found = X.shape[0] * X.shape[1], {}
    for name, settings in SOLVERS.items():
        few, more = (model(count, **settings, max_iter=n) for n in (1, 1 + EPOCHS))
        times = [
            seconds(partial(more.fit, X, y)) - seconds(partial(few.fit, X, y))
            for _ in range(ROUNDS)
        ]
        found[f"fit, {name}"] = median(times) / EPOCHS / n_steps
    fitted = model(count, **SOLVERS["SGD"], max_iter=1).fit(X, y)
    found["predict"] = median(seconds(lambda: fitted.predict(X)) for _ in range(ROUNDS)) / n_steps
    block, targets = X.reshape(-1, 1)[:STREAMED], np.zeros(STREAMED)
    stream = fitted.stream()
    found["stream step"] = median(seconds(lambda: stream.steps(block)) for _ in range(ROUNDS))
    # a target at every tenth step
    weights = (np.arange(STREAMED) % 10 == 0).astype(float)
    found["stream learn"] = median(
        seconds(lambda: stream.reset().learn_steps(block, targets, weights)) for _ in range(ROUNDS)
    )
    for name in ("stream step", "stream learn"):
        found[name] /= STREAMED
    return {name: found[name] * 1e9 for name in COLUMNS}


def memory(count: int) -> dict[str, float]:
    """Numbers of the table, and bytes that fit takes and keeps, over those of the table."""
    X, y = data(count)
    found = {}
    for name, settings in SOLVERS.items():
        estimator = model(count, **settings, max_iter=2)
        if hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
            libc.malloc_trim(0)
        before = _status("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")
        estimator.fit(X, y)
        found[f"peak, {name}"] = float(_status("VmHWM") - before)
        found[f"kept, {name}"] = float(_status("VmRSS") - before)
    return found


def main(argv: Sequence[str]) -> None:
    """Print the tables, and write them if a file is given."""
    parser = ArgumentParser(prog="python -m benchmarks categories", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the results to this file")
    arguments = parser.parse_args(argv)
    print(headline(), end="\n\n")
    times = {count: measure(count) for count in COUNTS}
    print("Nanoseconds of a step:\n")
    print(table(("categories", *COLUMNS), [_row(count, found) for count, found in times.items()]))
    results: dict[str, Any] = {"nanoseconds": {str(k): v for k, v in times.items()}}
    if Path("/proc/self/clear_refs").exists():
        largest = COUNTS[-1]
        of_table = 4.0 * 4 * UNITS * largest
        results["bytes"] = {"table": of_table} | memory(largest)
        print(f"\nMemory at {largest} categories, as tables of {of_table / 2**20:.0f} MiB:")
        for name, n_bytes in results["bytes"].items():
            print(f"  {name}: {n_bytes / of_table:.2f}")
    write_json(arguments.json, {"machine": describe()} | results)


def _row(count: int | None, found: dict[str, float]) -> list[str]:
    return ["numbers" if count is None else f"{count:,}", *(f"{found[n]:,.0f}" for n in COLUMNS)]
