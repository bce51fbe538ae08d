"""Unpickling of bytes that were changed at random.

A pickle names functions that are called while it is read, and a changed byte in a name makes
another function of it: with bad luck one that deletes files. So only names that models are made of
are looked up here. NumPy, for its part, takes whatever state a pickle has for a dtype or a
generator and may crash with it. These are faults that no library above NumPy can mend, and what
they break is shared by the whole process, so that later cases would fail for it: they are refused
here. Users are told to load pickles of those they trust only.
"""

from __future__ import annotations

import pickle
import struct
from io import BytesIO
from typing import Any, ClassVar

import numpy as np

MODULES = ("sklstm", "numpy", "sklearn", "collections", "pandas", "tests", "fuzz")
BUILTINS = ("set", "frozenset", "slice", "complex", "bytearray", "list", "dict", "object", "range")
# Of these modules: what runs text, or reads and writes files, or memory at any address.
REFUSED = (
    "test",
    "f2py",
    "distutils",
    "load",
    "save",
    "from",
    "memmap",
    "ctypes",
    "lib",
    "datasets",
)
ALLOWED = ("_frombuffer",)

# What a changed pickle may raise: words of Python and NumPy before any model is made, and ours.
REFUSALS = (
    pickle.UnpicklingError, ValueError, TypeError, AttributeError, LookupError, EOFError,
    ImportError, ArithmeticError, AssertionError, struct.error,
)  # fmt: skip


class Foreign(pickle.UnpicklingError):
    """What NumPy would not check."""


class Restricted(pickle._Unpickler):
    """Of all names those that models are made of, and of states those that NumPy survives."""

    dispatch: ClassVar = dict(pickle._Unpickler.dispatch)

    def find_class(self, module: str, name: str) -> Any:
        if module == "builtins" and name in BUILTINS:
            return super().find_class(module, name)
        words = [word for word in f"{module}.{name}".split(".") if word not in ALLOWED]
        if words[0] not in MODULES or any(w.startswith(r) for w in words for r in REFUSED):
            raise pickle.UnpicklingError(f"{module}.{name} is not looked up")
        return super().find_class(module, name)

    def load_build(self) -> None:
        what, state = self.stack[-2], self.stack[-1]
        if isinstance(what, np.dtype):
            plain = what.__reduce__()[2]
            if not isinstance(state, tuple) or state[:1] + state[2:] != plain[:1] + plain[2:]:
                raise Foreign("a dtype with a state of its own")
        if isinstance(what, (np.random.RandomState, np.random.BitGenerator)):
            position = _position(state)
            if position is not None and not 0 <= position <= 624:
                raise Foreign("a generator that stands beyond its numbers")
        super().load_build()

    dispatch[pickle.BUILD[0]] = load_build


def _position(state: Any) -> int | None:
    while isinstance(state, (dict, tuple)):
        if isinstance(state, dict):
            if "pos" in state:
                return state["pos"] if isinstance(state["pos"], int) else -1
            state = state.get("state")
        else:
            state = next((part for part in state if isinstance(part, (dict, tuple))), None)
    return None


def restricted(data: bytes) -> Any:
    return Restricted(BytesIO(data)).load()
