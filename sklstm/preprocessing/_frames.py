"""Columns of pandas and polars data frames as numbers; neither package is imported."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np

from sklstm._numbers import as_numbers, precision

SHOWN = 10  # columns that an error lists; it counts the others


def is_frame(data: Any) -> bool:
    """True for a table with named columns that can be taken one by one."""
    return all(hasattr(data, name) for name in ("to_numpy", "columns", "__getitem__"))


def column_names(chosen: Any, frame: Any, argument: str) -> list:
    """The column or columns of ``frame`` that ``argument`` chooses, as a list of their names."""
    columns = list(frame.columns)
    if isinstance(chosen, str) or not isinstance(chosen, Iterable) or _is_in(chosen, columns):
        names = [chosen]
    else:
        names = list(chosen)
    for name in names:
        if name not in columns:
            raise ValueError(
                f"{argument}={chosen!r} contains {name!r}, but there is no such column: the "
                f"columns are {listed(columns)}."
            )
        if columns.count(name) > 1:
            raise ValueError(
                f"There are {columns.count(name)} columns {name!r}: rename all but one of them, or "
                "drop them."
            )
    refuse_twice(names, argument)
    return names


def refuse_twice(names: list, argument: str) -> None:
    """Raise an error if a column is chosen twice."""
    twice = next((name for k, name in enumerate(names) if name in names[:k]), None)
    if twice is not None:
        raise ValueError(f"{twice!r} occurs twice in {argument}: list it once.")


def column_of(frame: Any, name: Any, what: str) -> np.ndarray:
    """A column as numbers (n,) in its precision, or as labels."""
    column = frame[name]
    array = np.asarray(column)
    if array.dtype.kind in "OUSTM":
        return array
    array = numbers_of(column, f"column {name!r}", what)
    return array if array.dtype.kind in "biu" else array.astype(precision([array.dtype]))


def table_of(frame: Any, names: list, what: str, hint: str = "") -> np.ndarray:
    """Columns side by side, (n, F) in C order: float32 if all of them are, else float64."""
    columns = [numbers_of(frame[name], f"column {name!r}", what, hint) for name in names]
    table = np.empty((len(frame), len(names)), precision([column.dtype for column in columns]))
    with np.errstate(over="ignore"):
        for k, column in enumerate(columns):
            table[:, k] = column
    return table


def numbers_of(column: Any, label: str, what: str, hint: str = "") -> np.ndarray:
    """A column as real numbers, NaN where it has missing values.

    ``label`` names the column, "" for none, and ``what`` the argument in errors, to which ``hint``
    is added.
    """
    dtype, kind = column.dtype, getattr(column.dtype, "kind", None)
    if kind is None or isinstance(dtype, np.dtype):
        array = column.to_numpy()  # polars, plain numbers, or objects
    elif kind in "biuf":  # pandas' own types, with a mask for missing values
        single = kind == "f" and getattr(dtype, "itemsize", 8) == 4
        array = column.to_numpy(dtype=np.float32 if single else np.float64, na_value=np.nan)
    else:
        array = column.to_numpy(dtype=object, na_value=np.nan)
    try:
        if array.ndim != 1:
            raise ValueError(f"{dtype} is not one number per row")
        return as_numbers(array, lambda index: f"{label}, row {index[0]}".lstrip(", "), what, hint)
    except (TypeError, ValueError) as error:
        if str(error).startswith((f"{what} contains", "Complex")):
            raise
        place = f" in {label}" if label else ""
        raise ValueError(f"{what} contains values other than numbers{place}: {error}.") from error


def listed(names: list) -> str:
    """Column names for an error."""
    shown = ", ".join(map(repr, names[:SHOWN]))
    return shown if len(names) <= SHOWN else f"{shown} and {len(names) - SHOWN} more"


def _is_in(name: Any, columns: list) -> bool:
    """True for a tuple that is the name of a column (of a MultiIndex, say)."""
    return isinstance(name, tuple) and isinstance(name, Hashable) and name in columns
