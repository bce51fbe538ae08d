"""The kernels compute what the twin computes, and their gradients are derivatives."""

import numpy as np
import pytest
from kernels import CELLS, LANES, SHAPES, Problem, kernel_output, network, packed, ragged
from numpy.testing import assert_allclose, assert_array_equal
from reference import central_differences, last_output, output
from sklstm._network import Network

SINGLE, DOUBLE = np.dtype(np.float32), np.dtype(np.float64)
TOLERANCE = {SINGLE: dict(rtol=2e-5, atol=2e-6), DOUBLE: dict(rtol=1e-11, atol=1e-13)}


def lengths_for(kind):
    """Ragged batches: alone, a chunk that is not full, more than a chunk with a rest."""
    lanes = LANES[DOUBLE]
    return {
        "one": [4],
        "one-step": [1, 1, 1],
        "part-of-a-chunk": [3, 5, 1, 4, 2, 2][: max(2, lanes)] + [2] * (lanes // 4),
        "chunks-and-rest": [1 + (7 * k) % 6 for k in range(2 * lanes + 1)],
    }[kind]


BATCHES = ["one", "one-step", "part-of-a-chunk", "chunks-and-rest"]


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE])
def test_output_is_that_of_the_twin(dtype, cell, shape, batch):
    topology, vector = network(shape, cell, dtype=dtype)
    sequences = ragged(lengths_for(batch), topology.n_features, dtype=dtype)
    found = kernel_output(topology, vector, sequences, return_sequences=False)
    assert_allclose(found, last_output(topology, vector, sequences), **TOLERANCE[dtype])
    found = kernel_output(topology, vector, sequences, return_sequences=True)
    for part, expected in zip(found, output(topology, vector, sequences), strict=True):
        assert_allclose(part, expected, **TOLERANCE[dtype])


@pytest.mark.parametrize("return_sequences", [False, True], ids=["last", "every-step"])
@pytest.mark.parametrize("batch", ["one", "part-of-a-chunk"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("gradient", ["full", "truncated"])
def test_gradient_is_the_derivative_of_the_twin(gradient, cell, shape, batch, return_sequences):
    topology, vector = network(shape, cell)
    sequences = ragged(lengths_for(batch)[:5], topology.n_features)
    problem = Problem(topology, sequences, return_sequences=return_sequences, alpha=0.3)
    loss, d_vector = problem.kernel(vector, gradient)
    assert_allclose(loss, problem.twin_loss(vector), rtol=1e-12)
    assert_allclose(d_vector, problem.twin_gradient(vector, gradient), rtol=1e-10, atol=1e-13)
