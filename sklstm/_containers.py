"""What X and y come in: containers that keep an order, data frames, and the names of columns.

Nothing is read here that could be read in two ways. A container that is neither an array nor a
list of them is refused with the line that makes one of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, MappingView, Set
from numbers import Integral
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import validate_data

FROM_LONG = "sklstm.preprocessing.from_long"
LONG_TABLE = (
    " If X is a long table, with one row per time step, make sequences of it with "
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
    """True for a data frame of any library."""
    return hasattr(data, "columns") and hasattr(data, "shape")


def frame_of(X: Any) -> Any:
    """The first sequence of ``X`` if it is a data frame, else None: its columns are features."""
    items = members(X)
    return items[0] if items is not None and len(items) and is_frame(items[0]) else None


def object_array(items: list) -> np.ndarray:
    """A 1-D object array of ``items``, also where all of them have one shape."""
    array = np.empty(len(items), dtype=object)
    for k, item in enumerate(items):
        array[k] = item
    return array


# ------------------------------------------------------------------------- wrong containers


def refuse_container(data: Any, name: str) -> None:
    """An error for what NumPy would read as one object, or in an order that nobody chose."""
    if type(data) is np.ndarray:
        return
    advice = _advice(data, name)
    if advice is not None:
        raise TypeError(f"{name} is of type {type(data).__name__}, {advice}")


def refuse_members(items: list | tuple, name: str) -> None:
    """The same for the members of a list, where sequences are expected."""
    for kind in set(map(type, items)) - {np.ndarray, list, float, int}:
        k = next(k for k, item in enumerate(items) if type(item) is kind)
        if kind is tuple and _is_pair(items[k]):
            raise TypeError(
                f"Sequence {k} of {name} is a pair (key, {type(items[k][1]).__name__}), as a "
                f"groupby or a dict yields them: pass [x for _, x in {name}], without columns "
                f"that are not features. For a long table see {FROM_LONG}."
            )
        if kind is str:  # named by its place, as strings among numbers are
            continue
        advice = _advice(items[k], f"{name}[{k}]")
        if advice is not None:
            raise TypeError(f"Sequence {k} of {name} is of type {kind.__name__}, {advice}")


def refuse_long(X: Any, ids: bool) -> None:
    """An error for a data frame that is a long table, where one row per sequence is expected.

    ``ids`` is whether repeated values in a column of ids tell that it is one.
    """
    index = getattr(X, "index", None)
    if getattr(index, "nlevels", 1) > 1:
        names = ", ".join(map(repr, index.names))
        call = "X" if index.nlevels == 2 else "X, id=..., time=..."
        raise ValueError(
            f"X has a MultiIndex ({names}), as a long table with one row per time step has: make "
            f"sequences of it with {FROM_LONG}({call}). If every row is a sequence of its own, "
            "pass X.to_numpy()."
        )
    if not (ids and is_frame(X)):
        return
    for name in X.columns:
        if isinstance(name, str) and re.fullmatch(r"(.*[_ ])?id", name, re.IGNORECASE):
            values = np.asarray(X[name])
            if values.ndim == 1 and len(set(values.tolist())) < len(values):
                raise ValueError(
                    f"Column {name!r} of X repeats values, as the ids of a long table do, which "
                    "has one row per time step: make sequences of it with "
                    f"{FROM_LONG}(X, id={name!r}). If every row is a sequence of its own, drop "
                    "the column."
                )


def _advice(data: Any, name: str) -> str | None:
    """What is wrong with a container and what to do; None for those that are arrays or lists."""
    if isinstance(data, (list, tuple, range)) or issparse(data):
        return None
    if type(data).__name__.endswith("GroupBy"):
        advice = f"not a list: pass [x.to_numpy() for _, x in {name}]"
        if not name.startswith("X"):
            return f"{advice}."
        return (
            f"{advice}, of the columns that are features, or make sequences of the whole table "
            f"with {FROM_LONG}(frame, id=...)."
        )
    if type(data).__name__ == "LazyFrame":
        return f"which holds no values yet: pass {name}.collect()."
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
    """True for (key, table)."""
    return len(item) == 2 and np.ndim(item[1]) == 2 and np.ndim(_as_object(item[0])) == 0


def _as_object(key: Any) -> Any:
    """A key of a groupby may be a tuple of keys."""
    return key[0] if isinstance(key, tuple) and len(key) else key


def _has_buffer(data: Any) -> bool:
    try:
        memoryview(data)
    except TypeError:
        return False
    return True


# --------------------------------------------------------------------------- names of columns


def first_frame(items: list | tuple, name: str) -> Any:
    """The first item if all are data frames with its columns, None if none has names.

    Values are packed by position, so other columns, another order, or an array among frames with
    names is an error.
    """
    if all(type(item) is np.ndarray for item in items):
        return None
    columns = [list(item.columns) if is_frame(item) else None for item in items]
    first = columns[0]
    for k, other in enumerate(columns):
        if other == first:
            continue
        if first is None or other is None:
            if _are_names(first) or _are_names(other):
                frame, array = (k, 0) if first is None else (0, k)
                raise ValueError(
                    f"Sequence {array} of {name} has no column names, but sequence {frame} has "
                    f"the columns {_listed(first or other)}: pass data frames or arrays, not both."
                )
            continue
        raise ValueError(
            f"Sequence {k} of {name} has the columns {_listed(other)}, but sequence 0 has "
            f"{_listed(first)}: every sequence needs the same columns in the same order. Select "
            f"them by name: [x[columns] for x in {name}]."
        )
    return None if first is None else items[0]


def check_names(estimator: Any, X: Any, *, reset: bool) -> None:
    """scikit-learn's check of number and names of features; if ``reset`` they are set.

    ``X`` is a data frame, or an array (N, F) without names.
    """
    if (  # nothing to compare but a number, which costs less than asking
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
            f"{error}X has the columns {_listed(list(X.columns))}, fit saw "
            f"{_listed(list(estimator.feature_names_in_))}."
        ) from None


def feature_number(chosen: Any, n_features: int, names: list[str] | None, argument: str) -> int:
    """The number of a feature that ``argument`` chooses by its name or, from either end, by number.

    ``names`` are those of the features, if they have any.
    """
    if isinstance(chosen, str):
        if names is None:
            raise ValueError(
                f"{argument} names the feature {str(chosen)!r}, but the features of X have no "
                f"names: pass a list of data frames, or in {argument} the number of the feature. "
                "In a table, only columns have names, not features."
            )
        if names.count(chosen) != 1:
            raise ValueError(
                f"{argument} names the feature {str(chosen)!r}, which X has {names.count(chosen)} "
                f"times: its features are {_listed(names)}."
            )
        return names.index(chosen)
    is_number = isinstance(chosen, Integral) and not isinstance(chosen, (bool, np.bool_))
    if not is_number or not -n_features <= chosen < n_features:
        raise ValueError(
            f"{argument} contains {chosen!r}, which is no feature: X has {n_features} features, "
            "counted from 0. Names need a list of data frames."
        )
    return int(chosen) % n_features


def chosen_features(
    categorical_features: Any, n_features: int, names: list[str] | None, frame: Any = None
) -> np.ndarray:
    """Numbers of the features that ``categorical_features`` chooses: sorted, each once.

    Parameters
    ----------
    categorical_features : None, "from_dtype", or array-like of int, str or bool
        Numbers, names, a mask with an entry for each feature, or the columns of ``frame`` that
        pandas or polars keep as categories. None chooses no feature.
    n_features : int
        Features of a step.
    names : list of str or None
        Those of the features, if they have any.
    frame : data frame, default=None
        A data frame with these features, whose types "from_dtype" looks at.
    """
    argument = "categorical_features"
    if categorical_features is None:
        return np.empty(0, dtype=np.intp)
    if isinstance(categorical_features, str) and categorical_features == "from_dtype":
        if frame is None:
            raise ValueError(
                f'{argument}="from_dtype" looks at the types of the columns of data frames, but X '
                "is no list of them (after transformers it is not, nor in RelativeRegressor, nor "
                f"has initialize any): set {argument} to the numbers of the features, such as [0], "
                "or to None."
            )
        return np.flatnonzero(list(map(is_category, frame.dtypes)))
    if isinstance(categorical_features, str) or np.ndim(categorical_features) != 1:
        raise ValueError(
            f"{argument}={categorical_features!r} is no list of features: pass a list of their "
            'numbers or names, a mask with an entry for each feature, "from_dtype" or None. A '
            "single feature is a list too: [0]."
        )
    chosen = list(categorical_features)
    if chosen and all(isinstance(entry, (bool, np.bool_)) for entry in chosen):
        if len(chosen) != n_features:
            raise ValueError(
                f"{argument} is a mask of {len(chosen)} entries, but X has {n_features} features: "
                "a mask has one entry for each."
            )
        return np.flatnonzero(chosen)
    numbers = [feature_number(entry, n_features, names, argument) for entry in chosen]
    for k, number in enumerate(numbers):
        if number in numbers[:k]:
            raise ValueError(f"{argument} contains feature {number} twice: name it once.")
    return np.array(sorted(numbers), dtype=np.intp)


def is_category(dtype: Any) -> bool:
    """True for the types of columns in which pandas and polars keep categories."""
    return type(dtype).__name__ in ("CategoricalDtype", "Categorical", "Enum")


def _are_names(columns: list | None) -> bool:
    return columns is not None and all(isinstance(column, str) for column in columns)


def _listed(columns: list) -> str:
    if len(columns) <= SHOWN:
        return repr(columns)
    return f"{repr(columns[:SHOWN])[:-1]}, ...]"
