"""Experiments 3a, 3b and 3c: noise and signal on the same input line."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.random import RandomState
from sklearn.utils import check_random_state

from sklstm._sklearn import Interval, validate_params
from sklstm.datasets._drawing import (
    COMMON,
    COUNT,
    ragged_lengths,
    real_dtype,
    split,
    starts_of,
    within_memory,
)

VARIANCE = Interval(Real, 0, None, closed="left")


@validate_params(
    COMMON
    | {
        "length": [COUNT],
        "n_informative": [COUNT],
        "noise": [VARIANCE],
        "informative_noise": [VARIANCE],
        "target_noise": [VARIANCE, None],
    },
    prefer_skip_nested_validation=True,
)
@within_memory("length")
def make_two_sequence(
    n_samples: int = 100,
    *,
    length: int = 100,
    n_informative: int = 3,
    noise: float = 0.2,
    informative_noise: float = 0.0,
    target_noise: float | None = None,
    dtype: Any = "float64",
    random_state: int | RandomState | None = None,
) -> tuple[list[np.ndarray], np.ndarray]:
    """Draw sequences of experiment 3: the first elements show the class, the others are noise.

    The first N elements are +1 in one class and -1 in the other. Each class has probability 0.5.
    All other elements are Gaussian noise of mean 0. The target at the end is the class.

    ============  =================================================
    Experiment     Parameters
    ============  =================================================
    3a             none (the defaults)
    3b             ``informative_noise=0.2``
    3c             ``target_noise=0.1``; to test, ``target_noise=0``
    ============  =================================================

    Parameters
    ----------
    n_samples : int, default=100
        Number of sequences.
    length : int, default=100
        The paper's T. Lengths are uniform over T, ..., T + T / 10.
    n_informative : int, default=3
        The paper's N: the number of elements that show the class, at most ``length``.
    noise : float, default=0.2
        Variance of the elements after the first N.
    informative_noise : float, default=0.0
        Variance of the noise that is added to the first N elements.
    target_noise : float or None, default=None
        Variance of Gaussian noise on targets of 0.2 and 0.8. None returns labels. X does not depend
        on it: the same ``random_state`` draws the same sequences with and without noise.
    dtype : {"float64", "float32"} or dtype, default="float64"
        Dtype of X and of targets other than labels.
    random_state : int, RandomState instance or None, default=None
        Draws the sequences. Pass an int for reproducible results.

    Returns
    -------
    X : list of ndarray of shape (n_steps, 1)
        The elements of each sequence.
    y : ndarray of shape (n_samples,)
        Labels (int64): 1 if the sequence starts with +1 (class 1 of the paper), 0 if it starts with
        -1 (class 2). They are the paper's targets 1.0 and 0.0. Use them for a classifier or for a
        regressor with a logistic output. With ``target_noise`` the order is reversed, as in the
        paper: 0.2 for +1 and 0.8 for -1.

    Raises
    ------
    ValueError
        If ``n_informative`` is larger than ``length``, or a parameter has another value.
    MemoryError
        If the sequences do not fit into memory.

    Notes
    -----
    The task is in section 5.3 of [1]_. The problem is Bengio's. A trained network is right if its
    output is within 0.2 of the target (3a, 3b), or within 0.1 of the target without noise (3c).

    References
    ----------
    .. [1] Hochreiter, S., & Schmidhuber, J. (1997). Long Short-Term Memory. Neural Computation,
       9(8), 1735-1780.

    Examples
    --------
    >>> from sklstm.datasets import make_two_sequence
    >>> X, y = make_two_sequence(4, random_state=0)
    >>> [float(x[0, 0]) for x in X], y
    ([-1.0, 1.0, 1.0, -1.0], array([0, 1, 1, 0]))
    >>> _, y = make_two_sequence(4, target_noise=0, random_state=0)
    >>> y
    array([0.8, 0.2, 0.2, 0.8])
    """
    if n_informative > length:
        raise ValueError(
            f"n_informative={n_informative} elements do not fit into sequences of "
            f"length={length}: decrease n_informative or increase length."
        )
    rng = check_random_state(random_state)
    labels = rng.randint(2, size=n_samples)
    lengths = ragged_lengths(rng, n_samples, length)
    informative = starts_of(lengths)[:, None] + np.arange(n_informative)

    values = rng.standard_normal(lengths.sum())
    scale = np.sqrt(informative_noise)
    first = np.where(labels, 1.0, -1.0)[:, None] + scale * values[informative]
    values *= np.sqrt(noise)
    values[informative] = first
    dtype = real_dtype(dtype)
    X = split(values[:, None].astype(dtype, copy=False), lengths)
    if target_noise is None:
        return X, labels.astype(np.int64, copy=False)
    y = np.where(labels, 0.2, 0.8) + np.sqrt(target_noise) * rng.standard_normal(n_samples)
    return X, y.astype(dtype, copy=False)
