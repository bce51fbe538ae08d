"""Every cell at every door: what a batch, a stream and an inspection compute is the same cell."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklstm import LSTMRegressor
from sklstm._topology import CELLS
from sklstm.inspection import hidden_states

WITHIN = {"rtol": 1e-10, "atol": 1e-13}


@pytest.fixture(params=CELLS)
def model(request):
    """Parameters large enough for everything to matter; a target at every step."""
    settings = {"solver": "sgd", "momentum": 0, "clip_norm": None, "batch_size": 1}
    model = LSTMRegressor(
        3, cell=request.param, block_size=2, gradient="truncated", return_sequences=True,
        learning_rate_init=1.0, random_state=0, **settings,
    ).initialize(2)  # fmt: skip
    rng = np.random.default_rng(0)
    model.parameters_[:] = rng.normal(scale=0.7, size=model.parameters_.size)
    return model


def sequence(n_steps=7):
    return np.random.default_rng(1).normal(size=(n_steps, 2))


def test_outputs_agree_at_every_step(model):
    x, stream = sequence(), model.stream()
    of_batch = model.predict([x])[0]
    assert_allclose([stream.step(x_t) for x_t in x], of_batch, **WITHIN)
    seen = hidden_states(model, x).output @ model.output_weights_[0] + model.output_bias_
    assert_allclose(seen, of_batch, **WITHIN)


def test_truncated_gradients_agree(model):
    x, before = sequence(), model.parameters_.copy()
    stream = model.stream()
    for x_t in x:
        stream.step(x_t)
    stream.learn(0.5)
    of_stream = model.parameters_ - before
    assert np.abs(of_stream).max() > 0.01
    model.parameters_[:] = before
    model.set_params(return_sequences=False).partial_fit([x], [0.5])
    assert_allclose(model.parameters_ - before, of_stream, **WITHIN)
