"""The parts of a model, and checks before an export."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from sklstm._base import BaseLSTM
from sklstm._pipeline_stream import parts_of
from sklstm._snapshots import settled
from sklstm.compose import RelativeRegressor


def fitted_lstm(estimator: Any, wanted_by: str) -> BaseLSTM:
    """A snapshot of a fitted LSTM estimator, or an error that says what to pass."""
    if not isinstance(estimator, BaseLSTM):
        parts = list(parts_of(estimator))
        hint = ""
        if parts and isinstance(parts[-1][1], BaseLSTM):
            hint = " For a pipeline, pass its last step, model[-1]."
        elif _is_search(estimator):
            hint = " For a search, pass search.best_estimator_."
        raise TypeError(
            f"{wanted_by} takes a fitted LSTMClassifier or LSTMRegressor, got "
            f"{type(estimator).__name__}.{hint}"
        )
    estimator._check_fitted()
    return settled(estimator)


def in_units_of_y(estimator: BaseLSTM) -> tuple[np.ndarray, np.ndarray]:
    """Weights (K, cells) and biases (K,) of the output layer, in float64 and the units of y.

    Several quantiles are not changed, because they get their units after another function.
    """
    weights = estimator.output_weights_.astype(np.float64)
    bias = estimator.output_bias_.astype(np.float64)
    if not hasattr(estimator, "y_scale_") or has_quantiles(estimator):
        return weights, bias
    if estimator._goal[0] == "poisson":  # a factor of exp(z) is a term of z
        return weights, bias + np.log(estimator.y_scale_)
    scale = estimator.y_scale_
    return weights * scale[:, np.newaxis], bias * scale + estimator.y_mean_


def has_quantiles(estimator: BaseLSTM) -> bool:
    """True if each output has several quantiles."""
    return isinstance(getattr(estimator, "_goal", ("", None))[1], tuple)


@dataclass
class Chain:
    """The parts of a model: transformers in order, and the network at the end.

    Attributes
    ----------
    transformers : list of (str, object)
        Names of steps and transformers. A ``RelativeRegressor`` comes before the parts inside it.
    estimator : BaseLSTM
    """

    transformers: list[tuple[str, Any]]
    estimator: BaseLSTM

    @property
    def _first(self) -> Any:
        return self.transformers[0][1] if self.transformers else self.estimator

    @property
    def is_table(self) -> bool:
        """True if X is a table with one sequence per row."""
        return self._first._sequence_input == "table"

    @property
    def n_features(self) -> int:
        """Number of features of a step of X."""
        first = self._first
        if isinstance(first, RelativeRegressor):
            return first._features_per_step if self.is_table else first.n_features_in_
        return first._n_step_features

    @property
    def is_relative(self) -> bool:
        """True if values of X are added to predictions."""
        return any(isinstance(part, RelativeRegressor) for _, part in self.transformers)

    @property
    def input_shape(self) -> list:
        """The shape of X, with names for sizes that may vary."""
        if self.is_table:
            return ["batch", self._first.n_features_in_]
        return ["batch", "time", self.n_features]


def chain_of(model: Any, wanted_by: str) -> Chain:
    """The parts of a fitted model, or an error that says what to pass."""
    *transformers, (name, last) = list(parts_of(model)) or [("", model)]
    while isinstance(last, RelativeRegressor):
        require_fitted(last, _place(name))
        transformers.append((name, last))
        *inner, (name, last) = list(parts_of(last.regressor_)) or [("", None)]
        transformers += inner
    if not isinstance(last, BaseLSTM):
        step = "" if last is model else f", whose last step is {type(last).__name__}"
        hint = " For a search, pass search.best_estimator_." if _is_search(last) else ""
        raise TypeError(
            f"{wanted_by} takes a fitted LSTMClassifier or LSTMRegressor, or a Pipeline that ends "
            f"with one, got {type(model).__name__}{step}.{hint}"
        )
    for step, part in [*transformers, (name, last)]:
        require_fitted(part, _place(step))
    return Chain([(step, settled(part)) for step, part in transformers], settled(last))


def _place(step: str) -> str:
    return f"step {step!r} of the pipeline" if step else "the model"


def require_fitted(part: Any, what: str) -> None:
    """Raise an error that names the part if it is not fitted."""
    try:
        check_is_fitted(part)
    except NotFittedError:
        raise NotFittedError(f"{what}, {type(part).__name__}, is not fitted: call fit.") from None


def _is_search(model: Any) -> bool:
    return hasattr(model, "best_estimator_")
