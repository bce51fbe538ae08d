"""What stands before an LSTM: scaling of sequences, padded arrays to lists and back, windows."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin, _fit_context
from sklearn.utils import check_scalar
from sklearn.utils._param_validation import Interval
from sklearn.utils._set_output import _wrap_data_with_container
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from sklstm._numbers import as_typed, numbers, precision
from sklstm._sequences import Sequences, read_sequences, unchanged_on_error, unpack_steps

__all__ = ["SequenceScaler", "from_padded", "sliding_windows", "to_padded"]

# Numbers whose moments are taken at once: bounds the float64 copies and keeps sums short.
CHUNK = 2**20


class _SequenceTransform:
    """``transform`` and ``fit_transform`` outside the class that scikit-learn instruments.

    Its ``set_output`` would make a data frame of everything that they return; lists and 3-D arrays
    have to stay what they are.
    """

    def transform(self, X):
        """Standardise ``X``.

        Parameters
        ----------
        X : array-like of shape (n, T, F), list of (T_i, F) arrays, or (n, n_columns)
            Sequences of any length, or a table of the width that was fitted.

        Returns
        -------
        X_scaled : array or list
            In the container and shape of ``X``; float32 if ``X`` is, else float64.
        """
        sequences = self._read_fitted(X)
        scaled = np.array(sequences.values)
        # The statistics are float64: each difference is taken in float64 and only then rounded.
        if self.with_mean:
            np.subtract(scaled, self.mean_, out=scaled, casting="same_kind")
        if self.with_std:
            np.divide(scaled, self.scale_, out=scaled, casting="same_kind")
        scaled = _unpack(scaled, sequences)
        if sequences.container != "rows":
            return scaled
        return _wrap_data_with_container("transform", scaled, X, self)

    def fit_transform(self, X, y=None, **fit_params):
        """Fit to ``X`` and standardise it.

        Parameters
        ----------
        X : array-like of shape (n, T, F), list of (T_i, F) arrays, or (n, n_columns)
        y : None
            Ignored.
        **fit_params : dict
            ``sample_weight``, as in ``fit``.

        Returns
        -------
        X_scaled : array or list
            In the container and shape of ``X``; float32 if ``X`` is, else float64.
        """
        return self.fit(X, y, **fit_params).transform(X)


class SequenceScaler(OneToOneFeatureMixin, _SequenceTransform, TransformerMixin, BaseEstimator):
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
        Column names, if ``X`` was a table with names.

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
        "features_per_step": [Interval(Integral, 1, None, closed="left")],
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
        return _unpack(original, sequences)

    def _learn(self, X: Any, sample_weight: Any, first: bool) -> SequenceScaler:
        with unchanged_on_error(self):
            sequences = self._read(X) if first else self._read_fitted(X)
            values, weights = sequences.values, None
            if sample_weight is not None:
                weights = np.repeat(_weights(sample_weight, X), sequences.lengths)
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

    def _read(self, X: Any, reset: bool = True) -> Sequences:
        return read_sequences(self, X, reset=reset, features_per_step=self.features_per_step)

    def _read_fitted(self, X: Any) -> Sequences:
        check_is_fitted(self)
        sequences = self._read(X, reset=False)
        if sequences.n_features != len(self.mean_):
            raise ValueError(
                f"features_per_step={self.features_per_step} is not the value of the fit, where a "
                f"step had {len(self.mean_)} features: set it back or fit again."
            )
        return sequences

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def from_padded(X, *, value=np.nan, channels_first=False):
    """Turn an array padded to one length into a list of sequences of their own lengths.

    Padding is what stands at the end of a sequence: steps in which every feature is ``value``. This
    is how tslearn (NaN), aeon (NaN, channels first) and Keras (0, with ``padding="post"``) store
    sequences of different lengths.

    Parameters
    ----------
    X : array-like of shape (n, T, F), (n, F, T) or (n, T)
        Two dimensions are n sequences of one feature.
    value : float, default=nan
        The padding. With 0, zeros that a sequence really ends with are cut as well.
    channels_first : bool, default=False
        Features stand before steps, (n, F, T), as in aeon. For three dimensions only.

    Returns
    -------
    sequences : list of ndarray of shape (T_i, F)
        Copies; float32 if ``X`` is, else float64.

    See Also
    --------
    to_padded : The way back.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm.preprocessing import from_padded
    >>> from_padded([[1.0, 2.0, np.nan], [3.0, np.nan, np.nan]])
    [array([[1.],
           [2.]]), array([[3.]])]
    """
    check_scalar(value, "value", Real)
    array = numbers(_as_one_array(X), lambda index: f"index {index}")
    if array.ndim not in (2, 3) or array.size == 0:
        raise ValueError(
            f"X has shape {array.shape}; expected (n_sequences, n_steps, n_features) or "
            "(n_sequences, n_steps), none of them 0."
        )
    array = array.astype(precision([array.dtype]), copy=False)
    if array.ndim == 2:
        array = array[:, :, np.newaxis]
    elif channels_first:
        array = array.transpose(0, 2, 1)

    is_padding = np.isnan(array) if np.isnan(value) else array == array.dtype.type(value)
    kept = ~is_padding.all(axis=2)
    # From the end backwards, the first step that is kept is the last one of its sequence.
    lengths = np.where(kept.any(axis=1), array.shape[1] - kept[:, ::-1].argmax(axis=1), 0)
    if not lengths.all():
        k = int(np.argmin(lengths))
        raise ValueError(
            f"Sequence {k} of X holds nothing but the padding {value}: it would be empty. Drop it."
        )
    sequences = [steps[:length].copy() for steps, length in zip(array, lengths, strict=True)]
    for k, steps in enumerate(sequences):
        missing = np.isnan(steps).any(axis=1)
        if missing.any():
            raise ValueError(
                f"Sequence {k} of X has NaN at step {missing.argmax()} that is not padding: only "
                "whole steps at the end are. Fill in missing values first; if features stand "
                "before steps, set channels_first=True."
            )
    return sequences


def to_padded(X, *, value=0.0, length=None, channels_first=False):
    """Pad sequences at their end to one length.

    Parameters
    ----------
    X : list, tuple or object array of (T_i, F) arrays, or array of shape (n, T, F) or (n, T)
    value : float, default=0.0
        What is filled in; nan marks the padding beyond doubt.
    length : int, default=None
        Steps of the result; at least those of the longest sequence, which is the default.
    channels_first : bool, default=False
        Return features before steps, (n, F, length), as aeon has it.

    Returns
    -------
    padded : ndarray of shape (n, length, F)
        float32 if all of ``X`` is, else float64.

    See Also
    --------
    from_padded : The way back.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm.preprocessing import to_padded
    >>> to_padded([np.array([[1.0], [2.0]]), np.array([[3.0]])])[:, :, 0]
    array([[1., 2.],
           [3., 0.]])
    """
    check_scalar(value, "value", Real)
    sequences = read_sequences(BaseEstimator(), X, reset=True)
    lengths = sequences.lengths
    if length is None:
        length = int(lengths.max())
    check_scalar(length, "length", Integral, min_val=1)
    if lengths.max() > length:
        k = int(np.argmax(lengths > length))
        raise ValueError(
            f"Sequence {k} of X has {lengths[k]} steps, more than length={length}: cut it first, "
            "[x[:length] for x in X]."
        )
    padded = np.full((len(sequences), length, sequences.n_features), value, sequences.values.dtype)
    padded[np.arange(length) < lengths[:, np.newaxis]] = sequences.values
    return np.ascontiguousarray(padded.transpose(0, 2, 1)) if channels_first else padded


def sliding_windows(series, width, horizon=1, step=1):
    """Cut one long series into windows and what comes after them: forecasting as regression.

    Parameters
    ----------
    series : array-like of shape (T,) or (T, F)
        One time series.
    width : int
        Steps of a window.
    horizon : int, default=1
        The target is this many steps after the last step of the window.
    step : int, default=1
        Steps from the start of one window to the start of the next.

    Returns
    -------
    X : ndarray of shape (n, width, F)
        The windows; F is 1 for a one-dimensional series. float32 if the series is, else float64.
    y : ndarray of shape (n,) or (n, F)
        The targets; one-dimensional if the series is.

    Notes
    -----
    Neighbouring windows overlap: split them in order of time, never at random
    (:class:`~sklearn.model_selection.TimeSeriesSplit` with ``gap=width + horizon - 1``).

    Examples
    --------
    >>> from sklstm.preprocessing import sliding_windows
    >>> X, y = sliding_windows([0.0, 1.0, 2.0, 3.0, 4.0], width=3)
    >>> X[:, :, 0]
    array([[0., 1., 2.],
           [1., 2., 3.]])
    >>> y
    array([3., 4.])
    """
    for name, number in (("width", width), ("horizon", horizon), ("step", step)):
        check_scalar(number, name, Integral, min_val=1)
    array = numbers(as_typed(series), lambda index: f"index {index}", "series")
    if array.ndim not in (1, 2):
        raise ValueError(f"series has shape {array.shape}; expected (n_steps,) or (n_steps, F).")
    array = array.astype(precision([array.dtype]), copy=False)
    if len(array) < width + horizon:
        raise ValueError(
            f"A series of {len(array)} steps has no window of {width} steps with a target "
            f"{horizon} steps after it: it needs {width + horizon} steps."
        )
    targets = array[width + horizon - 1 :: step]
    windows = sliding_window_view(array.reshape(len(array), -1), width, axis=0)[::step]
    X = windows[: len(targets)].transpose(0, 2, 1).copy()
    return X, targets.copy()


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


def _weights(sample_weight: Any, X: Any) -> np.ndarray:
    """One weight per sequence, (n,) float64, not all of them 0."""
    weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    if not weights.any():  # checked by scikit-learn itself from 1.9 on
        raise ValueError("Sample weights are zero for all sequences: at least one must count.")
    return weights


def _as_one_array(X: Any) -> np.ndarray:
    try:
        return as_typed(X)
    except ValueError:
        raise ValueError(
            "X holds sequences of different shapes, so it is not padded: a list of (n_steps, "
            "n_features) arrays can be used as it is."
        ) from None


def _unpack(values: np.ndarray, sequences: Sequences) -> Any:
    """Transformed steps in the container and shape of X."""
    if sequences.container == "rows":
        return values.reshape(len(sequences), -1)
    return unpack_steps(values, sequences)
