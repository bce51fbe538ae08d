"""Outputs that are numbers, in the units of training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

import numpy as np

from sklstm._number_losses import LINKS, LOSSES, NumberLoss, in_order
from sklstm._numbers import row_of_numbers
from sklstm._outputs import LARGE, NO_QUANTILES, Given, Objective, Outputs
from sklstm._targets import Examples, Rows, first_row, read_regression, read_weights

# If the mean of y exceeds this number of standard deviations, float32 has too few digits for it.
LARGE_MEAN = 256


@dataclass(eq=False)  # frozen=True would add a microsecond to a small predict
class Numbers(Outputs):
    """Outputs that are numbers: ``value = link(raw) scale + mean``.

    If ``quantile`` is a tuple of Q levels, each output has Q values and Q raw outputs.
    """

    n_outputs: int
    activation: str
    estimator: str
    loss: str = "squared_error"
    quantile: float | tuple[float, ...] | None = None
    mean: np.ndarray | float = 0.0  # (n_outputs,), or one number for all outputs
    scale: np.ndarray | float = 1.0

    @property
    def n_raw(self) -> int:
        return self.n_outputs * (len(self.quantile) if isinstance(self.quantile, tuple) else 1)

    @property
    def quantiles(self) -> np.ndarray:
        return NO_QUANTILES if self.quantile is None else np.atleast_1d(self.quantile)

    @property
    def objective(self) -> Objective:
        return Objective(self.loss, self.activation, self.quantiles)

    @property
    def _law(self) -> NumberLoss:
        return LOSSES[self.loss]

    @staticmethod
    def read(y: Any, sample_weight: Any, rows: Rows, suffix: str = "") -> Given:
        weights = read_weights(sample_weight, rows, name="sample_weight" + suffix)
        dtype = rows.sequences.dtype
        values, weights = read_regression(y, weights, rows, dtype, name="y" + suffix)
        return Given(rows, values, weights, "y" + suffix)

    def examples(self, given: Given) -> Examples:
        if given.values.shape[1] != self.n_outputs:
            raise ValueError(
                f"{given.name} has {given.values.shape[1]} outputs per row, but {self.estimator} "
                f"was fitted with {self.n_outputs}. Pass as many outputs, or call fit with "
                "warm_start=False."
            )
        self._require_lowest(given.values, given.weights, given.rows, given.name)
        return Examples(given.rows, given.values, given.weights)

    def _require_lowest(
        self, values: np.ndarray, weights: np.ndarray, rows: Rows, name: str
    ) -> None:
        bad = (values < self._law.lowest) & (weights > 0)[:, None]
        if bad.any():
            row = first_row(bad)
            raise ValueError(
                f"{name} is {values[row][bad[row]][0]:g} at {rows.place(row)}, but "
                f"loss={self.loss!r} needs values of {self._law.lowest:g} or more. Correct the "
                "value, or choose another loss."
            )

    def trainable(self, examples: Examples) -> Examples:
        dtype = examples.rows.sequences.dtype
        with np.errstate(over="ignore"):  # an infinite target with a weight makes the loss infinite
            targets = self._in_units(examples.targets).astype(dtype, copy=False)
        return replace(examples, targets=targets)

    def _in_units(self, targets: np.ndarray) -> np.ndarray:
        return (targets - self.mean) / self.scale

    def largest(self, targets: np.ndarray) -> float:
        if np.nanmax(np.abs(targets), initial=0.0) <= LARGE:
            return 0.0
        return float(np.nanmax(np.abs(self.mean + self.scale * targets)))

    def predict(self, raw: np.ndarray) -> np.ndarray:
        values = self._link(raw)
        if values.ndim == 3:  # quantiles are on the last axis
            values = values * np.reshape(self.scale, (-1, 1)) + np.reshape(self.mean, (-1, 1))
        else:
            values = values * self.scale + self.mean
        values = values.astype(self._value_dtype(raw.dtype), copy=False)
        return values[:, 0] if self.n_outputs == 1 else values

    def _link(self, raw: np.ndarray) -> np.ndarray:
        """Values (rows, K) or (rows, K, Q) in the units of training."""
        link = LINKS[self._law.link or self.activation]
        if not isinstance(self.quantile, tuple):
            return link(raw)
        values = link(in_order(raw.reshape(len(raw), self.n_outputs, len(self.quantile))))
        return np.maximum.accumulate(values, axis=-1)  # rounding may change the order

    def _value_dtype(self, dtype: np.dtype) -> Any:
        """The dtype of predictions: float64 if float32 has too few digits for the mean of y."""
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
        self._require_lowest(targets, weights, rows, "y")
        # a score does not depend on units, and in the units of training no square overflows
        examples = self.trainable(Examples(rows, targets, weights))
        return self.score_of(raw.astype(np.float64), examples)

    def score_of(self, raw: np.ndarray, examples: Examples) -> float:
        values = self._link(raw)
        return self._law.score(values, examples.targets, examples.weights, self.quantiles)

    def written(self, raw: np.ndarray) -> np.ndarray:
        return self.predict(raw)

    def writer(self, dtype: np.dtype) -> Callable[[Any], Any]:
        is_plain = self.n_raw == 1 and not isinstance(self.quantile, tuple)
        if not is_plain or (self._law.link or self.activation) != "identity":

            def write(raw: Any) -> Any:
                value = self.predict(np.array(raw, dtype=dtype).reshape(1, -1))[0]
                return float(value) if value.ndim == 0 else value

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
        lowest = self._law.lowest

        def read(y: Any) -> np.ndarray:
            if type(y) is not float or not isfinite(y) or y < lowest:
                return self._read_one(y, dtype)
            target[0] = (y - mean) / scale  # array operations would take longer than the update
            return target

        return read

    def _unit(self) -> tuple[float, float]:
        """Mean and scale of a single output."""
        return float(np.ravel(self.mean)[0]), float(np.ravel(self.scale)[0])

    def _read_one(self, y: Any, dtype: np.dtype) -> np.ndarray:
        given = row_of_numbers(y)
        lowest = self._law.lowest
        if given is not None and given.shape == (self.n_outputs,) and not (given < lowest).any():
            with np.errstate(over="ignore"):
                target = self._in_units(given).astype(dtype)
            if np.isfinite(target).all():
                return target
        numbers = "a finite number" if self.n_outputs == 1 else f"{self.n_outputs} finite numbers"
        if isfinite(lowest):
            numbers += f" of {lowest:g} or more (loss={self.loss!r})"
        raise ValueError(f"y must be {numbers}, the target at this step, got {y!r}.")

    def cure(self, target: np.ndarray) -> str | None:
        largest = float(np.abs(target).max())
        if largest <= LARGE:
            return None
        unit = " in units of y_scale_" if np.any(self.scale != 1) else ""
        return (
            f"The target is {largest:.3g}{unit}: scale it, or pass y_mean and y_scale to "
            "initialize."
        )
