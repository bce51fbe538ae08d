"""On the shapes of `edges.py`, twin, derivatives and laws of the kernels hold."""

from pathlib import Path

import numpy as np
import pytest
from edges import EDGES, at, beyond
from kernels import CELLS, CONSTANTS, Problem, drawn, kernel_output, packed, ragged
from numpy.testing import assert_allclose, assert_array_equal
from threadpoolctl import threadpool_limits
from twins.reference import one_output, output

from sklstm._network import OUTPUT_BATCH, Network

SINGLE, DOUBLE = np.dtype(np.float32), np.dtype(np.float64)
GRADIENTS = ["full", "truncated"]
TOLERANCE = {SINGLE: dict(rtol=1e-4, atol=2e-5), DOUBLE: dict(rtol=1e-10, atol=1e-12)}


@pytest.fixture(autouse=True, scope="module")
def one_thread_for_blas():
    """The twin's products are so small that threads of NumPy only wait for each other."""
    with threadpool_limits(1, "blas"):
        yield


def kinds(topology):
    """Places in the flat vector of each kind of parameter of each layer."""
    places = np.arange(topology.n_total)
    for layer in topology.layers(places):
        yield from layer.values()
    yield topology.output_weights(places)
    yield topology.output_bias(places)


def directions(topology, seed=0):
    """A random direction within each kind of parameter."""
    rng = np.random.default_rng(seed)
    for places in kinds(topology):
        direction = np.zeros(topology.n_total)
        direction[places] = rng.normal(size=places.shape)
        yield direction / np.linalg.norm(direction)


def corners(topology, seed=0):
    """The first and the last place of each kind of parameter, and one in between."""
    rng = np.random.default_rng(seed)
    for places in kinds(topology):
        for place in {places.flat[0], places.flat[-1], rng.choice(places.ravel())}:
            yield np.eye(1, topology.n_total, place)[0]


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=["float32", "float64"])
def test_output_is_that_of_the_twin(dtype, cell, edge):
    topology, vector, problem = at(edge, cell, dtype)
    for return_sequences, twin in [(False, one_output), (True, output)]:
        found = kernel_output(
            topology, vector, problem.sequences, return_sequences=return_sequences
        )
        expected = twin(topology, vector, problem.sequences)
        assert_allclose(np.vstack(found), np.vstack(expected), **TOLERANCE[dtype])


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("gradient", GRADIENTS)
def test_gradient_is_the_derivative_of_the_twin(gradient, cell, edge):
    topology, vector, problem = at(edge, cell)
    d_vector = problem.kernel(vector, gradient)[1]
    along = list(directions(topology))
    expected = problem.twin_slopes(vector, gradient, along)
    assert (expected != 0).all()
    assert_allclose(along @ d_vector, expected, rtol=1e-9, atol=1e-11 * np.abs(d_vector).max())


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("cell", CELLS)
def test_gradient_is_the_difference_of_losses(cell, edge):
    topology, vector, problem = at(edge, cell)
    trainer = problem.trainer(vector, "full")
    everything, middle, h = np.arange(len(problem.sequences)), vector.copy(), 3e-5

    def loss(distance):
        vector[:] = middle + distance * direction  # the trainer reads them anew
        return trainer.gradient(everything)

    rounding = 100 * np.spacing(trainer.gradient(everything)) / h  # of a sum of thousands
    d_vector = trainer.found.dense.copy()
    atol = rounding + 1e-9 * np.linalg.norm(d_vector)
    for direction in [*directions(topology), *corners(topology)]:
        # to the fourth order: over thousands of steps a small change grows
        slope = (8 * (loss(h) - loss(-h)) - (loss(2 * h) - loss(-2 * h))) / (12 * h)
        assert_allclose(direction @ d_vector, slope, rtol=1e-6, atol=atol)


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("gradient", GRADIENTS)
def test_gradient_in_float32_is_that_in_float64(gradient, edge):
    topology, vector, problem = at(edge, "peephole", SINGLE)
    found = problem.kernel(vector, gradient)[1]
    expected = problem.kernel(vector.astype(DOUBLE), gradient)[1]
    for places in kinds(topology):
        atol = 1e-4 * np.abs(expected[places]).max()
        assert_allclose(found[places], expected[places], rtol=1e-4, atol=atol)


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=["float32", "float64"])
def test_a_sequence_gives_the_same_bits_alone_and_in_any_company(dtype, cell, edge):
    topology, vector, problem = at(edge, cell, dtype)
    together = kernel_output(topology, vector, problem.sequences, return_sequences=True)
    for k in {0, len(problem.sequences) // 2, len(problem.sequences) - 1}:
        x = problem.sequences[k]
        alone = kernel_output(topology, vector, [x], return_sequences=True)[0]
        assert_array_equal(together[k], alone)


@pytest.mark.parametrize("gradient", GRADIENTS)
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=["float32", "float64"])
def test_bits_of_many_chunks_do_not_depend_on_the_number_of_threads(dtype, cell, gradient):
    c = CONSTANTS[dtype]
    lengths = [1 + k % 2 for k in range(3 * c["CHUNK_MAX"] + c["LANES"] + 5)]
    size = 2
    while True:  # so large that threads are woken for the outputs as for the gradient
        topology, vector = drawn(
            dict(n_features=2, hidden_layer_sizes=(size,), n_outputs=2), cell, dtype=dtype
        )
        if topology.n_total * sum(lengths) > c["PARALLEL_MIN"]:
            break
        size *= 2
    problem = Problem(topology, ragged(lengths, 2, dtype=dtype))
    outputs, gradients = [], []
    for n_threads in (1, 2, 3, 8, 33):
        outputs.append(
            kernel_output(
                topology, vector, problem.sequences, return_sequences=False, n_threads=n_threads
            )
        )
        gradients.append(problem.kernel(vector, gradient, n_threads=n_threads))
    for found, (loss, d_vector) in zip(outputs, gradients, strict=True):
        assert_array_equal(found, outputs[0])
        assert loss == gradients[0][0]
        assert_array_equal(d_vector, gradients[0][1])


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=["float32", "float64"])
def test_many_outputs_of_a_small_layer_learn_the_same_bits_on_many_threads(dtype):
    sizes = dict(n_features=1, hidden_layer_sizes=(1,), n_outputs=4096, bidirectional=True)
    topology, vector = drawn(sizes, dtype=dtype)
    problem = Problem(topology, ragged([3] * 33, 1, dtype=dtype))
    loss, d_vector = problem.kernel(vector, "full")
    for n_threads in (2, 32):  # the more there are, the smaller the pieces
        found, found_vector = problem.kernel(vector, "full", n_threads=n_threads)
        assert found == loss
        assert_array_equal(found_vector, d_vector)


def test_a_smaller_batch_with_more_chunks_than_the_largest_gives_the_same_bits():
    c = CONSTANTS[DOUBLE]
    sizes = dict(n_features=2, hidden_layer_sizes=(4 * c["SMALL"],), n_outputs=1)
    topology, vector = drawn(sizes, scale=0.1)
    steps = c["PARALLEL_MIN"] // topology.n_total + 1  # threads are woken, and all have work
    sequences = packed(ragged([steps] * 17, 2))
    found = []
    for n_threads in (1, 8):  # nine sequences are five chunks for eight threads, eight are eight
        out = np.empty((17, 1))
        net = Network(topology, vector, "full", False)
        net._session(sequences, 9, n_threads, training=False).output(out)
        found.append(out)
    assert_array_equal(*found)


@pytest.mark.parametrize("edge", ["as-many-left-over-as-run-alone", "together-1"])
@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=["float32", "float64"])
def test_gradient_of_any_part_of_a_set_is_that_of_a_set_of_its_own(dtype, edge):
    topology, vector, problem = at(edge, "forget", dtype)
    trainer = problem.trainer(vector, "full")
    n = len(problem.sequences)
    for rows in (np.arange(n), np.arange(n)[::-7].copy(), np.array([n - 1]), np.arange(n)):
        sequences, weights = [problem.sequences[k] for k in rows], problem.weights[rows]
        part = Problem(topology, sequences, weights=weights)
        part.targets = problem.targets[rows]
        loss, d_vector = part.kernel(vector, "full")
        assert trainer.gradient(rows) == loss
        assert_array_equal(trainer.found.dense, d_vector)


@pytest.mark.parametrize("return_sequences", [False, True], ids=["last", "every-step"])
def test_more_sequences_than_are_worked_on_at_a_time_give_the_same_bits(return_sequences):
    topology, vector = drawn(dict(n_features=1, hidden_layer_sizes=(2,), n_outputs=1))
    n = OUTPUT_BATCH + CONSTANTS[DOUBLE]["LANES"] + 1
    sequences = ragged([1 + k % 2 for k in range(n)], 1)
    net = Network(topology, vector, "full", return_sequences)
    halves = [net.output(packed(part), 1) for part in (sequences[: n // 2], sequences[n // 2 :])]
    assert_array_equal(net.output(packed(sequences), 1), np.concatenate(halves))


# ------------------------------------------------------------------------------- large layers


def sequences_of_chunks(topology, vector, problem, n=None, n_threads=1):
    """How many each chunk takes of a batch of n sequences; None are all."""
    most = len(problem.sequences)
    session = Network(topology, vector, "full", False)._session(
        packed(problem.sequences), most, n_threads, training=True
    )
    n = most if n is None else n
    return [len(steps) for chunks in session.plan_of(np.arange(n))[0] for _, steps in chunks]


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=["float32", "float64"])
def test_a_small_net_has_its_sequences_in_lanes_unless_it_has_many_inputs(dtype):
    widths = []
    for edge in ("inputs-0-too-many", "inputs-1-too-many"):
        topology, vector, problem = at(edge, dtype=dtype)
        n = len(problem.sequences)
        session = Network(topology, vector, "full", False)._session(
            packed(problem.sequences), n, 1, training=True
        )
        widths.append({width for chunks in session.plan_of(np.arange(n))[0] for width, _ in chunks})
    assert CONSTANTS[dtype]["LANES"] in widths[0]
    assert widths[1] == {1}


@pytest.mark.parametrize("n_threads", [1, 2, 8])
@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=["float32", "float64"])
def test_nine_of_ten_lanes_are_used_by_sequences_of_very_different_lengths(dtype, n_threads):
    lengths = np.random.default_rng(0).integers(10, 201, size=32)
    H = CONSTANTS[dtype]["SMALL"] // 2  # whole vectors
    topology, vector = drawn(dict(n_features=2, hidden_layer_sizes=(H,), n_outputs=1), dtype=dtype)
    problem = Problem(topology, ragged(lengths, 2, dtype=dtype))
    session = Network(topology, vector, "full", False)._session(
        packed(problem.sequences), 32, n_threads, training=True
    )
    chunks = [chunk for chunks in session.plan_of(np.arange(32))[0] for chunk in chunks]
    steps = sum(width * sum(steps) for width, steps in chunks)
    assert sum(lengths) >= 0.9 * steps


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=["float32", "float64"])
def test_the_farther_the_weights_the_more_sequences_share_each_reading(dtype, cell):
    few, many = (
        sequences_of_chunks(*beyond(n_bytes, cell, dtype))
        for n_bytes in ("BYTES_FEW", "BYTES_MANY")
    )
    assert sum(few) == sum(many)
    small = sequences_of_chunks(*at("together-5.5", cell, dtype))
    c = CONSTANTS[dtype]
    for sizes, most in (
        (small, c["TILE_SEQUENCES"]),
        (few, c["CHUNK_MIDDLE"]),
        (many, c["CHUNK_MAX"]),
    ):
        assert len(sizes) == -(-sum(sizes) // most) > 1
        assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("n_threads", [1, 2, 3, 8])
@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=["float32", "float64"])
def test_every_thread_has_as_many_chunks_while_there_are_sequences(dtype, n_threads):
    most = CONSTANTS[dtype]["TILE_SEQUENCES"]
    sizes = dict(n_features=2, hidden_layer_sizes=(CONSTANTS[dtype]["SMALL"],), n_outputs=1)
    topology, vector = drawn(sizes, dtype=dtype)
    problem = Problem(topology, ragged([2] * (n_threads * most + 1), 2, dtype=dtype))
    for n in range(1, len(problem.sequences) + 1):
        chunks = sequences_of_chunks(topology, vector, problem, n, n_threads)
        assert len(chunks) == n or len(chunks) % n_threads == 0
        assert sum(chunks) == n
        assert min(chunks) > 0 and max(chunks) <= most
        assert max(chunks) - min(chunks) <= 1


@pytest.mark.parametrize("n_bytes", ["BYTES_FEW", "BYTES_MANY"])
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=["float32", "float64"])
def test_a_large_layer_gives_each_sequence_the_bits_and_the_gradient_it_has_alone(
    dtype, cell, n_bytes
):
    topology, vector, problem = beyond(n_bytes, cell, dtype)
    together = kernel_output(topology, vector, problem.sequences, return_sequences=False)
    for x, out in zip(problem.sequences, together, strict=True):
        assert_array_equal(kernel_output(topology, vector, [x], return_sequences=False)[0], out)
    trainer = problem.trainer(vector, "full")
    n, mean = len(problem.sequences), 0
    for k in range(n):
        trainer.gradient(np.array([k]))
        mean = mean + trainer.found.dense.astype(float) / n
    trainer.gradient(np.arange(n))
    atol = TOLERANCE[dtype]["rtol"] * np.abs(mean).max()
    assert_allclose(trainer.found.dense, mean, rtol=TOLERANCE[dtype]["rtol"], atol=atol)


def test_every_constant_of_the_kernels_decides_a_shape_of_these_tests():
    names = (
        "edges",
        "test_edges",
        "test_teams",
        "test_pace",
        "test_spans",
        "test_isa",
        "test_losses",
    )
    files = [Path(__file__).with_name(f"{name}.py") for name in names]
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    missing = {name for c in CONSTANTS.values() for name in c if f'"{name}"' not in text}
    assert missing == set()
