"""Conversion of per-step y and weights to one row per step of the packed sequences.

This module checks that they match X. Other modules check the values.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import numpy as np

from sklstm._containers import first_frame, is_frame, members, refuse_container
from sklstm._lists import as_items
from sklstm._numbers import as_array, contiguous, filled, first_unequal
from sklstm._sequences import Sequences

# Kinds of values that one array may contain; NumPy would silently convert 1 to the string "1".
TYPES = {
    kind: name
    for kinds, name in (
        ("biufc", "numbers"),
        ("UST", "strings"),
        ("mM", "dates or durations"),
        ("V", "records"),
    )
    for kind in kinds
}


def pack_steps(
    y: Any, sequences: Sequences, *, name: str, what: str, missing: Any = np.nan
) -> np.ndarray:
    """Per-step ``y`` or weights, in any container, as one (N,) or (N, k) array of their dtype.

    ``name`` is the name of the argument and ``what`` the plural of its entries, both for error
    messages. Masked entries become ``missing``.
    """
    y = as_items(y, name, missing)
    refuse_container(y, name)
    n = len(sequences)
    items = members(y)
    if items is None:
        items = as_array(filled(y, missing))
        if items.ndim not in (2, 3):
            raise ValueError(
                f"{name} of shape {items.shape} does not contain {what} for every step. With "
                "return_sequences=True, pass an array (n_sequences, n_steps) or (n_sequences, "
                "n_steps, k), or a list with one array per sequence."
                f"{_one_series(items, sequences)}"
            )
    if len(items) != n:
        raise ValueError(
            f"{name} has {len(items)} sequences, but {x_of(name)} has {n}. Each sequence needs its "
            f"{what}."
        )
    if isinstance(items, np.ndarray):
        _check_steps(np.full(n, items.shape[1]), sequences, name, what)
        return contiguous(items.reshape(-1, *items.shape[2:]))

    arrays = [_as_array(item, k, name, missing) for k, item in enumerate(items)]
    first = arrays[0].shape
    if len(first) not in (1, 2):
        raise ValueError(
            f"Sequence 0 of {name} has shape {first}. With return_sequences=True it needs {what} "
            f"for every step, (n_steps,) or (n_steps, k).{_one_series(items, sequences)}"
        )
    for k, array in enumerate(arrays):
        if array.ndim != len(first) or array.shape[1:] != first[1:]:
            raise ValueError(
                f"Sequence {k} of {name} has shape {array.shape}; expected one row of {what} per "
                f"step, as in sequence 0 of shape {first}."
            )
    if is_frame(items[0]):
        first_frame(items, name)
    _check_steps(np.array([len(array) for array in arrays]), sequences, name, what)
    if any(array.dtype.kind in "UST" for array in arrays):  # NumPy would convert NaN to "nan"
        arrays = [array.astype(object) if _is_nan(array) else array for array in arrays]
    check_one_type(arrays, name, what)
    return contiguous(concatenated(arrays))


def concatenated(arrays: list[np.ndarray]) -> np.ndarray:
    """All steps in one array; complex values as objects, so that errors can name their place."""
    if any(array.dtype.kind == "c" for array in arrays):
        arrays = [array.astype(object) for array in arrays]
    return np.concatenate(arrays)


def x_of(name: str) -> str:
    """The name of the X that belongs to the argument ``name``."""
    return "X_val" if name.endswith("_val") else "X"


def as_entries(data: Any, missing: Any = np.nan) -> np.ndarray:
    """``data`` as an array, of objects if NumPy would convert all to strings or complex numbers."""
    array = as_array(filled(data, missing))
    if array.dtype.kind in "USc" and not hasattr(data, "dtype"):
        objects = np.asarray(data, dtype=object)
        if objects.shape != array.shape or not all(_is_text(v) for v in objects.flat):
            return objects
    return array


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and not isinstance(value, Enum)  # which NumPy writes as its name


def _as_array(item: Any, k: int, name: str, missing: Any) -> np.ndarray:
    if not isinstance(item, str):  # a str is reported by its shape
        refuse_container(item, f"Sequence {k} of {name}")
    try:
        return as_entries(item, missing)
    except ValueError:
        raise ValueError(
            f"Sequence {k} of {name} is not an array: its steps have unequal lengths, see step "
            f"{first_unequal(item)}."
        ) from None


def _is_nan(array: np.ndarray) -> bool:
    """True if all entries of a sequence are NaN."""
    return array.dtype.kind == "f" and bool(np.isnan(array).all())


def check_one_type(arrays: list[np.ndarray], name: str, what: str, of: str = "sequence") -> None:
    types = [TYPES.get(array.dtype.kind) for array in arrays]
    if len({*types} - {None}) < 2 and not ("dates or durations" in types and None in types):
        return
    first = next(k for k, kind in enumerate(types) if kind)
    other = next(k for k, kind in enumerate(types) if kind != types[first])
    names = sorted([types[first], types[other] or "objects"], reverse=True)
    raise ValueError(
        f"{name} mixes {names[0]} and {names[1]} ({of} {min(first, other)} and {of} "
        f"{max(first, other)}). Use one type of {what}."
    )


def _check_steps(lengths: np.ndarray, sequences: Sequences, name: str, what: str) -> None:
    wrong = lengths != sequences.lengths
    if wrong.any():
        k = int(wrong.argmax())
        raise ValueError(
            f"Sequence {k} of {name} has {what} for {lengths[k]} steps, but sequence {k} of "
            f"{x_of(name)} has {sequences.lengths[k]} steps: they must be equal."
        )


def _one_series(y: Any, sequences: Sequences) -> str:
    """Advice if X is a table with as many rows as there are targets, else an empty string."""
    if sequences.container == "rows" and len(sequences) == len(y):
        return (
            " If X is one long series and its rows are time steps, pass [X] and [y]: one sequence."
        )
    return ""
