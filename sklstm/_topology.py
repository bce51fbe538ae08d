"""What is connected to what: units, sources and biases, as shapes and places in one flat vector.

A network is a stack of hidden layers and an output layer. Each direction of each hidden layer owns
one matrix ``[input | recurrent | bias]`` with one row per unit, followed by its peepholes; the
output layer owns ``[weights | bias]``. All of them lie one after the other in a single vector,
which is what is trained, copied and pickled. Everything else in this file is a view of it.

Categories do not come as 0s and 1s: each is a row of a table behind all other parameters, with the
weights that a 1 would have into the units of the first layer. A step reads the rows of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import sqrt

import numpy as np

CELLS = ("forget", "1997", "peephole", "coupled")
POOLINGS = ("last", "max", "mean")
BIASES = ("all", "hidden", "gates", None)

# Gates of each cell, in the order of their rows; the candidate rows stand before the output gate.
GATES = {
    "forget": ("input", "forget", "output"),
    "1997": ("input", "output"),
    "peephole": ("input", "forget", "output"),
    "coupled": ("input", "output"),
}

# Initial gate biases when `gate_bias` is None: remember by default. Chosen by measurement, see
# docs/defaults.md. A coupled cell remembers through a closed input gate.
DEFAULT_GATE_BIAS = {
    "forget": {"forget": 1.0},
    "1997": {},
    "peephole": {"forget": 1.0},
    "coupled": {"input": -1.0},
}
DRAWN = 1024  # categories whose weights are drawn at a time
SLOW_SHARE = 0.25  # of the blocks, that start on longer time scales with gate_bias="auto"


@dataclass(frozen=True)
class LayerShape:
    """One direction of one hidden layer: H blocks of S cells that see F inputs."""

    cell: str
    n_features: int
    n_blocks: int
    block_size: int
    reverse: bool
    start: int  # of its parameters in the flat vector

    @cached_property
    def n_cells(self) -> int:
        """H·S."""
        return self.n_blocks * self.block_size

    @cached_property
    def gates(self) -> tuple[str, ...]:
        return GATES[self.cell]

    @cached_property
    def n_rows(self) -> int:
        """Units with incoming weights: gates and cells."""
        return len(self.gates) * self.n_blocks + self.n_cells

    @cached_property
    def n_recurrent(self) -> int:
        """Sources of the recurrence: the cells and, in 1997, the gates."""
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
        """Rows of one gate: input, forget, cell, output is the order."""
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

        A forget gate of bias log u keeps u / (1 + u) of the state at each step, and so most of it
        for about u steps; an input gate of bias -log u takes in 1 / (1 + u). In a coupled cell the
        one gate does both. A cell that never forgets has no time scale.
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
    """The shape of a network; hashable, so that what is derived from it is made once."""

    cell: str
    n_features: int
    hidden_layer_sizes: tuple[int, ...]
    block_size: int
    bidirectional: bool
    n_outputs: int
    bias: str | None
    pooling: str = "last"  # what the output layer reads of a sequence, if it reads once
    cardinalities: tuple[int, ...] = ()  # of categorical features, which n_features does not count

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
        """Cells that the output layer sees."""
        return self.stack[-1].n_cells * self.n_directions

    @cached_property
    def output_start(self) -> int:
        return self.stack[-1].stop

    @cached_property
    def n_categories(self) -> int:
        """Rows of the table: the categories of the first categorical feature, of the second ..."""
        return sum(self.cardinalities)

    @cached_property
    def n_dense(self) -> int:
        """Parameters before the table of categories."""
        return self.output_start + self.n_outputs * (self.n_read + 1)

    @cached_property
    def n_weights(self) -> int:
        """Weights of a category: into the units of both directions of the first layer."""
        return self.n_directions * self.stack[0].n_rows

    @cached_property
    def n_total(self) -> int:
        return self.n_dense + self.n_categories * self.n_weights

    @cached_property
    def trainable(self) -> np.ndarray:
        """Mask (n_dense,): everything but the biases of unbiased units; the table trains too."""
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
        """Places in the flat vector that do not train."""
        return np.flatnonzero(~self.trainable)

    @cached_property
    def decayed(self) -> np.ndarray:
        """Mask (n_dense,): what `alpha` penalises, with the table: all weights and no bias."""
        mask = np.ones(self.n_dense, dtype=bool)
        for layer in self.stack:
            layer.views(mask)["bias"][:] = False
        self.output_bias(mask)[:] = False
        return mask

    @cached_property
    def n_parameters(self) -> int:
        return int(self.trainable.sum()) + self.n_total - self.n_dense

    def require_vector(self, vector: np.ndarray) -> None:
        """Refuse what users assigned to ``parameters_`` that kernels would read beyond its end."""
        good = vector.dtype in (np.float32, np.float64) and vector.flags.c_contiguous
        if vector.shape != (self.n_total,) or not good:
            raise ValueError(
                f"parameters_ is an array of shape {vector.shape} and {vector.dtype}, but this "
                f"network has a vector of {self.n_total} numbers in one piece, float32 or float64."
            )

    def layers(self, vector: np.ndarray) -> list[dict[str, np.ndarray]]:
        """The arrays of each layer; the first one's "category" has a column for each category."""
        layers = [layer.views(vector) for layer in self.stack]
        n_rows = self.stack[0].n_rows
        for d in range(self.n_directions if self.cardinalities else 0):
            layers[d]["category"] = self.table(vector)[:, d * n_rows : (d + 1) * n_rows].T
        return layers

    def table(self, vector: np.ndarray) -> np.ndarray:
        """(n_categories, n_weights)."""
        return vector[self.n_dense :].reshape(self.n_categories, self.n_weights)

    def output_weights(self, vector: np.ndarray) -> np.ndarray:
        """(n_outputs, cells of the last layer)."""
        return self._output(vector)[:, :-1]

    def output_bias(self, vector: np.ndarray) -> np.ndarray:
        """(n_outputs,)."""
        return self._output(vector)[:, -1]

    def _output(self, vector: np.ndarray) -> np.ndarray:
        return vector[self.output_start : self.n_dense].reshape(self.n_outputs, self.n_read + 1)

    def grown(self, vector: np.ndarray, cardinalities: tuple[int, ...]) -> np.ndarray:
        """A vector with zeros for further categories of each feature, behind those it has."""
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
        """Draw a flat vector.

        With `init_range` r every trainable number comes from U[-r, r]. Without it, the weights
        of a layer come from Glorot's uniform distribution and biases are 0. Gate biases that
        are given (or, without `init_range`, the default ones) replace what was drawn. With
        `expected_length`, some blocks then start on time scales of up to so many steps.

        Of a categorical feature one category is there at a time: for Glorot's distribution it is
        one source, however many categories it has.
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
        for start in range(0, len(table), DRAWN):  # numbers are drawn as doubles
            some = table[start : start + DRAWN]
            some[:] = rng.uniform(-limit, limit, some.shape)


@lru_cache(maxsize=64)
def topology(**shape) -> Topology:
    """The topology of these sizes, made once: its masks and places cost more than a small step."""
    return Topology(**shape)
