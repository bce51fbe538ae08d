"""Reading and checking time steps of a stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sklstm._categories import Categories
from sklstm._labelled import code_row, code_rows
from sklstm._numbers import as_numbers, as_typed, filled, first_unequal, precision, refuse_dict
from sklstm._sequences import Sequences


def read_step(x: Any, n_features: int, dtype: Any = None) -> np.ndarray:
    """``x`` as an array (n_features,) in C order; values may still be NaN or infinite.

    With ``dtype=None`` float32 stays float32 and everything else becomes float64, as in X.
    """
    refuse_dict(x)
    try:
        array = as_typed(filled(x))
    except ValueError:
        raise ValueError(
            f"x contains a whole array in one cell, see feature {first_unequal(x)}. Pass one "
            "number for each feature of this step."
        ) from None
    given = as_numbers(array, _feature, "x")
    if given.shape != (n_features,):
        raise ValueError(
            f"x has shape {given.shape}, expected ({n_features},). Pass one number for each "
            "feature of this step."
        )
    dtype = precision([given.dtype]) if dtype is None else dtype
    with np.errstate(over="ignore"):  # infinity is reported later
        return np.require(given, dtype, ["C", "A"])


def split_step(
    x: Any, n_features: int, dtype: Any, categories: Categories | None
) -> tuple[np.ndarray, np.ndarray]:
    """The numeric features of a step, finite, and its rows in the table of categories."""
    if categories is not None and categories.labels:
        x = code_row(x, categories.features, categories.places)
    x = read_step(x, n_features, dtype)
    one = _split(x[None], categories, lambda k, t: "x")
    if not np.isfinite(one.values).all():
        raise refused(x, _bad(x, categories))
    return one.values[0], one.symbols[0]


def split_steps(
    X: Any, n_features: int, dtype: Any, categories: Categories | None
) -> tuple[np.ndarray, np.ndarray]:
    """The numeric features (T, F) and table rows (T, C) of several steps."""
    if categories is not None and categories.labels:
        X = code_rows(X, categories.features, categories.places)
    given = read_rows(X, n_features)
    with np.errstate(over="ignore"):  # infinity is reported later
        steps = np.require(given, dtype, ["C", "A"])
    all_steps = _split(steps, categories, lambda k, t: f"step {t}")
    if not np.isfinite(all_steps.values).all():
        t = int(np.isfinite(all_steps.values).all(axis=1).argmin())
        raise refused(steps[t], _bad(steps[t], categories), t)
    return all_steps.values, all_steps.symbols


def _split(steps: np.ndarray, categories: Categories | None, place: Callable) -> Sequences:
    sequences = Sequences(steps, np.array([0, len(steps)]), "list")
    return sequences if categories is None else categories.split(sequences, place)


def _bad(x: np.ndarray, categories: Categories | None) -> np.ndarray:
    """Mask of the numeric features of a step that are not finite."""
    bad = ~np.isfinite(x)
    if categories is not None:
        bad[categories.features] = False
    return bad


def read_rows(X: Any, n_features: int) -> np.ndarray:
    """``X`` as an array (T, n_features) of numbers; values may still be NaN or infinite."""
    try:
        array = as_typed(filled(X))
    except ValueError:
        raise ValueError(
            f"X contains rows of unequal length, see step {first_unequal(X)}. Pass one row for "
            "each step, with one number for each feature."
        ) from None
    given = as_numbers(array, _entry)
    if given.ndim != 2 or given.shape[1] != n_features:
        raise ValueError(
            f"X has shape {given.shape}, expected (T, {n_features}). Pass one row for each step, "
            "with one number for each feature."
        )
    return given


def refused(x: np.ndarray, bad: np.ndarray, t: int | None = None) -> ValueError:
    """The error for a step with invalid values where ``bad``.

    ``t`` is the number of the step, if several were passed as X.
    """
    k = int(bad.argmax())
    name, where = ("x", f"in feature {k}") if t is None else ("X", f"at step {t}, feature {k}")
    what = "NaN" if np.isnan(x[k]) else f"infinity or a value too large for {x.dtype}"
    remedy = "fill the value in (sklstm.stream of a pipeline with a SequenceImputer does)"
    return ValueError(
        f"{name} contains {what} {where}. The stream is unchanged: "
        f"{remedy if what == 'NaN' else 'clip the value'}, or leave the step out."
    )


def _feature(index: tuple) -> str:
    return f"feature {index[0]}" if index else "its place, where a row of numbers was expected"


def _entry(index: tuple) -> str:
    return f"step {index[0]}, feature {index[1]}" if len(index) == 2 else "its place"
