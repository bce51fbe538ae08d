"""The reference against PyTorch, ONNX, the 1997 paper's equations, and laws of its own."""

from dataclasses import replace

import numpy as np
import pytest
from golden_values import load, names
from numpy.testing import assert_allclose, assert_array_equal
from twins import reference
from twins.reference import (
    batch_loss,
    central_differences,
    complex_step,
    logistic,
    one_output,
    output,
    record,
)

from sklstm._topology import CELLS, Topology

SETTINGS = ("loss", "out_activation", "return_sequences", "alpha", "quantiles")
CURVES = [(solver, kind) for solver in ("sgd", "adam") for kind in ("full", "truncated")]


def network(cell, hidden=(2,), block_size=1, bidirectional=False, seed=0, lengths=(5, 1, 3)):
    """A topology, a vector with no zero in it, and sequences."""
    topology = Topology(cell, 2, hidden, block_size, bidirectional, 3, "all")
    rng = np.random.default_rng(seed)
    vector = rng.uniform(-1.5, 1.5, topology.n_total)
    return topology, vector, [rng.normal(size=(length, 2)) for length in lengths]


def golden_loss(golden, objective, frozen=None):
    """The batch loss of a golden objective, as a function of the vector."""
    topology = replace(golden["topology"], pooling=objective["pooling"])
    return lambda vector: batch_loss(
        topology,
        vector,
        golden["sequences"],
        objective["targets"],
        objective["weights"],
        **{name: objective[name] for name in SETTINGS},
        frozen=frozen,
    )


# Golden values.


@pytest.mark.parametrize("name", names())
def test_outputs_agree_with_pytorch_and_onnx(name):
    golden = load(name)
    network = golden["topology"], golden["vector"], golden["sequences"]
    tolerance = {"rtol": golden["tolerance"], "atol": golden["tolerance"]}
    assert_allclose(one_output(*network), golden["last"], **tolerance)
    if "output" in golden:
        for ours, theirs in zip(output(*network), golden["output"], strict=True):
            assert_allclose(ours, theirs, **tolerance)


def test_there_are_golden_values_of_every_source():
    assert [len(names(source)) for source in ("torch", "onnx", "onnxruntime")] == [8, 8, 4]
    assert load("onnxruntime_coupled_one_layer")["topology"].cell == "coupled"


@pytest.mark.parametrize("name", names("torch"))
@pytest.mark.parametrize("kind", ["full", "truncated"])
def test_loss_and_gradient_agree_with_autograd(name, kind):
    golden = load(name)
    frozen = None
    if kind == "truncated":
        frozen = record(golden["topology"], golden["vector"], golden["sequences"])
    for key, objective in golden["objectives"].items():
        function = golden_loss(golden, objective, frozen)
        assert_allclose(function(golden["vector"]), objective["value"], rtol=1e-13)
        d_vector = complex_step(function, golden["vector"])
        assert_allclose(d_vector, objective[kind], rtol=1e-11, atol=1e-13, err_msg=key)


@pytest.mark.parametrize("kind", ["full", "truncated"])
def test_central_differences_agree_with_autograd(kind):
    golden = load("torch_ragged_bidirectional_stacked")
    objective = golden["objectives"]["classes"]
    frozen = None
    if kind == "truncated":
        frozen = record(golden["topology"], golden["vector"], golden["sequences"])
    d_vector = central_differences(golden_loss(golden, objective, frozen), golden["vector"])
    assert_allclose(d_vector, objective[kind], rtol=1e-6, atol=1e-8)


def test_the_golden_gradients_tell_full_from_truncated():
    for name in names("torch"):
        for key, objective in load(name)["objectives"].items():
            apart = np.abs(objective["full"] - objective["truncated"]).max()
            assert (apart < 1e-14) if name == "torch_one_step" else (apart > 1e-3), (name, key)


@pytest.mark.parametrize(("solver", "kind"), CURVES)
def test_ten_steps_of_learning_agree_with_pytorch(solver, kind):
    golden = load("torch_one_layer")
    curve = golden["curves"][solver, kind]
    objective = golden["objectives"][curve["objective"]]
    vector = golden["vector"]
    mean, square = np.zeros_like(vector), np.zeros_like(vector)
    losses = []
    for t in range(1, 11):
        frozen = None
        if kind == "truncated":
            frozen = record(golden["topology"], vector, golden["sequences"])
        function = golden_loss(golden, objective, frozen)
        losses.append(function(vector))
        d_vector = complex_step(function, vector)
        if curve["clip_norm"] is not None:
            d_vector *= min(1.0, curve["clip_norm"] / np.linalg.norm(d_vector))
        rate = curve["learning_rate"]
        if solver == "sgd":
            vector = vector - rate * d_vector
        else:
            mean = 0.9 * mean + 0.1 * d_vector
            square = 0.999 * square + 0.001 * d_vector**2
            rate *= np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
            vector = vector - rate * mean / (np.sqrt(square) + 1e-8)
    assert_allclose(losses, curve["loss"], rtol=1e-11)
    assert_allclose(vector, curve["vector"], rtol=1e-9, atol=1e-11)


# The paper.


def test_g_and_h_of_1997_are_equations_4_and_5():
    z = np.linspace(-4, 4, 9)
    g, h = 4 / (1 + np.exp(-z)) - 2, 2 / (1 + np.exp(-z)) - 1
    opened = {"input": np.full((9, 1), 50.0), "output": np.full((9, 1), 50.0)}
    s, _, _ = reference.cell_of_1997(opened | {"cell": z[:, None]}, np.zeros((9, 1)))
    assert_allclose(s[:, 0], g, atol=1e-15)
    silent = {"cell": np.zeros((9, 1))}
    kept, y, _ = reference.cell_of_1997(opened | silent, z[:, None])
    assert_array_equal(kept[:, 0], z)
    assert_allclose(y[:, 0], h, atol=1e-15)


class UnitByUnit:
    """The paper's appendix with a name for every unit: two blocks of two cells.

    ``w[l][m]`` is the weight from unit m to unit l. The layer's columns are the inputs, the cells,
    the input gates, the output gates and 1.
    """

    BLOCKS, CELLS, K = (0, 1), (0, 1), 3

    def __init__(self, topology, vector):
        (layer,) = topology.layers(vector)
        cells = [f"c{j}{v}" for j in self.BLOCKS for v in self.CELLS]
        self.hidden = ["in0", "in1", *cells, "out0", "out1"]
        self.cells = cells
        self.sources = ["x0", "x1", *cells, "in0", "in1", "out0", "out1", "1"]
        matrix = np.column_stack([layer["input"], layer["recurrent"], layer["bias"]])
        self.w = {
            unit: dict(zip(self.sources, row, strict=True))
            for unit, row in zip(self.hidden, matrix, strict=True)
        }
        for k in range(self.K):
            row = [*topology.output_weights(vector)[k], topology.output_bias(vector)[k]]
            self.w[f"k{k}"] = dict(zip([*cells, "1"], row, strict=True))

    def run(self, x, target):
        """Outputs at every step, and d(½E)/dw by equations (19) to (28), errors at every step."""

        def f(z):
            return 1 / (1 + np.exp(-z))

        def g(z):
            return 4 * f(z) - 2

        def h(z):
            return 2 * f(z) - 1

        y = dict.fromkeys(self.sources, 0.0)
        s = dict.fromkeys(self.cells, 0.0)
        to_gate = {c: dict.fromkeys(self.sources, 0.0) for c in self.cells}  # (25)
        to_cell = {c: dict.fromkeys(self.sources, 0.0) for c in self.cells}  # (27)
        d_w = {unit: dict.fromkeys(row, 0.0) for unit, row in self.w.items()}
        outputs = []
        for x_t, target_t in zip(x, target, strict=True):
            y |= {"x0": x_t[0], "x1": x_t[1], "1": 1.0}
            before = dict(y)
            net = {u: sum(w * before[m] for m, w in self.w[u].items()) for u in self.hidden}
            for j in self.BLOCKS:
                y[f"in{j}"], y[f"out{j}"] = f(net[f"in{j}"]), f(net[f"out{j}"])
                for v in self.CELLS:
                    c = f"c{j}{v}"
                    s[c] = s[c] + y[f"in{j}"] * g(net[c])
                    y[c] = y[f"out{j}"] * h(s[c])
            y_k = [sum(w * y[m] for m, w in self.w[f"k{k}"].items()) for k in range(self.K)]
            outputs.append(y_k)

            e = {f"k{k}": target_t[k] - y_k[k] for k in range(self.K)}  # (19), linear outputs
            for unit, error in e.items():
                for m in self.w[unit]:
                    d_w[unit][m] -= error * y[m]
            for j in self.BLOCKS:
                i, o = y[f"in{j}"], y[f"out{j}"]
                for v in self.CELLS:
                    c = f"c{j}{v}"
                    back = sum(self.w[unit][c] * error for unit, error in e.items())
                    e_out = o * (1 - o) * h(s[c]) * back  # (21), the term of cell v
                    e_s = o * (1 + h(s[c])) * (1 - h(s[c])) / 2 * back  # (23)
                    for m in self.sources:
                        to_gate[c][m] += g(net[c]) * i * (1 - i) * before[m]
                        to_cell[c][m] += (2 - g(net[c])) * (2 + g(net[c])) / 4 * i * before[m]
                        d_w[f"out{j}"][m] -= e_out * before[m]
                        d_w[f"in{j}"][m] -= e_s * to_gate[c][m]  # (26)
                        d_w[c][m] -= e_s * to_cell[c][m]  # (28)
        return np.array(outputs), d_w


def test_the_1997_cell_is_the_papers_appendix():
    topology, vector, (x,) = network("1997", block_size=2, lengths=(6,))
    target = np.random.default_rng(1).normal(size=(6, 3))
    outputs, d_w = UnitByUnit(topology, vector).run(x, target)
    assert_allclose(output(topology, vector, [x])[0], outputs, rtol=1e-12)

    frozen = record(topology, vector, [x])
    d_vector = complex_step(
        lambda v: batch_loss(
            topology,
            v,
            [x],
            [target],
            [np.ones(6)],
            loss="squared_error",
            out_activation="identity",
            return_sequences=True,
            frozen=frozen,
        ),
        vector,
    )
    by_row = [value for row in d_w.values() for value in row.values()]
    assert_allclose(d_vector, by_row, rtol=1e-11, atol=1e-13)


def test_gates_are_fed_back_in_1997_only():
    for cell in CELLS:
        topology, vector, sequences = network(cell, block_size=2)
        sources = record(topology, vector, sequences)[0][0].sources
        assert sources.shape == (6, 8 if cell == "1997" else 4)
        assert_array_equal(sources[0], 0.0)


# Laws between the cells, on blocks of two cells in two bidirectional layers.


def rewired(cell, other, change):
    """Outputs of a network, and of one of another cell whose arrays ``change`` makes from it."""
    shape = {"hidden": (2, 3), "block_size": 2, "bidirectional": True}
    topology, vector, sequences = network(cell, **shape)
    twin, other_vector, _ = network(other, **shape, seed=1)
    both = zip(topology.layers(vector), twin.layers(other_vector), strict=True)
    for k, (views, others) in enumerate(both):
        for name, array in change(views, topology.stack[k].n_blocks).items():
            others[name][:] = array
    other_vector[twin.output_start :] = vector[topology.output_start :]
    return output(topology, vector, sequences), output(twin, other_vector, sequences)


def test_a_coupled_cell_forgets_what_it_takes_in():
    def with_forget_gate(views, n_blocks):  # 1 - logistic(z) = logistic(-z)
        return {
            name: np.concatenate([rows[:n_blocks], -rows[:n_blocks], rows[n_blocks:]])
            for name, rows in views.items()
        }

    for ours, theirs in zip(*rewired("coupled", "forget", with_forget_gate), strict=True):
        assert_allclose(ours, theirs, rtol=1e-12)


def test_without_weights_peepholes_change_nothing():
    def blind(views, n_blocks):
        return views | {"peephole": 0.0}

    for ours, theirs in zip(*rewired("forget", "peephole", blind), strict=True):
        assert_array_equal(ours, theirs)


def test_a_block_is_cells_that_share_their_gates():
    topology, vector, sequences = network("forget", block_size=2)
    single, other_vector, _ = network("forget", hidden=(4,))
    (views,), (others,) = topology.layers(vector), single.layers(other_vector)
    i, f, o = (0, 0, 1, 1), (2, 2, 3, 3), (8, 8, 9, 9)
    for name, rows in views.items():
        others[name][:] = rows[[*i, *f, 4, 5, 6, 7, *o]]
    other_vector[single.output_start :] = vector[topology.output_start :]
    pairs = zip(
        output(topology, vector, sequences), output(single, other_vector, sequences), strict=True
    )
    for ours, theirs in pairs:
        assert_allclose(ours, theirs, rtol=1e-12)


def test_the_gates_of_a_block_see_the_states_of_its_cells():
    topology, vector, (x,) = network("peephole", block_size=2, lengths=(3,))
    (views,) = topology.layers(vector)
    peephole = views["peephole"].tolist()  # input gates 0 1, forget gates 0 1, output gates 0 1
    s, y = [0.0] * 4, [0.0] * 4
    (trace,) = record(topology, vector, [x])[0]
    for t in range(3):
        z = views["input"] @ x[t] + views["recurrent"] @ y + views["bias"]
        for j, (a, b) in enumerate([(0, 1), (2, 3)]):  # the cells of block j
            i = logistic(z[j] + peephole[j][0] * s[a] + peephole[j][1] * s[b])
            f = logistic(z[2 + j] + peephole[2 + j][0] * s[a] + peephole[2 + j][1] * s[b])
            s[a] = f * s[a] + i * np.tanh(z[4 + a])
            s[b] = f * s[b] + i * np.tanh(z[4 + b])
            o = logistic(z[8 + j] + peephole[4 + j][0] * s[a] + peephole[4 + j][1] * s[b])
            y[a], y[b] = o * np.tanh(s[a]), o * np.tanh(s[b])
        assert_allclose(trace.states[t + 1].ravel(), s, rtol=1e-13)
        assert_allclose(trace.cells[t], y, rtol=1e-13)


@pytest.mark.parametrize("cell", CELLS)
def test_a_bidirectional_network_reads_a_reversed_sequence_with_its_halves_swapped(cell):
    topology, vector, sequences = network(cell, hidden=(3,), block_size=2, bidirectional=True)
    swapped = vector.copy()
    for views, others in zip(topology.layers(vector), topology.layers(swapped)[::-1], strict=True):
        for name in views:
            others[name][:] = views[name]
    weights = topology.output_weights(vector)
    topology.output_weights(swapped)[:] = np.roll(weights, topology.n_read // 2, axis=1)
    back = [x[::-1] for x in sequences]
    assert_allclose(
        one_output(topology, vector, sequences), one_output(topology, swapped, back), rtol=1e-12
    )
    for ours, theirs in zip(
        output(topology, vector, sequences), output(topology, swapped, back), strict=True
    ):
        assert_allclose(ours, theirs[::-1], rtol=1e-12)


@pytest.mark.parametrize("cell", CELLS)
def test_the_frozen_run_of_the_recorded_vector_is_the_run(cell):
    network_ = network(cell, hidden=(2, 3), block_size=2, bidirectional=True)
    sources = record(*network_)
    for ours, theirs in zip(output(*network_, frozen=sources), output(*network_), strict=True):
        assert_array_equal(ours, theirs)


@pytest.mark.parametrize("cell", CELLS)
def test_the_frozen_gradient_of_one_step_is_full_but_for_the_peepholes(cell):
    topology, vector, sequences = network(cell, block_size=2, lengths=(1, 1))
    sources = record(topology, vector, sequences)
    full, frozen = (
        complex_step(lambda v, f=f: one_output(topology, v, sequences, f).sum(), vector)
        for f in (None, sources)
    )
    # The output gate sees s(t): frozen, no error goes through its peepholes.
    assert np.allclose(full, frozen, rtol=1e-12, atol=0) == (cell != "peephole")


# The loss.


def test_steps_without_weight_or_target_add_nothing():
    raw = np.array([[0.3, -1.0], [2.0, 0.5]])
    target = np.array([[0.0, np.nan], [np.nan, np.nan]])
    assert reference.loss(raw, target, [2.0, 5.0], "squared_error", "identity") == 0.3**2
    assert reference.loss(raw, [[-1], [7]], [0.0, 0.0], "log_loss", "softmax") == 0.0


@pytest.mark.parametrize("far", [40.0, 1e4])
def test_log_loss_does_not_overflow(far):
    sure = np.array([far, -far])
    logit = ("log_loss", "logistic")
    assert reference.loss(sure, np.array([1.0, 0.0]), 1.0, *logit) < 1e-15
    assert reference.loss(sure, np.array([0.0, 1.0]), 1.0, *logit) == 2 * far
    assert reference.loss(sure, [0], 1.0, "log_loss", "softmax") < 1e-15
    assert reference.loss(sure, [1], 1.0, "log_loss", "softmax") == 2 * far


def test_float32_is_computed_in_float64():
    topology, vector, sequences = network("forget")
    single, steps = vector.astype(np.float32), [x.astype(np.float32) for x in sequences]
    assert_array_equal(
        one_output(topology, single, steps),
        one_output(topology, single.astype(float), [x.astype(float) for x in steps]),
    )
