"""MiniRocket of aeon: random convolutions and a linear model, for whole sequences."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from benchmarks.systems.rows import padded
from benchmarks.tasks.dataset import Dataset, standardised

SHORTEST = 9  # steps that its kernels need


def fit(data: Dataset, seed: int) -> Callable[[], Any]:
    from aeon.classification.convolution_based import MiniRocketClassifier
    from aeon.regression.convolution_based import MiniRocketRegressor

    scaled, length = standardised(data), max(SHORTEST, *map(len, data.X))

    def inputs(X: list[np.ndarray]) -> np.ndarray:
        # contiguous, as in compile_kernels: another layout is compiled anew
        return np.ascontiguousarray(padded(X, length).transpose(0, 2, 1), dtype=float)

    kind = MiniRocketClassifier if data.task == "classification" else MiniRocketRegressor
    model = kind(random_state=seed, n_jobs=1).fit(inputs(scaled.X), data.y)
    return lambda: model.predict(inputs(scaled.X_test))


@lru_cache
def compile_kernels() -> None:
    """With one feature and with several, so that no fit has to wait for the compiler."""
    from aeon.classification.convolution_based import MiniRocketClassifier

    rng, y = np.random.default_rng(0), np.array(list("ababaabb"))
    for n_features in (1, 2):
        X = rng.normal(size=(8, n_features, 20))
        MiniRocketClassifier(random_state=0, n_kernels=84).fit(X, y).predict(X)
