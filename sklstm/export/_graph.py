"""Builder of an ONNX graph. Methods add operators and return the names of their outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper

FLOAT, INT64, INT32, DOUBLE, BOOL = (
    TensorProto.FLOAT,
    TensorProto.INT64,
    TensorProto.INT32,
    TensorProto.DOUBLE,
    TensorProto.BOOL,
)
OLDEST = 13  # first opset whose squeezes, sums and reshapes take axes as inputs
REDUCED_BY_INPUT = 18  # first opset whose maxima do so too


class Graph:
    """Nodes and constants of a graph for one opset.

    Parameters
    ----------
    opset : int
    prefix : str
        Prefix of all names.
    explicit : bool
        True names optional inputs if a required input follows.

    Attributes
    ----------
    nodes : list of NodeProto
    constants : list of TensorProto
    """

    def __init__(self, opset: int, prefix: str = "", *, explicit: bool = False) -> None:
        self.opset, self.prefix, self.explicit = opset, prefix, explicit
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []
        self._known: dict[tuple, str] = {}

    def add(self, op: str, *inputs: str, **attributes: Any) -> str:
        """Add an operator with one output and return its name. An input "" is omitted."""
        return self.add_many(op, inputs, 1, **attributes)[0]

    def add_many(
        self, op: str, inputs: Sequence[str], n_outputs: int, **attributes: Any
    ) -> list[str]:
        """Add an operator and return the names of its first outputs.

        Unused outputs have names too, because onnx's evaluator confuses an output without a name
        with the next input without a name.
        """
        inputs = list(inputs)
        while inputs and not inputs[-1]:
            inputs.pop()
        stem = self._name(op)
        names = [f"{stem}_{k}" for k in range(n_outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, stem, **attributes))
        return names

    def constant(self, values: Any, dtype: Any = np.float32) -> str:
        """Add a constant and return its name. Equal constants share a name."""
        array = np.asarray(values, dtype=dtype, order="C")
        content = tuple(array.ravel().tolist()) if array.dtype == object else array.tobytes()
        key = array.dtype.str, array.shape, content
        if key not in self._known:
            self._known[key] = self._name("constant")
            self.constants.append(numpy_helper.from_array(array, self._known[key]))
        return self._known[key]

    def ints(self, *values: int) -> str:
        """A 1-D constant of integers, for axes and shapes."""
        return self.constant(values, np.int64)

    def slice(self, x: str, start: int, stop: int, axis: int) -> str:
        """``x[..., start:stop, ...]``."""
        return self.add("Slice", x, *(self.ints(v) for v in (start, stop, axis)))

    def cast(self, x: str, to: int) -> str:
        return self.add("Cast", x, to=to)

    def filled(self, value: float, *shape: str) -> str:
        """A float array filled with one value. Each part of ``shape`` is (1,) int64."""
        tensor = numpy_helper.from_array(np.array([value], np.float32))
        return self.add("ConstantOfShape", self.add("Concat", *shape, axis=0), value=tensor)

    def size(self, x: str, axis: int) -> str:
        """The size of an axis, (1,)."""
        return self.slice(self.add("Shape", x), axis, axis + 1, 0)

    def sum(self, x: str, axis: int, keepdims: int = 0) -> str:
        return self.add("ReduceSum", x, self.ints(axis), keepdims=keepdims)

    def maximum(self, x: str, axis: int) -> str:
        if self.opset < REDUCED_BY_INPUT:
            return self.add("ReduceMax", x, axes=[axis], keepdims=0)
        return self.add("ReduceMax", x, self.ints(axis), keepdims=0)

    def body(self, name: str, inputs: dict[str, tuple], outputs: dict[str, tuple]) -> GraphProto:
        """This graph as the body of an operator. Values are (type, shape) by name."""
        described = (
            [helper.make_tensor_value_info(key, *value) for key, value in values.items()]
            for values in (inputs, outputs)
        )
        return helper.make_graph(self.nodes, name, *described, self.constants)

    def _name(self, stem: str) -> str:
        return f"{self.prefix}{stem}_{len(self.nodes) + len(self.constants)}"


class Steps:
    """Sequences in a graph: the steps (n, T, F), and the number of steps of each sequence.

    Attributes
    ----------
    graph : Graph
    x : str
        (n, T, F) float.
    lengths : str
        (n,) int64, or "" if all have T steps.
    """

    def __init__(self, graph: Graph, x: str, lengths: str) -> None:
        self.graph, self.x, self.lengths = graph, x, lengths
        self._there = ""

    def with_x(self, x: str) -> Steps:
        """The same sequences with other features."""
        other = Steps(self.graph, x, self.lengths)
        other._there = self._there
        return other

    def numbers(self) -> str:
        """0, 1, ..., T - 1, (T,)."""
        g = self.graph
        n_steps = g.add("Squeeze", g.size(self.x, 1), g.ints(0))
        return g.add("Range", g.constant(0, np.int64), n_steps, g.constant(1, np.int64))

    def there(self) -> str:
        """True for steps that are no padding, (n, T, 1). Needs lengths."""
        if not self._there:
            g = self.graph
            ends = g.add("Unsqueeze", self.lengths, g.ints(1))
            before = g.add("Less", self.numbers(), ends)
            self._there = g.add("Unsqueeze", before, g.ints(2))
        return self._there

    def last_places(self) -> str:
        """Step and sequence of the last step of each sequence, (n, 2). Needs lengths."""
        g = self.graph
        n = g.add("Squeeze", g.size(self.x, 0), g.ints(0))
        sequences = g.add("Range", g.constant(0, np.int64), n, g.constant(1, np.int64))
        return g.add("Concat", self.last(), g.add("Unsqueeze", sequences, g.ints(1)), axis=1)

    def last(self) -> str:
        """The number of the last step of each sequence, (n, 1), or (1,) if all have T steps."""
        g = self.graph
        ends = g.add("Unsqueeze", self.lengths, g.ints(1)) if self.lengths else g.size(self.x, 1)
        return g.add("Sub", ends, g.constant(1, np.int64))


def largest_opset() -> int:
    """The newest opset of the installed onnx."""
    return onnx.defs.onnx_opset_version()
