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


class End(Enum):
    """How training ended."""

    CONVERGED = "no more improvement"
    MAX_ITER = "as many epochs as asked for"
    INTERRUPTED = "Ctrl-C"
    DIVERGED = "a loss that is not finite"


@dataclass
class Records:
    """What is counted and compared from epoch to epoch; goes on in the next call."""

    t: int = 0  # sequences seen
    loss: float = inf
    best_loss: float | None = inf  # None while early stopping watches the score instead
    best_score: float | None = None
    n_no_change: int = 0
    # of this call only
    n_iter: int = 0
    losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)

    def end_epoch(self, n: int, loss: float, score: float | None, tol: float) -> bool:
        """Note an epoch over ``n`` sequences. Is it the best so far?"""
        self.n_iter += 1
        self.t += n
        self.loss = loss
        self.losses.append(loss)
        if score is None:
            improved, best = loss <= self.best_loss - tol, loss < self.best_loss
            self.best_loss = min(loss, self.best_loss)
        else:
            self.scores.append(score)
            improved, best = score >= self.best_score + tol, score > self.best_score
            self.best_score = max(score, self.best_score)
        self.n_no_change = 0 if improved else self.n_no_change + 1
        return best


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
    tol: float,
    n_iter_no_change: float,
    progress: Any,
    rng: np.random.RandomState | None = None,
    validation_score: Callable[[], float] | None = None,
) -> End:
    """Train ``vector`` in place for up to ``max_iter`` epochs.

    Parameters
    ----------
    vector : ndarray of shape (W,)
        The parameters. Those with the best validation score if there is one; those of the last
        finite loss if training diverges.
    trainer : Trainer
        Computes the loss of a batch and its gradient at ``vector``.
    solver : Adam or SGD
    records : Records
        Changed in place.
    order : ndarray of int64
        The sequences to learn from, in the order of the first epoch; shuffled in place.
    rng : RandomState or None
        Shuffles ``order`` before each epoch; None keeps it.
    validation_score : callable or None
        Score of the parameters as they are; with it, early stopping.
    """
    gradient = trainer.gradient
    step = solver.step_on(vector, trainer.d_vector)
    copy, n = np.copyto, len(order)
    unshuffled = order.copy()
    # Views, so that they follow the shuffling.
    batches = [order[start : start + batch_size] for start in range(0, n, batch_size)]
    sized = [(rows, len(rows)) for rows in batches]
    finite = vector.copy()  # the parameters of the last finite loss
    best = None if validation_score is None else vector.copy()
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
                copy(finite, vector)
                step()
                total += loss * size

            score = None if validation_score is None else validation_score()
            if not isfinite(total) or not (score is None or isfinite(score)):
                raise _Diverged
            if records.end_epoch(n, total / n, score, tol) and best is not None:
                copy(best, vector)
            progress.epoch(records.n_iter, records.loss, score)
            solver.end_epoch(records.t)
            if records.n_no_change > n_iter_no_change:
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
    if best is not None and records.best_score > -inf:
        copy(vector, best)
    elif end is End.DIVERGED:
        copy(vector, finite)
    return end
