"""Frame of every training loop: records, progress, and the conditions that end a run.

The records are those of MLPClassifier. This module does not depend on estimators, X or y.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from math import inf, isfinite
from typing import Any, NamedTuple, NoReturn


class End(Enum):
    """Reason for the end of training."""

    CONVERGED = "no more improvement"
    MAX_ITER = "all epochs are done"
    INTERRUPTED = "Ctrl-C"
    DIVERGED = "the loss is not finite"
    EXPLODED = "the loss is far above the best"
    CALLBACK = "a callback stopped it"


class Run(NamedTuple):
    """Result of one call of a training loop."""

    end: End
    start: float | None  # loss before the first update, if it is known
    n_epochs: int  # that this call has trained


@dataclass
class Records:
    """Counters and losses that training compares from epoch to epoch."""

    t: int = 0  # sequences seen
    loss: float = inf
    best_loss: float | None = inf  # None while early stopping watches validation data instead
    best_score: float | None = None
    n_no_change: int = 0
    # of this call only
    start: float | None = None  # loss before the first update, if it is known
    n_iter: int = 0
    losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)
    lowest_validation_loss: float = inf
    best_validation_loss: float = inf  # at the best score

    def numbers(self) -> dict[str, Any]:
        """The state that an interrupted run continues from: everything except the lists."""
        return {name: value for name, value in vars(self).items() if not isinstance(value, list)}

    def end_epoch(self, n: int, loss: float, n_iter: int = 1) -> None:
        """Record an epoch over ``n`` sequences."""
        self.n_iter += n_iter
        self.t += n
        self.loss = loss
        self.losses.append(loss)

    def compare_loss(self, tol: float | None) -> None:
        """Compare the training loss of the epoch with the best so far."""
        improved = _improves(-self.loss, -self.best_loss, tol)
        self.best_loss = min(self.loss, self.best_loss)
        self.n_no_change = 0 if improved else self.n_no_change + 1

    def compare_validation(self, score: float, loss: float, tol: float | None) -> bool:
        """Compare the validation score and loss with the best. True if this epoch is the best.

        The score decides and the loss breaks ties. Training continues while either improves, so
        that a score that is still constant (accuracy with few positives) does not end it.
        """
        self.scores.append(score)
        self.validation_losses.append(loss)
        improved = _improves(score, self.best_score, tol) or _improves(
            -loss, -self.lowest_validation_loss, tol
        )
        self.lowest_validation_loss = min(loss, self.lowest_validation_loss)
        self.n_no_change = 0 if improved else self.n_no_change + 1
        best = self.is_best(score, loss)
        if best:
            self.best_score, self.best_validation_loss = score, loss
        return best

    def is_best(self, score: float, loss: float) -> bool:
        """True if the validation score, or at equal score the loss, is better than the best."""
        return (score, -loss) > (self.best_score, -self.best_validation_loss)


def _improves(new: float, old: float, tol: float | None) -> bool:
    """True if ``new`` is higher than ``old`` by at least ``tol``, or by any amount for None."""
    return new > old if tol is None else new >= old + tol


class _Ended(Exception):
    """Leaves the block of a `Training`."""

    def __init__(self, end: End) -> None:
        self.end = end


class Training:
    """Context around a training loop that records epochs and ends the run.

    The loop trains, calls ``end_epoch`` after each epoch, and may call ``stop``. Ctrl-C ends the
    run; other exceptions are propagated.

    Parameters
    ----------
    kept : Any
        The parameters before the first epoch.
    records : Records
        Changed in place.
    progress : ProgressLine or Silence
        Closed at the end.
    tol : float or None, default=0.0
        Smallest improvement that counts.
    n_iter_no_change : float, default=inf
        The run has converged after more than this number of epochs without an improvement.
    gives_up : callable
        Called when the run has converged. If it returns False, the run continues and counts anew.
    watch : Watch or None
        Notified of every epoch.

    Attributes
    ----------
    kept : Any
        The parameters of the last finite loss, which the loop stores here.
    end : End
        Reason for the end: MAX_ITER if the loop ran all epochs.
    """

    def __init__(
        self,
        kept: Any,
        records: Records,
        progress: Any,
        *,
        tol: float | None = 0.0,
        n_iter_no_change: float = inf,
        gives_up: Callable[[], bool] = lambda: True,
        watch: Any = None,
    ) -> None:
        self.kept, self.records, self.progress = kept, records, progress
        self.watch = watch
        self.tol, self.n_iter_no_change, self.gives_up = tol, n_iter_no_change, gives_up
        self.end = End.MAX_ITER

    def __enter__(self) -> Training:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: Any) -> bool:
        if isinstance(error, _Ended):
            self.end = error.end
        elif isinstance(error, KeyboardInterrupt):
            self.end = End.INTERRUPTED
        elif error is not None:
            return False
        self.end = self._verdict(self.end)
        self.progress.close(self.end)
        return True

    def _verdict(self, end: End) -> End:
        """The final reason for the end, which subclasses may change."""
        return end

    def stop(self, end: End) -> NoReturn:
        """Leave the block."""
        raise _Ended(end)

    def require_finite(self, *values: float) -> None:
        """Stop unless all losses and scores are finite."""
        if not all(map(isfinite, values)):
            self.stop(End.DIVERGED)

    def begin_epoch(self) -> None:
        """Notify callbacks before an epoch."""
        if self.watch is not None:
            self.watch.begin_epoch(self)

    def end_epoch(
        self, n: int, loss: float, judged: tuple[float, float] | None = None, *, n_iter: int = 1
    ) -> None:
        """Update records, progress and callbacks after an epoch, and stop if the rule says so.

        Parameters
        ----------
        n : int
            Number of sequences in the epoch.
        loss : float
            Their mean loss.
        judged : tuple of float, default=None
            Validation score and loss. If they are passed, the stopping rule uses them instead of
            ``loss``.
        n_iter : int, default=1
            Number of epochs to count, for loops that make several tries at once.
        """
        records = self.records
        records.end_epoch(n, loss, n_iter)
        if judged is None:
            records.compare_loss(self.tol)
        else:
            records.compare_validation(*judged, self.tol)
        self.progress.epoch(records.n_iter, records.loss, judged and judged[0])
        if self.watch is not None and self.watch.end_epoch(self):
            self.stop(End.CALLBACK)
        if records.n_no_change > self.n_iter_no_change:
            self.lose_patience()

    def lose_patience(self) -> None:
        """Stop, or start counting epochs without improvement anew."""
        if self.gives_up():
            self.stop(End.CONVERGED)
        self.records.n_no_change = 0
