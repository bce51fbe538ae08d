"""Experiments 2a, 2b and 2c: remember the first symbol until the end."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.random import RandomState
from sklearn.utils import check_random_state

from sklstm._sklearn import Interval, validate_params
from sklstm.datasets._drawing import (
    COUNT,
    SYMBOLIC,
    encode_inputs,
    encode_targets,
    split,
    starts_of,
    within_memory,
)


@validate_params(SYMBOLIC | {"lag": [COUNT]}, prefer_skip_nested_validation=True)
@within_memory("lag")
def make_noise_free_lag(
    n_samples: int = 100,
    *,
    lag: int = 100,
    as_symbols: bool = False,
    targets: str = "labels",
    dtype: Any = "float64",
    random_state: int | RandomState | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw sequences of experiment 2a: predict each next symbol; the last one equals the first.

    One sequence is ``x, a_1, ..., a_{p-1}, x``, the other is ``y, a_1, ..., a_{p-1}, y``. Each is
    drawn with probability 0.5. Every symbol except the last is determined by the symbol before it.
    The last symbol equals the first one, ``p`` steps earlier.

    Parameters
    ----------
    n_samples : int, default=100
        Number of sequences.
    lag : int, default=100
        The paper's p: the number of steps of a sequence, and from the first to the last symbol.
    as_symbols : bool, default=False
        True returns symbols as integers, without the axis of features. It needs less memory.
    targets : {"labels", "one_hot"}, default="labels"
        "labels" returns the next symbol as an integer, for a classifier. "one_hot" returns one
        output per symbol, for a regressor with logistic outputs as in the paper.
    dtype : {"float64", "float32"} or dtype, default="float64"
        Dtype of X and of one-hot targets.
    random_state : int, RandomState instance or None, default=None
        Draws the sequences. Pass an int for reproducible results.

    Returns
    -------
    X : ndarray of shape (n_samples, lag, lag + 1), or (n_samples, lag) as symbols
        All symbols except the last, one-hot. Symbols 0 to p - 2 are a_1 to a_{p-1}, p - 1 is x and
        p is y.
    y : ndarray of shape (n_samples, lag), int64, or (n_samples, lag, lag + 1) one-hot
        The symbol that follows each step.

    Raises
    ------
    ValueError
        If a parameter has another value.
    MemoryError
        If the sequences do not fit into memory.

    See Also
    --------
    make_random_lag : Draw sequences with random symbols between the first and the last.

    Notes
    -----
    The task is 2a in section 5.2 of [1]_. A trained network is right if all outputs are within 0.25
    of the one-hot target.

    References
    ----------
    .. [1] Hochreiter, S., & Schmidhuber, J. (1997). Long Short-Term Memory. Neural Computation,
       9(8), 1735-1780.

    Examples
    --------
    >>> from sklstm.datasets import make_noise_free_lag
    >>> X, y = make_noise_free_lag(3, lag=4, as_symbols=True, random_state=0)
    >>> X
    array([[3, 0, 1, 2],
           [4, 0, 1, 2],
           [4, 0, 1, 2]])
    >>> y
    array([[0, 1, 2, 3],
           [0, 1, 2, 4],
           [0, 1, 2, 4]])
    """
    rng = check_random_state(random_state)
    middle = np.tile(np.arange(lag - 1), (n_samples, 1))
    return _recall_first(middle, rng, as_symbols, targets, dtype)


@validate_params(SYMBOLIC | {"lag": [COUNT]}, prefer_skip_nested_validation=True)
@within_memory("lag")
def make_random_lag(
    n_samples: int = 100,
    *,
    lag: int = 100,
    as_symbols: bool = False,
    targets: str = "labels",
    dtype: Any = "float64",
    random_state: int | RandomState | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw sequences of experiment 2b: only the last symbol can be predicted, from the first.

    It differs from :func:`~sklstm.datasets.make_noise_free_lag` in the symbols between the first
    and the last. They are drawn at random from ``a_1, ..., a_{p-1}``, so there are no local
    regularities to learn.

    Parameters
    ----------
    n_samples : int, default=100
        Number of sequences.
    lag : int, default=100
        The paper's p: the number of steps of a sequence, and from the first to the last symbol.
    as_symbols : bool, default=False
        True returns symbols as integers, without the axis of features. It needs less memory.
    targets : {"labels", "one_hot"}, default="labels"
        "labels" returns the next symbol as an integer, for a classifier. "one_hot" returns one
        output per symbol, for a regressor with logistic outputs as in the paper.
    dtype : {"float64", "float32"} or dtype, default="float64"
        Dtype of X and of one-hot targets.
    random_state : int, RandomState instance or None, default=None
        Draws the sequences. Pass an int for reproducible results.

    Returns
    -------
    X : ndarray of shape (n_samples, lag, lag + 1), or (n_samples, lag) as symbols
        All symbols except the last, one-hot. Symbols 0 to p - 2 are a_1 to a_{p-1}, p - 1 is x and
        p is y.
    y : ndarray of shape (n_samples, lag), int64, or (n_samples, lag, lag + 1) one-hot
        The symbol that follows each step. Only the last one can be predicted.

    Raises
    ------
    ValueError
        If a parameter has another value.
    MemoryError
        If the sequences do not fit into memory.

    See Also
    --------
    make_noise_free_lag : Draw one of two fixed sequences.
    make_long_lag : Draw sequences of random length with a target at the end only.

    Notes
    -----
    The task is 2b in section 5.2 of [1]_. A trained network is right if all outputs at the last
    step are within 0.25 of the one-hot target.

    References
    ----------
    .. [1] Hochreiter, S., & Schmidhuber, J. (1997). Long Short-Term Memory. Neural Computation,
       9(8), 1735-1780.

    Examples
    --------
    >>> from sklstm.datasets import make_random_lag
    >>> X, y = make_random_lag(3, lag=6, as_symbols=True, random_state=0)
    >>> bool((y[:, -1] == X[:, 0]).all())
    True
    >>> X, y = make_random_lag(3, lag=6, targets="one_hot")
    >>> X.shape, y.shape
    ((3, 6, 7), (3, 6, 7))
    """
    rng = check_random_state(random_state)
    # With a lag of 1 there are no symbols in the middle.
    middle = rng.randint(max(lag - 1, 1), size=(n_samples, lag - 1))
    return _recall_first(middle, rng, as_symbols, targets, dtype)


def _recall_first(middle, rng, as_symbols, targets, dtype):
    """X and y of sequences x or y, ``middle``, x or y."""
    lag = middle.shape[1] + 1
    ends = lag - 1 + rng.randint(2, size=(len(middle), 1))
    symbols = np.hstack([ends, middle, ends])
    return (
        encode_inputs(symbols[:, :-1], lag + 1, as_symbols, dtype),
        encode_targets(symbols[:, 1:], lag + 1, targets, dtype),
    )


@validate_params(
    SYMBOLIC | {"lag": [COUNT], "n_distractors": [Interval(Integral, 1, 2**62, closed="both")]},
    prefer_skip_nested_validation=True,
)
@within_memory("lag")
def make_long_lag(
    n_samples: int = 100,
    *,
    lag: int = 50,
    n_distractors: int = 50,
    as_symbols: bool = False,
    targets: str = "labels",
    dtype: Any = "float64",
    random_state: int | RandomState | None = None,
) -> tuple[list[np.ndarray], np.ndarray]:
    """Draw sequences of experiment 2c: recall the second symbol after many distractors.

    A sequence starts with ``b``, followed by ``x`` or ``y`` with probability 0.5 each. Then come
    ``q`` distractors from ``a_1, ..., a_p`` and a random number of further distractors: after each
    of them there is another one with probability 9/10. The last symbol is the trigger ``e``. The
    target at ``e`` is whether the second symbol was x or y.

    Parameters
    ----------
    n_samples : int, default=100
        Number of sequences.
    lag : int, default=50
        The paper's q: the smallest number of distractors. The trigger is at least q + 1 steps after
        the second symbol.
    n_distractors : int, default=50
        The paper's p: the number of different distractors.
    as_symbols : bool, default=False
        True returns symbols as integers, without the axis of features. Set it for large tasks: with
        ``lag=1000`` and ``n_distractors=1000``, ten thousand sequences take 80 MB as symbols and 81
        GB one-hot.
    targets : {"labels", "one_hot"}, default="labels"
        "labels" returns 0 for x and 1 for y, for a classifier. "one_hot" returns one output each,
        for a regressor with logistic outputs as in the paper.
    dtype : {"float64", "float32"} or dtype, default="float64"
        Dtype of X and of one-hot targets.
    random_state : int, RandomState instance or None, default=None
        Draws the sequences. Pass an int for reproducible results.

    Returns
    -------
    X : list of ndarray of shape (n_steps, n_distractors + 4), or (n_steps,) int64 as symbols
        One-hot symbols. Symbols 0 to p - 1 are the distractors, p is e, p + 1 is b, p + 2 is x and
        p + 3 is y. A sequence with k further distractors has q + k + 3 steps.
    y : ndarray of shape (n_samples,), int64, or (n_samples, 2) one-hot
        The symbol at step 1: x or y.

    Raises
    ------
    ValueError
        If a parameter has another value.
    MemoryError
        If the sequences do not fit into memory.

    See Also
    --------
    make_random_lag : Draw sequences with a target at every step.

    Notes
    -----
    The task is 2c in section 5.2 of [1]_. The paper counts the symbol to be predicted as a step, so
    its sequences have q + k + 4 steps. The mean of k is 9, so the mean length is q + 13 in that
    count. The paper evaluates the same sum as q + 14. A trained network is right if both outputs
    are within 0.2 of the one-hot target.

    References
    ----------
    .. [1] Hochreiter, S., & Schmidhuber, J. (1997). Long Short-Term Memory. Neural Computation,
       9(8), 1735-1780.

    Examples
    --------
    >>> from sklstm.datasets import make_long_lag
    >>> X, y = make_long_lag(2, lag=3, n_distractors=5, as_symbols=True, random_state=2)
    >>> [x.tolist() for x in X]
    [[6, 7, 0, 2, 1, 5], [6, 8, 4, 4, 3, 4, 2, 3, 3, 2, 1, 2, 5]]
    >>> y
    array([0, 1])
    """
    rng = check_random_state(random_state)
    which = rng.randint(2, size=n_samples)
    lengths = lag + rng.geometric(0.1, n_samples) + 2  # the trigger counts as a trial too
    starts = starts_of(lengths)
    trigger, begin, first = n_distractors, n_distractors + 1, n_distractors + 2
    symbols = rng.randint(n_distractors, size=lengths.sum())
    symbols[starts] = begin
    symbols[starts + 1] = first + which
    symbols[starts + lengths - 1] = trigger
    X = split(encode_inputs(symbols, n_distractors + 4, as_symbols, dtype), lengths)
    return X, encode_targets(which, 2, targets, dtype)
