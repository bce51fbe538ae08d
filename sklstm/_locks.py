"""Locks that are free in a forked child, whoever held them in its parent.

A thread that holds a lock at a fork is not in the child: nobody would ever open it there. So a
fork waits a moment for those who hold one, which leaves what they change complete, and the child
makes anew each lock that it could not wait for.
"""

from __future__ import annotations

import os
import threading
from time import monotonic
from weakref import ref

PATIENCE = 1.0  # seconds that a fork waits, for all locks together


class Lock:
    """A lock: ``with lock.now: ...``.

    The thread that holds it may take it again: a warning that runs code of the user, or a fork
    in the middle of an update, does not wait for itself.

    Attributes
    ----------
    now : RLock
        That of this process. A block that has begun ends with the one that it began with.
    """

    __slots__ = ("__weakref__", "now")

    def __init__(self) -> None:
        self.now = threading.RLock()
        key = id(self)
        _locks[key] = ref(self, lambda _: _locks.pop(key, None))

    def anew(self, free: bool) -> None:
        """Begin in a forked child, where it is ``free`` or held by nobody who is there."""
        if not free:
            self.now = threading.RLock()


_locks: dict[int, ref[Lock]] = {}
_taken: dict[int, dict[Lock, threading.RLock]] = {}  # by the threads that fork


def _living() -> list[Lock]:
    found = [there() for there in list(_locks.values())]  # other threads may make locks
    return [lock for lock in found if lock is not None]


def _before_fork() -> None:
    taken = _taken[threading.get_ident()] = {}
    end = monotonic() + PATIENCE
    for lock in _living():
        now = lock.now
        if now.acquire(timeout=max(0.0, end - monotonic())):
            taken[lock] = now


def _release() -> dict[Lock, threading.RLock]:
    taken = _taken.pop(threading.get_ident(), {})
    for now in taken.values():
        now.release()
    return taken


def _after_in_child() -> None:
    free = _release()
    _taken.clear()  # of threads that are not here
    for lock in _living():
        lock.anew(lock in free)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork, after_in_parent=_release, after_in_child=_after_in_child
    )
