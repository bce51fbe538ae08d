"""Validation splits of training parts, which choose the defaults. Test parts are never read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit, StratifiedShuffleSplit

from benchmarks.tasks.dataset import Dataset

SHARE = 0.25  # held out
STARTS = (0.60, 0.68, 0.76, 0.84, 0.92)  # of what is held out of sequences in order of time


def validation(data: Dataset, seed: int) -> Dataset:
    """The part to learn from alone, its test part a quarter of it.

    At random, stratified, or whole groups where there are any. Of sequences in order of time: the
    fifth from a place that the seed chooses, without those before it that share steps with it.
    """
    train, held_out = split(data, seed)
    return replace(
        data,
        X=_take(data.X, train),
        y=_take(data.y, train),
        X_test=_take(data.X, held_out),
        y_test=_take(data.y, held_out),
        groups=None,
    )


def split(data: Dataset, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the sequences to learn from, and of those held out."""
    n = len(data.X)
    if data.gap is not None:
        first = int(n * STARTS[seed % len(STARTS)])
        return np.arange(first - data.gap), np.arange(first, min(n, first + n // 5))
    if data.groups is not None:
        splitter = GroupShuffleSplit(1, test_size=SHARE, random_state=seed)
        return next(splitter.split(data.X, groups=data.groups))
    if data.task == "classification" and not data.per_step:
        labels, counts = np.unique(data.y, return_counts=True)
        if counts.min() > 1:
            n_test = max(int(SHARE * n), len(labels))
            splitter = StratifiedShuffleSplit(1, test_size=n_test, random_state=seed)
            return next(splitter.split(data.X, data.y))
    return next(ShuffleSplit(1, test_size=SHARE, random_state=seed).split(data.X))


def _take(rows: Any, numbers: np.ndarray) -> Any:
    return rows[numbers] if isinstance(rows, np.ndarray) else [rows[k] for k in numbers]
