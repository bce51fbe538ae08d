"""LSTMRegressor: numbers, and the function of the outputs that predicts them."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

import numpy as np
from sklearn.utils._param_validation import StrOptions

from sklstm._base import BaseLSTM
from sklstm._docs import documented
from sklstm._parameters import CONSTRAINTS
from sklstm._regression import OUT_ACTIVATIONS, SequenceRegressor


@documented
class LSTMRegressor(SequenceRegressor, BaseLSTM):
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
