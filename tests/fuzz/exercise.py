"""What is done with a model or a stream that may be broken, and what may come of it."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import sklstm
from sklstm import Stream
from tests.fuzz.subjects import F

# What may be raised. A ValueError says what does not fit; the others are Python's own words where
# a private attribute is not there, or is of another type. None of these means that memory was read
# or written where it may not be. A BufferError is said of arrays that are read-only.
REFUSALS = (
    ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RuntimeError, BufferError,
)  # fmt: skip
Step = tuple[str, Callable[[], Any]]


def of_model(model: Any, X: Any, y: Any) -> Iterator[Step]:
    """All that is done with a model."""
    if not hasattr(model, "predict"):
        yield from _of_transformer(model, X)
        return
    yield "predict", lambda: model.predict(X)
    yield "predict one", lambda: model.predict(X[:1])
    yield "score", lambda: model.score(X, y)
    if hasattr(model, "predict_proba"):
        yield "predict_proba", lambda: model.predict_proba(X)
    last = model[-1] if hasattr(model, "steps") else model
    for name in ("layers_", "output_weights_", "n_parameters_", "categories_", "weights_"):
        yield name, lambda name=name: getattr(last, name, None)
    if hasattr(last, "stream"):
        yield from of_stream(lambda: sklstm.stream(model), X, y)
    # as many trials or epochs as a parameter asks for would be no hang
    few = getattr(model, "max_iter", 0) in range(100)
    if hasattr(model, "partial_fit") and (few or not hasattr(model, "n_right_")):
        yield "partial_fit", lambda: model.partial_fit(X, y)
    if getattr(model, "warm_start", False) is True and few:
        yield "fit", lambda: model.fit(X, y)
    yield "predict after it", lambda: model.predict(X)
    yield "pickle", lambda: len(pickle.dumps(model))


def _of_transformer(model: Any, X: Any) -> Iterator[Step]:
    yield "transform", lambda: model.transform(X)
    if model.n_features_in_ < 10**5:  # as many names as are asked for
        yield "names", lambda: model.get_feature_names_out()
    if hasattr(model, "inverse_transform"):
        yield "inverse_transform", lambda: model.inverse_transform(model.transform(X))
    if hasattr(model, "partial_fit"):
        yield "partial_fit", lambda: model.partial_fit(X)
    if hasattr(model, "stream"):
        yield "stream", lambda: model.stream().step(X[-1][0])
    yield "pickle", lambda: len(pickle.dumps(model))


def of_stream(make: Callable[[], Stream], X: Any, y: Any) -> Iterator[Step]:
    """All that is done with a stream."""
    made: list[Any] = []
    x = rows_of(X)
    target = y[-1]
    if isinstance(y, list):  # one for each step
        target = target[0]
    yield "stream", lambda: made.append(make())
    yield from (
        ("step", lambda: made[0].step(x[0])),
        ("stream.predict", lambda: made[0].predict()),
        ("learn", lambda: made[0].learn(target)),
        ("peek", lambda: made[0].peek(x[0])),
        ("steps", lambda: made[0].steps(x)),
        ("learn_steps", lambda: made[0].learn_steps(x, [target] * len(x))),
        ("step after it", lambda: made[0].step(x[-1])),
        ("save", lambda: len(pickle.dumps(made[0]))),
        ("reset", lambda: made[0].reset()),
        ("step anew", lambda: made[0].step(x[0])),
    )


def rows_of(X: Any) -> Any:
    """The last sequence, as steps of a stream."""
    x = X[-1]
    if hasattr(x, "iloc"):
        return list(x.itertuples(index=False, name=None))
    return x.reshape(-1, F) if np.ndim(x) == 1 and isinstance(x, np.ndarray) else x


def carried_out(steps: Iterator[Step]) -> str | None:
    """The first refusal, in words, of all the steps; any other exception goes on its way."""
    refused = None
    while True:
        try:
            name, act = next(steps)
        except StopIteration:
            return refused
        except REFUSALS as error:  # looking at the model is enough
            return refused or f"{type(error).__name__}: {error}"
        try:
            act()
        except REFUSALS as error:
            refused = refused or f"{name}: {type(error).__name__}: {error}"
