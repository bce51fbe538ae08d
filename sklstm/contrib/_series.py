"""Functions that the adapters for collections of time series share."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.pipeline import Pipeline, make_pipeline

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm.preprocessing import SequenceScaler


def classifier_for(estimator: Any) -> Any:
    """A clone of ``estimator``. None is a pipeline of a scaler and an LSTM with its defaults."""
    if estimator is None:
        return make_pipeline(SequenceScaler(), LSTMClassifier())
    if not (_is_estimator(estimator) and is_classifier(estimator)):
        raise TypeError(_wanted("LSTMClassifier", "regressor", estimator))
    return clone(estimator)


def regressor_for(estimator: Any) -> Any:
    """The same for regressors that predict one number per series."""
    if estimator is None:
        return make_pipeline(SequenceScaler(), LSTMRegressor())
    if not (_is_estimator(estimator) and is_regressor(estimator)):
        raise TypeError(_wanted("LSTMRegressor", "classifier", estimator))
    _, last = _last(estimator)
    is_lstm = isinstance(last, LSTMRegressor) and last.loss == "quantile"
    if is_lstm and np.ndim(last.quantile) > 0:
        raise ValueError(
            f"estimator has quantile={last.quantile!r}, a list, but a prediction is one number per "
            "series: set quantile to a number, and fit one model per quantile."
        )
    return clone(estimator)


def _is_estimator(estimator: Any) -> bool:
    return hasattr(estimator, "__sklearn_tags__") and not isinstance(estimator, type)


def _last(estimator: Any) -> tuple[str, Any]:
    """The name of ``estimator`` for errors, and the estimator that predicts inside it."""
    name = type(estimator).__name__
    inner = estimator
    while isinstance(inner, Pipeline) or hasattr(inner, "estimator") or hasattr(inner, "regressor"):
        if isinstance(inner, Pipeline):
            inner = inner.steps[-1][1]
        else:
            inner = inner.estimator if hasattr(inner, "estimator") else inner.regressor
    return name if inner is estimator else f"{name} of {type(inner).__name__}", inner


def _wanted(kind: str, other: str, estimator: Any) -> str:
    name = estimator.__name__ + " itself, a class" if isinstance(estimator, type) else ""
    return (
        f"estimator must be an {kind}, a pipeline that ends in one, or None, got "
        f"{name or _last(estimator)[0]}. For a {other} use the other adapter of this module."
    )
