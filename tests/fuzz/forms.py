"""Sequences, targets and weights as hypothesis draws them, and the forms that they may come in."""

from __future__ import annotations

import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

# The same examples in every run of the tests; more, and others each time, by hand:
# SKLSTM_EXAMPLES=10000 python -m pytest tests/test_forms.py
_MANY = int(os.environ.get("SKLSTM_EXAMPLES", 0))
FLOATS = ("float64", "float32")


def examples(n: int) -> settings:
    """So many examples, or as many as the environment asks for."""
    return settings(
        max_examples=_MANY or n,
        derandomize=not _MANY,
        deadline=None,  # the machine has other work, too
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def numbers(n: int, largest: float = 4.0) -> st.SearchStrategy:
    """A list of numbers of which float32 has all digits, so that precision is no matter."""
    return st.lists(
        st.floats(-largest, largest, width=16, allow_subnormal=False), min_size=n, max_size=n
    )


@st.composite
def ragged(draw: Callable, n_features: int, most: int = 6, longest: int = 7) -> list[np.ndarray]:
    """A list of sequences (T_i, F) in float64."""
    lengths = draw(st.lists(st.integers(1, longest), min_size=1, max_size=most))
    flat = np.array(draw(numbers(sum(lengths) * n_features)))
    rows = flat.reshape(-1, n_features)
    return np.split(rows, np.cumsum(lengths)[:-1])


# ---------------------------------------------------------------- forms of one array of numbers


def _strided(x: np.ndarray) -> np.ndarray:
    return np.repeat(x, 2, axis=0)[::2]


def _backwards(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x[::-1])[::-1]


def _read_only(x: np.ndarray) -> np.ndarray:
    locked = x.copy()
    locked.flags.writeable = False
    return locked


def _unaligned(x: np.ndarray) -> np.ndarray:
    room = np.zeros(x.nbytes + 1, np.uint8)
    moved = room[1:].view(x.dtype).reshape(x.shape)
    moved[...] = x
    return moved


def _memory_mapped(x: np.ndarray) -> np.ndarray:
    path = Path(mkdtemp(prefix="sklstm-forms-")) / "x.npy"
    np.save(path, x)
    mapped = np.load(path, mmap_mode="r")
    if os.name != "nt":  # there, a file that is mapped stays
        path.unlink()
        path.parent.rmdir()
    return mapped


def _of_columns(x: np.ndarray) -> np.ndarray:
    return np.concatenate([x, x], axis=1)[:, : x.shape[1]]


ARRAYS: dict[str, Callable[[np.ndarray], Any]] = {
    "as it is": lambda x: x,
    "Fortran": np.asfortranarray,
    "strided": _strided,
    "backwards": _backwards,
    "read-only": _read_only,
    "unaligned": _unaligned,
    "memory-mapped": _memory_mapped,
    "big-endian": lambda x: x.astype(">f8"),
    "part of a wider one": _of_columns,
    "float32": lambda x: x.astype(np.float32),
    "float16": lambda x: x.astype(np.float16),
    "long double": lambda x: x.astype(np.longdouble),
    "objects": lambda x: x.astype(object),
    "decimals": lambda x: np.array([[Decimal(v) for v in row] for row in x.tolist()], dtype=object),
    "lists": lambda x: x.tolist(),
    "tuples": lambda x: tuple(map(tuple, x.tolist())),
    "list of arrays": list,
}


def frame(x: np.ndarray) -> Any:
    import pandas as pd

    return pd.DataFrame(x, columns=[f"f{k}" for k in range(x.shape[1])])


# ---------------------------------------------------------------- forms of a row of numbers

ROWS: dict[str, Callable[[np.ndarray], Any]] = {
    "array": lambda y: y,
    "list": lambda y: y.tolist(),
    "tuple": lambda y: tuple(y.tolist()),
    "objects": lambda y: y.astype(object),
    "float32": lambda y: y.astype(np.float32),
    "strided": lambda y: np.repeat(y, 2)[::2],
    "read-only": _read_only,
    "big-endian": lambda y: y.astype(">f8"),
}


def series(y: np.ndarray) -> Any:
    import pandas as pd

    return pd.Series(y)


# ---------------------------------------------------------------- networks


@st.composite
def nets(draw: Callable) -> dict[str, Any]:
    """The shape of a small network, as `Topology` takes it."""
    return dict(
        cell=draw(st.sampled_from(["forget", "1997", "peephole", "coupled"])),
        n_features=draw(st.integers(1, 3)),
        hidden_layer_sizes=tuple(draw(st.lists(st.integers(1, 3), min_size=1, max_size=2))),
        block_size=draw(st.integers(1, 2)),
        bidirectional=draw(st.booleans()),
        n_outputs=draw(st.integers(1, 3)),
        bias=draw(st.sampled_from(["all", "hidden", "gates", None])),
    )


def weights(n: int) -> st.SearchStrategy:
    """Weights of rows; of some, nothing is learned."""
    one = st.one_of(st.just(0.0), st.floats(0.25, 4.0), st.floats(1e-3, 1e3))
    return st.lists(one, min_size=n, max_size=n)
