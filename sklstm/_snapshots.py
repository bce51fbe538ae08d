"""Consistent views of an estimator while another thread trains it.

Training works on a copy, whose attributes become those of the estimator in one assignment. Readers
take a copy first. Arrays are replaced and never written to, except by learning streams.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from operator import is_
from typing import Any, TypeVar

from sklstm._updates import attributes_of, held

Estimator = TypeVar("Estimator")

# Open contexts of callbacks, which belong to the estimator itself.
OF_CALLBACKS = ("_callback_fit_ctx", "_skl_callbacks_to_teardown")


def snapshot(estimator: Estimator) -> Estimator:
    """A shallow copy of the estimator at this moment."""
    return _with(type(estimator), vars(estimator).copy())


def settled(estimator: Estimator) -> Estimator:
    """A copy of the estimator whose arrays are not changed by streams."""
    return _with(type(estimator), attributes_of(estimator))


@contextmanager
def revised(estimator: Estimator) -> Iterator[Estimator]:
    """A copy of the estimator that the block may change.

    After the block the estimator takes over the learned attributes of the copy. If the block fails,
    the estimator is unchanged. Hyper-parameters and attributes set by users stay those of the
    estimator itself.
    """
    before = vars(estimator).copy()
    draft = settled(estimator)
    yield draft
    with held(estimator):  # an update of a stream happens entirely before or after this
        after = _revision(before, vars(estimator), vars(draft))
        object.__setattr__(estimator, "__dict__", after)


def _revision(
    before: dict[str, Any], now: dict[str, Any], learned: dict[str, Any]
) -> dict[str, Any]:
    """The learned attributes, with changes that users have made meanwhile."""
    if now.keys() == before.keys() and all(map(is_, now.values(), before.values())):
        return learned
    now = now.copy()
    set_by_users = {
        name: value
        for name, value in now.items()
        if _is_of_users(name) or (name not in learned and name not in before)
    }
    deleted = {name for name in before if name not in now and _is_of_users(name)}
    kept = {name: value for name, value in learned.items() if name not in deleted}
    return kept | set_by_users


def _is_of_users(name: str) -> bool:
    return name in OF_CALLBACKS or not (name.startswith("_") or name.endswith("_"))


def _with(kind: type[Estimator], attributes: dict[str, Any]) -> Estimator:
    made = object.__new__(kind)
    object.__setattr__(made, "__dict__", attributes)
    return made
