"""Which feature of X each output of y belongs to."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np


def features_of_outputs(
    columns: Any, n_outputs: int, n_features: int, names: list[str] | None
) -> np.ndarray:
    """The number of the feature of each output, (n_outputs,).

    ``columns`` is as the user gave it, ``names`` are those of the features, if they have any.
    """
    if columns is None:
        if n_features > 1:
            raise ValueError(
                f"X has {n_features} features, and columns=None does not say which of them y "
                "continues: set columns=0 if it is the first for all outputs of y, or "
                f"{_one_each(n_outputs)}."
            )
        columns = 0
    if np.ndim(columns) == 0:
        columns = [columns] * n_outputs
    if len(columns) != n_outputs:
        raise ValueError(
            f"columns={columns!r} has {len(columns)} entries, but y has {n_outputs} outputs: set "
            f"{_one_each(n_outputs)}, or columns to a single feature that all outputs continue."
        )
    return np.array([_feature(column, n_features, names) for column in columns], dtype=np.intp)


def _one_each(n_outputs: int) -> str:
    shown = ", ".join(map(str, range(min(n_outputs, 3))))
    return f"columns=[{shown}{', ...' if n_outputs > 3 else ''}], one for each output"


def _feature(column: Any, n_features: int, names: list[str] | None) -> int:
    if isinstance(column, str):
        if names is None:
            raise ValueError(
                f"columns names the feature {column!r}, but the features of X have no names: pass "
                "a list of data frames, or in columns the number of the feature. In a table, only "
                "columns have names, not features."
            )
        if names.count(column) != 1:
            raise ValueError(
                f"columns names the feature {column!r}, which X has {names.count(column)} times: "
                f"its features are {names}."
            )
        return names.index(column)
    is_number = isinstance(column, Integral) and not isinstance(column, (bool, np.bool_))
    if not is_number or not -n_features <= column < n_features:
        raise ValueError(
            f"columns contains {column!r}, which is no feature: X has {n_features} features, "
            "counted from 0. Names need a list of data frames."
        )
    return int(column) % n_features
