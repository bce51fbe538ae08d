"""The pipeline of docs/points.md, one set of settings for all tasks, alone and as a vote of three.

The steps around each step as further features, both directions, dropout, and the maximum over time
where there is one target per sequence.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.pipeline import make_pipeline

from benchmarks.tasks.dataset import Dataset

DROPOUT = 0.5
VOTERS = 3


def pipeline(data: Dataset, seed: int) -> Any:
    from sklstm import LSTMClassifier, LSTMRegressor
    from sklstm.preprocessing import SequenceContext, SequenceScaler

    kind = LSTMClassifier if data.task == "classification" else LSTMRegressor
    model = kind(
        bidirectional=True,
        pooling="last" if data.per_step else "max",
        return_sequences=data.per_step,
        dropout=DROPOUT,
        random_state=seed,
        n_jobs=1,
    )
    return make_pipeline(SequenceContext(), SequenceScaler(), model)


def fit(data: Dataset, seed: int) -> Callable[[], Any]:
    model = pipeline(data, seed).fit(data.X, data.y)
    return lambda: model.predict(data.X_test)


def fit_vote(data: Dataset, seed: int) -> Callable[[], Any]:
    """Three seeds: their mean probabilities, or the mean of their numbers; for whole sequences."""
    voters = [(f"{k}", pipeline(data, VOTERS * seed + k)) for k in range(VOTERS)]
    if data.task == "classification":
        model = VotingClassifier(voters, voting="soft")
    else:
        model = VotingRegressor(voters)
    model.fit(data.X, data.y)
    return lambda: model.predict(data.X_test)
