"""Base class of all regressors of sequences."""

from __future__ import annotations

from typing import Any, Self

from sklearn.base import RegressorMixin

from sklstm._estimator import SequenceEstimator
from sklstm._number_outputs import Numbers
from sklstm._outputs import Given
from sklstm._parameters import size_of_network
from sklstm._snapshots import revised
from sklstm._targets import Rows
from sklstm._typing import PerStep


class SequenceRegressor(RegressorMixin, SequenceEstimator):
    """Regressor whose predictions are ``out_activation`` of the raw outputs."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one epoch on more sequences, in the given order.

        Use it for data that arrive in parts or do not fit in memory.

        Parameters
        ----------
        X : array of shape (n, T, F), list of (T_i, F) arrays, or table of shape (n, d)
            The sequences, in any form that ``fit`` accepts.
        y : array-like
            Targets as in ``fit``: one per sequence, or one per step with ``return_sequences=True``.
        sample_weight : array-like of shape (n,), default=None
            Weights of the sequences, or of steps in the container type of ``y``. They multiply the
            losses as they are, so their scale matters. None is 1.

        Returns
        -------
        self : object
            The estimator, trained for one more epoch.

        Raises
        ------
        ValueError
            If ``X``, ``y`` or a weight is invalid. The estimator is then unchanged.

        Warns
        -----
        ConvergenceWarning
            If the loss is not finite. The parameters from before the call are kept.
        """
        return self._partial_fit(X, y, sample_weight)

    def initialize(self, n_features: int, *, n_outputs: int = 1) -> Self:
        """Draw initial parameters without training.

        Parameters
        ----------
        n_features : int
            Number of features per step.
        n_outputs : int, default=1
            Number of targets per sequence or step.

        Returns
        -------
        self : object
            The initialized estimator.
        """
        n_features = size_of_network(n_features, "n_features")
        n_outputs = size_of_network(n_outputs, "n_outputs")
        with revised(self) as draft:
            draft._check_parameters()
            draft.n_outputs_, draft.out_activation_ = n_outputs, draft.out_activation
            draft._initialize(n_features)
        return self

    def predict(self, X: Any) -> PerStep:
        """Predict the targets of each sequence.

        Parameters
        ----------
        X : array of shape (n, T, F), list of (T_i, F) arrays, or table of shape (n, d)
            The sequences.

        Returns
        -------
        values : ndarray of shape (n,), or (n, `n_outputs_`) for several outputs
            Predictions in the units of ``y``. With a list of Q quantiles (``LSTMRegressor``), there
            is one more axis of length Q. With ``return_sequences=True``, one row per step in the
            container type of ``X``.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If ``X`` is invalid. The message names the sequence and the step.
        """
        now, raw, sequences = self._run(X)
        return now._in_container(now._outputs_now().predict(raw), sequences)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return R² of the predictions, or D² for other losses than the squared error.

        D² is :func:`sklearn.metrics.d2_absolute_error_score`,
        :func:`sklearn.metrics.d2_pinball_score` (the mean over quantiles) or
        :func:`sklearn.metrics.d2_tweedie_score` with power 1. R² and D² are the fraction by which
        the predictions reduce the loss of the best constant prediction.

        Parameters
        ----------
        X : array of shape (n, T, F), list of (T_i, F) arrays, or table of shape (n, d)
            The sequences.
        y : array-like
            True targets as in ``fit``: one per sequence, or one per step with
            ``return_sequences=True``.
        sample_weight : array-like of shape (n,), default=None
            Weights of the sequences, or of steps in the container type of ``y``. Steps with weight
            0 are ignored. None is 1.

        Returns
        -------
        score : float
            Mean score over outputs, at most 1. A perfect model scores 1, and a model that is as
            good as the best constant scores 0. With ``return_sequences=True`` it is computed over
            all steps.
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
                f"out_activation is {self.out_activation!r}, but the model was fitted with "
                f"{self.out_activation_!r}. Set it back, or call fit with warm_start=False."
            )
