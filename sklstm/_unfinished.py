"""Interrupted training: the state that a saved estimator keeps, and how fit continues from it.

Callbacks receive estimators as if training had ended. An estimator that was saved this way can
continue the training, see ``sklstm.callback.Checkpoint``.
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
    """The attributes that ``estimator`` would have if training ended now, to continue from.

    The solver state is kept even if training exploded, because a continued run needs it.
    """

    def keep(copied: Any) -> None:
        _, vector = training.outcome()
        state = continued(solver.state, vector, estimator)
        losses = [*copied.loss_curve_, *training.records.losses]
        copied._keep(np.array(vector), state, training.records, rng, losses)
        copied._unfinished = training.state()

    return attributes_after(estimator, keep)


def unfinished(estimator: Any, vector: np.ndarray, records: Records) -> dict[str, Any] | None:
    """The state of an interrupted fit, or None if the parameters were changed since.

    ``vector`` and ``records`` are set to those of the interrupted fit.
    """
    state = vars(estimator).get("_unfinished")
    if state is None or (state["best"] is None) != (records.best_score is None):
        return None
    # A stream, partial_fit or an assignment may have changed the parameters since.
    kept = (state[name] for name in ("best", "vector", "at_lowest", "before"))
    if not any(one is not None and np.array_equal(one, vector) for one in kept):
        return None
    np.copyto(vector, state["vector"])
    vars(records).update(state["records"])
    return state
