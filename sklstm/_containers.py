"""Containers of X and y, data frames, and column names.

Containers that are ambiguous, or neither arrays nor lists, raise an error with the line of code
that converts them.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, MappingView, Set
from numbers import Integral
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import validate_data

FROM_LONG = "sklstm.preprocessing.from_long"
LONG_TABLE = (
    " If X is a long table, with one row per time step, convert it to sequences with "
    f"{FROM_LONG}(X, id=...)."
)
SHOWN = 8  # columns that a message lists


def members(data: Any) -> list | tuple | None:
    """The members of a list, tuple or 1-D object array (also a Series of one); else None."""
    if isinstance(data, (list, tuple)):
        return data
    kind = getattr(getattr(data, "dtype", None), "kind", None)
    if kind == "O" and getattr(data, "ndim", None) == 1:
        return list(data)
    return None


def is_frame(data: Any) -> bool:
    """True if ``data`` is a data frame of any library."""
    return hasattr(data, "columns") and hasattr(data, "shape")


def columns_of(frame: Any) -> list:
    """Names of the columns of a data frame. ``columns`` of pyarrow's tables are their values."""
    return list(frame.column_names if hasattr(type(frame), "column_names") else frame.columns)


class Frame:
    """Values (N, F) with feature names, which come from an Arrow column."""

    def __init__(self, values: np.ndarray, columns: list[str]) -> None:
        self.values, self.columns = values, columns

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    @property
    def dtypes(self) -> list[np.dtype]:
        return [self.values.dtype] * len(self.columns)

    def __len__(self) -> int:
        return len(self.values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.values, dtype) if copy else np.asarray(self.values, dtype)


def frame_of(X: Any) -> Any:
    """The first sequence of ``X`` if it is a data frame, else None. Its columns are features."""
    items = members(X)
    return items[0] if items is not None and len(items) and is_frame(items[0]) else None


def object_array(items: list) -> np.ndarray:
    """A 1-D object array of ``items``, even if all of them have the same shape."""
    array = np.empty(len(items), dtype=object)
    for k, item in enumerate(items):
        array[k] = item
    return array


# ------------------------------------------------------------------------- wrong containers


def refuse_container(data: Any, name: str) -> None:
    """Raise an error for containers that NumPy reads as one object or in an arbitrary order."""
    if type(data) is np.ndarray:
        return
    advice = _advice(data, name)
    if advice is not None:
        raise TypeError(f"{name} is of type {type(data).__name__}, {advice}")


def refuse_members(items: list | tuple, name: str) -> None:
    """Raise the same errors for the members of a list of sequences."""
    for kind in set(map(type, items)) - {np.ndarray, list, float, int}:
        k = next(k for k, item in enumerate(items) if type(item) is kind)
        if kind is tuple and _is_pair(items[k]):
            raise TypeError(
                f"Sequence {k} of {name} is a pair (key, {type(items[k][1]).__name__}), as "
                f"a groupby or a dict yields. Pass [x for _, x in {name}], without columns "
                f"that are not features. For a long table, use {FROM_LONG}."
            )
        if kind is str:  # reported later with its place, as all strings among numbers
            continue
        advice = _advice(items[k], f"{name}[{k}]")
        if advice is not None:
            raise TypeError(f"Sequence {k} of {name} is of type {kind.__name__}, {advice}")


def refuse_long(X: Any, ids: bool) -> None:
    """Raise an error if a table of one row per sequence is in fact a long table.

    With ``ids=True`` a column of ids with repeated values counts as a sign of a long table.
    """
    index = getattr(X, "index", None)
    if getattr(index, "nlevels", 1) > 1:
        names = ", ".join(map(repr, index.names))
        call = "X" if index.nlevels == 2 else "X, id=..., time=..."
        raise ValueError(
            f"X has a MultiIndex ({names}), as a long table with one row per time step has. "
            f"Convert it to sequences with {FROM_LONG}({call}). If every row is a sequence of its "
            "own, pass X.to_numpy()."
        )
    if not (ids and is_frame(X)):
        return
    for name in columns_of(X):
        if isinstance(name, str) and re.fullmatch(r"(.*[_ ])?id", name, re.IGNORECASE):
            values = np.asarray(X[name])
            if values.ndim == 1 and len(set(values.tolist())) < len(values):
                raise ValueError(
                    f"Column {name!r} of X repeats values, as in a long table with one row per "
                    "time step. Convert it to sequences with "
                    f"{FROM_LONG}(X, id={name!r}). If every row is a sequence of its own, drop "
                    "the column."
                )


def _advice(data: Any, name: str) -> str | None:
    """The problem with a container and its remedy, or None for arrays and lists."""
    if isinstance(data, (list, tuple, range)) or issparse(data):
        return None
    if type(data).__name__.endswith("GroupBy"):
        advice = f"not a list: pass [x.to_numpy() for _, x in {name}]"
        if not name.startswith("X"):
            return f"{advice}."
        return (
            f"{advice}, with the columns that are features, or convert the whole table with "
            f"{FROM_LONG}(frame, id=...)."
        )
    if type(data).__name__ == "LazyFrame":
        return f"which has no values yet: pass {name}.collect()."
    if type(data).__module__.startswith("awkward"):
        return f"which NumPy cannot read: pass ak.to_arrow({name})."
    if hasattr(data, "__array__"):
        return None
    if isinstance(data, Mapping):
        return f"which has keys: pass a list of its values, list({name}.values())."
    if isinstance(data, (Iterator, MappingView)):
        return f"which cannot be indexed: pass list({name})."
    if isinstance(data, Set):
        return "which has no order: pass a list or an array."
    if isinstance(data, (str, bytes, bytearray)):
        return "not a list or an array."
    if isinstance(data, Iterable) and not _has_buffer(data):
        return f"not a list or an array: pass list({name})."
    return None


def _is_pair(item: tuple) -> bool:
    """True for a pair (key, table)."""
    return len(item) == 2 and np.ndim(item[1]) == 2 and np.ndim(_as_object(item[0])) == 0


def _as_object(key: Any) -> Any:
    """The first key of a groupby with several keys, or the key itself."""
    return key[0] if isinstance(key, tuple) and len(key) else key


def _has_buffer(data: Any) -> bool:
    try:
        memoryview(data)
    except TypeError:
        return False
    return True


# --------------------------------------------------------------------------- names of columns


def first_frame(items: list | tuple, name: str) -> Any:
    """The first item if all items are data frames with its columns, None if none has names.

    Values are packed by position, so different columns, another order, or arrays among named
    frames raise an error.
    """
    if all(type(item) is np.ndarray for item in items):
        return None
    columns = [columns_of(item) if is_frame(item) else None for item in items]
    first = columns[0]
    for k, other in enumerate(columns):
        if other == first:
            continue
        if first is None or other is None:
            if _are_names(first) or _are_names(other):
                frame, array = (k, 0) if first is None else (0, k)
                raise ValueError(
                    f"Sequence {array} of {name} has no column names, but sequence {frame} has "
                    f"the columns {_listed(first or other)}. Pass only data frames or only arrays."
                )
            continue
        raise ValueError(
            f"Sequence {k} of {name} has the columns {_listed(other)}, but sequence 0 has "
            f"{_listed(first)}: every sequence needs the same columns in the same order. Select "
            f"them by name: [x[columns] for x in {name}]."
        )
    return None if first is None else items[0]


def check_names(estimator: Any, X: Any, *, reset: bool) -> None:
    """Check the number and names of features with scikit-learn, or set them with ``reset``.

    ``X`` is a data frame, or an array (N, F) without names.
    """
    if isinstance(X, Frame):
        _check_own_names(estimator, X, reset=reset)
        return
    if (  # quick check: only the number has to be compared
        not reset
        and type(X) is np.ndarray
        and not hasattr(estimator, "feature_names_in_")
        and X.shape[1] == estimator.n_features_in_
    ):
        return
    try:
        validate_data(estimator, X, reset=reset, skip_check_array=True)
    except ValueError as error:
        if not (str(error).startswith("The feature names should match") and is_frame(X)):
            raise
        raise ValueError(
            f"{error}X has the columns {_listed(columns_of(X))}, but fit saw "
            f"{_listed(list(estimator.feature_names_in_))}."
        ) from None


def _check_own_names(estimator: Any, frame: Frame, *, reset: bool) -> None:
    """The same for names that scikit-learn cannot read, because no data frame has them."""
    if reset or not hasattr(estimator, "feature_names_in_"):
        unnamed = np.empty((0, len(frame.columns)))
        validate_data(estimator, unnamed, reset=reset, skip_check_array=True)
        if reset:
            estimator.feature_names_in_ = np.array(frame.columns, dtype=object)
        else:
            warnings.warn(
                f"X has feature names, but {type(estimator).__name__} was fitted without feature "
                "names",
                UserWarning,
                stacklevel=2,
            )
        return
    known = list(estimator.feature_names_in_)
    if frame.columns != known:
        raise ValueError(
            "The feature names should match those that were passed during fit. X has the features "
            f"{_listed(frame.columns)}, but fit saw {_listed(known)}. Select them in this order."
        )


def feature_number(chosen: Any, n_features: int, names: list[str] | None, argument: str) -> int:
    """The number of a feature that is selected by name or by (possibly negative) number.

    ``names`` are the feature names, or None; ``argument`` is the name of the user's argument.
    """
    if isinstance(chosen, str):
        if names is None:
            raise ValueError(
                f"{argument} selects the feature {str(chosen)!r} by name, but the features of X "
                f"have no names. Pass a list of data frames as X, or the number of the feature in "
                f"{argument}. The columns of a table are steps and do not name features."
            )
        if names.count(chosen) != 1:
            raise ValueError(
                f"{argument} selects the feature {str(chosen)!r}, but X has "
                f"{names.count(chosen)} features of that name. Its features are {_listed(names)}."
            )
        return names.index(chosen)
    is_number = isinstance(chosen, Integral) and not isinstance(chosen, (bool, np.bool_))
    if not is_number or not -n_features <= chosen < n_features:
        raise ValueError(
            f"{argument} contains {chosen!r}, which is not a feature: X has {n_features} features, "
            "counted from 0. To use names, pass a list of data frames."
        )
    return int(chosen) % n_features


def chosen_features(
    categorical_features: Any, n_features: int, names: list[str] | None, frame: Any = None
) -> np.ndarray:
    """Sorted numbers of the features that ``categorical_features`` selects.

    Parameters
    ----------
    categorical_features : None, "from_dtype", or array-like of int, str or bool
        Numbers, names, a mask with one entry per feature, or "from_dtype" for the columns of
        ``frame`` with a categorical dtype. None selects no feature.
    n_features : int
        Number of features per step.
    names : list of str or None
        Names of the features, or None.
    frame : data frame, default=None
        Data frame with these features, for "from_dtype".

    Returns
    -------
    features : ndarray of int
        Sorted numbers.
    """
    argument = "categorical_features"
    if categorical_features is None:
        return np.empty(0, dtype=np.intp)
    if isinstance(categorical_features, str) and categorical_features == "from_dtype":
        if frame is None:
            raise ValueError(
                f'{argument}="from_dtype" needs a list of data frames, but X is none here. '
                "Transformers and RelativeRegressor pass arrays, and initialize has no X. Set "
                f"{argument} to the numbers of the features, such as [0], or to None."
            )
        return np.flatnonzero(list(map(is_category, frame.dtypes)))
    if isinstance(categorical_features, str) or np.ndim(categorical_features) != 1:
        raise ValueError(
            f"{argument}={categorical_features!r} is not a list of features. Pass a list of their "
            'numbers or names, a mask with one entry per feature, "from_dtype" or None. For a '
            "single feature, pass a list too: [0]."
        )
    chosen = list(categorical_features)
    if chosen and all(isinstance(entry, (bool, np.bool_)) for entry in chosen):
        if len(chosen) != n_features:
            raise ValueError(
                f"{argument} is a mask of {len(chosen)} entries, but X has {n_features} features. "
                "Pass one entry per feature."
            )
        return np.flatnonzero(chosen)
    numbers = [feature_number(entry, n_features, names, argument) for entry in chosen]
    for k, number in enumerate(numbers):
        if number in numbers[:k]:
            raise ValueError(f"{argument} contains feature {number} twice. Remove one of them.")
    return np.array(sorted(numbers), dtype=np.intp)


def is_category(dtype: Any) -> bool:
    """True for the categorical column types of pandas and polars."""
    return type(dtype).__name__ in ("CategoricalDtype", "Categorical", "Enum")


def _are_names(columns: list | None) -> bool:
    return columns is not None and all(isinstance(column, str) for column in columns)


def _listed(columns: list) -> str:
    if len(columns) <= SHOWN:
        return repr(columns)
    return f"{repr(columns[:SHOWN])[:-1]}, ...]"
