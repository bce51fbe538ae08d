"""Units of the targets: mean and standard deviation of each output."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklstm._numbers import row_of_numbers, shares


def mean_and_scale(targets: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted mean and standard deviation of each output, (K,) each.

    Parameters
    ----------
    targets : ndarray of shape (rows, K)
        Targets; NaN is ignored.
    weights : ndarray of shape (rows,)
        Weights of the rows.

    Returns
    -------
    mean, scale : ndarray of shape (K,)
        The scale of a constant output is 1. An output without targets has mean 0 and scale 1.
    """
    n_outputs = targets.shape[1]
    mean, scale = np.zeros(n_outputs), np.ones(n_outputs)
    for k, column in enumerate(targets.T):
        rows = ~np.isnan(column) & (weights > 0)
        values, w = column[rows], weights[rows]
        if len(values) == 0:
            continue
        w = shares(w)[0]  # products of tiny weights would lose digits
        w = w / w.max()
        # Relative to one of the values, so that a large mean costs no digits and a constant has
        # variance 0 exactly; in units of the largest distance, so that no square overflows.
        origin = values[0]
        if (values == origin).all():
            mean[k] = origin
            continue
        power = 2.0 ** (np.frexp(np.abs(values).max())[1] - 1)  # division by it does not round
        apart = values / power - origin / power
        largest = np.abs(apart).max()
        apart /= largest
        middle = np.average(apart, weights=w)
        mean[k] = (origin / power + largest * middle) * power
        scale[k] = largest * np.sqrt(np.average((apart - middle) ** 2, weights=w)) * power
    return mean, scale


def mean_as_scale(targets: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Zeros and the weighted mean of each output, (K,) each, as units of non-negative targets.

    The scale of an output that is always 0, or that has no targets, is 1.
    """
    mean, _ = mean_and_scale(targets, weights)
    return np.zeros_like(mean), np.where(mean > 0, mean, 1.0)


def per_output(
    value: Any, default: float, n_outputs: int, name: str, *, positive: bool = False
) -> np.ndarray:
    """An argument as one number per output, (n_outputs,) float64, or an error that names it."""
    numbers = row_of_numbers(default if value is None else value)
    if (
        numbers is None
        or len(numbers) not in (1, n_outputs)
        or not np.isfinite(numbers).all()
        or (positive and not (numbers > 0).all())
    ):
        kind = "finite numbers above 0" if positive else "finite numbers"
        raise ValueError(f"{name} must be {kind}, one or {n_outputs} (n_outputs), got {value!r}.")
    return np.full(n_outputs, numbers, dtype=np.float64)
