"""Profile: how the time of one ``fit`` is divided, and the share of Python.

Compiled calls are timed in separate loops, and the whole fit from outside. The difference is
Python: the training loop between the calls, and the work of ``fit`` before and after it.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.machine import describe, headline
from benchmarks.report import table, write_json
from benchmarks.work import Sklstm, Work
from sklstm import _base
from sklstm._solvers import SGD

SIZES = (Work("training", 1, 100, 2, 8), Work("training", 32, 100, 8, 32))
TARGET = 1 / 3  # of Python, at the first size


def main(argv: Sequence[str]) -> None:
    """Print a table for each size, and write them if a file is given."""
    parser = ArgumentParser(prog="python -m benchmarks profile", description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=0.3, help="duration of a fit (default: 0.3)"
    )
    parser.add_argument(
        "--rounds", type=int, default=7, help="measurements, whose median counts (default: 7)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the results to this file")
    arguments = parser.parse_args(argv)
    print(headline())
    results = []
    for work in SIZES:
        for gradient in ("full", "truncated"):
            result = profile(work, gradient, arguments.seconds, arguments.rounds)
            results.append(result)
            how = f"{gradient} gradient, one thread, SGD, {result['steps']} steps"
            print(f"\nOne fit at {work}, {how}:\n")
            print(markdown(result))
    write_json(arguments.json, {"machine": describe(), "profile": results})


def profile(work: Work, gradient: str, seconds: float, rounds: int) -> dict[str, Any]:
    """Seconds of the parts of a ``fit`` that lasts about ``seconds``: medians."""
    ours = Sklstm(work, 1, gradient)
    start = perf_counter()
    n = ours.run(1)
    n_epochs = max(1, round(seconds / (perf_counter() - start)))
    n *= n_epochs
    times: dict[str, list[float]] = {name: [] for name in ("fit", "loop", "gradient", "step")}
    for _ in range(rounds):
        whole, loop, pieces = _watched_fit(ours, n)
        times["fit"].append(whole)
        times["loop"].append(loop)
        for name, call in pieces.items():
            times[name].append(_seconds(call))
    medians = {name: median(found) for name, found in times.items()}
    parts = {
        "gradient (compiled)": medians["gradient"],
        "update (compiled)": medians["step"],
        "training loop (Python)": medians["loop"] - medians["gradient"] - medians["step"],
        "before and after the loop (Python)": medians["fit"] - medians["loop"],
    }
    python = medians["fit"] - medians["gradient"] - medians["step"]
    return {
        "work": work.as_dict(),
        "gradient": gradient,
        "steps": n,
        "seconds": medians["fit"],
        "parts": parts,
        "python": python / medians["fit"],
    }


def _watched_fit(ours: Sklstm, n: int) -> tuple[float, float, dict[str, Callable[[], None]]]:
    """A fit of ``n`` steps: its seconds, those of its training loop, and its compiled calls again.

    The calls are functions that make them as often as the fit did, on the same data.
    """
    original, seen = _base.train, {}

    def watched(vector, trainer, solver, records, order, **settings):
        start = perf_counter()
        end = original(vector, trainer, solver, records, order, **settings)
        seen["loop"] = perf_counter() - start
        seen["trainer"] = trainer
        return end

    _base.train = watched
    try:
        whole = _seconds(lambda: ours.run(n))
    finally:
        _base.train = original

    trainer, work, model = seen["trainer"], ours.work, ours.model
    order = np.arange(len(ours.X))
    batches = [order[first : first + work.batch] for first in range(0, len(order), work.batch)]
    n_epochs = n // len(batches)
    vector = model.parameters_.copy()
    step, _ = SGD(SGD.start(vector, model), model).step_on(vector, trainer.found)

    def gradients() -> None:
        gradient = trainer.gradient
        for _ in range(n_epochs):
            for rows in batches:
                gradient(rows)

    def steps() -> None:
        for _ in range(n):
            step()

    return whole, seen["loop"], {"gradient": gradients, "step": steps}


def markdown(result: dict[str, Any]) -> str:
    """The parts of one fit as a table, with the time per step."""
    rows = [
        (name, f"{seconds / result['steps'] * 1e6:.2f} us", f"{seconds / result['seconds']:.1%}")
        for name, seconds in result["parts"].items()
    ]
    rows.append(("all", f"{result['seconds'] / result['steps'] * 1e6:.2f} us", "100.0%"))
    python = f"{result['python']:.1%}"
    if result["work"]["batch"] == 1:
        python += f" (at most {TARGET:.0%}: {'met' if result['python'] <= TARGET else 'missed'})"
    rows.append(("of it Python", "", python))
    return table(("part", "per step", "share"), rows)


def _seconds(call: Callable[[], Any]) -> float:
    start = perf_counter()
    call()
    return perf_counter() - start
