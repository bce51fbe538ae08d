"""What every regressor of sequences shares: numbers as outputs, and the methods around them."""

from __future__ import annotations

from typing import Any

from sklearn.base import RegressorMixin

from sklstm._estimator import SequenceEstimator
from sklstm._number_outputs import Numbers
from sklstm._outputs import Given
from sklstm._parameters import size_of_network
from sklstm._snapshots import revised
from sklstm._targets import Rows


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
        n_features = size_of_network(n_features, "n_features")
        n_outputs = size_of_network(n_outputs, "n_outputs")
        with revised(self) as draft:
            draft._check_parameters()
            draft.n_outputs_, draft.out_activation_ = n_outputs, draft.out_activation
            draft._initialize(n_features)
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
            With a list of Q quantiles (`LSTMRegressor`), one more axis of length Q.
            With `return_sequences`, one row per step in the container of `X`.
        """
        now, raw, sequences = self._run(X)
        return now._in_container(now._outputs_now().predict(raw), sequences)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R², the mean over outputs; with `return_sequences` over all steps.

        An estimator with another `loss` than "squared_error" returns D² of that loss, as
        `sklearn.metrics.d2_absolute_error_score`, `d2_pinball_score` (the mean over quantiles) or
        `d2_tweedie_score` with power 1. Both are the share by which predictions reduce the loss of
        the best constant: 1 is perfect, 0 is that constant.

        Parameters
        ----------
        X : as in `predict`
        y : as in `fit`
        sample_weight : array-like of shape (n,), or with `return_sequences` per step, default=None

        Returns
        -------
        score : float
        """
        now, raw, sequences = self._run(X)
        rows = Rows(sequences, now.return_sequences)
        return now._outputs_now().score(raw, y, sample_weight, rows)

    # ---------------------------------------------------------------------------------- private

    _kind = Numbers

    def _outputs_now(self) -> Numbers:
        return Numbers(self.n_outputs_, self.out_activation_, type(self).__name__)

    def _learn_outputs(self, given: Given, classes: Any) -> None:
        self.n_outputs_, self.out_activation_ = given.values.shape[1], self.out_activation

    def _check_outputs(self, classes: Any) -> None:
        if self.out_activation != self.out_activation_:
            raise ValueError(
                f"out_activation is now {self.out_activation!r}, but was "
                f"{self.out_activation_!r}. Set it back, or start anew: fit, warm_start=False."
            )
