"""What every regressor of sequences shares: targets, predictions, R²."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import expit
from sklearn.base import RegressorMixin

from sklstm._estimator import SequenceEstimator
from sklstm._parameters import positive_int
from sklstm._scores import r2
from sklstm._sequences import unchanged_on_error
from sklstm._targets import Examples, Rows, read_regression, read_weights

# What a regressor makes of its raw outputs.
OUT_ACTIVATIONS = {"identity": lambda z: z, "logistic": expit, "tanh": np.tanh}


class SequenceRegressor(RegressorMixin, SequenceEstimator):
    """Numbers for sequences or their steps, from the parameter `out_activation` of raw outputs."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None):
        """Learn from some sequences more: one epoch, batch after batch in the order given.

        Parameters
        ----------
        X, y : as in `fit`
        sample_weight : as in `fit`, but taken as they are

        Returns
        -------
        self : object
        """
        return self._partial_fit(X, y, sample_weight)

    def initialize(self, n_features: int, *, n_outputs: int = 1):
        """Draw the parameters for sequences of ``n_features`` and learn nothing.

        Parameters
        ----------
        n_features : int
            Features per step.
        n_outputs : int, default=1
            Numbers to predict.

        Returns
        -------
        self : object
        """
        n_features = positive_int(n_features, "n_features")
        n_outputs = positive_int(n_outputs, "n_outputs")
        with unchanged_on_error(self):
            self._check_parameters()
            self.n_outputs_, self.out_activation_ = n_outputs, self.out_activation
            self._initialize(n_features)
        return self

    def predict(self, X: Any) -> Any:
        """The outputs for each sequence.

        Parameters
        ----------
        X : array of shape (n, T, F), list of (T_i, F) arrays, or table of shape (n, d)
            The sequences.

        Returns
        -------
        values : ndarray of shape (n,), or (n, n_outputs_) for several outputs
            With `return_sequences`, one row per step in the container of `X`.
        """
        raw, sequences = self._outputs(X)
        values = self._values(raw)
        return self._in_container(values[:, 0] if self.n_outputs_ == 1 else values, sequences)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R², the mean over outputs; with `return_sequences`, over all steps with a target.

        Parameters
        ----------
        X : as in `predict`
        y : as in `fit`
        sample_weight : array-like of shape (n,), or with `return_sequences` per step, default=None

        Returns
        -------
        score : float
        """
        raw, sequences = self._outputs(X)
        rows = Rows(sequences, self.return_sequences)
        weights = read_weights(sample_weight, rows)
        targets, weights = read_regression(y, weights, rows, np.float64, column_warning=False)
        # R² has no unit; in those of training no square overflows
        examples = self._trainable(Examples(rows, targets, weights))
        return self._score_outputs(raw.astype(np.float64), examples)

    def _examples(
        self,
        y: Any,
        sample_weight: Any,
        rows: Rows,
        *,
        fresh: bool = False,
        classes: Any = None,
        whole: bool = False,
        suffix: str = "",
    ) -> Examples:
        weights = read_weights(sample_weight, rows, name="sample_weight" + suffix)
        dtype = rows.sequences.values.dtype
        targets, weights = read_regression(y, weights, rows, dtype, name="y" + suffix)
        if fresh:
            self.n_outputs_, self.out_activation_ = targets.shape[1], self.out_activation
        elif targets.shape[1] != self.n_outputs_:
            raise ValueError(
                f"y{suffix} has {targets.shape[1]} outputs per row, but {type(self).__name__} was "
                f"made for {self.n_outputs_}."
            )
        elif self.out_activation != self.out_activation_:
            raise ValueError(
                f"out_activation is now {self.out_activation!r}, but was "
                f"{self.out_activation_!r}. Set it back, or start anew: fit, warm_start=False."
            )
        return Examples(rows, targets, weights)

    def _score_outputs(self, raw: np.ndarray, examples: Examples) -> float:
        activation = OUT_ACTIVATIONS[self.out_activation_]
        return self._r2(activation(raw), examples.targets, examples.weights)

    def _r2(self, predicted: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> float:
        if predicted.shape != targets.shape:
            raise ValueError(
                f"y has {targets.shape[1]} outputs per row, but {type(self).__name__} "
                f"predicts {predicted.shape[1]}."
            )
        return r2(predicted, targets, weights)

    def _values(self, raw: np.ndarray) -> np.ndarray:
        """Predictions (rows, K) from raw outputs."""
        return OUT_ACTIVATIONS[self.out_activation_](raw)
