"""What the outputs of a network mean, in one small object that is made from fitted scalars.

It reads targets, and turns raw outputs into predictions and scores. Whoever trains, judges or
streams a network asks it, and need not know of which kind it is: numbers or labels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from sklstm._targets import Examples, Rows

NO_QUANTILES = np.empty(0)
LARGE = 100.0  # targets and values of X beyond this are named where training did not work


@dataclass(frozen=True)
class Given:
    """y and its weights as they were read, before anyone knows what outputs there are."""

    rows: Rows
    values: np.ndarray  # (rows,) or (rows, k)
    weights: np.ndarray
    name: str  # of y, for messages


class Objective(NamedTuple):
    """What raw outputs are trained for, as the kernels know it."""

    loss: str
    activation: str
    quantiles: np.ndarray  # (Q,) of each target; empty if it has one output


class Outputs:
    """What every kind of outputs can do.

    Attributes
    ----------
    n_raw : int
        Raw outputs of the network.
    objective : Objective
        What it is trained for.
    estimator : str
        Name of the estimator, for messages.
    """

    # -- targets

    @staticmethod
    def read(y: Any, sample_weight: Any, rows: Rows, suffix: str = "") -> Given:
        """Read y and its weights; ``suffix`` makes their names those of the arguments."""
        raise NotImplementedError

    def examples(self, given: Given) -> Examples:
        """Targets as numbers (rows, k), or an error where they do not belong to these outputs."""
        raise NotImplementedError

    def trainable(self, examples: Examples) -> Examples:
        """With targets as the kernels take them."""
        raise NotImplementedError

    def check_complete(self, examples: Examples) -> None:
        """Targets that are all there is, as in fit, must have everything that can be predicted."""

    def strata(self, examples: Examples) -> np.ndarray | None:
        """What a validation split keeps in proportion, for each row; None is nothing."""
        return None

    def class_weighted(self, examples: Examples) -> Examples:
        """With weights multiplied by those of their classes."""
        return examples

    def largest(self, targets: np.ndarray) -> float:
        """The largest absolute target as it was given, if it is too large to train on; else 0."""
        return 0.0

    # -- predictions

    def predict(self, raw: np.ndarray) -> np.ndarray:
        """Predictions (rows,), or (rows, k) where there are several in a row."""
        raise NotImplementedError

    def probabilities(self, raw: np.ndarray) -> np.ndarray:
        """Probabilities (rows, classes); labels only."""
        raise AttributeError(f"{self.estimator} has no predict_proba.")

    def score(self, raw: np.ndarray, y: Any, sample_weight: Any, rows: Rows) -> float:
        """Score of raw outputs, for y as a user gives it."""
        raise NotImplementedError

    def score_of(self, raw: np.ndarray, examples: Examples) -> float:
        """Score of raw outputs, for examples that are `trainable`."""
        raise NotImplementedError

    # -- steps of a stream

    def written(self, raw: np.ndarray) -> np.ndarray:
        """What `Stream.step` returns for each row of raw outputs, in one array."""
        raise NotImplementedError

    def writer(self, dtype: np.dtype) -> Callable[[Any], Any]:
        """A function of the raw output of a step that returns what `Stream.step` does."""
        raise NotImplementedError

    def reader(self, dtype: np.dtype) -> Callable[[Any], np.ndarray]:
        """A function that reads the target of a step, (n_outputs,) or the number of a class."""
        raise NotImplementedError

    def factors(self) -> np.ndarray | None:
        """What the weight of a target is multiplied by, for each class; None is 1."""
        return None

    def cure(self, target: np.ndarray) -> str | None:
        """What to do about a target that was not learned, if it is the reason."""
        return None
