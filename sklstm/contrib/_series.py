"""What the adapters for collections of time series share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from sklstm.preprocessing import SequenceScaler


def model_for(estimator: Any, make: Callable[[], Any]) -> Any:
    """A clone of ``estimator`` to fit; None is what ``make`` makes, behind a scaler."""
    if estimator is None:
        return make_pipeline(SequenceScaler(), make())
    return clone(estimator)
