"""Conversion of y and its weights to numbers for the loss.

There is one row of targets per sequence, or per step of the packed sequences (``per_step``). Errors
name the sequence and the step, both counted from 0. Labels are read in ``_labels.py``.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import fsum
from numbers import Real
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.exceptions import DataConversionWarning

from sklstm._containers import LONG_TABLE, first_frame, is_frame, members, refuse_container
from sklstm._lists import as_items, lists_of
from sklstm._numbers import as_numbers, contiguous, first_unequal, shares
from sklstm._sequences import Sequences
from sklstm._steps import as_entries, pack_steps, x_of

LARGEST_WEIGHT = 1e100
NOTHING_LEFT = (
    "There is no target to learn from, because sample_weight is zero (or y is NaN) everywhere. "
    "Set at least one weight above zero."
)


@dataclass(frozen=True)
class Rows:
    """Rows of y and its weights: one per sequence, or one per step."""

    sequences: Sequences
    per_step: bool

    def __len__(self) -> int:
        return self.sequences.n_steps if self.per_step else len(self.sequences)

    def place(self, row: int) -> str:
        if not self.per_step:
            return f"sequence {row}"
        offsets = self.sequences.offsets
        k = int(np.searchsorted(offsets, row, side="right")) - 1
        return f"sequence {k}, step {row - offsets[k]}"

    def per_sequence(self, weights: np.ndarray) -> np.ndarray:
        """The weight of each sequence: the mean over its steps with a weight above 0, or 0."""
        if not self.per_step:
            return weights
        starts = self.sequences.offsets[:-1]
        n_targets = np.add.reduceat(weights > 0, starts, dtype=np.int64)
        return np.add.reduceat(weights, starts) / np.maximum(n_targets, 1)


@dataclass(frozen=True)
class Examples:
    """Sequences with their targets, in the kernels' form, and a weight per row."""

    rows: Rows
    targets: np.ndarray
    weights: np.ndarray

    def __len__(self) -> int:
        return len(self.rows.sequences)

    @property
    def sequence_weights(self) -> np.ndarray:
        return self.rows.per_sequence(self.weights)

    def targets_of(self, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Targets and weights of the ``chosen`` sequences."""
        rows = chosen
        if self.rows.per_step:
            offsets = self.rows.sequences.offsets
            rows = np.concatenate([np.arange(offsets[k], offsets[k + 1]) for k in chosen])
        return self.targets[rows], self.weights[rows]

    def total_weight(self, chosen: np.ndarray | None = None) -> float:
        """Total weight of the targets of the ``chosen`` sequences (None: all of them).

        A step with some missing outputs counts in proportion.
        """
        weights, missing = self.weights, np.isnan(self.targets)
        if missing.any():
            weights = weights * (1 - missing.mean(axis=1))
        if self.rows.per_step:
            weights = np.add.reduceat(weights, self.rows.sequences.offsets[:-1])
        return float(weights.sum() if chosen is None else weights[chosen].sum())

    def in_shares(self) -> Examples:
        """Examples with weights scaled to at most 1, because products of tiny weights underflow."""
        return replace(self, weights=shares(self.weights)[0])

    def per_target(self, chosen: np.ndarray) -> Examples:
        """Examples with weights that add up to the number of ``chosen`` sequences.

        The loss is then the mean over their targets, for any number of targets per sequence.
        """
        # relative to the largest weight, because the sum of tiny weights would underflow
        weights = shares(self.weights)[0]
        weights /= weights.max() or 1.0
        even = replace(self, weights=weights)
        total = even.total_weight(chosen)
        if total == 0:
            raise ValueError(NOTHING_LEFT)
        return even.weighted(len(chosen) / total)

    def of_mean_1(self) -> Examples:
        """Examples with mean sequence weight 1, so that the scale of weights has no effect."""
        even = self.in_shares()
        mean = float(even.sequence_weights.mean())
        if mean == 0:
            raise ValueError(NOTHING_LEFT)
        return even.weighted(1 / mean)

    def mean_length(self, chosen: np.ndarray) -> float:
        """Weighted mean length of the chosen sequences; it does not depend on their order."""
        lengths = self.rows.sequences.lengths[chosen]
        weights = shares(self.sequence_weights[chosen])[0]
        weights /= weights.max() or 1.0
        total = fsum(weights)
        return fsum(weights * lengths) / total if total > 0 else float(lengths.mean())

    def weighted(self, factors: np.ndarray | float) -> Examples:
        return replace(self, weights=self.weights * factors)

    def take(self, chosen: np.ndarray) -> Examples:
        """The ``chosen`` sequences."""
        rows = Rows(self.rows.sequences.take(chosen), self.rows.per_step)
        return Examples(rows, *self.targets_of(chosen))


# ------------------------------------------------------------------------------------ weights


def read_weights(weights: Any, rows: Rows, *, name: str = "sample_weight") -> np.ndarray:
    """Read one float64 weight per row, finite and not negative.

    The weight of a sequence applies to each of its steps. None is 1.
    """
    n = len(rows.sequences)
    if weights is None:
        return np.ones(len(rows))
    if isinstance(weights, Real):
        weights = np.full(n, weights)
    if rows.per_step and is_nested(weights):
        weights = pack_steps(weights, rows.sequences, name=name, what="weights")
        weights = _one_column(weights, name)
        if weights.ndim != 1:
            raise ValueError(
                f"{name} has {weights.shape[1]} columns; expected one weight per step. If an "
                "output has no target at a step, set it to NaN in y."
            )
        weighed = rows
    else:
        weights = entries(weights, name)
        if weights.shape != (n,):
            per_step = ", or one weight per step in the container of y" if rows.per_step else ""
            raise ValueError(
                f"{name} has shape {weights.shape}, expected ({n},): one weight per sequence"
                f"{per_step}.{_too_many(rows, len(weights)) if weights.ndim == 1 else ''}"
            )
        weighed = Rows(rows.sequences, per_step=False)
    values = check_weights(weights, weighed.place, name)
    if rows.per_step and not weighed.per_step:
        return np.repeat(values, rows.sequences.lengths)
    return values


def check_weights(weights: np.ndarray, place: Callable[[int], str], name: str) -> np.ndarray:
    """Weights (n,) as float64, finite, not negative, and small enough to be summed."""
    values = as_numbers(weights, lambda index: place(index[0]), name).astype(np.float64)
    bad = ~np.isfinite(values)
    if bad.any():
        row = int(bad.argmax())
        raise ValueError(
            f"{name} contains NaN or infinity: {values[row]} at {place(row)}. Set it to 0 to "
            "ignore the entry."
        )
    bad = values < 0
    if bad.any():
        row = int(bad.argmax())
        raise ValueError(
            f"Negative values in data passed to {name}: {values[row]:g} at {place(row)}. "
            "Use weights of 0 or more."
        )
    bad = values > LARGEST_WEIGHT
    if bad.any():
        row = int(bad.argmax())
        raise ValueError(
            f"{name} is {values[row]:g} at {place(row)}, and sums of such weights are too "
            "large for float64. Divide all weights by the largest."
        )
    return values


# ---------------------------------------------------------------------------------- regression


def read_regression(
    y: Any,
    weights: np.ndarray,
    rows: Rows,
    dtype: Any,
    *,
    name: str = "y",
    column_warning: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """Read targets (n, K) or (N, K) in float64, within the range of ``dtype``, and their weights.

    With a target per step, NaN marks a missing target. A step without any target gets weight 0, so
    that averages of weights treat NaN and weight 0 alike.
    """
    y = rows_of(y, rows, name, "targets", column_warning=column_warning)
    y = _real(y, rows, name)
    with np.errstate(over="ignore"):
        values = np.ascontiguousarray(y.reshape(len(rows), -1), dtype=np.float64)
        bad = np.isinf(values.astype(dtype, copy=False))
    if bad.any():
        raise ValueError(
            f"Input {name} contains infinity or a value too large for {np.dtype(dtype)}: "
            f"{rows.place(first_row(bad))}. Clip it or drop the sequence."
        )
    missing = np.isnan(values)
    if missing.any():
        if not rows.per_step:
            raise ValueError(
                f"Input {name} contains NaN: {rows.place(first_row(missing))}. Drop the sequence. "
                "Only with return_sequences=True are targets of NaN ignored."
            )
        weights = np.where(missing.all(axis=1), 0.0, weights)
    return values, weights


# ------------------------------------------------------------------------------- forms of y


def rows_of(
    y: Any,
    rows: Rows,
    name: str,
    what: str,
    *,
    missing: Any = np.nan,
    column_warning: bool = True,
) -> np.ndarray:
    """y with one row per sequence or step; a single column becomes 1-D, as in scikit-learn.

    The result is in C order and native byte order. Masked entries become ``missing``.
    """
    if y is None:
        raise ValueError(f"This estimator requires {name} to be passed, but the target y is None.")
    if rows.per_step:
        y = pack_steps(y, rows.sequences, name=name, what=what, missing=missing)
        return _one_column(y, name, column_warning)
    y = entries(y, name, missing)
    if y.ndim not in (1, 2):
        hint = ". Set return_sequences=True for targets per step" if y.ndim == 3 else ""
        raise ValueError(
            f"{name} should be a 1d array or a 2d array with one row per sequence, got an array "
            f"of shape {y.shape}{hint}."
        )
    if len(y) != len(rows):
        raise ValueError(
            f"{name} has {len(y)} rows of {what}, but {x_of(name)} has {len(rows)} sequences: "
            f"found input variables with inconsistent numbers of samples: [{len(rows)}, {len(y)}]."
            f"{_too_many(rows, len(y))}"
        )
    return _one_column(y, name, column_warning)


def _one_column(values: np.ndarray, name: str, warning: bool = True) -> np.ndarray:
    if values.ndim == 2 and values.shape[1] == 1:
        if warning:
            warnings.warn(
                f"A column-vector {name} was passed when a 1d array was expected. Its last axis, "
                "of length 1, is dropped, and predictions do not have it.",
                DataConversionWarning,
                stacklevel=2,
            )
        return values[:, 0]
    if values.ndim == 2 and values.shape[1] == 0:
        raise ValueError(f"{name} has 0 columns. At least one is needed.")
    return values


def entries(values: Any, name: str, missing: Any = np.nan) -> np.ndarray:
    if issparse(values):
        raise TypeError(f"{name} is sparse, but dense data is required. Use {name}.toarray().")
    values = as_items(values, name, missing)
    refuse_container(values, name)
    items = members(values)
    if items and is_frame(items[0]):
        first_frame(items, name)
    try:
        return contiguous(as_entries(values, missing))
    except ValueError:
        raise ValueError(
            f"{name} contains arrays of unequal length, but one row per sequence was expected, see "
            f"sequence {first_unequal(values)}. For entries per step, set return_sequences=True."
        ) from None


def _too_many(rows: Rows, n: int) -> str:
    """Advice if X is a table with more rows than there are entries, else an empty string."""
    return LONG_TABLE if rows.sequences.container == "rows" and len(rows.sequences) > n else ""


def is_nested(values: Any) -> bool:
    """True if there is an array per sequence instead of a number."""
    if lists_of(values, "sample_weight") is not None:
        return True
    items = members(values)
    if items is not None:
        return len(items) > 0 and np.ndim(items[0]) > 0
    return np.ndim(values) > 1


# ------------------------------------------------------------------------------ laws of y


def _real(values: np.ndarray, rows: Rows, name: str) -> np.ndarray:
    return as_numbers(values, lambda index: rows.place(index[0]), name)


def first_row(bad: np.ndarray) -> int:
    """The first row with a True in ``bad``."""
    return int(bad.reshape(len(bad), -1).any(axis=1).argmax())


def shown(values: np.ndarray, row: int) -> str:
    """An entry as Python prints it, instead of NumPy's scalar."""
    if values.dtype.kind in "mM":  # tolist would return NumPy's internal integer
        return str(values[row])
    return repr(values[row : row + 1].tolist()[0])
