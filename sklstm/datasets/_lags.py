"""Experiments 2a, 2b and 2c: the first symbol has to be remembered until the last."""

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
    """Draw the two sequences of experiment 2a: predict each next symbol, the last from the first.

    One sequence is ``x, a_1, ..., a_{p-1}, x``, the other ``y, a_1, ..., a_{p-1}, y``, each drawn
    with probability 0.5. All symbols but the last follow from the one before; the last is the
    first again, ``p`` steps ago.

    Parameters
    ----------
    n_samples : int, default=100
        Sequences.
    lag : int, default=100
        The paper's p: steps of a sequence, and from the first symbol to its return.
    as_symbols : bool, default=False
        Give symbols as integers, without the axis of features.
    targets : {"labels", "one_hot"}, default="labels"
        The next symbol as an integer, for a classifier, or as one output per symbol, 1 for the
        next symbol and 0 for the others, for a regressor with logistic outputs as in the paper.
    dtype : {"float64", "float32"} or dtype, default="float64"
        Of X, and of one-hot targets.
    random_state : int, RandomState instance or None, default=None
        Draws the sequences.

    Returns
    -------
    X : ndarray of shape (n_samples, lag, lag + 1), or (n_samples, lag) as symbols
        All symbols but the last, one-hot. Symbols 0 to p - 2 are a_1 to a_{p-1}, p - 1 is x, p is
        y.
    y : ndarray of shape (n_samples, lag), int64, or (n_samples, lag, lag + 1) one-hot
        The symbol that follows each step.

    See Also
    --------
    make_random_lag : Without regularity between first and last symbol.

    Notes
    -----
    Section 5.2 of [1]_, task 2a. A trained net is right where all outputs are within 0.25 of the
    one-hot target.

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
    """Draw sequences of experiment 2b: only the last symbol is predictable, from the first.

    As :func:`make_noise_free_lag`, but what stands between first and last symbol is drawn at
    random from ``a_1, ..., a_{p-1}``, so that nothing local can be learned.

    Parameters
    ----------
    n_samples : int, default=100
        Sequences.
    lag : int, default=100
        The paper's p: steps of a sequence, and from the first symbol to its return.
    as_symbols : bool, default=False
        Give symbols as integers, without the axis of features.
    targets : {"labels", "one_hot"}, default="labels"
        The next symbol as an integer, for a classifier, or as one output per symbol, 1 for the
        next symbol and 0 for the others, for a regressor with logistic outputs as in the paper.
    dtype : {"float64", "float32"} or dtype, default="float64"
        Of X, and of one-hot targets.
    random_state : int, RandomState instance or None, default=None
        Draws the sequences.

    Returns
    -------
    X : ndarray of shape (n_samples, lag, lag + 1), or (n_samples, lag) as symbols
        All symbols but the last, one-hot. Symbols 0 to p - 2 are a_1 to a_{p-1}, p - 1 is x, p is
        y.
    y : ndarray of shape (n_samples, lag), int64, or (n_samples, lag, lag + 1) one-hot
        The symbol that follows each step. Only the last can be known.

    See Also
    --------
    make_noise_free_lag : Two fixed sequences.
    make_long_lag : Longer, of random length, with a target at the end only.

    Notes
    -----
    Section 5.2 of [1]_, task 2b. A trained net is right where all outputs at the last step are
    within 0.25 of the one-hot target.

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
    # With a lag of 1 there is no middle, nor a symbol for it.
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
    """Draw sequences of experiment 2c: one symbol, then many distractors, then the question.

    A sequence is ``b``, then ``x`` or ``y`` with probability 0.5 each, then ``q`` distractors drawn
    from ``a_1, ..., a_p``, then further distractors, each followed by another one with probability
    9/10, then the trigger ``e``. To be told at ``e``: was it x or y?

    Parameters
    ----------
    n_samples : int, default=100
        Sequences.
    lag : int, default=50
        The paper's q: distractors in every sequence. The question comes at least q + 1 steps after
        the symbol.
    n_distractors : int, default=50
        The paper's p: different distractors.
    as_symbols : bool, default=False
        Give symbols as integers, without the axis of features: at ``lag=1000`` and
        ``n_distractors=1000`` ten thousand sequences take 80 MB, and one-hot 81 GB.
    targets : {"labels", "one_hot"}, default="labels"
        0 for x and 1 for y, for a classifier, or one output for each, 1 and 0 or 0 and 1, for a
        regressor with logistic outputs as in the paper.
    dtype : {"float64", "float32"} or dtype, default="float64"
        Of X, and of one-hot targets.
    random_state : int, RandomState instance or None, default=None
        Draws the sequences.

    Returns
    -------
    X : list of ndarray of shape (n_steps, n_distractors + 4), or (n_steps,) int64 as symbols
        One-hot. Symbols 0 to p - 1 are the distractors, p is e, p + 1 is b, p + 2 is x, p + 3 is y.
        A sequence with k further distractors has q + k + 3 steps.
    y : ndarray of shape (n_samples,), int64, or (n_samples, 2) one-hot
        Whether x or y stood at step 1.

    See Also
    --------
    make_random_lag : With a target at every step.

    Notes
    -----
    Section 5.2 of [1]_, task 2c. The paper counts the symbol to be predicted as a step of its own:
    q + k + 4 of them. k has mean 9, so that the mean length in its count is q + 13; the sum printed
    there is evaluated as q + 14. A trained net is right where both outputs are within 0.2 of the
    one-hot target.

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
    lengths = lag + rng.geometric(0.1, n_samples) + 2  # the trigger counts as a trial, too
    starts = starts_of(lengths)
    trigger, begin, first = n_distractors, n_distractors + 1, n_distractors + 2
    symbols = rng.randint(n_distractors, size=lengths.sum())
    symbols[starts] = begin
    symbols[starts + 1] = first + which
    symbols[starts + lengths - 1] = trigger
    X = split(encode_inputs(symbols, n_distractors + 4, as_symbols, dtype), lengths)
    return X, encode_targets(which, 2, targets, dtype)
