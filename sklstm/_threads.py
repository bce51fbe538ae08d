"""Number of threads that a call may use."""

from __future__ import annotations

import os

from joblib import cpu_count
from joblib.parallel import get_active_backend

from sklstm import _runtime

MOST = 1024  # limit of threads: larger numbers do not help and can make the system fail
_forked = False


def _after_fork() -> None:
    # libgomp's threads do not survive a fork, and waiting for them hangs. A child uses one thread.
    global _forked
    _forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def effective_n_jobs(n_jobs: int | None) -> int:
    """Number of threads for ``n_jobs``; results do not depend on it.

    None is what OpenMP allows (``OMP_NUM_THREADS``, else the processors that the process may use),
    or one inside a joblib worker. -1 is all processors, -2 all but one, and so on.
    """
    if _forked or not _runtime.has_openmp:
        return 1
    if n_jobs is None:
        if get_active_backend()[0].nesting_level:
            return 1
        return min(_runtime.max_threads(), _processors())
    if n_jobs < 0:
        return max(1, _processors() + 1 + n_jobs)
    return min(n_jobs, MOST)


def _processors() -> int:
    if "OMP_NUM_THREADS" in os.environ:
        return _runtime.max_threads()
    global _count
    if _count is None:
        _count = cpu_count()  # respects cgroups and affinity; a call takes a millisecond
    return _count


_count: int | None = None
