"""Calls of more work than lies between two looks for signals: the same as calls of less."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklstm import LSTMRegressor
from sklstm.baselines import (
    GuessingRegressor,
    RecurrentCascadeRegressor,
    RecurrentRegressor,
    SequenceChunker,
)

LOOK = 20_000_000  # multiply-adds, as in signals.pxd
RNG = np.random.default_rng(0)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def model_on_a_stream():
    return LSTMRegressor(64, gradient="truncated", random_state=0).initialize(2)


@pytest.mark.parametrize("learns", [False, True])
def test_many_steps_of_a_stream_are_those_of_blocks(learns):
    streams = [model_on_a_stream().stream() for _ in range(2)]
    n_steps = 4 * LOOK // streams[0].estimator.n_parameters_
    X, y = RNG.normal(size=(n_steps, 2)), RNG.normal(size=n_steps)

    def fed(stream, some):
        return stream.learn_steps(X[some], y[some])[0] if learns else stream.steps(X[some])

    at_once = fed(streams[0], slice(None))
    parts = [fed(streams[1], slice(k, k + 100)) for k in range(0, n_steps, 100)]
    assert_array_equal(at_once, np.concatenate(parts))
    vectors = [stream.estimator.parameters_ for stream in streams]
    assert_array_equal(*vectors)


BASELINES = {
    "recurrent": lambda: RecurrentRegressor(20),
    "forward in time": lambda: RecurrentRegressor(12, gradient="rtrl"),
    "guesses": lambda: GuessingRegressor(20),
    "chunker": lambda: SequenceChunker(10),
    "cascade": lambda: RecurrentCascadeRegressor(4),
}
LENGTH = 2000
X = RNG.normal(size=(60, LENGTH, 2))
Y = np.sign(X.sum(axis=(1, 2)))


def small(name):
    """A baseline that has learned from few short sequences."""
    n_epochs = 400 if name == "cascade" else 2  # until there are units
    model = BASELINES[name]().set_params(max_iter=n_epochs, random_state=0)
    return model.fit(X[:10, :50], Y[:10])


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_predicts_many_sequences_as_it_does_one_by_one(name):
    model = small(name)
    alone = np.concatenate([model.predict(X[k : k + 1]) for k in range(len(X))])
    np.testing.assert_allclose(model.predict(X), alone, rtol=1e-12)


@pytest.mark.parametrize("name", ["recurrent", "forward in time", "chunker"])
def test_a_baseline_learns_from_many_sequences_as_from_parts(name):
    whole, parts = small(name), small(name)
    some = X[:, :200] if name == "forward in time" else X  # less than a look for each
    whole.partial_fit(some, Y)
    for k in range(len(X)):
        parts.partial_fit(some[k : k + 1], Y[k : k + 1])
    assert_array_equal(whole.parameters_, parts.parameters_)


def test_a_guess_is_right_on_many_copies_where_it_is_on_one():
    settings = dict(max_iter=200, tolerance=0.6, random_state=0)
    few, many = (GuessingRegressor(20, **settings) for _ in range(2))
    some, targets, n = X[:6, :20], (Y[:6] > 0).astype(float), 2000
    few.fit(some, targets)
    many.fit(np.concatenate([some] * n), np.concatenate([targets] * n))
    assert (few.n_right_, many.n_right_) == (6, 6 * n)
    assert_array_equal(few.parameters_, many.parameters_)
