"""What the cases let workers do: searches over ragged sequences, and predictions."""

from __future__ import annotations

import os
import threading
from functools import cache
from hashlib import sha256
from typing import Any

import numpy as np
from joblib import parallel_config
from scipy.stats import loguniform
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingRandomSearchCV
from sklearn.pipeline import Pipeline, make_pipeline

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm._threads import effective_n_jobs
from sklstm.preprocessing import SequenceScaler

rng = np.random.default_rng(0)
X = [rng.normal(size=(3 + k % 6, 2)) for k in range(60)]
y = np.array(["up" if x[-2, 0] > 0 else "down" for x in X])
per_step = [x.cumsum(axis=0)[:, 1] for x in X]


def pipeline(**settings: Any) -> Pipeline:
    given = {"hidden_layer_sizes": 6, "max_iter": 4, "random_state": 0}
    return make_pipeline(SequenceScaler(), LSTMClassifier(**(given | settings)))


@cache
def fitted() -> Pipeline:
    """A model that all share: nobody may change it."""
    return pipeline(max_iter=10).fit(X, y)


def digest(*arrays: Any) -> str:
    found = sha256()
    for array in arrays:
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()[:16]


def accuracy_and_place(model: Pipeline, X: list, y: np.ndarray) -> dict[str, float]:
    """The score of a candidate, and the process and thread that computed it."""
    place = {"process": os.getpid(), "thread": threading.get_native_id()}
    return {"accuracy": model.score(X, y)} | place


def outcome(search: Any, score: str = "score") -> str:
    """The bits of a search: every score, and the model that was fitted again."""
    best = search.best_estimator_
    network = best[-1] if isinstance(best, Pipeline) else best
    splits = [search.cv_results_[f"split{k}_test_{score}"] for k in range(search.n_splits_)]
    return digest(*splits, network.parameters_)


def grid() -> tuple[str, set[int], set[int]]:
    """A grid over a pipeline: its bits, and the processes and threads that worked."""
    candidates = {
        "lstmclassifier__cell": ["forget", "coupled"],
        "lstmclassifier__hidden_layer_sizes": [5, 9],
    }
    search = GridSearchCV(
        pipeline(), candidates, cv=2, scoring=accuracy_and_place, refit="accuracy"
    ).fit(X, y)
    places = (
        {int(n) for k in range(2) for n in search.cv_results_[f"split{k}_test_{kind}"]}
        for kind in ("process", "thread")
    )
    return outcome(search, "accuracy"), *places


def halving(resource: str, **resources: int) -> str:
    """Successive halving over a pipeline: its bits."""
    space = {"lstmclassifier__learning_rate_init": loguniform(1e-3, 1e-1)}
    return outcome(
        HalvingRandomSearchCV(
            pipeline(), space, resource=resource, cv=2, random_state=0, **resources
        ).fit(X, y)
    )


def steps() -> str:
    """A grid over a regressor with a target per step: its bits."""
    regressor = LSTMRegressor(5, return_sequences=True, max_iter=3, random_state=0)
    search = GridSearchCV(regressor, {"bidirectional": [False, True]}, cv=2)
    return outcome(search.fit(X, per_step))


def searches() -> tuple[str, set[int], set[int]]:
    """All searches, on the engine in whose context this is called."""
    bits, processes, threads = grid()
    by_sequences = halving("n_samples", min_resources=20)
    by_epochs = halving(
        "lstmclassifier__max_iter", min_resources=1, max_resources=4, n_candidates=6
    )
    return " ".join([bits, by_sequences, by_epochs, steps()]), processes, threads


@cache
def expected() -> str:
    """The bits of all searches in this process, one fit after the other."""
    with parallel_config("sequential"):
        return searches()[0]


def same(threads_here: bool = False) -> None:
    """Search on the engine of this context: the bits of one process, from other processes.

    With ``threads_here``, other threads of this process have to do the work.
    """
    bits, processes, threads = searches()
    assert bits == expected(), f"{bits} is not {expected()}"
    if threads_here:
        assert processes == {os.getpid()}
        assert threading.get_native_id() not in threads
    else:
        assert os.getpid() not in processes


def threads_of_a_fit(_: object = None) -> int:
    """How many threads ``n_jobs=None`` is here."""
    return effective_n_jobs(None)


def predicts(probabilities: Any) -> None:
    """Predictions have the bits of one call."""
    assert np.asarray(probabilities).tobytes() == fitted().predict_proba(X).tobytes()
