"""Work arrays that estimators keep from one prediction to the next.

They are stored outside of the estimator, by its identity, so they are not pickled and a prediction
does not change the estimator. The least recently used ones are dropped first.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from weakref import ref

KEPT_BYTES = 1 << 26  # largest total size, of all estimators together
KEPT_MOST = 64  # largest number of estimators


class Kept(NamedTuple):
    """Work arrays of one estimator."""

    owner: ref
    kind: tuple
    session: Any
    n_bytes: float


_kept: dict[int, Kept] = {}  # the oldest first


def take(owner: Any, kind: tuple) -> Any:
    """The stored session of ``owner`` for work of this kind, or None.

    It is removed from the store, so threads that share an estimator use different sessions.
    """
    found = _kept.pop(id(owner), None)
    return None if found is None or found.kind != kind else found.session


def keep(owner: Any, kind: tuple, session: Any, n_bytes: float) -> None:
    """Store a session for the next ``take``, while ``owner`` lives and the limits allow."""
    key = id(owner)
    _kept[key] = Kept(ref(owner, lambda _: _kept.pop(key, None)), kind, session, n_bytes)
    entries = list(_kept.items())
    total = sum(entry.n_bytes for _, entry in entries)
    for number, (oldest, entry) in enumerate(entries):
        if total <= KEPT_BYTES and len(entries) - number <= KEPT_MOST:
            break
        _kept.pop(oldest, None)
        total -= entry.n_bytes
