"""from_padded and to_padded: padded arrays to lists of sequences, and back."""

from __future__ import annotations

from numbers import Real
from typing import Any, Literal

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_scalar

from sklstm._containers import refuse_container
from sklstm._memory import about, require
from sklstm._numbers import as_numbers, as_typed, filled, precision, scalar
from sklstm._parameters import flag, positive_int
from sklstm._sequences import read_sequences

ENDS = {"post": "the end", "pre": "the front", "auto": "one side", "both": "both ends"}
HINTS = {
    "post": '; if X is padded in front, set padding="pre"',
    "pre": '; if X is padded at the end, set padding="post"',
}


def from_padded(
    X: Any,
    *,
    value: float = np.nan,
    channels_first: bool = False,
    padding: Literal["auto", "post", "pre", "both"] = "auto",
    allow_nan: bool = False,
) -> list[np.ndarray]:
    """Turn a padded array into a list of sequences without padding.

    A step is padding if all its features equal ``value``. tslearn and aeon pad with NaN at the end
    (aeon with channels first). Keras pads with 0, by default in front.

    Parameters
    ----------
    X : array-like of shape (n, T, F), (n, F, T) or (n, T)
        A two-dimensional array holds n sequences of one feature.
    value : float, default=nan
        Padding value. With 0, steps of zeros at the padded end are removed even if they are data.
    channels_first : bool, default=False
        Set it to True if ``X`` has shape (n, F, T), as in aeon. Ignored for two dimensions.
    padding : {"auto", "post", "pre", "both"}, default="auto"
        Where the padding is: "post" at the end, "pre" in front, or "both". "auto" finds the side
        from the data and raises an error if there are padding steps at both ends, because some of
        them might be data. "auto" decides anew in each call: set the side if you know it,
        especially with ``value=0``.
    allow_nan : bool, default=False
        True keeps NaN outside of the padding as missing values, for
        :class:`~sklstm.preprocessing.SequenceImputer`. False raises an error, because such NaN
        often means that ``padding`` or ``channels_first`` is wrong.

    Returns
    -------
    sequences : list of ndarray of shape (T_i, F)
        Copies of the steps, float32 if ``X`` is, else float64.

    Raises
    ------
    ValueError
        If ``padding="auto"`` finds padding steps at both ends, if all steps of a sequence are
        padding, if a sequence contains NaN and ``allow_nan`` is False, or if a parameter has
        another value.

    See Also
    --------
    to_padded : Pad a list of sequences.
    SequenceImputer : Fill in missing values.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm.preprocessing import from_padded
    >>> from_padded([[1.0, 2.0, np.nan], [3.0, np.nan, np.nan]])
    [array([[1.],
           [2.]]), array([[3.]])]
    >>> from_padded([[0.0, 1.0, 2.0], [0.0, 0.0, 3.0]], value=0)
    [array([[1.],
           [2.]]), array([[3.]])]
    """
    value = scalar(check_scalar(value, "value", Real))
    channels_first, allow_nan = flag(channels_first, "channels_first"), flag(allow_nan, "allow_nan")
    _check_padding(padding, ("auto", "post", "pre", "both"))
    array = as_numbers(_as_one_array(X), lambda index: f"index {index}")
    if array.ndim not in (2, 3) or array.size == 0:
        raise ValueError(
            f"X has shape {array.shape}; expected (n_sequences, n_steps, n_features) or "
            "(n_sequences, n_steps), none of them 0."
        )
    if array.dtype.kind != "f" and np.isnan(value):
        raise ValueError(
            "X holds integers, which cannot be the padding value nan: pass the value that pads X, "
            "for example value=0."
        )
    array = array.astype(precision([array.dtype]), copy=False)
    if array.ndim == 2:
        array = array[:, :, np.newaxis]
    elif channels_first:
        array = array.transpose(0, 2, 1)

    if np.isnan(value):
        is_padding = np.isnan(array)
    else:  # the value may have been rounded to float32 before
        is_padding = (array == array.dtype.type(value)) | (array == np.float32(value))
    kept = ~is_padding.all(axis=2)
    if not kept.any(axis=1).all():
        k = int(kept.any(axis=1).argmin())
        raise ValueError(
            f"All steps of sequence {k} of X are the padding {value}: it would be empty. Drop it."
        )
    n_steps = array.shape[1]
    starts, stops = kept.argmax(axis=1), n_steps - kept[:, ::-1].argmax(axis=1)
    if padding == "auto":
        _refuse_both_ends(starts > 0, stops < n_steps, value)
    if padding == "post":
        starts[:] = 0
    elif padding == "pre":
        stops[:] = n_steps
    sequences = [
        steps[start:stop].copy() for steps, start, stop in zip(array, starts, stops, strict=True)
    ]
    for k, steps in enumerate([] if allow_nan else sequences):
        missing = np.isnan(steps).any(axis=1)
        if missing.any():
            raise ValueError(
                f"Sequence {k} of X has NaN at step {starts[k] + missing.argmax()} that is not "
                f"padding: only whole steps at {ENDS[padding]} are. Set allow_nan=True to keep "
                "missing values; if features come before steps, set channels_first=True"
                f"{HINTS.get(padding, '')}."
            )
    return sequences


def to_padded(
    X: Any,
    *,
    value: float = 0.0,
    length: int | None = None,
    channels_first: bool = False,
    padding: Literal["post", "pre"] = "post",
    allow_nan: bool = False,
) -> np.ndarray:
    """Pad sequences to one length.

    Parameters
    ----------
    X : list, tuple or object array of (T_i, F) arrays, or array of shape (n, T, F) or (n, T)
        Sequences.
    value : float, default=0.0
        Padding value. Use nan if the data may contain steps of zeros.
    length : int, default=None
        Number of steps of the result. None takes the length of the longest sequence.
    channels_first : bool, default=False
        Set it to True to return shape (n, F, length), as aeon uses it.
    padding : {"post", "pre"}, default="post"
        Where the padding goes: "post" at the end, as in most libraries, or "pre" in front, as is
        the default of Keras.
    allow_nan : bool, default=False
        True keeps missing values (NaN). False raises an error for them.

    Returns
    -------
    padded : ndarray of shape (n, length, F), or (n, F, length) with ``channels_first``
        The padded sequences, float32 if all of ``X`` is, else float64.

    Raises
    ------
    ValueError
        If a sequence has more than ``length`` steps, if it contains NaN and ``allow_nan`` is False,
        or if a parameter has another value.
    MemoryError
        If the result does not fit into memory.

    See Also
    --------
    from_padded : Turn a padded array into a list of sequences.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm.preprocessing import to_padded
    >>> to_padded([np.array([[1.0], [2.0]]), np.array([[3.0]])])[:, :, 0]
    array([[1., 2.],
           [3., 0.]])
    """
    value = scalar(check_scalar(value, "value", Real))
    channels_first, allow_nan = flag(channels_first, "channels_first"), flag(allow_nan, "allow_nan")
    _check_padding(padding, ("post", "pre"))
    sequences = read_sequences(BaseEstimator(), X, reset=True, allow_nan=allow_nan)
    lengths = sequences.lengths
    if length is None:
        length = int(lengths.max())
    length = positive_int(length, "length")
    if lengths.max() > length:
        k = int(np.argmax(lengths > length))
        raise ValueError(
            f"Sequence {k} of X has {lengths[k]} steps, more than length={length}: cut it first by "
            "[x[:length] for x in X]."
        )
    n_bytes = len(sequences) * length * sequences.n_features * sequences.values.itemsize
    require(n_bytes, f"length={about(length)}", "Pad to a smaller length.")
    padded = np.full((len(sequences), length, sequences.n_features), value, sequences.values.dtype)
    mask = np.arange(length) < lengths[:, np.newaxis]
    if padding == "pre":
        mask = mask[:, ::-1]
    padded[mask] = sequences.values
    return np.ascontiguousarray(padded.transpose(0, 2, 1)) if channels_first else padded


def _as_one_array(X: Any) -> np.ndarray:
    refuse_container(X, "X")
    try:
        return as_typed(filled(X))
    except ValueError:
        raise ValueError(
            "X holds sequences of different shapes, so it is not padded: use the list of (n_steps, "
            "n_features) arrays as it is."
        ) from None


def _check_padding(padding: Any, sides: tuple[str, ...]) -> None:
    if not isinstance(padding, str) or padding not in sides:
        raise ValueError(f"padding={padding!r} is not one of {', '.join(map(repr, sides))}.")


def _refuse_both_ends(leads: np.ndarray, trails: np.ndarray, value: float) -> None:
    """Raise an error if one sequence, or X as a whole, has padding at both ends."""
    if not (leads.any() and trails.any()):
        return
    both = leads & trails
    if both.any():
        found = f"Sequence {both.argmax()} of X begins and ends with padding steps ({value})"
    else:
        found = (
            f"Sequence {leads.argmax()} of X begins with padding steps ({value}), and sequence "
            f"{trails.argmax()} ends with them"
        )
    raise ValueError(
        f'{found}, so it is not clear which are data. Set where the padding is: padding="post" (at '
        'the end), "pre" (in front) or "both".'
    )
