"""The training loop that fit and partial_fit share.

It moves a vector of parameters by the gradients of batch after batch, keeps the records that
MLPClassifier keeps, and knows when to stop. It knows nothing of estimators, X or y.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from math import inf, isfinite
from typing import Any

import numpy as np

from sklstm._optimizers import norm

RISE = 2.5  # a last loss so many times the best, and not small beside outputs of 0, has exploded


class End(Enum):
    """How training ended."""

    CONVERGED = "no more improvement"
    MAX_ITER = "as many epochs as asked for"
    INTERRUPTED = "Ctrl-C"
    DIVERGED = "a loss that is not finite"
    EXPLODED = "a loss far above the best"


@dataclass
class Records:
    """What is counted and compared from epoch to epoch."""

    t: int = 0  # sequences seen
    loss: float = inf
    best_loss: float | None = inf  # None while early stopping watches validation data instead
    best_score: float | None = None
    n_no_change: int = 0
    # of this call only
    n_iter: int = 0
    losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)
    lowest_validation_loss: float = inf
    best_validation_loss: float = inf  # at the best score

    def end_epoch(self, n: int, loss: float) -> None:
        """Note an epoch over ``n`` sequences."""
        self.n_iter += 1
        self.t += n
        self.loss = loss
        self.losses.append(loss)

    def compare_loss(self, tol: float | None) -> None:
        """Compare the training loss of the epoch with the best so far."""
        improved = _improves(-self.loss, -self.best_loss, tol)
        self.best_loss = min(self.loss, self.best_loss)
        self.n_no_change = 0 if improved else self.n_no_change + 1

    def compare_validation(self, score: float, loss: float, tol: float | None) -> bool:
        """Compare score and loss on validation data with the best. True if this epoch is the best.

        The score decides and the loss breaks ties; patience lasts while either improves, so that a
        score that does not move yet (accuracy with few positives) ends nothing.
        """
        self.scores.append(score)
        self.validation_losses.append(loss)
        improved = _improves(score, self.best_score, tol) or _improves(
            -loss, -self.lowest_validation_loss, tol
        )
        self.lowest_validation_loss = min(loss, self.lowest_validation_loss)
        self.n_no_change = 0 if improved else self.n_no_change + 1
        best = (score, -loss) > (self.best_score, -self.best_validation_loss)
        if best:
            self.best_score, self.best_validation_loss = score, loss
        return best


def _improves(new: float, old: float, tol: float | None) -> bool:
    """Is ``new`` higher than ``old``, by ``tol`` or, where that is None, by anything?"""
    return new > old if tol is None else new >= old + tol


class _Diverged(Exception):
    """The loss or the validation score is not finite."""


def train(
    vector: np.ndarray,
    trainer: Any,
    solver: Any,
    records: Records,
    order: np.ndarray,
    *,
    batch_size: int,
    max_iter: int,
    tol: float | None,
    n_iter_no_change: float,
    progress: Any,
    rng: np.random.RandomState | None = None,
    validate: Callable[[], tuple[float, float]] | None = None,
    loss_at_zero: float | None = None,
) -> End:
    """Train ``vector`` in place for up to ``max_iter`` epochs.

    Parameters
    ----------
    vector : ndarray of shape (W,)
        The parameters. Those with the best validation score if there is one; those of the last
        finite loss if training diverges, those of the lowest loss if it explodes.
    trainer : Trainer
        Computes the loss of a batch and its gradient at ``vector``.
    solver : Adam or SGD
    records : Records
        Changed in place.
    order : ndarray of int64
        The sequences to learn from, in the order of the first epoch; shuffled in place.
    tol : float or None
        None: the training loss stops nothing, and on validation data any improvement counts.
    rng : RandomState or None
        Shuffles ``order`` before each epoch; None keeps it.
    validate : callable or None
        Score and loss of the parameters on validation data; with it, early stopping.
    loss_at_zero : float or None
        Mean loss of outputs that are all 0: training that ends far above its own best epoch, and
        above a quarter of this, has exploded. None: not looked at.
    """
    gradient = trainer.gradient
    step = solver.step_on(vector, trainer.d_vector)
    copy, n = np.copyto, len(order)
    unshuffled = order.copy()
    # Views, so that they follow the shuffling.
    batches = [order[start : start + batch_size] for start in range(0, n, batch_size)]
    sized = [(rows, len(rows)) for rows in batches]
    finite = vector.copy()  # the parameters of the last finite loss
    best = None if validate is None else vector.copy()  # on validation data
    lowest, at_lowest = inf, vector.copy()  # training loss, and its parameters
    first = None  # loss of the first batch, at the initial parameters
    stops = validate is not None or tol is not None
    end = End.MAX_ITER
    try:
        for _ in range(max_iter):
            if rng is not None and len(batches) > 1:
                copy(order, unshuffled)  # each epoch's order depends on the generator alone
                rng.shuffle(order)
            total = 0.0
            for rows, size in sized:
                loss = gradient(rows)
                if loss is None:  # no weight, nothing to learn
                    continue
                if not isfinite(loss):
                    raise _Diverged
                if first is None:
                    first = loss
                copy(finite, vector)
                step()
                total += loss * size

            judged = None if validate is None else validate()
            if not isfinite(total) or not (judged is None or all(map(isfinite, judged))):
                raise _Diverged
            records.end_epoch(n, total / n)
            if records.loss < lowest:
                lowest = records.loss
                copy(at_lowest, vector)
            if judged is None:
                records.compare_loss(tol)
            elif records.compare_validation(*judged, tol):
                copy(best, vector)
            progress.epoch(records.n_iter, records.loss, judged and judged[0])
            solver.end_epoch(records.t)
            if stops and records.n_no_change > n_iter_no_change:
                if solver.gives_up():
                    end = End.CONVERGED
                    break
                records.n_no_change = 0
    except KeyboardInterrupt:
        end = End.INTERRUPTED
    except _Diverged:
        end = End.DIVERGED

    if end is not End.DIVERGED and not isfinite(norm(vector)):  # the very last step
        end = End.DIVERGED
    if end in (End.MAX_ITER, End.CONVERGED) and loss_at_zero is not None and first is not None:
        start = max(loss_at_zero, first)  # with a penalty, more than the outputs count
        if records.loss > max(RISE * min(lowest, start), start / 4):
            end = End.EXPLODED
    if best is not None and records.best_score > -inf:
        copy(vector, best)
    elif end is End.DIVERGED:
        copy(vector, finite)
    elif end is End.EXPLODED:
        copy(vector, at_lowest)
    return end
