"""Streams on the far side of the kernel's constants: sources of any length, and several threads."""

import pickle

import numpy as np
import pytest
from kernels import CELLS, drawn
from numpy.testing import assert_allclose, assert_array_equal
from twins.reference import output

from sklstm import LSTMRegressor, _isa, _runtime
from sklstm._solvers import SOLVERS
from sklstm._topology import Topology

SINGLE, DOUBLE = np.dtype(np.float32), np.dtype(np.float64)
CONSTANTS = {dtype: kernel.constants for dtype, kernel in _isa.online.items()}
TOLERANCE = {SINGLE: dict(rtol=1e-4, atol=2e-5), DOUBLE: dict(rtol=1e-10, atol=1e-12)}
N_FEATURES, N_OUTPUTS = 2, 2


def regressor(hidden, dtype=DOUBLE, *, cell="forget", block_size=1, **settings):
    """An estimator with drawn parameters that learns as a stream does."""
    model = LSTMRegressor(
        hidden,
        cell=cell,
        block_size=block_size,
        gradient="truncated",
        solver="sgd",
        learning_rate_init=0.1,
        momentum=0.0,
        clip_norm=None,
        batch_size=1,
        random_state=0,
        **settings,
    ).initialize(N_FEATURES, n_outputs=N_OUTPUTS)
    topology = model._topology
    sizes = dict(
        n_features=N_FEATURES,
        hidden_layer_sizes=topology.hidden_layer_sizes,
        block_size=block_size,
        n_outputs=N_OUTPUTS,
    )
    scale = 0.5 / np.sqrt(max(1, topology.stack[-1].n_columns / 16))
    model.parameters_ = drawn(sizes, cell, dtype=dtype, scale=scale)[1]
    model._solver_state = SOLVERS[model.solver].start(model.parameters_, model)
    return model


def n_total(hidden, cell, block_size):
    return Topology(cell, N_FEATURES, hidden, block_size, False, N_OUTPUTS, "all").n_total


def large(cell, block_size=1):
    """Blocks enough for several threads, one more than 2, 3 and 4 threads share evenly."""
    H = 13
    while n_total((H,), cell, block_size) <= CONSTANTS[DOUBLE]["PARALLEL_MIN"]:
        H += 12
    return H


def remainders(dtype):
    """Numbers of blocks with which rows of weights end at and beside whole vectors."""
    lanes = CONSTANTS[dtype]["LANES"]
    beside = 2 * lanes - N_FEATURES - 1  # of cells that read F features and a constant
    return sorted(n for n in {1, beside - 1, beside, beside + 1, lanes, lanes + 1} if n > 0)


def series(n_steps=4, dtype=DOUBLE):
    rng = np.random.default_rng(1)
    return rng.normal(size=(n_steps, N_FEATURES)).astype(dtype), rng.normal(size=N_OUTPUTS)


def outputs_are_the_twins(model, dtype):
    x, _ = series(dtype=dtype)
    stream = model.stream()
    found = [stream.step(x_t) for x_t in x]
    assert_allclose(found, output(model._topology, model.parameters_, [x])[0], **TOLERANCE[dtype])


def learning_is_partial_fit(hidden, n_steps=4, **settings):
    batch, online = (regressor(hidden, **settings) for _ in range(2))
    x, y = series(n_steps)
    before = batch.parameters_.copy()
    batch.partial_fit([x], [y])
    stream = online.stream()
    for x_t in x:
        stream.step(x_t)
    stream.learn(y)
    change = batch.parameters_ - before
    # closed gates may shut a block out of a long series
    assert (change != 0).all() if n_steps == 4 else (change != 0).any()
    atol = 1e-11 * np.abs(change).max()
    assert_allclose(online.parameters_ - before, change, rtol=1e-8, atol=atol)


@pytest.mark.parametrize("block_size", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=["float32", "float64"])
def test_rows_of_any_length_give_the_outputs_of_the_twin(dtype, cell, block_size):
    for hidden in remainders(dtype):
        outputs_are_the_twins(regressor(hidden, dtype, cell=cell, block_size=block_size), dtype)


@pytest.mark.parametrize("block_size", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
def test_rows_of_any_length_learn_what_partial_fit_learns(cell, block_size):
    for hidden in remainders(DOUBLE):
        learning_is_partial_fit(hidden, cell=cell, block_size=block_size)


@pytest.mark.parametrize("block_size", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
def test_traces_wait_for_any_number_of_steps(cell, block_size):
    most = CONSTANTS[DOUBLE]["WAITING"]
    for n_steps in (2, most - 1, most, most + 1, 2 * most + 3):
        learning_is_partial_fit(5, n_steps, cell=cell, block_size=block_size)


@pytest.mark.parametrize("cell", CELLS)
def test_when_a_stream_was_saved_does_not_show_in_what_it_learns(cell):
    x, y = series(CONSTANTS[DOUBLE]["WAITING"] + 5)
    found = []
    for saved_at in (None, 1, 7, len(x) - 1):
        model = regressor(5, cell=cell)
        stream = model.stream()
        for t, x_t in enumerate(x):
            stream.step(x_t)
            if t == saved_at:
                stream = pickle.loads(pickle.dumps(stream))
        stream.learn(y)
        found.append(stream.estimator.parameters_)
    for parameters in found[1:]:
        assert_array_equal(parameters, found[0])


@pytest.mark.parametrize("block_size", [1, 3])
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=["float32", "float64"])
def test_a_large_stream_gives_the_outputs_of_the_twin(dtype, cell, block_size):
    H = large(cell, block_size)
    model = regressor(H, dtype, cell=cell, block_size=block_size, n_jobs=2)
    assert model.stream()._online.parallel
    outputs_are_the_twins(model, dtype)


@pytest.mark.parametrize("cell", CELLS)
def test_a_large_stack_gives_the_outputs_of_the_twin(cell):
    model = regressor((large(cell), CONSTANTS[DOUBLE]["LANES"] + 1), cell=cell, n_jobs=2)
    outputs_are_the_twins(model, DOUBLE)


@pytest.mark.parametrize("block_size", [1, 3])
@pytest.mark.parametrize("cell", CELLS)
def test_a_large_stream_learns_what_partial_fit_learns(cell, block_size):
    learning_is_partial_fit(large(cell, block_size), cell=cell, block_size=block_size, n_jobs=2)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=["float32", "float64"])
def test_bits_of_a_large_stream_do_not_depend_on_the_number_of_threads(dtype, cell):
    x, y = series(dtype=dtype)
    runs = []
    for n_jobs in (1, 2, 3, 7):
        model = regressor(large(cell), dtype, cell=cell, n_jobs=n_jobs)
        stream, found = model.stream(), []
        for x_t in x:
            found += [*stream.step(x_t), stream.learn(y)]
        assert stream._online.n_threads == (n_jobs if _runtime.has_openmp else 1)
        runs.append(np.concatenate([found, model.parameters_]))
    for found in runs[1:]:
        assert_array_equal(found, runs[0])


def test_a_stream_is_large_just_above_the_smallest_work_of_threads():
    least = CONSTANTS[DOUBLE]["PARALLEL_MIN"]
    H = next(H for H in range(1, 10**4) if n_total((H,), "forget", 1) > least)
    assert regressor(H).stream()._online.parallel
    assert not regressor(H - 1).stream()._online.parallel
