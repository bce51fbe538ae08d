"""Parts of exported Arrow arrays: offsets, numbers and missing entries, checked against each other.

A producer does not say how large its buffers are. All sizes are therefore derived from the lengths
of the arrays, and offsets that reach beyond the length of a child raise ``CorruptArray``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from sys import maxsize
from typing import Any

import numpy as np

from sklstm._arrow import Array, CorruptArray, Type

PIECE = 1 << 20  # entries that are looked at together, so that checks need little memory
INT32, INT64 = np.dtype(np.int32), np.dtype(np.int64)
OFFSETS = {"+l": INT32, "+L": INT64, "+vl": INT32, "+vL": INT64}  # types of their offsets
NUMBERS = {  # by format
    "b": np.dtype(bool),
    "c": np.dtype(np.int8),
    "C": np.dtype(np.uint8),
    "s": np.dtype(np.int16),
    "S": np.dtype(np.uint16),
    "i": INT32,
    "I": np.dtype(np.uint32),
    "l": INT64,
    "L": np.dtype(np.uint64),
    "e": np.dtype(np.float16),
    "f": np.dtype(np.float32),
    "g": np.dtype(np.float64),
    "n": np.dtype(np.float64),  # a column in which everything is missing
}


@dataclass(frozen=True, eq=False)
class Part:
    """``n`` entries of an array from entry ``start``."""

    array: Array
    start: int
    n: int

    def __post_init__(self) -> None:
        if self.start < 0 or self.n < 0 or self.start + self.n > self.array.length:
            raise CorruptArray(
                f"entries {self.start} to {self.start + self.n} of an array of "
                f"{self.array.length} are in use"
            )

    @classmethod
    def whole(cls, array: Array) -> Part:
        return cls(array, 0, array.length)

    @property
    def place(self) -> int:
        """Number of the first entry in the buffers."""
        return self.array.offset + self.start

    def require(self, n_buffers: int, n_children: int) -> None:
        """Raise an error if the array does not have the buffers and children of its type."""
        found = (self.array.n_buffers, self.array.n_children)
        if found != (n_buffers, n_children):
            raise CorruptArray(
                f"it has {found[0]} buffers and {found[1]} children, but its type has {n_buffers} "
                f"and {n_children}"
            )

    def child(self, k: int, scale: int = 1) -> Part:
        """The same entries of child ``k``, which has ``scale`` entries for each."""
        return Part(self.array.child(k), self.place * scale, self.n * scale)

    def entries(self, k: int, dtype: np.dtype, n: int | None = None, skip: int = 0) -> np.ndarray:
        """``n`` entries of buffer ``k`` from entry ``skip`` of this part, without a copy."""
        n = self.n if n is None else n
        if n == 0:
            return np.empty(0, dtype)
        start = self.place + skip
        size = (start + n) * dtype.itemsize
        if size > maxsize:
            raise CorruptArray(f"its buffer {k} would have {size} bytes")
        return np.frombuffer(self.array.memory(k, size), dtype, n, start * dtype.itemsize)

    def bits(self, k: int, start: int, n: int) -> np.ndarray:
        """``n`` bits of buffer ``k`` from entry ``start`` of this part, as bool."""
        first = self.place + start
        end = -(-(first + n) // 8)
        packed = np.frombuffer(self.array.memory(k, end), np.uint8)[first // 8 :]
        bits = np.unpackbits(packed, bitorder="little", count=first % 8 + n)
        return bits[first % 8 :].view(bool)

    @property
    def may_have_nulls(self) -> bool:
        return self.n > 0 and self.array.null_count != 0 and self.array.has_buffer(0)

    def first_null(self) -> int | None:
        """The first missing entry, or None."""
        for start, n in pieces(self.n if self.may_have_nulls else 0):
            there = self.bits(0, start, n)
            if not there.all():
                return start + int(there.argmin())
        return None


def pieces(n: int) -> Iterator[tuple[int, int]]:
    """Starts and lengths of pieces of n entries."""
    for start in range(0, n, PIECE):
        yield start, min(PIECE, n - start)


# ------------------------------------------------------------------------------------- sequences


def sequences(part: Part, of: Type, n_steps: int | None) -> Iterator[tuple[np.ndarray, Part]]:
    """The steps of lists, and the offsets of the lists in them, which begin with 0.

    Lists are side by side in their child; views of lists need not be, and then yield several parts.
    ``n_steps`` is the number of steps of each entry of a tensor, whose child has single numbers.
    """
    if of.format.startswith("+w:"):
        size = fixed_size(of)
        part.require(1, 1)
        length = size if n_steps is None else n_steps
        yield np.arange(part.n + 1, dtype=np.int64) * length, part.child(0, size)
        return
    views = of.format in ("+vl", "+vL")
    part.require(3 if views else 2, 1)
    child = part.array.child(0)
    if part.n == 0:
        yield np.zeros(1, np.int64), Part(child, 0, 0)
        return
    kind = OFFSETS[of.format]
    if not views:
        offsets = part.entries(1, kind, part.n + 1).astype(np.int64)
        _require_order(offsets[:-1], offsets[1:])
        start, end = int(offsets[0]), int(offsets[-1])
        offsets -= start
        yield offsets, Part(child, start, end - start)
        return
    starts = part.entries(1, kind).astype(np.int64)
    ends = starts + part.entries(2, kind)
    _require_order(starts, ends)
    edges = np.flatnonzero(starts[1:] != ends[:-1]) + 1  # of parts whose lists are side by side
    for first, stop in zip([0, *edges.tolist()], [*edges.tolist(), part.n], strict=True):
        start, end = int(starts[first]), int(ends[stop - 1])
        yield np.append(starts[first:stop], end) - start, Part(child, start, end - start)


def _require_order(starts: np.ndarray, ends: np.ndarray) -> None:
    wrong = (starts < 0) | (ends < starts)
    if wrong.any():
        raise CorruptArray(f"its offsets decrease or are negative at list {int(wrong.argmax())}")


def fixed_size(of: Type) -> int:
    """Length of the lists of a type of fixed size."""
    size = of.format.removeprefix("+w:")
    if not size.isdecimal():
        raise CorruptArray(f"its type has the format {of.format!r}")
    return int(size)


def constant_size(
    part: Part, of: Type, refuse: Callable[[int, int, int], None]
) -> tuple[int, Part]:
    """The length that all lists have, and their entries.

    ``refuse(step, size, expected)`` raises the error for a list of another length.
    """
    if of.format.startswith("+w:"):
        part.require(1, 1)
        return fixed_size(of), part.child(0, fixed_size(of))
    views = of.format in ("+vl", "+vL")
    part.require(3 if views else 2, 1)
    child = part.array.child(0)
    if part.n == 0:
        return 1, Part(child, 0, 0)
    kind = OFFSETS[of.format]
    start = int(part.entries(1, kind, 1)[0])
    size = int(part.entries(2, kind, 1)[0] if views else part.entries(1, kind, 1, 1)[0] - start)
    for first, n in pieces(part.n):
        starts = part.entries(1, kind, n, first)
        sizes = (
            part.entries(2, kind, n, first)
            if views
            else np.diff(part.entries(1, kind, n + 1, first).astype(np.int64))
        )
        if sizes.min() < 0 or starts.min() < 0:
            raise CorruptArray("its offsets decrease or are negative")
        if (sizes != size).any():
            step = int((sizes != size).argmax())
            refuse(first + step, int(sizes[step]), size)
        if views and (starts != start + np.arange(first, first + n) * size).any():
            raise TypeError(
                "Steps that are views of lists must be side by side. Cast them to lists, with "
                "pyarrow by X.cast(pyarrow.large_list(pyarrow.list_(type_of_the_numbers)))."
            )
    return size, Part(child, start, part.n * size)


# --------------------------------------------------------------------------------------- numbers


def numbers(part: Part, of: Type, width: int, dtype: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """Numbers in rows of ``width``, and which of them are missing (None if none is).

    The array is a view of the buffer if it has ``dtype`` already, or if ``dtype`` is None. Missing
    numbers are NaN, in a copy.
    """
    n_rows = part.n // width if width else 0
    nulls = None
    if of.format == "n":
        part.require(0, 0)
        values = np.full(part.n, np.nan)
        nulls = np.ones(part.n, bool) if part.n else None
    else:
        part.require(2, 0)
        if of.format == "b":
            values = part.bits(1, 0, part.n) if part.n else np.empty(0, bool)
        else:
            values = part.entries(1, NUMBERS[of.format])
        if part.first_null() is not None:
            nulls = ~part.bits(0, 0, part.n)
            values = values.astype(np.result_type(values.dtype, np.float16))
            values[nulls] = np.nan
    with np.errstate(over="ignore"):
        values = np.require(values, dtype, ["C", "A"]).reshape(n_rows, width)
    return values, None if nulls is None else nulls.reshape(n_rows, width)


def side_by_side(part: Part, of: Type, dtype: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """The fields of structs as columns, in a new array, and which numbers are missing."""
    part.require(1, len(of.children))
    shape = (part.n, len(of.children))
    values, nulls = np.empty(shape, dtype), None
    for k, field in enumerate(of.children):
        column, missing = numbers(part.child(k), field, 1, dtype)
        values[:, k] = column[:, 0]
        if missing is not None:
            nulls = np.zeros(shape, bool) if nulls is None else nulls
            nulls[:, k] = missing[:, 0]
    return values, nulls
