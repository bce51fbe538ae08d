"""Arrow columns of lists, one list for each sequence, as blocks of steps.

An Arrow list column contains the values of all lists one after the other, and offsets. The kernels
read the same, so float32 and float64 are not copied. Every library that exports the Arrow PyCapsule
interface can make such columns (pyarrow, polars, pandas, DuckDB, Awkward Array). None is imported.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from sklstm._arrow import CorruptArray, Export, Type
from sklstm._containers import Frame
from sklstm._laws import IMPUTER, place_of
from sklstm._list_parts import (
    NUMBERS,
    OFFSETS,
    Part,
    constant_size,
    fixed_size,
    numbers,
    sequences,
    side_by_side,
)
from sklstm._numbers import SYMBOLS, precision

FEATURE_NAMES = b"sklstm.feature_names"  # metadata of the field of a step: a JSON list
WORDS = {  # formats of other types: what their values are, and what to do
    "u": ("strings", "Convert them to numbers." + SYMBOLS),
    "U": ("strings", "Convert them to numbers." + SYMBOLS),
    "vu": ("strings", "Convert them to numbers." + SYMBOLS),
    "d": ("decimal numbers", "Cast them to float64."),
    "t": (
        "dates, times or durations",
        "Convert them to numbers, for example to seconds since the first step.",
    ),
    "+s": ("structs within steps", "Flatten them: each field must be a number."),
    "+m": ("maps", "Convert each step to a list of numbers."),
    "+u": ("unions", "Cast them to float64."),
    "+r": ("run-end encoded values", "Decode them first."),
    "+": ("lists within steps", "Flatten them: each step must be one list of numbers."),
}
DICTIONARY = (
    "dictionary-encoded values",
    "Pass their codes (with pyarrow: x.indices) and select them with categorical_features.",
)


@dataclass(frozen=True, eq=False)
class Block:
    """Sequences of one chunk: sequence k is ``values[offsets[k] : offsets[k + 1]]``.

    Attributes
    ----------
    values : ndarray of shape (N, F)
        Steps, C-contiguous. A read-only view of the exported values unless they were converted.
    offsets : ndarray of shape (n + 1,), int64
        They begin with 0.
    nulls : ndarray of shape (N, F), bool, or None
        True where ``values`` has NaN because the number is missing. None if none is.
    """

    values: np.ndarray
    offsets: np.ndarray
    nulls: np.ndarray | None


class Lists:
    """An exported column of lists.

    Attributes
    ----------
    names : list of str or None
        Names of the features: of the fields of a struct, or as ``to_arrow`` stores them.
    """

    def __init__(self, export: Export, in_table: bool, of: Type, name: str) -> None:
        self._export, self._in_table, self._of, self._name = export, in_table, of, name
        if len(of.children) != 1:
            raise CorruptArray(f"its type has {len(of.children)} children, but a list has 1")
        self._steps = of.children[0]
        self._shape = _tensor_shape(of, name)
        self.names = _names_of(self._steps)

    @property
    def dtype(self) -> Any:
        """float32 if all numbers are, else float64. TypeError for something else than numbers."""
        if not self.holds_numbers:
            self._refuse_steps()
        return precision(NUMBERS[leaf.format] for leaf in _leaves(self._steps))

    @property
    def holds_numbers(self) -> bool:
        """True if a step is a number, a list of numbers or a struct of numbers."""
        return all(map(_is_number, _leaves(self._steps)))

    def blocks(self, dtype: Any) -> list[Block]:
        """The sequences of all chunks that have any.

        Parameters
        ----------
        dtype : dtype or None
            Type of the values. None: that of the numbers; float64 or float32 for structs.

        Raises
        ------
        ValueError, TypeError
            If the column is corrupt, if a sequence or a step is missing, if steps differ in their
            number of features, or if they contain something else than numbers.
        """
        if not self.holds_numbers:
            self._refuse_steps()
        found, first = [], 0
        try:
            for array in self._export.arrays():
                for block in self._chunk(Part.whole(array), first, dtype):
                    if len(block.offsets) > 1:
                        found.append(block)
                    first += len(block.offsets) - 1
        except CorruptArray as error:
            raise corrupt(self._name, error) from None
        self._refuse_other_widths(found)
        return found

    def _chunk(self, part: Part, first: int, dtype: Any) -> Iterator[Block]:
        if self._in_table:
            part.require(1, 1)
            self._refuse_null(part, first)
            part = part.child(0)
        self._refuse_null(part, first)
        n_steps = None if self._shape is None else self._shape[0]
        for offsets, steps in sequences(part, self._of, n_steps):
            values, nulls = self._values(steps, offsets, first, dtype)
            yield Block(values, offsets, nulls)
            first += len(offsets) - 1

    def _refuse_null(self, part: Part, first: int) -> None:
        null = part.first_null()
        if null is not None:
            raise ValueError(f"Sequence {first + null} of {self._name} is null. Drop it.")

    def _values(
        self, part: Part, offsets: np.ndarray, first: int, dtype: Any
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """The steps of a part, (N, F), and which numbers are missing."""
        if self._shape is not None:
            return numbers(part, self._steps, self._shape[1], dtype)
        if _is_number(self._steps):
            return numbers(part, self._steps, 1, dtype)

        def place(step: int) -> tuple[int, int]:
            k = int(np.searchsorted(offsets, step, side="right")) - 1
            return first + k, step - int(offsets[k])

        null = part.first_null()
        if null is not None:
            raise ValueError(
                f"{self._name} is null: {place_of(*place(null))}. Fill in the features of the "
                "step, or drop it."
            )
        if self._steps.format == "+s":
            return side_by_side(part, self._steps, self.dtype if dtype is None else dtype)

        def refuse(step: int, size: int, expected: int) -> NoReturn:
            (k, t), (k0, t0) = place(step), place(0)
            raise ValueError(
                f"Sequence {k}, step {t} of {self._name} has {size} features, but sequence {k0}, "
                f"step {t0} has {expected}: every step of every sequence needs the same features."
            )

        width, entries = constant_size(part, self._steps, refuse)
        return numbers(entries, self._steps.children[0], width, dtype)

    def _refuse_other_widths(self, blocks: list[Block]) -> None:
        k = 0
        for block in blocks:
            width, expected = block.values.shape[1], blocks[0].values.shape[1]
            if width != expected and len(block.values) and len(blocks[0].values):
                raise ValueError(
                    f"Sequence {k} of {self._name} has {width} features, but sequence 0 has "
                    f"{expected}: every step of every sequence needs the same features."
                )
            k += len(block.offsets) - 1

    def _refuse_steps(self) -> NoReturn:
        wrong = next(leaf for leaf in _leaves(self._steps) if not _is_number(leaf))
        what, remedy = DICTIONARY if wrong.has_dictionary else _words(wrong.format)
        if self._steps.format == "+s":
            what += f" in the field {wrong.name!r}"
        raise TypeError(
            f"{self._name} is an Arrow column of lists that contain {what} (Arrow format "
            f"{wrong.format!r}), but steps must be numbers, or lists or structs of numbers. "
            f"{remedy}"
        )

    def arrays(self, missing: Any, rows: Any = None) -> list[np.ndarray]:
        """Lists of numbers as arrays (T_i,), or of lists or structs of numbers as (T_i, k).

        They are views if they can be. ``rows`` are numbers of sequences, None for all of them.
        Missing numbers become ``missing``, which is NaN or None.
        """
        parts, ends, starts = [], [], [0]
        for block in self.blocks(None):
            values = block.values
            if block.nulls is not None and missing is None:
                values = values.astype(object)
                values[block.nulls] = None
            parts.append(values[:, 0] if _is_number(self._steps) else values)
            ends.append(block.offsets)
            starts.append(starts[-1] + len(block.offsets) - 1)
        rows = np.arange(starts[-1]) if rows is None else rows
        found = []
        for k, part in zip(rows, np.searchsorted(starts, rows, side="right") - 1, strict=True):
            start, end = ends[part][k - starts[part] :][:2]
            found.append(parts[part][start:end])
        return found


# ------------------------------------------------------------------------- what counts as lists


def lists_of(data: Any, name: str) -> Lists | None:
    """The column of lists that ``data`` exports, or None if it is something else.

    Raises
    ------
    TypeError
        If ``data`` is a table of several columns, of which some are lists.
    """
    if type(data) is np.ndarray or isinstance(data, (list, tuple)):
        return None
    data = _exporter(data, name)
    if data is None:
        return None
    try:
        export = Export(data)
        of, in_table = export.type, False
        if of.format == "+s":
            lists = [field.name for field in of.children if _is_list(field)]
            if not lists:
                return None
            if len(of.children) > 1:
                raise _several([field.name for field in of.children], lists[0], name)
            of, in_table = of.children[0], True
        return Lists(export, in_table, of, name) if _is_list(of) else None
    except CorruptArray as error:
        raise corrupt(name, error) from None


def as_items(data: Any, name: str, missing: Any = np.nan, rows: Any = None) -> Any:
    """``data`` as a list of arrays if it is an Arrow column of lists, else ``data`` itself.

    Lists of something else than numbers become lists of Python objects, as their library makes
    them. Structs have their names (``Frame``). Missing entries become ``missing``, which is NaN or
    None. ``rows`` selects sequences of an Arrow column.
    """
    lists = lists_of(data, name)
    if lists is None:
        return data
    if lists.holds_numbers:
        arrays, names = lists.arrays(missing, rows), lists.names
        return arrays if names is None else [Frame(array, names) for array in arrays]
    del lists  # a database has one open result
    column = data
    if hasattr(data, "columns"):  # a table of one column
        column = data.to_series(0) if hasattr(data, "to_series") else data.columns[0]
        column = data[column] if isinstance(column, str) and hasattr(data, "iloc") else column
    for method in ("to_pylist", "to_list"):
        if hasattr(column, method):
            items = getattr(column, method)()
            null = next((k for k, item in enumerate(items) if item is None), None)
            if null is not None:
                raise ValueError(f"Sequence {null} of {name} is null. Drop it.")
            return items if rows is None else [items[k] for k in rows]
    raise TypeError(
        f"{name} is of type {type(data).__name__} and contains lists of something else than "
        "numbers. Pass a Python list of lists."
    )


def corrupt(name: str, error: Exception) -> ValueError:
    return ValueError(f"{name} cannot be read as Arrow data: {error}.")


def _exporter(data: Any, name: str) -> Any:
    """What exports Arrow data of ``data``; None if nothing does without converting it."""
    if hasattr(data, "iloc"):  # pandas
        return _of_pandas(data, name)
    kind = type(data)
    if not (hasattr(kind, "__arrow_c_stream__") or hasattr(kind, "__arrow_c_array__")):
        return None
    dtypes = data.dtypes if hasattr(data, "columns") and hasattr(data, "dtypes") else ()
    dtypes = [*dtypes] or [getattr(data, "dtype", None)]
    # polars cannot export Python objects
    return data if all(str(dtype) != "Object" for dtype in dtypes) else None


def _of_pandas(data: Any, name: str) -> Any:
    """The Arrow array of a Series or of the only column of a DataFrame.

    pandas would convert other columns, and export the index as a column.
    """
    if not hasattr(data, "columns"):
        return data.array.__arrow_array__() if _has_lists(getattr(data, "dtype", None)) else None
    columns, lists = list(data.columns), list(map(_has_lists, data.dtypes))
    if not any(lists):
        return None
    if len(columns) > 1:
        raise _several(columns, columns[lists.index(True)], name)
    return data.iloc[:, 0].array.__arrow_array__()


def _has_lists(dtype: Any) -> bool:
    return type(dtype).__name__ == "ArrowDtype" and str(dtype).startswith(
        ("list", "large_list", "fixed_size_list", "extension")
    )


def _several(columns: list, lists: Any, name: str) -> TypeError:
    return TypeError(
        f"{name} is a table with the columns {columns}. Pass one column of lists, such as "
        f"{name}[{lists!r}]."
    )


def _is_list(of: Type) -> bool:
    return not of.has_dictionary and (of.format in OFFSETS or of.format.startswith("+w:"))


def _is_number(of: Type) -> bool:
    return of.format in NUMBERS and not of.has_dictionary


def _is_step(of: Type) -> bool:
    return _is_list(of) or of.format == "+s"


def _leaves(steps: Type) -> tuple[Type, ...]:
    """The types of the numbers of a step."""
    return steps.children if _is_step(steps) and not steps.has_dictionary else (steps,)


def _words(of_format: str) -> tuple[str, str]:
    for begin in (of_format, of_format[:2], of_format[:1]):
        if begin in WORDS:
            return WORDS[begin]
    return "other values", "Convert them to numbers."


def _names_of(steps: Type) -> list[str] | None:
    """Names of the features. Those of a file are ignored if the number of features has changed."""
    if steps.format == "+s":
        return [field.name for field in steps.children]
    try:
        names = json.loads(steps.metadata.get(FEATURE_NAMES, b"null"))
    except ValueError:
        return None
    known = isinstance(names, list) and all(isinstance(name, str) for name in names)
    return names if known and steps.format == f"+w:{len(names)}" else None


def _tensor_shape(of: Type, name: str) -> tuple[int, int] | None:
    """Steps and features of each entry of a column of tensors, None for other columns."""
    if of.metadata.get(b"ARROW:extension:name") != b"arrow.fixed_shape_tensor":
        return None
    facts = json.loads(of.metadata.get(b"ARROW:extension:metadata", b"{}"))
    shape = facts.get("shape", [])
    if len(shape) == 1:
        return None
    straight = facts.get("permutation") in (None, [0, 1])
    if len(shape) != 2 or not straight or shape[0] * shape[1] != fixed_size(of):
        raise TypeError(
            f"{name} is an Arrow column of tensors of shape {shape}"
            f"{'' if straight else ' whose axes are exchanged'}, but each must be (n_steps, "
            "n_features)."
        )
    return shape[0], shape[1]


# ------------------------------------------------------------------------------- missing numbers


def refuse_nulls(blocks: list[Block], features: np.ndarray | None, name: str = "X") -> None:
    """Raise an error for the first missing number. ``features`` are checked; None: all."""
    k = 0
    for block in blocks:
        if block.nulls is not None:
            nulls = block.nulls if features is None else block.nulls[:, features]
            if nulls.any():
                row, feature = divmod(int(nulls.argmax()), nulls.shape[1])
                number = feature if features is None else features[feature]
                first = int(np.searchsorted(block.offsets, row, side="right")) - 1
                where = place_of(k + first, row - int(block.offsets[first]))
                raise ValueError(
                    f"{name} is null: {where}, feature {number}. A null counts as missing. Fill it "
                    f"in, for example with {IMPUTER}, or drop it."
                )
        k += len(block.offsets) - 1
