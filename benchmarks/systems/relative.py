"""Default settings on series relative to their last value: for windows of one series in time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.pipeline import make_pipeline

from benchmarks.tasks.dataset import Dataset

FORECAST = 0  # the feature that is forecast


def applies(data: Dataset) -> bool:
    return data.gap is not None and data.task == "regression" and not data.per_step


def fit(data: Dataset, seed: int) -> Callable[[], Any]:
    from sklstm import LSTMRegressor
    from sklstm.compose import RelativeRegressor
    from sklstm.preprocessing import SequenceScaler

    regressor = make_pipeline(SequenceScaler(), LSTMRegressor(random_state=seed, n_jobs=1))
    model = RelativeRegressor(regressor, columns=FORECAST).fit(data.X, data.y)
    return lambda: model.predict(data.X_test)
