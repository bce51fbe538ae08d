"""Sequences so long that training keeps a span of their steps, and computes the others again."""

import numpy as np
import pytest
from kernels import CONSTANTS, Problem, drawn, ragged
from numpy.testing import assert_allclose, assert_array_equal

from sklstm._network import Network
from sklstm._topology import CELLS

DOUBLE = np.dtype(np.float64)
GROUP, LANES, SMALL = (CONSTANTS[DOUBLE][name] for name in ("GROUP", "LANES", "SMALL"))
WHOLE, SPAN = 6, 4
LENGTHS = [WHOLE + 2 * SPAN + 3, 3 * SPAN, WHOLE + 1, WHOLE, SPAN + 1, SPAN, 2]
SIZES = {
    "lanes": dict(hidden_layer_sizes=(3,)),
    "units": dict(hidden_layer_sizes=(SMALL + 1,)),
    "stacked": dict(hidden_layer_sizes=(3, 2), block_size=2),
    "stacked units": dict(hidden_layer_sizes=(SMALL + 1, 2)),
    "both directions": dict(hidden_layer_sizes=(3,), bidirectional=True),
    "both directions, units": dict(hidden_layer_sizes=(SMALL + 1,), bidirectional=True),
    "stacked directions, kept whole": dict(hidden_layer_sizes=(3, 2), bidirectional=True),
}


@pytest.fixture(autouse=True)
def few_steps_are_kept(monkeypatch):
    monkeypatch.setattr(Network, "_kept", {"whole": WHOLE, "span": SPAN})


def problem_of(sizes, cell, lengths=LENGTHS, return_sequences=False):
    topology, vector = drawn(
        dict(n_features=2, n_outputs=2) | SIZES[sizes], cell, dtype=DOUBLE, scale=0.2
    )
    sequences = ragged(lengths, 2, dtype=DOUBLE)
    return vector, Problem(topology, sequences, return_sequences=return_sequences)


def many(n):
    """Lengths of n sequences, a few of which are long."""
    return LENGTHS + [1 + k % 7 for k in range(n - len(LENGTHS))]


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("return_sequences", [False, True], ids=["last", "every"])
@pytest.mark.parametrize("gradient", ["full", "truncated"])
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("n", [len(LENGTHS), LANES + len(LENGTHS)])
def test_the_gradient_is_that_of_the_twin(n, cell, gradient, return_sequences, sizes):
    vector, problem = problem_of(sizes, cell, many(n), return_sequences)
    directions = np.random.default_rng(0).normal(size=(2, len(vector)))
    directions[:, ~problem.topology.trainable] = 0
    found = directions @ problem.kernel(vector, gradient)[1]
    expected = problem.twin_slopes(vector, gradient, directions)
    assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("n", [len(LENGTHS), GROUP, 2 * GROUP + 5])
def test_bits_do_not_depend_on_the_number_of_threads(n, sizes):
    lengths = [SPAN + length for length in many(n)]  # several spans in every group
    vector, problem = problem_of(sizes, "peephole", lengths)
    loss, d_vector = problem.kernel(vector, "full", n_threads=1)
    for n_threads in (2, 3, 8):
        again, d_again = problem.kernel(vector, "full", n_threads=n_threads)
        assert again == loss
        assert_array_equal(d_again, d_vector)


@pytest.mark.parametrize(
    "lengths",
    [many(GROUP + 2 * LANES), [10 * LANES] + [1] * (GROUP + 2 * LANES)],
    ids=["all lengths", "one in units, and a group in lanes"],
)
@pytest.mark.parametrize("sizes", ["lanes", "units"])
def test_more_sequences_than_learn_together_have_the_mean_of_their_gradients(sizes, lengths):
    vector, problem = problem_of(sizes, "forget", lengths)
    found = problem.kernel(vector, "full")[1]
    trainer = problem.trainer(vector, "full")
    mean = 0
    for k in range(len(lengths)):
        trainer.gradient(np.array([k]))
        mean = mean + trainer.found.dense / len(lengths)
    assert_allclose(found, mean, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("sizes", SIZES)
def test_a_batch_of_short_sequences_has_the_bits_that_it_has_without_long_ones_in_x(sizes):
    short = [k for k, length in enumerate(LENGTHS) if length <= WHOLE]
    vector, problem = problem_of(sizes, "1997")
    beside = problem.trainer(vector, "full")
    beside.gradient(np.arange(len(LENGTHS)))
    loss = beside.gradient(np.array(short))
    problem.sequences = [problem.sequences[k] for k in short]
    problem.targets, problem.weights = problem.targets[short], problem.weights[short]
    problem.sequence_weights = problem.sequence_weights[short]
    alone = problem.trainer(vector, "full")
    assert alone.gradient(np.arange(len(short))) == loss
    assert_array_equal(alone.found.dense, beside.found.dense)


@pytest.mark.parametrize("sizes", ["lanes", "units", "stacked"])
def test_loss_and_gradient_are_those_of_sequences_that_are_kept_whole(sizes, monkeypatch):
    vector, problem = problem_of(sizes, "coupled", many(30))
    loss, d_vector = problem.kernel(vector, "full")
    monkeypatch.setattr(Network, "_kept", {})
    whole, d_whole = problem.kernel(vector, "full")
    assert loss == pytest.approx(whole, rel=1e-14)
    assert_allclose(d_vector, d_whole, rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("sizes", ["lanes", "units"])
def test_as_many_steps_as_the_kernels_keep(sizes, monkeypatch):
    c = CONSTANTS[DOUBLE]
    assert c["SPAN"] & (c["SPAN"] - 1) == 0 < c["SPAN"] <= c["WHOLE"]
    lengths = [c["WHOLE"] + c["SPAN"] + 3, c["WHOLE"] + 1, 5]
    vector, problem = problem_of(sizes, "forget", lengths, return_sequences=True)
    monkeypatch.setattr(Network, "_kept", {"whole": lengths[0]})
    whole, d_whole = problem.kernel(vector, "full")
    monkeypatch.setattr(Network, "_kept", {})
    loss, d_vector = problem.kernel(vector, "full")
    assert loss == whole
    assert_allclose(d_vector, d_whole, rtol=1e-9, atol=1e-13)
    assert (d_vector != d_whole).any()  # sums in another order
