"""Callbacks of scikit-learn around a fit: a task for all of it, and one for each epoch.

Where no callbacks are set, nothing here is made or called in a loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any

from sklstm._sklearn import callbacks_of, with_callbacks


class Watch:
    """A fit that callbacks watch.

    Parameters
    ----------
    estimator : estimator
        That is being fitted.
    context : CallbackContext
        Of the whole fit.
    X, y, sample_weight
        As the user gave them.
    """

    def __init__(self, estimator: Any, context: Any, X: Any, y: Any, sample_weight: Any) -> None:
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self._given = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self._context = context

    def begin(
        self, max_epochs: int | None = 0, learned: Callable[[Any], dict[str, Any]] | None = None
    ) -> None:
        """The fit begins, with ``max_epochs`` at most; None if they are not known.

        ``learned`` returns the attributes of the estimator as if the training that it is given
        ended there. It is only asked if a callback wants to know.
        """
        self._context.max_subtasks = max_epochs
        self._learned = learned
        self._context.call_on_fit_task_begin(**self._given)

    def begin_epoch(self, training: Any) -> None:
        """Tell of an epoch that begins."""
        self._epoch = self._context.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(
            **self._given, reconstruction_attributes=lambda: self._learned(training)
        )

    def end_epoch(self, training: Any) -> bool:
        """Tell of its end. True if a callback says that training is to end."""
        return self._epoch.call_on_fit_task_end(
            **self._given, reconstruction_attributes=lambda: self._learned(training)
        )

    def end(self) -> None:
        """The estimator is fitted."""
        self._context.call_on_fit_task_end(**self._given, reconstruction_attributes={})

    @contextmanager
    def lent_to(self, part: Any) -> Iterator[None]:
        """Lend ``part``, which is fitted in the block, those callbacks that want to go on to it."""
        task = self._context.subcontext(task_name="fit-regressor")
        with task.propagate_callback_context(part):
            task.call_on_fit_task_begin(**self._given)
            yield
            task.call_on_fit_task_end(**self._given)


@contextmanager
def watched(estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> Iterator[Watch | None]:
    """A block that fits ``estimator``, with a `Watch` if it has callbacks, which are told to begin.

    It goes around ``revised``: what callbacks have open belongs to the estimator itself.
    """
    if not callbacks_of(estimator):
        yield None
        return
    try:
        context = estimator._init_callback_context(max_subtasks=None)
        watch = Watch(estimator, context, X, y, sample_weight)
        yield watch
        watch.end()
    finally:
        _tear_down(estimator)


@contextmanager
def one_task(estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> Iterator[None]:
    """A block that fits ``estimator`` in one go."""
    with watched(estimator, X, y, sample_weight) as watch:
        if watch is not None:
            watch.begin()
        yield


@with_callbacks
def _tear_down(estimator: Any) -> None:
    """The decorator ends what callbacks have open."""


def attributes_after(estimator: Any, keep: Callable[[Any], None]) -> dict[str, Any]:
    """The attributes that ``estimator`` would have after ``keep``, which a copy of it is given."""
    copied = copy(estimator)
    keep(copied)
    return vars(copied)
