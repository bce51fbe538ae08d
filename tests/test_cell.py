"""The kernels compute what the twin computes, and their gradients are derivatives."""

from dataclasses import replace

import golden_values
import numpy as np
import pytest
from kernels import CELLS, LANES, SHAPES, Problem, drawn, kernel_output, network, ragged
from numpy.testing import assert_allclose, assert_array_equal
from twins.reference import central_differences, one_output, output

from sklstm._network import Network
from sklstm._outputs import Objective
from sklstm._sequences import Sequences
from sklstm._topology import Topology

SINGLE, DOUBLE = np.dtype(np.float32), np.dtype(np.float64)
TOLERANCE = {SINGLE: dict(rtol=2e-5, atol=2e-6), DOUBLE: dict(rtol=1e-11, atol=1e-13)}
GRADIENTS = ["full", "truncated"]
SMALL = [shape for shape in SHAPES if shape != "large"]


def batch(kind, dtype=DOUBLE):
    """Lengths: alone, every step the last, a chunk that is not full, two chunks and a rest."""
    lanes = LANES[dtype]
    return {
        "one": [4],
        "one-step": [1] * (lanes + 1),
        "part-of-a-chunk": [3, 5, 1][: max(1, lanes // 4)] + [2, 4, 2],
        "chunks-and-rest": [1 + (7 * k) % 6 for k in range(2 * lanes + 1)],
    }[kind]


@pytest.mark.parametrize("kind", ["one", "one-step", "part-of-a-chunk", "chunks-and-rest"])
@pytest.mark.parametrize("shape", SMALL)
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=["float32", "float64"])
def test_output_is_that_of_the_twin(dtype, cell, shape, kind):
    topology, vector = network(shape, cell, dtype=dtype)
    sequences = ragged(batch(kind, dtype), topology.n_features, dtype=dtype)
    found = kernel_output(topology, vector, sequences, return_sequences=False)
    assert_allclose(found, one_output(topology, vector, sequences), **TOLERANCE[dtype])
    found = kernel_output(topology, vector, sequences, return_sequences=True)
    for part, expected in zip(found, output(topology, vector, sequences), strict=True):
        assert_allclose(part, expected, **TOLERANCE[dtype])


@pytest.mark.parametrize("return_sequences", [False, True], ids=["last", "every-step"])
@pytest.mark.parametrize("kind", ["one", "part-of-a-chunk"])
@pytest.mark.parametrize("shape", SMALL)
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("gradient", GRADIENTS)
def test_gradient_is_the_derivative(gradient, cell, shape, kind, return_sequences):
    topology, vector = network(shape, cell)
    sequences = ragged(batch(kind), topology.n_features)
    problem = Problem(topology, sequences, return_sequences=return_sequences, alpha=0.3)
    loss, d_vector = problem.kernel(vector, gradient)
    assert_allclose(loss, problem.twin_loss(vector), rtol=1e-12)
    assert_allclose(d_vector, problem.twin_gradient(vector, gradient), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("gradient", GRADIENTS)
def test_gradient_matches_central_differences(gradient, cell):
    topology, vector = network("blocks", cell)
    problem = Problem(topology, ragged(batch("part-of-a-chunk"), 3))
    differences = problem.twin_gradient(vector, gradient, central_differences)
    assert_allclose(problem.kernel(vector, gradient)[1], differences, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("kind", ["one-step", "chunks-and-rest"])
@pytest.mark.parametrize("gradient", GRADIENTS)
@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=["float32", "float64"])
def test_gradient_of_many_chunks_is_the_mean_over_sequences(dtype, gradient, kind):
    topology, vector = network("blocks", "forget", dtype=dtype)
    problem = Problem(topology, ragged(batch(kind, dtype), 3))
    alone = [problem.kernel(vector, gradient, rows=np.array([k]))[1].astype(float)
             for k in range(len(problem.sequences))]  # fmt: skip
    found = problem.kernel(vector, gradient)[1]
    assert_allclose(found, np.mean(alone, axis=0), **TOLERANCE[dtype])


@pytest.mark.parametrize("bias", ["all", "hidden", "gates", None])
@pytest.mark.parametrize("cell", CELLS)
def test_biases_of_unbiased_units_have_no_gradient(cell, bias):
    topology, vector = network("blocks", cell, bias=bias)
    d_vector = Problem(topology, ragged([3, 2], 3)).kernel(vector, "full")[1]
    assert_array_equal(d_vector[~topology.trainable], 0)
    assert (d_vector[topology.trainable] != 0).all()


OBJECTIVES = [
    (loss, activation, ())
    for loss in ("squared_error", "absolute_error")
    for activation in ("identity", "logistic", "tanh")
] + [
    ("quantile", "identity", (0.3,)),
    ("quantile", "logistic", (0.1, 0.5, 0.9)),
    ("quantile", "identity", (0.2, 0.4, 0.7)),
    ("poisson", "identity", ()),
    ("log_loss", "logistic", ()),
    ("log_loss", "softmax", ()),
]  # fmt: skip


@pytest.mark.parametrize("return_sequences", [False, True], ids=["last", "every-step"])
@pytest.mark.parametrize(("loss", "out_activation", "quantiles"), OBJECTIVES)
def test_every_loss_and_its_gradient_are_the_twins(
    loss, out_activation, quantiles, return_sequences
):
    topology, vector = network()
    problem = Problem(
        topology,
        ragged([2, 3, 1], 2),
        loss=loss,
        out_activation=out_activation,
        quantiles=quantiles,
        return_sequences=return_sequences,
    )
    problem.weights[1] = 0  # no target there, whatever stands there
    problem.targets[1] = 0 if loss == "log_loss" else np.nan
    problem.sequence_weights[:] = [w.mean() for w in np.split(problem.weights, problem.cuts)]
    found, d_vector = problem.kernel(vector, "full")
    assert_allclose(found, problem.twin_loss(vector), rtol=1e-12)
    assert_allclose(d_vector, problem.twin_gradient(vector, "full"), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("n_quantiles", [1, 2, 3, 4, 7, 8])
def test_any_number_of_quantiles_has_the_gradient_of_the_twin(n_quantiles):
    levels = (np.arange(n_quantiles) + 0.5) / n_quantiles
    topology, vector = drawn(dict(n_features=2, hidden_layer_sizes=(3,), n_outputs=2 * n_quantiles))
    problem = Problem(topology, ragged([2, 3, 1], 2), loss="quantile", quantiles=levels)
    found, d_vector = problem.kernel(vector, "full")
    assert_allclose(found, problem.twin_loss(vector), rtol=1e-12)
    assert_allclose(d_vector, problem.twin_gradient(vector, "full"), rtol=1e-10, atol=1e-14)


def test_a_missing_target_among_several_outputs_is_left_out():
    topology, vector = network()
    problem = Problem(topology, ragged([3, 2], 2), return_sequences=True)
    problem.targets[[0, 3], [1, 2]] = np.nan
    found, d_vector = problem.kernel(vector, "full")
    assert_allclose(found, problem.twin_loss(vector), rtol=1e-12)
    assert_allclose(d_vector, problem.twin_gradient(vector, "full"), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("scale", [1e2, 1e4])
@pytest.mark.parametrize(
    ("loss", "out_activation", "quantiles"),
    [objective for objective in OBJECTIVES if objective[0] != "poisson"],  # exp has no bound
)
def test_losses_do_not_overflow(loss, out_activation, quantiles, scale):
    topology, vector = network()
    topology.output_weights(vector)[:] *= scale
    problem = Problem(
        topology,
        ragged([2, 3], 2),
        loss=loss,
        out_activation=out_activation,
        quantiles=quantiles,
    )
    found, d_vector = problem.kernel(vector, "full")
    assert_allclose(found, problem.twin_loss(vector), rtol=1e-10)
    assert np.isfinite(d_vector).all()


@pytest.mark.parametrize("scale", [30.0, 1000.0])
@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=["float32", "float64"])
def test_saturated_gates_are_those_of_the_twin(dtype, scale):
    topology, vector = network("single-cells", "peephole", dtype=dtype, scale=scale)
    sequences = ragged([3, 3], 2, dtype=dtype)
    found = kernel_output(topology, vector, sequences, return_sequences=False)
    assert_allclose(found, one_output(topology, vector, sequences), rtol=1e-3)


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=["float32", "float64"])
def test_nan_and_infinite_parameters_show_in_the_output(dtype):
    for value in (np.nan, np.inf):
        topology, vector = network("single-cells", dtype=dtype)
        topology.output_weights(vector)[0, 0] = value
        found = kernel_output(topology, vector, ragged([3], 2, dtype=dtype), return_sequences=False)
        assert not np.isfinite(found[0, 0])
    topology.layers(vector)[0]["input"][:] = np.nan
    found = kernel_output(topology, vector, ragged([3], 2, dtype=dtype), return_sequences=False)
    assert np.isnan(found).all()


@pytest.mark.parametrize("name", golden_values.names())
def test_output_is_that_of_other_implementations(name):
    golden = golden_values.load(name)
    for return_sequences in [False, True] if "output" in golden else [False]:
        found = kernel_output(
            golden["topology"],
            golden["vector"],
            golden["sequences"],
            return_sequences=return_sequences,
        )
        expected = golden["output"] if return_sequences else golden["last"]
        for part, right in zip(found, expected, strict=True):
            assert_allclose(part, right, rtol=golden["tolerance"], atol=golden["tolerance"])


@pytest.mark.parametrize("gradient", GRADIENTS)
@pytest.mark.parametrize("name", golden_values.names("torch"))
def test_gradient_is_that_of_pytorch(name, gradient):
    golden = golden_values.load(name)
    for objective in golden["objectives"].values():
        problem = Problem(
            replace(golden["topology"], pooling=objective["pooling"]),
            golden["sequences"],
            loss=objective["loss"],
            out_activation=objective["out_activation"],
            quantiles=objective["quantiles"],
            return_sequences=objective["return_sequences"],
            alpha=objective["alpha"],
        )
        problem.targets = np.vstack(objective["targets"])
        problem.weights = np.hstack(objective["weights"]).astype(float)
        problem.sequence_weights = np.array([np.mean(w) for w in objective["weights"]])
        loss, d_vector = problem.kernel(golden["vector"], gradient)
        assert_allclose(loss, objective["value"], rtol=1e-12)
        assert_allclose(d_vector, objective[gradient], rtol=1e-10, atol=1e-13)


# Laws.


@pytest.mark.parametrize("gradient", GRADIENTS)
@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=["float32", "float64"])
def test_bits_do_not_depend_on_the_number_of_threads(dtype, gradient):
    # large enough for several threads to be woken, and several chunks for each
    topology, vector = network("large", dtype=dtype)
    sequences = ragged([40 + k % 7 for k in range(7 * LANES[dtype] + 2)], 5, dtype=dtype)
    problem = Problem(topology, sequences)
    outputs = [
        kernel_output(topology, vector, sequences, return_sequences=False, n_threads=n)
        for n in (1, 2, 5)
    ]
    gradients = [problem.kernel(vector, gradient, n_threads=n) for n in (1, 2, 5)]
    for k in (1, 2):
        assert_array_equal(outputs[k], outputs[0])
        assert gradients[k][0] == gradients[0][0]
        assert_array_equal(gradients[k][1], gradients[0][1])


@pytest.mark.parametrize("return_sequences", [False, True], ids=["last", "every-step"])
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=["float32", "float64"])
def test_a_sequence_gives_the_same_bits_alone_and_in_any_company(dtype, cell, return_sequences):
    topology, vector = network("everything", cell, dtype=dtype)
    sequences = ragged(batch("chunks-and-rest", dtype), topology.n_features, dtype=dtype)
    together = kernel_output(topology, vector, sequences, return_sequences=return_sequences)
    for x, found in zip(sequences, together, strict=True):
        alone = kernel_output(topology, vector, [x], return_sequences=return_sequences)[0]
        assert_array_equal(found, alone)


def test_the_order_of_a_batch_does_not_matter():
    topology, vector = network("blocks", "forget")
    problem = Problem(topology, ragged(batch("chunks-and-rest"), 3))
    order = np.random.default_rng(0).permutation(len(problem.sequences))
    loss, d_vector = problem.kernel(vector, "full")
    again, d_again = problem.kernel(vector, "full", rows=order)
    assert_allclose(again, loss, rtol=1e-14)
    assert_allclose(d_again, d_vector, rtol=1e-12, atol=1e-15)


def test_weight_k_counts_as_k_copies():
    topology, vector = network()
    sequences = ragged([3, 2, 4], 2)
    problem = Problem(topology, sequences, weights=np.array([1.0, 3.0, 0.0]))
    rows = np.array([0, 1, 1, 1])
    weighted, d_weighted = problem.kernel(vector, "full")
    copies = Problem(topology, [sequences[k] for k in rows], weights=np.ones(4))
    copies.targets = problem.targets[rows]
    copied, d_copied = copies.kernel(vector, "full")
    # each is a mean over its own number of sequences
    assert_allclose(weighted * 3, copied * 4, rtol=1e-13)
    assert_allclose(d_weighted * 3, d_copied * 4, rtol=1e-12, atol=1e-15)


def test_a_batch_without_weight_has_no_gradient():
    topology, vector = network()
    problem = Problem(topology, ragged([3, 2], 2), weights=np.zeros(2))
    assert problem.trainer(vector, "full").gradient(np.array([0, 1])) is None


def test_work_arrays_carry_nothing_from_batch_to_batch():
    topology, vector = network("everything", "peephole")
    problem = Problem(topology, ragged(batch("chunks-and-rest"), 3), return_sequences=True)
    trainer = problem.trainer(vector, "full")
    rows = np.array([2, 0, 1])
    first = trainer.gradient(rows), trainer.found.dense.copy()
    trainer.gradient(np.arange(len(problem.sequences)))
    again = trainer.gradient(rows), trainer.found.dense
    assert first[0] == again[0]
    assert_array_equal(first[1], again[1])


def test_absurd_sizes_are_a_memory_error_that_says_what_to_change():
    sizes = dict(n_features=1, hidden_layer_sizes=(4096,), n_outputs=1)
    topology = Topology("forget", block_size=1, bidirectional=False, bias="all", **sizes)
    steps = 2**28
    sequences = Sequences(np.zeros((steps, 1)), np.array([0, steps]), "list")
    with pytest.raises(MemoryError, match="fewer hidden units"):
        Network(topology, np.zeros(topology.n_total), "full", False).trainer(
            sequences,
            np.zeros((1, 1)),
            np.ones(1),
            np.ones(1),
            Objective("squared_error", "identity", np.empty(0)),
            alpha=0.0,
            n_threads=1,
            batch_size=1,
        )
