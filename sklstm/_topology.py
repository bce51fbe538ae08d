"""Shape of a network, and the positions of its parameters in one flat vector.

A network is a stack of hidden layers and an output layer. Each direction of each hidden layer has
one matrix ``[input | recurrent | bias]`` with one row per unit, followed by its peepholes. The
output layer has ``[weights | bias]``. All matrices are stored one after the other in a single
vector, which is trained, copied and pickled. Everything else in this file is a view of it.

Categories are not one-hot encoded. Each is a row of a table after all other parameters, with its
weights into the units of the first layer. A step reads only the rows of its own categories.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import sqrt

import numpy as np

CELLS = ("forget", "1997", "peephole", "coupled")
POOLINGS = ("last", "max", "mean")
BIASES = ("all", "hidden", "gates", None)

# Gates of each cell, in the order of their rows; the rows of cells are before the output gate.
GATES = {
    "forget": ("input", "forget", "output"),
    "1997": ("input", "output"),
    "peephole": ("input", "forget", "output"),
    "coupled": ("input", "output"),
}

# Initial gate biases for gate_bias=None, with which cells remember at first. They were chosen by
# measurement, see docs/defaults.md. A coupled cell remembers if its input gate is closed.
DEFAULT_GATE_BIAS = {
    "forget": {"forget": 1.0},
    "1997": {},
    "peephole": {"forget": 1.0},
    "coupled": {"input": -1.0},
}
DRAWN = 1024  # number of categories whose weights are drawn at a time
SLOW_SHARE = 0.25  # fraction of blocks that start on longer time scales with gate_bias="auto"


@dataclass(frozen=True)
class LayerShape:
    """One direction of one hidden layer: H blocks of S cells with F inputs."""

    cell: str
    n_features: int
    n_blocks: int
    block_size: int
    reverse: bool
    start: int  # position of its first parameter in the flat vector

    @cached_property
    def n_cells(self) -> int:
        """Number of cells, H·S."""
        return self.n_blocks * self.block_size

    @cached_property
    def gates(self) -> tuple[str, ...]:
        return GATES[self.cell]

    @cached_property
    def n_rows(self) -> int:
        """Number of units with incoming weights: gates and cells."""
        return len(self.gates) * self.n_blocks + self.n_cells

    @cached_property
    def n_recurrent(self) -> int:
        """Number of recurrent sources: the cells and, for "1997", the gates."""
        return self.n_cells + (2 * self.n_blocks if self.cell == "1997" else 0)

    @cached_property
    def n_columns(self) -> int:
        return self.n_features + self.n_recurrent + 1

    @property
    def has_peepholes(self) -> bool:
        return self.cell == "peephole"

    @cached_property
    def peephole_start(self) -> int:
        return self.start + self.n_rows * self.n_columns

    @cached_property
    def stop(self) -> int:
        return self.peephole_start + (3 * self.n_cells if self.has_peepholes else 0)

    def gate_rows(self, gate: str) -> slice:
        """Rows of one gate. The order is input, forget, cell, output."""
        first = self.gates.index(gate) * self.n_blocks + (self.n_cells if gate == "output" else 0)
        return slice(first, first + self.n_blocks)

    @property
    def cell_rows(self) -> slice:
        first = (len(self.gates) - 1) * self.n_blocks
        return slice(first, first + self.n_cells)

    def views(self, vector: np.ndarray) -> dict[str, np.ndarray]:
        """The arrays of this layer, writable if ``vector`` is."""
        matrix = vector[self.start : self.peephole_start].reshape(self.n_rows, self.n_columns)
        views = {
            "input": matrix[:, : self.n_features],
            "recurrent": matrix[:, self.n_features : -1],
            "bias": matrix[:, -1],
        }
        if self.has_peepholes:
            views["peephole"] = vector[self.peephole_start : self.stop].reshape(
                3 * self.n_blocks, self.block_size
            )
        return views

    def slow_down(
        self, vector: np.ndarray, rng: np.random.RandomState, expected_length: float
    ) -> None:
        """Start the last blocks on time scales u ~ U(1, expected_length).

        A forget gate with bias log u keeps the fraction u / (1 + u) of the state at each step, so
        the state lasts for about u steps. An input gate with bias -log u admits the fraction
        1 / (1 + u). In a coupled cell one gate does both. The "1997" cell never forgets, so it has
        no time scale.
        """
        if self.cell == "1997":
            return
        n_slow = round(SLOW_SHARE * self.n_blocks)
        log_u = np.log(rng.uniform(1.0, max(expected_length, 1.0), n_slow))
        bias = self.views(vector)["bias"]
        bias[self.gate_rows("input")][self.n_blocks - n_slow :] = -log_u
        if "forget" in self.gates:
            bias[self.gate_rows("forget")][self.n_blocks - n_slow :] = log_u


@dataclass(frozen=True)
class Topology:
    """Shape of a network. It is hashable, so that derived values can be cached."""

    cell: str
    n_features: int
    hidden_layer_sizes: tuple[int, ...]
    block_size: int
    bidirectional: bool
    n_outputs: int
    bias: str | None
    pooling: str = "last"  # what the output layer reads, if there is one output per sequence
    cardinalities: tuple[int, ...] = ()  # of categorical features, which n_features excludes

    @cached_property
    def stack(self) -> tuple[LayerShape, ...]:
        """Layer 0 forward, layer 0 backward (if bidirectional), layer 1 ..."""
        directions = (False, True) if self.bidirectional else (False,)
        stack, start, n_features = [], 0, self.n_features
        for n_blocks in self.hidden_layer_sizes:
            for reverse in directions:
                layer = LayerShape(self.cell, n_features, n_blocks, self.block_size, reverse, start)
                stack.append(layer)
                start = layer.stop
            n_features = layer.n_cells * len(directions)
        return tuple(stack)

    @cached_property
    def n_directions(self) -> int:
        return 2 if self.bidirectional else 1

    @cached_property
    def n_read(self) -> int:
        """Number of cells that the output layer reads."""
        return self.stack[-1].n_cells * self.n_directions

    @cached_property
    def output_start(self) -> int:
        return self.stack[-1].stop

    @cached_property
    def n_categories(self) -> int:
        """Number of rows of the table: the categories of all categorical features."""
        return sum(self.cardinalities)

    @cached_property
    def n_dense(self) -> int:
        """Number of parameters before the table of categories."""
        return self.output_start + self.n_outputs * (self.n_read + 1)

    @cached_property
    def n_weights(self) -> int:
        """Number of weights of a category, into the units of all directions of the first layer."""
        return self.n_directions * self.stack[0].n_rows

    @cached_property
    def n_total(self) -> int:
        return self.n_dense + self.n_categories * self.n_weights

    @cached_property
    def trainable(self) -> np.ndarray:
        """Mask (n_dense,) of the parameters that train: all except biases that ``bias`` excludes.

        The table of categories always trains.
        """
        mask = np.ones(self.n_dense, dtype=bool)
        for layer in self.stack:
            bias = layer.views(mask)["bias"]
            if self.bias == "gates":
                bias[layer.cell_rows] = False
            elif self.bias is None:
                bias[:] = False
        if self.bias != "all":
            self.output_bias(mask)[:] = False
        return mask

    @cached_property
    def frozen(self) -> np.ndarray:
        """Positions in the flat vector that do not train."""
        return np.flatnonzero(~self.trainable)

    @cached_property
    def decayed(self) -> np.ndarray:
        """Mask (n_dense,) of the parameters that ``alpha`` penalises: all weights, no biases.

        The table of categories is penalised too.
        """
        mask = np.ones(self.n_dense, dtype=bool)
        for layer in self.stack:
            layer.views(mask)["bias"][:] = False
        self.output_bias(mask)[:] = False
        return mask

    @cached_property
    def n_parameters(self) -> int:
        return int(self.trainable.sum()) + self.n_total - self.n_dense

    def require_vector(self, vector: np.ndarray) -> None:
        """Raise an error if the user assigned a vector of another size or dtype to parameters_."""
        good = vector.dtype in (np.float32, np.float64) and vector.flags.c_contiguous
        if vector.shape != (self.n_total,) or not good:
            raise ValueError(
                f"parameters_ is an array of shape {vector.shape} and {vector.dtype}, but this "
                f"network needs a contiguous vector of {self.n_total} numbers, float32 or float64."
            )

    def layers(self, vector: np.ndarray) -> list[dict[str, np.ndarray]]:
        """The arrays of each layer. "category" of the first layer has one column per category."""
        layers = [layer.views(vector) for layer in self.stack]
        n_rows = self.stack[0].n_rows
        for d in range(self.n_directions if self.cardinalities else 0):
            layers[d]["category"] = self.table(vector)[:, d * n_rows : (d + 1) * n_rows].T
        return layers

    def table(self, vector: np.ndarray) -> np.ndarray:
        """Table of categories, (n_categories, n_weights)."""
        return vector[self.n_dense :].reshape(self.n_categories, self.n_weights)

    def output_weights(self, vector: np.ndarray) -> np.ndarray:
        """Weights of the output layer, (n_outputs, cells of the last layer)."""
        return self._output(vector)[:, :-1]

    def output_bias(self, vector: np.ndarray) -> np.ndarray:
        """Biases of the output layer, (n_outputs,)."""
        return self._output(vector)[:, -1]

    def _output(self, vector: np.ndarray) -> np.ndarray:
        return vector[self.output_start : self.n_dense].reshape(self.n_outputs, self.n_read + 1)

    def grown(self, vector: np.ndarray, cardinalities: tuple[int, ...]) -> np.ndarray:
        """A vector with rows of zeros for new categories, after the old ones of each feature."""
        at = np.cumsum(self.cardinalities)
        new = [n - old for n, old in zip(cardinalities, self.cardinalities, strict=True)]
        table = np.insert(self.table(vector), np.repeat(at, new), 0, axis=0)
        return np.concatenate([vector[: self.n_dense], table.ravel()])

    def initial(
        self,
        rng: np.random.RandomState,
        *,
        gate_bias: dict | None = None,
        init_range: float | None = None,
        expected_length: float | None = None,
        dtype: np.dtype | type = np.float64,
    ) -> np.ndarray:
        """Draw initial parameters as a flat vector.

        With ``init_range`` r every trainable parameter is drawn from U[-r, r]. Without it, weights
        are drawn from Glorot's uniform distribution and biases are 0. ``gate_bias`` (or, without
        ``init_range``, the default gate biases) replaces the drawn values. With
        ``expected_length``, some blocks then start on time scales of up to that number of steps.

        A categorical feature counts as one source in Glorot's distribution, because a step has
        only one of its categories.
        """
        vector = np.zeros(self.n_total, dtype)
        if init_range is not None:
            vector[: self.n_dense] = rng.uniform(-init_range, init_range, self.n_dense)
        else:
            for number, layer in enumerate(self.stack):
                views = layer.views(vector)
                for name in ("input", "recurrent"):
                    fan_in = views[name].shape[1]
                    if name == "input" and number < self.n_directions:
                        fan_in += len(self.cardinalities)
                    limit = sqrt(6.0 / (fan_in + layer.n_cells))
                    views[name][:] = rng.uniform(-limit, limit, views[name].shape)
                if "peephole" in views:
                    limit = sqrt(6.0 / (1 + layer.n_cells))
                    views["peephole"][:] = rng.uniform(-limit, limit, views["peephole"].shape)
            weights = self.output_weights(vector)
            limit = sqrt(6.0 / sum(weights.shape))
            weights[:] = rng.uniform(-limit, limit, weights.shape)
        if gate_bias is None:
            gate_bias = DEFAULT_GATE_BIAS[self.cell] if init_range is None else {}
        for layer in self.stack:
            for gate, value in gate_bias.items():
                layer.views(vector)["bias"][layer.gate_rows(gate)] = value
        if expected_length is not None and init_range is None:
            for layer in self.stack:
                layer.slow_down(vector, rng, expected_length)
        vector[: self.n_dense][~self.trainable] = 0.0
        self._draw_table(vector, rng, init_range)
        return vector

    def _draw_table(
        self, vector: np.ndarray, rng: np.random.RandomState, init_range: float | None
    ) -> None:
        first = self.stack[0]
        fan_in = self.n_features + len(self.cardinalities)
        limit = sqrt(6.0 / (fan_in + first.n_cells)) if init_range is None else init_range
        table = self.table(vector)
        for start in range(0, len(table), DRAWN):  # in pieces, because numbers are drawn as doubles
            some = table[start : start + DRAWN]
            some[:] = rng.uniform(-limit, limit, some.shape)


@lru_cache(maxsize=64)
def topology(**shape) -> Topology:
    """The cached topology of a shape; computing its masks takes longer than a small step."""
    return Topology(**shape)
