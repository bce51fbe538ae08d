"""What runs on workers: reading a partition, its outputs, gradients and local steps.

The driver passes partitions that stay in the memory of a worker. A result depends only on the
arguments of its function, so a partition that was lost can be made again on another worker.
"""

from __future__ import annotations

import os
from copy import deepcopy
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from sklstm._lists import as_items
from sklstm._network import Network
from sklstm._sequences import Sequences, called, read_sequences
from sklstm._snapshots import snapshot
from sklstm._steps import as_entries
from sklstm._threads import effective_n_jobs
from sklstm._topology import Topology

# Attributes of an estimator that reading X sets
LEARNED = ("n_features_in_", "feature_names_in_", "_sequence_input", "is_categorical_", "_codes")


@dataclass(frozen=True)
class Opened:
    """A partition as the user passed it."""

    X: Any
    y: Any
    sample_weight: Any


class Facts(NamedTuple):
    """What the driver knows about the sequences of a partition."""

    lengths: np.ndarray
    n_features: int
    dtype: np.dtype
    largest: float  # absolute value
    moments: tuple[np.ndarray, np.ndarray]
    learned: dict[str, Any]


@dataclass(frozen=True)
class Held:
    """The sequences of a partition in the memory of a worker."""

    sequences: Sequences
    learned: dict[str, Any]

    def __sizeof__(self) -> int:
        steps = self.sequences
        return steps.n_steps * steps.n_features * steps.dtype.itemsize

    def facts(self) -> Facts:
        steps = self.sequences
        return Facts(
            steps.lengths,
            steps.n_features,
            steps.dtype,
            steps.largest(),
            steps.moments(),
            self.learned,
        )


class Plan(NamedTuple):
    """The network of a task on a worker."""

    topology: Topology
    gradient: str
    return_sequences: bool
    n_jobs: int | None

    def network(self, vector: np.ndarray) -> Network:
        return Network(self.topology, vector, self.gradient, self.return_sequences)


# ------------------------------------------------------------------------------------ partitions


def opened(part: Any) -> Opened:
    """A partition from a tuple, or from an Arrow file with columns X, y and sample_weight."""
    if isinstance(part, (str, os.PathLike)):
        from sklstm.datasets import open_sequences

        table = open_sequences(part)
        names = table.column_names
        if "X" not in names or "y" not in names:
            raise ValueError(
                f"{os.fspath(part)!r} has the columns {names}, but needs X and y. Write both with "
                "sklstm.datasets.to_arrow(path, X, y)."
            )
        weights = table["sample_weight"] if "sample_weight" in names else None
        return Opened(table["X"], table["y"], weights)
    if not isinstance(part, (tuple, list)) or len(part) not in (2, 3):
        raise TypeError(
            f"It is of type {type(part).__name__}; expected a tuple (X, y) or "
            "(X, y, sample_weight), or the path of an Arrow file."
        )
    if part[1] is None:
        raise TypeError("Its y is None; expected the targets of its sequences.")
    return Opened(part[0], part[1], part[2] if len(part) == 3 else None)


def targets_of(given: Opened, per_step: bool) -> tuple[Any, Any]:
    """y and the weights: a list with one entry per sequence, or an array."""
    weights = given.sample_weight
    if not per_step:
        whole = weights is None or isinstance(weights, Real)
        return as_entries(given.y), weights if whole else as_entries(weights)
    # Arrow columns become arrays, with None for a missing label
    y = list(as_items(given.y, "y", None))
    if weights is None or isinstance(weights, Real):
        return y, weights
    weights = as_items(weights, "sample_weight")
    return y, list(weights if isinstance(weights, (list, tuple)) else as_entries(weights))


def read(given: Opened, number: int, estimator: Any, split: str | None, arguments: dict) -> Held:
    """Check and read X as ``estimator`` does, and what the estimator learns from it."""
    reader = snapshot(estimator)
    with called(f"partition {number}"):
        sequences = read_sequences(
            reader, given.X, split=None if split is None else getattr(reader, split), **arguments
        )
        if len(given.y) != len(sequences):
            raise ValueError(
                f"X has {len(sequences)} sequences, but y has {len(given.y)}: they must be equal."
            )
        weights = given.sample_weight
        if hasattr(weights, "__len__") and len(weights) != len(sequences):
            raise ValueError(
                f"X has {len(sequences)} sequences, but sample_weight has {len(weights)} entries: "
                "they must be equal."
            )
    return Held(sequences, {name: vars(reader).get(name) for name in LEARNED})


def converted(held: Held, dtype: Any, rows: np.ndarray | None) -> Held:
    """Sequences in another precision; ``rows`` is the new row of each row of the table."""
    sequences = held.sequences.astype(dtype)
    if rows is not None:
        symbols = sequences.symbols
        moved = np.where(symbols < 0, -1, rows[symbols]).astype(np.int32)
        sequences = sequences.with_symbols(moved)
    return replace(held, sequences=sequences)


def outputs(held: Held, chosen: np.ndarray | None, plan: Plan, vector: np.ndarray) -> np.ndarray:
    """Raw outputs of the chosen sequences (None: all of them)."""
    sequences = held.sequences if chosen is None else held.sequences.take(chosen)
    return plan.network(vector).output(sequences, effective_n_jobs(plan.n_jobs))


# -------------------------------------------------------------------------------------- training


class Learner:
    """A partition with its targets, and the work arrays of its gradients."""

    def __init__(
        self, held: Held, targets: tuple[np.ndarray, ...], plan: Plan, settings: dict[str, Any]
    ) -> None:
        # Dask joins the arrays of a message as bytes, so they may be at any address.
        targets = tuple(np.require(array, requirements="CA") for array in targets)
        self._given = held, targets, plan, settings
        self.held, self.vector = held, np.zeros(plan.topology.n_total, held.sequences.dtype)
        self.first = settings["first"]  # number of the first sequence, over all partitions
        size = min(settings["batch_size"], len(held.sequences))
        rest = {k: v for k, v in settings.items() if k not in ("first", "batch_size")}
        self.trainer = plan.network(self.vector).trainer(
            held.sequences,
            *targets,
            **rest,
            batch_size=size,
            n_threads=effective_n_jobs(plan.n_jobs),
        )

    def __reduce__(self) -> tuple:
        return Learner, self._given

    def __sizeof__(self) -> int:
        # The steps belong to ``held``, which Dask counts by itself.
        return sum(array.nbytes for array in self._given[1])


class Share(NamedTuple):
    """Loss and gradient of a part of a batch."""

    loss: float
    dense: np.ndarray
    read: np.ndarray  # categories, and their rows of the gradient
    rows: np.ndarray


def gradient(
    learner: Learner, chosen: np.ndarray, of: int, epoch: int, vector: np.ndarray
) -> Share | None:
    """The part of these sequences in the gradient of a batch of ``of`` sequences."""
    trainer, found = learner.trainer, learner.trainer.found
    np.copyto(learner.vector, vector)
    trainer.begin_epoch(epoch, learner.first)
    loss = trainer.gradient(chosen, of)
    if loss is None:  # all weights are 0
        return None
    n = int(found.n_read[0])
    return Share(loss, found.dense.copy(), found.read[:n].copy(), found.rows[:n].copy())


class Walk(NamedTuple):
    """Result of some local steps."""

    loss: float  # sum over the batches times their sizes
    n: int  # sequences
    vector: np.ndarray
    state: dict[str, Any]


def walk(
    learner: Learner, batches: list[np.ndarray], solver: Any, epoch: int, vector: np.ndarray
) -> Walk:
    """Local steps from ``vector`` with a copy of the solver, which all partitions share."""
    trainer, solver = learner.trainer, deepcopy(solver)
    np.copyto(learner.vector, vector)
    trainer.begin_epoch(epoch, learner.first)
    step, _ = trainer.step_on(solver)
    total = 0.0
    for chosen in batches:
        loss = trainer.gradient(chosen)
        if loss is None:
            continue
        if not np.isfinite(loss) or not step():
            return Walk(np.inf, len(chosen), learner.vector.copy(), solver.state)
        total += loss * len(chosen)
    return Walk(total, sum(map(len, batches)), learner.vector.copy(), solver.state)
