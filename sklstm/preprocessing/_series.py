"""One time series as a table of numbers, and its columns."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral
from typing import Any

import numpy as np

from sklstm._containers import refuse_container
from sklstm._numbers import as_numbers, as_typed, filled, first_unequal, precision
from sklstm.preprocessing._frames import (
    column_names,
    is_frame,
    numbers_of,
    refuse_twice,
    table_of,
)


def read_series(series: Any, what: str = "series") -> tuple[np.ndarray, list | None, bool]:
    """The steps (T, F), the column names of a data frame, and True if the series is 1-D.

    ``what`` is the name of the argument in errors.
    """
    if is_frame(series):
        _check_index(series, what)
        names = column_names(list(series.columns), series, what)
        if not names:
            raise ValueError(f"{what} has no columns: at least one is needed.")
        return table_of(series, names, what), names, False
    if hasattr(series, "to_numpy") and hasattr(series, "dtype") and np.ndim(series) == 1:
        _check_index(series, what)
        array = numbers_of(series, "", what)  # a Series of pandas or polars
    else:
        refuse_container(series, what)
        array = as_numbers(_as_array(series, what), lambda index: f"index {index}", what)
    if array.ndim not in (1, 2) or 0 in array.shape[1:]:
        raise ValueError(f"{what} has shape {array.shape}; expected (n_steps,) or (n_steps, F).")
    array = array.astype(precision([array.dtype]), copy=False)
    return (array if array.ndim == 2 else array[:, np.newaxis]), None, array.ndim == 1


def _as_array(series: Any, what: str) -> np.ndarray:
    try:
        return as_typed(filled(series))
    except ValueError:
        raise ValueError(
            f"{what} is not an array: its steps are of unequal length, see step "
            f"{first_unequal(series)}."
        ) from None


def _check_index(series: Any, what: str) -> None:
    """Raise an error for rows of several series, and for dates that are not in order."""
    index = getattr(series, "index", None)
    if getattr(index, "nlevels", 1) > 1:
        raise ValueError(
            f"{what} has a MultiIndex, so it may hold several series: pass one series at a time."
        )
    if getattr(getattr(index, "dtype", None), "kind", None) == "M" and (
        not index.is_monotonic_increasing
    ):
        raise ValueError(
            f"The dates in the index of {what} are not in order: sort it by {what}.sort_index()."
        )


def known_columns(
    known_future: Any, names: list | None, series: Any, n_columns: int, flat: bool
) -> list[int]:
    """Numbers of the columns whose future values are known."""
    if known_future is None:
        return []
    if flat:
        raise ValueError(
            f"known_future={known_future!r} chooses a column, but series has only one dimension."
        )
    return chosen_columns(known_future, names, series, n_columns, "known_future")


def chosen_columns(
    chosen: Any, names: list | None, series: Any, n_columns: int, argument: str
) -> list[int]:
    """Numbers of the chosen columns."""
    if names is not None:
        return [names.index(name) for name in column_names(chosen, series, argument)]
    columns = list(chosen) if is_list(chosen, names) else [chosen]
    for column in columns:
        is_number = isinstance(column, Integral) and not isinstance(column, bool)
        if not is_number or not -n_columns <= column < n_columns:
            raise ValueError(
                f"{argument}={chosen!r} contains {column!r}, but there is no such column: series "
                f"is an array of {n_columns} columns, numbered from 0. Pass a data frame to use "
                "names."
            )
    columns = [int(column) % n_columns for column in columns]
    refuse_twice(columns, argument)
    return columns


def is_list(chosen: Any, names: list | None) -> bool:
    """True for several columns. A tuple may be the name of a single one."""
    if isinstance(chosen, tuple) and names is not None and chosen in names:
        return False
    return isinstance(chosen, Iterable) and not isinstance(chosen, str)
