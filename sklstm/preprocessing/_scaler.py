"""Scaling of sequences, feature by feature over all steps."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import OneToOneFeatureMixin

from sklstm._callbacks import one_task
from sklstm._restored import check, require_array
from sklstm._sequences import Sequences
from sklstm._sklearn import _fit_context
from sklstm._snapshots import revised
from sklstm._typing import Categorical
from sklstm.preprocessing._statistics import Moments, weighted_steps
from sklstm.preprocessing._transformer import (
    CATEGORICAL,
    SequenceTransformer,
    as_given,
    for_inverse,
)


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
    categorical_features : array-like of int, str or bool, "from_dtype", default=None
        Features that hold codes of categories and are left as they are, by their numbers, their
        names, or a mask with an entry for each feature. "from_dtype" takes the columns of data
        frames whose type is that of categories. Use the value of the estimator that follows. None:
        all features are scaled.
    features_per_step : int, default=1
        For 2-D ``X`` only: columns that make one time step. Use the value of the estimator that
        follows; with 1, all columns are steps of a single feature and share one mean and one scale.

    Attributes
    ----------
    mean_ : ndarray of shape (n_features,), float64
        Mean of each feature over the steps seen, NaN if it never had a value. 0 if categorical.
    var_ : ndarray of shape (n_features,), float64
        Variance of each feature (divided by the number of steps), NaN if it never had a value.
        1 if categorical.
    scale_ : ndarray of shape (n_features,), float64
        Square root of the variance, 1 for constant and for categorical features.
    n_steps_seen_ : int, float, or ndarray of shape (n_features,)
        Steps that were learned from; the sum of their weights if there were weights. One per
        feature if some have fewer values than others.
    n_features_in_ : int
        Features of a step, or columns if ``X`` was a table.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names, if ``X`` was a data frame or a list of data frames.

    See Also
    --------
    SequenceImputer : Fill in missing values, before the scaler or after it.
    SequenceEncoder : Turn symbols into codes, before the scaler.

    Notes
    -----
    NaN is a missing value, as in :class:`~sklearn.preprocessing.StandardScaler`: statistics leave
    it out, and it is passed on. A feature without any value in training is NaN after ``transform``.
    Estimators that follow raise an error for NaN.

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
        "categorical_features": CATEGORICAL,
        **SequenceTransformer._parameter_constraints,
    }

    def __init__(
        self,
        *,
        with_mean: bool = True,
        with_std: bool = True,
        categorical_features: Categorical = None,
        features_per_step: int = 1,
    ) -> None:
        self.with_mean = with_mean
        self.with_std = with_std
        self.categorical_features = categorical_features
        self.features_per_step = features_per_step

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
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
        with one_task(self, X, y, sample_weight):
            return self._learn(X, sample_weight, first=True)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
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

    def inverse_transform(self, X: Any) -> Any:
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
        now = for_inverse(self, X)
        sequences = now._read_fitted(X)
        original = np.array(sequences.values)
        if now.with_std:
            np.multiply(original, now.scale_, out=original, casting="same_kind")
        if now.with_mean:
            np.add(original, now.mean_, out=original, casting="same_kind")
        return as_given(original, sequences)

    def _check_restored(self) -> None:
        n_features = np.size(self.mean_)
        for name in ("mean_", "var_", "scale_"):
            require_array(name, getattr(self, name), (n_features,), "f")
        seen = np.asarray(self.n_steps_seen_)
        fits = seen.shape in ((), (n_features,)) and seen.dtype.kind in "iuf"
        check(fits, "n_steps_seen_", seen, "a number, or one for each feature")
        super()._check_restored()

    def _learn(self, X: Any, sample_weight: Any, first: bool) -> SequenceScaler:
        with revised(self) as draft:
            sequences = draft._read(X) if first else draft._read_fitted(X)
            seen = Moments.of_nothing(sequences.n_features) if first else draft._seen()
            seen = seen.with_steps(*weighted_steps(sequences, sample_weight))
            n = seen.n
            draft.n_steps_seen_ = n[0].item() if (n == n[0]).all() else n
            draft.mean_, draft.var_ = np.where(n > 0, [seen.mean, seen.var], np.nan)
            if first:
                draft._categorical = draft._codes_in(sequences, X)
            draft.mean_[draft._categorical], draft.var_[draft._categorical] = 0.0, 1.0
            draft.scale_ = np.where(draft.var_ == 0, 1.0, np.sqrt(draft.var_))
        return self

    def _seen(self) -> Moments:
        """The moments of what was learned from, as they go on."""
        n = np.broadcast_to(self.n_steps_seen_, self.mean_.shape)
        return Moments(n, *np.where(n > 0, [self.mean_, self.var_], 0.0))

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
