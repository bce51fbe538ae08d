"""Labels, classes, and class numbers for the loss.

A label is a string, a whole number or a boolean. Anything else raises an error that names its
place, because NumPy would convert it silently: tuples to columns, dates to nanoseconds, and 1 to
"1" if there are strings.
"""

from __future__ import annotations

from datetime import date, timedelta
from enum import Enum
from math import inf, isfinite
from numbers import Real
from typing import Any, NoReturn

import numpy as np

from sklstm._numbers import scalar
from sklstm._targets import Rows, entries, first_row, rows_of, shown

NOTHING = ("NoneType", "NAType", "NaTType", "MaskedConstant")  # types of missing values
# Types of labels that need no conversion: they equal the Python object of the same value.
PLAIN_LABELS = {str, bool, int, float, np.str_, np.bool_}
PLAIN_LABELS |= {np.dtype(code).type for code in np.typecodes["AllInteger"] + "efd"}
NO_LABELS = (Enum, np.timedelta64)  # although Python regards some as strings or integers
ADVICE = {
    "bytes": ' Decode them: [label.decode() for label in y], or y.astype("U").',
    "date": " Write them as strings: [str(label) for label in y].",
    "Enum": " Use their names or values: [label.name for label in y].",
    "tuple": " Join each into one string.",
}


def read_labels(
    y: Any, weights: np.ndarray, rows: Rows, *, name: str = "y", column_warning: bool = True
) -> np.ndarray:
    """Read labels, (n,) or (N,), or (n, k) or (N, k) if there are several per row.

    The dtype is numeric, a string, or object for strings. Steps with weight 0 may have any value.
    """
    labels = rows_of(y, rows, name, "labels", missing=None, column_warning=column_warning)
    if labels.dtype.kind == "c":
        raise ValueError(
            f"Complex data not supported: {name} is complex. Use strings or whole numbers as "
            "labels."
        )
    used = _used(weights, rows)
    missing = _is_missing(labels) & used.reshape(-1, *(1,) * (labels.ndim - 1))
    if missing.any():
        hint = "Set the weight of the step to 0" if rows.per_step else "Drop the sequence"
        raise ValueError(
            f"Input {name} contains NaN, infinity or None: {rows.place(first_row(missing))}. "
            f"{hint} if there is no label."
        )
    return _typed(labels, used, rows, name)


def learn_classes(labels: np.ndarray, weights: np.ndarray, rows: Rows) -> tuple[np.ndarray, bool]:
    """The classes among ``labels``, and whether each row may have several (multilabel)."""
    used = labels[_used(weights, rows)]
    if len(used) == 0:
        raise ValueError(
            "There is no class to learn, because the weights of all steps are zero. Set at least "
            "one weight above zero."
        )
    if labels.ndim == 2:
        check_indicator(labels, weights, rows, "y")
        return np.arange(labels.shape[1]), True
    classes = np.unique(used)
    with_weight = classes if rows.per_step else np.unique(labels[weights > 0])
    if len(with_weight) == 1:
        raise ValueError(
            f"y has only one class with a weight above zero, {with_weight.tolist()[0]!r}. A "
            "classifier needs at least two classes."
        )
    return classes, False


def named_classes(classes: Any, n_labels: int | None = None) -> np.ndarray:
    """The user's classes: sorted labels, or the names of ``n_labels`` columns in order."""
    if n_labels is not None and classes is None:
        return np.arange(n_labels)
    named = as_class_array(classes)
    distinct = np.unique(named)
    if n_labels is None and len(distinct) < 2:
        raise ValueError(f"A classifier needs at least two classes, got {named.tolist()}.")
    if n_labels is not None and (len(named) != n_labels or len(distinct) != n_labels):
        raise ValueError(
            f"classes must name each of the {n_labels} labels of the multilabel indicator once, "
            f"got {named.tolist()}."
        )
    return distinct if n_labels is None else named


def check_indicator(labels: np.ndarray, weights: np.ndarray, rows: Rows, name: str) -> None:
    """Raise an error if several labels per row are not an indicator of 0 and 1."""
    used = _used(weights, rows)
    bad = used[:, None] & ~np.isin(labels, (0, 1)) if _is_number(labels) else used[:, None]
    if bad.any():
        row = first_row(bad)
        hint = "Fit one classifier per column, or join the columns to one label."
        if not rows.per_step and (rows.sequences.lengths == labels.shape[1]).all():
            hint = f"If the columns are labels of the steps, set return_sequences=True. Else {hint}"
        raise ValueError(
            f"{name} with several columns must be a multilabel indicator of 0 and 1, but "
            f"{rows.place(row)} has {shown(labels, row)}; multiclass-multioutput targets are not "
            f"supported. {hint}"
        )


def check_types(
    labels: np.ndarray, classes: np.ndarray, weights: np.ndarray, rows: Rows, name: str
) -> None:
    """Raise an error if labels and classes are not both strings or both numbers."""
    used = _used(weights, rows)
    if used.any() and _is_number(labels) != _is_number(classes):
        row = int(used.argmax())
        raise ValueError(
            f"{name} has the label {shown(labels, row)} at {rows.place(row)}, which is not among "
            f"the known classes {classes.tolist()}: those are "
            f"{'numbers' if _is_number(classes) else 'strings'}. Convert the labels."
        )


def encode_classes(
    labels: np.ndarray, classes: np.ndarray, weights: np.ndarray, rows: Rows, name: str
) -> np.ndarray:
    """The index of each label in ``classes``, (n,) or (N,); 0 at steps without a weight."""
    check_types(labels, classes, weights, rows, name)
    used = _used(weights, rows)
    given = labels[used]
    index = np.searchsorted(classes, given)
    index[index == len(classes)] = 0
    unknown = np.asarray(classes[index] != given)
    if unknown.any():
        row = int(np.flatnonzero(used)[first_row(unknown)])
        raise ValueError(
            f"{name} has the label {shown(labels, row)} at {rows.place(row)}, which is not among "
            f"the known classes {classes.tolist()}. Call fit, or pass all classes on the first "
            "call to partial_fit."
        )
    encoded = np.zeros(len(labels), dtype=np.intp)
    encoded[used] = index
    return encoded


def class_factors(
    class_weight: Any, index: np.ndarray, classes: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """The factor of each class. With "balanced" all classes have the same sum of weights."""
    if class_weight is None:
        return np.ones(len(classes))
    if class_weight == "balanced":
        sums = np.bincount(index, weights, len(classes))
        with np.errstate(divide="ignore"):  # a class without targets does not need a factor
            factors = weights.sum() / (len(classes) * sums)
        return np.where(sums > 0, factors, 0.0)
    known = classes.tolist()
    for label, factor in class_weight.items():
        if not 0 <= scalar(factor) < inf:
            raise ValueError(
                f"class_weight must contain numbers of 0 or more, but {label!r} has {factor!r}."
            )
    without = [label for label in known if label not in class_weight]
    others = [label for label in class_weight if label not in known]
    if without and others:
        raise ValueError(
            f"class_weight has {others[0]!r}, which is not one of the classes {known}, and has no "
            f"entry for {without[0]!r}. Correct the label."
        )
    return np.array([scalar(class_weight.get(label, 1.0)) for label in known])


# ---------------------------------------------------------------------------- types of labels


def as_class_array(classes: Any) -> np.ndarray:
    """``classes`` as a 1-D array of labels of one type."""
    wrong = f"classes must be a 1d array of labels without NaN, got {classes!r}."
    try:
        named = entries(classes, "classes", missing=None)
    except ValueError:
        raise ValueError(wrong) from None
    if named.ndim != 1 or len(named) == 0 or _is_missing(named).any():
        raise ValueError(wrong)
    return _typed(named, np.ones(len(named), dtype=bool), None, "classes")


def label_of(value: Any) -> Any:
    """One label as the Python object in ``classes.tolist()``, or None if it is not a label."""
    one = np.empty(1, dtype=object)
    one[0] = value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value
    try:
        return as_class_array(one).tolist()[0]
    except (TypeError, ValueError):
        return None


def _used(weights: np.ndarray, rows: Rows) -> np.ndarray:
    """The rows whose labels are used: all sequences, or the steps with a weight above 0."""
    return weights > 0 if rows.per_step else np.ones(len(rows), dtype=bool)


def _is_number(labels: np.ndarray) -> bool:
    return labels.dtype.kind in "biuf"


def _typed(labels: np.ndarray, used: np.ndarray, rows: Rows | None, name: str) -> np.ndarray:
    """``labels`` in a numeric dtype or as strings, or an error if ``used`` rows mix types."""

    def place(row: int) -> str:
        return f"position {row}" if rows is None else rows.place(row)

    kind = labels.dtype.kind
    if kind in "biuU":
        return labels
    if kind == "f":
        if labels.ndim == 1:  # indicators are checked elsewhere
            fraction = used & (labels != np.floor(labels))
            if fraction.any():
                row = first_row(fraction)
                raise ValueError(
                    f"Unknown label type: {name} has {shown(labels, row)} at {place(row)}, but a "
                    "class must be a string or a whole number. Use LSTMRegressor for continuous "
                    "targets, or convert the classes to strings."
                )
        return labels
    if kind != "O":
        row = int(used.argmax())
        _refuse(labels[row].reshape(-1)[0], place(row), name)

    flat = labels.reshape(len(labels), -1)
    if set(map(type, flat[used].ravel().tolist())) <= {str}:  # the fast and frequent case
        return labels
    first: dict[str, tuple[int, Any]] = {}
    for row in np.flatnonzero(used).tolist():
        for label in flat[row].tolist():
            family = "a string" if isinstance(label, str) else "a number"
            if isinstance(label, NO_LABELS) or not isinstance(label, (str, Real, np.bool_)):
                _refuse(label, place(row), name)
            first.setdefault(family, (row, label))
    if labels.ndim == 2 and "a string" in first:  # the error is raised by check_indicator
        return labels
    if len(first) > 1:
        (row, label), (other_row, other) = first.values()
        raise ValueError(
            f"{name} mixes strings and numbers: {label!r} at {place(row)} and {other!r} at "
            f"{place(other_row)}. Convert them to one type."
        )
    if "a string" in first or not first:
        return labels
    numbers = np.array(flat[used].tolist())
    if numbers.dtype.kind not in "biuf":
        raise ValueError(
            f"{name} has labels of more than 64 bits; the largest is "
            f"{max(flat[used].ravel().tolist(), key=abs)!r}. Convert them to strings."
        )
    typed = np.zeros(flat.shape, dtype=numbers.dtype)
    typed[used] = numbers
    return _typed(typed.reshape(labels.shape), used, rows, name)


def _refuse(label: Any, where: str, name: str) -> NoReturn:
    kind = (
        "bytes"
        if isinstance(label, (bytes, np.bytes_))
        else "Enum"
        if isinstance(label, Enum)
        else "date"
        if isinstance(label, (date, timedelta, np.datetime64, np.timedelta64))
        else type(label).__name__
    )
    if isinstance(label, (np.datetime64, np.timedelta64)):
        written = str(label)
    else:
        written = repr(label.item() if isinstance(label, np.generic) else label)
    raise ValueError(
        f"{name} has the label {written} at {where}, of type {type(label).__name__}: a label is a "
        f"string, a whole number or a boolean.{ADVICE.get(kind, '')}"
    )


def _is_missing(labels: np.ndarray) -> np.ndarray:
    kind = labels.dtype.kind
    if kind == "f":
        return ~np.isfinite(labels)
    if kind in "mM":
        return np.isnat(labels)
    if kind == "O":
        missing = [
            not isfinite(v) if isinstance(v, (float, np.floating)) else type(v).__name__ in NOTHING
            for v in labels.flat
        ]
        return np.array(missing, dtype=bool).reshape(labels.shape)
    return np.zeros(labels.shape, dtype=bool)
