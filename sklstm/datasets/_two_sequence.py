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
    """Draw sequences of experiment 3: a class shown by the first elements, then noise.

    The first N elements are +1 in one class and -1 in the other, each class with probability 0.5;
    all others are Gaussian noise of mean 0. To be told at the end: which class was it?

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
        Sequences.
    length : int, default=100
        The paper's T: lengths are uniform over T, ..., T + T / 10.
    n_informative : int, default=3
        The paper's N: elements that show the class, at most ``length``.
    noise : float, default=0.2
        Variance of the elements after the first N.
    informative_noise : float, default=0.0
        Variance of the noise that is added to the first N.
    target_noise : float or None, default=None
        None: y holds labels. A number: y holds targets of 0.2 and 0.8, with Gaussian noise of this
        variance. X does not depend on it, so that with one ``random_state`` the same sequences can
        be had with noise and without.
    dtype : {"float64", "float32"} or dtype, default="float64"
        Of X, and of targets that are not labels.
    random_state : int, RandomState instance or None, default=None
        Draws the sequences.

    Returns
    -------
    X : list of ndarray of shape (n_steps, 1)
        The elements.
    y : ndarray of shape (n_samples,)
        Labels (int64): 1 if the sequence begins with +1 (class 1 of the paper), 0 if it begins with
        -1 (class 2). They are the paper's targets 1.0 and 0.0, for a classifier as for a regressor
        with a logistic output. With ``target_noise``, as the paper has it the other way round: 0.2
        for a beginning with +1, 0.8 for one with -1.

    Notes
    -----
    Section 5.3 of [1]_; the problem is Bengio's. A trained net is right where its output is within
    0.2 of the target (3a, 3b), within 0.1 of the target without noise (3c).

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
            f"length={length}: lower the one or raise the other."
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
