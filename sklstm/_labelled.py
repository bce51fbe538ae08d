"""Codes for the categorical columns of data frames, for categorical_features="from_dtype"."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from sklstm._containers import is_frame, members
from sklstm._laws import place_of
from sklstm._numbers import is_missing


def has_frames(X: Any) -> bool:
    """True if X is a list of data frames, one for each sequence."""
    items = members(X)
    return items is not None and len(items) > 0 and all(map(is_frame, items))


def code_columns(
    X: Any, features: np.ndarray, labels: list[np.ndarray], *, learn: bool
) -> tuple[list, list[np.ndarray]]:
    """Data frames with codes in the columns ``features``, and the labels of the codes.

    The code of a label is its position in ``labels``. New labels are appended with ``learn=True``
    and become -1 otherwise. Missing values become NaN.
    """
    known = places_of(labels)
    coded = []
    for k, frame in enumerate(members(X) or ()):
        columns = {name: frame[name] for name in frame.columns}
        if len(columns) < len(frame.columns):
            raise ValueError(
                f"Sequence {k} of X has several columns of the same name, {list(frame.columns)}. "
                'With categorical_features="from_dtype" every column needs its own name.'
            )
        for feature, places in zip(features, known, strict=True):
            name = frame.columns[feature]
            values = columns[name].to_list()
            try:
                columns[name] = _codes(values, places, learn)
            except TypeError:  # not hashable
                t = next(t for t, value in enumerate(values) if not _is_hashable(value))
                raise TypeError(
                    f"X has a {type(values[t]).__name__} where a category is expected: "
                    f"{place_of(k, t)}, column {name!r}. Convert it to a string or a number."
                ) from None
        coded.append(type(frame)(columns))
    return coded, [_objects(places) for places in known]


def places_of(labels: list[np.ndarray]) -> list[dict]:
    """The codes of the labels of each feature."""
    return [{label: k for k, label in enumerate(some)} for some in labels]


def code_row(x: Any, features: np.ndarray, known: list[dict]) -> Any:
    """A step with codes instead of labels. Everything else is returned unchanged."""
    if not isinstance(x, Iterable):
        return x
    row = list(x)
    for feature, places in zip(features, known, strict=True):
        if feature < len(row) and _is_hashable(row[feature]):
            row[feature] = _codes([row[feature]], places, learn=False)[0]
    return row


def code_rows(X: Any, features: np.ndarray, known: list[dict]) -> Any:
    """Several steps (rows or a data frame) with codes instead of labels."""
    if is_frame(X):
        X = zip(*(X[name].to_list() for name in X.columns), strict=True)
    return [code_row(x, features, known) for x in X] if isinstance(X, Iterable) else X


def named(codes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The labels of codes; None for the code of missing values."""
    found = np.empty(len(codes), dtype=object)
    there = ~np.isnan(codes)
    found[there] = labels[codes[there].astype(np.intp)]
    return found


def _codes(values: list, places: dict, learn: bool) -> np.ndarray:
    codes = np.empty(len(values))
    for k, value in enumerate(values):
        hash(value)  # raises TypeError before is_missing can raise another error
        if is_missing(value):
            codes[k] = np.nan
        elif learn:
            codes[k] = places.setdefault(value, len(places))
        else:
            codes[k] = places.get(value, -1)
    return codes


def _is_hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _objects(places: dict) -> np.ndarray:
    labels = np.empty(len(places), dtype=object)
    labels[:] = list(places)
    return labels
