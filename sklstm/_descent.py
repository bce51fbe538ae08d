"""Training loop of fit and partial_fit: gradient steps on a vector of parameters."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import partial
from math import inf, isfinite
from typing import Any

import numpy as np

from sklstm._solvers import norm
from sklstm._training import End, Records, Training

# Training has exploded if the last loss is more than RISE times the best, and more than a quarter
# of the loss at the start.
RISE = 2.5


class Descent(Training):
    """Training of a vector by its gradients.

    At the end the vector has the parameters of the best validation score (with ``judges``), else
    of the last finite loss if training diverged, or of the lowest loss if it exploded. An
    interrupted run continues from its ``state``, which is passed as ``unfinished``.
    """

    def __init__(
        self,
        vector: np.ndarray,
        records: Records,
        progress: Any,
        *,
        judges: bool,
        loss_at_zero: float | None,
        unfinished: dict[str, Any] | None = None,
        **rule: Any,
    ) -> None:
        super().__init__(vector, records, progress, **rule)
        self.vector = vector
        self.best = vector.copy() if judges else None  # on validation data
        self.lowest, self.at_lowest = inf, vector.copy()  # training loss, and its parameters
        self.loss_at_zero = loss_at_zero
        self.undo: Callable[[], None] = lambda: None  # undoes the last step
        self.first: float | None = None  # loss of the first batch, at the initial parameters
        if unfinished is not None:
            for name in self._GOES_ON:
                setattr(self, name, copy(unfinished[name]))

    _GOES_ON = ("best", "lowest", "at_lowest", "first")

    def state(self) -> dict[str, Any]:
        """A copy of the state after an epoch, without that of the solver, to continue from."""
        state = {name: copy(getattr(self, name)) for name in ("vector", *self._GOES_ON)}
        before = None if isfinite(norm(self.vector)) else self._before_last_step()
        return state | {"before": before, "records": self.records.numbers()}

    def go_on(self, unfinished: dict[str, Any]) -> None:
        """Continue an interrupted run after the callbacks of its last epoch."""
        before = unfinished["before"]
        if before is not None:  # the parameters are not finite, so the next loss ends the run
            self.undo = partial(np.copyto, self.vector, before)
        if self.records.n_no_change > self.n_iter_no_change:
            self.lose_patience()

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
        self.records.start = self.start
        end, vector = self.outcome(end)
        if vector is not self.vector:
            np.copyto(self.vector, vector)
        return end

    def outcome(self, end: End = End.MAX_ITER) -> tuple[End, np.ndarray]:
        """Reason for the end and parameters to keep, if the run ended now."""
        if not isfinite(norm(self.vector)):  # after the very last step
            end = End.DIVERGED
        elif end in (End.MAX_ITER, End.CONVERGED, End.CALLBACK) and self._has_exploded():
            end = End.EXPLODED
        if self.best is not None and self.records.best_score > -inf:
            return end, self.best
        if end is End.DIVERGED:
            return end, self._before_last_step()
        return end, self.at_lowest if end is End.EXPLODED else self.vector

    def _before_last_step(self) -> np.ndarray:
        now = self.vector.copy()
        self.undo()
        before = self.vector.copy()
        np.copyto(self.vector, now)
        return before

    @property
    def start(self) -> float | None:
        """Loss before the first update: of outputs of 0 or of the first batch (with penalty)."""
        if self.loss_at_zero is None or self.first is None:
            return None
        return max(self.loss_at_zero, self.first)

    def _has_exploded(self) -> bool:
        start = self.start
        if start is None:
            return False
        return self.records.loss > max(RISE * min(self.lowest, start), start / 4)


def train(
    vector: np.ndarray,
    trainer: Any,
    solver: Any,
    records: Records,
    order: np.ndarray,
    *,
    max_iter: int,
    first_epoch: int,
    tol: float | None,
    n_iter_no_change: float,
    progress: Any,
    rng: np.random.RandomState | None = None,
    validate: Callable[[], tuple[float, float]] | None = None,
    loss_at_zero: float | None = None,
    watch: Any = None,
    unfinished: dict[str, Any] | None = None,
) -> End:
    """Train ``vector`` in place for up to ``max_iter`` epochs.

    Parameters
    ----------
    vector : ndarray of shape (W,)
        The parameters. At the end: those of the best validation score with ``validate``, else of
        the last finite loss if training diverged, or of the lowest loss if it exploded.
    trainer : Trainer
        Computes the loss of a batch and its gradient at ``vector``, and makes the steps.
    solver : Adam or SGD
        Updates ``vector``.
    records : Records
        Changed in place.
    order : ndarray of int64
        The sequences to train on, in ascending order; shuffled in place.
    max_iter : int
        Largest number of epochs, including those of an interrupted run.
    first_epoch : int
        Number of epochs before this call, over all calls.
    tol : float or None
        Smallest improvement that counts. None: the training loss does not stop the run, and any
        improvement of the validation score or loss counts.
    n_iter_no_change : float
        Epochs without improvement that are tolerated.
    progress : ProgressLine or Silence
        Shows the epochs.
    rng : RandomState or None
        Shuffles ``order`` before each epoch. None keeps the order.
    validate : callable or None
        Returns the validation score and loss of the parameters; it turns on early stopping.
    loss_at_zero : float or None
        Mean loss of outputs of 0, with which ``Descent.start`` is compared. None turns the
        detection of explosions off.
    watch : Watch or None
        Notified of every epoch.
    unfinished : dict or None
        ``Descent.state`` of an interrupted run, to which ``vector`` and ``records`` belong.

    Returns
    -------
    end : End
        Reason for the end.
    """
    gradient = trainer.gradient
    n = len(order)
    # Views of order, so that shuffling order changes them.
    batches = [order[k : k + trainer.batch_size] for k in range(0, n, trainer.batch_size)]
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
        watch=watch,
        unfinished=unfinished,
    )
    step, training.undo = trainer.step_on(solver)
    with training:
        if unfinished is not None:
            training.go_on(unfinished)
        for epoch in range(first_epoch, first_epoch + max_iter - records.n_iter):
            if watch is not None:
                training.begin_epoch()
            trainer.begin_epoch(epoch)
            if rng is not None and len(batches) > 1:
                order.sort()  # the order of an epoch depends on the generator only
                rng.shuffle(order)
            total = 0.0
            for rows, size in sized:
                loss = gradient(rows)
                if loss is None:  # all weights of the batch are 0
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
