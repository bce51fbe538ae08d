"""LSTMRegressor: numbers, and the function of the outputs that predicts them."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

import numpy as np
from scipy.special import expit
from sklearn.base import RegressorMixin
from sklearn.utils._param_validation import StrOptions

from sklstm._base import BaseLSTM
from sklstm._docs import documented
from sklstm._parameters import CONSTRAINTS, positive_int
from sklstm._scores import r2
from sklstm._sequences import unchanged_on_error
from sklstm._targets import Examples, Rows, read_regression, read_weights

# What a regressor makes of its raw outputs.
OUT_ACTIVATIONS = {"identity": lambda z: z, "logistic": expit, "tanh": np.tanh}


@documented
class LSTMRegressor(RegressorMixin, BaseLSTM):
    """Regression on sequences, or on every step of them, by Long Short-Term Memory.

    It minimises half the squared error, summed over outputs (and steps), of outputs read from the
    last layer of memory cells.

    Parameters
    ----------
    hidden_layer_sizes : int or tuple of int, default=32
        Memory blocks of each layer. Time and memory grow with the square.

    loss : {"squared_error"}, default="squared_error"
        What is minimised.

    out_activation : {"identity", "logistic", "tanh"}, default="identity"
        Function of the outputs. Targets outside its range are allowed; they are never reached.

    <parameters>
    <common>
    Attributes
    ----------
    <attributes>
    See Also
    --------
    LSTMClassifier : The same for labels.

    Notes
    -----
    Like `MLPRegressor`, the loss of a batch is the mean over its sequences. `fit` divides the
    sample weights by their mean, `partial_fit` takes them as they are. With `return_sequences`, a
    target of NaN is no target.

    Examples
    --------
    The mean of a sequence of any length:

    >>> import numpy as np
    >>> from sklstm import LSTMRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(rng.normal(), 1, size=(rng.integers(5, 20), 1)) for _ in range(200)]
    >>> y = [x.mean() for x in X]
    >>> model = LSTMRegressor(random_state=0).fit(X[:150], y[:150])
    >>> model.score(X[150:], y[150:]) > 0.9
    True
    """

    _parameter_constraints = {
        "loss": [StrOptions({"squared_error"})],
        "out_activation": [StrOptions(set(OUT_ACTIVATIONS))],
    } | CONSTRAINTS

    def __init__(
        self,
        hidden_layer_sizes=32,
        *,
        loss="squared_error",
        out_activation="identity",
        block_size=1,
        cell="forget",
        gradient="truncated",
        bidirectional=False,
        return_sequences=False,
        features_per_step=1,
        solver="adam",
        alpha=0.0,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.005,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        clip_norm=1.0,
        tol=1e-4,
        n_iter_no_change=10,
        early_stopping=False,
        validation_fraction=0.1,
        momentum=0.9,
        nesterovs_momentum=True,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        bias="all",
        gate_bias=None,
        init_range=None,
        warm_start=False,
        random_state=None,
        verbose=0,
        n_jobs=None,
    ):
        self._set_parameters(locals())

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
        values = OUT_ACTIVATIONS[self.out_activation_](raw)
        return self._in_container(values[:, 0] if self.n_outputs_ == 1 else values, sequences)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R², the mean over outputs; with `return_sequences`, over all steps with a target.

        Parameters
        ----------
        X : as in `predict`
        y : targets, as in `fit`
        sample_weight : array-like of shape (n,), or with `return_sequences` per step, default=None

        Returns
        -------
        score : float
        """
        if not self.return_sequences:
            return super().score(X, y, sample_weight)
        raw, sequences = self._outputs(X)
        rows = Rows(sequences, per_step=True)
        weights = read_weights(sample_weight, rows)
        targets, weights = read_regression(y, weights, rows, np.float64)
        return self._score_outputs(raw, Examples(rows, targets, weights))

    # ---------------------------------------------------------------------------------- private

    def _stream_output(self, raw: float | list[float]) -> float | np.ndarray:
        if self.n_outputs_ == 1 and self.out_activation_ == "identity":
            return raw
        values = OUT_ACTIVATIONS[self.out_activation_](np.array(raw, dtype=self.parameters_.dtype))
        return float(values) if self.n_outputs_ == 1 else values

    def _stream_predict(self, raw: np.ndarray) -> Any:
        values = OUT_ACTIVATIONS[self.out_activation_](raw)[0]
        return values[0] if self.n_outputs_ == 1 else values

    def _stream_reader(self) -> Callable[[Any], np.ndarray]:
        if self.n_outputs_ > 1:
            return self._read_target
        target = np.empty(1, dtype=self.parameters_.dtype)

        def read(y: Any) -> np.ndarray:
            if type(y) is not float or not isfinite(y):
                return self._read_target(y)
            target[0] = y  # making an array would take longer than learning from it
            return target

        return read

    def _read_target(self, y: Any) -> np.ndarray:
        try:
            target = np.array(y, dtype=self.parameters_.dtype, ndmin=1)
        except (TypeError, ValueError):
            target = np.array([np.nan])
        if target.shape != (self.n_outputs_,) or not np.isfinite(target).all():
            numbers = "a finite number" if self.n_outputs_ == 1 else f"{self.n_outputs_} of them"
            raise ValueError(f"y must be {numbers}, the target at this step, got {y!r}.")
        return target

    @property
    def _loss(self) -> str:
        return self.loss

    def _examples(
        self,
        y: Any,
        sample_weight: Any,
        rows: Rows,
        *,
        fresh: bool = False,
        classes: Any = None,
        all_classes: bool = False,
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
        predicted = OUT_ACTIVATIONS[self.out_activation_](raw)
        if predicted.shape != examples.targets.shape:
            raise ValueError(
                f"y has {examples.targets.shape[1]} outputs per row, but {type(self).__name__} "
                f"predicts {predicted.shape[1]}."
            )
        return r2(predicted, examples.targets, examples.weights)
