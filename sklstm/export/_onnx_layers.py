"""Hidden layers as ONNX operators.

The LSTM operator has gates in the order input, output, forget, cell. It can compute every cell:

- A block of S cells becomes S cells with copies of the gate rows.
- A coupled forget gate gets minus the rows of the input gate: 1 - sigmoid(z) = sigmoid(-z).
- The cell of 1997 gets half the state, s' = s / 2, so that its squashing functions are tanh. Its
  forget gate is always 1. Each gate that is fed back becomes an additional cell. Its state is so
  large that tanh is 1, so it outputs its output gate, which has the rows of the gate.

The exception is peepholes from several cells of a block to a gate. The operator cannot add them, so
these layers are a Scan over the steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from onnx import GraphProto

from sklstm._topology import LayerShape, Topology
from sklstm.export._graph import FLOAT, INT32, Graph, Steps

ALWAYS = 100.0  # net input at which a gate is 1 in float32
LARGE = 200.0  # a state whose tanh is 1


Views = list[dict[str, np.ndarray]]  # the arrays of each layer


@dataclass
class Operands:
    """One direction of a layer for the LSTM operator, with C cells including additional ones."""

    input: np.ndarray  # (4C, F)
    recurrent: np.ndarray  # (4C, C)
    bias: np.ndarray  # (8C,), the second half is 0
    peephole: np.ndarray | None  # (3C,)
    state: np.ndarray  # (C,), before the first step


def operands(layer: LayerShape, views: dict[str, np.ndarray]) -> Operands:
    """The arrays of a layer, in float64."""
    block = np.repeat(np.arange(layer.n_blocks), layer.block_size)
    n_fed = layer.n_recurrent - layer.n_cells
    arrays = {}
    for name in ("input", "recurrent", "bias"):
        array = views[name].astype(np.float64)
        i, o = (array[layer.gate_rows(gate)] for gate in ("input", "output"))
        cell = array[layer.cell_rows]
        rows = {"input": i[block], "output": o[block], "cell": cell}
        if layer.cell == "1997":
            never, always = np.zeros((n_fed, *array.shape[1:])), ALWAYS if name == "bias" else 0.0
            rows["input"] = np.concatenate([i[block], never])
            rows["output"] = np.concatenate([o[block], i, o])
            rows["cell"] = np.concatenate([cell / 2, never])
            rows["forget"] = np.zeros_like(rows["input"]) + always
        elif layer.cell == "coupled":
            rows["forget"] = -i[block]
        else:
            rows["forget"] = array[layer.gate_rows("forget")][block]
        order = ("input", "output", "forget", "cell")
        arrays[name] = np.concatenate([rows[gate] for gate in order])
    peephole = None
    if layer.has_peepholes:
        i, f, o = views["peephole"][:, 0].astype(np.float64).reshape(3, layer.n_blocks)
        peephole = np.concatenate([i, o, f])
    bias = np.concatenate([arrays["bias"], np.zeros_like(arrays["bias"])])
    state = np.concatenate([np.zeros(layer.n_cells), np.full(n_fed, LARGE)])
    return Operands(arrays["input"], arrays["recurrent"], bias, peephole, state)


@dataclass
class Cells:
    """Outputs of the last layer: cells at every step (T, n, D), and at the last step (n, D)."""

    steps: str
    last: str


def add_layers(topology: Topology, views: Views, steps: Steps, *, per_step: bool) -> Cells:
    """Add the hidden layers. Only the requested outputs of the last layer are computed."""
    g, n = steps.graph, topology.n_directions
    x = g.add("Transpose", steps.x, perm=[1, 0, 2])
    n_levels = len(topology.hidden_layer_sizes)
    cells = Cells(x, "")
    for level in range(n_levels):
        layers = list(zip(topology.stack, views, strict=True))[level * n : (level + 1) * n]
        first = layers[0][0]
        wanted = per_step or level < n_levels - 1
        if first.has_peepholes and first.block_size > 1:
            one = [partial(_scan, g, *layer) for layer in layers]
            cells = _one_by_one(steps, cells.steps, one, per_step=wanted)
        elif steps.lengths:
            given = [[operands(*layer)] for layer in layers]
            one = [partial(_lstm, g, part, first.n_cells) for part in given]
            cells = _one_by_one(steps, cells.steps, one, per_step=wanted)
        else:
            given = [operands(*layer) for layer in layers]
            cells = _together(g, cells.steps, given, first.n_cells, per_step=wanted)
    return cells


def _together(g: Graph, x: str, given: list[Operands], n_cells: int, *, per_step: bool) -> Cells:
    """One LSTM operator for all directions of a layer; x is (T, n, F), without padding."""
    name = _operator(g, x, given, n_cells, per_step=per_step)
    if len(given) == 1:
        joined = g.add("Squeeze", name, g.ints(1 if per_step else 0))
    elif per_step:
        joined = g.add("Transpose", name, perm=[0, 2, 1, 3])
        joined = g.add("Reshape", joined, g.ints(0, 0, 2 * n_cells))
    else:
        joined = g.add("Transpose", name, perm=[1, 0, 2])
        joined = g.add("Reshape", joined, g.ints(0, 2 * n_cells))
    return Cells(joined, "") if per_step else Cells("", joined)


def _one_by_one(
    steps: Steps, x: str, directions: list[Callable[[str], str]], *, per_step: bool
) -> Cells:
    """One operator per direction.

    The backward direction reads the steps of each sequence in reverse, so padding is still at the
    end and does not affect the steps before it. The LSTM operator has an input for lengths, but
    some programs ignore it silently.
    """
    g = steps.graph
    parts = []
    for k, run in enumerate(directions):
        cells = run(_turned(steps, x) if k == 1 else x)
        parts.append(_turned(steps, cells) if k == 1 and per_step else cells)
    joined = g.add("Concat", *parts, axis=2) if len(parts) == 2 else parts[0]
    if per_step:
        return Cells(joined, "")
    if steps.lengths:
        return Cells("", g.add("GatherND", joined, steps.last_places()))
    return Cells("", g.add("Gather", joined, g.constant(-1, np.int64), axis=0))


def _turned(steps: Steps, x: str) -> str:
    """The steps of each sequence (T, n, F) in reverse."""
    g = steps.graph
    if steps.lengths:
        return g.add("ReverseSequence", x, steps.lengths, time_axis=0, batch_axis=1)
    first = np.iinfo(np.int64).min
    return g.add("Slice", x, g.ints(-1), g.ints(first), g.ints(0), g.ints(-1))


def _lstm(g: Graph, given: list[Operands], n_cells: int, x: str) -> str:
    """The cells of one direction at every step, (T, n, C)."""
    return g.add("Squeeze", _operator(g, x, given, n_cells, per_step=True), g.ints(1))


def _operator(g: Graph, x: str, given: list[Operands], n_cells: int, *, per_step: bool) -> str:
    """The LSTM operator: cells at every step (T, directions, n, C), or at the end without T."""
    W, R, B = (
        g.constant(np.stack([getattr(part, name) for part in given]))
        for name in ("input", "recurrent", "bias")
    )
    P = ""
    if given[0].peephole is not None:
        P = g.constant(np.stack([part.peephole for part in given]))
    n_all, shape = len(given[0].state), [g.ints(len(given)), g.size(x, 1)]
    lengths = start = state = ""
    if n_all > n_cells:
        values = np.stack([part.state for part in given])[:, np.newaxis]
        whole = g.add("Concat", *shape, g.ints(n_all), axis=0)
        state = g.add("Expand", g.constant(values), whole)
    if g.explicit and (P or state):
        lengths = g.add("Expand", g.cast(g.size(x, 0), INT32), shape[1])
        start = g.filled(0.0, *shape, g.ints(n_all))
        state = state or start
    inputs = [x, W, R, B, lengths, start, state, P]
    way = "bidirectional" if len(given) == 2 else "forward"
    n_outputs = 1 if per_step else 2
    name = g.add_many("LSTM", inputs, n_outputs, hidden_size=n_all, direction=way)[-1]
    return name if n_all == n_cells else g.slice(name, 0, n_cells, 3 if per_step else 2)


def _scan(g: Graph, layer: LayerShape, views: dict[str, np.ndarray], x: str) -> str:
    """The cells of one direction of a layer with peepholes at every step, (T, n, C)."""
    z = g.add("MatMul", x, g.constant(views["input"].T))
    z = g.add("Add", z, g.constant(views["bias"]))
    zeros = g.filled(0.0, g.size(x, 1), g.ints(layer.n_cells))
    body = _peephole_body(layer, views, g.opset)
    return g.add_many("Scan", [zeros, zeros, z], 3, body=body, num_scan_inputs=1)[2]


def _peephole_body(layer: LayerShape, views: dict[str, np.ndarray], opset: int) -> GraphProto:
    """One step: cells y and states s (n, C), sums of the inputs z (n, rows)."""
    H, S = layer.n_blocks, layer.block_size
    b = Graph(opset, "body_")
    z = b.add("Add", "z", b.add("MatMul", "y", b.constant(views["recurrent"].T)))
    s = b.add("Reshape", "s", b.ints(0, H, S))
    p_i, p_f, p_o = (b.constant(p) for p in views["peephole"].reshape(3, H, S))

    def gate(name: str, peephole: str, state: str) -> str:
        rows = layer.gate_rows(name)
        sums = b.add("Unsqueeze", b.slice(z, rows.start, rows.stop, 1), b.ints(2))
        seen = b.sum(b.add("Mul", state, peephole), 2, keepdims=1)
        return b.add("Sigmoid", b.add("Add", sums, seen))

    i, f = gate("input", p_i, s), gate("forget", p_f, s)
    rows = layer.cell_rows
    candidates = b.add("Reshape", b.slice(z, rows.start, rows.stop, 1), b.ints(0, H, S))
    s = b.add("Add", b.add("Mul", f, s), b.add("Mul", i, b.add("Tanh", candidates)))
    y = b.add("Mul", gate("output", p_o, s), b.add("Tanh", s))
    y, s = (b.add("Reshape", value, b.ints(0, H * S)) for value in (y, s))
    written = b.add("Identity", y)
    cells = (FLOAT, ("batch", layer.n_cells))
    inputs = {"y": cells, "s": cells, "z": (FLOAT, ("batch", layer.n_rows))}
    return b.body("peepholes", inputs, dict.fromkeys((y, s, written), cells))
