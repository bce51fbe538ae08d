"""Locks that are free in a forked child process.

A thread that holds a lock during a fork does not exist in the child, where the lock would stay
closed forever. A fork therefore waits briefly for all locks, so that changes in progress are
completed. The child replaces each lock that was still held.
"""

from __future__ import annotations

import os
import threading
from time import monotonic
from weakref import ref

PATIENCE = 1.0  # longest total wait of a fork, in seconds


class Lock:
    """A lock, used as ``with lock.now: ...``.

    It is reentrant: code of the user that runs in a warning, or a fork in the middle of an update,
    does not wait for its own thread.

    Attributes
    ----------
    now : RLock
        The lock of this process. A block releases the lock that it has acquired.
    """

    __slots__ = ("__weakref__", "now")

    def __init__(self) -> None:
        self.now = threading.RLock()
        key = id(self)
        _locks[key] = ref(self, lambda _: _locks.pop(key, None))

    def anew(self, free: bool) -> None:
        """Prepare the lock in a forked child; if it is not ``free``, its holder does not exist."""
        if not free:
            self.now = threading.RLock()


_locks: dict[int, ref[Lock]] = {}
_taken: dict[int, dict[Lock, threading.RLock]] = {}  # by the id of the forking thread


def _living() -> list[Lock]:
    found = [there() for there in list(_locks.values())]  # a copy: other threads may add locks
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
    _taken.clear()  # the other threads do not exist here
    for lock in _living():
        lock.anew(lock in free)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork, after_in_parent=_release, after_in_child=_after_in_child
    )
