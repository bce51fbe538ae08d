"""Sequences and targets relative to the current value ("now"), for packed sequences.

With one target per sequence, now is the last step of the sequence. With a target per step, now is
the step of the target.
"""

from __future__ import annotations

import warnings

import numpy as np

from sklstm._sequences import Sequences
from sklstm._targets import Rows

FAR = 2.5  # limit of the warning, in standard deviations and as ratio of standard deviations
FEW = 10  # with fewer targets there is no warning


def relative_steps(rows: Rows, features: np.ndarray) -> Sequences:
    """The sequences, with ``features`` relative to now.

    With a target per step, now moves from step to step, and no single value can be subtracted from
    all steps. The features are then relative to the previous step, and 0 at the first step.
    """
    sequences = rows.sequences
    origin = _steps_before(sequences) if rows.per_step else _last_steps(sequences)
    taken_out = sequences.values[origin]
    stays = np.ones(sequences.n_features, dtype=bool)
    stays[features] = False
    taken_out[:, stays] = 0
    with np.errstate(over="ignore"):  # the regressor raises an error that names the place
        return sequences.with_values(sequences.values - taken_out)


def values_now(rows: Rows, columns: np.ndarray) -> np.ndarray:
    """The values that targets are relative to, one per output, (rows, K) float64."""
    values, ends = rows.sequences.values, rows.sequences.offsets[1:]
    now = values if rows.per_step else values[ends - 1]
    return now[:, columns].astype(np.float64)


def warn_if_apart(rows: Rows, targets: np.ndarray, columns: np.ndarray) -> None:
    """Warn if targets (rows, K) look unlike the features of X that they should continue."""
    known = ~np.isnan(targets).any(axis=1)
    if known.sum() < FEW:
        return
    with np.errstate(over="ignore", invalid="ignore"):
        targets, steps = targets[known], rows.sequences.values[:, columns].astype(np.float64)
        relative = targets - values_now(rows, columns)[known]
        std, std_x = targets.std(axis=0), steps.std(axis=0)
        away = np.abs(relative.mean(axis=0)) > FAR * (std + std_x)
        # Differences of a series vary at most twice as much as its values.
        wide = relative.std(axis=0) > FAR * std
    if not (away | wide).any():
        return
    k = int(np.argmax(away | wide))
    warnings.warn(
        f"y is far from the values that it should continue: output {k} of y has mean "
        f"{targets[:, k].mean():.3g} and standard deviation {std[k]:.3g}, but feature {columns[k]} "
        f"of X has {steps[:, k].mean():.3g} and {std_x[k]:.3g}. If y continues another feature, "
        "set columns. If X was scaled, scale it inside instead: "
        "RelativeRegressor(make_pipeline(SequenceScaler(), regressor)).",
        UserWarning,
        stacklevel=4,
    )


def _last_steps(sequences: Sequences) -> np.ndarray:
    """For each step, the last step of its sequence, (N,)."""
    return np.repeat(sequences.offsets[1:] - 1, sequences.lengths)


def _steps_before(sequences: Sequences) -> np.ndarray:
    """For each step, the previous step of its sequence (a first step: itself), (N,)."""
    before = np.arange(-1, sequences.n_steps - 1)
    before[sequences.offsets[:-1]] += 1
    return before
