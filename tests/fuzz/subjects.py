"""Small fitted models of every kind, and what they are used with."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from sklearn.pipeline import make_pipeline

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm.baselines import (
    GuessingRegressor,
    RecurrentCascadeRegressor,
    RecurrentRegressor,
    SequenceChunker,
)
from sklstm.compose import RelativeRegressor
from sklstm.preprocessing import (
    SequenceContext,
    SequenceDifferences,
    SequenceEncoder,
    SequenceImputer,
    SequenceScaler,
)

N, T, F = 12, 5, 3
_rng = np.random.default_rng(20)
CUBE = _rng.normal(size=(N, T, F))
RAGGED = [CUBE[k, : 1 + k % T] for k in range(N)]
CODED = np.concatenate([CUBE[:, :, :1], _rng.integers(0, 3, size=(N, T, 2))], axis=2)
HOLES = np.where(_rng.uniform(size=CUBE.shape) < 0.2, np.nan, CUBE)
SYMBOLS = [list("abcab"[: 1 + k % T]) for k in range(N)]
NUMBERS = CUBE[:, 0, 0]
TWO = CUBE[:, 0, :2]
LABELS = np.array(["no", "yes", "both"])[np.arange(N) % 3]
SEVERAL = (CUBE[:, 0, :3] > 0).astype(int)
OF_STEPS = [x[:, 0] for x in CUBE]


class Subject(NamedTuple):
    """A fitted model, what it predicts from, and what it goes on learning from."""

    model: Any
    X: Any
    y: Any


def _labels(X=CUBE, y=LABELS, **parameters: Any) -> Subject:
    settings = dict(max_iter=2, random_state=0) | parameters
    return Subject(LSTMClassifier(3, **settings).fit(X, y), X, y)


def _numbers(X=CUBE, y=NUMBERS, sizes: Any = 3, **parameters: Any) -> Subject:
    settings = dict(max_iter=2, random_state=0) | parameters
    return Subject(LSTMRegressor(sizes, **settings).fit(X, y), X, y)


def _frames() -> Subject:
    import pandas as pd

    X = [pd.DataFrame(x, columns=list("uvw")) for x in CUBE]
    for k, frame in enumerate(X):
        frame["kind"] = pd.Categorical(["red", "green"] * 2 + ["red"] if k else ["blue"] * T)
    return _labels(X, categorical_features="from_dtype")


def _unfinished() -> Subject:
    """As a checkpoint holds it."""
    subject = _labels(max_iter=4, early_stopping=False)
    vector = subject.model.parameters_
    kept = {name: vector.copy() for name in ("vector", "best", "at_lowest", "before")}
    records = {"n_iter": 2, "t": 24, "loss": 1.0, "best_loss": 1.0, "best_score": None}
    rest = {"lowest": 1.0, "first": 1.0, "records": records}
    subject.model._unfinished = kept | rest | {"best": None}
    return subject


def _relative() -> Subject:
    inner = LSTMRegressor(2, max_iter=2, random_state=0)
    return Subject(RelativeRegressor(inner, columns=0).fit(CUBE, NUMBERS), CUBE, NUMBERS)


def _baseline(kind: type, *args: Any, **parameters: Any) -> Subject:
    model = kind(*args, max_iter=3, random_state=0, **parameters)
    return Subject(model.fit(CUBE, NUMBERS), CUBE, NUMBERS)


def _alone(transformer: Any, X: Any) -> Subject:
    return Subject(transformer.fit(X), X, None)


def _pipeline(*steps: Any, X: Any = CUBE, y: Any = LABELS) -> Subject:
    last = LSTMClassifier(2, max_iter=2, random_state=0)
    return Subject(make_pipeline(*steps, last).fit(X, y), X, y)


MAKERS: dict[str, Callable[[], Subject]] = {
    "classifier": _labels,
    "ragged": lambda: _labels(RAGGED),
    "two classes": lambda: _labels(y=LABELS == "no", class_weight={True: 2.0, False: 1.0}),
    "multilabel": lambda: _labels(y=SEVERAL),
    "early stopping": lambda: _labels(
        CUBE.repeat(3, 0), LABELS.repeat(3), early_stopping=True, warm_start=True
    ),
    "unfinished": _unfinished,
    "categories": lambda: _labels(CODED, categorical_features=[1, 2]),
    "categories, SGD": lambda: _numbers(
        CODED.astype(np.float32), categorical_features=[1, 2], solver="sgd", bidirectional=True
    ),
    "frames": _frames,
    "float32": lambda: _numbers(CUBE.astype(np.float32), TWO),
    "1997": lambda: _numbers(cell="1997", block_size=2, solver="sgd", learning_rate="invscaling"),
    "peephole": lambda: _numbers(
        y=OF_STEPS, sizes=(2, 3), cell="peephole", bidirectional=True, return_sequences=True
    ),
    "coupled": lambda: _numbers(sizes=(2, 2), cell="coupled", pooling="max", dropout=0.2),
    "steps": lambda: _numbers(y=OF_STEPS, return_sequences=True, pooling="last"),
    "quantiles": lambda: _numbers(y=TWO, loss="quantile", quantile=[0.1, 0.9]),
    "table": lambda: _numbers(CUBE.reshape(N, -1), features_per_step=F, alpha=0.01),
    "relative": _relative,
    "BPTT": lambda: _baseline(RecurrentRegressor, 3),
    "RTRL": lambda: _baseline(RecurrentRegressor, 3, connections="full", gradient="rtrl"),
    "chunker": lambda: _baseline(SequenceChunker, 3),
    "cascade": lambda: _baseline(RecurrentCascadeRegressor, 2, n_candidates=2),
    "guessing": lambda: _baseline(GuessingRegressor, 2),
    "scaler": lambda: _alone(SequenceScaler(), HOLES),
    "imputer": lambda: _alone(SequenceImputer("mean"), HOLES),
    "encoder": lambda: _alone(SequenceEncoder(), SYMBOLS),
    "context": lambda: _alone(SequenceContext(2, 1), CUBE),
    "differences": lambda: _alone(SequenceDifferences(), CUBE),
    "scaled": lambda: _pipeline(SequenceScaler()),
    "filled": lambda: _pipeline(
        SequenceImputer("forward"), SequenceDifferences(), SequenceContext(2, 0), X=HOLES
    ),
    "encoded": lambda: Subject(
        make_pipeline(
            SequenceEncoder(),
            LSTMClassifier(2, max_iter=2, random_state=0, categorical_features=[0]),
        ).fit(SYMBOLS, LABELS),
        SYMBOLS,
        LABELS,
    ),
}


@cache
def _pickled(name: str) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pickle.dumps(MAKERS[name]())


def subject(name: str) -> Subject:
    """A new copy each time."""
    return pickle.loads(_pickled(name))
