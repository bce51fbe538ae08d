"""Networks of every kind at test size, run on the kernels and on the twin."""

import numpy as np
from twins.dropout import masks
from twins.reference import (
    batch_loss,
    complex_slope,
    complex_step,
    one_output,
    output,
    record,
)

from sklstm import _isa
from sklstm._network import Network
from sklstm._outputs import Objective
from sklstm._sequences import Sequences
from sklstm._topology import CELLS, Topology

CONSTANTS = {dtype: kernel.constants for dtype, kernel in _isa.kernels.items()}
LANES = {dtype: constants["LANES"] for dtype, constants in CONSTANTS.items()}

SEED, EPOCH = 12345, 7  # of dropout

# Every size differs, so that a swapped one cannot cancel.
SHAPES = {
    "smallest": dict(n_features=1, hidden_layer_sizes=(1,), n_outputs=1),
    "single-cells": dict(n_features=2, hidden_layer_sizes=(5,), n_outputs=3),
    "blocks": dict(n_features=3, hidden_layer_sizes=(2,), block_size=3, n_outputs=2),
    "many-units": dict(n_features=1, hidden_layer_sizes=(9,), n_outputs=1),
    "stacked": dict(n_features=2, hidden_layer_sizes=(3, 2), block_size=2, n_outputs=2),
    "bidirectional": dict(n_features=2, hidden_layer_sizes=(3,), bidirectional=True, n_outputs=2),
    "everything": dict(
        n_features=3, hidden_layer_sizes=(1, 2), block_size=2, bidirectional=True, n_outputs=2
    ),
    "large": dict(n_features=5, hidden_layer_sizes=(16,), n_outputs=2),
}


def network(shape="single-cells", cell="forget", bias="all", seed=0, dtype=np.float64, scale=0.5):
    """One of SHAPES, drawn as `drawn` does."""
    return drawn(SHAPES[shape], cell, bias=bias, seed=seed, dtype=dtype, scale=scale)


def drawn(sizes, cell="forget", *, bias="all", seed=0, dtype=np.float64, scale=0.5):
    """A topology and a vector with nothing at zero that could be anything else."""
    sizes = dict(block_size=1, bidirectional=False) | sizes
    topology = Topology(cell=cell, bias=bias, **sizes)
    vector = np.random.default_rng(seed).normal(scale=scale, size=topology.n_total)
    vector[: topology.n_dense][~topology.trainable] = 0
    return topology, vector.astype(dtype)


def ragged(lengths, n_features, seed=0, dtype=np.float64):
    """A list of (T_i, F) arrays."""
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(length, n_features)).astype(dtype) for length in lengths]


def symbols_of(sequences, cardinalities, seed=0):
    """Rows of the table for each step of each sequence, (T_i, C); now and then none, -1."""
    rng = np.random.default_rng(seed)
    first = np.cumsum([0, *cardinalities])[:-1]
    drawn = [rng.integers(-1, cardinalities, size=(len(x), len(first))) for x in sequences]
    return [np.where(s < 0, -1, s + first).astype(np.int32) for s in drawn]


def packed(sequences, symbols=None):
    """Of `ragged`; ``symbols`` of `symbols_of`."""
    offsets = np.concatenate([[0], np.cumsum([len(x) for x in sequences])])
    symbols = None if symbols is None else np.concatenate(symbols)
    return Sequences(np.concatenate(sequences), offsets.astype(np.int64), "list", symbols)


def kernel_output(topology, vector, sequences, *, return_sequences, n_threads=1):
    net = Network(topology, vector, "full", return_sequences)
    out = net.output(packed(sequences), n_threads)
    if not return_sequences:
        return out
    return np.split(out, np.cumsum([len(x) for x in sequences])[:-1])


class Problem:
    """A batch with targets and weights, for the kernels and the twin alike."""

    def __init__(
        self,
        topology,
        sequences,
        *,
        loss="squared_error",
        out_activation="identity",
        quantiles=(),
        return_sequences=False,
        alpha=0.0,
        dropout=0.0,
        recurrent_dropout=0.0,
        seed=1,
        weights=None,
    ):
        rng = np.random.default_rng(seed)
        self.topology, self.sequences, self.symbols = topology, sequences, None
        if topology.cardinalities:
            self.symbols = symbols_of(sequences, topology.cardinalities, seed)
        self.objective = Objective(loss, out_activation, np.array(quantiles, dtype=float))
        self.return_sequences, self.alpha = return_sequences, alpha
        self.rates = dropout, recurrent_dropout
        lengths = [len(x) if return_sequences else 1 for x in sequences]
        n, K = sum(lengths), topology.n_outputs
        if out_activation == "softmax":
            targets = rng.integers(K, size=(n, 1)).astype(float)
        elif loss == "log_loss":
            targets = rng.integers(2, size=(n, K)).astype(float)
        elif loss == "poisson":
            targets = rng.poisson(1.0, size=(n, K)).astype(float)
        else:
            targets = rng.normal(size=(n, K // max(1, len(quantiles))))
        self.targets = targets
        self.weights = rng.uniform(0.2, 2, size=n) if weights is None else weights
        self.cuts = np.cumsum(lengths)[:-1]
        self.sequence_weights = np.array([w.mean() for w in np.split(self.weights, self.cuts)])

    def trainer(self, vector, gradient, *, n_threads=1):
        dtype = vector.dtype
        return Network(self.topology, vector, gradient, self.return_sequences).trainer(
            packed([x.astype(dtype) for x in self.sequences], self.symbols),
            self.targets.astype(dtype),
            self.weights,
            self.sequence_weights,
            self.objective,
            alpha=self.alpha,
            dropout=self.rates[0],
            recurrent_dropout=self.rates[1],
            seed=SEED,
            n_threads=n_threads,
            batch_size=len(self.sequences),
        )

    def kernel(self, vector, gradient, *, n_threads=1, rows=None):
        """Loss and gradient."""
        trainer = self.trainer(vector, gradient, n_threads=n_threads)
        trainer.begin_epoch(EPOCH)
        trainer.found.dense.fill(np.nan)  # what is not written shows
        trainer.found.rows.fill(np.nan)
        rows = np.arange(len(self.sequences)) if rows is None else rows
        return trainer.gradient(rows), trainer.found.whole(vector)

    def output(self, vector, n_threads=1):
        net = Network(self.topology, vector, "full", self.return_sequences)
        sequences = packed([x.astype(vector.dtype) for x in self.sequences], self.symbols)
        return net.output(sequences, n_threads)

    def twin_output(self, vector):
        run = output if self.return_sequences else one_output
        return np.vstack(run(self.topology, vector, self.twin_sequences))

    @property
    def twin_sequences(self):
        """What the twin reads: with symbols, pairs of numbers and symbols."""
        if self.symbols is None:
            return self.sequences
        return list(zip(self.sequences, self.symbols, strict=True))

    @property
    def masks(self):
        if self.rates == (0, 0):
            return None
        return masks(self.topology, SEED, EPOCH, len(self.sequences), *self.rates)

    def twin_loss(self, vector, frozen=None):
        targets, weights = np.split(self.targets, self.cuts), np.split(self.weights, self.cuts)
        if not self.return_sequences:
            targets, weights = [t[0] for t in targets], [w[0] for w in weights]
        return batch_loss(
            self.topology,
            vector,
            self.twin_sequences,
            targets,
            weights,
            loss=self.objective.loss,
            out_activation=self.objective.activation,
            quantiles=self.objective.quantiles,
            return_sequences=self.return_sequences,
            alpha=self.alpha,
            frozen=frozen,
            masks=self.masks,
        )

    def twin_gradient(self, vector, gradient, differences=complex_step):
        found = differences(self.twin_function(vector, gradient), vector)
        found[: self.topology.n_dense][~self.topology.trainable] = 0
        return found

    def twin_slopes(self, vector, gradient, directions):
        """Derivatives along some directions: where there are too many parameters for all."""
        function = self.twin_function(vector, gradient)
        return np.array([complex_slope(function, vector, d) for d in directions])

    def twin_function(self, vector, gradient):
        """The loss as the function of the parameters whose derivative the gradient is."""
        frozen = None
        if gradient == "truncated":
            frozen = record(self.topology, vector, self.twin_sequences, self.masks)
        return lambda v: self.twin_loss(v, frozen)


__all__ = [
    "CELLS",
    "CONSTANTS",
    "LANES",
    "SHAPES",
    "Problem",
    "drawn",
    "kernel_output",
    "network",
    "one_output",
    "output",
    "packed",
    "ragged",
    "symbols_of",
]
