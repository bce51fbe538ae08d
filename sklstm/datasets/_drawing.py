"""Functions that the generators share: lengths, splitting a block into sequences, one-hot codes.

A generator draws the steps of all sequences as one block, without a Python loop over steps. The
sequences of the returned list are views of that block.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import signature
from itertools import pairwise
from numbers import Integral
from typing import Any

import numpy as np

from sklstm._memory import about, gib, require
from sklstm._sklearn import Interval, StrOptions

COUNT = Interval(Integral, 1, None, closed="left")
# Constraints of the parameters that all generators have, and of those that symbol tasks have.
COMMON = {"n_samples": [COUNT], "dtype": "no_validation", "random_state": ["random_state"]}
SYMBOLIC = COMMON | {
    "as_symbols": ["boolean"],
    "targets": [StrOptions({"labels", "one_hot"})],
}


def within_memory(*sizes: str) -> Callable:
    """Decorator that raises an error if memory has no room for one byte per step.

    The number of steps is ``n_samples`` times the arguments named by ``sizes``. Use it below the
    decorator that validates arguments.
    """

    def decorate(draw: Callable) -> Callable:
        order = signature(draw)

        @wraps(draw)
        def checked(*args: Any, **kwargs: Any) -> Any:
            given = order.bind(*args, **kwargs)
            given.apply_defaults()
            n_steps, named = 1, {}
            for name in ("n_samples", *sizes):
                named[name] = int(given.arguments[name])
                n_steps *= named[name]
            what = ", ".join(f"{name}={about(size)}" for name, size in named.items())
            require(n_steps, f"{draw.__name__}({what})", "Draw less at a time.")
            return draw(*args, **kwargs)

        return checked

    return decorate


def real_dtype(dtype: Any) -> np.dtype:
    """``dtype``, or an error unless it is float32 or float64."""
    real = np.dtype(dtype)
    if real not in (np.float32, np.float64):
        raise ValueError(f"dtype must be float32 or float64, got {dtype!r}.")
    return real


def ragged_lengths(rng: np.random.RandomState, n_samples: int, length: int) -> np.ndarray:
    """Lengths that are uniform over ``length`` to ``length + length / 10``, both included."""
    return rng.randint(length, length + length // 10 + 1, n_samples)


def starts_of(lengths: np.ndarray) -> np.ndarray:
    """The index in the block at which each sequence begins."""
    return np.cumsum(lengths) - lengths


def split(block: np.ndarray, lengths: np.ndarray) -> list[np.ndarray]:
    """The block as one array per sequence."""
    ends = [0, *np.cumsum(lengths).tolist()]
    return [block[start:end] for start, end in pairwise(ends)]


def encode_inputs(symbols: np.ndarray, n_symbols: int, as_symbols: bool, dtype: Any) -> np.ndarray:
    """Symbols of any shape as int64, or one-hot with one more axis."""
    if as_symbols:
        return symbols.astype(np.int64, copy=False)
    dtype = real_dtype(dtype)
    try:
        return _one_hot(symbols, n_symbols, dtype)
    except (MemoryError, ValueError):  # ValueError: the size overflows
        size = symbols.size * n_symbols * dtype.itemsize
        raise MemoryError(
            f"X has {symbols.size} steps of {n_symbols} units, {gib(size)} GiB, which do not fit "
            "into memory: draw fewer sequences at a time, or symbols with as_symbols=True."
        ) from None


def encode_targets(labels: np.ndarray, n_labels: int, targets: str, dtype: Any) -> np.ndarray:
    """Labels as int64, or one-hot with one more axis."""
    if targets == "labels":
        return labels.astype(np.int64, copy=False)
    return _one_hot(labels, n_labels, dtype)


def _one_hot(symbols: np.ndarray, n_symbols: int, dtype: Any) -> np.ndarray:
    return np.take(np.eye(n_symbols, dtype=real_dtype(dtype)), symbols, axis=0)
