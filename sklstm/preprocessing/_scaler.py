"""SequenceScaler: standardise each feature over all steps."""

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

    After scaling, each feature has mean 0 and variance 1 over all steps of the training sequences,
    regardless of their lengths. It does for sequences what
    :class:`~sklearn.preprocessing.StandardScaler` does for tables. Put it before an LSTM in a
    pipeline.

    Parameters
    ----------
    with_mean : bool, default=True
        Subtract the mean. Set it to False to keep zeros at 0, for example in counts.
    with_std : bool, default=True
        Divide by the standard deviation. A constant feature is divided by 1. Set it to False if
        all features have the same unit and their sizes matter.
    categorical_features : array-like of int, str or bool, "from_dtype", default=None
        Features that hold codes of categories. They are not changed. Pass their numbers, their
        names, or a mask with an entry per feature. "from_dtype" takes the columns of data frames
        with a dtype of categories. Use the value of the estimator that follows. With None all
        features are scaled.
    features_per_step : int, default=1
        For 2-D ``X`` only: number of columns of one time step. Use the value of the estimator that
        follows. With 1, all columns are steps of a single feature and share one mean and one scale.

    Attributes
    ----------
    mean_ : ndarray of shape (n_features,), float64
        Mean of each feature over the training steps. NaN if it never had a value, 0 if categorical.
    var_ : ndarray of shape (n_features,), float64
        Variance of each feature (divided by the number of steps). NaN if it never had a value, 1 if
        categorical.
    scale_ : ndarray of shape (n_features,), float64
        Square root of the variance, 1 for constant and for categorical features.
    n_steps_seen_ : int, float, or ndarray of shape (n_features,)
        Number of training steps, or the sum of their weights. One per feature if some features have
        fewer values than others.
    n_features_in_ : int
        Number of features of a step, or of columns if ``X`` was a table.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names, if ``X`` was a data frame or a list of data frames.

    See Also
    --------
    SequenceImputer : Fill in missing values, before or after scaling.
    SequenceEncoder : Encode symbols, before scaling.

    Notes
    -----
    NaN is a missing value, as in :class:`~sklearn.preprocessing.StandardScaler`: it is left out of
    the statistics and stays NaN. A feature without any value in training is NaN after
    ``transform``. The LSTM estimators raise an error for NaN.

    Statistics accumulate in float64. The steps are read in chunks. The moments of a chunk are taken
    about one of its own steps and merged as in Chan, Golub & LeVeque (1983), so that large means
    cost no digits.

    ``set_output`` affects tables only. Lists and 3-D arrays keep their container type.

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
        """Learn the mean and scale of each feature. Earlier statistics are forgotten.

        Parameters
        ----------
        X : array-like of shape (n, T, F), list of (T_i, F) arrays, or table of shape (n, n_columns)
            Sequences, in which NaN is a missing value.
        y : None
            Ignored.
        sample_weight : array-like of shape (n,), default=None
            One weight per sequence, which applies to all its steps. None weights all steps equally.

        Returns
        -------
        self : SequenceScaler
            The fitted transformer.

        Raises
        ------
        ValueError
            If ``X`` or a weight is not valid. The message names the sequence and the step.
        """
        with one_task(self, X, y, sample_weight):
            return self._learn(X, sample_weight, first=True)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Add sequences to the statistics.

        To rounding, the result equals that of one ``fit`` on all sequences.

        Parameters
        ----------
        X : array-like of shape (n, T, F), list of (T_i, F) arrays, or table of shape (n, n_columns)
            Sequences, in which NaN is a missing value.
        y : None
            Ignored.
        sample_weight : array-like of shape (n,), default=None
            One weight per sequence, which applies to all its steps. None weights all steps equally.

        Returns
        -------
        self : SequenceScaler
            The transformer.

        Raises
        ------
        ValueError
            If ``X`` or a weight is not valid. The message names the sequence and the step.
        """
        return self._learn(X, sample_weight, first=not hasattr(self, "n_steps_seen_"))

    def inverse_transform(self, X: Any) -> Any:
        """Undo the scaling.

        Parameters
        ----------
        X : array-like of shape (n, T, F), list of (T_i, F) arrays, or table of shape (n, n_columns)
            Scaled sequences.

        Returns
        -------
        X_original : array or list
            The sequences in their original units, in the container type and shape of ``X``. float32
            if ``X`` is, else float64.

        Raises
        ------
        ValueError
            If ``X`` is not valid. The message names the sequence and the step.
        sklearn.exceptions.NotFittedError
            If the scaler is not fitted.
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
        """The moments so far, to which later steps are added."""
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
        # The statistics are float64, so the arithmetic is float64 and each result is rounded once.
        if self.with_mean:
            np.subtract(scaled, self.mean_, out=scaled, casting="same_kind")
        if self.with_std:
            np.divide(scaled, self.scale_, out=scaled, casting="same_kind")
        return scaled
