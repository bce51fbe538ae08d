"""y, its weights and its classes -> numbers for the loss.

One row of targets per sequence, or one per step of the packed sequences (``per_step``). What is
wrong with y or a weight is found here and named by its sequence and step, both counted from 0.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from math import fsum, isfinite
from numbers import Real
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.exceptions import DataConversionWarning
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets

from sklstm._sequences import Sequences, pack_steps

NOTHING = ("NoneType", "NAType", "NaTType")  # None, and what pandas has for it


@dataclass(frozen=True)
class Rows:
    """The rows that y and its weights have: one per sequence, or one per step."""

    sequences: Sequences
    per_step: bool

    def __len__(self) -> int:
        return len(self.sequences.values if self.per_step else self.sequences)

    def place(self, row: int) -> str:
        if not self.per_step:
            return f"sequence {row}"
        offsets = self.sequences.offsets
        k = int(np.searchsorted(offsets, row, side="right")) - 1
        return f"sequence {k}, step {row - offsets[k]}"

    def per_sequence(self, weights: np.ndarray) -> np.ndarray:
        """The weight of each sequence: the mean over its steps with a weight, or 0."""
        if not self.per_step:
            return weights
        starts = self.sequences.offsets[:-1]
        n_targets = np.add.reduceat(weights > 0, starts, dtype=np.int64)
        return np.add.reduceat(weights, starts) / np.maximum(n_targets, 1)


@dataclass(frozen=True)
class Examples:
    """Sequences with their targets, as the kernels take them, and a weight per row."""

    rows: Rows
    targets: np.ndarray
    weights: np.ndarray

    def __len__(self) -> int:
        return len(self.rows.sequences)

    @property
    def sequence_weights(self) -> np.ndarray:
        return self.rows.per_sequence(self.weights)

    def total_weight(self, chosen: np.ndarray | None = None) -> float:
        """Of the targets of the ``chosen`` sequences (None: all of them).

        A step that has only some of its outputs counts in part.
        """
        weights = self.weights * (1 - np.isnan(self.targets).mean(axis=1))
        if self.rows.per_step:
            weights = np.add.reduceat(weights, self.rows.sequences.offsets[:-1])
        return float(weights.sum() if chosen is None else weights[chosen].sum())

    def per_target(self, chosen: np.ndarray) -> Examples:
        """With weights that add up to the number of ``chosen`` sequences.

        The loss is then the mean over their targets, however many targets a sequence has.
        """
        total = self.total_weight(chosen)
        if total == 0:
            raise ValueError(
                "No target is left to learn from: sample_weight is zero (or y is NaN) everywhere. "
                "At least one weight must be above zero."
            )
        return self.weighted(len(chosen) / total)

    def mean_length(self) -> float:
        """Steps of a sequence, the mean by weight: no sum depends on the order of sequences."""
        weights, lengths = self.sequence_weights, self.rows.sequences.lengths
        total = fsum(weights)
        return fsum(weights * lengths) / total if total > 0 else float(lengths.mean())

    def weighted(self, factors: np.ndarray | float) -> Examples:
        return replace(self, weights=self.weights * factors)

    def take(self, chosen: np.ndarray) -> Examples:
        """The ``chosen`` sequences."""
        sequences, per_step = self.rows.sequences, self.rows.per_step
        rows = chosen
        if per_step:
            offsets = sequences.offsets
            rows = np.concatenate([np.arange(offsets[k], offsets[k + 1]) for k in chosen])
        return Examples(
            Rows(sequences.take(chosen), per_step), self.targets[rows], self.weights[rows]
        )


# ------------------------------------------------------------------------------------ weights


def read_weights(weights: Any, rows: Rows, *, name: str = "sample_weight") -> np.ndarray:
    """One float64 weight per row, finite and not negative.

    Weights of sequences hold for each of their steps; None is 1.
    """
    n = len(rows.sequences)
    if weights is None:
        return np.ones(len(rows))
    if isinstance(weights, Real):
        weights = np.full(n, weights)
    if rows.per_step and _is_nested(weights):
        weights = pack_steps(weights, rows.sequences, name=name, what="weights")
        weights = _one_column(weights, name)
        if weights.ndim != 1:
            raise ValueError(
                f"{name} has {weights.shape[1]} columns: expected one weight per step. For "
                "outputs without a target at a step, set them to NaN in y."
            )
        values = _real(weights, rows, name).astype(np.float64)
        bad_rows = rows
    else:
        weights = _array(weights, name)
        if weights.shape != (n,):
            per_step = ", or one weight per step in the container of y" if rows.per_step else ""
            raise ValueError(
                f"{name} has shape {weights.shape}, expected ({n},): one weight per sequence"
                f"{per_step}."
            )
        bad_rows = Rows(rows.sequences, per_step=False)
        values = _real(weights, bad_rows, name).astype(np.float64)
    bad = ~np.isfinite(values)
    if bad.any():
        row = int(bad.argmax())
        raise ValueError(
            f"{name} contains NaN or infinity: {values[row]} at {bad_rows.place(row)}. Weight 0 "
            "takes an entry out."
        )
    bad = values < 0
    if bad.any():
        row = int(bad.argmax())
        raise ValueError(
            f"Negative values in data passed to {name}: {values[row]:g} at {bad_rows.place(row)}. "
            "Weights are 0 or more."
        )
    if rows.per_step and not bad_rows.per_step:
        return np.repeat(values, rows.sequences.lengths)
    return values


def mean_weight(examples: Examples, order: np.ndarray) -> float:
    """Of the sequences in ``order``: what ``fit`` divides by, so as not to feel a scale."""
    mean = float(examples.sequence_weights[order].mean())
    if mean == 0:
        raise ValueError(
            "No target is left to learn from: sample_weight is zero (or y is NaN) everywhere. At "
            "least one weight must be above zero."
        )
    return mean


# ---------------------------------------------------------------------------------- regression


def read_regression(
    y: Any, weights: np.ndarray, rows: Rows, dtype: Any, *, name: str = "y"
) -> tuple[np.ndarray, np.ndarray]:
    """Targets (n, K) or (N, K) in float64, within the range of ``dtype``, and their weights.

    Per step NaN is no target. A step without any target gets the weight 0, so that NaN and
    weight 0 are the same thing to whoever averages weights.
    """
    y = _rows_of(y, rows, name, what="targets")
    y = _real(y, rows, name)
    with np.errstate(over="ignore"):
        values = np.ascontiguousarray(y.reshape(len(rows), -1), dtype=np.float64)
        bad = np.isinf(values.astype(dtype, copy=False))
    if bad.any():
        raise ValueError(
            f"Input {name} contains infinity or a value too large for {np.dtype(dtype)}: "
            f"{rows.place(_first(bad))}. Clip it or drop the sequence."
        )
    missing = np.isnan(values)
    if missing.any():
        if not rows.per_step:
            raise ValueError(
                f"Input {name} contains NaN: {rows.place(_first(missing))}. Drop the sequence; "
                "only with return_sequences=True is NaN read as no target."
            )
        weights = np.where(missing.all(axis=1), 0.0, weights)
    return values, weights


# ------------------------------------------------------------------------------ classification


def read_labels(y: Any, weights: np.ndarray, rows: Rows, *, name: str = "y") -> np.ndarray:
    """Labels as given, (n,) or (N,), or (n, k) or (N, k) if there are several per row."""
    labels = _rows_of(y, rows, name, what="labels")
    if labels.dtype.kind == "c":
        raise ValueError(f"Complex data not supported: {name} is complex. Labels are discrete.")
    missing = _is_missing(labels)
    if rows.per_step:  # without a weight, without a target
        missing &= (weights > 0).reshape(-1, *(1,) * (labels.ndim - 1))
    if missing.any():
        hint = "Give the step the weight 0" if rows.per_step else "Drop the sequence"
        raise ValueError(
            f"Input {name} contains NaN, infinity or None: {rows.place(_first(missing))}. {hint} "
            "if there is no label."
        )
    return labels


def learn_classes(labels: np.ndarray, weights: np.ndarray, rows: Rows) -> tuple[np.ndarray, bool]:
    """The classes among ``labels``, and whether each row may have several (multilabel)."""
    used = labels[weights > 0] if rows.per_step else labels
    if len(used) == 0:
        raise ValueError(
            "No class is left to learn: the weights of all steps are zero. At least one weight "
            "must be above zero."
        )
    check_classification_targets(used)
    if labels.ndim == 2:
        check_indicator(used)
        return np.arange(labels.shape[1]), True
    classes = np.unique(used)
    with_weight = classes if rows.per_step else np.unique(labels[weights > 0])
    if len(with_weight) == 1:
        raise ValueError(
            f"y has only one class with a weight above zero, {with_weight.tolist()[0]!r}: a "
            "classifier needs at least two classes to tell apart."
        )
    return classes, False


def named_classes(classes: Any, n_labels: int | None = None) -> np.ndarray:
    """The classes that a user named: sorted labels, or names for ``n_labels`` columns in order."""
    if n_labels is not None and classes is None:
        return np.arange(n_labels)
    classes = _array(classes, "classes")
    if classes.ndim != 1 or _is_missing(classes).any():
        raise ValueError(f"classes must be a 1d array of labels without NaN, got {classes!r}.")
    distinct = np.unique(classes)
    if n_labels is None and len(distinct) < 2:
        raise ValueError(f"A classifier needs at least two classes, got {classes.tolist()}.")
    if n_labels is not None and (len(classes) != n_labels or len(distinct) != n_labels):
        raise ValueError(
            f"classes must name each of the {n_labels} labels of the multilabel indicator once, "
            f"got {classes.tolist()}."
        )
    return distinct if n_labels is None else classes


def check_indicator(labels: np.ndarray) -> None:
    """Several labels per row must be an indicator of 0 and 1."""
    if labels.dtype.kind not in "biuf" or not np.isin(labels, (0, 1)).all():
        raise ValueError(
            "y with several columns must be a multilabel indicator of 0 and 1; multiclass-"
            "multioutput targets are not supported: fit one classifier per column."
        )


def encode_classes(
    labels: np.ndarray, classes: np.ndarray, weights: np.ndarray, rows: Rows, name: str
) -> np.ndarray:
    """The index of each label in ``classes``, (n,) or (N,); 0 at steps without a weight."""
    used = weights > 0 if rows.per_step else np.ones(len(labels), dtype=bool)
    given = labels[used]
    try:
        index = np.searchsorted(classes, given)
        index[index == len(classes)] = 0
        unknown = np.asarray(classes[index] != given)
    except TypeError:  # labels of a type that does not compare with the classes
        index, unknown = np.zeros(len(given), dtype=np.intp), np.ones(len(given), dtype=bool)
    if unknown.any():
        row = _first(unknown)
        place = rows.place(int(np.flatnonzero(used)[row]))
        raise ValueError(
            f"{name} has the label {_shown(given, row)} at {place}, which is not among the known "
            f"classes {classes.tolist()}: fit anew, or name all classes in the first call to "
            "partial_fit."
        )
    encoded = np.zeros(len(labels), dtype=np.intp)
    encoded[used] = index
    return encoded


def class_factors(
    class_weight: Any, index: np.ndarray, classes: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """The weight of each class. "balanced" gives all classes the same sum of weights."""
    if class_weight is None:
        return np.ones(len(classes))
    if class_weight == "balanced":
        sums = np.bincount(index, weights, len(classes))
        with np.errstate(divide="ignore"):  # without targets, no target has this weight
            factors = weights.sum() / (len(classes) * sums)
        return np.where(sums > 0, factors, 0.0)
    factors = compute_class_weight(class_weight, classes=classes, y=classes)
    if not (np.isfinite(factors).all() and (factors >= 0).all()):
        raise ValueError(f"class_weight must hold numbers of 0 or more, got {class_weight!r}.")
    return factors


# ------------------------------------------------------------------------------- forms of y


def _rows_of(y: Any, rows: Rows, name: str, what: str) -> np.ndarray:
    """y as one row per sequence or step; a single column becomes 1-D, as in scikit-learn."""
    if y is None:
        raise ValueError(f"This estimator requires {name} to be passed, but the target y is None.")
    if rows.per_step:
        return _one_column(pack_steps(y, rows.sequences, name=name, what=what), name)
    y = _array(y, name)
    if y.ndim not in (1, 2):
        hint = ": set return_sequences=True for targets per step" if y.ndim == 3 else ""
        raise ValueError(
            f"{name} should be a 1d array or a 2d array with one row per sequence, got an array "
            f"of shape {y.shape}{hint}."
        )
    if len(y) != len(rows):
        raise ValueError(
            f"{name} has {len(y)} rows of {what}, but X has {len(rows)} sequences: found input "
            f"variables with inconsistent numbers of samples: [{len(rows)}, {len(y)}]."
        )
    return _one_column(y, name)


def _one_column(values: np.ndarray, name: str) -> np.ndarray:
    if values.ndim == 2 and values.shape[1] == 1:
        warnings.warn(
            f"A column-vector {name} was passed when a 1d array was expected: its last axis, of "
            "length 1, is dropped, and predictions come without it.",
            DataConversionWarning,
            stacklevel=2,
        )
        return values[:, 0]
    if values.ndim == 2 and values.shape[1] == 0:
        raise ValueError(f"{name} has 0 columns: at least one is needed.")
    return values


def _array(values: Any, name: str) -> np.ndarray:
    if issparse(values):
        raise TypeError(f"{name} is sparse, but dense data is required: use {name}.toarray().")
    try:
        return np.asarray(values)
    except ValueError:
        raise ValueError(
            f"{name} holds arrays of unequal length where one row per sequence was expected: set "
            "return_sequences=True for entries per step."
        ) from None


def _is_nested(values: Any) -> bool:
    """Is there an array per sequence, and not a number?"""
    dtype = getattr(values, "dtype", None)
    if isinstance(values, (list, tuple)) or getattr(dtype, "kind", None) == "O":
        return len(values) > 0 and np.ndim(next(iter(values))) > 0
    return np.ndim(values) > 1


# ------------------------------------------------------------------------------ laws of y


def _real(values: np.ndarray, rows: Rows, name: str) -> np.ndarray:
    """``values`` as real numbers; NumPy would parse strings and count dates."""
    kind = values.dtype.kind
    if kind in "biuf":
        return values
    if kind == "c" or (kind == "O" and any(isinstance(v, complex) for v in values.flat)):
        raise ValueError(f"Complex data not supported: {name} is complex. Pass two outputs.")
    if kind == "O":
        bad = np.array([not isinstance(v, Real) for v in values.flat]).reshape(values.shape)
        if not bad.any():
            return values.astype(np.float64)
        row = _first(bad)
    else:
        row = 0
    error = TypeError if kind in "mM" else ValueError
    raise error(
        f"{name} must hold real numbers, but {rows.place(row)} has {_shown(values, row)}: "
        "convert it."
    )


def _is_missing(labels: np.ndarray) -> np.ndarray:
    if labels.dtype.kind == "f":
        return ~np.isfinite(labels)
    if labels.dtype.kind == "O":
        missing = [
            not isfinite(v) if isinstance(v, float) else type(v).__name__ in NOTHING
            for v in labels.flat
        ]
        return np.array(missing, dtype=bool).reshape(labels.shape)
    return np.zeros(labels.shape, dtype=bool)


def _first(bad: np.ndarray) -> int:
    """The first row with something ``bad``."""
    return int(bad.reshape(len(bad), -1).any(axis=1).argmax())


def _shown(values: np.ndarray, row: int) -> str:
    """An entry as the user wrote it, not as NumPy's scalar."""
    return repr(values[row : row + 1].tolist()[0])
