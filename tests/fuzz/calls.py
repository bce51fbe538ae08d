"""Cases of calls into compiled code: one argument of one call is another than Python passes.

Models never pass such arguments. This asks whether compiled code itself refuses what its loops
cannot follow, whatever the files above it let through.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np

from sklstm import _isa
from sklstm.baselines import (
    _growth,
    _guessing,
    _recurrent,
    _sequence_chunker,
)
from tests.fuzz.exercise import carried_out, of_model
from tests.fuzz.places import at, paths, replaced
from tests.fuzz.subjects import MAKERS, subject
from tests.fuzz.values import EVERY, Rng, changes_of

# Where compiled functions and classes are looked up.
MODULES = (
    *_isa.kernels.values(),
    *_isa.online.values(),
    *_isa.optimizers.values(),
    _growth,
    _guessing,
    _recurrent,
    _sequence_chunker,
)
NAMES = (
    "Session", "Online", "AdamSteps", "SgdSteps", "total_loss", "all_finite", "norm",
    "first_not_finite",
    "Recurrent", "Chunker", "Guesses", "Steps", "run_units", "run_back",
)  # fmt: skip
FEW = ("scaler", "imputer", "encoder", "context", "differences")  # or no calls at all
SUBJECTS = [name for name in MAKERS if name not in FEW]
MOST = 60  # calls of a case among which one is chosen


class Calls:
    """Counts calls, and changes an argument of one."""

    def __init__(self, number: int, seed: int) -> None:
        self.left, self.rng = number, np.random.default_rng(seed)

    def change(self, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        """The arguments of a call, of which one is another if its turn has come."""
        args = tuple(map(_real, args))
        kwargs = {name: _real(value) for name, value in kwargs.items()}
        self.left -= 1
        both = [args, kwargs]
        places = [path for path in paths(both, depth=3) if len(path) > 1]
        if self.left == 0 and places:
            path = places[self.rng.integers(len(places))]
            choice = changes_of(at(both, path))
            change = EVERY[choice[self.rng.integers(len(choice))]]
            args, kwargs = replaced(both, path, lambda old: change(old, self.rng))
        return args, kwargs


class Watched:
    """A compiled class, function, object or method, whose calls go by way of `Calls`."""

    def __init__(self, real: Any, calls: Calls) -> None:
        vars(self).update(_of=real, _calls=calls)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        args, kwargs = self._calls.change(args, kwargs)
        return _watched(self._of(*args, **kwargs), self._calls)

    def __getattr__(self, name: str) -> Any:
        return _watched(getattr(self._of, name), self._calls)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._of, name, value)


def _watched(value: Any, calls: Calls) -> Any:
    compiled = callable(value) or type(value).__module__.startswith("sklstm")
    return Watched(value, calls) if compiled else value


def _real(value: Any) -> Any:
    return value._of if isinstance(value, Watched) else value


@contextmanager
def watched(calls: Calls) -> Iterator[None]:
    """All calls into compiled code go by way of ``calls``."""
    before: list[tuple[ModuleType, str, Any]] = []
    try:
        for module in MODULES:
            for name in NAMES:
                if hasattr(module, name):
                    real = getattr(module, name)
                    before.append((module, name, real))
                    setattr(module, name, Watched(real, calls))
        yield
    finally:
        for module, name, real in before:
            setattr(module, name, real)


def draw_call(rng: Rng) -> dict[str, Any]:
    return {
        "subject": SUBJECTS[rng.integers(len(SUBJECTS))],
        "call": int(rng.integers(1, MOST)),
        "seed": int(rng.integers(2**31)),
        "way": "assigned",
    }


def run_call(case: dict[str, Any]) -> str | None:
    model, X, y = subject(case["subject"])
    with watched(Calls(case["call"], case["seed"])):
        return carried_out(of_model(model, X, y))
