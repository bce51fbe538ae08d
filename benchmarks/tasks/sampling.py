"""Fewer sequences, and fewer steps, so that a task takes seconds."""

from __future__ import annotations

import numpy as np
from sklearn.model_selection import StratifiedShuffleSplit


def some_of_each_class(y: np.ndarray, n: int | None) -> np.ndarray:
    """``n`` rows, sorted, with each class in proportion; all if there are no more."""
    if n is None or n >= len(y):
        return np.arange(len(y))
    splitter = StratifiedShuffleSplit(1, train_size=n, random_state=0)
    return np.sort(next(splitter.split(y, y))[0])


def some(n_rows: int, n: int) -> np.ndarray:
    """``n`` rows out of ``n_rows``, sorted."""
    if n >= n_rows:
        return np.arange(n_rows)
    rng = np.random.default_rng(7919 * n_rows + n)
    return np.sort(rng.permutation(n_rows)[:n])


def shuffled(n_rows: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).permutation(n_rows)


def averaged(x: np.ndarray, n: int) -> np.ndarray:
    """Means over ``n`` steps in a row; a shorter sequence keeps its first step."""
    if n == 1:
        return x
    if len(x) < n:
        return x[:1]
    n_means = len(x) // n
    return x[: n_means * n].reshape(n_means, n, *x.shape[1:]).mean(axis=1)
