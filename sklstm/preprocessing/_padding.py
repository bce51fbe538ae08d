"""Padded arrays to lists of sequences and back."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_scalar

from sklstm._numbers import as_typed, numbers, precision
from sklstm._sequences import read_sequences


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


def _as_one_array(X: Any) -> np.ndarray:
    try:
        return as_typed(X)
    except ValueError:
        raise ValueError(
            "X holds sequences of different shapes, so it is not padded: a list of (n_steps, "
            "n_features) arrays can be used as it is."
        ) from None
