"""Targets, predictions and weights per step as flat arrays without ignored steps."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from numbers import Real
from typing import Any

import numpy as np

from sklstm._containers import members, refuse_container
from sklstm._laws import place_of
from sklstm._lists import as_items
from sklstm._steps import as_entries, check_one_type, concatenated
from sklstm._targets import check_weights, entries, is_nested

MISSING = ("NoneType", "NAType", "NaTType", "MaskedConstant")  # types of missing values


def flatten_steps(y_true: Any, y_pred: Any, sample_weight: Any = None) -> tuple[np.ndarray, ...]:
    """Flatten targets and predictions per step for scikit-learn's metrics.

    A step is dropped if its weight is 0 or if its target is missing (NaN or None). With several
    outputs per step, a step is dropped if any of its targets is missing. (``LSTMRegressor.score``
    drops only the missing output.)

    Parameters
    ----------
    y_true : array of shape (n, T) or (n, T, k), or list of arrays of shape (T_i,) or (T_i, k)
        True targets. Tuples and object arrays of arrays work too.
    y_pred : array or list
        Predictions for the same steps, in any of these containers: labels, values, probabilities
        (T_i, n_classes) or decision values. The container and k may differ from those of
        ``y_true``.
    sample_weight : array-like of shape (n,), or one weight per step, default=None
        Weights, finite and not negative. The weight of a sequence applies to each of its steps.
        None returns no weights.

    Returns
    -------
    y_true : ndarray of shape (N,) or (N, k)
        Targets of the N steps that are kept. A last axis of length 1 is dropped.
    y_pred : ndarray of shape (N,) or (N, k)
        Predictions of the same steps.
    sample_weight : ndarray of shape (N,)
        Weights of the same steps. Returned only if weights were passed.

    Raises
    ------
    ValueError
        If the arguments differ in the number of sequences or in the length of a sequence, if a
        sequence has no axis of steps, if a weight is negative or not finite, or if no step is left.

    See Also
    --------
    make_step_scorer : Scorer for cross-validation and searches that flattens steps.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.metrics import accuracy_score
    >>> from sklstm.metrics import flatten_steps
    >>> y_true = [np.array([0, 1, 1]), np.array([1, 0])]
    >>> y_pred = [np.array([0, 1, 0]), np.array([1, 0])]
    >>> accuracy_score(*flatten_steps(y_true, y_pred))
    0.8
    >>> flatten_steps(y_true, y_pred, sample_weight=[np.array([1, 1, 0]), np.array([1, 0])])
    (array([0, 1, 1]), array([0, 1, 1]), array([1., 1., 1.]))
    """
    targets = FlatTargets.read(y_true, sample_weight)
    return targets.y, targets.matching(y_pred), *targets.weights


@dataclass(frozen=True)
class FlatTargets:
    """Flat targets of the steps that are scored.

    Attributes
    ----------
    y : ndarray of shape (N,) or (N, k)
        Targets.
    weights : tuple of one ndarray of shape (N,), or empty if there are none
        Weights.
    lengths : ndarray of shape (n,)
        Number of steps of each sequence, before any is dropped.
    kept : ndarray of shape (lengths.sum(),), bool
        Mask of the steps that are scored.
    name : str
        Name of the argument, for error messages.
    """

    y: np.ndarray
    weights: tuple[np.ndarray, ...]
    lengths: np.ndarray
    kept: np.ndarray
    name: str

    @classmethod
    def read(cls, y: Any, sample_weight: Any, name: str = "y_true") -> FlatTargets:
        y, lengths = _flat(y, name)
        kept = ~_is_missing(y).reshape(len(y), -1).any(axis=1)
        weights: tuple[np.ndarray, ...] = ()
        if sample_weight is not None:
            flat = _flat_weights(sample_weight, lengths, name)
            kept &= flat > 0
            weights = (flat[kept],)
        if not kept.any():
            raise ValueError(
                f"There is nothing to score: no step has a target in {name} and a weight above 0. "
                "Check the missing values and sample_weight."
            )
        y = y[kept]
        if y.dtype == object:  # without missing values, the entries have one type
            y = as_entries(y.tolist())
        return cls(y, weights, lengths, kept, name)

    def matching(self, y_pred: Any, name: str = "y_pred") -> np.ndarray:
        """The predictions for the same steps."""
        flat, lengths = _flat(y_pred, name)
        _check_lengths(lengths, name, self.lengths, self.name)
        return flat[self.kept]


def _flat(values: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    """All steps in one array (N,) or (N, k), and the number of steps of each sequence."""
    arrays = _members(values, name)
    if isinstance(arrays, np.ndarray):
        if arrays.ndim not in (2, 3):
            raise ValueError(
                f"{name} has shape {arrays.shape}; expected one row per step: an array (n, T) or "
                "(n, T, k), or a list with one array per sequence."
            )
        flat = arrays.reshape(-1, *arrays.shape[2:])
    else:
        _check_alike(arrays, name)
        flat = concatenated(arrays)
    lengths = np.array([len(array) for array in arrays], dtype=np.int64)
    return (flat[:, 0] if flat.ndim == 2 and flat.shape[1] == 1 else flat), lengths


def _members(values: Any, name: str) -> np.ndarray | list[np.ndarray]:
    """Arrays are returned unchanged, lists and object arrays as a list of arrays."""
    values = as_items(values, name)
    refuse_container(values, name)
    items = members(values)
    if items is None:
        return as_entries(values)
    if len(items) == 0:
        raise ValueError(f"{name} is empty: it needs at least one sequence.")
    arrays = []
    for k, item in enumerate(items):
        try:
            arrays.append(as_entries(item))
        except ValueError:
            raise ValueError(
                f"Sequence {k} of {name} is not an array: its steps have unequal lengths."
            ) from None
    return arrays


def _check_alike(arrays: list[np.ndarray], name: str) -> None:
    """Raise an error if the sequences differ in anything except their lengths."""
    first = arrays[0].shape
    for k, array in enumerate(arrays):
        if array.ndim not in (1, 2) or array.ndim != len(first) or array.shape[1:] != first[1:]:
            expected = f" as in sequence 0 of shape {first}" if k else ": (T,) or (T, k)"
            raise ValueError(
                f"Sequence {k} of {name} has shape {array.shape}; expected one row per step"
                f"{expected}."
            )
    check_one_type(arrays, name, "entries")


def _flat_weights(weights: Any, lengths: np.ndarray, name: str) -> np.ndarray:
    """One weight per step, (N,) float64, finite and 0 or more."""
    if isinstance(weights, Real):
        weights = np.full(len(lengths), weights)
    if not is_nested(weights):  # one per sequence
        values = entries(weights, "sample_weight")
        if values.shape != lengths.shape:
            raise ValueError(
                f"sample_weight has {len(values)} sequences, but {name} has {len(lengths)}: they "
                "must be equal."
            )
        return np.repeat(check_weights(values, place_of, "sample_weight"), lengths)
    values, steps = _flat(weights, "sample_weight")
    _check_lengths(steps, "sample_weight", lengths, name)
    if values.ndim != 1:
        raise ValueError(
            f"sample_weight has {values.shape[1]} columns; expected one weight per step."
        )
    ends = np.cumsum(lengths)

    def place(row: int) -> str:
        k = int(np.searchsorted(ends, row, side="right"))
        return place_of(k, row - int(ends[k] - lengths[k]))

    return check_weights(values, place, "sample_weight")


def _check_lengths(given: np.ndarray, name: str, lengths: np.ndarray, other: str) -> None:
    if len(given) != len(lengths):
        raise ValueError(
            f"{name} has {len(given)} sequences, but {other} has {len(lengths)}: they must be "
            "equal."
        )
    wrong = given != lengths
    if wrong.any():
        k = int(wrong.argmax())
        raise ValueError(
            f"Sequence {k} of {name} has {given[k]} steps, but sequence {k} of {other} has "
            f"{lengths[k]}: they must be equal."
        )


def _is_missing(values: np.ndarray) -> np.ndarray:
    """True at NaN, and at None or pandas' NA in object arrays."""
    if values.dtype.kind == "f":
        return np.isnan(values)
    missing = np.zeros(values.shape, dtype=bool)
    if values.dtype == object:
        missing.flat = [
            isnan(value) if isinstance(value, float) else type(value).__name__ in MISSING
            for value in values.flat
        ]
    return missing
