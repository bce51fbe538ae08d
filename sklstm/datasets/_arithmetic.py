"""Experiments 4 and 5: sum and product of two marked numbers among many."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.random import RandomState
from sklearn.utils import check_random_state

from sklstm._sklearn import Interval, StrOptions, validate_params
from sklstm.datasets._drawing import (
    COMMON,
    ragged_lengths,
    real_dtype,
    split,
    starts_of,
    within_memory,
)

N_FIRST = 10  # the first marked pair is one of the first 10
PARAMETERS = COMMON | {
    # The first ten pairs must fit into half of the sequence.
    "length": [Interval(Integral, 2 * N_FIRST, None, closed="left")],
    "first_pair": [StrOptions({"end", "marked", "never"})],
}


@validate_params(PARAMETERS, prefer_skip_nested_validation=True)
@within_memory("length")
def make_adding(
    n_samples: int = 100,
    *,
    length: int = 100,
    first_pair: str = "end",
    dtype: Any = "float64",
    random_state: int | RandomState | None = None,
) -> tuple[list[np.ndarray], np.ndarray]:
    """Draw sequences of experiment 4, the adding problem: the sum of two marked numbers.

    Each step is a pair of a value and a marker. Values are uniform over [-1, 1]. The marker is 1 at
    two pairs, -1 at the first and the last pair, and 0 elsewhere. The first marked pair (value X1)
    is one of the first 10 pairs. The second one (value X2) is one of the first T / 2 - 1 pairs that
    are not marked yet. The target at the end is 0.5 + (X1 + X2) / 4, which is between 0 and 1.

    Parameters
    ----------
    n_samples : int, default=100
        Number of sequences.
    length : int, default=100
        The paper's T, 20 or more. Lengths are uniform over T, ..., T + T / 10.
    first_pair : {"end", "marked", "never"}, default="end"
        What happens if the first pair of the sequence is drawn as a marked pair. Its value becomes
        0. Its marker stays -1 ("end") or becomes 1 ("marked"). With "never" it is not drawn.
    dtype : {"float64", "float32"} or dtype, default="float64"
        Dtype of X and y.
    random_state : int, RandomState instance or None, default=None
        Draws the sequences. Pass an int for reproducible results.

    Returns
    -------
    X : list of ndarray of shape (n_steps, 2)
        Value and marker of each step.
    y : ndarray of shape (n_samples,)
        The target.

    Raises
    ------
    ValueError
        If a parameter has another value.
    MemoryError
        If the sequences do not fit into memory.

    See Also
    --------
    make_multiplication : Draw sequences whose target is the product.

    Notes
    -----
    The task is in section 5.4 of [1]_. The paper sets X1 to 0 if the first pair is drawn. X1 is the
    value of that pair, so it is 0 in X too, and y depends on X alone. The paper does not say what
    happens if the first pair is drawn as the second one. This function treats it the same way.
    There are at least T / 2 steps between the last marked pair and the target, which is the lag
    that the paper states. A trained network is right if its output is within 0.04 of the target.

    References
    ----------
    .. [1] Hochreiter, S., & Schmidhuber, J. (1997). Long Short-Term Memory. Neural Computation,
       9(8), 1735-1780.

    Examples
    --------
    >>> from sklstm.datasets import make_adding
    >>> X, y = make_adding(3, random_state=0)
    >>> [x.shape for x in X]
    [(105, 2), (100, 2), (103, 2)]
    >>> marked = X[0][:, 1] == 1
    >>> bool(y[0] == 0.5 + X[0][marked, 0].sum() / 4)
    True
    """
    rng = check_random_state(random_state)
    X, first, second = _marked_pairs(rng, n_samples, length, (-1.0, 1.0), 0.0, first_pair, dtype)
    return X, (0.5 + (first + second) / 4).astype(dtype, copy=False)


@validate_params(PARAMETERS, prefer_skip_nested_validation=True)
@within_memory("length")
def make_multiplication(
    n_samples: int = 100,
    *,
    length: int = 100,
    first_pair: str = "end",
    dtype: Any = "float64",
    random_state: int | RandomState | None = None,
) -> tuple[list[np.ndarray], np.ndarray]:
    """Draw sequences of experiment 5, the multiplication problem: the product of two numbers.

    It differs from :func:`~sklstm.datasets.make_adding` in two ways: values are uniform over
    [0, 1], and the target at the end is the product X1 X2.

    Parameters
    ----------
    n_samples : int, default=100
        Number of sequences.
    length : int, default=100
        The paper's T, 20 or more. Lengths are uniform over T, ..., T + T / 10.
    first_pair : {"end", "marked", "never"}, default="end"
        What happens if the first pair of the sequence is drawn as a marked pair. Its value becomes
        1. Its marker stays -1 ("end") or becomes 1 ("marked"). With "never" it is not drawn.
    dtype : {"float64", "float32"} or dtype, default="float64"
        Dtype of X and y.
    random_state : int, RandomState instance or None, default=None
        Draws the sequences. Pass an int for reproducible results.

    Returns
    -------
    X : list of ndarray of shape (n_steps, 2)
        Value and marker of each step.
    y : ndarray of shape (n_samples,)
        The target.

    Raises
    ------
    ValueError
        If a parameter has another value.
    MemoryError
        If the sequences do not fit into memory.

    See Also
    --------
    make_adding : Draw sequences whose target is the sum.

    Notes
    -----
    The task is in section 5.5 of [1]_. A trained network is right if its output is within 0.04 of
    the target.

    References
    ----------
    .. [1] Hochreiter, S., & Schmidhuber, J. (1997). Long Short-Term Memory. Neural Computation,
       9(8), 1735-1780.

    Examples
    --------
    >>> from sklstm.datasets import make_multiplication
    >>> X, y = make_multiplication(3, random_state=0)
    >>> marked = X[0][:, 1] == 1
    >>> bool(y[0] == X[0][marked, 0].prod())
    True
    """
    rng = check_random_state(random_state)
    X, first, second = _marked_pairs(rng, n_samples, length, (0.0, 1.0), 1.0, first_pair, dtype)
    return X, (first * second).astype(dtype, copy=False)


def _marked_pairs(rng, n_samples, length, value_range, neutral, first_pair, dtype):
    """The sequences and the values of their two marked pairs, (n_samples,) each.

    ``neutral`` is the value of a first pair that is drawn. The result is then that of the other.
    """
    dtype = real_dtype(dtype)
    lengths = ragged_lengths(rng, n_samples, length)
    starts = starts_of(lengths)
    pairs = np.zeros((lengths.sum(), 2), dtype=dtype)
    values, markers = pairs[:, 0], pairs[:, 1]
    values[:] = rng.uniform(*value_range, len(pairs))

    lowest = 1 if first_pair == "never" else 0
    first = rng.randint(lowest, N_FIRST, n_samples)
    # Drawn among unmarked pairs only: from the first marked one on, indices increase by one.
    second = rng.randint(lowest, length // 2 - 1, n_samples)
    second += second >= first

    markers[starts + first] = 1
    markers[starts + second] = 1
    drawn = starts[(first == 0) | (second == 0)]
    values[drawn] = neutral
    markers[starts] = -1
    markers[starts + lengths - 1] = -1
    if first_pair == "marked":
        markers[drawn] = 1
    X = split(pairs, lengths)
    return X, values[starts + first].astype(np.float64), values[starts + second].astype(np.float64)
