"""Streams that go on with a wider network: as if it had been that wide from the beginning."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm.contrib._wider import with_classes, with_features

rng = np.random.default_rng(0)
X = rng.normal(size=(40, 4))
numbers = X[:, 0] - X[:, 3]
SETTINGS = [
    {},
    {"cell": "1997"},
    {"cell": "peephole", "block_size": 2},
    {"cell": "coupled", "solver": "sgd", "learning_rate_init": 0.05},
    {"bias": None, "alpha": 0.01},
    {"pooling": "max"},
    {"pooling": "mean", "cell": "peephole"},
]
settings = pytest.mark.parametrize("settings", SETTINGS, ids=str)


def close(a, b):
    assert_allclose(a, b, rtol=0, atol=1e-12)


@settings
def test_features_that_appear_might_as_well_have_been_there_before(settings):
    """Features 2 and 3 appear after 25 steps; until then they are 0 in the other stream."""
    narrow = LSTMRegressor(5, random_state=0, **settings).initialize(2).stream()
    wide = with_features(narrow, 4)
    before = narrow.estimator.parameters_.copy()
    for t in range(25):
        close(narrow.step(X[t, :2]), wide.step([*X[t, :2], 0, 0]))
        close(narrow.learn(numbers[t]), wide.learn(numbers[t]))
    assert (narrow.estimator.parameters_ != before).any()
    grown = with_features(narrow, 4)
    for t in range(25, 40):
        if t % 3:
            close(grown.learn(numbers[t]), wide.learn(numbers[t]))
        close(grown.step(X[t]), wide.step(X[t]))
    close(grown.estimator.parameters_, wide.estimator.parameters_)
    new = grown.estimator.layers_[0]["input"][:, 2:]
    assert new.any(axis=0).all()


@settings
@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_class_that_appears_changes_nothing_but_the_classes(n_classes, settings):
    model = LSTMClassifier(5, random_state=0, **settings)
    stream = model.initialize(4, classes=range(n_classes)).stream()
    for t in range(20):
        stream.step(X[t])
        stream.learn(t % n_classes)
    known = stream.predict_proba()
    grown = with_classes(stream, n_classes + 1)
    assert_array_equal(grown.estimator.classes_, np.arange(n_classes + 1))
    first = stream.estimator.stream()
    early = with_classes(first, n_classes + 1)  # has the parameters from the start
    late = with_classes(first, n_classes + 1)
    for t in range(20, 30):
        grown.step(X[t])
        stream.step(X[t])
        proba = grown.predict_proba()
        close(proba[:-1] / proba[:-1].sum(), stream.predict_proba())
        first.step(X[t])
        early.step(X[t])
    late = with_classes(first, n_classes + 1)
    close(late.learn(n_classes), early.learn(n_classes))  # with the traces of ten steps
    close(late.estimator.parameters_, early.estimator.parameters_)
    assert known.shape == (n_classes,)


def test_the_stream_before_stays_what_it_was():
    stream = LSTMClassifier(5, random_state=0).initialize(4, classes=[0, 1]).stream()
    stream.step(X[0])
    parameters, output = stream.estimator.parameters_.copy(), stream.peek(X[1])
    for grown in (with_features(stream, 6), with_classes(stream, 3)):
        grown.step(np.ones(grown.estimator.n_features_in_))
        grown.learn(1)
    assert_array_equal(stream.estimator.parameters_, parameters)
    assert stream.peek(X[1]) == output
    assert stream.estimator.n_features_in_ == 4
    assert_array_equal(stream.estimator.classes_, [0, 1])


def test_the_solver_goes_on():
    stream = LSTMRegressor(5, random_state=0).initialize(4).stream()
    for t in range(5):
        stream.step(X[t])
        stream.learn(numbers[t])
    grown = with_features(stream, 5)
    before, after = stream.estimator._solver_state, grown.estimator._solver_state
    assert after["n_steps"] == before["n_steps"] == 5
    for name in ("mean", "square"):
        assert np.count_nonzero(after[name]) == np.count_nonzero(before[name]) > 0
        assert_array_equal(after[name][after[name] != 0], before[name][before[name] != 0])
    assert grown.estimator.t_ == 5
