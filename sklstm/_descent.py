"""The training loop that fit and partial_fit share.

It moves a vector of parameters by the gradients of batch after batch.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, isfinite
from typing import Any

import numpy as np

from sklstm._solvers import norm
from sklstm._training import End, Records, Training

RISE = 2.5  # a last loss so many times the best, and not small beside outputs of 0, has exploded


class Descent(Training):
    """Training of a vector by its gradients.

    In the end the vector is that of the best validation score if there is one (``judges``), else
    that of the last finite loss if training diverged, and of the lowest if it exploded.
    """

    def __init__(
        self,
        vector: np.ndarray,
        records: Records,
        progress: Any,
        *,
        judges: bool,
        loss_at_zero: float | None,
        **rule: Any,
    ) -> None:
        super().__init__(vector, records, progress, **rule)
        self.vector = vector
        self.best = vector.copy() if judges else None  # on validation data
        self.lowest, self.at_lowest = inf, vector.copy()  # training loss, and its parameters
        self.loss_at_zero = loss_at_zero
        self.undo: Callable[[], None] = lambda: None  # the last step, whose loss is not known
        self.first: float | None = None  # loss of the first batch, at the initial parameters

    def end_epoch(
        self, n: int, loss: float, judged: tuple[float, float] | None = None, *, n_iter: int = 1
    ) -> None:
        if loss < self.lowest:
            self.lowest = loss
            np.copyto(self.at_lowest, self.vector)
        if judged is not None and self.records.is_best(*judged):
            np.copyto(self.best, self.vector)
        super().end_epoch(n, loss, judged, n_iter=n_iter)

    def _verdict(self, end: End) -> End:
        if not isfinite(norm(self.vector)):  # after the very last step
            end = End.DIVERGED
        elif end in (End.MAX_ITER, End.CONVERGED) and self._has_exploded():
            end = End.EXPLODED
        if self.best is not None and self.records.best_score > -inf:
            np.copyto(self.vector, self.best)
        elif end is End.DIVERGED:
            self.undo()
        elif end is End.EXPLODED:
            np.copyto(self.vector, self.at_lowest)
        return end

    def _has_exploded(self) -> bool:
        if self.loss_at_zero is None or self.first is None:
            return False
        start = max(self.loss_at_zero, self.first)  # with a penalty, more than the outputs count
        return self.records.loss > max(RISE * min(self.lowest, start), start / 4)


def train(
    vector: np.ndarray,
    trainer: Any,
    solver: Any,
    records: Records,
    order: np.ndarray,
    *,
    batch_size: int,
    max_iter: int,
    first_epoch: int,
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
    first_epoch : int
        How many there were before, in all calls.
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
    copy, n = np.copyto, len(order)
    unshuffled = order.copy()
    # Views, so that they follow the shuffling.
    batches = [order[start : start + batch_size] for start in range(0, n, batch_size)]
    sized = [(rows, len(rows)) for rows in batches]
    stops = validate is not None or tol is not None
    training = Descent(
        vector,
        records,
        progress,
        judges=validate is not None,
        loss_at_zero=loss_at_zero,
        tol=tol,
        n_iter_no_change=n_iter_no_change if stops else inf,
        gives_up=solver.gives_up,
    )
    step, training.undo = solver.step_on(vector, trainer.found)
    with training:
        for epoch in range(first_epoch, first_epoch + max_iter):
            trainer.begin_epoch(epoch)
            if rng is not None and len(batches) > 1:
                copy(order, unshuffled)  # each epoch's order depends on the generator alone
                rng.shuffle(order)
            total = 0.0
            for rows, size in sized:
                loss = gradient(rows)
                if loss is None:  # no weight, nothing to learn
                    continue
                if not isfinite(loss):
                    training.stop(End.DIVERGED)
                if training.first is None:
                    training.first = loss
                if not step():
                    training.stop(End.DIVERGED)
                total += loss * size

            judged = None if validate is None else validate()
            training.require_finite(total, *(judged or ()))
            solver.end_epoch(records.t + n)
            training.end_epoch(n, total / n, judged)
    return training.end
