"""Cases: Ctrl-C at random moments: a model is the old or the new one, by bits, and goes on.

Only training keeps what it has learned until then, and says so.
"""

from __future__ import annotations

import pickle
import signal
import time
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import joblib
import numpy as np

from sklstm import LSTMClassifier, LSTMRegressor
from tests.cases import needs

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 20, 2))
y = X[:, 0, 0]
# No part of the model: the note that settings were looked at, and the curve, to which partial_fit
# adds its loss when the model has changed.
APART = ("_validated", "loss_curve_")
SETTINGS = {"max_iter": 4, "random_state": 0, "n_jobs": 2, "tol": None}


class Way(NamedTuple):
    """A call that is interrupted.

    Attributes
    ----------
    begin : bytes
        The pickled model, before.
    call : callable
        Given a model.
    steps : callable, default=None
        The calls that it is made of, one by one: after each, the model may be left.
    trains : bool, default=False
        Whether what was learned may be kept, with a warning.
    """

    begin: bytes
    call: Callable[[Any], object]
    steps: Callable[[Any], list[Callable[[], object]]] | None = None
    trains: bool = False


def _learn_steps(model: Any) -> object:
    return model.stream().learn_steps(X[0], y[:20])


def _one_by_one(model: Any) -> list[Callable[[], object]]:
    stream = model.stream()

    def learn(x, target):
        stream.step(x)
        stream.learn(target)

    return [lambda x=x, t=t: learn(x, t) for x, t in zip(X[0], y[:20], strict=True)]


def _learn(model: Any) -> object:
    return [call() for call in _one_by_one(model)]


def ways() -> dict[str, Way]:
    fitted = LSTMRegressor(64, **SETTINGS).fit(X, y)
    labels = LSTMClassifier(32, early_stopping=True, n_iter_no_change=9, **SETTINGS).fit(X, y > 0)
    sgd = LSTMRegressor(64, solver="sgd", **SETTINGS).fit(X, y)
    large = LSTMRegressor(300, random_state=0).initialize(2)
    warm = pickle.loads(pickle.dumps(fitted)).set_params(warm_start=True)
    new, old, stopping = map(pickle.dumps, (LSTMRegressor(64, **SETTINGS), fitted, labels))

    def fit(model):
        return model.fit(X, y)

    return {
        "first fit": Way(new, fit, trains=True),
        "fit again": Way(old, fit, trains=True),
        "warm start": Way(pickle.dumps(warm), fit, trains=True),
        "early stopping": Way(stopping, lambda model: model.fit(X, y > 0), trains=True),
        "partial_fit": Way(old, lambda model: model.partial_fit(X, y), trains=True),
        "initialize": Way(old, lambda model: model.initialize(5)),
        "learn": Way(old, _learn, _one_by_one),
        "learn, sgd": Way(pickle.dumps(sgd), _learn, _one_by_one),
        "learn_steps": Way(old, _learn_steps, _one_by_one),
        "learn_steps, large": Way(pickle.dumps(large), _learn_steps, _one_by_one),
        "predict": Way(old, lambda model: model.predict(X)),
    }


def state(model: Any) -> str:
    """The bits of all attributes that make the model."""
    return joblib.hash({name: value for name, value in vars(model).items() if name not in APART})


def legitimate(way: Way) -> set[str]:
    """What a model may be after an interrupt."""
    model = pickle.loads(way.begin)
    found = {state(model)}
    if way.steps is not None:
        for call in way.steps(model):
            call()
            found.add(state(model))
        return found
    way.call(model)
    return found | {state(model)}


def interrupted(way: Way, after: float) -> tuple[Any, bool, bool]:
    """The model, whether the interrupt came out of the call, and whether it warned of it."""
    model, came = pickle.loads(way.begin), False
    said: list[str] = []
    warnings.showwarning = lambda message, *args, **kwargs: said.append(str(message))
    try:
        signal.setitimer(signal.ITIMER_REAL, after)
        way.call(model)
        end = time.monotonic() + 5
        while not any("interrupted" in words for words in said) and time.monotonic() < end:
            time.sleep(0.1)  # until it comes, if it has not yet
    except KeyboardInterrupt:
        came = True
    signal.setitimer(signal.ITIMER_REAL, 0)
    return model, came, any("interrupted" in words for words in said)


def why_not() -> str:
    return "" if hasattr(signal, "setitimer") else "there are no timers here"


def goes_on(model: Any) -> None:
    """It predicts, and learns on."""
    if not hasattr(model, "parameters_"):
        model.fit(X, y)
    some = X if model.n_features_in_ == 2 else rng.normal(size=(60, 20, model.n_features_in_))
    target = y > 0 if hasattr(model, "classes_") else y
    assert np.isfinite(model.parameters_).all()
    assert len(model.predict(some)) == 60
    stream = model.stream()
    stream.step(some[0, 0])
    stream.learn(target[0])
    model.set_params(early_stopping=False).partial_fit(some, target)
    assert np.isfinite(model.parameters_).all()
    assert len(model.predict(some)) == 60


def _check(name: str, way: Way, model: Any, legal: set[str], came: bool, said: bool) -> None:
    found = state(model)
    if found not in legal:
        assert way.trains and said, f"{name}: the model is neither the old nor the new one"
        assert len(model.loss_curve_) >= model.n_iter_
        assert np.isfinite(model.loss_) or model.n_iter_ == 0
    assert came or said or not way.trains, name
    goes_on(model)


@needs(why_not)
def at_random_moments(rounds: int) -> int:
    """Each call, so many times."""
    draw = np.random.default_rng()
    warnings.simplefilter("always")
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    tried, failed = 0, []
    for name, way in ways().items():
        legal = legitimate(way)
        begin = time.perf_counter()
        way.call(pickle.loads(way.begin))
        seconds = time.perf_counter() - begin
        for _ in range(rounds):
            model, came, said = interrupted(way, draw.uniform(1e-6, seconds))
            try:
                _check(name, way, model, legal, came, said)
            except AssertionError as error:
                failed.append(str(error))
            tried += 1
    signal.signal(signal.SIGALRM, before)
    assert not failed, f"{len(failed)} of {tried}: {sorted(set(failed))}"
    return tried
