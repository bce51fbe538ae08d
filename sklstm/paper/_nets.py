"""The nets of the paper: initial parameters, and their places in the kernel of the trials.

All nets are built from public parameters of an estimator, except that of experiments 2a and 2b and
that of Gers et al. (2000).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from sklearn.base import clone

from sklstm import LSTMRegressor
from sklstm.paper._kernel import ABSENT
from sklstm.paper._readings import Reading
from sklstm.paper._rows import PublishedNet, Row


@dataclass(frozen=True, kw_only=True, eq=False)
class Places:
    """Description of a net for the kernel: the place of each weight in the vector of parameters.

    The hidden units are, in order: gates before the cells, cells (the first ones of all blocks,
    then the second ones), output gates. A place is an int64, and `ABSENT` if there is no weight.

    Attributes
    ----------
    cell : str
        Name of the cell, as in `cell_named` of cells.pxd.
    n_blocks, block_size : int
    n_recurrent : int
        Number of groups of hidden units, one unit per block, that are fed back to the hidden units.
    shortcuts : bool
        True if the outputs read the inputs.
    hidden : (n_hidden, columns)
        Columns are a constant 1, the inputs unless they are symbols, and the units fed back.
    head : (n_outputs, columns)
        Columns are a constant 1, with shortcuts the inputs unless they are symbols, and the cells.
    symbols : (n_symbols, rows) or None
        Columns are the hidden units and, with shortcuts, the outputs. None for numeric inputs.
    trainable : (n_total,) bool
        Mask of the parameters that are trained.
    """

    cell: str
    n_blocks: int
    block_size: int
    n_recurrent: int
    shortcuts: bool
    hidden: np.ndarray
    head: np.ndarray
    symbols: np.ndarray | None = None
    trainable: np.ndarray


def estimator_of(net: PublishedNet) -> LSTMRegressor:
    """Return the untrained estimator of one of the paper's nets."""
    return LSTMRegressor(
        net.blocks,
        block_size=net.cells,
        cell=net.cell,
        out_activation="logistic",
        normalize_y=False,
        gradient="truncated",
        solver="sgd",
        momentum=0.0,
        nesterovs_momentum=False,
        clip_norm=None,
        batch_size=1,
        bias=net.bias,
        gate_bias=net.gate_bias,
        init_range=net.init_range,
    )


@dataclass(frozen=True)
class EstimatorNet:
    """A net that is built from public parameters.

    Parameters
    ----------
    estimator : LSTMRegressor
        Result of `estimator_of`.
    n_features, n_outputs : int
    cell : str, default=None
        Cell of the trials, if no estimator has it.
    shifted : bool, default=False
        If True, random numbers are added to the initial biases of the estimator's gates.
    biased_cells : bool, default=True
        If False, cells have no biases.
    """

    estimator: LSTMRegressor
    n_features: int
    n_outputs: int
    cell: str | None = None
    shifted: bool = False
    biased_cells: bool = True

    def initial(self, seed: int) -> LSTMRegressor:
        """Return the estimator with the initial parameters of a trial."""
        model = LSTMRegressor(**self.estimator.get_params()).set_params(random_state=seed)
        return model.initialize(self.n_features, n_outputs=self.n_outputs)

    @cached_property
    def n_weights(self) -> int:
        return int(self.trainable.sum())

    @cached_property
    def trainable(self) -> np.ndarray:
        """Mask of the parameters that are trained. The others are zeros."""
        topology = self.initial(0)._topology
        mask = np.array(topology.trainable)
        if not self.biased_cells:
            layer = topology.stack[0]
            first = (len(layer.gates) - 1) * layer.n_blocks  # row of the first cell
            layer.views(mask)["bias"][first : first + layer.n_blocks * layer.block_size] = False
        return mask

    def vector(self, seed: int) -> np.ndarray:
        vector = self.initial(seed).parameters_ * self.trainable
        if self.shifted:
            drawn = replace(self, estimator=clone(self.estimator).set_params(gate_bias=None))
            random = drawn.initial(seed).parameters_
            return np.where(vector == random, vector, vector + random) * self.trainable
        return vector

    def places(self, *, symbols: bool, feedback: str) -> Places:
        """Return the places for a kernel that reads symbols or numbers.

        ``feedback`` is what the hidden layer reads from the previous step: cells and gates ("all"),
        "cells", or "none" (the connections carry zeros).
        """
        model = self.initial(0)
        layer = model._topology.stack[0]
        H, S = layer.n_blocks, layer.block_size
        places = np.arange(model._topology.n_total)
        views = layer.views(places)
        # from cells block by block to the first cells of all blocks, then the second ones, ...
        cells = np.arange(H * S).reshape(H, S).T.ravel()
        n = len(layer.gates) - 1  # gates before the cells
        rows = np.concatenate([np.arange(n * H), n * H + cells, (n + S) * H + np.arange(H)])
        n_groups = {"all": layer.n_recurrent // H, "cells": S, "none": 0}[feedback]
        columns = np.concatenate([cells, H * S + np.arange(2 * H)])[: n_groups * H]
        bias, inputs = views["bias"][rows, None], views["input"][rows]
        recurrent = views["recurrent"][np.ix_(rows, columns)]
        head = np.hstack(
            [
                model._topology.output_bias(places)[:, None],
                model._topology.output_weights(places)[:, cells],
            ]
        )
        return Places(
            cell=layer.cell if self.cell is None else self.cell,
            n_blocks=H,
            block_size=S,
            n_recurrent=n_groups,
            shortcuts=False,
            hidden=_table([bias, recurrent] if symbols else [bias, inputs, recurrent]),
            head=_table([head]),
            symbols=_table([inputs.T]) if symbols else None,
            trainable=self.trainable,
        )


@dataclass(frozen=True)
class LateCellNet:
    """The net of experiments 2a and 2b: outputs that read the inputs, and one bare cell.

    It has no biases, output gate or recurrent weights. The cell and its input gate read the inputs
    only. g is logistic, or with ``centred`` the g of the other experiments in [-2, 2]. h is the
    identity.
    """

    n_features: int
    n_outputs: int
    init_range: float = 0.2
    centred: bool = False

    @property
    def n_weights(self) -> int:
        return 2 * self.n_features + self.n_outputs * (self.n_features + 1)

    def vector(self, seed: int) -> np.ndarray:
        rng = np.random.RandomState(seed)
        return rng.uniform(-self.init_range, self.init_range, self.n_weights)

    def places(self, *, symbols: bool, feedback: str) -> Places:
        F, K = self.n_features, self.n_outputs
        inputs = np.arange(2 * F).reshape(2, F)
        shortcuts = 2 * F + np.arange(K * F).reshape(K, F)
        cell = 2 * F + K * F + np.arange(K)[:, None]
        none = np.full((2, 1), ABSENT)
        no_bias = np.full((K, 1), ABSENT)
        return Places(
            cell="centred" if self.centred else "bare",
            n_blocks=1,
            block_size=1,
            n_recurrent=0,
            shortcuts=True,
            hidden=_table([none] if symbols else [none, inputs]),
            head=_table([no_bias, cell] if symbols else [no_bias, shortcuts, cell]),
            symbols=_table([inputs.T, shortcuts.T]) if symbols else None,
            trainable=np.ones(self.n_weights, dtype=bool),
        )


@dataclass(frozen=True)
class ContinualNet:
    """The net of Gers, Schmidhuber & Cummins (2000) for the continual Reber grammar.

    Cells have g in [-2, 2] and h in [-1, 1]. Gates are not fed back. The inputs have shortcuts to
    the outputs, and gates and outputs have biases. With ``forget=False`` the forget gate is fixed
    open, which makes it a standard LSTM.
    """

    blocks: int
    cells: int
    n_features: int
    n_outputs: int
    forget: bool = True
    init_range: float = 0.2

    def _tables(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the places of the weights into hidden units and outputs: bias, inputs, cells."""
        n_rows = self.blocks * (3 + self.cells)
        columns = 1 + self.n_features + self.blocks * self.cells
        places = np.arange((n_rows + self.n_outputs) * columns).reshape(-1, columns)
        return places[:n_rows], places[n_rows:]

    @cached_property
    def trainable(self) -> np.ndarray:
        hidden, head = self._tables()
        mask = np.ones(hidden.size + head.size, dtype=bool)
        b, n = self.blocks, self.blocks * self.cells
        mask[hidden[2 * b : 2 * b + n, 0]] = False  # cells have no bias
        if not self.forget:
            mask[hidden[b : 2 * b]] = False
        return mask

    @property
    def n_weights(self) -> int:
        return int(self.trainable.sum())

    def vector(self, seed: int) -> np.ndarray:
        """Gate biases: input and output -0.5, -1, -1.5, -2; forget 0.5, 1, 1.5, 2."""
        hidden, _ = self._tables()
        rng = np.random.RandomState(seed)
        vector = rng.uniform(-self.init_range, self.init_range, len(self.trainable))
        vector[~self.trainable] = 0
        sizes = 0.5 * (1 + np.arange(self.blocks))
        b = self.blocks
        vector[hidden[:b, 0]] = vector[hidden[-b:, 0]] = -sizes
        vector[hidden[b : 2 * b, 0]] = sizes if self.forget else OPEN
        return vector

    def places(self, *, symbols: bool, feedback: str) -> Places:
        if symbols or feedback != "cells":
            raise ValueError("this net needs symbols=False and feedback='cells'")
        hidden, head = self._tables()
        return Places(
            cell="continual",
            n_blocks=self.blocks,
            block_size=self.cells,
            n_recurrent=self.cells,
            shortcuts=True,
            hidden=hidden,
            head=head,
            trainable=self.trainable,
        )


SIZES = {  # inputs and outputs; 2c without its distractors
    "1": (7, 7),
    "2c": (4, 2),
    **dict.fromkeys(("3a", "3b", "3c"), (1, 1)),
    **dict.fromkeys(("4", "5"), (2, 1)),
    "6a": (8, 4),
    "6b": (8, 8),
}
OPEN = 1000.0  # bias of a gate that is always 1


def net_of(row: Row, reading: Reading) -> EstimatorNet | LateCellNet:
    """Return the untrained net of a row."""
    if row.experiment in ("2a", "2b"):
        return LateCellNet(row.columns["p"] + 1, row.columns["p"] + 1, centred=reading.centred)
    net = row.net
    if reading.biased_outputs and row.experiment in ("1", "3a", "3b", "3c"):
        net = replace(net, bias="all")
    if reading.gate_bias == "random":
        net = replace(net, gate_bias=None)
    n_features, n_outputs = SIZES[row.experiment]
    if row.experiment == "2c":
        n_features += row.columns["p"]
    return EstimatorNet(
        estimator_of(net),
        n_features,
        n_outputs,
        cell="swapped" if reading.swapped else None,
        shifted=reading.gate_bias == "shifted",
        biased_cells=reading.biased_cells or row.experiment != "1",
    )


def _table(parts: list[np.ndarray]) -> np.ndarray:
    return np.ascontiguousarray(np.hstack(parts), dtype=np.int64)
