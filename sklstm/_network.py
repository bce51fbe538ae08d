"""Network: parameters in one flat vector, outputs, and the gradient of a batch.

Input must be validated as in ``_sequences.py``, and in the precision of the parameters.
This is the only module that passes batches to the kernels (``_cell.pyx``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from sklstm import _isa, _kept
from sklstm._gradient import Gradient
from sklstm._outputs import Objective
from sklstm._remote import RemoteSequences
from sklstm._sequences import Sequences
from sklstm._topology import Topology

# Sequences per call of `output`: enough for all threads, with bounded memory.
OUTPUT_BATCH = 1024
EXPLAINED_BATCH = 64  # sequences whose history is stored at the same time


class Network:
    """Topology and parameters of a network.

    Parameters
    ----------
    topology : Topology
        Shape of the network.
    vector : ndarray (n_total,), float32 or float64
        Parameters; shared with the caller, not copied.
    gradient : {"truncated", "full"}
        Gradient for training.
    return_sequences : bool
        If True, there is one output per time step, else one per sequence.
    """

    _kept: ClassVar[dict[str, int]] = {}  # stored steps of long sequences, to override in tests

    def __init__(
        self,
        topology: Topology,
        vector: np.ndarray,
        gradient: str,
        return_sequences: bool,
    ) -> None:
        topology.require_vector(vector)
        self.topology = topology
        self.vector = vector
        self.gradient = gradient
        self.return_sequences = return_sequences

    def _session(self, sequences: Sequences, batch: int, n_threads: int, **of_training: Any):
        return _isa.kernels[self.vector.dtype].Session(
            self.topology,
            self.vector,
            sequences.addresses,
            sequences.symbols,
            full=self.gradient == "full",
            return_sequences=self.return_sequences,
            largest_batch=batch,
            n_threads=n_threads,
            **of_training,
            **self._kept,
        )

    def output(self, sequences: Sequences, n_threads: int, owner: Any = None) -> np.ndarray:
        """Raw outputs W_o y + b_o, (n, K) or, with ``return_sequences``, (N, K).

        With an ``owner``, work arrays and packed parameters are stored for its next call.
        """
        if isinstance(sequences, RemoteSequences):
            return sequences.output(self)
        n = sequences.n_steps if self.return_sequences else len(sequences)
        out = np.empty((n, self.topology.n_outputs), dtype=self.vector.dtype)
        kind = self.topology, self.vector.dtype, self.return_sequences, n_threads
        session = None if owner is None else _kept.take(owner, kind)
        given = sequences.addresses, sequences.symbols
        if session is None or not session.renew(self.vector, *given):
            session = self._session(sequences, OUTPUT_BATCH, n_threads)
        session.output(out)
        if owner is not None:
            _kept.keep(owner, kind, session, session.rest())
        return out

    def total_loss(
        self, raw: np.ndarray, targets: np.ndarray, weights: np.ndarray, objective: Objective
    ) -> float:
        """Sum of the weighted losses of raw outputs (rows, K), which are overwritten."""
        return _isa.kernels[self.vector.dtype].total_loss(raw, targets, weights, objective)

    def loss_at_zero(self, targets: np.ndarray, weights: np.ndarray, objective: Objective) -> float:
        """Sum of the weighted losses if all outputs are 0."""
        total = 0.0
        for start in range(0, len(weights), OUTPUT_BATCH):
            some = targets[start : start + OUTPUT_BATCH], weights[start : start + OUTPUT_BATCH]
            raw = np.zeros(some[0].shape[:1] + (self.topology.n_outputs,), self.vector.dtype)
            total += self.total_loss(raw, *some, objective)
        return total

    def trainer(
        self,
        sequences: Sequences,
        targets: np.ndarray,
        weights: np.ndarray,
        sequence_weights: np.ndarray,
        objective: Objective,
        *,
        alpha: float = 0.0,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int = 0,
        n_threads: int,
        batch_size: int,
    ) -> Trainer:
        """A Trainer for batches of these sequences; ``seed`` is the seed of dropout."""
        if isinstance(sequences, RemoteSequences):
            return sequences.trainer(
                self,
                targets,
                weights,
                sequence_weights,
                objective=objective,
                alpha=alpha,
                dropout=dropout,
                recurrent_dropout=recurrent_dropout,
                seed=seed,
                batch_size=batch_size,
            )
        session = self._session(
            sequences,
            batch_size,
            n_threads,
            training=True,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
        )
        gradient = self.gradient_of_batch(sequences.lengths, batch_size)
        session.learn_from(
            targets,
            weights,
            sequence_weights,
            self.topology.frozen,
            self.topology.decayed.view(np.uint8),
            gradient,
            objective=objective,
            alpha=alpha,
        )
        return Trainer(session, self.vector, gradient, seed, batch_size)

    def gradient_of_batch(self, lengths: np.ndarray, batch_size: int) -> Gradient:
        """Memory for the gradient of any batch of sequences of these lengths."""
        n_features, room = len(self.topology.cardinalities), 0
        if n_features > 0:
            room = int(np.sort(lengths)[-batch_size:].sum()) * n_features
        return Gradient.of(self.topology, self.vector.dtype, room)

    def feature_gradient(
        self, sequences: Sequences, factors: np.ndarray, n_threads: int
    ) -> np.ndarray:
        """Gradient (N, F), at all features, of the sum of raw outputs times factors (rows, K)."""
        kernel = _isa.kernels[self.vector.dtype]
        session = kernel.Session(
            self.topology,
            self.vector,
            sequences.addresses,
            sequences.symbols,
            full=True,
            return_sequences=self.return_sequences,
            largest_batch=EXPLAINED_BATCH,
            n_threads=n_threads,
            training=True,
            explains=True,
            **self._kept,
        )
        session.learn_from(
            factors,
            np.ones(len(factors)),
            np.ones(len(sequences)),
            self.topology.frozen,
            self.topology.decayed.view(np.uint8),
            Gradient.of(self.topology, self.vector.dtype, 0),
            objective=Objective("projection", "identity", np.empty(0)),
            alpha=0.0,
        )
        found = np.empty((sequences.n_steps, sequences.n_features), sequences.dtype)
        session.explain(found)
        return found


def add_penalty(
    topology: Topology, vector: np.ndarray, found: Gradient, penalty: float, loss: float = 0.0
) -> float:
    """Add the L2 penalty to the gradient at ``vector``; return ``loss`` with the penalty."""
    decayed = topology.decayed.view(np.uint8)
    kernel = _isa.kernels[vector.dtype]
    return kernel.penalize(vector, found, topology.frozen, decayed, penalty, loss)


class Trainer:
    """Loss and gradient of one batch after the other, in work arrays that are allocated once.

    Attributes
    ----------
    found : Gradient
        Gradient of the last batch.
    batch_size : int
        Largest number of sequences of a step.
    gradient : callable
        ``gradient(rows)`` with an int64 array of at most ``batch_size`` sequence numbers. It
        returns the loss of the batch: the sum of weighted losses divided by the number of
        sequences, plus ``alpha / 2 ||W||^2`` divided by the weight of the batch. It returns None
        if that weight is zero. ``gradient(rows, of)`` divides by ``of`` instead.
    """

    def __init__(
        self, session: Any, vector: np.ndarray, found: Gradient, seed: int, batch_size: int
    ) -> None:
        self.found, self.batch_size = found, batch_size
        self.gradient = session.gradient
        self._session, self._vector, self._seed = session, vector, seed

    def begin_epoch(self, epoch: int, first: int = 0) -> None:
        """Draw the dropout masks of an epoch; ``first`` is the number of the first sequence."""
        self._session.begin_epoch(self._seed, epoch, first)

    def step_on(self, solver: Any) -> tuple[Callable[[], bool], Callable[[], None]]:
        """Functions that make a step along the last gradient, and undo it; see ``_solvers``."""
        return solver.step_on(self._vector, self.found)
