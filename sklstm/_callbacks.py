"""scikit-learn's callbacks around a fit: one task for the whole fit and one for each epoch.

Without callbacks this module costs nothing inside the training loop.
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
        The estimator that is being fitted.
    context : CallbackContext
        Context of the whole fit.
    X, y, sample_weight : Any
        The user's arguments.
    """

    def __init__(self, estimator: Any, context: Any, X: Any, y: Any, sample_weight: Any) -> None:
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self._given = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self._context = context

    def begin(
        self, max_epochs: int | None = 0, learned: Callable[[Any], dict[str, Any]] | None = None
    ) -> None:
        """Notify callbacks that the fit begins, with at most ``max_epochs`` (None: unknown).

        ``learned(training)`` returns the attributes that the estimator would have if the training
        ended now. It is called only if a callback needs them.
        """
        self._context.max_subtasks = max_epochs
        self._learned = learned
        self._context.call_on_fit_task_begin(**self._given)

    def begin_epoch(self, training: Any) -> None:
        """Notify callbacks that an epoch begins."""
        self._epoch = self._context.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(
            **self._given, reconstruction_attributes=lambda: self._learned(training)
        )

    def end_epoch(self, training: Any) -> bool:
        """Notify callbacks that an epoch ends. True if a callback asks to stop training."""
        return self._epoch.call_on_fit_task_end(
            **self._given, reconstruction_attributes=lambda: self._learned(training)
        )

    def end(self) -> None:
        """Notify callbacks that the estimator is fitted."""
        self._context.call_on_fit_task_end(**self._given, reconstruction_attributes={})

    @contextmanager
    def lent_to(self, part: Any) -> Iterator[None]:
        """Pass the callbacks that propagate on to ``part``, which is fitted in the block."""
        task = self._context.subcontext(task_name="fit-regressor")
        with task.propagate_callback_context(part):
            task.call_on_fit_task_begin(**self._given)
            yield
            task.call_on_fit_task_end(**self._given)


@contextmanager
def watched(estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> Iterator[Watch | None]:
    """A block that fits ``estimator``; yields a ``Watch``, or None if it has no callbacks.

    It encloses ``revised``, because the open contexts of callbacks belong to the estimator itself.
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
    """A block that fits ``estimator`` without epochs."""
    with watched(estimator, X, y, sample_weight) as watch:
        if watch is not None:
            watch.begin()
        yield


@with_callbacks
def _tear_down(estimator: Any) -> None:
    """Close the contexts of callbacks, which the decorator does."""


def attributes_after(estimator: Any, keep: Callable[[Any], None]) -> dict[str, Any]:
    """The attributes that ``estimator`` would have after ``keep(estimator)``."""
    copied = copy(estimator)
    keep(copied)
    return vars(copied)
