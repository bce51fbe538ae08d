"""Training that was cut off: what a copy of an estimator keeps of it, and how it goes on.

Callbacks are given estimators as if training had ended. One that is saved can go on as if it had
not, see `sklstm.callback.Checkpoint`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sklstm._callbacks import attributes_after
from sklstm._descent import Descent
from sklstm._solvers import continued
from sklstm._training import Records


def as_if_ended(
    estimator: Any, training: Descent, solver: Any, rng: np.random.RandomState | None
) -> dict[str, Any]:
    """The attributes that ``estimator`` would have if training ended now, and what to go on from.

    Should training have exploded, the solver stays as it is: one that goes on needs it.
    """

    def keep(copied: Any) -> None:
        _, vector = training.outcome()
        state = continued(solver.state, vector, estimator)
        losses = [*copied.loss_curve_, *training.records.losses]
        copied._keep(np.array(vector), state, training.records, rng, losses)
        copied._unfinished = training.state()

    return attributes_after(estimator, keep)


def unfinished(estimator: Any, vector: np.ndarray, records: Records) -> dict[str, Any] | None:
    """What a fit goes on from that was cut off, if that is where the estimator still stands.

    ``vector`` and ``records`` become those of that place.
    """
    state = vars(estimator).get("_unfinished")
    if state is None or (state["best"] is None) != (records.best_score is None):
        return None
    # Somebody else may have moved the parameters since: a stream, partial_fit, an assignment.
    kept = (state[name] for name in ("best", "vector", "at_lowest", "before"))
    if not any(one is not None and np.array_equal(one, vector) for one in kept):
        return None
    np.copyto(vector, state["vector"])
    vars(records).update(state["records"])
    return state
