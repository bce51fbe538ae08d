"""Real numbers, or an error that says where something else stands.

NumPy converts to float whatever it can: it parses strings, counts dates in days and drops imaginary
parts. Sequences are converted only after this file has seen that they are numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, time, timedelta
from typing import Any, NoReturn

import numpy as np


def numbers(array: np.ndarray, place: Callable[[tuple], str], name: str = "X") -> np.ndarray:
    """``array`` itself if it holds real numbers, objects as float64; ``place`` words an index."""
    kind = array.dtype.kind
    if kind == "O":
        for index, value in np.ndenumerate(array):
            if (kind := _kind(value)) != "O":
                _refuse(kind, place(index), name)
        return array.astype(np.float64)
    if kind not in "biuf":
        _refuse(kind, place((0,) * array.ndim), name)
    return array


def as_typed(data: Any) -> np.ndarray:
    """``data`` as an array, of objects where NumPy would make one string or complex of them all."""
    array = np.asarray(data)
    return np.asarray(data, dtype=object) if array.dtype.kind in "USc" else array


def _kind(value: Any) -> str:
    """The dtype kind of a Python object that is not a real number, "O" for all others."""
    if isinstance(value, (str, bytes)):
        return "U"
    if isinstance(value, (complex, np.complexfloating)):
        return "c"
    if isinstance(value, (date, time, timedelta, np.datetime64, np.timedelta64)):
        return "M"
    return "O"


def _refuse(kind: str, where: str, name: str = "X") -> NoReturn:
    if kind == "c":
        raise ValueError(
            f"Complex data not supported: {name} is complex at {where}. Pass real and imaginary "
            "parts as two features."
        )
    if kind in "mM":
        raise TypeError(
            f"{name} holds dates or durations, the first at {where}: convert them to numbers, for "
            "example to seconds since the first step."
        )
    what = "strings" if kind in "UST" else "records"
    raise ValueError(f"{name} holds {what}, the first at {where}: convert them to numbers.")


def refuse_dates(X: Any) -> None:
    """A data frame with a column of dates is refused by the name of the column."""
    if hasattr(X, "columns") and hasattr(X, "dtypes"):
        for name, dtype in zip(X.columns, X.dtypes, strict=True):
            if getattr(dtype, "kind", "O") in "mM":
                _refuse(dtype.kind, f"column {name!r}")


def precision(dtypes: Iterable[np.dtype]) -> type:
    """float32 if everything is float32 (of any byte order), else float64."""
    return np.float32 if all(d.kind == "f" and d.itemsize == 4 for d in dtypes) else np.float64
