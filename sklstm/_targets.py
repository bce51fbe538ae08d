"""y and its weights -> numbers for the loss.

One row of targets per sequence, or one per step of the packed sequences (``per_step``). What is
wrong with y or a weight is found here and named by its sequence and step, both counted from 0.
Labels are read in `_labels`.
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
from sklstm._numbers import as_numbers, contiguous, first_unequal, shares
from sklstm._sequences import Sequences
from sklstm._steps import as_entries, pack_steps, x_of

LARGEST_WEIGHT = 1e100
NOTHING_LEFT = (
    "No target is left to learn from: sample_weight is zero (or y is NaN) everywhere. At least one "
    "weight must be above zero."
)


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

    def targets_of(self, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Targets and weights of the ``chosen`` sequences."""
        rows = chosen
        if self.rows.per_step:
            offsets = self.rows.sequences.offsets
            rows = np.concatenate([np.arange(offsets[k], offsets[k + 1]) for k in chosen])
        return self.targets[rows], self.weights[rows]

    def total_weight(self, chosen: np.ndarray | None = None) -> float:
        """Of the targets of the ``chosen`` sequences (None: all of them).

        A step that has only some of its outputs counts in part.
        """
        weights = self.weights * (1 - np.isnan(self.targets).mean(axis=1))
        if self.rows.per_step:
            weights = np.add.reduceat(weights, self.rows.sequences.offsets[:-1])
        return float(weights.sum() if chosen is None else weights[chosen].sum())

    def in_shares(self) -> Examples:
        """With weights up to 1 in the same ratios: they may have been too small to multiply."""
        return replace(self, weights=shares(self.weights)[0])

    def per_target(self, chosen: np.ndarray) -> Examples:
        """With weights that add up to the number of ``chosen`` sequences.

        The loss is then the mean over their targets, however many targets a sequence has.
        """
        # in units of the largest, or tiny weights would have no sum to divide by
        weights = shares(self.weights)[0]
        even = replace(self, weights=weights / (weights.max() or 1.0))
        total = even.total_weight(chosen)
        if total == 0:
            raise ValueError(NOTHING_LEFT)
        return even.weighted(len(chosen) / total)

    def of_mean_1(self) -> Examples:
        """With weights of sequences whose mean is 1: nothing feels a scale."""
        even = self.in_shares()
        mean = float(even.sequence_weights.mean())
        if mean == 0:
            raise ValueError(NOTHING_LEFT)
        return even.weighted(1 / mean)

    def mean_length(self, chosen: np.ndarray) -> float:
        """Steps of the chosen sequences, the mean by weight; their order has no influence."""
        lengths = self.rows.sequences.lengths[chosen]
        weights = shares(self.sequence_weights[chosen])[0]
        weights = weights / (weights.max() or 1.0)
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
    """One float64 weight per row, finite and not negative.

    Weights of sequences hold for each of their steps; None is 1.
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
                f"{name} has {weights.shape[1]} columns: expected one weight per step. For "
                "outputs without a target at a step, set them to NaN in y."
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
    """Weights (n,) as float64, finite, not negative, and of a size that can be added up."""
    values = as_numbers(weights, lambda index: place(index[0]), name).astype(np.float64)
    bad = ~np.isfinite(values)
    if bad.any():
        row = int(bad.argmax())
        raise ValueError(
            f"{name} contains NaN or infinity: {values[row]} at {place(row)}. Weight 0 takes an "
            "entry out."
        )
    bad = values < 0
    if bad.any():
        row = int(bad.argmax())
        raise ValueError(
            f"Negative values in data passed to {name}: {values[row]:g} at {place(row)}. "
            "Weights are 0 or more."
        )
    bad = values > LARGEST_WEIGHT
    if bad.any():
        row = int(bad.argmax())
        raise ValueError(
            f"{name} is {values[row]:g} at {place(row)}, and sums of such weights are too "
            "large for float64: divide all of them by the largest."
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
    """Targets (n, K) or (N, K) in float64, within the range of ``dtype``, and their weights.

    Per step NaN is no target. A step without any target gets the weight 0, so that NaN and
    weight 0 are the same thing to whoever averages weights.
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
                f"Input {name} contains NaN: {rows.place(first_row(missing))}. Drop the sequence; "
                "only with return_sequences=True is NaN read as no target."
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
    """y as one row per sequence or step; a single column becomes 1-D, as in scikit-learn.

    In C order and native byte order, with ``missing`` for masked entries.
    """
    if y is None:
        raise ValueError(f"This estimator requires {name} to be passed, but the target y is None.")
    if rows.per_step:
        y = pack_steps(y, rows.sequences, name=name, what=what, missing=missing)
        return _one_column(y, name, column_warning)
    y = entries(y, name, missing)
    if y.ndim not in (1, 2):
        hint = ": set return_sequences=True for targets per step" if y.ndim == 3 else ""
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
                f"A column-vector {name} was passed when a 1d array was expected: its last axis, "
                "of length 1, is dropped, and predictions come without it.",
                DataConversionWarning,
                stacklevel=2,
            )
        return values[:, 0]
    if values.ndim == 2 and values.shape[1] == 0:
        raise ValueError(f"{name} has 0 columns: at least one is needed.")
    return values


def entries(values: Any, name: str, missing: Any = np.nan) -> np.ndarray:
    if issparse(values):
        raise TypeError(f"{name} is sparse, but dense data is required: use {name}.toarray().")
    refuse_container(values, name)
    items = members(values)
    if items and is_frame(items[0]):
        first_frame(items, name)
    try:
        return contiguous(as_entries(values, missing))
    except ValueError:
        raise ValueError(
            f"{name} holds arrays of unequal length where one row per sequence was expected, see "
            f"sequence {first_unequal(values)}; entries per step go with return_sequences=True."
        ) from None


def _too_many(rows: Rows, n: int) -> str:
    """Advice where X is a table with more rows than there are entries."""
    return LONG_TABLE if rows.sequences.container == "rows" and len(rows.sequences) > n else ""


def is_nested(values: Any) -> bool:
    """True if there is an array per sequence, and not a number."""
    items = members(values)
    if items is not None:
        return len(items) > 0 and np.ndim(items[0]) > 0
    return np.ndim(values) > 1


# ------------------------------------------------------------------------------ laws of y


def _real(values: np.ndarray, rows: Rows, name: str) -> np.ndarray:
    return as_numbers(values, lambda index: rows.place(index[0]), name)


def first_row(bad: np.ndarray) -> int:
    """The first row with something ``bad``."""
    return int(bad.reshape(len(bad), -1).any(axis=1).argmax())


def shown(values: np.ndarray, row: int) -> str:
    """An entry as the user wrote it, not as NumPy's scalar."""
    if values.dtype.kind in "mM":  # or as the integer that NumPy keeps for it
        return str(values[row])
    return repr(values[row : row + 1].tolist()[0])
