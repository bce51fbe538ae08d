"""Scores of predictions. A row is a sequence or a step."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import sqrt
from typing import Any

import numpy as np

from sklstm._numbers import shares

NOTHING = (
    "There is nothing to score: no row has a target and a weight above zero. Check the missing "
    "values in y and sample_weight."
)


def accuracy(predicted: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> float:
    """Weighted fraction of rows that are correct in all columns."""
    if predicted.shape != labels.shape:
        expected, given = (a.shape[1] if a.ndim == 2 else 1 for a in (predicted, labels))
        raise ValueError(f"y has {given} labels per row, but {expected} are predicted.")
    if not weights.any():
        raise ValueError(
            "There is nothing to score: sample_weight is zero everywhere. Set at least one weight "
            "above zero."
        )
    counts = weights > 0  # labels of the other rows may be invalid
    right = np.asarray(predicted[counts] == labels[counts])
    right = right if right.ndim == 1 else right.all(axis=1)
    return float(np.average(right, weights=shares(weights[counts])[0]))


def r2(
    predicted: np.ndarray, targets: np.ndarray, weights: np.ndarray, quantiles: Any = None
) -> float:
    """Mean of R² over outputs."""
    from sklearn.metrics import r2_score  # this import takes longer than all of sklstm

    if not np.isnan(targets).any() and weights.all():
        return float(r2_score(targets, predicted, sample_weight=shares(weights)[0]))
    return _over_outputs(r2_score, predicted, targets, weights)


def d2_absolute(
    predicted: np.ndarray, targets: np.ndarray, weights: np.ndarray, quantiles: Any
) -> float:
    """Mean over outputs of D² for the absolute error."""
    from sklearn.metrics import d2_absolute_error_score

    return _over_outputs(d2_absolute_error_score, predicted, targets, weights)


def d2_quantiles(
    predicted: np.ndarray, targets: np.ndarray, weights: np.ndarray, quantiles: np.ndarray
) -> float:
    """Mean over outputs and quantiles of D² for the pinball loss.

    ``predicted`` is (rows, K, Q), or (rows, K) for one quantile.
    """
    from sklearn.metrics import d2_pinball_score

    predicted = predicted.reshape(*targets.shape, len(quantiles))
    scores = [
        _over_outputs(partial(d2_pinball_score, alpha=level), predicted[..., q], targets, weights)
        for q, level in enumerate(quantiles)
    ]
    return float(np.mean(scores))


def d2_poisson(
    predicted: np.ndarray, targets: np.ndarray, weights: np.ndarray, quantiles: Any
) -> float:
    """Mean over outputs of D² for the Poisson deviance."""
    limits = np.finfo(np.float64)
    # the deviance is not defined where the exponential has underflowed or overflowed
    predicted = np.clip(np.asarray(predicted, dtype=np.float64), limits.tiny, sqrt(limits.max))
    return _over_outputs(_d2_poisson_of_one, predicted, targets, weights)


def _d2_poisson_of_one(
    targets: np.ndarray, predicted: np.ndarray, sample_weight: np.ndarray
) -> float:
    from sklearn.metrics import d2_tweedie_score

    if len(targets) > 1 and (targets == targets[0]).all():  # as scikit-learn's other scores do
        return float((predicted == targets).all())
    return d2_tweedie_score(targets, predicted, sample_weight=sample_weight, power=1)


def _over_outputs(
    score: Callable[..., float], predicted: np.ndarray, targets: np.ndarray, weights: np.ndarray
) -> float:
    """Mean over outputs of a score of the rows with a target; rows with NaN are ignored."""
    known = ~np.isnan(targets) & (weights > 0)[:, None]
    if not known.any():
        raise ValueError(NOTHING)
    scores = [
        score(targets[rows, k], predicted[rows, k], sample_weight=shares(weights[rows])[0])
        for k, rows in enumerate(known.T)
        if rows.any()
    ]
    return float(np.mean(scores))
