"""Meaning of the outputs of a network, as an object made from fitted attributes.

It reads targets and converts raw outputs to predictions and scores. Training, validation and
streams use this interface for numbers and labels alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from sklstm._targets import Examples, Rows

NO_QUANTILES = np.empty(0)
LARGE = 100.0  # warnings of failed training mention targets and values of X beyond this


@dataclass(frozen=True)
class Given:
    """y and its weights after reading, before the outputs are known."""

    rows: Rows
    values: np.ndarray  # (rows,) or (rows, k)
    weights: np.ndarray
    name: str  # name of y in error messages


class Objective(NamedTuple):
    """Loss and output function, in the kernels' names."""

    loss: str
    activation: str
    quantiles: np.ndarray  # (Q,) for each target; empty if a target has one output


class Outputs:
    """Interface of all kinds of outputs.

    Attributes
    ----------
    n_raw : int
        Number of raw outputs of the network.
    objective : Objective
        Loss and output function.
    estimator : str
        Name of the estimator in error messages.
    """

    # -- targets

    @staticmethod
    def read(y: Any, sample_weight: Any, rows: Rows, suffix: str = "") -> Given:
        """Read y and its weights; ``suffix`` is appended to their names in error messages."""
        raise NotImplementedError

    def examples(self, given: Given) -> Examples:
        """Targets as numbers (rows, k), or an error if they do not match these outputs."""
        raise NotImplementedError

    def trainable(self, examples: Examples) -> Examples:
        """Examples with targets in the kernels' form."""
        raise NotImplementedError

    def check_complete(self, examples: Examples) -> None:
        """Raise an error if the targets of a fit lack some classes."""

    def strata(self, examples: Examples) -> np.ndarray | None:
        """Labels (rows,) for a stratified validation split, or None."""
        return None

    def class_weighted(self, examples: Examples) -> Examples:
        """Examples with weights multiplied by their class weights."""
        return examples

    def largest(self, targets: np.ndarray) -> float:
        """Largest absolute target in the units of y if it is too large to train on, else 0."""
        return 0.0

    # -- predictions

    def predict(self, raw: np.ndarray) -> np.ndarray:
        """Predictions (rows,), or (rows, k) for several outputs."""
        raise NotImplementedError

    def probabilities(self, raw: np.ndarray) -> np.ndarray:
        """Probabilities (rows, classes); labels only."""
        raise AttributeError(f"{self.estimator} has no predict_proba. Use predict.")

    def score(self, raw: np.ndarray, y: Any, sample_weight: Any, rows: Rows) -> float:
        """Score of raw outputs, for the user's y."""
        raise NotImplementedError

    def score_of(self, raw: np.ndarray, examples: Examples) -> float:
        """Score of raw outputs, for the result of ``trainable``."""
        raise NotImplementedError

    # -- steps of a stream

    def written(self, raw: np.ndarray) -> np.ndarray:
        """Return values of ``Stream.step`` for all rows of raw outputs, in one array."""
        raise NotImplementedError

    def writer(self, dtype: np.dtype) -> Callable[[Any], Any]:
        """A function from the raw output of a step to the return value of ``Stream.step``."""
        raise NotImplementedError

    def reader(self, dtype: np.dtype) -> Callable[[Any], np.ndarray]:
        """A function that reads the target of a step: (n_outputs,), or a class number."""
        raise NotImplementedError

    def factors(self) -> np.ndarray | None:
        """Class weights of a stream's targets, (n_classes,). None means 1."""
        return None

    def cure(self, target: np.ndarray) -> str | None:
        """Advice if the target is the reason that a step was not learned, else None."""
        return None
