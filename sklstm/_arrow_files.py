"""Arrow files of sequences: written in record batches of bounded size, opened as memory maps."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any, BinaryIO

import numpy as np

from sklstm._containers import columns_of, is_frame
from sklstm._files import remove_leftovers, replace_file
from sklstm._lists import FEATURE_NAMES
from sklstm._numbers import as_array, as_numbers, filled, first_unequal, precision, refuse_dates
from sklstm._steps import as_entries

BATCH_BYTES = 1 << 26  # of the values of X, after which a record batch is written
BATCH_ROWS = 1 << 20
MAGIC = b"ARROW1"  # at both ends of a file


def need_pyarrow(wanted_by: str) -> ModuleType:
    """The package pyarrow, or an ImportError that names the extra."""
    try:
        import pyarrow
        import pyarrow.ipc
    except ImportError as error:
        raise ImportError(f"{wanted_by} needs pyarrow: pip install 'sklstm[arrow]'.") from error
    return pyarrow


def open_table(path: str | os.PathLike, wanted_by: str) -> Any:
    """The table of an Arrow file, as a memory map."""
    pa = need_pyarrow(wanted_by)
    try:
        return pa.ipc.open_file(pa.memory_map(os.fspath(path))).read_all()
    except (pa.ArrowInvalid, OSError) as error:
        if getattr(error, "errno", None) is not None:  # of the system: no such file, for example
            raise
        raise ValueError(f"{os.fspath(path)!r} {_reason(path)}") from error


def _reason(path: str | os.PathLike) -> str:
    """Why a file is no Arrow file, and what to do."""
    with open(path, "rb") as file:
        begin = file.read(len(MAGIC))
    if begin == MAGIC:
        return "is incomplete: its end is missing or damaged. Write it again."
    if begin.startswith(b"PAR1"):
        return (
            "is a Parquet file, which cannot be mapped into memory. Read it with "
            "pyarrow.parquet.read_table, and pass a column of it as X."
        )
    return (
        "is not an Arrow IPC file. Write it with sklstm.datasets.to_arrow, or with "
        "pyarrow.feather.write_feather(table, path, compression='uncompressed')."
    )


class Rows:
    """A column with one entry per sequence: numbers or strings, or arrays of them per step.

    The first entry decides the type: bool, int64, float64 or string.

    Parameters
    ----------
    name : str
        Name of the column and of the argument that it comes from.
    kind : numpy dtype or None
        Type that all entries are converted to. None: that of the first entry.
    """

    def __init__(self, name: str, kind: Any = None) -> None:
        self.name, self._kind, self._n_dims, self._width = name, kind, None, 0
        self._entries: list[np.ndarray] = []

    def add(self, entry: Any, k: int) -> None:
        try:
            array = as_entries(entry, None)
        except ValueError:
            raise ValueError(
                f"Sequence {k} of {self.name} is not an array: its steps have unequal lengths."
            ) from None
        array = self._typed(array, k)
        width = array.shape[1] if array.ndim == 2 else 0
        if self._n_dims is None:
            self._n_dims, self._width = array.ndim, width
            self._kind = array.dtype if self._kind is None else self._kind
        if array.ndim > 2 or (array.ndim, width) != (self._n_dims, self._width):
            raise ValueError(
                f"Sequence {k} of {self.name} has shape {array.shape}; expected a number or string "
                "per sequence, or an array (n_steps,) or (n_steps, k), the same for all sequences."
            )
        if not np.can_cast(array.dtype, self._kind, "same_kind") or (
            array.dtype.kind != self._kind.kind == "O"
        ):
            raise ValueError(
                f"{self.name} changes its type at sequence {k}, from {_word(self._kind)} to "
                f"{_word(array.dtype)}. Use one type from the first sequence on, for example float."
            )
        self._entries.append(array)

    def _typed(self, array: np.ndarray, k: int) -> np.ndarray:
        """Numbers as bool, int64 or float64; strings as objects."""
        if array.dtype.kind in "UT":
            return array.astype(object)
        if array.dtype.kind == "O" and any(isinstance(value, str) for value in array.flat):
            wrong = next((v for v in array.flat if not isinstance(v, str) and v is not None), None)
            if wrong is not None:
                raise ValueError(
                    f"Sequence {k} of {self.name} mixes strings and {wrong!r}. Use one type."
                )
            return array
        numbers = as_numbers(array, lambda index: _place(k, index), self.name)
        wide = {"b": np.bool_, "i": np.int64, "u": np.int64}.get(numbers.dtype.kind, np.float64)
        if numbers.dtype == np.uint64 and numbers.size and numbers.max() > np.iinfo(np.int64).max:
            raise ValueError(f"Sequence {k} of {self.name} has a number beyond int64.")
        return numbers.astype(wide)

    def field(self, pa: ModuleType) -> Any:
        kind = pa.string() if self._kind.kind == "O" else pa.from_numpy_dtype(self._kind)
        if self._n_dims == 2:
            kind = pa.list_(kind, self._width)
        return pa.field(self.name, pa.large_list(kind) if self._n_dims else kind)

    def take(self, pa: ModuleType) -> Any:
        """The entries since the last call as an Arrow array."""
        entries, self._entries = self._entries, []
        kind = self.field(pa).type
        flat = np.concatenate([np.reshape(entry, -1) for entry in entries])
        leaf = kind
        while hasattr(leaf, "value_type"):
            leaf = leaf.value_type
        flat = pa.array(flat if self._kind.kind == "O" else flat.astype(self._kind), leaf)
        if not self._n_dims:
            return flat
        if self._n_dims == 2:
            flat = pa.FixedSizeListArray.from_arrays(flat, type=kind.value_type)
        ends = np.cumsum([0, *map(len, entries)])
        return pa.LargeListArray.from_arrays(pa.array(ends), flat, type=kind)


def _word(kind: np.dtype) -> str:
    return "strings" if kind.kind == "O" else str(kind)


def _place(k: int, index: tuple) -> str:
    return f"sequence {k}" + (f", step {index[0]}" if index else "")


class Steps:
    """The column X: arrays (T_i, F) of one precision and the same features.

    Parameters
    ----------
    dtype : float32, float64 or None
        Precision. None: float32 if the first sequence is, else float64.
    names : list of str or None
        Names of the features. None: those of data frames.
    """

    name = "X"

    def __init__(self, dtype: Any, names: Sequence[str] | None) -> None:
        self._dtype, self._strict = dtype, dtype is None
        self._names = None if names is None else list(names)
        self._asked = names is not None
        self._width: int | None = None
        self._arrays: list[np.ndarray] = []
        self.n_bytes = 0

    def add(self, item: Any, k: int) -> None:
        columns = columns_of(item) if is_frame(item) else None
        array = self._array(item, k, columns)
        if self._width is None:
            self._width = array.shape[1]
            if self._dtype is None:
                self._dtype = np.dtype(precision([array.dtype]))
            if not self._asked and columns is not None:
                self._names = columns
            self._check_names()
        if array.shape[1] != self._width:
            raise ValueError(
                f"Sequence {k} of X has {array.shape[1]} features, but sequence 0 has "
                f"{self._width}: every step of every sequence needs the same features."
            )
        if columns != self._names and not self._asked:
            raise ValueError(
                f"Sequence {k} of X has the columns {columns}, but sequence 0 has {self._names}. "
                "Select them by name, in the same order."
            )
        if self._strict and precision([array.dtype, self._dtype]) != self._dtype:
            raise ValueError(
                f"Sequence {k} of X is {array.dtype}, but the sequences before it are float32. "
                'Pass dtype="float64" or dtype="float32".'
            )
        with np.errstate(over="ignore"):
            array = np.array(array, self._dtype, order="C")  # a generator may use its array again
        self._arrays.append(array)
        self.n_bytes += array.nbytes

    def _array(self, item: Any, k: int, columns: list | None) -> np.ndarray:
        refuse_dates(item, place=f"sequence {k}, ")
        try:
            array = as_array(filled(item))
        except ValueError:
            raise ValueError(
                f"Sequence {k} of X is not an array: its steps have unequal lengths, see step "
                f"{first_unequal(item)}. Pass the same features at every step."
            ) from None

        def place(index: tuple) -> str:
            column = f", column {columns[index[1]]!r}" if columns and len(index) > 1 else ""
            return _place(k, index) + column

        array = as_numbers(array, place)
        if array.ndim != 2:
            hint = " Write x[:, None] for a single feature." if array.ndim == 1 else ""
            raise ValueError(
                f"Sequence {k} of X has shape {array.shape}; expected (n_steps, n_features).{hint}"
            )
        if len(array) == 0:
            raise ValueError(f"Sequence {k} of X is empty. Drop it, or add at least one step.")
        if array.shape[1] == 0:
            raise ValueError("The sequences of X have 0 features. At least one is needed.")
        return array

    def _check_names(self) -> None:
        names = self._names
        if names is None:
            return
        if not all(isinstance(name, str) for name in names):
            if self._asked:
                raise TypeError(f"feature_names={names!r} must be strings.")
            self._names, self._asked = None, True  # scikit-learn ignores other names too
        elif len(names) != self._width:
            raise ValueError(
                f"feature_names has {len(names)} names, but the sequences have {self._width} "
                "features."
            )

    def field(self, pa: ModuleType) -> Any:
        number = pa.field("item", pa.from_numpy_dtype(self._dtype), nullable=False)
        facts = None if self._names is None else {FEATURE_NAMES: json.dumps(self._names).encode()}
        step = pa.field("item", pa.list_(number, self._width), nullable=False, metadata=facts)
        return pa.field(self.name, pa.large_list(step))

    def take(self, pa: ModuleType) -> Any:
        arrays, self._arrays, self.n_bytes = self._arrays, [], 0
        kind = self.field(pa).type
        values = pa.array(np.concatenate([array.reshape(-1) for array in arrays]))
        steps = pa.FixedSizeListArray.from_arrays(values, type=kind.value_type)
        ends = np.cumsum([0, *map(len, arrays)])
        return pa.LargeListArray.from_arrays(pa.array(ends), steps, type=kind)


def write_rows(
    path: str | os.PathLike, rows: Iterator[tuple], columns: list[Any], wanted_by: str
) -> None:
    """Write rows as an Arrow file, in record batches; after an error the old file is unchanged.

    ``rows`` yields one tuple per sequence, with an entry for each of the ``columns``, of which the
    first is ``Steps``.
    """
    pa = need_pyarrow(wanted_by)

    def write(file: BinaryIO) -> None:
        writer = None
        n = written = 0
        for n, row in enumerate(rows, start=1):
            for column, entry in zip(columns, row, strict=True):
                column.add(entry, n - 1)
            if columns[0].n_bytes >= BATCH_BYTES or n - written >= BATCH_ROWS:
                writer, written = _write_batch(pa, file, writer, columns), n
        if n == 0:
            raise ValueError("X is empty: it needs at least one sequence.")
        if n > written:
            writer = _write_batch(pa, file, writer, columns)
        writer.close()

    remove_leftovers(path)
    replace_file(path, write)


def _write_batch(pa: ModuleType, file: BinaryIO, writer: Any, columns: list[Any]) -> Any:
    schema = pa.schema([column.field(pa) for column in columns])
    if writer is None:
        writer = pa.ipc.new_file(file, schema)
    writer.write_batch(pa.record_batch([column.take(pa) for column in columns], schema=schema))
    return writer
