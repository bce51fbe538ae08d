"""What a user with a type checker writes; test_typing.py checks it, nothing runs it."""

from typing import Any, assert_type

import numpy as np
from sklearn.pipeline import make_pipeline  # type: ignore[import-untyped]

from sklstm import LSTMClassifier, LSTMRegressor, Stream, stream
from sklstm.baselines import RecurrentRegressor
from sklstm.compose import RelativeRegressor
from sklstm.datasets import make_adding
from sklstm.inspection import hidden_states
from sklstm.preprocessing import (
    SequenceImputer,
    SequenceScaler,
    from_long,
    from_padded,
    sliding_windows,
    to_padded,
)

X: list[np.ndarray] = from_padded(np.zeros((4, 3, 2)))
y = np.arange(4) % 2

classifier = LSTMClassifier((16, 8), cell="1997", gate_bias={"input": -1.0}, random_state=0)
assert_type(classifier.fit(X, y), LSTMClassifier)
assert_type(classifier.partial_fit(X, y, classes=[0, 1]), LSTMClassifier)
assert_type(classifier.initialize(2, classes=[0, 1]), LSTMClassifier)
assert_type(classifier.predict(X), np.ndarray | list[np.ndarray])
assert_type(classifier.predict_proba(X), np.ndarray | list[np.ndarray])
assert_type(classifier.score(X, y), float)
assert_type(classifier.layers_, list[dict[str, np.ndarray]])
assert_type(classifier.n_parameters_, int)

LSTMClassifier(
    categorical_features=[0, 2],
    class_weight={0: 1.0, 1: 2.5},
    scoring=lambda model, X, y: 0.5,
    random_state=np.random.RandomState(0),
)
LSTMClassifier(categorical_features=["event"], class_weight="balanced", scoring="f1_macro")
LSTMClassifier(
    categorical_features="from_dtype", max_iter=5, batch_size=32, tol=1e-4, clip_norm=1.0
)
LSTMClassifier(bias=None, clip_norm=None, n_jobs=2, features_per_step=2, verbose=1)
LSTMRegressor(max_iter=5, batch_size=32, tol=1e-4, n_jobs=2, features_per_step=2, bias="gates")
LSTMClassifier(categorical_features=np.array([True, False]))

regressor = LSTMRegressor(8, loss="quantile", quantile=[0.1, 0.9])
assert_type(regressor.fit(X, y), LSTMRegressor)
assert_type(regressor.predict(X), np.ndarray | list[np.ndarray])
assert_type(regressor.stream(), Stream)
assert_type(regressor.stream().step(X[0][0]), float | np.ndarray)
assert_type(regressor.stream().steps(X[0]), np.ndarray)
online = stream(make_pipeline(SequenceScaler(), regressor))
assert_type(online.learn(0.5), float)

assert_type(SequenceScaler(with_mean=False).fit(X), SequenceScaler)
assert_type(SequenceImputer("mean", add_indicator=True).fit(X), SequenceImputer)
assert_type(RelativeRegressor(regressor).fit(X, y), RelativeRegressor)
assert_type(RecurrentRegressor(5).fit(X, y), RecurrentRegressor)
windows, targets = sliding_windows(np.arange(9.0), 3, horizon=[1, 2])
assert_type(windows, np.ndarray)
frame: Any = None  # a data frame
assert_type(from_long(frame, id="id"), tuple[list[np.ndarray], np.ndarray])
assert_type(to_padded(X), np.ndarray)
states: Any = hidden_states(classifier, X)
adding: Any = make_adding(4, random_state=0)
