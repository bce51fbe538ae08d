"""Experiment 1: the embedded Reber grammar, its continual form, and the legal successors."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.random import RandomState
from sklearn.utils import check_random_state

from sklstm._numbers import filled
from sklstm._sklearn import validate_params
from sklstm.datasets._drawing import (
    COUNT,
    SYMBOLIC,
    encode_inputs,
    encode_targets,
    split,
    starts_of,
    within_memory,
)
from sklstm.datasets._grammar import (
    ILLEGAL,
    LEGAL,
    SYMBOLS,
    draw_streams,
    draw_strings,
    read_strings,
)


@validate_params(
    SYMBOLIC | {"distinct": ["boolean"], "exclude": [None, list, tuple, np.ndarray]},
    prefer_skip_nested_validation=True,
)
@within_memory()
def make_embedded_reber(
    n_samples: int = 100,
    *,
    distinct: bool = False,
    exclude: Any = None,
    as_symbols: bool = False,
    targets: str = "labels",
    dtype: Any = "float64",
    random_state: int | RandomState | None = None,
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Draw strings of the embedded Reber grammar, experiment 1: predict each next symbol.

    A string is B, then T or P, then a string of Reber's grammar, then the same T or P, then E. If
    the grammar allows two symbols, each is drawn with probability 0.5. The network must remember
    the second symbol to predict the last but one.

    Parameters
    ----------
    n_samples : int, default=100
        Number of strings.
    distinct : bool, default=False
        True draws until there are ``n_samples`` different strings. With False short strings occur
        many times: 512 draws contain only some 160 different ones.
    exclude : None or strings in a form of X, default=None
        Strings that must not be drawn, such as those of the training set.
    as_symbols : bool, default=False
        True returns symbols as integers, without the axis of features. It needs less memory.
    targets : {"labels", "one_hot"}, default="labels"
        "labels" returns the next symbol as an integer, for a classifier. "one_hot" returns one
        output per symbol, for a regressor with logistic outputs as in the paper.
    dtype : {"float64", "float32"} or dtype, default="float64"
        Dtype of X and of one-hot targets.
    random_state : int, RandomState instance or None, default=None
        Draws the strings. Pass an int for reproducible results.

    Returns
    -------
    X : list of ndarray of shape (n_steps, 7), or (n_steps,) int64 as symbols
        All symbols of a string except the last, one-hot. Symbols 0 to 6 are B, T, S, X, P, V, E.
    y : list of ndarray of shape (n_steps,), int64, or (n_steps, 7) one-hot
        The symbol that follows each step.

    Raises
    ------
    ValueError
        If a parameter has another value.
    MemoryError
        If the strings do not fit into memory.

    See Also
    --------
    reber_successors : Return the legal successors of each step, for the criterion of success.
    make_continual_reber : Draw streams of consecutive strings.

    Notes
    -----
    The task is in section 5.1 of [1]_. The grammar is Reber's. Smith & Zipser (1989) and
    Cleeremans, Servan-Schreiber & McClelland (1989) embedded it, and the task is that of Fahlman
    [2]_. The shortest strings have 9 symbols, the mean is 12. The paper trains on 256 strings and
    tests on 256 others. It does not say whether strings may occur twice. If they may not::

        X, y = make_embedded_reber(512, distinct=True)  # the first 256 to train, the others to test

    If they may::

        X, y = make_embedded_reber(256)
        X_test, y_test = make_embedded_reber(256, exclude=X)

    References
    ----------
    .. [1] Hochreiter, S., & Schmidhuber, J. (1997). Long Short-Term Memory. Neural Computation,
       9(8), 1735-1780.
    .. [2] Fahlman, S. E. (1991). The recurrent cascade-correlation architecture. Advances in Neural
       Information Processing Systems 3, 190-196.

    Examples
    --------
    >>> from sklstm.datasets import make_embedded_reber
    >>> X, y = make_embedded_reber(3, as_symbols=True, random_state=0)
    >>> for x, following in zip(X, y):
    ...     print("".join("BTSXPVE"[symbol] for symbol in [*x, following[-1]]))
    BPBTXSEPE
    BTBTXXTVPSETE
    BTBPTTVVETE
    >>> X, y = make_embedded_reber(3, random_state=0)
    >>> X[0].shape, y[0].shape
    ((8, 7), (8,))
    """
    rng = check_random_state(random_state)
    symbols, lengths = _drawn(rng, n_samples, distinct, _excluded(exclude))
    X = encode_inputs(
        np.delete(symbols, starts_of(lengths) + lengths - 1), len(SYMBOLS), as_symbols, dtype
    )
    y = encode_targets(np.delete(symbols, starts_of(lengths)), len(SYMBOLS), targets, dtype)
    return split(X, lengths - 1), split(y, lengths - 1)


@validate_params(SYMBOLIC | {"length": [COUNT]}, prefer_skip_nested_validation=True)
@within_memory("length")
def make_continual_reber(
    n_samples: int = 100,
    *,
    length: int = 1000,
    as_symbols: bool = False,
    targets: str = "labels",
    dtype: Any = "float64",
    random_state: int | RandomState | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw streams of consecutive embedded Reber strings: predict each next symbol.

    Only the grammar marks where a string ends and the next one begins, so a network must learn when
    to forget. The forget gate was invented for this task.

    Parameters
    ----------
    n_samples : int, default=100
        Number of streams. Each starts with a whole string.
    length : int, default=1000
        Number of steps of a stream, 100,000 in the literature. The last string may be incomplete.
    as_symbols : bool, default=False
        True returns symbols as integers, without the axis of features. It needs less memory.
    targets : {"labels", "one_hot"}, default="labels"
        "labels" returns the next symbol as an integer, for a classifier. "one_hot" returns one
        output per symbol, for a regressor with logistic outputs.
    dtype : {"float64", "float32"} or dtype, default="float64"
        Dtype of X and of one-hot targets.
    random_state : int, RandomState instance or None, default=None
        Draws the streams. Pass an int for reproducible results.

    Returns
    -------
    X : ndarray of shape (n_samples, length, 7), or (n_samples, length) int64 as symbols
        One-hot symbols. Symbols 0 to 6 are B, T, S, X, P, V, E.
    y : ndarray of shape (n_samples, length), int64, or (n_samples, length, 7) one-hot
        The symbol that follows each step.

    Raises
    ------
    ValueError
        If a parameter has another value.
    MemoryError
        If the streams do not fit into memory.

    See Also
    --------
    reber_successors : Return the legal successors of each step, for the criterion of success.
    make_embedded_reber : Draw single strings.

    References
    ----------
    Gers, F. A., Schmidhuber, J., & Cummins, F. (2000). Learning to forget: continual prediction
    with LSTM. Neural Computation, 12(10), 2451-2471.

    Examples
    --------
    >>> from sklstm.datasets import make_continual_reber
    >>> X, y = make_continual_reber(1, length=30, as_symbols=True, random_state=0)
    >>> print("".join("BTSXPVE"[symbol] for symbol in X[0]))
    BPBTXSEPEBTBTXXTVPSETEBTBPTTVV
    """
    rng = check_random_state(random_state)
    symbols = draw_streams(rng, n_samples, length + 1)
    return (
        encode_inputs(symbols[:, :-1], len(SYMBOLS), as_symbols, dtype),
        encode_targets(symbols[:, 1:], len(SYMBOLS), targets, dtype),
    )


def reber_successors(X: Any) -> list[np.ndarray] | np.ndarray:
    """Return which symbols may follow each step of embedded Reber strings or streams.

    Parameters
    ----------
    X : strings or streams
        Results of :func:`~sklstm.datasets.make_embedded_reber` or
        :func:`~sklstm.datasets.make_continual_reber`, one-hot or as symbols. Each must start with
        the start of a string.

    Returns
    -------
    legal : list of ndarray of shape (n_steps, 7), or ndarray of shape (n, n_steps, 7), bool
        True for the one or two symbols that the grammar allows next. A list if ``X`` is a list.

    Raises
    ------
    ValueError
        If ``X`` does not hold strings of the grammar. The message names the sequence and the step.

    See Also
    --------
    make_embedded_reber : Draw strings.
    make_continual_reber : Draw streams of strings.

    Notes
    -----
    The criterion of [1]_ is that the outputs of the legal successors are the most active ones at
    every step of every string.

    References
    ----------
    .. [1] Hochreiter, S., & Schmidhuber, J. (1997). Long Short-Term Memory. Neural Computation,
       9(8), 1735-1780.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm.datasets import make_embedded_reber, reber_successors
    >>> X, y = make_embedded_reber(2, random_state=0)
    >>> legal = reber_successors(X)
    >>> legal[0][:3].astype(int)
    array([[0, 1, 0, 0, 1, 0, 0],
           [1, 0, 0, 0, 0, 0, 0],
           [0, 1, 0, 0, 1, 0, 0]])

    Apply the criterion to outputs of this shape, here those of a network that knows the grammar:

    >>> outputs = [np.where(may_follow, 0.5, 0.0) for may_follow in legal]
    >>> def solved(out, may_follow):
    ...     weakest_legal = np.where(may_follow, out, np.inf).min(axis=1)
    ...     strongest_other = np.where(may_follow, -np.inf, out).max(axis=1)
    ...     return bool((weakest_legal > strongest_other).all())
    >>> all(map(solved, outputs, legal))
    True
    """
    symbols, lengths = _read_symbols(X, "X")
    starts = starts_of(lengths)
    states = read_strings(symbols, starts)
    if (states == ILLEGAL).any():
        _refuse(symbols, starts, states)
    legal = LEGAL[states]
    if isinstance(X, np.ndarray) and X.dtype != object:
        return legal.reshape(len(X), -1, len(SYMBOLS))
    return split(legal, lengths)


def _refuse(symbols, starts, states):
    place = int(np.argmax(states == ILLEGAL))
    k = int(np.searchsorted(starts, place, side="right")) - 1
    step = place - starts[k]
    before = states[place - 1] if step else 0
    legal = " or ".join(SYMBOLS[s] for s in np.flatnonzero(LEGAL[before]))
    raise ValueError(
        f"Sequence {k} of X leaves the embedded Reber grammar at step {step}: "
        f"{SYMBOLS[symbols[place]]} where {legal} is legal. Pass strings from their start, which "
        "is B."
    )


def _drawn(rng, n_samples, distinct, excluded):
    """Symbols and lengths of strings. ``excluded`` are strings as bytes."""
    if not (distinct or excluded):
        return draw_strings(rng, n_samples)
    kept, seen = [], set(excluded)
    while len(kept) < n_samples:
        for string in _as_bytes(*draw_strings(rng, n_samples)):
            if string not in seen:
                kept.append(string)
                if distinct:
                    seen.add(string)
    del kept[n_samples:]
    return np.frombuffer(b"".join(kept), np.uint8), np.array([len(string) for string in kept])


def _excluded(X):
    """The bytes of strings that are given without their last symbol, as X is."""
    if X is None or len(X) == 0:
        return []
    last = bytes([SYMBOLS.index("E")])
    return [string + last for string in _as_bytes(*_read_symbols(X, "exclude"))]


def _as_bytes(symbols, lengths):
    block, ends = symbols.tobytes(), np.cumsum(lengths).tolist()
    return [block[start:end] for start, end in pairwise([0, *ends])]


def _read_symbols(X, name):
    """Strings in any form of X as one block of symbols (uint8), and their lengths."""
    strings = [np.asarray(filled(x)) for x in X]
    if not strings:
        raise ValueError(f"{name} is empty: it needs at least one sequence.")
    for k, string in enumerate(strings):
        if not _is_string(string) or string.ndim != strings[0].ndim:
            raise ValueError(
                f"Sequence {k} of {name} does not hold symbols of the Reber grammar: expected one-"
                f"hot steps (n_steps, {len(SYMBOLS)}) or integers from 0 to {len(SYMBOLS) - 1} "
                f"(n_steps,), in all sequences the same, got {string.dtype} of shape "
                f"{string.shape}."
            )
    block = np.concatenate(strings)
    if block.ndim == 2:
        block = block.argmax(axis=1)
    return block.astype(np.uint8), np.array([len(string) for string in strings])


def _is_string(x):
    """True if ``x`` is a sequence of symbols, as integers or one-hot."""
    if x.size == 0 or x.dtype.kind not in "biuf":
        return False
    if x.ndim == 1:
        return x.dtype.kind in "iu" and x.min() >= 0 and x.max() < len(SYMBOLS)
    return x.ndim == 2 and x.shape[1] == len(SYMBOLS) and _is_one_hot(x)


def _is_one_hot(x):
    return bool(((x == 0) | (x == 1)).all() and (x.sum(axis=1) == 1).all())
