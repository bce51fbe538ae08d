"""Cases: processes of pools, started in all ways, and pools in pools."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

from joblib import Parallel, delayed, parallel_config
from sklearn.model_selection import GridSearchCV

from tests.cases import fork, needs
from tests.concurrency.work import X, everything, expected, fitted, predicts, regressor, same, y


def spawned(rounds: int) -> int:
    """Processes that are spawned."""
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert set(pool.map(everything, [2] * 2 * rounds)) == {expected()}
    return 2 * rounds


@needs(fork)
def of_a_fork_server(rounds: int) -> int:
    """Children of a server that has imported the package."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.concurrency.work"])
    with context.Pool(2) as pool:
        assert set(pool.map(everything, [2] * 2 * rounds)) == {expected()}
    return 2 * rounds


@needs(fork)
def of_an_executor(rounds: int) -> int:
    """A forking executor of a parent whose threads have worked."""
    same()
    with ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as pool:
        assert set(pool.map(everything, [2] * 2 * rounds)) == {expected()}
    return 2 * rounds


@needs(fork)
def of_forking_joblib(rounds: int) -> int:
    """joblib's backend that forks."""
    same()
    with Parallel(n_jobs=2, backend="multiprocessing") as parallel:
        assert set(parallel(delayed(everything)(2) for _ in range(2 * rounds))) == {expected()}
    return 2 * rounds


def _inner(backend: str) -> set[str]:
    """A pool in a worker."""
    with parallel_config(backend):
        return set(Parallel(n_jobs=2)(delayed(everything)(2) for _ in range(2)))


def nested(rounds: int) -> int:
    """loky's workers, with threads or every other time workers, and `n_jobs` in them."""
    with Parallel(n_jobs=2, backend="loky") as parallel:
        for k in range(rounds):
            found = parallel(delayed(_inner)(("threading", "loky")[k % 2]) for _ in range(2))
            assert found == [{expected()}] * 2
    return 2 * rounds


def searches(rounds: int) -> int:
    """Searches in the workers of a search, around fits with threads."""
    outputs = []
    for backend in ("loky", "threading") * rounds:
        inner = GridSearchCV(regressor(), {"alpha": [0.0, 0.1]}, cv=2, n_jobs=2)
        with parallel_config(backend):
            search = GridSearchCV(inner, {"estimator__solver": ["adam", "sgd"]}, cv=2, n_jobs=2)
            outputs.append(search.fit(X[:40], y[:40]).predict(X).tobytes())
    assert len(set(outputs)) == 1
    return len(outputs)


def shared_model(rounds: int) -> int:
    """One model in the threads of joblib and, pickled or mapped into memory, in its processes."""
    outputs = fitted().predict(X)
    for backend in ("threading", "loky") * rounds:
        with Parallel(n_jobs=2, backend=backend, max_nbytes=100) as parallel:
            parallel(delayed(predicts)(fitted(), outputs) for _ in range(4))
    return 8 * rounds
