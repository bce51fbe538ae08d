"""Long Short-Term Memory (Hochreiter & Schmidhuber 1997) as a scikit-learn estimator."""

__version__ = "0.1.0"

from sklstm._estimators import LSTMClassifier, LSTMRegressor

__all__ = ["LSTMClassifier", "LSTMRegressor"]
