"""Changes of bytes, and of JSON."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from tests.fuzz.places import at, paths, replaced
from tests.fuzz.values import EVERY, Rng, changes_of

SET, FLIP, DELETE, REPEAT, COUNT, CUT = range(6)  # what is done at a place
SHARES = (0.4, 0.3, 0.08, 0.08, 0.09, 0.05)


def draw_edits(size: int, rng: Rng) -> list[list[int]]:
    """Edits of so many bytes: what is done, where, and what with."""
    kinds = rng.choice(len(SHARES), p=SHARES, size=rng.choice([1, 1, 1, 2, 5]))
    return [[int(k), int(rng.integers(size)), int(rng.integers(2**31))] for k in kinds]


def edited(data: bytes, edits: list[list[int]]) -> bytes:
    found = bytearray(data)
    for what, place, value in edits:
        place %= max(len(found), 1)
        if what == CUT or not found:
            del found[place:]
        elif what == SET:
            found[place] = value % 256
        elif what == FLIP:
            found[place] ^= 1 << value % 8
        elif what == DELETE:
            del found[place : place + 1 + value % 8]
        elif what == REPEAT:
            found[place:place] = found[value % len(found) :][: 1 + value % 16]
        else:  # a count of eight bytes, negative or large
            found[place : place + 8] = int(value - 2**30).to_bytes(8, "little", signed=True)
    return bytes(found)


def draw_changes(value: Any, rng: Rng) -> list[list[Any]]:
    """One change of what a value holds, sometimes two: places, and names of changes."""
    places, changes = list(paths(value)), []
    for _ in range(1 + (rng.uniform() < 0.15)):
        path = places[rng.integers(len(places))]
        choice = changes_of(at(value, path))
        changes.append([list(path), choice[rng.integers(len(choice))]])
    if len(changes) == 2 and changes[0][0] == changes[1][0][: len(changes[0][0])]:
        changes = changes[:1]  # the second place may be gone
    return changes


def changed(value: Any, changes: list[list[Any]], seed: int) -> Any:
    rng = np.random.default_rng(seed)
    for path, change in changes:
        value = replaced(value, tuple(path), lambda old, change=change: EVERY[change](old, rng))
    return value


def as_json(value: Any) -> str:
    """As JSON, whatever the changes have put there."""
    return json.dumps(value, default=lambda v: v.tolist() if hasattr(v, "tolist") else repr(v))
