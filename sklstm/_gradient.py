"""Gradient of a batch or a step; for the table of categories, only the rows that were read."""

from __future__ import annotations

import numpy as np

from sklstm._topology import Topology


class Gradient:
    """Gradient that kernels write and solvers read.

    Parameters
    ----------
    dense : ndarray (n_dense,)
        Memory for the gradient of all parameters before the table.
    n_categories, n_weights : int
        Shape of the table.
    room : int or None
        Largest number of categories that a batch reads. None: all of them.

    Attributes
    ----------
    dense : ndarray (n_dense,)
        Gradient of all parameters before the table; 0 for parameters that do not train.
    rows : ndarray (room, n_weights)
        Gradient of the categories that were read, in the first ``n_read[0]`` rows.
    read : ndarray (room,) of int32
        Category of each row.
    row_of : ndarray (n_categories,) of int32
        Row of each category, or -1 if it was not read.
    n_read : ndarray (1,) of int32
        Number of categories that were read.
    penalty : ndarray (1,)
        Factor of the L2 penalty: this times the table is added to the gradient of the table.
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
        """The gradient (n_total,) of all parameters, whose values are ``vector``."""
        table = np.zeros((len(self.row_of), self.rows.shape[1]), self.dense.dtype)
        n = self.n_read[0]
        table[self.read[:n]] = self.rows[:n]
        table += self.penalty * vector[len(self.dense) :].reshape(table.shape)
        return np.concatenate([self.dense, table.ravel()])

    def put(self, whole: np.ndarray) -> None:
        """Set the gradient of all parameters, of which categories without any have not been read.

        The gradient needs room for all categories.
        """
        n_dense = len(self.dense)
        table = whole[n_dense:].reshape(len(self.row_of), self.rows.shape[1])
        read = np.flatnonzero(table.any(axis=1))
        self.dense[:] = whole[:n_dense]
        self.rows[: len(read)], self.read[: len(read)], self.n_read[0] = (
            table[read],
            read,
            len(read),
        )
        self.row_of[:] = -1
        self.row_of[read] = np.arange(len(read))
