"""What others see of an estimator while it learns: all of it from before, or all from after.

What learns works on a copy, whose attributes become those of the estimator in one assignment. What
reads takes a copy first. Arrays are replaced, never written into, but by streams that learn.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from operator import is_
from typing import Any, TypeVar

from sklstm._updates import attributes_of, held

Estimator = TypeVar("Estimator")

# What callbacks have open belongs to the estimator itself.
OF_CALLBACKS = ("_callback_fit_ctx", "_skl_callbacks_to_teardown")


def snapshot(estimator: Estimator) -> Estimator:
    """The estimator as it is at this moment: another object, which shares all values."""
    return _with(type(estimator), vars(estimator).copy())


def settled(estimator: Estimator) -> Estimator:
    """The same for what takes its time over all parameters: with arrays that no stream moves."""
    return _with(type(estimator), attributes_of(estimator))


@contextmanager
def revised(estimator: Estimator) -> Iterator[Estimator]:
    """A copy of the estimator for a block to work on.

    After the block the estimator has what was learned by the copy. If the block fails it is as it
    was. Parameters, and other attributes of users, stay those of the estimator itself.
    """
    before = vars(estimator).copy()
    draft = settled(estimator)
    yield draft
    with held(estimator):  # an update of a stream is made before or after, as a whole
        after = _revision(before, vars(estimator), vars(draft))
        object.__setattr__(estimator, "__dict__", after)


def _revision(
    before: dict[str, Any], now: dict[str, Any], learned: dict[str, Any]
) -> dict[str, Any]:
    """What was learned, with what users have set and deleted meanwhile."""
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
