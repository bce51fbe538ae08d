"""Trainers for partitions: gradients that are added up, and local steps that are averaged.

Both have the interface of `_network.Trainer`. All sums are in the order of the partitions.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np

from sklstm._network import Network, add_penalty
from sklstm.distributed._average import weighted_mean
from sklstm.distributed._worker import Learner, Share, gradient, walk


class PartTrainer:
    """What both trainers share: the partitions with their targets, and the parts of a batch.

    Parameters
    ----------
    sequences : PartSequences
        All sequences of a data set.
    network : Network
        Its vector is the one that is trained.
    targets : tuple of ndarray
        Targets and weights of all rows, and the weights of the sequences.
    settings : dict
        Keyword arguments of `Network.trainer`.
    """

    def __init__(
        self,
        sequences: Any,
        network: Network,
        targets: tuple[np.ndarray, ...],
        settings: dict[str, Any],
    ) -> None:
        self.sequences, self.cluster, self.vector = sequences, sequences.cluster, network.vector
        per_step = network.return_sequences
        every = [np.flatnonzero(sequences.part == k) for k in range(len(sequences.held))]
        own_targets, own_settings = [], []
        for members in every:
            rows = sequences.rows_of(members, per_step)
            own_targets.append((targets[0][rows], targets[1][rows], targets[2][members]))
            own_settings.append(self._own(settings) | {"first": int(members[0])})
        self.learners = self.cluster.hold(
            Learner,
            sequences.held,
            own_targets,
            [sequences.plan(network)] * len(every),
            own_settings,
        )
        self.weights = targets[2]
        self.epoch = 0

    def _own(self, settings: dict[str, Any]) -> dict[str, Any]:
        """The settings of the trainers of the partitions."""
        return settings

    def begin_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def shares(self, batch: np.ndarray) -> list[np.ndarray]:
        """Numbers, within each partition, of the members of a batch, in its order."""
        part, number = self.sequences.part[batch], self.sequences.number[batch]
        return [number[part == k] for k in range(len(self.sequences.held))]


class Sums(PartTrainer):
    """Adds up the gradients of the partitions; a step is then made by the driver.

    The batches are those of ``fit`` on all sequences in one process.
    """

    def __init__(
        self,
        sequences: Any,
        network: Network,
        targets: tuple[np.ndarray, ...],
        settings: dict[str, Any],
    ) -> None:
        super().__init__(sequences, network, targets, settings)
        self.topology, self.alpha = network.topology, settings["alpha"]
        self.batch_size = settings["batch_size"]
        self.found = network.gradient_of_batch(sequences.lengths, self.batch_size)

    def _own(self, settings: dict[str, Any]) -> dict[str, Any]:
        return settings | {"alpha": 0.0}  # the driver adds the penalty

    def step_on(self, solver: Any) -> tuple[Callable[[], bool], Callable[[], None]]:
        return solver.step_on(self.vector, self.found)

    def gradient(self, batch: np.ndarray) -> float | None:
        """Loss of a batch, or None if its weight is zero; the gradient is written to ``found``."""
        weight = 0.0
        for one in self.weights[batch].tolist():  # in the order of the kernels
            weight += one
        if not weight > 0:
            return None
        arguments = [(own,) if len(own) else None for own in self.shares(batch)]
        shares = self.cluster.call(
            gradient, self.learners, arguments, len(batch), self.epoch, self.vector
        )
        loss = self._add([share for share in shares if share is not None])
        return add_penalty(self.topology, self.vector, self.found, self.alpha / weight, loss)

    def _add(self, shares: list[Share]) -> float:
        """Write the sum of the gradients; return the sum of the losses."""
        found, loss = self.found, 0.0
        found.dense[:] = 0
        found.row_of[found.read[: found.n_read[0]]] = -1
        n = 0
        for share in shares:
            loss += share.loss
            found.dense += share.dense
            for category, row in zip(share.read.tolist(), share.rows, strict=True):
                k = found.row_of[category]
                if k < 0:
                    found.row_of[category], found.read[n], found.rows[n] = n, category, row
                    n += 1
                else:
                    found.rows[k] += row
        found.n_read[0] = n
        return loss


class Averages(PartTrainer):
    """Each partition makes some steps of its own, then parameters and solvers are averaged.

    A batch of this trainer has the sequences of all local batches between two averages. The number
    of a partition's local batches follows from its share of them, so it may differ from the mean.
    """

    def __init__(
        self,
        sequences: Any,
        network: Network,
        targets: tuple[np.ndarray, ...],
        settings: dict[str, Any],
    ) -> None:
        super().__init__(sequences, network, targets, settings)
        self.size = settings["batch_size"]
        self.batch_size = self.size * sequences.average * len(sequences.held)
        self.found = None
        self._next: tuple[np.ndarray, dict[str, Any], int] | None = None

    def step_on(self, solver: Any) -> tuple[Callable[[], bool], Callable[[], None]]:
        self._solver = solver
        before: list[Any] = []

        def step() -> bool:
            vector, state, n_steps = self._next
            if not np.isfinite(vector).all():
                return False
            before[:] = [self.vector.copy(), deepcopy(solver.state)]
            np.copyto(self.vector, vector)
            _put(solver.state, state)
            solver.n_made += n_steps
            return True

        def undo() -> None:
            if before:
                np.copyto(self.vector, before[0])
                _put(solver.state, before[1])

        return step, undo

    def gradient(self, batch: np.ndarray) -> float | None:
        """Mean loss of the local batches, whose steps have been made on the workers."""
        if not (self.weights[batch] > 0).any():
            return None
        shares = self.shares(batch)
        local = [
            [own[first : first + self.size] for first in range(0, len(own), self.size)]
            for own in shares
        ]
        arguments = [(batches,) if batches else None for batches in local]
        given = self._solver, self.epoch, self.vector
        walks = self.cluster.call(walk, self.learners, arguments, *given)
        walks = [one for one in walks if one is not None]
        if not all(np.isfinite(one.loss) for one in walks):
            return np.inf
        n = sum(one.n for one in walks)
        parts = [one.n / n for one in walks]
        state = {
            name: weighted_mean([one.state[name] for one in walks], parts)
            if isinstance(value, np.ndarray)
            else max((one.state[name] for one in walks), default=value)
            if name == "n_steps"
            else value
            for name, value in walks[0].state.items()
        }
        vector = weighted_mean([one.vector for one in walks], parts)
        self._next = vector, state, max(map(len, local))
        return sum(one.loss for one in walks) / n


def _put(state: dict[str, Any], new: dict[str, Any]) -> None:
    """Set a state of a solver, keeping its arrays, to which others may refer."""
    for name, value in new.items():
        if isinstance(value, np.ndarray):
            np.copyto(state[name], value)
        else:
            state[name] = value
