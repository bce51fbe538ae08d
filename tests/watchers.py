"""Callbacks that remember what they are told, stop or fail; what differs between two estimators."""

from __future__ import annotations

import numpy as np
import pytest

from sklstm._sklearn import HAS_CALLBACKS

needs_callbacks = pytest.mark.skipif(not HAS_CALLBACKS, reason="callbacks need scikit-learn 1.9")


class Recorder:
    """Remembers every call as (hook, task, task_id); `calls` has what came with each."""

    def __init__(self, stop_at=None, fail_at=None, error=ValueError):
        self.events, self.calls = [], []
        self.stop_at, self.fail_at, self.error = stop_at, fail_at, error

    def _note(self, hook, context, **given):
        event = hook, context.task_name, context.task_id
        self.events.append(event)
        self.calls.append({"estimator": None, "context": context} | given)
        if event == self.fail_at:
            raise self.error(f"failed at {event}")
        return event == self.stop_at

    def setup(self, estimator, context):
        self._note("setup", context, estimator=estimator)

    def teardown(self, estimator, context):
        self._note("teardown", context, estimator=estimator)

    def on_fit_task_begin(self, estimator, context, *, X, y, metadata, fitted_estimator):
        given = dict(estimator=estimator, X=X, y=y, metadata=metadata, fitted=fitted_estimator)
        self._note("begin", context, **given)

    def on_fit_task_end(self, estimator, context, *, X, y, metadata, fitted_estimator):
        given = dict(estimator=estimator, X=X, y=y, metadata=metadata, fitted=fitted_estimator)
        return self._note("end", context, **given)

    def of(self, *event):
        """What came with the calls of this hook for this task."""
        here = zip(self.events, self.calls, strict=True)
        return [call for name, call in here if name[: len(event)] == event]

    def fitted(self, hook="end"):
        """The estimators as if training had ended, epoch by epoch."""
        return [call["fitted"] for call in self.of(hook, "epoch")]


class Propagated(Recorder):
    """The same, lent to the parts of whatever it is set on."""

    max_propagation_depth = None


def expected_events(n_epochs):
    """The events of a fit with so many epochs, none of which is cut off."""
    epochs = [(hook, "epoch", k) for k in range(n_epochs) for hook in ("begin", "end")]
    return [
        ("setup", "fit", 0),
        ("begin", "fit", 0),
        *epochs,
        ("end", "fit", 0),
        ("teardown", "fit", 0),
    ]


def same(a, b):
    """Are the values of two attributes the same?"""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b)
    if isinstance(a, np.random.RandomState):
        return same(a.get_state(), b.get_state())
    return a is b or a == b


def differing(a, b, *but):
    """Names of the attributes in which two estimators differ."""
    a, b = vars(a), vars(b)
    names = (a.keys() | b.keys()) - {"_skl_callbacks", "_validated", "_unfinished", *but}
    return {name for name in names if name not in a or name not in b or not same(a[name], b[name])}
