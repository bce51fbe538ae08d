"""Cases: joblib's own backends, and the pools of the standard library beside them."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor

from joblib import Parallel, delayed, parallel_config

from tests.engines.work import same, threads_of_a_fit

BACKENDS = (
    ("loky", {}),
    ("loky", {"inner_max_num_threads": 2}),
    ("multiprocessing", {}),
    ("threading", {}),
)


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
    for backend, options in BACKENDS * rounds:
        with parallel_config(backend, n_jobs=2, **options):
            assert set(Parallel()(delayed(threads_of_a_fit)() for _ in range(4))) == {1}
    return rounds


def threads_in_executors(rounds: int) -> int:
    """Without joblib, threads and new processes use all processors, and a fork one."""

    def found(executor: Executor) -> set[int]:
        with executor:
            return set(executor.map(threads_of_a_fit, range(4)))

    here = threads_of_a_fit()
    for _ in range(rounds):
        assert found(ThreadPoolExecutor(2)) == {here}
        for start in multiprocessing.get_all_start_methods():
            pool = ProcessPoolExecutor(2, multiprocessing.get_context(start))
            assert found(pool) == {1 if start == "fork" else here}
    return rounds
