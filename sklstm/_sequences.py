"""Conversion between the user's containers and ``Sequences``, which all other modules use.

Arrays are not copied if the kernels can read them as they are. The checks of ``X`` are here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, NoReturn

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import check_array

from sklstm._arrays import Sequences, memory_for, offsets_of
from sklstm._containers import (
    LONG_TABLE,
    Frame,
    check_names,
    columns_of,
    first_frame,
    is_frame,
    members,
    object_array,
    refuse_container,
    refuse_long,
    refuse_members,
)
from sklstm._laws import check_finite, check_form, place_in, place_of, refuse_shape
from sklstm._lists import Block, Lists, lists_of, refuse_nulls
from sklstm._numbers import (
    as_array,
    as_numbers,
    as_typed,
    filled,
    first_unequal,
    precision,
    refuse_dates,
)
from sklstm._remote import RemoteX

EMPTY = "X is empty: it needs at least one sequence."
NO_FEATURES = "The sequences of X have 0 features. At least one is needed."

Split = Callable[[Sequences, Any], tuple[Sequences, np.ndarray]]


def read_sequences(
    estimator: Any,
    X: Any,
    *,
    reset: bool,
    dtype: Any = None,
    features_per_step: int = 1,
    allow_nan: bool = False,
    split: Split | None = None,
) -> Sequences:
    """Validate ``X`` for ``estimator`` and convert it if necessary.

    Parameters
    ----------
    estimator : estimator
        With ``reset=True`` its ``n_features_in_``, ``feature_names_in_`` and ``_sequence_input``
        ("table" or "sequences") are set after all checks, so invalid input does not change it.
        With ``reset=False`` X is checked against them.
    X : (n, T, F) array, list, tuple or 1-D object array of (T_i, F) arrays, or (n, d) table
        The sequences, or an Arrow column of lists (see ``_lists.py``).
    reset : bool
        True for new training data.
    dtype : float32, float64 or None
        Precision of the result. None: float32 stays float32, everything else becomes float64.
    features_per_step : int
        Number of columns of a table that make one step.
    allow_nan : bool
        If True, NaN is allowed.
    split : callable or None
        Function that separates categorical features. Its arguments are the sequences and the data
        frame with the feature names (or None). It returns the sequences and the numbers of the
        other features.

    Returns
    -------
    sequences : Sequences
        X. The arrays of a list are not copied if they are C-contiguous, aligned, in native byte
        order and of the precision of the result.

    Raises
    ------
    ValueError, TypeError
        If X is invalid. The message names the sequence, step and feature.
    MemoryError
        If X does not fit into memory.
    """
    if isinstance(X, RemoteX):
        return X.read(
            estimator,
            reset=reset,
            dtype=dtype,
            features_per_step=features_per_step,
            allow_nan=allow_nan,
            split=split,
        )
    items, sequences, frame, blocks = None, None, None, []
    lists = lists_of(X, "X")
    if lists is not None:
        blocks = lists.blocks(lists.dtype if dtype is None else dtype)
        sequences, frame = _in_blocks(blocks), _frame_of(lists)
    else:
        refuse_container(X, "X")
        items = members(X)
    if items is not None:
        if len(items) == 0:
            raise ValueError(EMPTY)
        sequences = _as_they_are(items, _container(X), dtype)
    if sequences is None:
        if items is not None:
            refuse_members(items, "X")
        if items is not None and _n_dims(items[0]) >= 2:
            frame = first_frame(items, "X")
            sequences = _pack_items(items, _container(X), dtype)
        elif items is None and (array := _as_nd_array(X)) is not None:
            sequences = _pack_array(array, dtype)
        else:
            table = X, items, reset, dtype, features_per_step, allow_nan, split
            return _read_table(estimator, *table)

    unnamed = np.empty((0, sequences.n_features))
    named = unnamed if frame is None else frame
    if not reset:
        check_form(estimator, sequences.n_features)
        if estimator._sequence_input == "initialized":  # initialize knows no feature names
            named = unnamed
        check_names(estimator, named, reset=False)
    sequences = _checked(sequences, X, frame, allow_nan, split, blocks)
    if reset:
        check_names(estimator, named, reset=True)
        estimator._sequence_input = "sequences"
    return sequences


def learn_names(estimator: Any, X: Any) -> None:
    """Learn the feature names from ``X``, because ``initialize`` did not have them."""
    lists = lists_of(X, "X")
    items = members(X) if lists is None else None
    frame = _frame_of(lists) if items is None else first_frame(items, "X")
    if frame is not None:
        check_names(estimator, frame, reset=True)
    estimator._sequence_input = "sequences"


@contextmanager
def called(name: str) -> Iterator[None]:
    """Prefix errors with the name of the argument that was read as X."""
    try:
        yield
    except (ValueError, TypeError) as error:
        raise type(error)(f"In {name}: {error}") from None


def unpack_steps(values: np.ndarray, sequences: Sequences) -> Any:
    """Values (N,) or (N, k) with one row per step, in the container type of X."""
    if sequences.equally_long:
        return values.reshape(len(sequences), -1, *values.shape[1:])
    ends = sequences.offsets.tolist()
    parts = [values[start:end] for start, end in pairwise(ends)]
    if sequences.container == "tuple":
        return tuple(parts)
    return object_array(parts) if sequences.container == "object" else parts


# ------------------------------------------------------------------------------- forms of X


def _container(X: Any) -> str:
    return "list" if isinstance(X, list) else "tuple" if isinstance(X, tuple) else "object"


def _as_nd_array(X: Any) -> np.ndarray | None:
    """X as an array if it has three or more dimensions, else None."""
    if issparse(X) or getattr(X, "ndim", 3) < 3 or not hasattr(X, "__array__"):
        return None
    array = np.asarray(filled(X))
    return array if array.ndim >= 3 else None


def _n_dims(item: Any) -> int:
    try:
        return np.ndim(filled(item))
    except ValueError:  # nested lists of unequal length are read as steps
        return 2


def _pack_array(X: np.ndarray, dtype: Any) -> Sequences:
    """Pack an array of three dimensions, without a copy if nothing has to be converted."""
    if X.ndim > 3:
        raise ValueError(
            f"X has {X.ndim} dimensions (shape {X.shape}); expected (n_sequences, n_steps, "
            "n_features). Flatten the features of a step: X.reshape(*X.shape[:2], -1)."
        )
    n, n_steps, n_features = X.shape
    for size, axis in ((n, "sequences"), (n_steps, "steps"), (n_features, "features")):
        if size == 0:
            raise ValueError(f"X of shape {X.shape} has no {axis}. At least one is needed.")
    X = as_numbers(X, lambda index: place_of(*index[:2]))
    dtype = precision([X.dtype]) if dtype is None else dtype
    if X.dtype != dtype or not X.flags.carray or type(X) is not np.ndarray:
        with memory_for(n * n_steps, n_features, dtype), np.errstate(over="ignore"):
            X = np.require(X, dtype, ["C", "A", "E"])
    values = X.reshape(n * n_steps, n_features)
    return Sequences(values, np.arange(n + 1, dtype=np.int64) * n_steps, "array")


def _as_they_are(items: list | tuple, container: str, dtype: Any) -> Sequences | None:
    """The arrays of a list, without a copy; None if the kernels cannot read all of them."""
    sequences = Sequences.of_arrays(items, container)
    if sequences is None or sequences.n_features == 0:
        return None
    return sequences if dtype is None or sequences.dtype == dtype else None


def _pack_items(items: list | tuple, container: str, dtype: Any) -> Sequences:
    """Read one 2-D array per sequence. Checks are quick; a loop finds the place of an error."""
    arrays = _as_arrays(items)
    if any(kind not in "biufO" for kind in {array.dtype.kind for array in arrays}):
        k = next(k for k, array in enumerate(arrays) if array.dtype.kind not in "biufO")
        as_numbers(as_typed(items[k]), place_in(items, k))
    for k, item in enumerate(items):
        if isinstance(getattr(item, "dtypes", None), list):  # polars converts dates to numbers
            refuse_dates(item, place=f"sequence {k}, ")
    if {array.ndim for array in arrays} != {2}:
        k = next(k for k, array in enumerate(arrays) if array.ndim != 2)
        if issparse(items[k]):
            raise TypeError(
                f"Sequence {k} of X is sparse, but dense data is required. Use x.toarray()."
            )
        hint = " Write x[:, None] for a single feature." if arrays[k].ndim == 1 else ""
        raise ValueError(
            f"Sequence {k} of X has shape {arrays[k].shape}; expected (n_steps, n_features).{hint}"
        )
    n_features = arrays[0].shape[1]
    if {array.shape[1] for array in arrays} != {n_features}:
        k = next(k for k, array in enumerate(arrays) if array.shape[1] != n_features)
        raise ValueError(
            f"Sequence {k} of X has {arrays[k].shape[1]} features, but sequence 0 has "
            f"{n_features}: every step of every sequence needs the same features."
        )
    lengths = np.fromiter((len(array) for array in arrays), dtype=np.int64, count=len(arrays))
    if not lengths.all():
        _refuse_empty(int(np.argmin(lengths)))
    if n_features == 0:
        raise ValueError(NO_FEATURES)
    if any(array.dtype == object for array in arrays):
        arrays = [as_numbers(array, place_in(items, k)) for k, array in enumerate(arrays)]
    dtype = precision({array.dtype for array in arrays}) if dtype is None else dtype
    sequences = _as_they_are(arrays, container, dtype)
    if sequences is not None:  # arrays of data frames, or arrays that were made above
        return sequences
    offsets = offsets_of(lengths)
    with memory_for(int(offsets[-1]), n_features, dtype), np.errstate(over="ignore"):
        # Without `out`, NumPy would keep column order if all items have it.
        values = np.empty((int(offsets[-1]), n_features), dtype)
        np.concatenate(arrays, out=values, casting="same_kind")
    return Sequences(values, offsets, container)


def _in_blocks(blocks: list[Block]) -> Sequences:
    """The sequences of the blocks of an Arrow column, without a copy."""
    if not blocks:
        raise ValueError(EMPTY)
    first = 0
    for block in blocks:
        empty = block.offsets[1:] == block.offsets[:-1]
        if empty.any():
            _refuse_empty(first + int(empty.argmax()))
        first += len(empty)
    if blocks[0].values.shape[1] == 0:
        raise ValueError(NO_FEATURES)
    if len(blocks) == 1:
        return Sequences(blocks[0].values, blocks[0].offsets, "list")
    return Sequences.of_blocks([(block.values, block.offsets) for block in blocks], "list")


def _frame_of(lists: Lists | None) -> Frame | None:
    """The feature names of an Arrow column, as a data frame without rows."""
    if lists is None or lists.names is None:
        return None
    return Frame(np.empty((0, len(lists.names))), lists.names)


def _read_table(
    estimator: Any,
    X: Any,
    items: list | tuple | None,
    reset: bool,
    dtype: Any,
    features_per_step: int,
    allow_nan: bool,
    split: Split | None,
) -> Sequences:
    """Read a table with scikit-learn's checks, after stricter checks of its numbers."""

    given = X
    columns = columns_of(X) if is_frame(X) else None

    def place(index: tuple) -> str:
        column = f", column {columns[index[1]]!r}" if columns and len(index) > 1 else ""
        return place_of(index[0], *(k // features_per_step for k in index[1:2])) + column

    if items is not None:
        X = _table_of(items)
        # strings are reported before a wrong shape
        X = as_numbers(X, place)
    fitted_on_table = getattr(estimator, "_sequence_input", "sequences") == "table"
    refuse_long(X, ids=reset or not fitted_on_table)
    mixed = getattr(getattr(X, "dtype", None), "kind", None) == "O"
    hint = LONG_TABLE if columns or mixed else ""
    refuse_dates(X, hint)
    X = filled(X)
    refuse_shape(X, given)
    try:
        table = check_array(
            X, dtype=None, ensure_all_finite=False, estimator=estimator, input_name="X"
        )
    except ValueError as error:
        if not str(error).startswith("Complex data"):  # as_numbers reports it with the place
            raise
        table = np.asarray(X)
    table = as_numbers(table, place, hint=hint)
    if not reset:
        if not fitted_on_table:
            name, n_features = type(estimator).__name__, estimator.n_features_in_
            raise ValueError(
                f"X is a 2-D table of shape {table.shape}, but {name} was fitted on sequences of "
                f"{n_features} features. Pass an array (n_sequences, n_steps, {n_features}) or a "
                f"list of arrays (n_steps, {n_features}). Pass a single sequence x as [x]."
            )
        check_names(estimator, X, reset=False)
    n, n_columns = table.shape
    n_steps, rest = divmod(n_columns, features_per_step)
    if rest:
        raise ValueError(
            f"features_per_step={features_per_step} does not divide the {n_columns} columns of X. "
            "Set it to the number of columns that make one step."
        )
    dtype = precision([table.dtype]) if dtype is None else dtype
    with memory_for(n * n_steps, features_per_step, dtype), np.errstate(over="ignore"):
        values = np.require(table, dtype, ["C", "A", "E"]).reshape(n * n_steps, features_per_step)
    sequences = Sequences(values, np.arange(n + 1, dtype=np.int64) * n_steps, "rows")
    sequences = _checked(sequences, given, None, allow_nan, split)
    if reset:
        check_names(estimator, X, reset=True)
        estimator._sequence_input = "table"
    return sequences


def _refuse_empty(k: int) -> NoReturn:
    raise ValueError(f"Sequence {k} of X is empty. Drop it, or add at least one step.")


def _checked(
    sequences: Sequences,
    X: Any,
    frame: Any,
    allow_nan: bool,
    split: Split | None,
    blocks: Sequence[Block] = (),
) -> Sequences:
    """Separate categorical features, then check that all other values are finite."""
    left = None
    if split is not None:
        sequences, left = split(sequences, frame)
    if not allow_nan:
        refuse_nulls(blocks, left)
    check_finite(sequences, X, allow_nan=allow_nan, features=left)
    return sequences


def _table_of(rows: list | tuple) -> np.ndarray:
    """A list of rows as one array."""
    try:
        return as_typed(filled(rows))
    except ValueError:
        sizes = [len(row) if _n_dims(row) == 1 else None for row in rows]
        k = next((k for k, size in enumerate(sizes) if size != sizes[0]), 0)
        if sizes[0] is None or sizes[k] is None:
            raise ValueError(
                f"Sequence {k} of X has another number of dimensions than sequence 0. Pass one "
                "array (n_steps, n_features) per sequence."
            ) from None
        raise ValueError(
            f"X is a list of 1-D arrays of unequal length: sequence 0 has {sizes[0]} values and "
            f"sequence {k} has {sizes[k]}. If they are steps of one feature, pass "
            "[np.reshape(x, (-1, 1)) for x in X]. If they are symbols, such as words, convert them "
            "to codes with sklstm.preprocessing.SequenceEncoder, and pass categorical_features=[0] "
            "to the estimator."
        ) from None


def _as_arrays(items: list | tuple) -> list[np.ndarray]:
    arrays = []
    for k, item in enumerate(items):
        try:
            arrays.append(item if type(item) is np.ndarray else as_array(filled(item)))
        except ValueError:
            raise ValueError(
                f"Sequence {k} of X is not an array: its steps have unequal lengths, see step "
                f"{first_unequal(item)}. Pass the same features at every step."
            ) from None
    return arrays
