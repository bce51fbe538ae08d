"""Streams: time of a step, and of a step with an update, called from Python, also in blocks."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from benchmarks.machine import describe, headline
from benchmarks.report import table, write_json
from sklstm import LSTMRegressor, Stream

SIZES = ((2, 8), (16, 32))
SOLVERS = {"sgd": "SGD", "adam": "Adam"}
DTYPES = ("float32", "float64")
TARGETS = {  # (F, H), what is done -> microseconds it may take in float32
    ((2, 8), "step"): 0.8,
    ((16, 32), "step"): 1.6,
    ((2, 8), "step and learn (SGD)"): 2.5,
    ((16, 32), "step and learn (Adam)"): 9.0,
    ((2, 8), "of steps"): 0.12,
    ((16, 32), "of steps"): 0.35,
    ((2, 8), "of learn_steps (SGD)"): 0.5,
    ((16, 32), "of learn_steps (SGD)"): 6.0,
}
ROUNDS, CALLS = 15, 3000
BLOCK = 300  # steps at once


def microseconds(call: Callable[[], object], calls: int = CALLS, rounds: int = ROUNDS) -> float:
    """Median over rounds of the time of one call."""
    found = []
    for _ in range(rounds):
        start = perf_counter()
        for _ in range(calls):
            call()
        found.append((perf_counter() - start) / calls * 1e6)
    return median(found)


def ours(n_features: int, hidden: int, dtype: str) -> dict[str, Callable[[], object]]:
    """A step, and a step with an update by either solver."""
    x = np.random.default_rng(0).normal(size=n_features).astype(dtype)
    streams = {}
    for solver in SOLVERS:
        model = LSTMRegressor(hidden, solver=solver, clip_norm=None, random_state=0)
        # one batch, as the precision of a model is that of the first X
        streams[solver] = model.partial_fit(x[None, None], [0.0]).stream()

    def learning(stream: Stream) -> Callable[[], object]:
        def both() -> None:
            stream.step(x)
            stream.learn(0.3)

        return both

    only, many = streams["sgd"], np.repeat(x[None], BLOCK, axis=0)
    calls: dict[str, Callable[[], object]] = {
        "step": lambda: only.step(x),
        "of steps": lambda: only.steps(many),
    }
    y = np.full(BLOCK, 0.3)
    for solver, name in SOLVERS.items():
        calls[f"step and learn ({name})"] = learning(streams[solver])
        calls[f"of learn_steps ({name})"] = partial(streams[solver].learn_steps, many, y)
    return calls


def pytorch(n_features: int, hidden: int) -> Callable[[], object] | None:
    """A step of ``nn.LSTMCell`` and ``nn.Linear``, or None without PyTorch."""
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(1)
    cell, head = torch.nn.LSTMCell(n_features, hidden), torch.nn.Linear(hidden, 1)
    state = [torch.zeros(1, hidden), torch.zeros(1, hidden)]
    x = torch.randn(1, n_features)

    def step() -> None:
        with torch.no_grad():
            state[:] = cell(x, (state[0], state[1]))
            head(state[0]).item()

    return step


def main(argv: Sequence[str]) -> None:
    """Print the table, and write it if a file is given."""
    parser = ArgumentParser(prog="python -m benchmarks stream", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the results to this file")
    options = parser.parse_args(argv)
    print(headline(), end="\n\n")
    rows, results = [], []
    for size in SIZES:
        calls = {dtype: ours(*size, dtype) for dtype in DTYPES}
        peer = pytorch(*size)
        other = None if peer is None else microseconds(peer, CALLS // 10)
        for name in calls[DTYPES[0]]:
            steps = BLOCK if name.startswith("of ") else 1
            found = {
                dtype: microseconds(calls[dtype][name], CALLS // steps) / steps for dtype in DTYPES
            }
            target = TARGETS.get((size, name))
            met = target is not None and found["float32"] <= target
            verdict = "" if target is None else f"{target} {'met' if met else 'missed'}"
            torch = f"{other:.1f} us" if other is not None and name == "step" else ""
            times = [f"{found[dtype]:.2f} us" for dtype in DTYPES]
            rows.append((name, str(size), times[0], verdict, times[1], torch))
            results.append({"size": size, "what": name, "microseconds": found, "pytorch": other})
    print(table(("work", "(F, H)", "float32", "target", "float64", "PyTorch step"), rows))
    write_json(options.json, describe() | {"results": results})
