"""Cases: Dask's workers, as processes with a nanny and as threads of this process."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from joblib import Parallel, delayed, parallel_config

from sklstm import LSTMClassifier
from tests.cases import needs, package
from tests.engines.work import X, fitted, pipeline, predicts, same, threads_of_a_fit, y
from tests.watchdog import succeeds

dask = needs(package("distributed"))
LIMIT = 60  # seconds that a barrier waits
both = threading.Barrier(2)


@contextmanager
def client(workers: int = 2, threads: int = 1, processes: bool = True) -> Iterator[Any]:
    """A client of new workers. Nannies write to this process's environment, which is restored."""
    from distributed import Client, LocalCluster

    with (
        patch.dict(os.environ),
        LocalCluster(
            n_workers=workers,
            threads_per_worker=threads,
            processes=processes,
            dashboard_address=":0",
        ) as cluster,
        Client(cluster) as found,
    ):
        yield found


@dask
def searches(rounds: int) -> int:
    """joblib's backend of Dask, which sends the data with every task."""
    with client(), parallel_config("dask"):
        for _ in range(rounds):
            same()
    return rounds


@dask
def searches_of_scattered_data(rounds: int) -> int:
    """The same with data that were sent once."""
    with client(), parallel_config("dask", scatter=[X, y]):
        for _ in range(rounds):
            same()
    return rounds


@dask
def bags(rounds: int) -> int:
    """Predictions for the partitions of a bag. The model is pickled once in this process."""
    import dask.bag

    pickled = []
    save = LSTMClassifier.__getstate__

    def counted(network: LSTMClassifier) -> dict[str, Any]:
        pickled.append(network)
        return save(network)

    def predict(part: list, model: Any) -> list:
        return list(model.predict_proba(list(part)))

    with client() as cluster:
        for _ in range(rounds):
            pickled.clear()
            with patch.object(LSTMClassifier, "__getstate__", counted):
                model = cluster.scatter(fitted(), broadcast=True, hash=False)
                parts = dask.bag.from_sequence(X, partition_size=7)
                predicts(parts.map_partitions(predict, model=model).compute())
            assert len(pickled) == 1
    return rounds


def fits(seed: int) -> bytes:
    """Train at the same time as another thread of this process."""
    both.wait(LIMIT)
    return pipeline(random_state=seed, max_iter=30, n_jobs=2).fit(X, y)[-1].parameters_.tobytes()


@dask
def fits_in_two_threads_of_a_worker(rounds: int) -> int:
    """Two fits at the same time in one process have the bits of fits one after the other."""
    alone = [pipeline(random_state=k, max_iter=30).fit(X, y)[-1].parameters_ for k in range(2)]
    with client(workers=1, threads=2) as cluster:
        for _ in range(rounds):
            together = cluster.gather(cluster.map(fits, range(2), pure=False))
            assert together == [parameters.tobytes() for parameters in alone]
    return rounds


@dask
def threads_in_workers(rounds: int) -> int:
    """One thread under a nanny, and those of this process in workers without one."""
    here = threads_of_a_fit()
    for processes, threads in ((True, 1), (True, 2), (False, 1), (False, 2)) * rounds:
        with client(threads=threads, processes=processes) as cluster, parallel_config("dask"):
            wanted = {1} if processes else {here}
            assert set(cluster.gather(cluster.map(threads_of_a_fit, range(4)))) == wanted
            assert set(Parallel()(delayed(threads_of_a_fit)() for _ in range(4))) == wanted
    return rounds


@dask
def threads_in_the_process_of_the_nannies(rounds: int) -> int:
    """What nannies set counts here, too, if sklstm is imported after them."""
    import_first, import_last = "import sklstm", "pass"
    program = """
        from distributed import LocalCluster
        if __name__ == "__main__":
            {}
            with LocalCluster(n_workers=1, dashboard_address=":0"):
                from tests.engines.work import threads_of_a_fit
                print(threads_of_a_fit())
    """
    for _ in range(rounds):
        assert succeeds(program.format(import_first)).strip() == str(threads_of_a_fit())
        assert succeeds(program.format(import_last)).strip() == "1"
    return rounds
