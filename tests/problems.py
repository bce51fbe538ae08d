"""Small problems for the tests of the estimators."""

import joblib
import numpy as np

LENGTHS = (3, 6, 1, 4, 7, 2)


def sequences(n=24, n_features=2, seed=0, dtype=np.float64):
    """Ragged sequences of normal numbers."""
    rng = np.random.default_rng(seed)
    return [
        rng.normal(size=(LENGTHS[k % len(LENGTHS)], n_features)).astype(dtype) for k in range(n)
    ]


def cube(n=24, n_steps=4, n_features=2, seed=0, dtype=np.float64):
    """Sequences of one length, in one array."""
    return np.random.default_rng(seed).normal(size=(n, n_steps, n_features)).astype(dtype)


def labels(n=24, n_classes=2, names=None):
    """Labels in turn, so that each class has its share in every part."""
    codes = np.arange(n) % n_classes
    return codes if names is None else np.array(names)[codes]


def numbers(X, n_outputs=None):
    """Targets of sequences: sums over their steps."""
    sums = np.array([x.sum(axis=0) for x in X])
    return sums[:, 0] if n_outputs is None else sums[:, :n_outputs]


def step_labels(X, n_classes=2):
    """A label for every step."""
    return [np.digitize(x[:, 0], np.linspace(-1, 1, n_classes + 1)[1:-1]) for x in X]


def step_numbers(X):
    """A number for every step."""
    return [x.sum(axis=1) for x in X]


def attributes(estimator):
    """What an estimator holds, as a hash by value."""
    return joblib.hash(vars(estimator))
