"""Callbacks for `set_callbacks`, beside those of `sklearn.callback`: scikit-learn 1.9 or newer."""

from sklstm.callback._checkpoint import Checkpoint
from sklstm.callback._learning_curve import LearningCurve

__all__ = ["Checkpoint", "LearningCurve"]
