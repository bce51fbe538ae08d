"""Scaling of sequences, feature by feature over all steps."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.base import OneToOneFeatureMixin

from sklstm._sequences import Sequences, unchanged_on_error
from sklstm._sklearn import _fit_context
from sklstm._targets import Rows, read_weights
from sklstm.preprocessing._transformer import SequenceTransformer, as_given

# Numbers whose moments are taken at once: bounds the float64 copies and keeps sums short.
CHUNK = 2**20


class SequenceScaler(OneToOneFeatureMixin, SequenceTransformer):
    """Standardise features over all steps of all sequences.

    Each feature gets mean 0 and variance 1 over the steps of the training sequences, whatever their
    lengths. It is to sequences what :class:`~sklearn.preprocessing.StandardScaler` is to tables,
    and stands before an LSTM in a pipeline.

    Parameters
    ----------
    with_mean : bool, default=True
        Subtract the mean.
    with_std : bool, default=True
        Divide by the standard deviation. A constant feature is divided by 1.
    features_per_step : int, default=1
        For 2-D ``X`` only: columns that make one time step. Use the value of the estimator that
        follows; with 1, all columns are steps of a single feature and share one mean and one scale.

    Attributes
    ----------
    mean_ : ndarray of shape (n_features,), float64
        Mean of each feature over the steps seen.
    var_ : ndarray of shape (n_features,), float64
        Variance of each feature (divided by the number of steps).
    scale_ : ndarray of shape (n_features,), float64
        Square root of the variance, 1 for constant features.
    n_steps_seen_ : int or float
        Steps that were learned from; the sum of their weights if there were weights.
    n_features_in_ : int
        Features of a step, or columns if ``X`` was a table.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Column names, if ``X`` was a data frame or a list of data frames.

    Notes
    -----
    Statistics accumulate in float64, chunk by chunk: the moments of a chunk are taken about one of
    its own steps and merged as Chan, Golub & LeVeque (1983) do, so that large means do not cancel.

    Lists and 3-D arrays stay what they are under ``set_output``; tables follow it.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm.preprocessing import SequenceScaler
    >>> X = [np.array([[1.0, 10.0], [2.0, 20.0]]), np.array([[3.0, 60.0]])]
    >>> scaler = SequenceScaler().fit(X)
    >>> scaler.mean_
    array([ 2., 30.])
    >>> [x.shape for x in scaler.transform(X)]
    [(2, 2), (1, 2)]
    """

    _parameter_constraints: ClassVar[dict] = {
        "with_mean": ["boolean"],
        "with_std": ["boolean"],
        **SequenceTransformer._parameter_constraints,
    }

    def __init__(self, *, with_mean=True, with_std=True, features_per_step=1):
        self.with_mean = with_mean
        self.with_std = with_std
        self.features_per_step = features_per_step

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None):
        """Learn mean and scale of each feature, forgetting earlier ones.

        Parameters
        ----------
        X : array-like of shape (n, T, F), list of (T_i, F) arrays, or (n, n_columns)
        y : None
            Ignored.
        sample_weight : array-like of shape (n,), default=None
            One weight per sequence; all steps of a sequence have it.

        Returns
        -------
        self : SequenceScaler
        """
        return self._learn(X, sample_weight, first=True)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, sample_weight=None):
        """Add sequences to the statistics, as if all had been given to one ``fit``.

        Parameters
        ----------
        X : array-like of shape (n, T, F), list of (T_i, F) arrays, or (n, n_columns)
        y : None
            Ignored.
        sample_weight : array-like of shape (n,), default=None
            One weight per sequence.

        Returns
        -------
        self : SequenceScaler
        """
        return self._learn(X, sample_weight, first=not hasattr(self, "n_steps_seen_"))

    def inverse_transform(self, X):
        """Undo the scaling.

        Parameters
        ----------
        X : array-like of shape (n, T, F), list of (T_i, F) arrays, or (n, n_columns)
            Scaled sequences.

        Returns
        -------
        X_original : array or list
            In the container and shape of ``X``; float32 if ``X`` is, else float64.
        """
        sequences = self._read_fitted(X)
        original = np.array(sequences.values)
        if self.with_std:
            np.multiply(original, self.scale_, out=original, casting="same_kind")
        if self.with_mean:
            np.add(original, self.mean_, out=original, casting="same_kind")
        return as_given(original, sequences)

    def _learn(self, X: Any, sample_weight: Any, first: bool) -> SequenceScaler:
        with unchanged_on_error(self):
            sequences = self._read(X) if first else self._read_fitted(X)
            values, weights = sequences.values, None
            if sample_weight is not None:
                weights = np.repeat(_weights(sample_weight, sequences), sequences.lengths)
                values, weights = values[weights > 0], weights[weights > 0]
            if first:
                self.n_steps_seen_ = 0
                self.mean_, self.var_ = np.zeros((2, sequences.n_features))
            size = max(1, CHUNK // sequences.n_features)
            for start in range(0, len(values), size):
                chunk = slice(start, start + size)
                self._merge(*_moments(values[chunk], None if weights is None else weights[chunk]))
            self.scale_ = np.where(self.var_ > 0, np.sqrt(self.var_), 1.0)
        return self

    def _merge(self, n: float, mean: np.ndarray, var: np.ndarray) -> None:
        """Join the moments of n more steps to those seen."""
        total = self.n_steps_seen_ + n
        share = n / total
        shift = mean - self.mean_
        self.mean_ = self.mean_ + share * shift
        self.var_ = (1 - share) * (self.var_ + share * shift**2) + share * var
        self.n_steps_seen_ = total

    @property
    def _n_step_features(self) -> int:
        return len(self.mean_)

    def _transformed(self, sequences: Sequences) -> np.ndarray:
        return self._scaled(sequences.values)

    def _step(self, row: np.ndarray, memory: None) -> tuple[np.ndarray, None]:
        return self._scaled(row), memory

    def _scaled(self, values: np.ndarray) -> np.ndarray:
        """Steps (..., F), standardised."""
        scaled = np.array(values)
        # The statistics are float64: each difference is taken in float64 and only then rounded.
        if self.with_mean:
            np.subtract(scaled, self.mean_, out=scaled, casting="same_kind")
        if self.with_std:
            np.divide(scaled, self.scale_, out=scaled, casting="same_kind")
        return scaled


def _moments(values: np.ndarray, weights: np.ndarray | None) -> tuple[float, Any, Any]:
    """Weight, mean and variance of some steps, in two passes about the first of them.

    So a constant feature has variance 0 exactly, and a large mean takes no digits.
    """
    origin = values[0].astype(np.float64)
    apart = values - origin
    n = len(apart) if weights is None else weights.sum()
    mean = np.average(apart, axis=0, weights=weights)
    var = np.average((apart - mean) ** 2, axis=0, weights=weights)
    return n, origin + mean, var


def _weights(sample_weight: Any, sequences: Sequences) -> np.ndarray:
    """One weight per sequence, (n,) float64, not all of them 0."""
    weights = read_weights(sample_weight, Rows(sequences, per_step=False))
    if not weights.any():
        raise ValueError("Sample weights are zero for all sequences: at least one must count.")
    return weights
