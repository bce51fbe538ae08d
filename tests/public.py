"""The public estimators and transformers."""

import sklstm
from sklstm import LSTMRegressor, baselines, compose, preprocessing

ESTIMATORS = [
    getattr(module, name)
    for module in (sklstm, preprocessing, compose, baselines)
    for name in module.__all__
    if hasattr(getattr(module, name), "get_params")
]


def made(cls):
    """One of this class, with default settings."""
    return cls(LSTMRegressor()) if cls is compose.RelativeRegressor else cls()
