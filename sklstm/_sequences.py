"""Sequences in the forms users have them <-> one packed array of steps.

Packed means: the steps of all sequences one after the other, and the offset at which each sequence
begins. Everything behind this file sees packed sequences only. What may be wrong with ``X`` is
found here, and so is a per-step ``y`` or weight that does not fit it; what the values of ``y`` mean
is decided elsewhere.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn import get_config
from sklearn.utils.validation import check_array, validate_data

from sklstm._numbers import as_typed, numbers, precision, refuse_dates


@dataclass(frozen=True, eq=False)
class Sequences:
    """n sequences of F features: sequence k is ``values[offsets[k] : offsets[k + 1]]``.

    Attributes
    ----------
    values : ndarray of shape (N, F)
        The steps of all sequences, C-contiguous, float32 or float64. Never written to: it may be a
        view of the user's array.
    offsets : ndarray of shape (n + 1,), int64
    container : {"array", "rows", "list", "tuple", "object"}
        What the user passed: a 3-D array, a 2-D table, a list, a tuple, a 1-D object array.
    """

    values: np.ndarray
    offsets: np.ndarray
    container: str

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def n_features(self) -> int:
        return self.values.shape[1]

    @property
    def lengths(self) -> np.ndarray:
        """Steps of each sequence, (n,) int64."""
        return np.diff(self.offsets)

    def take(self, rows: Any) -> Sequences:
        """The sequences that ``rows`` (indices, a mask or a slice) selects, packed anew."""
        rows = np.arange(len(self))[rows]
        offsets = _offsets(self.lengths[rows])
        # The step at place p of the selection stands at p plus the distance its sequence moved.
        moved = self.offsets[rows] - offsets[:-1]
        steps = np.arange(offsets[-1]) + np.repeat(moved, np.diff(offsets))
        return Sequences(self.values[steps], offsets, self.container)

    def astype(self, dtype: Any) -> Sequences:
        """The same sequences in ``dtype``; no copy if they are already."""
        if self.values.dtype == dtype:
            return self
        with np.errstate(over="ignore"):
            return replace(self, values=self.values.astype(dtype))


def read_sequences(
    estimator: Any, X: Any, *, reset: bool, dtype: Any = None, features_per_step: int = 1
) -> Sequences:
    """Validate ``X`` for ``estimator`` and pack it.

    Parameters
    ----------
    estimator : estimator
        With ``reset=True`` its ``n_features_in_``, ``feature_names_in_`` and ``_sequence_input``
        ("table" or "sequences") are set, last of all, so that bad input leaves it as it was. With
        ``reset=False`` X is checked against them.
    X : (n, T, F) array, list, tuple or 1-D object array of (T_i, F) arrays, or (n, d) table
    reset : bool
    dtype : float32, float64 or None
        Precision of the result. None: float32 stays float32, everything else becomes float64.
    features_per_step : int
        Columns of a table that make one step.
    """
    items = _items(X)
    if items is not None and len(items) == 0:
        raise ValueError("X is empty: it needs at least one sequence.")
    if items is not None and _n_dims(items[0]) >= 2:
        sequences = _pack_items(items, _container(X), dtype)
    elif items is None and (array := _as_nd_array(X)) is not None:
        sequences = _pack_array(array, dtype)
    else:
        return _read_table(estimator, X, items, reset, dtype, features_per_step)

    if not reset:
        _check_against_fit(estimator, sequences.n_features)
    _check_finite(sequences)
    if reset:
        if hasattr(estimator, "feature_names_in_"):
            del estimator.feature_names_in_
        estimator.n_features_in_ = sequences.n_features
        estimator._sequence_input = "sequences"
    return sequences


@contextmanager
def unchanged_on_error(estimator: Any) -> Iterator[None]:
    """Give ``estimator`` its attributes back if the block fails: for errors found after X."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


def pack_steps(y: Any, sequences: Sequences, *, name: str, what: str) -> np.ndarray:
    """Per-step ``y`` or weights, in any container, as one (N,) or (N, k) array of their dtype.

    ``name`` is what the user calls the argument, ``what`` its entries (in the plural): both are for
    error messages.
    """
    n = len(sequences)
    items = _items(y)
    if items is None:
        items = np.asarray(y)
        if items.ndim not in (2, 3):
            raise ValueError(
                f"{name} of shape {items.shape} does not hold {what} for every step: with "
                "return_sequences=True it is an array (n_sequences, n_steps) or (n_sequences, "
                "n_steps, k), or a list with one array per sequence."
            )
    if len(items) != n:
        raise ValueError(
            f"{name} has {len(items)} sequences, but X has {n}: each sequence needs its {what}."
        )
    if isinstance(items, np.ndarray):
        _check_steps(np.full(n, items.shape[1]), sequences, name, what)
        return items.reshape(-1, *items.shape[2:])

    arrays = _as_arrays(items, name)
    first = arrays[0].shape
    if len(first) not in (1, 2):
        raise ValueError(
            f"Sequence 0 of {name} has shape {first}: with return_sequences=True it holds {what} "
            "for every step, (n_steps,) or (n_steps, k)."
        )
    for k, array in enumerate(arrays):
        if array.ndim != len(first) or array.shape[1:] != first[1:]:
            raise ValueError(
                f"Sequence {k} of {name} has shape {array.shape}: expected one row of {what} per "
                f"step, as in sequence 0 of shape {first}."
            )
    _check_steps(np.array([len(array) for array in arrays]), sequences, name, what)
    # NumPy would turn the number 1 into the string "1" without a word.
    strings = [array.dtype.kind in "US" for array in arrays]
    if any(strings) and any(array.dtype.kind in "biuf" for array in arrays):
        raise ValueError(
            f"{name} mixes strings and numbers (sequence 0 and sequence "
            f"{strings.index(not strings[0])}): use one type of {what}."
        )
    return np.concatenate(arrays)


def unpack_steps(values: np.ndarray, sequences: Sequences) -> Any:
    """One row of ``values`` per step, (N,) or (N, k), in the container that X had."""
    if sequences.container in ("array", "rows"):
        return values.reshape(len(sequences), -1, *values.shape[1:])
    ends = sequences.offsets.tolist()
    parts = [values[start:end] for start, end in pairwise(ends)]
    if sequences.container == "tuple":
        return tuple(parts)
    return object_array(parts) if sequences.container == "object" else parts


def object_array(items: list) -> np.ndarray:
    """A 1-D object array of ``items``, also where all of them have one shape."""
    array = np.empty(len(items), dtype=object)
    for k, item in enumerate(items):
        array[k] = item
    return array


# ------------------------------------------------------------------------------- forms of X


def _items(X: Any) -> list | tuple | None:
    """The members of a list, tuple or 1-D object array (also a Series of one); else None."""
    if isinstance(X, (list, tuple)):
        return X
    kind = getattr(getattr(X, "dtype", None), "kind", None)
    if kind == "O" and getattr(X, "ndim", None) == 1:
        return list(X)
    return None


def _container(X: Any) -> str:
    return "list" if isinstance(X, list) else "tuple" if isinstance(X, tuple) else "object"


def _as_nd_array(X: Any) -> np.ndarray | None:
    """X as an array if it has three dimensions or more; tables are left to scikit-learn."""
    if isinstance(X, np.ndarray):
        return X if X.ndim >= 3 else None
    if issparse(X) or getattr(X, "ndim", 3) < 3 or not hasattr(X, "__array__"):
        return None
    array = np.asarray(X)
    return array if array.ndim >= 3 else None


def _n_dims(item: Any) -> int:
    try:
        return np.ndim(item)
    except ValueError:  # nested lists of unequal length: meant as steps
        return 2


def _pack_array(X: np.ndarray, dtype: Any) -> Sequences:
    """An array of three dimensions; where nothing has to be converted, nothing is copied."""
    if X.ndim > 3:
        raise ValueError(
            f"X has {X.ndim} dimensions (shape {X.shape}); expected (n_sequences, n_steps, "
            "n_features). Flatten the features of a step: X.reshape(*X.shape[:2], -1)."
        )
    n, n_steps, n_features = X.shape
    for size, axis in ((n, "sequences"), (n_steps, "steps"), (n_features, "features")):
        if size == 0:
            raise ValueError(f"X of shape {X.shape} has no {axis}: at least one is needed.")
    X = numbers(X, lambda index: _place(*index[:2]))
    dtype = precision([X.dtype]) if dtype is None else dtype
    with _memory_for(n * n_steps, n_features, dtype), np.errstate(over="ignore"):
        values = np.require(X, dtype, ["C", "A", "E"]).reshape(n * n_steps, n_features)
    return Sequences(values, np.arange(n + 1) * n_steps, "array")


def _pack_items(items: list | tuple, container: str, dtype: Any) -> Sequences:
    """One 2-D array per sequence. Sets find what is wrong, a loop says only then where."""
    arrays = _as_arrays(items, "X")
    if any(kind not in "biufO" for kind in {array.dtype.kind for array in arrays}):
        k = next(k for k, array in enumerate(arrays) if array.dtype.kind not in "biufO")
        numbers(as_typed(items[k]), lambda index: _place(k, *index[:1]))
    if {array.ndim for array in arrays} != {2}:
        k = next(k for k, array in enumerate(arrays) if array.ndim != 2)
        if issparse(items[k]):
            raise TypeError(
                f"Sequence {k} of X is sparse, but dense data is required: use x.toarray()."
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
        k = int(np.argmin(lengths))
        raise ValueError(f"Sequence {k} of X is empty: give it at least one step or drop it.")
    if n_features == 0:
        raise ValueError("The sequences of X have 0 features: at least one is needed.")
    if any(array.dtype == object for array in arrays):
        arrays = [
            numbers(array, lambda index, k=k: _place(k, index[0])) for k, array in enumerate(arrays)
        ]
    dtype = precision({array.dtype for array in arrays}) if dtype is None else dtype
    offsets = _offsets(lengths)
    with _memory_for(int(offsets[-1]), n_features, dtype), np.errstate(over="ignore"):
        values = np.concatenate(arrays, dtype=dtype, casting="same_kind")
    return Sequences(values, offsets, container)


def _read_table(
    estimator: Any,
    X: Any,
    items: list | tuple | None,
    reset: bool,
    dtype: Any,
    features_per_step: int,
) -> Sequences:
    """Rows of columns, by scikit-learn's own checks; its number conversion is too forgiving."""

    def place(index):
        return _place(index[0], *(column // features_per_step for column in index[1:2]))

    if items is not None:
        X = _table_of(items)
        # A list of strings is first of all not numbers, whatever its shape.
        X = numbers(X, place)
    refuse_dates(X)
    table = check_array(X, dtype=None, ensure_all_finite=False, estimator=estimator, input_name="X")
    table = numbers(table, place)
    if not reset:
        if getattr(estimator, "_sequence_input", "sequences") == "sequences":
            name, n_features = type(estimator).__name__, estimator.n_features_in_
            raise ValueError(
                f"X is a 2-D table of shape {table.shape}, but {name} was fitted on sequences of "
                f"{n_features} features: pass an array (n_sequences, n_steps, {n_features}) or a "
                f"list of arrays (n_steps, {n_features}); a single sequence x goes in as [x]."
            )
        validate_data(estimator, X, reset=False, skip_check_array=True)
    n, n_columns = table.shape
    n_steps, rest = divmod(n_columns, features_per_step)
    if rest:
        raise ValueError(
            f"features_per_step={features_per_step} does not divide the {n_columns} columns of X: "
            "set it to the number of columns that make one step."
        )
    dtype = precision([table.dtype]) if dtype is None else dtype
    with _memory_for(n * n_steps, features_per_step, dtype), np.errstate(over="ignore"):
        values = np.require(table, dtype, ["C", "A", "E"]).reshape(n * n_steps, features_per_step)
    sequences = Sequences(values, np.arange(n + 1) * n_steps, "rows")
    _check_finite(sequences)
    if reset:
        validate_data(estimator, X, reset=True, skip_check_array=True)
        estimator._sequence_input = "table"
    return sequences


def _table_of(rows: list | tuple) -> np.ndarray:
    """A list of rows as one array."""
    try:
        return as_typed(rows)
    except ValueError:
        sizes = [len(row) if _n_dims(row) == 1 else None for row in rows]
        k = next((k for k, size in enumerate(sizes) if size != sizes[0]), 0)
        if sizes[0] is None or sizes[k] is None:
            raise ValueError(
                f"Sequence {k} of X has another number of dimensions than sequence 0: expected one "
                "array (n_steps, n_features) per sequence."
            ) from None
        raise ValueError(
            f"X is a list of 1-D arrays of unequal length: sequence 0 has {sizes[0]} values and "
            f"sequence {k} has {sizes[k]}. If they are steps of one feature, pass "
            "[x[:, None] for x in X]."
        ) from None


def _as_arrays(items: list | tuple, name: str) -> list[np.ndarray]:
    try:
        return [np.asarray(item) for item in items]
    except ValueError:
        for k, item in enumerate(items):
            try:
                np.asarray(item)
            except ValueError:
                raise ValueError(
                    f"Sequence {k} of {name} is not an array: its steps are of unequal length."
                ) from None
        raise


# ------------------------------------------------------------------------------- laws of X


def _check_against_fit(estimator: Any, n_features: int) -> None:
    name = type(estimator).__name__
    if getattr(estimator, "_sequence_input", "sequences") == "table":
        raise ValueError(
            f"X holds sequences of {n_features} features, but {name} was fitted on a 2-D table of "
            f"{estimator.n_features_in_} columns: pass a table, or fit on sequences."
        )
    if n_features != estimator.n_features_in_:
        raise ValueError(
            f"X has {n_features} features, but {name} is expecting {estimator.n_features_in_} "
            "features as input."
        )


def _check_finite(sequences: Sequences) -> None:
    values = sequences.values
    # Infinity and NaN survive a sum; a sum that overflows only costs the second, slower test.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(values.sum()) or get_config()["assume_finite"]:
            return
    bad = ~np.isfinite(values)
    if not bad.any():
        return
    row, feature = divmod(int(bad.argmax()), sequences.n_features)
    k = int(np.searchsorted(sequences.offsets, row, side="right")) - 1
    where = f"{_place(k, row - sequences.offsets[k])}, feature {feature}"
    if not np.isnan(values[row, feature]):
        raise ValueError(
            f"X contains infinity or a value too large for {values.dtype}: {where}. Clip it or "
            "drop it."
        )
    hint = (
        " If NaN pads short sequences to one length, make a list of them with "
        "sklstm.preprocessing.from_padded(X)."
        if sequences.container in ("array", "rows")
        else ""
    )
    raise ValueError(f"X contains NaN: {where}. Fill it in or drop it.{hint}")


def _check_steps(lengths: np.ndarray, sequences: Sequences, name: str, what: str) -> None:
    wrong = lengths != sequences.lengths
    if wrong.any():
        k = int(wrong.argmax())
        raise ValueError(
            f"Sequence {k} of {name} has {what} for {lengths[k]} steps, but sequence {k} of X has "
            f"{sequences.lengths[k]} steps: they must be equal."
        )


def _place(sequence: int, step: int | None = None) -> str:
    return f"sequence {sequence}" if step is None else f"sequence {sequence}, step {step}"


def _offsets(lengths: np.ndarray) -> np.ndarray:
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


@contextmanager
def _memory_for(n_steps: int, n_features: int, dtype: Any) -> Iterator[None]:
    """Say what was too large, whether NumPy runs out of memory or of integers to count it."""
    size = n_steps * n_features * np.dtype(dtype).itemsize
    try:
        if size > sys.maxsize:
            raise MemoryError
        yield
    except MemoryError:
        raise MemoryError(
            f"X has {n_steps} steps of {n_features} features, {size / 2**30:.3g} GiB as "
            f"{np.dtype(dtype)}, for which there is no memory: pass fewer sequences at a time "
            "to partial_fit or predict, or use float32."
        ) from None
