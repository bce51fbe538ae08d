"""What is asked of a model before anything of it leaves: that it is one of ours, and fitted."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklstm._base import BaseLSTM
from sklstm._pipeline_stream import parts_of


def fitted_lstm(estimator: Any, wanted_by: str) -> BaseLSTM:
    """``estimator`` if it is a fitted LSTM estimator, else an error that says what to pass."""
    if not isinstance(estimator, BaseLSTM):
        parts = list(parts_of(estimator))
        hint = ""
        if parts and isinstance(parts[-1][1], BaseLSTM):
            hint = " Of a pipeline, pass its last step, model[-1]."
        elif hasattr(estimator, "best_estimator_"):
            hint = " Of a search, pass search.best_estimator_."
        raise TypeError(
            f"{wanted_by} takes a fitted LSTMClassifier or LSTMRegressor, got "
            f"{type(estimator).__name__}.{hint}"
        )
    estimator._check_fitted()
    return estimator


def in_units_of_y(estimator: BaseLSTM) -> tuple[np.ndarray, np.ndarray]:
    """Weights (K, cells) and biases (K,) of the output layer, in float64 and the units of y.

    Outputs that get their units only after another function (several quantiles) stay as they are.
    """
    weights = estimator.output_weights_.astype(np.float64)
    bias = estimator.output_bias_.astype(np.float64)
    if not hasattr(estimator, "y_scale_") or has_quantiles(estimator):
        return weights, bias
    if estimator._goal[0] == "poisson":  # of exp: a factor is a term
        return weights, bias + np.log(estimator.y_scale_)
    scale = estimator.y_scale_
    return weights * scale[:, np.newaxis], bias * scale + estimator.y_mean_


def has_quantiles(estimator: BaseLSTM) -> bool:
    """Whether each output has several quantiles."""
    return isinstance(getattr(estimator, "_goal", ("", None))[1], tuple)
