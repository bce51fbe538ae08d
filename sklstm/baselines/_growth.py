"""Recurrent cascade-correlation: the net, its two training phases, and when each ends.

Each column of ``values`` is a source: the constant 1, the inputs, then unit after unit. A unit
reads all columns before its own, and its own previous value:

    V(t) = tanh(sum_i w_i I_i(t) + w_s V(t-1))

Candidates maximise, over all targets p and outputs o, the size of the covariance with the error

    S = sum_o | sum_p a_po V_p (E_po - mean_o) | / sum_po a_po E_po^2
    E = (y - d) (g'(z) + offset)

where a_po is the weight of a target, 0 if it is missing. Output weights follow the slope of half
the squared error, with the same E.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sklstm._number_losses import OUT_ACTIVATIONS
from sklstm.baselines._cascade import run_back, run_units
from sklstm.baselines._quickprop import Quickprop

# g'(z) from y = g(z).
SLOPES = {
    "identity": lambda y: np.ones_like(y),
    "logistic": lambda y: y * (1 - y),
    "tanh": lambda y: 1 - y * y,
}


@dataclass(frozen=True)
class Settings:
    """Training settings, with the names of the estimator's parameters."""

    max_hidden: int
    n_candidates: int
    out_activation: str
    output_rate: float
    candidate_rate: float
    growth: float
    output_decay: float
    candidate_decay: float
    output_patience: int
    candidate_patience: int
    output_threshold: float
    candidate_threshold: float
    max_phase_iter: int
    slope_offset: float
    tolerance: float
    init_range: float


def cascade_weights(n_features: int, n_outputs: int, n_hidden: int) -> int:
    """Return the number of weights of the units, each of which reads earlier ones, and outputs."""
    n_sources = 1 + n_features
    of_units = n_hidden * (n_sources + 1) + n_hidden * (n_hidden - 1) // 2
    return of_units + (n_sources + n_hidden) * n_outputs


class Cascade:
    """Weights of units and outputs.

    ``units[h]`` has the weights of unit h from the constant, the inputs, the earlier units, and
    itself. ``outputs`` (n_sources, n_outputs) has those of the outputs.
    """

    def __init__(self, vector: np.ndarray, n_features: int, n_outputs: int, n_hidden: int):
        n_weights = cascade_weights(n_features, n_outputs, n_hidden)
        if vector.shape != (n_weights,):
            raise ValueError(
                f"parameters_ is an array of shape {vector.shape}, but this net of {n_features} "
                f"features, {n_hidden} hidden units and {n_outputs} outputs has {n_weights}."
            )
        sizes = [1 + n_features + h + 1 for h in range(n_hidden)]
        *self.units, outputs = np.split(vector, np.cumsum(sizes))
        self.outputs = outputs.reshape(1 + n_features + n_hidden, n_outputs)

    @property
    def vector(self) -> np.ndarray:
        return np.concatenate([*self.units, self.outputs.ravel()])

    def copy(self) -> Cascade:
        n_sources, n_outputs = self.outputs.shape
        n_hidden = len(self.units)
        return Cascade(self.vector, n_sources - 1 - n_hidden, n_outputs, n_hidden)

    def values(self, x: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        """Return all sources at every step: the constant, the inputs (N, F), and the units."""
        values = np.empty((len(x), len(self.outputs)))
        n = values.shape[1] - len(self.units)
        values[:, 0], values[:, 1:n] = 1, x
        for h, weights in enumerate(self.units):
            values[:, n + h] = unit_values(values[:, : n + h], weights[:, None], offsets)[:, 0]
        return values


def unit_values(sources: np.ndarray, weights: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return values (N, units) of units; the last row of ``weights`` is from each to itself."""
    values = np.ascontiguousarray(sources @ weights[:-1])
    run_units(values, np.ascontiguousarray(weights[-1]), offsets)
    return values


def correlation(
    sources: np.ndarray,
    weights: np.ndarray,
    offsets: np.ndarray,
    rows: np.ndarray,
    error: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the covariance (units, outputs) with the error, and the slope of its absolute sum.

    ``rows`` are the steps with targets. ``error`` is a_po (E_po - mean_o) at these steps, divided
    by the sum of squares.
    """
    values = unit_values(sources, weights, offsets)
    covariance = values[rows].T @ error
    d_values = np.zeros_like(values)
    d_values[rows] = error @ np.sign(covariance).T
    d_self = np.empty(weights.shape[1])
    run_back(d_values, values, np.ascontiguousarray(weights[-1]), offsets, d_self)
    return covariance, np.vstack([sources.T @ d_values, d_self])


class Growth:
    """A net that grows. Every item of `epochs` is a pass over all training sequences."""

    def __init__(
        self,
        net: Cascade,
        settings: Settings,
        rng: np.random.RandomState,
        x: np.ndarray,
        offsets: np.ndarray,
        rows: np.ndarray,
        targets: np.ndarray,  # (len(rows), n_outputs), NaN if missing
        weights: np.ndarray,  # (len(rows),)
    ):
        self.net, self.settings, self.rng = net, settings, rng
        self.offsets, self.rows = offsets, rows
        self.weights = np.where(np.isnan(targets), 0.0, weights[:, None])
        self.targets = np.nan_to_num(targets)
        self.values = net.values(x, offsets)
        self.n_cases = max(weights.sum(), np.finfo(float).tiny)
        self.loss = np.inf  # half the squared error
        self.solved = False  # are all outputs within the tolerance?
        self.scores: list[float] = []  # correlation of each unit when it was added

    def epochs(self) -> Iterator[str]:
        """Train outputs, then candidates, add the best one, and repeat; yield the phase's name.

        Ends when all outputs are within the tolerance, or the largest net stops improving.
        """
        while True:
            for _ in self._train_outputs():
                yield "outputs"
            if self.solved or len(self.net.units) >= self.settings.max_hidden:
                return
            yield from self._train_candidates()

    def _measure(self) -> np.ndarray:
        """Return the errors E of the outputs, and update the loss."""
        settings = self.settings
        y = OUT_ACTIVATIONS[settings.out_activation](self.values[self.rows] @ self.net.outputs)
        difference = y - self.targets
        self.loss = 0.5 * float((self.weights * difference**2).sum())
        self.solved = bool((np.abs(difference)[self.weights > 0] < settings.tolerance).all())
        offset = 0.0 if settings.out_activation == "identity" else settings.slope_offset
        return difference * (SLOPES[settings.out_activation](y) + offset)

    def _train_outputs(self) -> Iterator[None]:
        settings = self.settings
        rate = settings.output_rate / self.n_cases
        quickprop = Quickprop(self.net.outputs.shape, rate, settings.growth, settings.output_decay)
        sources = self.values[self.rows]
        patience = Patience(settings.output_patience, settings.output_threshold)
        for _ in range(settings.max_phase_iter):
            error = self._measure()
            if self.solved:
                return
            quickprop.step(self.net.outputs, sources.T @ (self.weights * error))
            yield
            if patience.is_over(self.loss):
                return

    def _train_candidates(self) -> Iterator[str]:
        settings, n_sources = self.settings, len(self.net.outputs)
        error = self._measure()
        total = self.weights.sum(axis=0)
        mean = (self.weights * error).sum(axis=0) / np.where(total > 0, total, 1.0)
        squares = float((self.weights * error**2).sum())
        error = self.weights * (error - mean) / (squares if squares > 0 else 1.0)
        shape = n_sources + 1, settings.n_candidates
        weights = self.rng.uniform(-settings.init_range, settings.init_range, shape)
        rate = settings.candidate_rate / (self.n_cases * n_sources)
        quickprop = Quickprop(shape, rate, settings.growth, settings.candidate_decay)
        patience = Patience(settings.candidate_patience, settings.candidate_threshold)
        data = self.offsets, self.rows, error
        for _ in range(settings.max_phase_iter):
            covariance, slope = correlation(self.values, weights, *data)
            scores = np.abs(covariance).sum(axis=1)
            if patience.is_over(scores.max()):
                break
            quickprop.step(weights, -slope)  # uphill
            yield "candidates"
        covariance, _ = correlation(self.values, weights, *data)
        self._install(weights, covariance)

    def _install(self, weights: np.ndarray, covariance: np.ndarray) -> None:
        """Add the best candidate. Its weights are fixed from now on."""
        scores = np.abs(covariance).sum(axis=1)
        best = int(np.argmax(scores))
        values = unit_values(self.values, weights[:, best : best + 1], self.offsets)
        self.scores.append(float(scores[best]))
        self.values = np.hstack([self.values, values])
        self.net.units.append(weights[:, best].copy())
        # The unit correlates with the error, so its initial weight has the opposite sign.
        self.net.outputs = np.vstack([self.net.outputs, -covariance[best]])


class Patience:
    """Ends a phase after ``epochs`` epochs without a relative change above ``threshold``."""

    def __init__(self, epochs: int, threshold: float):
        self.epochs, self.threshold, self.value, self.waited = epochs, threshold, None, 0

    def is_over(self, value: float) -> bool:
        if self.value is None or abs(value - self.value) > self.threshold * abs(self.value):
            self.value, self.waited = value, 0
        else:
            self.waited += 1
        return self.waited >= self.epochs
