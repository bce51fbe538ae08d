"""Experiments 6a and 6b: the order of two or three symbols far apart."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.random import RandomState
from sklearn.utils import check_random_state

from sklstm._sklearn import Interval, Options, validate_params
from sklstm.datasets._drawing import (
    SYMBOLIC,
    encode_inputs,
    encode_targets,
    ragged_lengths,
    split,
    starts_of,
    within_memory,
)

N_SYMBOLS = 8
FIRST, LAST, DISTRACTOR, RELEVANT = 0, 1, 2, 6  # of E, B, a, b, c, d, X, Y
# First possible place of each relevant symbol, in hundredths of the length; the last is ten later.
BEGINNINGS = {2: (10, 50), 3: (10, 33, 66)}


@validate_params(
    SYMBOLIC
    | {
        "n_relevant": [Options(Integral, set(BEGINNINGS))],
        "length": [Interval(Integral, 20, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
@within_memory("length")
def make_temporal_order(
    n_samples: int = 100,
    *,
    n_relevant: int = 2,
    length: int = 100,
    as_symbols: bool = False,
    targets: str = "labels",
    dtype: Any = "float64",
    random_state: int | RandomState | None = None,
) -> tuple[list[np.ndarray], np.ndarray]:
    """Draw sequences of experiment 6: classify by the order of two or three relevant symbols.

    A sequence starts with E and ends with B. Between them are random symbols a, b, c and d, except
    for two (6a) or three (6b) places with X or Y, each with probability 0.5. The class at the end
    is the order of these relevant symbols.

    Parameters
    ----------
    n_samples : int, default=100
        Number of sequences.
    n_relevant : {2, 3}, default=2
        Number of relevant symbols: 2 in experiment 6a, 3 in 6b.
    length : int, default=100
        Smallest length, 20 or more. Lengths are uniform over ``length`` to
        ``length + length / 10``, which is 100 to 110 in the paper. The places of the relevant
        symbols scale with ``length``.
    as_symbols : bool, default=False
        True returns symbols as integers, without the axis of features. It needs less memory.
    targets : {"labels", "one_hot"}, default="labels"
        "labels" returns the class as an integer, for a classifier. "one_hot" returns one output per
        class, for a regressor with logistic outputs as in the paper.
    dtype : {"float64", "float32"} or dtype, default="float64"
        Dtype of X and of one-hot targets.
    random_state : int, RandomState instance or None, default=None
        Draws the sequences. Pass an int for reproducible results.

    Returns
    -------
    X : list of ndarray of shape (n_steps, 8), or (n_steps,) int64 as symbols
        One-hot symbols. Symbols 0 to 7 are E, B, a, b, c, d, X, Y.
    y : ndarray of shape (n_samples,), int64, or (n_samples, 4 or 8) one-hot
        The class: the relevant symbols as a binary number, where X is 0 and Y is 1. The names of
        the paper are in brackets. 6a: XX is 0 (Q), XY 1 (R), YX 2 (S), YY 3 (U). 6b: XXX is 0 (Q),
        XXY 1 (R), XYX 2 (S), XYY 3 (U), YXX 4 (V), YXY 5 (A), YYX 6 (B), YYY 7 (C).

    Raises
    ------
    ValueError
        If a parameter has another value.
    MemoryError
        If the sequences do not fit into memory.

    Notes
    -----
    The task is in section 5.6 of [1]_. E is the 1st step. In 6a the relevant symbols are at the
    10th to 20th and at the 50th to 60th step. In 6b they are at the 10th to 20th, the 33rd to 43rd
    and the 66th to 76th step. At least 40 and 24 steps follow the last one, which are the lags that
    the paper states. A trained network is right if all outputs are within 0.3 of the one-hot
    target.

    References
    ----------
    .. [1] Hochreiter, S., & Schmidhuber, J. (1997). Long Short-Term Memory. Neural Computation,
       9(8), 1735-1780.

    Examples
    --------
    >>> from sklstm.datasets import make_temporal_order
    >>> X, y = make_temporal_order(3, length=20, as_symbols=True, random_state=3)
    >>> for x, label in zip(X, y):
    ...     print("".join("EBabcdXY"[symbol] for symbol in x), label)
    EYcdadacaXddabbcbdcbbB 2
    EaXcddccdbdXaabdcabB 0
    EXccbbbdbddYabcbcdabB 1
    """
    rng = check_random_state(random_state)
    lengths = ragged_lengths(rng, n_samples, length)
    starts = starts_of(lengths)
    symbols = rng.randint(DISTRACTOR, RELEVANT, lengths.sum(), dtype=np.uint8)
    symbols[starts] = FIRST
    symbols[starts + lengths - 1] = LAST

    beginnings = np.array(BEGINNINGS[n_relevant]) * length // 100
    places = beginnings + rng.randint(length // 10 + 1, size=(n_samples, n_relevant))
    is_y = rng.randint(2, size=(n_samples, n_relevant))
    symbols[starts[:, None] + places - 1] = RELEVANT + is_y  # places count from 1
    labels = is_y @ (1 << np.arange(n_relevant)[::-1])
    X = split(encode_inputs(symbols, N_SYMBOLS, as_symbols, dtype), lengths)
    return X, encode_targets(labels, 2**n_relevant, targets, dtype)
