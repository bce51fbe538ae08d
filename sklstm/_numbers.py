"""Real numbers in the memory layout of the kernels, or an error that says where another thing is.

NumPy converts to float whatever it can: it parses strings, counts dates in days, drops imaginary
parts and reads what a mask hides. X, y, weights and the rows of streams are converted only after
this file has seen that they are numbers. None, NA and masked entries are NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sized
from datetime import date, time, timedelta
from typing import Any, NoReturn

import numpy as np

NESTED = (
    " A nested data frame becomes a list of sequences by "
    "[np.column_stack(list(row)) for row in X.to_numpy()]."
)
SYMBOLS = (
    " Symbols, such as words, become codes with sklstm.preprocessing.SequenceEncoder as the first "
    "step of a pipeline."
)
PLAIN = {float, int, bool, str, type(None), np.ndarray, np.float64}  # nothing of this is masked


def contiguous(array: np.ndarray) -> np.ndarray:
    """``array`` as the kernels read it: in C order, aligned, in native byte order."""
    if array.dtype.kind == "T":  # strings of NumPy 2, which have no byte order
        return array.astype(object)
    return np.require(array, array.dtype.newbyteorder("="), ["C", "A", "E"])


def filled(data: Any, missing: Any = np.nan) -> Any:
    """``data`` with ``missing`` (NaN or None) for the entries that a masked array hides."""
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
    """``array`` itself if it holds real numbers; objects and what is wider than float64 as that.

    ``place`` words an index, ``hint`` is added to the error that names it.
    """
    kind = array.dtype.kind
    if kind == "O":
        values = np.empty(array.shape)
        with np.errstate(over="ignore"):  # of what is wider than float64
            for index, value in np.ndenumerate(array):
                number = _number(value)
                if isinstance(number, str):
                    _refuse(number, place(index), name, hint)
                values[index] = number
        return values
    if kind not in "biuf":
        _refuse(kind, place((0,) * array.ndim), name, hint)
    if kind == "f" and array.dtype.itemsize > 8:
        with np.errstate(over="ignore"):  # what float64 cannot hold is infinite in it
            return array.astype(np.float64)
    return array


def row_of_numbers(value: Any) -> np.ndarray | None:
    """A number or a row of numbers as float64 (k,); None for all else that NumPy would convert."""
    try:
        row = np.atleast_1d(as_numbers(as_typed(filled(value)), str))
        return row.astype(np.float64) if row.ndim == 1 else None
    except (TypeError, ValueError):
        return None


def scalar(value: Any) -> float:
    """A real number as a float, infinity if none is large enough; NaN for all else."""
    with np.errstate(over="ignore"):
        number = _number(value)
    return np.nan if isinstance(number, str) else number


def shares(weights: np.ndarray) -> tuple[np.ndarray, int]:
    """``weights`` (n,) times the power of two that makes the largest 1/2 to 1, and its exponent.

    The ratios are the same to the bit, and products and sums neither vanish nor overflow.
    """
    power = int(np.frexp(weights.max(initial=0.0))[1])
    return np.ldexp(weights, -power), power


def is_missing(value: Any) -> bool:
    """True for None, NA, a masked entry, and what does not equal itself: NaN and NaT."""
    if value is None or value is np.ma.masked:
        return True
    try:
        return bool(value != value)
    except TypeError:  # NA has no truth value
        return True


def as_typed(data: Any) -> np.ndarray:
    """``data`` as an array, of objects where NumPy would make one string or complex of them all."""
    array = as_array(data)
    return np.asarray(data, dtype=object) if array.dtype.kind in "USc" else array


def as_array(data: Any) -> np.ndarray:
    """``data`` as NumPy reads it, and whole numbers that no float can hold as objects."""
    try:
        return np.asarray(data)
    except OverflowError:
        return np.asarray(data, dtype=object)


def first_unequal(items: Any) -> int:
    """The first of some ``items`` that has not the shape of item 0, or no shape at all."""
    shapes = [_shape(item) for item in items]
    return next((k for k, s in enumerate(shapes) if s is None or s != shapes[0]), 0)


def _shape(item: Any) -> tuple | None:
    try:
        return np.shape(item)
    except ValueError:  # nested lists of unequal length
        return None


def _number(value: Any) -> float | str:
    """A Python object as a float, NaN if it is missing; of what is no real number the kind."""
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
    except OverflowError:  # of whole numbers and fractions; others become infinite themselves
        return np.inf
    except (TypeError, ValueError, ArithmeticError):
        return type(value).__name__


def _refuse(kind: str, where: str, name: str = "X", hint: str = "") -> NoReturn:
    if kind == "c":
        raise ValueError(
            f"Complex data not supported: {name} is complex at {where}. Pass real and imaginary "
            "parts side by side."
        )
    if kind in "mM":
        raise TypeError(
            f"{name} holds dates or durations, the first at {where}: convert them to numbers, for "
            f"example to seconds since the first step.{hint}"
        )
    if kind == "nested":
        raise ValueError(f"{name} holds a whole array in one cell, the first at {where}.{NESTED}")
    if kind in ("U", "S", "T", "V"):
        what = "records" if kind == "V" else "strings"
        if name == "X" and what == "strings" and not hint:
            hint = SYMBOLS
        raise ValueError(
            f"{name} holds {what}, the first at {where}: convert them to numbers.{hint}"
        )
    raise TypeError(
        f"{name} holds a {kind} at {where}, where the argument must be a string or a real number "
        "for float(): convert it to a number."
    )


def refuse_dict(x: Any) -> None:
    """A step of a stream is a row; which value of a dict is which feature, fit has not seen."""
    if isinstance(x, Mapping):
        raise TypeError(
            f"x is of type {type(x).__name__}: pass a list of its values in the order of the "
            "features, such as [x[name] for name in names]."
        )


def refuse_dates(X: Any, hint: str = "", place: str = "") -> None:
    """A data frame with a column of dates is refused by the name of the column."""
    if hasattr(X, "columns") and hasattr(X, "dtypes"):
        for name, dtype in zip(X.columns, X.dtypes, strict=True):
            temporal = getattr(dtype, "is_temporal", None)  # polars
            if temporal() if callable(temporal) else getattr(dtype, "kind", "O") in "mM":
                _refuse("M", f"{place}column {name!r}", hint=hint)


def precision(dtypes: Iterable[np.dtype]) -> type:
    """float32 if everything is float32 (of any byte order), else float64."""
    return np.float32 if all(d.kind == "f" and d.itemsize == 4 for d in dtypes) else np.float64
