"""What the tests of permutation importance share: models, and what is scored."""

import numpy as np
from sklearn.base import BaseEstimator

from sklstm import LSTMRegressor
from sklstm.inspection import permutation_importance

SMALL = {"hidden_layer_sizes": 3, "random_state": 0}


def model(n_features=2, **settings):
    """A regressor with parameters large enough for everything to matter."""
    estimator = LSTMRegressor(**SMALL | settings).initialize(n_features)
    rng = np.random.default_rng(0)
    estimator.parameters_[:] = rng.normal(scale=0.7, size=estimator.parameters_.size)
    return estimator


class Recorder(BaseEstimator):
    """Keeps what it is asked to score."""

    def fit(self, X, y=None):
        return self

    def score(self, X, y=None):
        self.seen_ = [*getattr(self, "seen_", []), X]
        return 0.0


def seen(X, **settings):
    """X as it is scored after each exchange."""
    recorder = Recorder()
    permutation_importance(recorder, X, None, **{"n_repeats": 1, "random_state": 0} | settings)
    return recorder.seen_[1:]


def numbered(lengths, n_features=2):
    """Sequences whose values say where they are from: sequence, step and feature."""
    return [
        np.array([[100.0 * k + 10 * t + f for f in range(n_features)] for t in range(length)])
        for k, length in enumerate(lengths)
    ]


def importances(*args, **settings):
    settings = {"n_repeats": 3, "random_state": 0} | settings
    return permutation_importance(*args, **settings).importances
