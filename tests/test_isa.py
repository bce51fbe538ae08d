"""The kernels of every instruction set that this machine has are right; one is picked at import."""

import os
import subprocess
import sys

import numpy as np
import pytest
from kernels import CELLS, Problem, kernel_output, network, ragged
from numpy.testing import assert_allclose, assert_array_equal
from twins.reference import last_output

from sklstm import _isa


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
    assert_allclose(found, last_output(topology, vector, sequences), **tolerance)


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
    assert "SKLSTM_ISA='sse5' is not for this processor, which has" in done.stderr
    assert "portable" in done.stderr
