"""Conversion to real numbers in the memory layout of the kernels, with errors that name places.

NumPy converts too much to float: it parses strings, counts dates in days, drops imaginary parts and
reads masked values. X, y, weights and steps of streams are therefore checked here before they are
converted. None, NA and masked entries become NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sized
from datetime import date, time, timedelta
from typing import Any, NoReturn

import numpy as np

NESTED = (
    " Convert a nested data frame to a list of sequences with "
    "[np.column_stack(list(row)) for row in X.to_numpy()]."
)
SYMBOLS = (
    " For symbols, such as words, use sklstm.preprocessing.SequenceEncoder as the first step of a "
    "pipeline, and pass the numbers of their features as categorical_features to the estimator."
)
PLAIN = {float, int, bool, str, type(None), np.ndarray, np.float64}  # types that are never masked


def contiguous(array: np.ndarray) -> np.ndarray:
    """``array`` in C order, aligned and in native byte order, as the kernels need it."""
    if array.dtype.kind == "T":  # NumPy 2's strings have no byte order
        return array.astype(object)
    return np.require(array, array.dtype.newbyteorder("="), ["C", "A", "E"])


def filled(data: Any, missing: Any = np.nan) -> Any:
    """``data`` with ``missing`` (NaN or None) instead of masked entries."""
    if isinstance(data, np.ma.MaskedArray):
        if not np.ma.is_masked(data):
            return np.asarray(data)
        if missing is None or data.dtype.kind not in "biuf":
            objects = np.array(data, dtype=object)
            objects[np.ma.getmaskarray(data)] = None
            return objects
        return data.astype(np.result_type(data.dtype, np.float16)).filled(np.nan)
    if isinstance(data, (list, tuple)):
        types = set(map(type, data))
        if types <= PLAIN:
            return data
        if not types.isdisjoint((list, tuple)) or any(
            issubclass(kind, np.ma.MaskedArray) for kind in types
        ):
            return [missing if value is np.ma.masked else filled(value, missing) for value in data]
    return data


def as_numbers(
    array: np.ndarray, place: Callable[[tuple], str], name: str = "X", hint: str = ""
) -> np.ndarray:
    """``array`` itself if its dtype is numeric; objects and wider floats become float64.

    ``place(index)`` describes an index in an error message, and ``hint`` is appended to it.
    """
    kind = array.dtype.kind
    if kind == "O":
        values = np.empty(array.shape)
        with np.errstate(over="ignore"):  # values beyond float64 become infinite
            for index, value in np.ndenumerate(array):
                number = _number(value)
                if isinstance(number, str):
                    _refuse(number, place(index), name, hint)
                values[index] = number
        return values
    if kind not in "biuf":
        _refuse(kind, place((0,) * array.ndim), name, hint)
    if kind == "f" and array.dtype.itemsize > 8:
        with np.errstate(over="ignore"):  # values beyond float64 become infinite
            return array.astype(np.float64)
    return array


def row_of_numbers(value: Any) -> np.ndarray | None:
    """A number or a row of numbers as float64 (k,), or None for everything else."""
    try:
        row = np.atleast_1d(as_numbers(as_typed(filled(value)), str))
        return row.astype(np.float64) if row.ndim == 1 else None
    except (TypeError, ValueError):
        return None


def scalar(value: Any) -> float:
    """A real number as a float (infinity if it is too large), or NaN for everything else."""
    with np.errstate(over="ignore"):
        number = _number(value)
    return np.nan if isinstance(number, str) else number


def shares(weights: np.ndarray) -> tuple[np.ndarray, int]:
    """``weights`` (n,) scaled by a power of two so that the largest is 1/2 to 1, and its exponent.

    The ratios are bit-identical, and products and sums do not underflow or overflow.
    """
    power = int(np.frexp(weights.max(initial=0.0))[1])
    return np.ldexp(weights, -power), power


def is_missing(value: Any) -> bool:
    """True for None, NA, masked entries, NaN and NaT."""
    if value is None or value is np.ma.masked:
        return True
    try:
        return bool(value != value)
    except TypeError:  # NA has no truth value
        return True


def as_typed(data: Any) -> np.ndarray:
    """``data`` as an array, of objects if NumPy would convert all to strings or complex numbers."""
    array = as_array(data)
    return np.asarray(data, dtype=object) if array.dtype.kind in "USc" else array


def as_array(data: Any) -> np.ndarray:
    """``data`` as NumPy reads it; integers beyond the range of floats become objects."""
    try:
        return np.asarray(data)
    except OverflowError:
        return np.asarray(data, dtype=object)


def first_unequal(items: Any) -> int:
    """The first of the ``items`` whose shape differs from item 0, or that has no shape."""
    shapes = [_shape(item) for item in items]
    return next((k for k, s in enumerate(shapes) if s is None or s != shapes[0]), 0)


def _shape(item: Any) -> tuple | None:
    try:
        return np.shape(item)
    except ValueError:  # nested lists of unequal length
        return None


def _number(value: Any) -> float | str:
    """A Python object as a float (NaN if missing), or the kind of an object that is no number."""
    if type(value) is float:
        return value
    if isinstance(value, np.ndarray) and value.ndim == 0 and value is not np.ma.masked:
        value = value[()]
    if value is None or value is np.ma.masked or type(value).__name__ == "NAType":
        return np.nan
    if isinstance(value, (str, bytes)):
        return "U"
    if isinstance(value, (complex, np.complexfloating)):
        return "c"
    if isinstance(value, (date, time, timedelta, np.datetime64, np.timedelta64)):
        return "M"
    if isinstance(value, np.void):
        return "V"
    if isinstance(value, Sized) and not isinstance(value, Mapping) and np.ndim(value) > 0:
        return "nested"
    try:
        return float(value)
    except OverflowError:  # large integers and fractions; other types become infinite themselves
        return np.inf
    except (TypeError, ValueError, ArithmeticError):
        return type(value).__name__


def _refuse(kind: str, where: str, name: str = "X", hint: str = "") -> NoReturn:
    if kind == "c":
        raise ValueError(
            f"Complex data not supported: {name} is complex at {where}. Pass real and imaginary "
            "parts as two features."
        )
    if kind in "mM":
        raise TypeError(
            f"{name} contains dates or durations, the first at {where}. Convert them to numbers, "
            f"for example to seconds since the first step.{hint}"
        )
    if kind == "nested":
        raise ValueError(
            f"{name} contains a whole array in one cell, the first at {where}.{NESTED}"
        )
    if kind in ("U", "S", "T", "V"):
        what = "records" if kind == "V" else "strings"
        if name == "X" and what == "strings" and not hint:
            hint = SYMBOLS
        raise ValueError(
            f"{name} contains {what}, the first at {where}. Convert them to numbers.{hint}"
        )
    raise TypeError(
        f"{name} contains a {kind} at {where}, but the argument must be a string or a real number "
        "for float(). Convert it to a number."
    )


def refuse_dict(x: Any) -> None:
    """Raise an error if a step of a stream is a dict, whose order of features is unknown."""
    if isinstance(x, Mapping):
        raise TypeError(
            f"x is of type {type(x).__name__}. Pass a list of its values in the order of the "
            "features, such as [x[name] for name in names]."
        )


def refuse_dates(X: Any, hint: str = "", place: str = "") -> None:
    """Raise an error that names the column if a data frame contains dates."""
    if hasattr(X, "columns") and hasattr(X, "dtypes"):
        for name, dtype in zip(X.columns, X.dtypes, strict=True):
            temporal = getattr(dtype, "is_temporal", None)  # polars
            if temporal() if callable(temporal) else getattr(dtype, "kind", "O") in "mM":
                _refuse("M", f"{place}column {name!r}", hint=hint)


def precision(dtypes: Iterable[np.dtype]) -> type:
    """float32 if everything is float32 (of any byte order), else float64."""
    return np.float32 if all(d.kind == "f" and d.itemsize == 4 for d in dtypes) else np.float64
