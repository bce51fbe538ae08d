"""Batches of few sequences whose weights are so many that all threads work on the same chunk."""

import numpy as np
import pytest
from edges import wide
from kernels import CONSTANTS, Problem, drawn, packed, ragged
from numpy.testing import assert_allclose, assert_array_equal

from sklstm._network import Network
from sklstm._topology import CELLS

SINGLE, DOUBLE = np.dtype(np.float32), np.dtype(np.float64)
WHOLE, SPAN = 6, 4
THREADS = [2, 3, 8]
NETS = {
    "one layer": dict(),
    "stacked": dict(hidden_layer_sizes=(1, 2), block_size=2),
    "both directions": dict(hidden_layer_sizes=(1, 3), bidirectional=True),
}


def large(n_bytes, cell, dtype, n, *, net="one layer", return_sequences=False):
    """A layer with a little more weights than `n_bytes`, and n sequences with work for threads."""
    c = CONSTANTS[dtype]
    H = wide(c)
    F = c[n_bytes] // np.dtype(dtype).itemsize // (3 * H)
    sizes = dict(hidden_layer_sizes=(H,), n_features=F, n_outputs=2) | NETS[net]
    sizes["hidden_layer_sizes"] = (H, *sizes["hidden_layer_sizes"][1:])
    topology, vector = drawn(sizes, cell, dtype=dtype, scale=0.5 / np.sqrt(F))
    steps = c["PARALLEL_MIN"] // (n * topology.n_total) + SPAN
    sequences = ragged([steps + WHOLE - k % 3 for k in range(n)], F, dtype=dtype)
    return vector, Problem(topology, sequences, return_sequences=return_sequences)


def chunks(vector, problem, n_threads):
    """How many sequences each chunk has."""
    n = len(problem.sequences)
    session = Network(problem.topology, vector, "full", False)._session(
        packed(problem.sequences), n, n_threads, training=True
    )
    return [len(steps) for found in session.plan_of(np.arange(n))[0] for _, steps in found]


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=["float32", "float64"])
def test_what_fits_in_a_chunk_is_one_for_all_threads_where_weights_are_many(dtype):
    most = CONSTANTS[dtype]["CHUNK_MAX"]
    for n, expected in [(1, [1]), (most, [most]), (most + 1, [most // 2, most // 2 + 1])]:
        vector, problem = large("BYTES_MANY", "forget", dtype, n)
        assert sorted(chunks(vector, problem, 2)) == expected
    for n, expected in [(1, [1]), (2, [1, 1])]:
        vector, problem = large("BYTES_FEW", "forget", dtype, n)
        assert chunks(vector, problem, 2) == expected


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("return_sequences", [False, True], ids=["last", "every"])
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=["float32", "float64"])
def test_bits_do_not_depend_on_the_number_of_threads(dtype, cell, return_sequences, net):
    vector, problem = large(
        "BYTES_MANY", cell, dtype, 5, net=net, return_sequences=return_sequences
    )

    def outputs(n_threads):
        network = Network(problem.topology, vector, "full", return_sequences)
        return network.output(packed([x.astype(dtype) for x in problem.sequences]), n_threads)

    expected = outputs(1)
    for gradient in ("full", "truncated"):
        loss, d_vector = problem.kernel(vector, gradient)
        for n_threads in THREADS:
            again, d_again = problem.kernel(vector, gradient, n_threads=n_threads)
            assert again == loss
            assert_array_equal(d_again, d_vector)
            assert_array_equal(outputs(n_threads), expected)


@pytest.mark.parametrize("n", [1, 2, "CHUNK_MAX"])
@pytest.mark.parametrize("n_bytes", ["BYTES_FEW", "BYTES_MANY"])
@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=["float32", "float64"])
def test_bits_of_any_number_of_sequences_do_not_depend_on_the_number_of_threads(dtype, n_bytes, n):
    vector, problem = large(n_bytes, "forget", dtype, CONSTANTS[dtype].get(n, n))
    loss, d_vector = problem.kernel(vector, "full")
    for n_threads in THREADS:
        again, d_again = problem.kernel(vector, "full", n_threads=n_threads)
        assert again == loss
        assert_array_equal(d_again, d_vector)


@pytest.mark.parametrize("return_sequences", [False, True], ids=["last", "every"])
@pytest.mark.parametrize("net", NETS)
def test_spans_give_the_same_bits_with_any_number_of_threads(monkeypatch, net, return_sequences):
    vector, problem = large(
        "BYTES_MANY", "peephole", DOUBLE, 3, net=net, return_sequences=return_sequences
    )
    whole = problem.kernel(vector, "full")
    monkeypatch.setattr(Network, "_kept", {"whole": WHOLE, "span": SPAN})
    loss, d_vector = problem.kernel(vector, "full")
    assert loss == pytest.approx(whole[0], rel=1e-12)
    assert_allclose(d_vector, whole[1], rtol=1e-9, atol=1e-12)
    for n_threads in THREADS:
        again, d_again = problem.kernel(vector, "full", n_threads=n_threads)
        assert again == loss
        assert_array_equal(d_again, d_vector)


def test_a_deep_net_in_lanes_whose_parameters_several_threads_pack_gives_the_same_bits():
    c = CONSTANTS[DOUBLE]
    H = int(c["NARROW"] ** 0.5)
    sizes = dict(n_features=2, hidden_layer_sizes=(H,) * (c["PACK_MIN"] // (8 * H * H) + 2))
    topology, vector = drawn(sizes | dict(n_outputs=1), dtype=DOUBLE, scale=0.3)
    assert topology.n_total > c["PACK_MIN"]
    lengths = [5 - k % 3 for k in range(3 * c["LANES"])]
    problem = Problem(topology, ragged(lengths, 2, dtype=DOUBLE))
    loss, d_vector = problem.kernel(vector, "full")
    for n_threads in THREADS:
        again, d_again = problem.kernel(vector, "full", n_threads=n_threads)
        assert again == loss
        assert_array_equal(d_again, d_vector)
