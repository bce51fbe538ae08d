"""What is compared on the real tasks: each module has a function that fits and returns `predict`.

The packages that a system needs are imported where it is fitted, so that the others can do without.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib.util import find_spec
from time import process_time
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.systems import estimators, points, relative, rocket, rows, torch_recipe
from benchmarks.tasks.dataset import Dataset

__all__ = ["SEEDLESS", "SYSTEMS", "TITLES", "applies", "measure", "missing", "score"]

Predict = Callable[[], Any]  # for the sequences of the test part

SYSTEMS: dict[str, Callable[[Dataset, int], Predict]] = {
    "ours": estimators.fit,
    "points": points.fit,
    "vote": points.fit_vote,
    "relative": relative.fit,
    "torch": torch_recipe.fit,
    "minirocket": rocket.fit,
    "linear": rows.fit_linear,
    "boosting": rows.fit_boosting,
}
TITLES = {
    "ours": "sklstm",
    "points": "sklstm, points",
    "vote": "sklstm, points, vote",
    "relative": "sklstm, relative",
    "torch": "PyTorch recipe",
    "minirocket": "MiniRocket",
    "linear": "linear",
    "boosting": "boosting",
}
SEEDLESS = ("linear", "boosting")  # every seed gives the same
_NEEDS = {
    **dict.fromkeys(("ours", "points", "vote", "relative"), "sklstm"),
    "torch": "torch",
    "minirocket": "aeon",
}


def missing(system: str) -> str | None:
    """The package that a system needs and that is not installed."""
    package = _NEEDS.get(system)
    return package if package and find_spec(package) is None else None


def applies(system: str, data: Dataset) -> bool:
    if system == "relative":
        return relative.applies(data)
    return not (data.per_step and system in ("minirocket", "vote"))


def measure(system: str, data: Dataset, seed: int) -> dict[str, float]:
    """Score on the test part, and seconds of processor time that the fit took on one thread."""
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if system == "minirocket":
            rocket.compile_kernels()
        start = process_time()
        predict = SYSTEMS[system](data, seed)
        seconds = process_time() - start
        return {"score": score(data, predict()), "seconds": round(seconds, 3)}


def score(data: Dataset, predicted: Any) -> float:
    """Accuracy or the mean R² of the outputs; all steps count alike, whichever sequence's."""
    y = data.y_test
    if data.per_step:
        y, predicted = np.concatenate(y), np.concatenate(list(predicted))
    predicted = np.asarray(predicted)
    if data.task == "classification":
        return round(float((predicted == y).mean()), 5)
    y, predicted = y.reshape(len(y), -1), predicted.reshape(len(y), -1)
    squares = ((predicted - y) ** 2).sum(axis=0) / ((y - y.mean(axis=0)) ** 2).sum(axis=0)
    return round(float(1 - squares.mean()), 5)
