"""Networks without categorical features: each category in X becomes a feature that is 1 or 0."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sklstm._sequences import Sequences
from sklstm._topology import Topology


@dataclass(frozen=True)
class Plain:
    """A network in float64 without categories, and sequences for it.

    Attributes
    ----------
    topology : Topology
    vector : ndarray (n_total,)
    sequences : Sequences
        The numeric features, followed by a column per category in X.
    columns : ndarray (N, C)
        The column of the category of each step and categorical feature, -1 for none.
    """

    topology: Topology
    vector: np.ndarray
    sequences: Sequences
    columns: np.ndarray

    @property
    def layers(self) -> list[dict[str, np.ndarray]]:
        return self.topology.layers(self.vector)


def plain(estimator: Any, given: Sequences) -> Plain:
    """The network of an estimator, and ``given``, without categorical features."""
    topology, vector = estimator._topology, estimator.parameters_
    values = given.values.astype(np.float64)
    read, places = np.unique(given.symbols, return_inverse=True)
    n_none = int(np.searchsorted(read, 0))
    columns = np.where(given.symbols < 0, -1, places.reshape(given.symbols.shape) - n_none)
    read = read[n_none:]
    if not topology.cardinalities:
        sequences = Sequences(values, given.offsets, given.container)
        return Plain(topology, vector.astype(np.float64), sequences, columns)

    ones = np.zeros((len(values), len(read)))
    for of_feature in columns.T:
        there = of_feature >= 0
        ones[np.flatnonzero(there), of_feature[there]] = 1.0
    n_features = topology.n_features + len(read)
    other = replace(topology, n_features=n_features, cardinalities=())
    dense = np.zeros(other.n_total)
    for new, old in zip(other.layers(dense), topology.layers(vector), strict=True):
        if "category" in old:
            old["input"] = np.hstack([old["input"], old["category"][:, read]])
        for name, array in new.items():
            array[:] = old[name]
    dense[other.output_start :] = vector[topology.output_start : topology.n_dense]
    sequences = Sequences(np.hstack([values, ones]), given.offsets, given.container)
    columns = np.where(columns < 0, -1, columns + topology.n_features)
    return Plain(other, dense, sequences, columns)
