"""Work arrays that estimators keep from one prediction to the next: those used last.

They are found by the identity of the estimator, whatever it says of its equality, and are no
attribute of it: they are in no pickle, and a prediction leaves the estimator as it was.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from weakref import ref

KEPT_BYTES = 1 << 26  # at most, of all estimators together
KEPT_MOST = 64  # estimators


class Kept(NamedTuple):
    """What an estimator left."""

    owner: ref
    kind: tuple
    session: Any
    n_bytes: float


_kept: dict[int, Kept] = {}  # the oldest first


def take(owner: Any, kind: tuple) -> Any:
    """The session that ``owner`` left after work of this kind, or None.

    It is no longer kept: threads that share an estimator have each their own.
    """
    found = _kept.pop(id(owner), None)
    return None if found is None or found.kind != kind else found.session


def keep(owner: Any, kind: tuple, session: Any, n_bytes: float) -> None:
    """Leave a session for the next `take`, as long as ``owner`` lives and it is not too much."""
    key = id(owner)
    _kept[key] = Kept(ref(owner, lambda _: _kept.pop(key, None)), kind, session, n_bytes)
    entries = list(_kept.items())
    total = sum(entry.n_bytes for _, entry in entries)
    for number, (oldest, entry) in enumerate(entries):
        if total <= KEPT_BYTES and len(entries) - number <= KEPT_MOST:
            break
        _kept.pop(oldest, None)
        total -= entry.n_bytes
