"""How right predictions are, row by row: a row is a sequence or a step."""

from __future__ import annotations

import numpy as np


def accuracy(predicted: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> float:
    """Weighted share of the rows that are right in all columns."""
    if predicted.shape != labels.shape:
        expected, given = (a.shape[1] if a.ndim == 2 else 1 for a in (predicted, labels))
        raise ValueError(f"y has {given} labels per row, but {expected} are predicted.")
    if not weights.any():
        raise ValueError("There is nothing to score: sample_weight is zero everywhere.")
    counts = weights > 0  # the other labels may be anything
    right = np.asarray(predicted[counts] == labels[counts])
    right = right if right.ndim == 1 else right.all(axis=1)
    return float(np.average(right, weights=weights[counts]))


def r2(predicted: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> float:
    """Mean over outputs of R² over the rows that have a target; NaN is none."""
    from sklearn.metrics import r2_score  # costs more than all of sklstm

    known = ~np.isnan(targets) & (weights > 0)[:, None]
    if known.all():
        return float(r2_score(targets, predicted, sample_weight=weights))
    if not known.any():
        raise ValueError("There is nothing to score: no row has a target and a weight.")
    scores = [
        r2_score(targets[rows, k], predicted[rows, k], sample_weight=weights[rows])
        for k, rows in enumerate(known.T)
        if rows.any()
    ]
    return float(np.mean(scores))
