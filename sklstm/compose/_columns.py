"""Match each output of y with a feature of X."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklstm._containers import feature_number


def features_of_outputs(
    columns: Any, n_outputs: int, n_features: int, names: list[str] | None
) -> np.ndarray:
    """The feature number of each output, (n_outputs,).

    ``columns`` is the user's parameter; ``names`` are the feature names, or None.
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
    numbers = [feature_number(column, n_features, names, "columns") for column in columns]
    return np.array(numbers, dtype=np.intp)


def _one_each(n_outputs: int) -> str:
    shown = ", ".join(map(str, range(min(n_outputs, 3))))
    return f"columns=[{shown}{', ...' if n_outputs > 3 else ''}], one for each output"
