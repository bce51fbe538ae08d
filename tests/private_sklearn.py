"""What the tests take from scikit-learn that is not public; the package has `sklstm._sklearn`."""

from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

__all__ = ["AdamOptimizer", "SGDOptimizer"]
