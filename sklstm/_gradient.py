"""The gradient of a batch or a step: of the table of categories the rows that were read."""

from __future__ import annotations

import numpy as np

from sklstm._topology import Topology


class Gradient:
    """What the kernels write and the solvers read.

    Parameters
    ----------
    dense : ndarray (n_dense,)
    n_categories, n_weights : int
        Shape of the table.
    room : int or None
        Categories that a batch reads at most. None: all of them.

    Attributes
    ----------
    dense : ndarray (n_dense,)
        Of all parameters before the table; 0 where nothing trains.
    rows : ndarray (room, n_weights)
        Of the categories that were read, the first ``n_read[0]`` rows. Memory that no batch has
        needed so far is not taken.
    read : ndarray (room,) of int32
        Their numbers.
    row_of : ndarray (n_categories,) of int32
        And back: where a category stands in ``rows``; -1 for all that were not read.
    n_read : ndarray (1,) of int32
    penalty : ndarray (1,)
        The gradient of the whole table has this times the table added to it.
    """

    def __init__(
        self, dense: np.ndarray, n_categories: int = 0, n_weights: int = 0, room: int | None = None
    ) -> None:
        room = n_categories if room is None else min(room, n_categories)
        self.dense = dense
        self.rows = np.empty((room, n_weights), dense.dtype)
        self.read = np.empty(room, np.int32)
        self.row_of = np.full(n_categories, -1, np.int32)
        self.n_read = np.zeros(1, np.int32)
        self.penalty = np.zeros(1, dense.dtype)

    @classmethod
    def of(cls, topology: Topology, dtype: np.dtype | type, room: int | None = None) -> Gradient:
        dense = np.zeros(topology.n_dense, dtype)
        return cls(dense, topology.n_categories, topology.n_weights, room)

    def whole(self, vector: np.ndarray) -> np.ndarray:
        """The gradient (n_total,) at all parameters, which are ``vector``."""
        table = np.zeros((len(self.row_of), self.rows.shape[1]), self.dense.dtype)
        n = self.n_read[0]
        table[self.read[:n]] = self.rows[:n]
        table += self.penalty * vector[len(self.dense) :].reshape(table.shape)
        return np.concatenate([self.dense, table.ravel()])
