"""sklstm as it is, without a parameter but the seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.pipeline import make_pipeline

from benchmarks.tasks.dataset import Dataset


def fit(data: Dataset, seed: int) -> Callable[[], Any]:
    from sklstm import LSTMClassifier, LSTMRegressor
    from sklstm.preprocessing import SequenceScaler

    kind = LSTMClassifier if data.task == "classification" else LSTMRegressor
    model = kind(return_sequences=data.per_step, random_state=seed, n_jobs=1)
    pipeline = make_pipeline(SequenceScaler(), model).fit(data.X, data.y)
    return lambda: pipeline.predict(data.X_test)
