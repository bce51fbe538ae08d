"""Initial gate biases on several time scales: gate_bias="auto"."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import cube, labels, numbers, sequences

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm._topology import SLOW_SHARE


def biases(model, gate, layer=0):
    first = {"input": 0, "forget": 1}[gate]
    H = np.atleast_1d(model.hidden_layer_sizes)[layer]
    return model.layers_[layer]["bias"][first * H : (first + 1) * H]


def drawn(n_steps=50, cell="forget", H=40, **kwargs):
    """A network as it is before the first step."""
    return LSTMRegressor(H, cell=cell, random_state=0, **kwargs).initialize(
        2, expected_length=n_steps
    )


@pytest.mark.parametrize("cell", ["forget", "peephole"])
def test_a_quarter_of_the_blocks_starts_on_longer_time_scales(cell):
    model = drawn(cell=cell)
    n_slow = 10
    assert SLOW_SHARE == 0.25
    assert_array_equal(biases(model, "forget")[:-n_slow], 1.0)
    assert_array_equal(biases(model, "input")[:-n_slow], 0.0)
    log_u = biases(model, "forget")[-n_slow:]
    assert_array_equal(biases(model, "input")[-n_slow:], -log_u)
    u = np.exp(log_u)
    assert (u >= 1).all() and (u <= 50).all() and len(set(u)) == n_slow
    assert u.max() > 35 and u.min() < 15


def test_a_coupled_cell_has_them_in_its_one_gate():
    model = drawn(cell="coupled")
    assert_array_equal(biases(model, "input")[:-10], -1.0)
    assert (
        (-biases(model, "input")[-10:] >= 0) & (-biases(model, "input")[-10:] <= np.log(50))
    ).all()


def test_a_cell_that_never_forgets_has_no_time_scales():
    auto, plain = drawn(cell="1997"), drawn(cell="1997", gate_bias=None)
    assert_array_equal(auto.parameters_, plain.parameters_)


@pytest.mark.parametrize("kwargs", [{"gate_bias": {"forget": 2.0}}, {"init_range": 0.1}])
def test_biases_that_are_given_stay_as_they_are(kwargs):
    told, unknown = drawn(**kwargs), LSTMRegressor(40, random_state=0, **kwargs).initialize(2)
    assert_array_equal(told.parameters_, unknown.parameters_)


def test_weights_do_not_depend_on_the_biases():
    auto, plain = drawn(), drawn(gate_bias=None)
    for name in ("input", "recurrent"):
        assert_array_equal(auto.layers_[0][name], plain.layers_[0][name])
    assert_array_equal(auto.output_weights_, plain.output_weights_)


def test_every_layer_and_direction_has_its_own():
    model = drawn(H=(40, 20), bidirectional=True)
    slow = [biases(model, "forget", 0)[-10:], model.layers_[1]["bias"][40:80][-10:]]
    slow += [layer["bias"][20:40][-5:] for layer in model.layers_[2:]]
    assert len(set(np.concatenate(slow))) == 30


@pytest.mark.parametrize("H, n_slow", [(1, 0), (2, 0), (3, 1), (4, 1), (6, 2)])
def test_small_layers_round(H, n_slow):
    assert (biases(drawn(H=H), "forget") != 1.0).sum() == n_slow


def test_fit_goes_by_the_mean_length_by_weight():
    X = [np.zeros((length, 2)) for length in (10, 20, 90)]
    y, w = [0.0, 1.0, 2.0], [1.0, 1.0, 0.0]
    frozen = dict(solver="sgd", learning_rate_init=1e-300, max_iter=1, random_state=0)
    fitted = LSTMRegressor(40, **frozen).fit(X, y, w)
    assert_allclose(fitted.parameters_, drawn(15.0).parameters_, atol=1e-200)
    without = LSTMRegressor(40, **frozen).fit(X[:2], y[:2])
    assert_allclose(fitted.parameters_, without.parameters_, atol=1e-200)
    first = LSTMRegressor(40, **frozen).partial_fit(X[:2], y[:2])
    assert_allclose(first.parameters_, drawn(15.0).parameters_, atol=1e-200)


def test_without_an_expected_length_initialize_starts_all_blocks_alike():
    model = LSTMClassifier(40, random_state=0).initialize(2, classes=[0, 1])
    assert_array_equal(biases(model, "forget"), 1.0)
    model.initialize(2, classes=[0, 1], expected_length=30)
    assert (biases(model, "forget") != 1.0).sum() == 10


def test_sequences_of_one_step_are_no_trouble():
    X = cube(12, n_steps=1)
    assert np.isfinite(LSTMClassifier(8, random_state=0).fit(X, labels(12)).parameters_).all()


def test_gradient_auto_is_that_of_the_paper_for_its_cell_alone():
    X, y = sequences(), numbers(sequences())
    for cell, gradient in (("1997", "truncated"), ("forget", "full"), ("coupled", "full")):
        auto, given = (
            LSTMRegressor(3, cell=cell, max_iter=2, random_state=0, gradient=g).fit(X, y)
            for g in ("auto", gradient)
        )
        assert_array_equal(auto.parameters_, given.parameters_)


@pytest.mark.parametrize(
    "n, batch, n_epochs",
    [
        (20, 32, 200),
        (320, 32, 100),
        (640, 32, 50),
        (12800, 32, 50),
        (25600, 32, 25),
        (10**6, 32, 10),
    ],
)
def test_max_iter_auto_is_a_budget_of_updates(n, batch, n_epochs):
    from sklstm._parameters import batch_size, epochs

    model = LSTMClassifier()
    assert batch_size(model, n) == min(batch, n)
    assert epochs(model, n, min(batch, n)) == n_epochs
    assert epochs(LSTMClassifier(max_iter=7), n, batch) == 7
