"""The estimators."""

from sklstm._classifier import LSTMClassifier
from sklstm._regressor import LSTMRegressor

__all__ = ["LSTMClassifier", "LSTMRegressor"]
