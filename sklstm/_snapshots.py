"""What others see of an estimator while it learns: all of it from before, or all from after.

What learns works on a copy, whose attributes become those of the estimator in one assignment. What
reads takes a copy first. Arrays are replaced, never written into, but by streams that learn.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from operator import is_
from typing import Any, TypeVar

from sklstm._updates import deepcopied, held

Estimator = TypeVar("Estimator")

# What callbacks have open belongs to the estimator itself.
OF_CALLBACKS = ("_callback_fit_ctx", "_skl_callbacks_to_teardown")


def snapshot(estimator: Estimator) -> Estimator:
    """The estimator as it is at this moment: another object, which shares all values."""
    return _with(type(estimator), vars(estimator).copy())


def settled(estimator: Estimator) -> Estimator:
    """The same for what takes its time over all parameters: with arrays that no stream moves."""
    with held(estimator):
        return _with(type(estimator), deepcopied(estimator, vars(estimator).copy()))


@contextmanager
def revised(estimator: Estimator) -> Iterator[Estimator]:
    """A copy of the estimator for a block to work on.

    After the block the estimator has what was learned by the copy. If the block fails it is as it
    was. Parameters, and other attributes of users, stay those of the estimator itself.
    """
    before = vars(estimator).copy()
    draft = _with(type(estimator), before.copy())
    yield draft
    now, theirs = vars(estimator).copy(), {}
    if now.keys() != before.keys() or not all(map(is_, now.values(), before.values())):
        theirs = {name: value for name, value in now.items() if _is_of_users(name)}
    with held(estimator):  # an update of a stream is made before or after, as a whole
        estimator.__dict__ = vars(draft) | theirs


def _is_of_users(name: str) -> bool:
    return name in OF_CALLBACKS or not (name.startswith("_") or name.endswith("_"))


def _with(kind: type[Estimator], attributes: dict[str, Any]) -> Estimator:
    made = object.__new__(kind)
    object.__setattr__(made, "__dict__", attributes)
    return made
