"""Experiments 2a and 2c for the other systems: data, and criterion of success.

A task is a pair of functions. ``draw(n)`` returns steps, targets and the order in which n of their
sequences are read. ``solved(kernel)`` tests the net of a kernel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sklstm.baselines._entries import Steps
from sklstm.datasets import make_long_lag

TOLERANCE = 0.25  # 2a: largest error of an output
LONG_LAG_TOLERANCE = 0.2
LONG_LAG_TESTS = (100, 900, 9000)  # 10,000 in a row; the first wrong one ends the test

Draw = Callable[[int], tuple[Steps, np.ndarray, np.ndarray]]
Solved = Callable[[Any], bool]


def noise_free_lag(p: int, seed: int, *, judged: str = "all") -> tuple[Draw, Solved]:
    """2a: the two sequences x, a_1, ... and y, a_1, ..., which are drawn by number.

    ``judged`` are the steps that are tested: "all" or "last".
    """
    if judged not in ("all", "last"):
        raise ValueError(f"judged must be 'all' or 'last', got {judged!r}.")
    symbols = np.tile(np.arange(-1, p), (2, 1))
    symbols[:, 0] = symbols[:, -1] = p - 1, p
    steps, targets = one_hot(symbols[:, :-1]), np.eye(p + 1)[symbols[:, 1:].ravel()]
    outputs = np.empty_like(targets)
    tested = slice(None) if judged == "all" else slice(p - 1, None, p)  # p targets of each
    rng = np.random.RandomState(seed)

    def draw(n: int) -> tuple[Steps, np.ndarray, np.ndarray]:
        return steps, targets, rng.randint(2, size=n, dtype=np.int64)

    def solved(kernel: Any) -> bool:
        kernel.output(steps, outputs, per_step=True)
        return within(outputs[tested], targets[tested], TOLERANCE)

    return draw, solved


def long_lag(lag: int, seed: int) -> tuple[Draw, Solved]:
    """2c with p = q = ``lag``: the only target is at the end."""
    rng = np.random.RandomState(seed)

    def sequences(n: int) -> tuple[Steps, np.ndarray]:
        X, y = make_long_lag(n, lag=lag, n_distractors=lag, as_symbols=True, random_state=rng)
        return one_hot(X), np.eye(2)[y]

    def draw(n: int) -> tuple[Steps, np.ndarray, np.ndarray]:
        return *sequences(n), np.arange(n, dtype=np.int64)

    def solved(kernel: Any) -> bool:
        for n in LONG_LAG_TESTS:
            steps, targets = sequences(n)
            outputs = np.empty_like(targets)
            kernel.output(steps, outputs, per_step=False)
            if not within(outputs, targets, LONG_LAG_TOLERANCE):
                return False
        return True

    return draw, solved


def within(raw: np.ndarray, targets: np.ndarray, tolerance: float) -> bool:
    """True if all logistic outputs are closer than ``tolerance`` to their targets."""
    return bool((np.abs(1 / (1 + np.exp(-raw)) - targets) < tolerance).all())


def one_hot(sequences: Any) -> Steps:
    offsets = np.cumsum([0, *map(len, sequences)], dtype=np.int64)
    return Steps.one_hot(np.concatenate(list(sequences)), offsets)
