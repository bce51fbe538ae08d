"""What the streams of one model share: who may learn, and when others may read.

Streams move parameters where they are. Everything else puts new arrays in their place, for which
no lock is needed.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from sklstm._locks import Lock
from sklstm._runtime import Gate


class Updates(Lock):
    """Of one model: a lock for the stream that learns, and a gate in front of the parameters.

    The gate is closed while the parameters move, for microseconds. Streams go through it in every
    step, and `still` for predictions.

    Attributes
    ----------
    gate : Gate
    vector, state : ndarray, dict or None
        The parameters and the state of the solver that streams write into: made by them, so that
        whoever holds the arrays from before keeps what he has.
    """

    __slots__ = ("gate", "state", "vector")

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.vector, self.state = Gate(), None, None

    def written(self) -> tuple[tuple[str, Any], ...]:
        """The attributes of the model that streams write into, by their names."""
        if self.vector is None:
            return ()
        return ("parameters_", self.vector), ("_solver_state", self.state)

    def anew(self, free: bool) -> None:
        super().anew(free)
        self.gate.reset()


# By the identity of models. A stream keeps its model alive, and what is here.
_known: WeakValueDictionary[int, Updates] = WeakValueDictionary()
_NOBODY = nullcontext()


def updates_of(model: Any) -> Updates:
    """What the streams of ``model`` share."""
    return _known.setdefault(id(model), Updates())


def held(model: Any) -> AbstractContextManager:
    """A block in which no stream of ``model`` learns."""
    found = _known.get(id(model))
    return _NOBODY if found is None else found.now


def attributes_of(model: Any) -> dict[str, Any]:
    """The attributes of ``model`` at one moment, with copies of what its streams write into."""
    while True:
        found = _known.get(id(model))
        with _NOBODY if found is None else found.now:
            attributes = vars(model).copy()
            for name, written in () if found is None else found.written():
                if attributes.get(name) is written:
                    attributes[name] = deepcopy(written)
        if _known.get(id(model)) is found:  # else the first stream has come meanwhile
            return attributes


def still(model: Any, array: np.ndarray) -> np.ndarray:
    """Parameters of ``model`` that no stream moves any more: a copy if one does."""
    found = _known.get(id(model))
    if found is None or array is not found.vector:
        return array
    copied = np.empty_like(array)
    found.gate.copy(array.view(np.uint8), copied.view(np.uint8))
    return copied
