"""Read sequences of symbols, or of rows with symbols and numbers, in all forms of input.

The steps of all sequences are packed, as in ``Sequences``, but by column. A column is an array of
numbers, or a list of the user's values. None, NaN, NA and masked entries are missing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import chain
from numbers import Number
from typing import Any

import numpy as np
from sklearn.utils.validation import check_array

from sklstm._containers import (
    check_names,
    first_frame,
    is_category,
    is_frame,
    members,
    object_array,
    refuse_container,
    refuse_long,
    refuse_members,
)
from sklstm._laws import check_form, place_of, refuse_shape
from sklstm._lists import as_items
from sklstm._numbers import as_numbers, filled, refuse_dates, refuse_dict
from sklstm.preprocessing._frames import numbers_of

FORMS = (  # of a sequence
    "a str, a list of symbols, a list of rows, an array (n_steps,) or (n_steps, n_features), or a "
    "data frame"
)


@dataclass(frozen=True, eq=False)
class Feature:
    """All values of one feature, and a function that describes the place of one of them.

    ``name`` is the argument that they come from.
    """

    values: list
    place: Callable[[int], str]
    name: str


@dataclass(frozen=True, eq=False)
class Symbols:
    """n sequences of F features: sequence k is ``offsets[k] : offsets[k + 1]`` of every column.

    Attributes
    ----------
    columns : list of F ndarrays or lists of length N
        Arrays hold real numbers, lists anything.
    chosen : list of F bools
        True for a column that holds symbols even if all its values are numbers.
    offsets : ndarray of shape (n + 1,), int64
    container : {"array", "rows", "list", "tuple", "object", "step"}
        The user's container: a 3-D array, a 2-D table, a list, a tuple, a 1-D array of sequences,
        a single time step.
    flat : bool
        True if a step is a single symbol, False if it is a row.
    names : list of str or None
        Column names of data frames.
    """

    columns: list
    chosen: list[bool]
    offsets: np.ndarray
    container: str
    flat: bool
    names: list | None = None

    @property
    def n_features(self) -> int:
        return len(self.columns)

    def holds_symbols(self, feature: int) -> bool:
        """True if a column must be encoded: some of its values are neither numbers nor missing."""
        if self.chosen[feature]:
            return True
        column = self.columns[feature]
        return isinstance(column, list) and not all(map(_is_number, set(map(type, column))))

    def feature(self, number: int) -> Feature:
        column = self.columns[number]
        values = column.tolist() if isinstance(column, np.ndarray) else column
        name = "x" if self.container == "step" else "X"
        return Feature(values, partial(self._place, feature=number), name)

    def numbers(self, feature: int) -> np.ndarray:
        """A column without symbols, as real numbers."""
        column = self.columns[feature]
        column = object_array(column) if isinstance(column, list) else column
        name = "x" if self.container == "step" else "X"
        hint = " In fit, all values of this feature were numbers."
        return as_numbers(column, lambda index: self._place(index[0], feature), name, hint)

    def _place(self, step: int, feature: int) -> str:
        """The place of a packed step in words."""
        column = f"feature {feature}"
        if self.container == "step":
            return column
        if self.names is not None:
            column = f"column {self.names[feature]!r}"
        k = int(np.searchsorted(self.offsets, step, side="right")) - 1
        where = place_of(k, step - int(self.offsets[k]))
        return where if self.flat else f"{where}, {column}"


def read_symbols(estimator: Any, X: Any, *, reset: bool) -> Symbols:
    """Validate ``X`` for ``estimator`` and pack it, like ``read_sequences`` but with symbols."""
    if isinstance(X, str):
        raise TypeError("X is a str: pass [X] if its characters are one sequence.")
    X = as_items(X, "X", None)
    refuse_container(X, "X")
    items, container = _items_of(X)
    if items is None:
        return _read_table(estimator, X, reset)
    if len(items) == 0:
        raise ValueError("X is empty: it needs at least one sequence.")
    refuse_members(items, "X")
    frame = first_frame(items, "X")
    symbols = _pack([_read_item(item, k) for k, item in enumerate(items)], container, frame)
    named = np.empty((1, symbols.n_features)) if frame is None else frame
    if not reset:
        check_form(estimator, symbols.n_features)
    check_names(estimator, named, reset=reset)
    if reset:
        estimator._sequence_input = "sequences"
    return symbols


def read_step(x: Any, n_features: int) -> Symbols:
    """One step of a stream. A single symbol needs no list around it."""
    refuse_dict(x)
    x = filled(x, None)
    if hasattr(x, "to_list"):  # a Series of pandas or polars
        row = x.to_list()
    elif isinstance(x, np.ndarray):
        row = np.atleast_1d(x).tolist()
    else:
        row = list(x) if isinstance(x, (list, tuple)) else [x]
    if len(row) != n_features:
        raise ValueError(
            f"x has {len(row)} values, expected {n_features}: one symbol or number for each "
            "feature of this step."
        )
    return Symbols([[value] for value in row], [], np.array([0, 1]), "step", False)


def read_steps(X: Any, n_features: int) -> list[tuple]:
    """The steps of a block, in any form of a sequence."""
    if not isinstance(X, str):
        refuse_container(X, "X")
    columns = _read_item(X, None).columns
    if len(columns) != n_features:
        raise ValueError(
            f"X has {len(columns)} features, expected {n_features}: one symbol or number for each "
            "feature of every step."
        )
    return list(zip(*columns, strict=True))


# -------------------------------------------------------------------------------- forms of X


def _items_of(X: Any) -> tuple[Any, str]:
    """The sequences of X and the name of their container. None and "rows" for a table."""
    if isinstance(X, (list, tuple)):
        return X, "list" if isinstance(X, list) else "tuple"
    if is_frame(X):
        return None, "rows"
    if hasattr(X, "to_list"):  # a Series
        return X.to_list(), "object"
    items = members(X)
    if items is not None:
        return items, "object"
    n_dims = getattr(X, "ndim", None)
    if n_dims == 1 and getattr(X.dtype, "kind", "") in "UT":
        return X.tolist(), "object"
    return (list(filled(X, None)), "array") if n_dims == 3 else (None, "rows")


@dataclass(frozen=True, eq=False)
class _Item:
    """One sequence, as a column for each feature."""

    columns: list
    flat: bool = False
    chosen: list[bool] | None = None

    def __len__(self) -> int:
        return len(self.columns[0])


def _read_item(item: Any, k: int | None) -> _Item:
    if isinstance(item, str):
        return _Item([list(item)], flat=True)
    if is_frame(item):
        return _read_frame(item, k)
    if hasattr(item, "to_list"):
        return _Item([filled(item.to_list(), None)], flat=True)
    item = filled(item, None)
    if isinstance(item, (list, tuple)):
        return _read_list(item, k)
    array = np.asarray(item)
    if array.dtype.kind in "mM":
        raise TypeError(
            f"X holds dates or durations, the first at {_prefix(k)}step 0: convert them to "
            "numbers, for example to seconds since the first step."
        )
    if array.ndim == 1:
        return _read_list(array.tolist(), k) if array.dtype == object else _flat(array.tolist())
    if array.ndim != 2:
        what = f"shape {array.shape}" if array.ndim else f"type {type(item).__name__}"
        one = "" if array.ndim or k is None else " Pass a single sequence as [X]."
        raise ValueError(f"{_subject(k)} is of {what}: expected {FORMS}.{one}")
    numeric = array.dtype.kind in "biufc"
    return _wide([column if numeric else column.tolist() for column in array.T], k)


def _read_list(item: list | tuple, k: int | None) -> _Item:
    """A list of symbols or of rows."""
    row_kinds = (list, tuple, np.ndarray)
    rows = {kind for kind in set(map(type, item)) if issubclass(kind, row_kinds)}
    if not rows:
        return _flat(list(item))
    other = next((t for t, step in enumerate(item) if not isinstance(step, row_kinds)), None)
    if other is not None:
        first = next(t for t, step in enumerate(item) if isinstance(step, row_kinds))
        raise ValueError(
            f"{_subject(k)} mixes rows and single symbols: step {first} is of type "
            f"{type(item[first]).__name__}, step {other} of type {type(item[other]).__name__}. "
            "Every step must be one symbol, or every step must be a row."
        )
    steps = [step.tolist() if isinstance(step, np.ndarray) else step for step in item]
    for t, step in enumerate(steps):
        if not isinstance(step, (list, tuple)) or len(step) != len(steps[0]):
            raise ValueError(
                f"{_subject(k)} has rows of unequal length, see step {t}: every step needs the "
                "same features."
            )
    return _wide([list(column) for column in zip(*steps, strict=True)], k)


def _read_frame(frame: Any, k: int | None) -> _Item:
    refuse_dates(frame, place=_prefix(k))
    columns, chosen = [], []
    for name, column in zip(frame.columns, _columns_of(frame), strict=True):
        chosen.append(is_category(column.dtype) or _is_text(column.dtype))
        if not chosen[-1] and _is_numeric(column.dtype):
            columns.append(numbers_of(column, f"{_prefix(k)}column {name!r}", "X"))
        else:
            columns.append(filled(column.to_list(), None))
    return _wide(columns, k, chosen)


def _subject(k: int | None) -> str:
    """The subject of an error about sequence k, or about a block of steps."""
    return "X" if k is None else f"Sequence {k} of X"


def _prefix(k: int | None) -> str:
    """The start of the place of a step or column."""
    return "" if k is None else f"sequence {k}, "


def _flat(values: list) -> _Item:
    return _Item([values], flat=True)


def _wide(columns: list, k: int | None, chosen: list[bool] | None = None) -> _Item:
    if not columns:
        raise ValueError(f"{_subject(k)} has 0 features: at least one is needed.")
    return _Item(columns, chosen=chosen)


def _pack(items: list[_Item], container: str, frame: Any) -> Symbols:
    first = items[0]
    for k, item in enumerate(items):
        if len(item.columns) != len(first.columns):
            raise ValueError(
                f"Sequence {k} of X has {len(item.columns)} features, but sequence 0 has "
                f"{len(first.columns)}: every step of every sequence needs the same features."
            )
        if item.flat != first.flat:
            words = {True: "one symbol per step", False: "a row per step"}
            raise ValueError(
                f"Sequence {k} of X has {words[item.flat]}, but sequence 0 has "
                f"{words[first.flat]}: all sequences need the same form."
            )
        if len(item) == 0:
            raise ValueError(f"Sequence {k} of X is empty: give it at least one step or drop it.")
    columns = [_joined([item.columns[j] for item in items]) for j in range(len(first.columns))]
    flags = [item.chosen for item in items if item.chosen is not None]
    chosen = [any(of_item[j] for of_item in flags) or first.flat for j in range(len(columns))]
    offsets = np.cumsum([0, *map(len, items)], dtype=np.int64)
    names = None if frame is None else list(frame.columns)
    return Symbols(columns, chosen, offsets, container, first.flat, names)


def _joined(parts: list) -> Any:
    if all(isinstance(part, np.ndarray) for part in parts):
        return np.concatenate(parts)
    return list(chain.from_iterable(p.tolist() if isinstance(p, np.ndarray) else p for p in parts))


def _read_table(estimator: Any, X: Any, reset: bool) -> Symbols:
    """A table with one symbol per step. All columns are steps of the same feature."""
    fitted_on_table = getattr(estimator, "_sequence_input", "sequences") == "table"
    refuse_long(X, ids=reset or not fitted_on_table)
    refuse_dates(X)
    if is_frame(X):
        table = np.empty(X.shape, dtype=object)
        for j, column in enumerate(_columns_of(X)):
            table[:, j] = column.to_list()
    else:
        table = filled(X, None)
        refuse_shape(table, X)
    table = check_array(
        table, dtype=None, ensure_all_finite=False, estimator=estimator, input_name="X"
    )
    if not reset and not fitted_on_table:
        raise ValueError(
            f"X is a 2-D table of shape {table.shape}, but {type(estimator).__name__} was fitted "
            f"on sequences of {estimator.n_features_in_} features: pass list(X) if a row is a "
            "sequence of symbols, or [x] for a single sequence x."
        )
    check_names(estimator, X if is_frame(X) else table, reset=reset)
    if reset:
        estimator._sequence_input = "table"
    offsets = np.arange(len(table) + 1, dtype=np.int64) * table.shape[1]
    return Symbols([table.ravel().tolist()], [True], offsets, "rows", flat=True)


# ---------------------------------------------------------------------- columns and their types


def _columns_of(frame: Any) -> list:
    """The columns of a data frame, whose names may be equal."""
    if hasattr(frame, "iloc"):
        return [frame.iloc[:, j] for j in range(frame.shape[1])]
    if hasattr(frame, "get_columns"):
        return frame.get_columns()
    raise TypeError(
        f"X holds a {type(frame).__name__}: convert it to a data frame of pandas or polars."
    )


def _is_text(dtype: Any) -> bool:
    return type(dtype).__name__ in ("StringDtype", "String")


def _is_numeric(dtype: Any) -> bool:
    numeric = getattr(dtype, "is_numeric", None)  # polars
    if callable(numeric):
        return numeric() or type(dtype).__name__ == "Boolean"
    return getattr(dtype, "kind", "O") in "biufc"


def _is_number(kind: type) -> bool:
    """True if values of a type are numbers or missing."""
    return issubclass(kind, (Number, np.bool_, type(None))) or kind.__name__ == "NAType"
