"""open_sequences and to_arrow: sequences in Arrow files, which may be larger than memory."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sklstm._arrow_files import Rows, Steps, open_table, write_rows
from sklstm._containers import FROM_LONG, is_frame, members, refuse_container
from sklstm._lists import as_items
from sklstm._numbers import filled
from sklstm._steps import as_entries

if TYPE_CHECKING:
    import pyarrow

END = object()  # of an iterator


def open_sequences(path: str | os.PathLike) -> pyarrow.Table:
    """Open an Arrow file of sequences without reading it into memory.

    Pass its columns to any estimator or transformer: ``model.fit(data["X"], data["y"])``. The
    system reads the parts of the file that are in use, and frees them if memory is needed.

    Parameters
    ----------
    path : str or path-like
        File that :func:`to_arrow` has written, or any Arrow IPC file (Feather version 2). Values
        of compressed files are decompressed into memory.

    Returns
    -------
    data : pyarrow.Table
        The columns of the file, memory-mapped.

    Raises
    ------
    ImportError
        If pyarrow is not installed.
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is no Arrow IPC file, or incomplete.

    See Also
    --------
    to_arrow : Write such a file.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from sklstm import LSTMClassifier
    >>> from sklstm.datasets import open_sequences, to_arrow
    >>> path = f"{tempfile.mkdtemp()}/walks.arrow"
    >>> to_arrow(path, [np.ones((3, 2)), np.zeros((5, 2))], ["up", "down"])
    >>> data = open_sequences(path)
    >>> data.column_names
    ['X', 'y']
    >>> model = LSTMClassifier(4, random_state=0).fit(data["X"], data["y"])
    """
    return open_table(path, "open_sequences")


def to_arrow(
    path: str | os.PathLike,
    X: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    feature_names: Sequence[str] | None = None,
    dtype: Any = None,
) -> None:
    """Write sequences, targets and weights to an Arrow file.

    The file is written in one pass and with little memory, so ``X`` may be a generator of more
    sequences than fit into memory. The file replaces an old one when it is complete.

    Parameters
    ----------
    path : str or path-like
        File to write.
    X : list of (T_i, F) arrays or data frames, array (n, T, F), Arrow column, or iterator
        Sequences. An iterator, such as a generator, yields them one by one: sequences, or tuples
        ``(x, y)`` or ``(x, y, weight)``.
    y : array-like or iterator, default=None
        One target per sequence, or per step: numbers or strings. None if ``X`` yields it, or for
        a file without targets.
    sample_weight : array-like or iterator, default=None
        One weight per sequence, or per step.
    feature_names : list of F str, default=None
        Names of the features, which become ``feature_names_in_`` of estimators. None takes the
        column names of data frames.
    dtype : {"float32", "float64"}, default=None
        Precision of the values. None: float32 if the sequences are, else float64. For an iterator
        the first sequence decides. Set it if precisions are mixed. float32 halves the file.

    Raises
    ------
    ImportError
        If pyarrow is not installed.
    ValueError, TypeError
        If a sequence, a target or a weight is invalid. The message names the sequence.
    OSError
        If the file cannot be written. The old file is unchanged after any error.

    See Also
    --------
    open_sequences : Open the file.
    sklstm.preprocessing.from_long : Write a long table with ``to=path``.

    Notes
    -----
    The file has a column "X" of type ``large_list<fixed_size_list<float or double>[F]>``, and
    columns "y" and "sample_weight" if they are passed. Values are checked when an estimator reads
    them: NaN is written as it is. Integers of ``y`` become int64, other numbers float64; the first
    entry of an iterator decides.

    Examples
    --------
    A generator of sequences and labels, which need not fit into memory:

    >>> import tempfile
    >>> import numpy as np
    >>> from sklstm.datasets import open_sequences, to_arrow
    >>> def recordings():
    ...     rng = np.random.default_rng(0)
    ...     for k in range(1000):
    ...         yield rng.normal(size=(rng.integers(5, 9), 3)), k % 2
    >>> path = f"{tempfile.mkdtemp()}/recordings.arrow"
    >>> to_arrow(path, recordings(), dtype="float32")
    >>> data = open_sequences(path)
    >>> data.num_rows, len(data["X"][0])
    (1000, 8)
    """
    if dtype is not None:
        dtype = np.dtype(dtype)
        if dtype not in (np.float32, np.float64):
            raise ValueError(f"dtype={str(dtype)!r} must be 'float32', 'float64' or None.")
    rows, sequences = _sequences(X)
    columns: list[Any] = [Steps(_common(sequences) if dtype is None else dtype, feature_names)]
    others = []
    if y is not None:
        entries, kind = _entries(y, "y")
        columns.append(Rows("y", kind))
        others.append(("y", entries))
    if sample_weight is not None:
        columns.append(Rows("sample_weight", np.dtype(np.float64)))
        others.append(("sample_weight", _entries(sample_weight, "sample_weight")[0]))
    together = _together(rows, others)
    if sequences is None:
        together = _unpacked(together, columns)
    write_rows(path, together, columns, "to_arrow")


def _sequences(X: Any) -> tuple[Iterator, Any]:
    """An iterator over the sequences, and all of them if they are in memory, else None."""
    if isinstance(X, Iterator):
        return X, None
    lists = as_items(X, "X")
    refuse_container(lists, "X")
    items = members(lists)
    if lists is not X and all(np.ndim(item) == 1 for item in items):
        items = [item[:, None] for item in items]  # an Arrow column whose steps are numbers
    if items is None:
        items = None if is_frame(X) else np.asarray(filled(X))
        if items is None or items.ndim != 3:
            hint = f" For a long table, use {FROM_LONG}(X, id=..., to=path)." if is_frame(X) else ""
            raise ValueError(
                f"X is of type {type(X).__name__}; expected a list of arrays (n_steps, "
                f"n_features), an array (n_sequences, n_steps, n_features) or an iterator.{hint}"
            )
    return iter(items), items


def _common(sequences: Any) -> Any:
    """Precision of sequences in memory that have a dtype; None: the first one decides."""
    if sequences is None:
        return None
    dtypes = {getattr(x, "dtype", None) for x in sequences}
    if None in dtypes:  # lists and data frames
        dtypes = {np.asarray(filled(x)).dtype for x in sequences if _is_rectangular(x)}
    return np.dtype(np.float32 if dtypes == {np.dtype(np.float32)} else np.float64)


def _is_rectangular(x: Any) -> bool:
    try:
        np.shape(x)
    except ValueError:  # reported later, with its place
        return False
    return True


def _entries(values: Any, name: str) -> tuple[Iterator, Any]:
    """An iterator over targets or weights, and their type if it is known."""
    if isinstance(values, Iterator):
        return values, None
    values = as_items(values, name, None)
    refuse_container(values, name)
    items = members(values)
    if items is None:
        values = np.asarray(filled(values, None))
        if values.ndim == 0:
            raise ValueError(f"{name} has no entry per sequence.")
        return iter(values), None
    if any(np.ndim(item) for item in items if not isinstance(item, str)):
        return iter(items), _numeric(items)
    return iter(as_entries(items, None)), None


def _numeric(items: Iterable) -> Any:
    """float64 if some of the arrays per step have it and the others are numbers, else None."""
    kinds = {np.asarray(item).dtype.kind for item in items}
    return np.dtype(np.float64) if kinds <= set("iuf") and "f" in kinds else None


def _together(X: Iterator, others: list[tuple[str, Iterator]]) -> Iterator[tuple]:
    """One tuple per sequence. The others must have as many entries as X."""
    n = 0
    for n, x in enumerate(X, start=1):
        row = [x]
        for name, entries in others:
            entry = next(entries, END)
            if entry is END:
                raise ValueError(f"{name} has {n - 1} entries, but X has more sequences.")
            row.append(entry)
        yield tuple(row)
    for name, entries in others:
        if next(entries, END) is not END:
            raise ValueError(f"{name} has more than {n} entries, but X has {n} sequences.")


def _unpacked(rows: Iterator[tuple], columns: list[Any]) -> Iterator[tuple]:
    """Rows of an iterator that may yield (x, y) or (x, y, weight). Adds their columns."""
    n_given = len(columns)
    for k, (x, *rest) in enumerate(rows):
        parts = x if isinstance(x, tuple) else (x,)
        if k == 0 and len(parts) > 1:
            if n_given > 1:
                raise ValueError("X yields tuples (x, y), so y and sample_weight must be None.")
            columns += [Rows("y"), Rows("sample_weight", np.dtype(np.float64))][: len(parts) - 1]
        if len(parts) != len(columns) - len(rest) or len(parts) > 3:
            found = f"a tuple of {len(parts)}" if isinstance(x, tuple) else "a sequence"
            raise ValueError(
                f"Item {k} of X is {found}. An iterator must yield sequences, or tuples (x, y) or "
                "(x, y, weight), all of the same form."
            )
        yield (*parts, *rest)
