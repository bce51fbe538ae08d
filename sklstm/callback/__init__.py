"""Callbacks for ``set_callbacks``, in addition to those of :mod:`sklearn.callback`.

They need scikit-learn 1.9 or newer.
"""

from sklstm.callback._checkpoint import Checkpoint
from sklstm.callback._learning_curve import LearningCurve

__all__ = ["Checkpoint", "LearningCurve"]
