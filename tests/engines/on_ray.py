"""Cases: Ray's workers. Its processes start once, at the first case."""

from __future__ import annotations

import atexit
from functools import cache
from typing import Any

import numpy as np
from joblib import Parallel, delayed, parallel_config

from tests.cases import needs, package
from tests.engines.work import X, fitted, predicts, same, threads_of_a_fit

ray = needs(package("ray"))
ray_data = needs(package("ray.data"))


@cache
def started() -> Any:
    """Ray with two processors on this machine, until this process ends."""
    import ray

    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="error",
        _node_ip_address="127.0.0.1",
    )
    atexit.register(ray.shutdown)
    return ray


@ray
def searches(rounds: int) -> int:
    """joblib's backend of Ray."""
    started()
    from ray.util.joblib import register_ray

    register_ray()
    with parallel_config("ray", n_jobs=2):
        for _ in range(rounds):
            same()
        assert set(Parallel()(delayed(threads_of_a_fit)() for _ in range(4))) == {1}
    return rounds


class Predict:
    """An actor that receives the model once."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        return {"row": batch["row"], "p": self.model.predict_proba(list(batch["x"]))}


@ray_data
def data(rounds: int) -> int:
    """Actors of Ray Data predict batches of ragged sequences."""
    ray = started()
    sequences = ray.data.from_items([{"row": row, "x": x} for row, x in enumerate(X)])
    actors = ray.data.ActorPoolStrategy(size=2)
    for _ in range(rounds):
        rows = sequences.map_batches(
            Predict, fn_constructor_args=(fitted(),), batch_size=7, compute=actors
        ).take_all()
        rows.sort(key=lambda row: row["row"])
        predicts(np.array([row["p"] for row in rows]))
    return rounds


@ray
def objects(rounds: int) -> int:
    """Tasks share a model that was put into the object store once."""
    ray = started()

    @ray.remote
    def predict(model: Any, part: list) -> np.ndarray:
        return model.predict_proba(part)

    for _ in range(rounds):
        model = ray.put(fitted())
        parts = [predict.remote(model, X[k : k + 7]) for k in range(0, len(X), 7)]
        predicts(np.concatenate(ray.get(parts)))
    return rounds


@ray
def threads_in_workers(rounds: int) -> int:
    """A task uses one thread. An actor uses as many threads as it has processors."""
    ray = started()

    @ray.remote
    class Actor:
        def threads(self) -> int:
            return threads_of_a_fit()

    task = ray.remote(threads_of_a_fit)
    for _ in range(rounds):
        assert ray.get([task.remote() for _ in range(2)]) == [1, 1]
        for n_processors in (1, 2):
            actor = Actor.options(num_cpus=n_processors).remote()
            assert ray.get(actor.threads.remote()) == n_processors
            ray.kill(actor)
    return rounds
