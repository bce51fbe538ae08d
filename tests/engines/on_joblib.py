"""Cases: joblib's own backends."""

from __future__ import annotations

from joblib import Parallel, delayed, parallel_config

from tests.engines.work import same, threads_of_a_fit


def searches_in_processes(rounds: int) -> int:
    """loky's processes."""
    with parallel_config("loky", n_jobs=2):
        for _ in range(rounds):
            same()
    return rounds


def searches_in_threads(rounds: int) -> int:
    """Threads of this process."""
    with parallel_config("threading", n_jobs=2):
        for _ in range(rounds):
            same(threads_here=True)
    return rounds


def threads_in_workers(rounds: int) -> int:
    """A fit in a worker uses one thread, whatever loky allows OpenMP."""
    backends = (("loky", {}), ("loky", {"inner_max_num_threads": 2}), ("threading", {}))
    for backend, options in backends * rounds:
        with parallel_config(backend, n_jobs=2, **options):
            assert set(Parallel()(delayed(threads_of_a_fit)() for _ in range(4))) == {1}
    return rounds
