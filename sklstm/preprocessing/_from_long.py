"""from_long: long tables with one row per time step to lists of sequences."""

from __future__ import annotations

import os
from collections.abc import Hashable
from itertools import pairwise
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from sklstm._arrow_files import Rows, Steps, open_table, write_rows
from sklstm._numbers import is_missing
from sklstm.preprocessing._frames import column_names, column_of, is_frame, listed, table_of

if TYPE_CHECKING:
    import pyarrow

SYMBOLS = (
    " For symbols use SequenceEncoder: pass [x[columns] for _, x in df.groupby({by}, sort=False)] "
    "to it, where columns lists the features."
)


@overload
def from_long(
    df: Any, id: Any = None, time: Any = None, values: Any = None, *, to: None = None
) -> tuple[list[np.ndarray], np.ndarray]: ...
@overload
def from_long(
    df: Any, id: Any = None, time: Any = None, values: Any = None, *, to: str | os.PathLike
) -> tuple[pyarrow.ChunkedArray, np.ndarray]: ...
def from_long(
    df: Any,
    id: Any = None,
    time: Any = None,
    values: Any = None,
    *,
    to: str | os.PathLike | None = None,
) -> tuple[Any, np.ndarray]:
    """Turn a long data frame, with one row per time step, into a list of sequences.

    Parameters
    ----------
    df : DataFrame of pandas or polars
        One row per time step, one column per feature.
    id : str, default=None
        Column or index level with the sequence to which each row belongs. None takes the first
        level of a ``MultiIndex`` of two levels.
    time : str, default=None
        Column or index level by which the steps of a sequence are sorted: numbers, dates or
        durations. None keeps the order of the rows. If ``id`` is None too, None takes the second
        level of the index.
    values : str or list of str, default=None
        Columns of features, in this order. None takes all columns except ``id`` and ``time``.
        Missing values become NaN. Pass a single name (without a list) for targets: it returns one
        value per step, which may also be a label of any type.
    to : str or path-like, default=None
        Arrow file to write. ``X`` is then its column of sequences, memory-mapped, with the names of
        the features. The ids are the column "id" of the file. Set it if the sequences should not
        stay in memory. Needs pyarrow, and several names in ``values`` or a list of one.

    Returns
    -------
    X : list of ndarray of shape (T_i, F), or (T_i,) if ``values`` is a single name
        Sequences in the order in which their ids first appear. They are C-contiguous views of one
        array. The dtype is float32 if all value columns are float32, else float64. With ``to``, a
        pyarrow.ChunkedArray.
    ids : ndarray of shape (n_sequences,)
        Id of each sequence.

    Raises
    ------
    TypeError
        If ``df`` is not a data frame, or a value column holds dates.
    ValueError
        If a column does not exist, has a duplicated name or does not hold numbers, if an id or a
        time is missing, if a sequence has the same time twice, or if ``df`` has no rows.
    ImportError
        If ``to`` is set and pyarrow is not installed.

    See Also
    --------
    to_long : Turn sequences into a long data frame.
    sklstm.datasets.to_arrow : Write sequences with targets to an Arrow file.
    SequenceEncoder : Encode columns of strings.

    Notes
    -----
    The rows of a sequence need not be adjacent. Without ``time`` the function assumes that they
    are in order and cannot check it: pass ``time`` if there is such a column.

    Without ``values``, a column of targets becomes a feature: list the features in ``values``. The
    order of features is not checked later, so pass the same ``values`` for prediction.

    Encode columns of strings with :class:`~sklstm.preprocessing.SequenceEncoder`, which takes lists
    of data frames: ``[x[["page", "seconds"]] for _, x in df.groupby("id", sort=False)]``. They have
    the order of ``ids``. Sort each frame by time if its rows are not in order. A single column of
    strings may be ``values``.

    For one target per sequence, in the order of ``ids``, use
    ``y = df.groupby("id")["label"].first().loc[ids]``. For one target per step use
    ``y, ids = from_long(df, "id", "time", values="target")``.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklstm.preprocessing import from_long
    >>> df = pd.DataFrame({"id": ["b", "b", "a"], "t": [2, 1, 1], "speed": [5.0, 4.0, 6.0]})
    >>> X, ids = from_long(df, id="id", time="t")
    >>> X
    [array([[4.],
           [5.]]), array([[6.]])]
    >>> ids.tolist()
    ['b', 'a']
    """
    if not is_frame(df):
        hint = {"LazyFrame": ": collect() it", "Table": ": convert it by to_pandas()"}
        raise TypeError(
            f"df is a {type(df).__name__}, but must be a data frame of pandas or polars"
            f"{hint.get(type(df).__name__, '')}."
        )
    if len(df) == 0:
        raise ValueError("df has no rows: at least one step of one sequence is needed.")
    if id is None:
        id_column, level = _first_levels(df)
        time_column = level if time is None else _find(df, time, "time")
    else:
        id_column = _find(df, id, "id")
        time_column = None if time is None else _find(df, time, "time")
        if time == id:
            raise ValueError(f"id and time are both {id!r}: they must be different columns.")
    if values is None:
        values = [name for name in df.columns if name not in (id, time)]
    single = isinstance(values, Hashable) and values in list(df.columns)
    values = column_names(values, df, "values")
    if not values:
        raise ValueError("df has no column of values: every step needs at least one feature.")
    if single and to is not None:
        raise ValueError(
            f"to={os.fspath(to)!r} writes features, but values={values[0]!r} is a single name, "
            "which returns targets. Pass a list of names as values, or write the targets with "
            "sklstm.datasets.to_arrow(path, X, y)."
        )
    hint = SYMBOLS.format(by="level=0" if id is None else repr(id))
    steps = column_of(df, values[0], "df") if single else table_of(df, values, "df", hint)

    codes, ids = _codes(id_column)
    if time_column is None:
        order = _by_id(codes)
    else:
        order = _by_time(codes, ids, time_column)
    ends = np.cumsum(np.bincount(codes)).tolist()
    steps = steps[order]
    sequences = (steps[start:end] for start, end in pairwise([0, *ends]))
    if to is None:
        return list(sequences), ids
    names = values if all(isinstance(name, str) for name in values) else None
    columns = [Steps(steps.dtype, names), Rows("id")]
    write_rows(to, zip(sequences, ids.tolist(), strict=True), columns, "from_long with to")
    return open_table(to, "from_long with to")["X"], ids


# ------------------------------------------------------------------------------- ids and times


def _first_levels(df: Any) -> tuple[Any, Any]:
    """Ids and times of an index of two levels."""
    index = getattr(df, "index", None)
    if getattr(index, "nlevels", 1) != 2:
        raise ValueError(
            "id=None takes the ids from an index of two levels (id, time), but df has no such "
            f"index: pass the column of ids as id=...; the columns are {listed(list(df.columns))}."
        )
    names = [k if name is None else name for k, name in enumerate(index.names)]
    return index.get_level_values(names[0]), index.get_level_values(names[1])


def _find(df: Any, name: Any, role: str) -> Any:
    """The column, or level of the index, of that name."""
    columns = list(df.columns)
    levels = list(getattr(getattr(df, "index", None), "names", ()))
    if name in columns and name in levels:
        raise ValueError(
            f"{role}={name!r} is both a column and a level of the index of df: rename one of them."
        )
    if name in levels:
        return df.index.get_level_values(name)
    if name not in columns:
        also = f", the levels of the index {listed(levels)}" if any(levels) else ""
        raise ValueError(
            f"{role}={name!r} is no column of df: the columns are {listed(columns)}{also}."
        )
    column_names(name, df, role)
    return df[name]


def _codes(column: Any) -> tuple[np.ndarray, np.ndarray]:
    """The number of each row's id, counted by first appearance, and the ids."""
    if hasattr(column, "factorize") and getattr(column.dtype, "isnative", True):
        codes, ids = column.factorize()
        codes, ids, missing = np.asarray(codes), np.asarray(ids), np.asarray(codes) < 0
    else:  # polars, or bytes in foreign order, which pandas does not take
        array = column.to_numpy()
        missing, numbered = _is_missing(array), {}
        keys = array.tolist()
        codes = np.array([numbered.setdefault(key, len(numbered)) for key in keys], dtype=np.intp)
        first = np.full(len(numbered), len(keys))
        np.minimum.at(first, codes, np.arange(len(keys)))
        ids = array[first]
        ids = ids.astype(ids.dtype.newbyteorder("="))
    if missing.any():
        raise ValueError(
            f"The id is missing in row {missing.argmax()} of df: every row needs an id. Drop rows "
            "that belong to no sequence."
        )
    return codes, ids


def _by_id(codes: np.ndarray) -> np.ndarray:
    """The order of the rows by id. Rows of one id keep their order."""
    # NumPy sorts 16-bit integers by radix, which is ten times as fast as wider ones.
    return np.argsort(codes.astype(np.min_scalar_type(codes.max())), kind="stable")


def _by_time(codes: np.ndarray, ids: np.ndarray, column: Any) -> np.ndarray:
    """The order of the rows by id, then by time."""
    times, missing = _sortable(column)
    if missing.any():
        row = int(missing.argmax())
        raise ValueError(
            f"The time is missing in row {row} of df (id {ids[codes[row]]}): fill it in or drop "
            "the row."
        )
    order = np.argsort(times)  # need not be stable: equal times of one id are errors
    order = order[_by_id(codes[order])]
    ordered, times = codes[order], times[order]
    again = (ordered[1:] == ordered[:-1]) & (times[1:] == times[:-1])
    if again.any():
        first, second = sorted(order[again.argmax() :][:2].tolist())
        raise ValueError(
            f"df has time {np.asarray(column)[first]} twice for id {ids[codes[first]]}, in rows "
            f"{first} and {second}: keep one of them or average them first."
        )
    return order


def _sortable(column: Any) -> tuple[np.ndarray, np.ndarray]:
    """Numbers or dates in the order of the times, and which of them are missing."""
    dtype = column.dtype
    if hasattr(column, "factorize") and not isinstance(dtype, np.dtype):
        # Dates with a time zone, periods and types with missing values are sorted by their ranks.
        codes, unique = column.factorize(sort=True)
        if getattr(unique.dtype, "kind", "O") == "O":
            _refuse_text(np.asarray(unique).tolist())
        return np.asarray(codes), np.asarray(codes) < 0
    times = column.to_numpy()
    if times.dtype.kind in "biufmM":
        return times, _is_missing(times)
    missing = _is_missing(times)
    _refuse_text(times.tolist())
    try:
        ranks = np.empty(len(times), dtype=np.intp)
        ranks[~missing] = np.unique(times[~missing], return_inverse=True)[1]
    except TypeError as error:
        raise ValueError(f"The times of df cannot be sorted: {error}.") from error
    return ranks, missing


def _refuse_text(times: list) -> None:
    """Raise an error for text, because "10" sorts before "9"."""
    text = next((time for time in times if isinstance(time, (str, bytes))), None)
    if text is not None:
        raise ValueError(
            f"The times of df are text, such as {text!r}, and text does not sort by time: convert "
            "them to numbers or dates, for example by pandas.to_datetime(df[time])."
        )


def _is_missing(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind in "mM":
        return np.isnat(array)
    if array.dtype.kind == "O":
        return np.array(list(map(is_missing, array)), dtype=bool)
    return array != array  # NaN
