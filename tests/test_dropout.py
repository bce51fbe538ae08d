"""Dropout: one mask per sequence and layer, the same at all steps and at any number of threads."""

import pickle

import numpy as np
import pytest
from kernels import CELLS, CONSTANTS, EPOCH, LANES, SEED, SHAPES, Problem, drawn, network, ragged
from numpy.testing import assert_allclose, assert_array_equal
from twins.dropout import masks
from twins.reference import central_differences

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm._network import Network

DOUBLE = np.dtype(np.float64)
RATES = {"cells": (0.4, 0.0), "recurrent": (0.0, 0.4), "both": (0.3, 0.5)}
rng = np.random.default_rng(0)


def problem_of(topology, lengths, rates, **options):
    dropout, recurrent_dropout = RATES[rates]
    return Problem(
        topology,
        ragged(lengths, topology.n_features),
        dropout=dropout,
        recurrent_dropout=recurrent_dropout,
        **options,
    )


@pytest.mark.parametrize("return_sequences", [False, True], ids=["once", "every-step"])
@pytest.mark.parametrize("rates", RATES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", CELLS)
def test_loss_and_gradients_are_the_twins(cell, shape, rates, return_sequences):
    topology, vector = network(shape, cell)
    lengths = [3, 1, 4] + [2 + k % 2 for k in range(LANES[DOUBLE])]
    problem = problem_of(topology, lengths, rates, return_sequences=return_sequences)
    for gradient in ("full", "truncated"):
        loss, d_vector = problem.kernel(vector, gradient)
        assert_allclose(loss, problem.twin_loss(vector), rtol=1e-12)
        if topology.n_total < 150:
            expected = problem.twin_gradient(vector, gradient)
            assert_allclose(d_vector, expected, rtol=1e-10, atol=1e-13)
        directions = rng.normal(size=(2, topology.n_total)) * topology.trainable
        slopes = problem.twin_slopes(vector, gradient, directions)
        assert_allclose(directions @ d_vector, slopes, rtol=1e-9)


@pytest.mark.parametrize("pooling", ["max", "mean"])
def test_pooled_cells_are_dropped_too(pooling):
    topology, vector = drawn(SHAPES["everything"] | {"pooling": pooling}, "peephole")
    problem = problem_of(topology, [3, 1, 4], "both")
    for gradient in ("full", "truncated"):
        loss, d_vector = problem.kernel(vector, gradient)
        assert_allclose(loss, problem.twin_loss(vector), rtol=1e-12)
        expected = problem.twin_gradient(vector, gradient)
        assert_allclose(d_vector, expected, rtol=1e-10, atol=1e-13)


def test_gradient_matches_central_differences():
    topology, vector = network("stacked")
    problem = problem_of(topology, [4, 2, 6], "both")
    differences = problem.twin_gradient(vector, "full", central_differences)
    assert_allclose(problem.kernel(vector, "full")[1], differences, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("shape", ["single-cells", "stacked", "bidirectional"])
def test_bits_do_not_depend_on_threads_company_or_spans(monkeypatch, shape):
    topology, vector = network(shape)
    lengths = [37, 20, 9, 33, 33] + [31] * LANES[DOUBLE]
    problem = problem_of(topology, lengths, "both")
    loss, d_vector = problem.kernel(vector, "full")
    rows = np.arange(len(lengths))[::-1].copy()
    for again in (
        problem.kernel(vector, "full", n_threads=3),
        problem.kernel(vector, "full", rows=rows),
    ):
        assert_allclose(again[0], loss, rtol=1e-12)
        assert_allclose(again[1], d_vector, rtol=1e-9, atol=1e-14)
    same = problem.kernel(vector, "full", n_threads=3)
    assert same[0] == loss
    assert_array_equal(same[1], d_vector)
    monkeypatch.setattr(Network, "_kept", {"whole": 8, "span": 4})
    in_spans = [problem.kernel(vector, "full", n_threads=n) for n in (1, 3)]
    assert in_spans[0][0] == in_spans[1][0] == pytest.approx(loss, rel=1e-14)
    assert_array_equal(in_spans[0][1], in_spans[1][1])
    assert_allclose(in_spans[0][1], d_vector, rtol=1e-10, atol=1e-15)


def test_a_team_has_the_bits_of_one_thread():
    width = int((CONSTANTS[DOUBLE]["BYTES_MANY"] / 8 / 4) ** 0.5) + 20
    topology, vector = drawn(
        dict(n_features=3, hidden_layer_sizes=(width,), n_outputs=2), scale=0.05
    )
    problem = problem_of(topology, [4, 2, 3], "both")
    alone, team = (problem.kernel(vector, "full", n_threads=n) for n in (1, 3))
    assert alone[0] == team[0]
    assert_array_equal(alone[1], team[1])


def test_masks_have_their_rate_and_differ_by_epoch_sequence_and_layer():
    topology, _ = drawn(dict(n_features=1, hidden_layer_sizes=(200, 200), n_outputs=1))
    drawn_masks = {
        (epoch, k, index, which): mask
        for epoch in (0, 1)
        for k, layers in enumerate(masks(topology, SEED, epoch, 20, 0.3, 0.3))
        for index, layer in enumerate(layers)
        for which, mask in enumerate(layer)
    }
    every = np.array(list(drawn_masks.values()))
    assert len(np.unique(every, axis=0)) == len(every)
    share = (every == 0).mean()  # of 2 · 20 · 2 · 2 · 200 = 32,000 numbers
    assert abs(share - 0.3) < 4 * np.sqrt(0.3 * 0.7 / every.size)
    columns = np.corrcoef((every == 0).T)
    assert np.abs(columns[np.triu_indices(200, 1)]).max() < 0.5
    assert EPOCH not in (0, 1)


# -- estimators

X = [rng.normal(size=(int(n), 2)) for n in rng.integers(2, 12, size=60)]
y = np.array([x[:, 0].mean() > 0 for x in X])
SMALL = dict(hidden_layer_sizes=8, max_iter=6, random_state=0)


def fitted(Estimator=LSTMClassifier, **parameters):
    return Estimator(**SMALL | parameters).fit(X, y)


@pytest.mark.parametrize("name", ["dropout", "recurrent_dropout"])
def test_it_changes_what_is_learned_and_nothing_else(name):
    plain, dropped = fitted(), fitted(**{name: 0.4})
    assert not np.array_equal(plain.parameters_, dropped.parameters_)
    dropped.parameters_[:] = plain.parameters_
    assert_array_equal(dropped.predict_proba(X), plain.predict_proba(X))
    streams = plain.stream(), dropped.stream()
    for x in X[0]:
        assert streams[0].step(x) == streams[1].step(x)
    assert streams[0].learn(True) == streams[1].learn(True)


def test_validation_is_without():
    model = LSTMRegressor(
        dropout=0.5, recurrent_dropout=0.5, early_stopping=True, **SMALL | {"max_iter": 1}
    )
    model.fit(X, y, X_val=X[:20], y_val=y[:20].astype(float))
    assert model.score(X[:20], y[:20]) == pytest.approx(model.validation_scores_[-1])


def test_same_bits_at_any_number_of_threads_and_in_a_pickle_that_goes_on():
    rates = dict(dropout=0.3, recurrent_dropout=0.2, warm_start=True)
    expected = fitted(**rates, n_jobs=1)
    assert_array_equal(fitted(**rates, n_jobs=2).parameters_, expected.parameters_)
    halves = fitted(**rates | {"max_iter": 3})
    halves = pickle.loads(pickle.dumps(halves)).set_params(max_iter=3).fit(X, y)
    assert_array_equal(halves.parameters_, expected.parameters_)


def test_epochs_of_partial_fit_draw_anew():
    model = LSTMRegressor(4, dropout=0.5, learning_rate_init=1e-9, random_state=0)
    losses = [model.partial_fit(X, y).loss_ for _ in range(4)]
    assert len(set(np.round(losses, 6))) == 4


@pytest.mark.parametrize("name", ["dropout", "recurrent_dropout"])
@pytest.mark.parametrize("value", [1.0, -0.1, "some", None, np.nan])
def test_a_rate_that_cannot_be(name, value):
    with pytest.raises(ValueError, match=f"'{name}' parameter of LSTMClassifier must be"):
        fitted(**{name: value})
