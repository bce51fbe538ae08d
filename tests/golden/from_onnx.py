"""ONNX's LSTM operator: its own test vectors, its reference evaluator, and onnxruntime.

Gates in the order input, output, forget, cell; peepholes input, output, forget.
"""

import warnings

import numpy as np
import onnx
import onnx.backend.test.case.node as onnx_cases
import onnxruntime
from golden_file import RAGGED, draw_sequences, save, shape
from onnx import helper
from onnx.reference import ReferenceEvaluator


def from_onnx_rows(array):
    """(4H, ...) in ONNX's order -> ours."""
    i, o, f, c = np.split(array, 4)
    return np.concatenate([i, f, c, o])


def onnx_test_vectors():
    """The operator's own test cases, sequence first; all of them begin at zero state."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = onnx_cases.collect_testcases("LSTM")
    for case in cases:
        node = case.model.graph.node[0]
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        inputs, outputs = case.data_sets[0]
        given = dict(zip([name for name in node.input if name], inputs, strict=True))
        expected = dict(zip([name for name in node.output if name], outputs, strict=True))
        direction = attributes.get("direction", b"forward").decode()
        x, y_h = given["X"], expected["Y_h"]
        if attributes.get("layout", 0) == 0:
            x, y_h = x.swapaxes(0, 1), y_h.swapaxes(0, 1)
        assert not np.any(given.get("initial_h", 0)) and not np.any(given.get("initial_c", 0))
        yield case.name.removeprefix("test_"), direction, x, given, y_h


def onnx_vectors_golden():
    """One file per test case; an output layer of unit weights hands the last cells through."""
    for name, direction, x, given, y_h in onnx_test_vectors():
        hidden = given["R"].shape[2]
        topology = shape(
            "peephole" if "P" in given else "forget",
            n_features=x.shape[2],
            hidden=(hidden,),
            bidirectional=direction != "forward",
            n_outputs=y_h.shape[1] * hidden,
        )
        vector = np.zeros(topology.n_total)
        layers = topology.layers(vector)
        # "reverse" is the backward half of a bidirectional layer whose forward half is silent.
        for d, views in enumerate(layers[1:] if direction == "reverse" else layers):
            views["input"][:] = from_onnx_rows(given["W"][d])
            views["recurrent"][:] = from_onnx_rows(given["R"][d])
            if "B" in given:
                views["bias"][:] = from_onnx_rows(sum(np.split(given["B"][d], 2)))
            if "P" in given:
                i, o, f = np.split(given["P"][d], 3)
                views["peephole"][:, 0] = np.concatenate([i, f, o])
        topology.output_weights(vector)[:, -topology.n_outputs :] = np.eye(topology.n_outputs)
        save(f"onnx_{name}", topology, vector, list(x), {"last": y_h.reshape(len(x), -1)}, 1e-6)


def onnx_directions(topology, vector, k):
    """W, R, B, P of hidden layer k, a row per direction; what the cell lacks is zero."""
    n = topology.n_directions
    hidden = topology.hidden_layer_sizes[k]
    stacked = {"W": [], "R": [], "B": [], "P": []}
    for views in topology.layers(vector)[k * n : (k + 1) * n]:
        rows = {}
        for ours, theirs in (("input", "W"), ("recurrent", "R"), ("bias", "B")):
            if topology.cell == "coupled":
                i, c, o = np.split(views[ours], 3)
                f = np.zeros_like(i)  # the evaluator couples it to the input gate
            else:
                i, f, c, o = np.split(views[ours], 4)
            rows[theirs] = np.concatenate([i, o, f, c])
        rows["B"] = np.concatenate([rows["B"], np.zeros_like(rows["B"])])
        i, f, o = np.split(views.get("peephole", np.zeros((3 * hidden, 1)))[:, 0], 3)
        rows["P"] = np.concatenate([i, o, f])
        for key, row in rows.items():
            stacked[key].append(row)
    return {key: np.array(rows) for key, rows in stacked.items()}


def onnx_layer(cell, hidden, n_directions, x, weights, run, dtype):
    """One layer over one sequence, (T, F) -> (T, directions, H)."""
    feeds = {key: array.astype(dtype) for key, array in {"X": x[:, None, :], **weights}.items()}
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    node = helper.make_node(
        "LSTM",
        ["X", "W", "R", "B", "", "", "", "P"],
        ["Y"],
        hidden_size=hidden,
        direction="bidirectional" if n_directions == 2 else "forward",
        **({"input_forget": 1} if cell == "coupled" else {}),
    )
    graph = helper.make_graph(
        [node],
        "layer",
        [helper.make_tensor_value_info(key, kind, array.shape) for key, array in feeds.items()],
        [helper.make_tensor_value_info("Y", kind, (len(x), n_directions, 1, hidden))],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
    onnx.checker.check_model(model)
    return run(model, feeds)[:, :, 0]


def reference_evaluator(model, feeds):
    return ReferenceEvaluator(model).run(None, feeds)[0]


def ort(model, feeds):
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, feeds)[0]


def onnx_golden(name, seed, run, dtype, tolerance, lengths, **sizes):
    topology = shape(**sizes)
    rng = np.random.default_rng(seed)
    # float32 numbers: the same parameters and inputs for every precision
    vector = rng.uniform(-0.9, 0.9, topology.n_total).astype(np.float32).astype(float)
    sequences = [
        x.astype(np.float32).astype(float)
        for x in draw_sequences(rng, topology.n_features, lengths)
    ]
    w_o, b_o = topology.output_weights(vector), topology.output_bias(vector)
    output, last = [], []
    for x in sequences:
        for k, hidden in enumerate(topology.hidden_layer_sizes):
            weights = onnx_directions(topology, vector, k)
            y = onnx_layer(topology.cell, hidden, topology.n_directions, x, weights, run, dtype)
            x = y.reshape(len(y), -1)
        read = np.concatenate([y[-1, 0], y[0, 1]]) if topology.bidirectional else y[-1, 0]
        output.append(x @ w_o.T + b_o)
        last.append(w_o @ read + b_o)
    arrays = {"output": np.concatenate(output), "last": np.array(last)}
    save(name, topology, vector, sequences, arrays, tolerance)


def write_onnx_golden():
    onnx_vectors_golden()
    for suffix, seed, sizes in (
        ("one_layer", 11, {"n_features": 3, "hidden": (4,)}),
        ("bidirectional_stacked", 12, {"hidden": (4, 3), "bidirectional": True}),
    ):
        exact = (reference_evaluator, np.float64, 1e-12, RAGGED)
        single = (ort, np.float32, 2e-6, RAGGED)
        onnx_golden(f"onnx_peephole_{suffix}", seed, *exact, cell="peephole", **sizes)
        onnx_golden(f"onnxruntime_peephole_{suffix}", seed, *single, cell="peephole", **sizes)
        onnx_golden(f"onnxruntime_coupled_{suffix}", seed, *single, cell="coupled", **sizes)
