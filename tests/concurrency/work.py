"""What all cases let processes and threads do: a bit of everything that uses several threads."""

from __future__ import annotations

import pickle
import warnings
from functools import cache
from hashlib import sha256
from typing import Any

import numpy as np

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm.baselines import RecurrentRegressor
from sklstm.inspection import attributions

rng = np.random.default_rng(0)
X = rng.normal(size=(100, 30, 3))
y = X[:, 0, 0] + X[:, 5, 1]
ragged = [x[: 5 + k % 25] for k, x in enumerate(X)]
labels = np.where(y > 0, "up", "down")


def regressor(n_jobs: int | None = 2, **settings: Any) -> LSTMRegressor:
    given = {
        "hidden_layer_sizes": 16,
        "max_iter": 2,
        "tol": 0.0,
        "n_iter_no_change": 99,
        "random_state": 0,
    }
    return LSTMRegressor(n_jobs=n_jobs, **(given | settings))


def large_stream(n_jobs: int | None = 2) -> Any:
    """One that several threads work on, in the middle of its way."""
    stream = LSTMRegressor(340, random_state=0, n_jobs=n_jobs).initialize(3).stream()
    for x, target in zip(X[0, :3], y[:3], strict=True):
        stream.step(x)
        stream.learn(target)
    stream.step(X[0, 3])
    return stream


@cache
def fitted() -> LSTMRegressor:
    """A model that all share: nobody may change it."""
    return regressor().fit(X, y)


def digest(*arrays: Any) -> str:
    found = sha256()
    for array in arrays:
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()[:16]


def everything(n_jobs: int | None = 2) -> str:
    """Fit, predict, learn, explain and save; the bits of all that comes of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        numbers = regressor(n_jobs).fit(X, y)
        stopped = LSTMClassifier(
            12, bidirectional=True, early_stopping=True, max_iter=2, random_state=0, n_jobs=n_jobs
        ).fit(ragged, labels)
        numbers.partial_fit(X[:40], y[:40])
        stream = pickle.loads(pickle.dumps(large_stream(n_jobs)))
        outputs, losses = stream.learn_steps(X[1, :3], y[:3])
        other = RecurrentRegressor(4, max_iter=1, random_state=0).fit(X[:5], y[:5])
        return digest(
            numbers.parameters_,
            numbers.predict(X),
            stopped.predict_proba(ragged),
            outputs,
            losses,
            stream.steps(X[2, :5]),
            attributions(numbers, X[:20]),
            other.predict(X[:5]),
        )


@cache
def expected() -> str:
    return everything(1)


def same(n_jobs: int | None = 2) -> None:
    """Do everything: the bits have to be those of one thread."""
    found = everything(n_jobs)
    assert found == expected(), f"{found} is not {expected()}"


def predicts(model: LSTMRegressor, outputs: np.ndarray) -> None:
    """A shared model has to predict the same bits."""
    assert model.predict(X).tobytes() == outputs.tobytes()
