"""Statistics of each feature over all steps of all sequences. Missing values are ignored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklstm._numbers import shares
from sklstm._sequences import Sequences
from sklstm._targets import Rows, read_weights

# Numbers per chunk of moments. It limits the size of the float64 copies and keeps sums short.
CHUNK = 2**20


def weighted_steps(sequences: Sequences, sample_weight: Any) -> tuple[np.ndarray, Any]:
    """The steps (N, F) with a weight above 0, and their weights (N,), or None without weights.

    All steps of a sequence have its weight. Sequences of weight 0 are dropped.
    """
    if sample_weight is None:
        return sequences.values, None
    weights = read_weights(sample_weight, Rows(sequences, per_step=False))
    if not weights.any():
        raise ValueError(
            "Sample weights are zero for all sequences: at least one must be above zero."
        )
    weights = np.repeat(weights, sequences.lengths)
    return sequences.values[weights > 0], weights[weights > 0]


@dataclass(frozen=True)
class Moments:
    """Mean and variance of each feature.

    Attributes
    ----------
    n : ndarray of shape (F,)
        Values of each feature, or the sum of their weights.
    mean, var : ndarray of shape (F,), float64
        0 where there is no value.
    """

    n: np.ndarray
    mean: np.ndarray
    var: np.ndarray

    @classmethod
    def of_nothing(cls, n_features: int) -> Moments:
        return cls(np.zeros(n_features, int), *np.zeros((2, n_features)))

    @classmethod
    def _of(cls, values: np.ndarray, weights: np.ndarray | None) -> Moments:
        """Moments of some steps, in two passes about the first value of each feature.

        So the variance of a constant feature is exactly 0, and a large mean costs no digits.
        """
        present = ~np.isnan(values)
        power = 0
        if weights is not None:
            weights, power = shares(weights)
        counts = present if weights is None else present * weights[:, np.newaxis]
        n = counts.sum(axis=0)
        first = values[present.argmax(axis=0), np.arange(values.shape[1])]
        origin = np.where(n > 0, first, 0).astype(np.float64)
        apart = np.where(present, values - origin, 0)
        divisor = np.where(n > 0, n, 1)
        mean = (counts * apart).sum(axis=0) / divisor
        var = (counts * (apart - mean) ** 2).sum(axis=0) / divisor
        return cls(n if weights is None else np.ldexp(n, power), origin + mean, var)

    def joined(self, other: Moments) -> Moments:
        """Moments of the values of both, by the formulas of Chan, Golub & LeVeque (1983)."""
        total = self.n + other.n
        share = other.n / np.where(total > 0, total, 1)
        shift = other.mean - self.mean
        return Moments(
            total,
            self.mean + share * shift,
            (1 - share) * (self.var + share * shift**2) + share * other.var,
        )

    def with_steps(self, values: np.ndarray, weights: np.ndarray | None) -> Moments:
        """Moments that include further steps (N, F), which may have weights (N,)."""
        moments = self
        size = max(1, CHUNK // values.shape[1])
        for start in range(0, len(values), size):
            chunk = slice(start, start + size)
            part = None if weights is None else weights[chunk]
            moments = moments.joined(self._of(values[chunk], part))
        return moments


def medians(values: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Median of each feature (F,), float64. 0 for a feature without any value.

    Half of the weight is on either side of the median. If that holds for all numbers between two
    values, the median is their mean. So an integer weight w equals w copies of the sequence.
    """
    found = np.zeros(values.shape[1])
    for k, column in enumerate(values.T):
        present = ~np.isnan(column)
        if not present.any():
            continue
        counts = np.ones(len(column)) if weights is None else shares(weights)[0]
        order = np.argsort(column[present])
        ordered, upto = column[present][order], np.cumsum(counts[present][order])
        sides = [np.searchsorted(upto, upto[-1] / 2, side) for side in ("left", "right")]
        found[k] = (ordered[sides].astype(np.float64) / 2).sum()
    return found
