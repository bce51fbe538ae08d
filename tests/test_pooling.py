"""What is read of a sequence: its last cells, their maximum, their mean."""

import pickle

import numpy as np
import pytest
from kernels import CELLS, CONSTANTS, LANES, SHAPES, Problem, drawn, kernel_output, ragged
from numpy.testing import assert_allclose, assert_array_equal
from twins.reference import central_differences, one_output

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm._network import Network

DOUBLE, SINGLE = np.dtype(np.float64), np.dtype(np.float32)
POOLINGS = ["max", "mean"]
rng = np.random.default_rng(0)


def pooled(shape, cell, pooling, **options):
    return drawn(SHAPES[shape] | {"pooling": pooling}, cell, **options)


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", CELLS)
def test_output_and_gradients_are_the_twins(cell, shape, pooling):
    topology, vector = pooled(shape, cell, pooling)
    lengths = [3, 5, 1, 4] + [2 + k % 3 for k in range(LANES[DOUBLE])]
    problem = Problem(topology, ragged(lengths, topology.n_features), alpha=0.1)
    found = kernel_output(topology, vector, problem.sequences, return_sequences=False)
    expected = one_output(topology, vector, problem.sequences)
    assert_allclose(found, expected, rtol=1e-11, atol=1e-13)
    for gradient in ("full", "truncated"):
        loss, d_vector = problem.kernel(vector, gradient)
        assert_allclose(loss, problem.twin_loss(vector), rtol=1e-12)
        if topology.n_total < 120:
            expected = problem.twin_gradient(vector, gradient)
            assert_allclose(d_vector, expected, rtol=1e-10, atol=1e-13)
        directions = rng.normal(size=(2, topology.n_total)) * topology.trainable
        slopes = problem.twin_slopes(vector, gradient, directions)
        assert_allclose(directions @ d_vector, slopes, rtol=1e-9)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_gradient_matches_central_differences(pooling):
    topology, vector = pooled("blocks", "forget", pooling)
    problem = Problem(topology, ragged([4, 2, 6], 3))
    differences = problem.twin_gradient(vector, "full", central_differences)
    assert_allclose(problem.kernel(vector, "full")[1], differences, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=["float32", "float64"])
def test_a_sequence_alone_has_the_bits_that_it_has_in_company(dtype, pooling):
    topology, vector = pooled("bidirectional", "forget", pooling, dtype=dtype)
    sequences = ragged([1 + (5 * k) % 9 for k in range(3 * LANES[dtype] + 1)], 2, dtype=dtype)
    together = kernel_output(topology, vector, sequences, return_sequences=False)
    for x, y in zip(sequences, together, strict=True):
        assert_array_equal(kernel_output(topology, vector, [x], return_sequences=False)[0], y)
    again = kernel_output(topology, vector, sequences, return_sequences=False, n_threads=4)
    assert_array_equal(again, together)


@pytest.mark.parametrize("n", [1, LANES[DOUBLE]], ids=["units", "lanes"])
@pytest.mark.parametrize("H", [3, LANES[DOUBLE] + 3], ids=["rest", "vectors"])
def test_of_equal_maxima_the_first_place_counts(H, n):
    # inputs of zero and no biases: all gates are 1/2, all cells 0, and every step is a maximum
    sizes = dict(n_features=1, hidden_layer_sizes=(H,), n_outputs=1)
    topology, vector = drawn(sizes | {"pooling": "max", "bidirectional": True})
    for layer in topology.layers(vector):
        layer["bias"][:] = layer["recurrent"][:] = 0
    problem = Problem(topology, [np.zeros((5, 1))] * n)
    forward, backward = topology.layers(problem.kernel(vector, "full")[1])
    problem.sequences = [np.zeros((1, 1))] * n
    once = topology.layers(problem.kernel(vector, "full")[1])
    # forward, place 0 is the first step that is read: its bias counts once; backward it is the
    # last of five, and with a forget gate of 1/2 they count 1 + 1/2 + ... + 1/16
    assert (once[0]["bias"] != 0).any()
    assert_allclose(forward["bias"], once[0]["bias"], rtol=1e-12)
    assert_allclose(backward["bias"], 1.9375 * once[1]["bias"], rtol=1e-12)


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("shape", ["single-cells", "bidirectional"])
def test_spans_learn_what_is_learned_of_the_whole(monkeypatch, shape, pooling):
    topology, vector = pooled(shape, "peephole", pooling)
    lengths = [37, 20, 9, 33, 33] + [31] * LANES[DOUBLE]
    problem = Problem(topology, ragged(lengths, topology.n_features))
    whole = problem.kernel(vector, "full")
    monkeypatch.setattr(Network, "_kept", {"whole": 8, "span": 4})
    in_spans = [problem.kernel(vector, "full", n_threads=n) for n in (1, 3)]
    assert in_spans[0][0] == in_spans[1][0] == pytest.approx(whole[0], rel=1e-14)
    assert_array_equal(in_spans[0][1], in_spans[1][1])
    assert_allclose(in_spans[0][1], whole[1], rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_team_has_the_bits_of_one_thread(pooling):
    width = int((CONSTANTS[DOUBLE]["BYTES_MANY"] / 8 / 4) ** 0.5) + 20
    sizes = dict(n_features=3, hidden_layer_sizes=(width,), n_outputs=2, pooling=pooling)
    topology, vector = drawn(sizes, scale=0.05)
    problem = Problem(topology, ragged([4, 2, 3], 3))
    alone, team = (problem.kernel(vector, "full", n_threads=n) for n in (1, 3))
    assert alone[0] == team[0]
    assert_array_equal(alone[1], team[1])
    outputs = [
        kernel_output(topology, vector, problem.sequences, return_sequences=False, n_threads=n)
        for n in (1, 3)
    ]
    assert_array_equal(*outputs)


# -- estimators


X = [rng.normal(size=(int(n), 2)) for n in rng.integers(2, 12, size=40)]
y = np.array([x[:, 0].max() > 1 for x in X])
SMALL = dict(hidden_layer_sizes=8, max_iter=20, random_state=0)


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("cell", CELLS)
def test_a_stream_predicts_what_predict_does_of_the_steps_so_far(cell, pooling):
    model = LSTMRegressor(cell=cell, block_size=2, pooling=pooling, **SMALL).fit(X, y)
    stream, x = model.stream(), X[3]
    for t in range(len(x)):
        assert_allclose(stream.step(x[t]), model.predict([x[: t + 1]])[0], rtol=1e-9)
    stream.reset()
    assert_allclose(stream.step(x[0]), model.predict([x[:1]])[0], rtol=1e-9)


def test_a_stream_saved_in_the_middle_goes_on():
    for pooling in POOLINGS:
        stream = LSTMRegressor(pooling=pooling, **SMALL).fit(X, y).stream()
        for x in X[0][:2]:
            stream.step(x)
        loaded = pickle.loads(pickle.dumps(stream))
        assert loaded.step(X[1][0]) == stream.step(X[1][0])


@pytest.mark.parametrize("block_size", [1, 3])
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("cell", CELLS)
def test_learning_on_a_stream_is_partial_fit(cell, pooling, block_size):
    settings = dict(cell=cell, pooling=pooling, block_size=block_size, gradient="truncated")
    one, other = (LSTMRegressor(**settings, **SMALL).fit(X[:5], y[:5]) for _ in range(2))
    stream = other.stream()
    for x, target in zip(X[5:9], (2.0, -1.0, 0.5, 3.0), strict=True):
        one.partial_fit([x], [target])
        stream.reset()
        for k, row in enumerate(x):
            stream.step(row)
            if k == len(x) // 2:  # saved in the middle, it goes on
                stream = pickle.loads(pickle.dumps(stream))
        stream.learn(target)
        other = stream.estimator
        assert_allclose(other.parameters_, one.parameters_, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("Estimator", [LSTMClassifier, LSTMRegressor])
def test_not_with_a_target_at_every_step(Estimator):
    targets = [np.arange(len(x)) % 2 for x in X]
    with pytest.raises(ValueError, match="pooling='max' makes one output per sequence"):
        Estimator(pooling="max", return_sequences=True, **SMALL).fit(X, targets)
    model = Estimator(pooling="mean", **SMALL).fit(X, y)
    with pytest.raises(ValueError, match="pooling='mean' makes one output per sequence"):
        model.set_params(return_sequences=True).predict(X)


def test_it_is_of_the_fitted_model_until_that_is_fitted_anew():
    model = LSTMClassifier(pooling="max", **SMALL).fit(X, y)
    before = model.predict_proba(X)
    model.set_params(pooling="last")
    assert_array_equal(model.predict_proba(X), before)
    with pytest.raises(ValueError, match="pooling is 'last', but"):
        model.partial_fit(X, y)
    assert not np.array_equal(model.fit(X, y).predict_proba(X), before)


def test_a_maximum_finds_what_is_far_from_the_end():
    n, T = 200, 100
    sequences = rng.normal(scale=0.1, size=(n, T, 1))
    labels = rng.integers(2, size=n)
    sequences[np.arange(n), rng.integers(10, size=n), 0] += 3 * labels
    model = LSTMClassifier(16, pooling="max", max_iter=30, random_state=0)
    assert model.fit(sequences[:100], labels[:100]).score(sequences[100:], labels[100:]) > 0.95


def test_a_value_that_there_is_not():
    with pytest.raises(ValueError, match="'pooling' parameter of LSTMClassifier must be"):
        LSTMClassifier(pooling="min").fit(X, y)
