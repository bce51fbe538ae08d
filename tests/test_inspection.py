"""States are those of the kernels, error flow is what their gradient is made of."""

import numpy as np
import pytest
from kernels import CELLS
from problems import attributes, numbers, sequences
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge

from sklstm import LSTMRegressor
from sklstm.inspection import (
    error_flow,
    hidden_states,
    plain_error_flow,
)
from sklstm.inspection._error_flow import flow_back
from sklstm.inspection._plain import plain
from sklstm.inspection._states import read, run_to

GRADIENTS = ("truncated", "full")


def model(cell="forget", n_features=3, n_outputs=1, sizes=3, seed=0, **settings):
    """A regressor with parameters large enough for everything to matter."""
    settings = dict(block_size=2, random_state=0) | settings
    estimator = LSTMRegressor(sizes, cell=cell, **settings)
    estimator.initialize(n_features, n_outputs=n_outputs)
    rng = np.random.default_rng(seed)
    estimator.parameters_[:] = rng.normal(scale=0.7, size=estimator.parameters_.size)
    return estimator


def one_sequence(n_steps=6, n_features=3, seed=1):
    return np.random.default_rng(seed).normal(size=(n_steps, n_features))


def errors_at_units(cell, gradient, which, n_steps=6):
    """d_z (T, rows) by the kernels, for an error of 1 at the output of one cell.

    Step t has a one-hot input, so that column t of the input weights' gradient, a sum over steps
    of d_z(t) x(t)', is d_z(t). One update with a rate of 1 shows the gradient.
    """
    estimator = model(cell, n_steps, gradient=gradient, solver="sgd", momentum=0)
    estimator.set_params(batch_size=1, clip_norm=None, learning_rate_init=1.0)
    estimator.output_weights_[:] = np.eye(6)[which]
    x = np.eye(n_steps)
    found = run_to(plain(*read(estimator, [x])), -1)
    before = estimator.layers_[0]["input"].copy()
    flow = error_flow(estimator, [x])
    estimator.partial_fit([x], estimator.predict([x]) - 1)  # output - target is the error: 1
    return (before - estimator.layers_[0]["input"]).T, found, flow


# States.


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_the_states_give_the_outputs_of_the_kernels(cell, bidirectional):
    estimator = model(cell, n_outputs=2, sizes=(3, 2), bidirectional=bidirectional)
    x = one_sequence()
    if bidirectional:
        ends = [hidden_states(estimator, x, layer=2).output[-1]]
        ends.append(hidden_states(estimator, x, layer=3).output[0])
    else:
        ends = [hidden_states(estimator, x).output[-1]]
    expected = estimator.output_weights_ @ np.concatenate(ends) + estimator.output_bias_
    np.testing.assert_allclose(expected, estimator.predict([x])[0], rtol=1e-10)


@pytest.mark.parametrize("cell", CELLS)
def test_the_states_are_those_of_every_step(cell):
    estimator, x = model(cell), one_sequence()
    outputs = hidden_states(estimator, x).output
    expected = estimator.predict([x[: t + 1] for t in range(len(x))])
    found = outputs @ estimator.output_weights_[0] + estimator.output_bias_
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_states_of_a_float32_model_are_those_of_its_parameters_in_float64():
    X = sequences(dtype=np.float32)
    estimator = LSTMRegressor(3, max_iter=2, normalize_y=False, random_state=0).fit(X, numbers(X))
    states = hidden_states(estimator, X[0])
    assert states.output.dtype == np.float64
    found = states.output[-1] @ estimator.output_weights_[0] + estimator.output_bias_[0]
    np.testing.assert_allclose(found, estimator.predict(X[:1])[0], rtol=1e-5)


def test_a_row_of_a_table_is_a_sequence():
    X = np.random.default_rng(0).normal(size=(20, 6))
    estimator = LSTMRegressor(3, features_per_step=2, random_state=0).partial_fit(X, X[:, 0])
    assert hidden_states(estimator, X[0]).state.shape == (3, 3)
    assert error_flow(estimator, X).state.shape == (20, 3, 3)


# Error flow of an LSTM.


@pytest.mark.parametrize("which", [0, 3])
@pytest.mark.parametrize("gradient", GRADIENTS)
@pytest.mark.parametrize("cell", CELLS)
def test_the_errors_at_the_units_are_what_the_kernels_learn_from(cell, gradient, which):
    learned, run, flow = errors_at_units(cell, gradient, which)
    back = list(flow_back(run, full=gradient == "full"))
    found = np.array([d_z[which] for _, d_z in back])[::-1]
    np.testing.assert_allclose(found, learned, rtol=1e-9, atol=1e-13)
    rows = {"candidate": run.shape.cell_rows}
    rows |= {f"{gate}_gate": run.shape.gate_rows(gate) for gate in run.shape.gates}
    assert set(flow) == {"lag", "state", *rows}
    for name, units in rows.items():
        sizes = np.linalg.norm(learned[::-1, units], axis=1)
        np.testing.assert_allclose(flow[name][0, :, which], sizes, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("gradient", GRADIENTS)
@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_input_gets_the_error_of_its_state_times_its_slope(cell, gradient):
    _, run, flow = errors_at_units(cell, gradient, 0)
    states = run.states()
    width = 2 if cell == "1997" else 1
    slope = np.repeat(states.input_gate, 2, axis=1) * (1 - (states.candidate / width) ** 2)
    for q, (d_state, d_z) in enumerate(flow_back(run, full=gradient == "full")):
        np.testing.assert_allclose(d_state * slope[-1 - q], d_z[:, run.shape.cell_rows], rtol=1e-12)
        np.testing.assert_allclose(flow.state[0, q], np.linalg.norm(d_state, axis=1), rtol=1e-12)


def test_the_flow_of_1997_is_equation_41():
    estimator, x = model("1997", block_size=1), one_sequence(20)
    s, flow = hidden_states(estimator, x), error_flow(estimator, [x])
    i, g, h = s.input_gate[::-1], s.candidate[::-1], np.tanh(s.state[-1] / 2)
    # 1 - h^2 is known to the rounding of h
    close = dict(rtol=1e-12, atol=1e-15)
    arrives = s.output_gate[-1] * (1 + h) * (1 - h) / 2
    np.testing.assert_allclose(flow.state[0], np.tile(arrives, (20, 1)), **close)
    np.testing.assert_allclose(flow.candidate[0], arrives * (2 + g) * (2 - g) / 4 * i, **close)
    expected = arrives * abs(g) * i * (1 - i)
    np.testing.assert_allclose(flow.input_gate[0], expected, **close)
    np.testing.assert_array_equal(flow.output_gate[0, 1:], 0)


@pytest.mark.parametrize("cell", ["forget", "peephole", "coupled"])
def test_the_truncated_flow_of_later_cells_is_the_product_of_what_they_keep(cell):
    estimator, x = model(cell, block_size=1), one_sequence(20)
    s, flow = hidden_states(estimator, x), error_flow(estimator, [x], gradient="truncated")
    kept = 1 - s.input_gate if cell == "coupled" else s.forget_gate
    factors = np.cumprod(kept[:0:-1], axis=0)
    np.testing.assert_allclose(flow.state[0, 1:], flow.state[0, 0] * factors, rtol=1e-12)


@pytest.mark.parametrize("cell", CELLS)
def test_the_full_flow_is_the_change_of_the_outputs(cell):
    # An error travels back as a change of the input travels forward.
    estimator, x, step = model(cell, n_outputs=6), one_sequence(), 1e-5
    estimator.output_weights_[:] = np.eye(6)
    run = run_to(plain(*read(estimator, [x])), -1)
    for q, (_, d_z) in enumerate(flow_back(run, full=True)):
        changes = np.zeros((3, *x.shape))
        changes[np.arange(3), -1 - q, np.arange(3)] = step
        expected = (estimator.predict(x + changes) - estimator.predict(x - changes)) / (2 * step)
        np.testing.assert_allclose(d_z @ run.weights["input"], expected.T, rtol=1e-6, atol=1e-9)


def test_the_gradient_of_the_estimator_is_the_default():
    X = [one_sequence()]
    for gradient in GRADIENTS:
        estimator = model(gradient=gradient)
        other = error_flow(model(), X, gradient=gradient)
        np.testing.assert_array_equal(error_flow(estimator, X).state, other.state)
    assert not np.array_equal(error_flow(model(gradient="truncated"), X).state, other.state)


def test_each_sequence_has_the_flow_that_it_has_alone():
    estimator, X = model(gradient="full"), sequences(n=6, n_features=3)
    flow = error_flow(estimator, X)
    for k, x in enumerate(X):
        alone = error_flow(estimator, [x]).state[0]
        np.testing.assert_array_equal(flow.state[k, : len(x)], alone)
        assert np.isnan(flow.state[k, len(x) :]).all()


def test_a_smaller_lag_is_a_part():
    estimator, X = model("1997", gradient="full"), [one_sequence()]
    whole, part = error_flow(estimator, X), error_flow(estimator, X, max_lag=2)
    np.testing.assert_array_equal(part.lag, [0, 1, 2])
    for name in part:
        if name != "lag":
            np.testing.assert_array_equal(part[name], whole[name][:, :3])


def test_a_layer_that_reads_backward_hands_errors_to_later_steps():
    estimator = model(bidirectional=True, gradient="full")
    forward = model(gradient="full")
    for name, weights in forward.layers_[0].items():
        weights[:] = estimator.layers_[1][name]
    x = one_sequence()
    found = error_flow(estimator, [x], layer=1).state
    np.testing.assert_array_equal(found, error_flow(forward, [x[::-1]]).state)
    np.testing.assert_array_equal(
        hidden_states(estimator, x, layer=1).state, hidden_states(forward, x[::-1]).state[::-1]
    )


@pytest.mark.parametrize("cell", CELLS)
def test_looking_changes_nothing(cell):
    estimator, x = model(cell), one_sequence()
    before = attributes(estimator)
    hidden_states(estimator, x)
    error_flow(estimator, [x], gradient="full")
    assert attributes(estimator) == before


# Error flow of a plain net.


def plain_net(scale=1.0, n=5, n_steps=8, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(scale=scale, size=(n, n)), rng.normal(size=(3, n_steps, n))


@pytest.mark.parametrize("activation", ["logistic", "tanh"])
def test_the_flow_of_a_plain_net_is_the_change_of_its_nets(activation):
    f = {"logistic": lambda z: 1 / (1 + np.exp(-z)), "tanh": np.tanh}[activation]
    W, drive = plain_net()

    def net_at_the_end(drive):
        z = drive[0].astype(complex)
        for d in drive[1:]:
            z = d + W @ f(z)
        return z

    flow = plain_error_flow(W, drive, activation=activation)
    for k, d in enumerate(drive):
        for q in flow.lag:
            change = np.empty(W.shape)
            for v in range(len(W)):
                aside = d.astype(complex)
                aside[-1 - q, v] += 1e-30j
                change[:, v] = net_at_the_end(aside).imag / 1e-30
            sizes = np.linalg.norm(change, axis=1)
            np.testing.assert_allclose(flow.unit[k, q], sizes, rtol=1e-10)


@pytest.mark.parametrize("activation", ["logistic", "tanh"])
@pytest.mark.parametrize("scale", [0.1, 1.0, 3.0])
def test_no_error_exceeds_the_bound(scale, activation):
    flow = plain_error_flow(*plain_net(scale, n_steps=40), activation=activation)
    assert (flow.unit <= flow.bound[:, None]).all()


def test_the_bound_is_that_of_the_paper():
    W, drive = plain_net()
    bound = plain_error_flow(W, drive).bound
    np.testing.assert_allclose(bound, 5 * (np.linalg.norm(W, 2) / 4) ** np.arange(8.0))


def test_one_unit_with_a_weight_below_four_forgets_exponentially():
    drive = np.random.default_rng(0).normal(size=(1, 60, 1))
    flow = plain_error_flow([[3.9]], drive)
    assert (np.diff(flow.unit[0, :, 0]) < 0).all()
    assert flow.unit[0, -1, 0] < (3.9 / 4) ** 59


# Errors.


@pytest.mark.parametrize(
    "settings, message",
    [
        (dict(gradient="exact"), "gradient must be"),
        (dict(max_lag=-1), "max_lag must be"),
        (dict(max_lag=1.5), "max_lag must be"),
        (dict(max_lag=True), "max_lag must be"),
        (dict(layer=1), "layer=1 does not exist"),
        (dict(layer=-2), "layer=-2 does not exist"),
    ],
)
def test_a_bad_setting_is_named(settings, message):
    with pytest.raises(ValueError, match=message):
        error_flow(model(), [one_sequence()], **settings)


def test_an_estimator_of_another_kind_is_refused():
    with pytest.raises(TypeError, match="Ridge is not an LSTMClassifier"):
        error_flow(Ridge(), [one_sequence()])
    with pytest.raises(TypeError, match="best_estimator_"):
        hidden_states(Ridge(), one_sequence())


def test_an_estimator_without_parameters_is_refused():
    with pytest.raises(NotFittedError):
        error_flow(LSTMRegressor(), [one_sequence()])


def test_bad_sequences_are_refused():
    with pytest.raises(ValueError, match="NaN"):
        hidden_states(model(), np.full((4, 3), np.nan))
    with pytest.raises(ValueError, match="features"):
        error_flow(model(), [np.zeros((4, 2))])


@pytest.mark.parametrize(
    "W, drive, settings, message",
    [
        (np.eye(3), np.zeros((4, 2)), {}, r"recurrent has shape \(3, 3\) and drive \(1, 4, 2\)"),
        (np.ones((2, 3)), np.zeros((4, 3)), {}, "recurrent has shape"),
        (np.ones(3), np.zeros((4, 3)), {}, "recurrent has shape"),
        (np.full((2, 2), np.inf), np.zeros((4, 2)), {}, r"infinity at index \(0, 0\)"),
        (np.eye(2), np.zeros((0, 2)), {}, "must not be empty"),
        (np.eye(2), np.zeros((4, 2)), dict(activation="relu"), "activation must be one of"),
        (np.eye(2), np.zeros((4, 2)), dict(max_lag=-1), "max_lag must be"),
    ],
)
def test_a_plain_net_that_does_not_fit_is_refused(W, drive, settings, message):
    with pytest.raises(ValueError, match=message):
        plain_error_flow(W, drive, **settings)
