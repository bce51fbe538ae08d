"""Sequences in partitions: an X whose steps are on the workers."""

from __future__ import annotations

import pickle
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sklstm._categories import Categories
from sklstm._network import Network
from sklstm._numbers import precision
from sklstm._remote import RemoteSequences, RemoteX
from sklstm._snapshots import snapshot
from sklstm.distributed._cluster import Cluster
from sklstm.distributed._trainers import Averages, Sums
from sklstm.distributed._worker import LEARNED, Facts, Held, Plan, converted, outputs, read

ON_WORKERS = (
    "The sequences of X are on the workers, so they cannot be counted or read here. A scorer can "
    "call model.predict(X), and look at y."
)


class Partitions(RemoteX):
    """An X on the workers of a cluster.

    Parameters
    ----------
    cluster : Cluster
    average : int or None
        Local batches between averages of the parameters; None adds up gradients.
    numbers : ndarray or None
        Numbers of the selected sequences; None selects all.
    """

    def __init__(
        self, cluster: Cluster, average: int | None = None, numbers: np.ndarray | None = None
    ) -> None:
        self.cluster, self.average, self.numbers = cluster, average, numbers

    def __len__(self) -> int:  # for scorers of users
        raise TypeError(ON_WORKERS)

    def __getitem__(self, _: Any) -> Any:
        raise TypeError(ON_WORKERS)

    def take(self, numbers: np.ndarray) -> Partitions:
        numbers = np.asarray(numbers)
        if self.numbers is not None:
            numbers = self.numbers[numbers]
        return Partitions(self.cluster, self.average, numbers)

    def read(self, estimator: Any, **arguments: Any) -> RemoteSequences:
        """Read all partitions, and set what the estimator learns from them."""
        split = arguments.pop("split")
        split = None if split is None else split.__name__
        kind = pickle.dumps((vars(estimator).get("_shape"), _learned(estimator), split, arguments))
        # A scorer reads X in every epoch
        found = None if arguments["reset"] else self.cluster.known.get(kind)
        if found is None:
            found = self._read(estimator, split, arguments)
            self.cluster.known = {kind: found}
        found = replace(found, n_jobs=estimator.n_jobs, average=self.average)
        return found if self.numbers is None else found.take(self.numbers)

    def _read(self, estimator: Any, split: str | None, arguments: dict[str, Any]) -> PartSequences:
        cluster, reader = self.cluster, snapshot(estimator)
        # Workers do not need these, and users' functions may not have a pickle.
        for name in ("_skl_callbacks", "_unfinished", "_solver_state", "parameters_", "scoring"):
            vars(reader).pop(name, None)
        numbers = range(len(cluster.opened))
        held = cluster.hold(
            read, cluster.opened, numbers, estimator=reader, split=split, arguments=arguments
        )
        facts = cluster.collect(Held.facts, held)
        _require_equal(facts)
        for name, value in facts[0].learned.items():
            if value is not None and name not in ("is_categorical_", "_codes"):
                setattr(estimator, name, value)
        dtype = np.dtype(precision([part.dtype for part in facts]))
        moved = _merge_categories(estimator, facts, split)
        if moved is not None or any(part.dtype != dtype for part in facts):
            rows = [None] * len(facts) if moved is None else moved
            held = cluster.hold(converted, held, [dtype] * len(facts), rows)
        return PartSequences.of(cluster, held, facts, dtype)


def _learned(estimator: Any) -> list[Any]:
    return [vars(estimator).get(name) for name in LEARNED]


@dataclass(frozen=True, eq=False)
class PartSequences(RemoteSequences):
    """The sequences of partitions, one after the other.

    Attributes
    ----------
    cluster : Cluster
    held : list of Future
        A ``Held`` each.
    part, number : ndarray of shape (n,)
        Partition of each sequence, and its number there.
    facts : list of Facts
        What is known of each whole partition.
    """

    cluster: Cluster
    held: list[Any]
    part: np.ndarray
    number: np.ndarray
    offsets: np.ndarray
    n_features: int
    dtype: np.dtype
    facts: list[Facts]
    n_jobs: int | None = None
    average: int | None = None

    @classmethod
    def of(
        cls, cluster: Cluster, held: list[Any], facts: list[Facts], dtype: np.dtype
    ) -> PartSequences:
        sizes = [len(part.lengths) for part in facts]
        lengths = np.concatenate([part.lengths for part in facts])
        return cls(
            cluster=cluster,
            held=held,
            part=np.repeat(np.arange(len(facts)), sizes),
            number=np.concatenate([np.arange(size) for size in sizes]),
            offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            n_features=facts[0].n_features,
            dtype=dtype,
            facts=facts,
        )

    def largest(self) -> float:
        """Largest absolute value in all partitions."""
        return max(part.largest for part in self.facts)

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        n_steps = np.array([part.lengths.sum() for part in self.facts])[:, None]
        means, deviations = np.array([part.moments for part in self.facts]).swapaxes(0, 1)
        mean = (n_steps * means).sum(axis=0) / n_steps.sum()
        square = (n_steps * (deviations**2 + (means - mean) ** 2)).sum(axis=0) / n_steps.sum()
        return mean, np.sqrt(square)

    def take(self, rows: np.ndarray) -> PartSequences:
        offsets = np.concatenate([[0], np.cumsum(self.lengths[rows])]).astype(np.int64)
        return replace(self, part=self.part[rows], number=self.number[rows], offsets=offsets)

    def plan(self, network: Network) -> Plan:
        return Plan(network.topology, network.gradient, network.return_sequences, self.n_jobs)

    def output(self, network: Network) -> np.ndarray:
        chosen = [np.flatnonzero(self.part == k) for k in range(len(self.held))]
        arguments = [(self.number[rows],) if len(rows) else None for rows in chosen]
        found = self.cluster.call(outputs, self.held, arguments, self.plan(network), network.vector)
        n = self.n_steps if network.return_sequences else len(self)
        out = np.empty((n, network.topology.n_outputs), network.vector.dtype)
        for rows, raw in zip(chosen, found, strict=True):
            if raw is not None:
                out[self.rows_of(rows, network.return_sequences)] = raw
        return out

    def rows_of(self, sequences: np.ndarray, per_step: bool) -> np.ndarray:
        """Rows of the targets or outputs of these sequences."""
        if not per_step:
            return sequences
        starts, lengths = self.offsets[sequences], self.lengths[sequences]
        ends = np.cumsum(lengths)
        return np.arange(ends[-1]) + np.repeat(starts - (ends - lengths), lengths)

    def trainer(
        self,
        network: Network,
        targets: np.ndarray,
        weights: np.ndarray,
        sequence_weights: np.ndarray,
        **settings: Any,
    ) -> Sums | Averages:
        kind = Sums if self.average is None else Averages
        return kind(self, network, (targets, weights, sequence_weights), settings)


def _require_equal(facts: list[Facts]) -> None:
    """Raise an error if the partitions do not have the same features."""
    first = facts[0].learned
    for k, part in enumerate(facts):
        for name in ("n_features_in_", "feature_names_in_", "_sequence_input"):
            here, there = first[name], part.learned[name]
            if not np.array_equal(here, there):
                words = {"n_features_in_": "features", "feature_names_in_": "feature names"}
                raise ValueError(
                    f"In partition {k}: X has other {words.get(name, 'kinds of X')} than in "
                    f"partition 0: {_shown(there)} instead of {_shown(here)}."
                )


def _shown(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value


def _merge_categories(
    estimator: Any, facts: list[Facts], split: str | None
) -> list[np.ndarray] | None:
    """Set the categories of all partitions; return the new rows of those of each partition."""
    learned = facts[0].learned
    if split == "_split_first":
        estimator.is_categorical_, estimator._codes = learned["is_categorical_"], []
    if split is None or learned["is_categorical_"] is None:
        return None
    codes = [part.learned["_codes"] for part in facts]
    known = estimator._codes if split == "_split_more" else [np.empty(0)] * len(codes[0])
    merged = copy(list(known))
    for c, so_far in enumerate(known):
        # NaN, the category of missing values, comes last, as in one data set
        seen = np.unique(np.concatenate([own[c] for own in codes]))
        new = seen[np.isin(seen, so_far, invert=True)]
        if np.isnan(so_far).any():
            new = new[~np.isnan(new)]
        merged[c] = np.concatenate([so_far, new])
    if split == "_split_known":
        merged = list(estimator._codes)
    elif split == "_split_more":
        features = np.flatnonzero(estimator.is_categorical_)
        estimator._grow(Categories(features, tuple(merged), estimator._labels))
    else:
        estimator._codes = merged
    firsts = np.cumsum([0, *map(len, merged)])
    return [
        np.concatenate(
            [
                _places(own, all_codes, first)
                for own, all_codes, first in zip(part, merged, firsts, strict=False)
            ]
        )
        for part in codes
    ]


def _places(codes: np.ndarray, known: np.ndarray, first: int) -> np.ndarray:
    """Rows of the table of codes that are all known."""
    rows = {code: first + k for k, code in enumerate(known.tolist()) if code == code}
    missing = first + int(np.flatnonzero(np.isnan(known))[0]) if np.isnan(known).any() else -1
    return np.array([rows.get(code, missing) for code in codes.tolist()], dtype=np.int64)
