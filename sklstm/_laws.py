"""Checks of the values of X, and words for places in it: sequence, step and feature, from 0."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn import get_config

from sklstm._arrays import Sequences
from sklstm._containers import columns_of, is_frame, members
from sklstm._isa import kernels

IMPUTER = "sklstm.preprocessing.SequenceImputer"


def refuse_shape(X: Any, given: Any) -> None:
    """Raise an error if X has fewer than two dimensions, which would be ambiguous.

    ``given`` is X as the user passed it.
    """
    if is_frame(X) or issparse(X):
        return
    array = np.asarray(X)
    shape = array.shape
    if len(shape) == 1 and array.dtype == object and any(np.ndim(value) for value in array):
        raise ValueError(f"X is of type {type(given).__name__} and contains arrays. Pass list(X).")
    if len(shape) == 1:
        X = "X" if isinstance(given, np.ndarray) else "np.asarray(X)"
        raise ValueError(
            f"Expected 2D array, got 1D array instead: X has {shape[0]} numbers. Reshape your "
            f"data: one sequence of {shape[0]} steps of one feature is {X}[None, :, None] (or a "
            f"list of it, [{X}[:, None]]); {shape[0]} sequences of one step are {X}[:, None]."
        )
    if len(shape) == 0:
        raise ValueError(
            f"X is of type {type(given).__name__}; expected an array (n_sequences, n_steps, "
            "n_features), a list of arrays (n_steps, n_features), or a table with one sequence per "
            "row."
        )


def check_form(estimator: Any, n_features: int) -> None:
    if getattr(estimator, "_sequence_input", "sequences") == "table":
        raise ValueError(
            f"X contains sequences of {n_features} features, but {type(estimator).__name__} was "
            f"fitted on a 2-D table of {estimator.n_features_in_} columns. Pass a table, or fit on "
            "sequences."
        )


def check_finite(
    sequences: Sequences, X: Any, *, allow_nan: bool, features: np.ndarray | None = None
) -> None:
    """Raise an error if values of sequences are not finite (or NaN, with ``allow_nan``).

    ``X`` is the user's argument. ``features`` are the numbers of the columns of ``sequences`` in X;
    None means all of them.
    """
    kernel = kernels.get(sequences.dtype)  # None if parameters_ has a dtype that is refused later
    if get_config()["assume_finite"] or kernel is None or len(sequences) == 0:
        return
    k = kernel.first_not_finite(sequences.addresses)
    if k == len(sequences):
        return
    # NaN is allowed in transformers, which need all steps in one array in any case
    values = sequences.values if allow_nan else sequences.steps_of(k)
    bad = np.isinf(values) if allow_nan else ~np.isfinite(values)
    if not bad.any():
        return
    step, feature = divmod(int(bad.argmax()), sequences.n_features)
    value = values[step, feature]
    if allow_nan:
        k = int(np.searchsorted(sequences.offsets, step, side="right")) - 1
        step -= int(sequences.offsets[k])
    number = feature if features is None else features[feature]
    where = f"{place_of(k, step)}, feature {number}"
    if not np.isnan(value):
        raise ValueError(
            f"X contains infinity or a value too large for {sequences.dtype}: {where}. Clip it or "
            "drop it."
        )
    hint = (
        " If NaN pads short sequences, convert X to a list with "
        "sklstm.preprocessing.from_padded(X)."
        if sequences.equally_long
        else ""
    )
    items = members(X)
    if isinstance(X if items is None else items[k], np.ma.MaskedArray):
        hint = hint.replace("(X)", "(X.filled(np.nan))")
        raise ValueError(
            f"X is masked: {where}. A masked entry counts as missing. Fill it in, for example with "
            f"{IMPUTER}, or drop it.{hint}"
        )
    raise ValueError(
        f"X contains NaN: {where}. Fill it in, for example with {IMPUTER}, or drop it.{hint}"
    )


def place_of(sequence: int, step: int | None = None) -> str:
    return f"sequence {sequence}" if step is None else f"sequence {sequence}, step {step}"


def place_in(items: list | tuple, sequence: int) -> Callable[[tuple], str]:
    """A function that describes an index of one item, with its column name if there is one."""
    columns = columns_of(items[sequence]) if is_frame(items[sequence]) else None

    def place(index: tuple) -> str:
        column = f", column {columns[index[1]]!r}" if columns and len(index) > 1 else ""
        return place_of(sequence, *index[:1]) + column

    return place
