"""Models of rows: a sequence as one row, padded with zeros; a step with the ones before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.multioutput import MultiOutputRegressor

from benchmarks.tasks.dataset import Dataset, standardised

CONTEXT = 5  # steps that a target per step is predicted from

Sequences = list[np.ndarray]


def fit_linear(data: Dataset, seed: int) -> Callable[[], Any]:
    """Logistic or ridge regression."""
    if data.task == "classification":
        model = LogisticRegression(max_iter=1000)
    else:
        model = RidgeCV(np.logspace(-3, 4, 15))
    return _fit(data, model, padded_rows)


def fit_boosting(data: Dataset, seed: int) -> Callable[[], Any]:
    """Histogram gradient boosting, which also sees statistics of the sequence."""
    if data.task == "classification":
        model = HistGradientBoostingClassifier(random_state=seed, early_stopping=False)
    else:
        model = HistGradientBoostingRegressor(random_state=seed, early_stopping=False)
        model = MultiOutputRegressor(model) if data.per_step else model
    return _fit(data, model, lambda X, n: np.hstack([padded_rows(X, n), statistics(X)]))


def padded(X: Sequences, length: int) -> np.ndarray:
    """(n, length, F), zeros after the last step; what is longer is cut."""
    rows = np.zeros((len(X), length, X[0].shape[1]), np.float32)
    for row, x in zip(rows, X, strict=True):
        row[: len(x)] = x[:length]
    return rows


def padded_rows(X: Sequences, length: int) -> np.ndarray:
    return padded(X, length).reshape(len(X), -1)


def statistics(X: Sequences) -> np.ndarray:
    """Mean, spread, extremes, last value and change of each feature, and the length."""
    return np.array(
        [
            np.concatenate([x.mean(0), x.std(0), x.min(0), x.max(0), x[-1], x[-1] - x[0], [len(x)]])
            for x in X
        ]
    )


def context(X: Sequences) -> np.ndarray:
    """(all steps, F · CONTEXT): each step and those before it, zeros before the first."""
    rows = []
    for x in X:
        before = np.vstack([np.zeros((CONTEXT - 1, x.shape[1]), x.dtype), x])
        last = CONTEXT - 1
        rows.append(np.hstack([before[last - k : last - k + len(x)] for k in range(CONTEXT)]))
    return np.concatenate(rows)


def _fit(
    data: Dataset, model: Any, rows: Callable[[Sequences, int], np.ndarray]
) -> Callable[[], Any]:
    scaled, length = standardised(data), max(map(len, data.X))

    def inputs(X: Sequences) -> np.ndarray:
        return context(X) if data.per_step else rows(X, length)

    y = np.concatenate(data.y) if data.per_step else data.y
    model.fit(inputs(scaled.X), y)

    def predict() -> Any:
        predicted = model.predict(inputs(scaled.X_test))
        if not data.per_step:
            return predicted
        return np.split(predicted, np.cumsum([len(x) for x in data.X_test])[:-1])

    return predict
