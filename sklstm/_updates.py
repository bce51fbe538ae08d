"""Synchronisation of the streams of one model: who may learn, and when others may read.

Streams change parameters in place. Everything else replaces arrays, which needs no lock.
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
    """Lock for the learning stream of one model, and gate for readers of its parameters.

    The gate is closed for microseconds while parameters change. Streams pass it in every step, and
    ``still`` passes it for predictions.

    Attributes
    ----------
    gate : Gate
        Closed while parameters change.
    vector : ndarray or None
        Parameters that streams change in place: their own copy, so that arrays that others hold do
        not change.
    state : dict or None
        Solver state that streams change in place, also their own copy.
    """

    __slots__ = ("gate", "state", "vector")

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.vector, self.state = Gate(), None, None

    def written(self) -> tuple[tuple[str, Any], ...]:
        """Names and values of the model's attributes that streams change in place."""
        if self.vector is None:
            return ()
        return ("parameters_", self.vector), ("_solver_state", self.state)

    def anew(self, free: bool) -> None:
        super().anew(free)
        self.gate.reset()


# By the id of models. A stream keeps its model and the entry here alive.
_known: WeakValueDictionary[int, Updates] = WeakValueDictionary()
_NOBODY = nullcontext()


def updates_of(model: Any) -> Updates:
    """The Updates that the streams of ``model`` share."""
    return _known.setdefault(id(model), Updates())


def held(model: Any) -> AbstractContextManager:
    """A block in which no stream of ``model`` learns."""
    found = _known.get(id(model))
    return _NOBODY if found is None else found.now


def attributes_of(model: Any) -> dict[str, Any]:
    """The attributes of ``model`` at one moment, with copies of what its streams change."""
    while True:
        found = _known.get(id(model))
        with _NOBODY if found is None else found.now:
            attributes = vars(model).copy()
            for name, written in () if found is None else found.written():
                if attributes.get(name) is written:
                    attributes[name] = deepcopy(written)
        if _known.get(id(model)) is found:  # else a first stream was opened meanwhile
            return attributes


def still(model: Any, array: np.ndarray) -> np.ndarray:
    """Parameters of ``model`` that no stream changes: a copy if a stream uses the array."""
    found = _known.get(id(model))
    if found is None or array is not found.vector:
        return array
    copied = np.empty_like(array)
    found.gate.copy(array.view(np.uint8), copied.view(np.uint8))
    return copied
