"""The kernels of every instruction set that this machine has are right; one is picked at import."""

import os
import subprocess
import sys

import numpy as np
import pytest
from kernels import CELLS, Problem, drawn, kernel_output, network, packed, ragged
from numpy.testing import assert_allclose, assert_array_equal
from twins.reference import one_output

from sklstm import _isa
from sklstm._network import Network


@pytest.fixture(params=_isa.available())
def isa(request, monkeypatch):
    monkeypatch.setattr(_isa, "kernels", _isa.load(request.param))
    return request.param


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_output_is_that_of_the_twin(isa, cell, dtype):
    lanes = _isa.kernels[np.dtype(dtype)].constants["LANES"]
    topology, vector = network("everything", cell, dtype=dtype)
    sequences = ragged([1 + k % 5 for k in range(lanes + 2)], topology.n_features, dtype=dtype)
    found = kernel_output(topology, vector, sequences, return_sequences=False)
    tolerance = dict(rtol=2e-5, atol=2e-6) if dtype == np.float32 else dict(rtol=1e-11)
    assert_allclose(found, one_output(topology, vector, sequences), **tolerance)


@pytest.mark.parametrize("n", [1, 5])
@pytest.mark.parametrize("gradient", ["full", "truncated"])
@pytest.mark.parametrize("cell", CELLS)
def test_gradient_is_the_derivative(isa, cell, gradient, n):
    topology, vector = network("stacked", cell)
    problem = Problem(topology, ragged([3, 2, 4, 1, 2][:n], 2), return_sequences=True)
    found = problem.kernel(vector, gradient)[1]
    assert_allclose(found, problem.twin_gradient(vector, gradient), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bits_do_not_depend_on_the_number_of_threads(isa, dtype):
    topology, vector = network("large", dtype=dtype)
    problem = Problem(topology, ragged([20 + k % 7 for k in range(70)], 5, dtype=dtype))
    loss, d_vector = problem.kernel(vector, "full", n_threads=1)
    for n_threads in (2, 5):
        again, d_again = problem.kernel(vector, "full", n_threads=n_threads)
        assert again == loss
        assert_array_equal(d_again, d_vector)


def batch_of_32(dtype):
    """Of one length, for 64 units."""
    sizes = dict(n_features=8, hidden_layer_sizes=(64,), n_outputs=1)
    topology, vector = drawn(sizes, dtype=dtype, scale=0.1)
    return topology, vector, ragged([20] * 32, 8, dtype=dtype)


def busiest(parts, n_threads):
    """Work of the thread that has most, as a multiple of the mean: who is free takes the next."""
    work = [0] * n_threads
    for part in parts:
        work[work.index(min(work))] += part
    return max(work) * n_threads / sum(work)


def multiply_adds(topology, width, steps):
    """Of a chunk in training, forward and backward: one layer, outputs at the last step."""
    layer = topology.stack[0]
    sources = layer.n_columns - 1 + layer.n_recurrent
    return width * (sum(steps) * layer.n_rows * sources + len(steps) * 2 * topology.n_read)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_batch_of_32_at_64_units_is_dealt_evenly_to_eight_threads(isa, dtype):
    topology, vector, sequences = batch_of_32(dtype)
    session = Network(topology, vector, "full", False)._session(
        packed(sequences), 32, 8, training=True
    )
    rounds, pieces = session.plan_of(np.arange(32))
    for chunks in rounds:
        assert busiest([multiply_adds(topology, *chunk) for chunk in chunks], 8) <= 1.15
    columns = {0: topology.stack[0].n_columns, 1: topology.n_read + 1}
    assert busiest([(stop - first) * columns[k] for k, first, stop in pieces], 8) <= 1.15
    for layer, n_rows in enumerate((4 * 64, 1)):
        bounds = [(first, stop) for index, first, stop in pieces if index == layer]
        starts, stops = zip(*bounds, strict=True)
        assert (*starts, n_rows) == (0, *stops)  # every row once
    least = _isa.kernels[np.dtype(dtype)].constants["ROWS_MIN"]
    assert all(stop - first == least for layer, first, stop in pieces if layer == 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_batch_of_32_at_64_units_gives_the_same_bits_on_eight_threads(isa, dtype):
    topology, vector, sequences = batch_of_32(dtype)
    problem = Problem(topology, sequences)
    loss, d_vector = problem.kernel(vector, "full", n_threads=1)
    again, d_again = problem.kernel(vector, "full", n_threads=8)
    assert again == loss
    assert_array_equal(d_again, d_vector)


def run(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        check=False,
    )


@pytest.mark.parametrize("name", _isa.available())
def test_the_environment_picks_the_instruction_set(name):
    done = run("from sklstm import _isa; print(_isa.name)", SKLSTM_ISA=name)
    assert done.stdout.strip() == name, done.stderr


def test_an_unknown_instruction_set_is_an_error_that_lists_the_known():
    done = run("import sklstm", SKLSTM_ISA="sse5")
    assert "SKLSTM_ISA='sse5' is not supported by this processor. Use one of" in done.stderr
    assert "portable" in done.stderr
