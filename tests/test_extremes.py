"""Whatever rates, weights, rows and targets a stream is given, its parameters stay finite.

An update that would not leave them so is none, and a warning says it.
"""

import copy
import warnings
from functools import cache

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from sklstm import LSTMClassifier, LSTMRegressor

SETTINGS = 40  # of each kind and precision


@cache
def fitted(kind, dtype):
    X = np.random.default_rng(0).normal(size=(8, 3, 2)).astype(dtype)
    settings = {"hidden_layer_sizes": 3, "max_iter": 1, "tol": None, "random_state": 0}
    if kind == "labels":
        return LSTMClassifier(**settings).fit(X, [0, 1] * 4)
    return LSTMRegressor(**settings, loss=kind).fit(X, np.arange(8.0))


def drawn(rng):
    return {
        "solver": ["adam", "sgd"][rng.integers(2)],
        "learning_rate_init": 10.0 ** rng.choice([-3.0, 0.0, 30.0, 300.0]),
        "clip_norm": [None, 1.0, 1e300][rng.integers(3)],
        "alpha": rng.choice([0.0, 0.0, 1e-3, 1e200]),
        "momentum": rng.uniform(),
        "epsilon": 10.0 ** rng.uniform(-300, 0),
    }


def learned(stream, rng, dtype, kind):
    """One step, and an update by `learn` or two by `learn_steps`."""
    x = (rng.normal(size=2) * 10.0 ** rng.choice([-30.0, 0.0, 3.0, 30.0])).astype(dtype)
    y = abs(rng.normal()) * 10.0 ** rng.choice([-30.0, 0.0, 3.0, 30.0])
    y = int(rng.integers(2)) if kind == "labels" else y
    weight = 10.0 ** rng.choice([-320.0, -10.0, 0.0, 0.0, 3.0, 100.0])
    if rng.integers(2):
        stream.step(x)
        stream.learn(y, weight)
    else:
        stream.learn_steps([x, x], [y, y], [weight, 1.0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["labels", "squared_error", "poisson"])
def test_parameters_stay_finite(kind, dtype):
    rng = np.random.default_rng(0)
    n_warned = n_moved = 0
    for _ in range(SETTINGS):
        settings = drawn(rng)
        model = copy.deepcopy(fitted(kind, dtype)).set_params(**settings)
        stream = model.stream()
        for _ in range(5):
            before = model.parameters_.copy()
            with warnings.catch_warnings(record=True) as seen:
                warnings.simplefilter("always")
                warnings.filterwarnings(
                    "ignore", "overflow encountered in exp"
                )  # outputs of poisson
                learned(stream, rng, dtype, kind)
            assert np.isfinite(model.parameters_).all(), settings
            assert {w.category for w in seen} <= {ConvergenceWarning}, str(seen[0].message)
            n_warned += len(seen)
            n_moved += bool((model.parameters_ != before).any())
    assert n_warned > SETTINGS and n_moved > SETTINGS / 2
