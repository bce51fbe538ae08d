"""What a task is: sequences to learn from and to test on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

__all__ = ["Dataset", "make", "standardised"]

Arrays = list[np.ndarray]


@dataclass(frozen=True)
class Dataset:
    """Sequences of shape (T, F) in float32 and their targets.

    Targets are labels (str) or numbers: an array of shape (n,), or with ``per_step`` a list of
    arrays of shape (T,) for labels and (T, outputs) for numbers.
    """

    about: str  # what is predicted, from what
    task: str  # "classification" or "regression"
    source: str
    split: str  # where the test part comes from
    X: Arrays
    y: Any
    X_test: Arrays
    y_test: Any
    per_step: bool = False
    gap: int | None = None  # of windows in order of time: how many between two that share no step
    groups: np.ndarray | None = None  # person or device of each training sequence

    @property
    def kind(self) -> str:
        return self.task + (" per step" if self.per_step else "")

    @property
    def shape(self) -> str:
        """Numbers of sequences, steps, features and outputs, for a table."""
        lengths = {len(x) for X in (self.X, self.X_test) for x in X}
        steps = f"{min(lengths)}" + (f"–{max(lengths)}" if len(lengths) > 1 else "")
        if self.task == "classification":
            labels = np.concatenate(self.y) if self.per_step else self.y
            outputs = f"{len(np.unique(labels))} classes"
        else:
            n_outputs = self.y[0].shape[1] if self.per_step else 1
            outputs = f"{n_outputs} number" + ("s" if n_outputs > 1 else "")
        if self.per_step:
            outputs += " per step"
        n_features = self.X[0].shape[1]
        features = f"{n_features} feature" + ("s" if n_features > 1 else "")
        n = f"{len(self.X)} + {len(self.X_test)}"
        return f"{n} sequences, {steps} steps, {features}, {outputs}"


def make(
    about: str,
    task: str,
    source: str,
    split: str,
    train: tuple[Iterable, Sequence],
    test: tuple[Iterable, Sequence],
    **more: Any,
) -> Dataset:
    """A data set whose arrays have the types and shapes that `Dataset` says."""
    (X, y), (X_test, y_test) = train, test
    convert = str if task == "classification" else float
    if more.get("per_step"):
        y, y_test = ([np.asarray(t).astype(convert) for t in part] for part in (y, y_test))
    else:
        y, y_test = (np.asarray(part).astype(convert) for part in (y, y_test))
    X, X_test = _sequences(X), _sequences(X_test)
    return Dataset(about, task, source, split, X, y, X_test, y_test, **more)


def standardised(data: Dataset) -> Dataset:
    """The same with mean 0 and variance 1 in the part to learn from: features, and numbers.

    R² does not depend on the scale of the numbers to predict.
    """
    X, X_test = _scaled(data.X, data.X_test)
    data = replace(data, X=X, X_test=X_test)
    if data.task == "classification":
        return data
    if data.per_step:
        y, y_test = _scaled(data.y, data.y_test)
    else:
        mean, scale = data.y.mean(), data.y.std() or 1.0
        y, y_test = ((part - mean) / scale for part in (data.y, data.y_test))
    return replace(data, y=y, y_test=y_test)


def _sequences(X: Iterable) -> Arrays:
    return [np.ascontiguousarray(np.asarray(x, np.float32).reshape(len(x), -1)) for x in X]


def _scaled(train: Arrays, test: Arrays) -> tuple[Arrays, Arrays]:
    """By the mean and the standard deviation over all steps of the first."""
    steps = np.concatenate(train).astype(float)
    mean, scale = steps.mean(axis=0), steps.std(axis=0)
    scale[scale == 0] = 1.0
    scaled = ([((x - mean) / scale).astype(x.dtype) for x in part] for part in (train, test))
    return tuple(scaled)
