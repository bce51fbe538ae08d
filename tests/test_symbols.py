"""Symbols in the kernels: against the twin, which adds columns, and against columns of 0 and 1."""

from dataclasses import replace

import numpy as np
import pytest
from kernels import CELLS, LANES, Problem, drawn, ragged
from numpy.testing import assert_allclose, assert_array_equal

from sklstm import LSTMRegressor
from sklstm._network import Network
from sklstm._solvers import SOLVERS
from sklstm._topology import DRAWN

F64 = np.dtype(np.float64)
WIDE = LANES[F64]
# name -> sizes, lengths: groups of units in whole vectors and not, bundles in lanes, in units and
# both, blocks of steps, more rows of the gradient than one piece, more sequences than a chunk has
NETS = {
    "no numbers": (dict(n_features=0, hidden_layer_sizes=(3,), cardinalities=(4,)), [5, 1, 3]),
    "beside numbers": (dict(n_features=2, hidden_layer_sizes=(5,), cardinalities=(3, 2)), [4, 2]),
    "blocks of cells": (
        dict(n_features=1, hidden_layer_sizes=(WIDE + 1,), block_size=2, cardinalities=(3,)),
        [4] * (WIDE + 3),
    ),
    "whole vectors": (
        dict(n_features=0, hidden_layer_sizes=(2 * WIDE,), cardinalities=(5, 2, 3)),
        [6, *[5] * WIDE, 3, 2, 4, 1],
    ),
    "both directions": (
        dict(
            n_features=1, hidden_layer_sizes=(4, 3), bidirectional=True, block_size=2,
            cardinalities=(2, 3),
        ),
        [3, 5, 1, *[4] * WIDE],
    ),
    "by a team": (dict(n_features=1, hidden_layer_sizes=(260,), cardinalities=(5,)), [3, 2]),
    "in units": (dict(n_features=1, hidden_layer_sizes=(70,), cardinalities=(9,)), [7, 7, 2]),
}  # fmt: skip


def problem_of(name, cell="forget", dtype=np.float64, **settings):
    sizes, lengths = NETS[name]
    topology, vector = drawn(dict(n_outputs=2) | sizes, cell, dtype=dtype)
    return vector, Problem(topology, ragged(lengths, sizes["n_features"]), **settings)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("return_sequences", [False, True])
def test_outputs_are_those_of_the_twin(name, cell, return_sequences):
    vector, problem = problem_of(name, cell, return_sequences=return_sequences)
    assert_allclose(problem.output(vector), problem.twin_output(vector), rtol=1e-10, atol=1e-13)
    assert_array_equal(problem.output(vector, 2), problem.output(vector))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("gradient", ["full", "truncated"])
def test_the_gradient_is_the_derivative_of_the_twin(name, cell, gradient):
    vector, problem = problem_of(name, cell, alpha=0.3)
    topology = problem.topology
    loss, found = problem.kernel(vector, gradient)
    assert loss == pytest.approx(problem.twin_loss(vector), rel=1e-12)
    directions = np.random.default_rng(3).normal(size=(4, topology.n_total))
    directions[0, : topology.n_dense] = 0  # the table alone
    directions[:, : topology.n_dense][:, ~topology.trainable] = 0
    slopes = problem.twin_slopes(vector, gradient, directions)
    assert_allclose(directions @ found, slopes, rtol=1e-9)
    if topology.n_total < 400:
        expected = problem.twin_gradient(vector, gradient)
        assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("dtype", LANES)
def test_bits_do_not_depend_on_the_number_of_threads(name, dtype):
    vector, problem = problem_of(name, "peephole", dtype=dtype, return_sequences=True)
    alone = problem.kernel(vector, "full")
    for n_threads in (2, 3):
        loss, found = problem.kernel(vector, "full", n_threads=n_threads)
        assert loss == alone[0]
        assert_array_equal(found, alone[1])


@pytest.mark.parametrize("name", ["beside numbers", "blocks of cells", "in units"])
@pytest.mark.parametrize("gradient", ["full", "truncated"])
def test_long_sequences_learn_from_symbols_in_spans(monkeypatch, name, gradient):
    vector, problem = problem_of(name)
    whole = problem.kernel(vector, gradient)
    monkeypatch.setattr(Network, "_kept", {"whole": 2, "span": 2})
    in_spans = problem.kernel(vector, gradient)
    assert in_spans[0] == whole[0]
    assert_allclose(in_spans[1], whole[1], rtol=1e-10, atol=1e-14)


def one_hot(problem, vector):
    """The same problem with columns of 0 and 1 behind the numbers, and its vector."""
    topology = problem.topology
    n = topology.n_categories
    plain = replace(topology, n_features=topology.n_features + n, cardinalities=())
    dense = np.zeros(plain.n_total, vector.dtype)
    for ours, theirs in zip(topology.layers(vector), plain.layers(dense), strict=True):
        for name, array in theirs.items():
            array[:] = ours[name] if array.shape == ours[name].shape else np.hstack(
                [ours["input"], ours["category"]]
            )  # fmt: skip
    dense[plain.output_start :] = vector[topology.output_start : topology.n_dense]
    columns = [
        np.hstack([x, (s[:, :, None] == np.arange(n)).sum(axis=1)])
        for x, s in zip(problem.sequences, problem.symbols, strict=True)
    ]
    other = Problem(plain, columns)
    other.targets, other.weights = problem.targets, problem.weights
    return dense, other


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("gradient", ["full", "truncated"])
def test_a_symbol_is_a_column_of_0_and_1(name, gradient):
    vector, problem = problem_of(name, "peephole")
    dense, other = one_hot(problem, vector)
    loss, found = problem.kernel(vector, gradient)
    expected_loss, expected = other.kernel(dense, gradient)
    assert loss == pytest.approx(expected_loss, rel=1e-13)
    topology, plain = problem.topology, other.topology
    for ours, theirs in zip(topology.layers(found), plain.layers(expected), strict=True):
        if "category" in ours:
            ours["input"] = np.hstack([ours["input"], ours.pop("category")])
        for part, array in theirs.items():
            assert_allclose(ours[part], array, rtol=1e-9, atol=1e-13)


def test_a_batch_reads_some_rows_and_the_others_have_no_gradient():
    vector, problem = problem_of("whole vectors")
    trainer = problem.trainer(vector, "full")
    everything = np.arange(len(problem.sequences))
    for rows in (everything[:1], everything[3:7], everything):
        trainer.gradient(rows)
        found = trainer.found
        read = set(np.concatenate([problem.symbols[k].ravel() for k in rows])) - {-1}
        assert set(found.read[: found.n_read[0]]) == read
        assert set(np.flatnonzero(found.row_of >= 0)) == read
        table = problem.topology.table(found.whole(vector))
        assert set(np.flatnonzero(table.any(axis=1))) == read


@pytest.mark.parametrize("settings", [dict(momentum=0.0), dict(), dict(solver="adam")], ids=str)
@pytest.mark.parametrize("alpha", [0.0, 0.1])
def test_a_step_can_be_undone_and_one_that_is_not_finite_is(settings, alpha):
    vector, problem = problem_of("whole vectors", alpha=alpha)
    trainer = problem.trainer(vector, "full")
    model = LSTMRegressor(learning_rate_init=0.1, **dict(solver="sgd") | settings)
    solver = SOLVERS[model.solver](SOLVERS[model.solver].start(vector, model), model)
    step, undo = solver.step_on(vector, trainer.found)
    undo()  # nothing yet
    before = vector.copy()
    for rows in ([0], [1, 2, 3], [3], [0, 1]):
        before = vector.copy()
        trainer.gradient(np.array(rows))
        assert step()
        moved = problem.topology.table(vector - before).any(axis=1)
        if not alpha and settings == {"momentum": 0.0}:
            read = set(np.concatenate([problem.symbols[k].ravel() for k in rows])) - {-1}
            assert set(np.flatnonzero(moved)) == read
    assert (vector != before).any()
    undo()
    assert_array_equal(vector, before)
    trainer.found.rows[0, 0] = np.nan
    assert not step()
    assert_array_equal(vector, before)


@pytest.mark.parametrize("init_range", [None, 0.3])
def test_the_weights_of_all_categories_are_drawn(init_range):
    n = 2 * DRAWN + 3  # drawn in pieces, of which the last one is short
    topology, _ = drawn(
        dict(n_features=2, hidden_layer_sizes=(3,), n_outputs=1, cardinalities=(n,))
    )
    vector = topology.initial(np.random.RandomState(0), init_range=init_range)
    limit = np.sqrt(6 / (2 + 1 + 3)) if init_range is None else init_range
    table = topology.table(vector)
    assert table.shape == (n, 12) and (table != 0).all() and (np.abs(table) <= limit).all()
    assert_allclose([table[k : k + DRAWN].std() for k in (0, DRAWN)], limit / np.sqrt(3), rtol=0.03)
    assert len(np.unique(table)) == table.size
