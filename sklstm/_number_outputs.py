"""Outputs that are numbers, in units of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

import numpy as np
from scipy.special import expit

from sklstm._numbers import row_of_numbers
from sklstm._outputs import LARGE, Given, Outputs
from sklstm._scores import r2
from sklstm._targets import Examples, Rows, read_regression, read_weights

# What a regressor makes of its raw outputs.
OUT_ACTIVATIONS = {"identity": lambda z: z, "logistic": expit, "tanh": np.tanh}
LARGE_MEAN = 256  # standard deviations of y above which float32 has too few digits to predict it


@dataclass(eq=False)  # frozen would cost a small predict a microsecond
class Numbers(Outputs):
    """Outputs that are numbers in units of their own: ``value = activation(raw) scale + mean``."""

    n_outputs: int
    activation: str
    estimator: str
    loss: str = "squared_error"
    mean: np.ndarray | float = 0.0  # (n_outputs,), or of all
    scale: np.ndarray | float = 1.0

    @staticmethod
    def read(y: Any, sample_weight: Any, rows: Rows, suffix: str = "") -> Given:
        weights = read_weights(sample_weight, rows, name="sample_weight" + suffix)
        dtype = rows.sequences.values.dtype
        values, weights = read_regression(y, weights, rows, dtype, name="y" + suffix)
        return Given(rows, values, weights, "y" + suffix)

    def examples(self, given: Given) -> Examples:
        if given.values.shape[1] != self.n_outputs:
            raise ValueError(
                f"{given.name} has {given.values.shape[1]} outputs per row, but {self.estimator} "
                f"was made for {self.n_outputs}."
            )
        return Examples(given.rows, given.values, given.weights)

    def trainable(self, examples: Examples) -> Examples:
        dtype = examples.rows.sequences.values.dtype
        with np.errstate(over="ignore"):  # where they have no weight; elsewhere the loss tells
            targets = self._in_units(examples.targets).astype(dtype, copy=False)
        return replace(examples, targets=targets)

    def _in_units(self, targets: np.ndarray) -> np.ndarray:
        return (targets - self.mean) / self.scale

    def largest(self, targets: np.ndarray) -> float:
        if np.nanmax(np.abs(targets), initial=0.0) <= LARGE:
            return 0.0
        return float(np.nanmax(np.abs(self.mean + self.scale * targets)))

    def predict(self, raw: np.ndarray) -> np.ndarray:
        values = self._values(raw)
        return values[:, 0] if self.n_outputs == 1 else values

    def _values(self, raw: np.ndarray) -> np.ndarray:
        values = OUT_ACTIVATIONS[self.activation](raw) * self.scale + self.mean
        return values.astype(self._value_dtype(raw.dtype), copy=False)

    def _value_dtype(self, dtype: np.dtype) -> Any:
        """That of the raw outputs, or float64 where the unit of y takes too many digits."""
        units = zip(np.ravel(self.mean).tolist(), np.ravel(self.scale).tolist(), strict=True)
        if dtype == np.float32 and any(abs(mean) > LARGE_MEAN * scale for mean, scale in units):
            return np.float64
        return dtype

    def score(self, raw: np.ndarray, y: Any, sample_weight: Any, rows: Rows) -> float:
        weights = read_weights(sample_weight, rows)
        targets, weights = read_regression(y, weights, rows, np.float64, column_warning=False)
        if targets.shape[1] != self.n_outputs:
            raise ValueError(
                f"y has {targets.shape[1]} outputs per row, but {self.estimator} predicts "
                f"{self.n_outputs}."
            )
        # R² has no unit; in those of training no square overflows
        examples = self.trainable(Examples(rows, targets, weights))
        return self.score_of(raw.astype(np.float64), examples)

    def score_of(self, raw: np.ndarray, examples: Examples) -> float:
        values = OUT_ACTIVATIONS[self.activation](raw)
        return r2(values, examples.targets, examples.weights)

    def writer(self, dtype: np.dtype) -> Callable[[Any], Any]:
        if self.n_outputs > 1 or self.activation != "identity":

            def write(raw: Any) -> Any:
                values = self._values(np.array(raw, dtype=dtype).reshape(1, -1))[0]
                return float(values[0]) if len(values) == 1 else values

            return write
        mean, scale = self._unit()
        if (mean, scale) == (0.0, 1.0):
            return float
        rounded = np.float32 if self._value_dtype(dtype) == np.float32 else float
        return lambda raw: float(rounded(raw * scale + mean))

    def reader(self, dtype: np.dtype) -> Callable[[Any], np.ndarray]:
        if self.n_outputs > 1:
            return lambda y: self._read_one(y, dtype)
        target = np.empty(1, dtype=dtype)
        mean, scale = self._unit()

        def read(y: Any) -> np.ndarray:
            if type(y) is not float or not isfinite(y):
                return self._read_one(y, dtype)
            target[0] = (y - mean) / scale  # an array would take longer than learning from it
            return target

        return read

    def _unit(self) -> tuple[float, float]:
        """Mean and scale of a single output."""
        return float(np.ravel(self.mean)[0]), float(np.ravel(self.scale)[0])

    def _read_one(self, y: Any, dtype: np.dtype) -> np.ndarray:
        given = row_of_numbers(y)
        if given is not None and given.shape == (self.n_outputs,):
            with np.errstate(over="ignore"):
                target = self._in_units(given).astype(dtype)
            if np.isfinite(target).all():
                return target
        numbers = "a finite number" if self.n_outputs == 1 else f"{self.n_outputs} finite numbers"
        raise ValueError(f"y must be {numbers}, the target at this step, got {y!r}.")

    def cure(self, target: np.ndarray) -> str | None:
        largest = float(np.abs(target).max())
        if largest <= LARGE:
            return None
        unit = " in units of y_scale_" if np.any(self.scale != 1) else ""
        return f"The target is {largest:.3g}{unit}: scale it, or pass its units to initialize."
