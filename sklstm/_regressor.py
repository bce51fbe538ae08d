"""LSTMRegressor: numbers, and the function of the outputs that predicts them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import isfinite
from typing import Any

import numpy as np

from sklstm._base import LARGE, BaseLSTM
from sklstm._docs import documented
from sklstm._numbers import row_of_numbers
from sklstm._parameters import CONSTRAINTS, positive_int, positive_number
from sklstm._regression import OUT_ACTIVATIONS, SequenceRegressor
from sklstm._sequences import unchanged_on_error
from sklstm._sklearn import StrOptions
from sklstm._targets import Examples
from sklstm._units import per_output, units_of

LARGE_MEAN = 256  # standard deviations of y above which float32 has too few digits to predict it


@documented
class LSTMRegressor(SequenceRegressor, BaseLSTM):
    """Regression on sequences, or on every step of them, by Long Short-Term Memory.

    It minimises half the squared error, summed over outputs (and steps), of outputs read from the
    last layer of memory cells.

    Parameters
    ----------
    hidden_layer_sizes : int or tuple of int, default=64
        Memory blocks of each layer. Time and memory grow with the square.

    loss : {"squared_error"}, default="squared_error"
        What is minimised.

    out_activation : {"identity", "logistic", "tanh"}, default="identity"
        Function of the outputs. Targets outside its range are allowed; they are never reached.

    normalize_y : bool, default=True
        Whether `fit` trains in units of the mean and standard deviation of each output
        (`y_mean_`, `y_scale_`) and `predict` returns to those of `y`. The unit of `y` then has no
        influence on training, nor on the meaning of `tol`, `alpha` and `clip_norm`. Only with
        `out_activation="identity"`; the others have a range of their own and train on `y` as it
        is. `partial_fit` and `initialize` cannot know the units and use 0 and 1, unless a `fit`
        came before or `initialize` was told. A `fit` with `warm_start` learns the units of its
        own `y` if they were learned by the `fit` before. For float32 `X`, predictions are float32
        unless the mean of `y` is more than 256 times its standard deviation.

    <parameters>
    <common>
    Attributes
    ----------
    y_mean_, y_scale_ : ndarray of shape (n_outputs_,)
        Units of the targets, see `normalize_y`: 0 and 1 if they were not learned.
    <attributes>
    See Also
    --------
    LSTMClassifier : The same for labels.

    Notes
    -----
    `fit` minimises the mean loss over all targets; with `alpha=0` only ratios of sample weights
    matter.
    `partial_fit` minimises, as the paper does, the sum over the targets of a sequence, averaged
    over the sequences of a batch, and takes weights as they are. With `return_sequences`, targets
    of NaN are ignored.

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
        "normalize_y": ["boolean"],
    } | CONSTRAINTS

    def __init__(
        self,
        hidden_layer_sizes=64,
        *,
        loss="squared_error",
        out_activation="identity",
        normalize_y=True,
        block_size=1,
        cell="forget",
        gradient="auto",
        bidirectional=False,
        return_sequences=False,
        features_per_step=1,
        solver="adam",
        alpha=0.0,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.005,
        power_t=0.5,
        max_iter="auto",
        shuffle=True,
        clip_norm=5.0,
        tol=None,
        n_iter_no_change=50,
        early_stopping=False,
        scoring=None,
        validation_fraction=0.1,
        momentum=0.9,
        nesterovs_momentum=True,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        bias="all",
        gate_bias="auto",
        init_range=None,
        warm_start=False,
        random_state=None,
        verbose=0,
        n_jobs=None,
    ):
        self._set_parameters(locals())

    def initialize(
        self,
        n_features: int,
        *,
        n_outputs: int = 1,
        expected_length: float | None = None,
        y_mean: Any = None,
        y_scale: Any = None,
    ):
        """Draw the parameters for sequences of ``n_features`` and learn nothing.

        Parameters
        ----------
        n_features : int
            Features per step.
        n_outputs : int, default=1
            Numbers to predict.
        expected_length : float, default=None
            Steps over which something may have to be remembered, for `gate_bias="auto"`. None,
            not known: all blocks start alike, as with `gate_bias=None`.
        y_mean, y_scale : float or array-like of shape (n_outputs,), default=None
            Units of the targets, where they are known beforehand: the network learns
            `(y - y_mean) / y_scale`. None is 0 and 1. Identity output only.

        Returns
        -------
        self : object
        """
        n_features = positive_int(n_features, "n_features")
        n_outputs = positive_int(n_outputs, "n_outputs")
        expected_length = positive_number(expected_length, "expected_length")
        if self.out_activation != "identity" and not (y_mean is None and y_scale is None):
            raise ValueError(
                f"y_mean and y_scale are for out_activation='identity', not for "
                f"{self.out_activation!r}, whose outputs have a range of their own."
            )
        mean = per_output(y_mean, 0.0, n_outputs, "y_mean")
        scale = per_output(y_scale, 1.0, n_outputs, "y_scale", positive=True)
        with unchanged_on_error(self):
            self._check_parameters()
            self.n_outputs_, self.out_activation_ = n_outputs, self.out_activation
            self.y_mean_, self.y_scale_, self._learned_units = mean, scale, False
            self._initialize(n_features, expected_length)
        return self

    # ---------------------------------------------------------------------------------- private

    @property
    def _units_of_fit(self) -> bool:
        return self._learned_units and self.normalize_y

    def _set_units(
        self, targets: np.ndarray | None = None, weights: np.ndarray | None = None
    ) -> None:
        self._learned_units = targets is not None
        if targets is not None and self.normalize_y and self.out_activation_ == "identity":
            self.y_mean_, self.y_scale_ = units_of(targets, weights)
        else:
            self.y_mean_, self.y_scale_ = np.zeros(self.n_outputs_), np.ones(self.n_outputs_)

    def _trainable(self, examples: Examples) -> Examples:
        return super()._trainable(replace(examples, targets=self._in_units(examples.targets)))

    def _in_units(self, targets: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):  # where they have no weight; elsewhere the loss tells
            return (targets - self.y_mean_) / self.y_scale_

    def _values(self, raw: np.ndarray) -> np.ndarray:
        values = OUT_ACTIVATIONS[self.out_activation_](raw)
        return (values * self.y_scale_ + self.y_mean_).astype(self._value_dtype, copy=False)

    @property
    def _value_dtype(self) -> Any:
        """That of the parameters, or float64 where the unit of y takes too many digits."""
        if (np.abs(self.y_mean_) / self.y_scale_ > LARGE_MEAN).any():
            return np.float64
        return self.parameters_.dtype

    def _largest_target(self, examples: Examples) -> float:
        given = self.y_mean_ + self.y_scale_ * examples.targets
        trained = np.nanmax(np.abs(examples.targets), initial=0.0)
        return float(np.nanmax(np.abs(given), initial=0.0)) if trained > LARGE else 0.0

    _y_advice = (
        "standardise it as fit does with normalize_y=True, or pass y_mean and y_scale to initialize"
    )

    def _cure_of_target(self, target: np.ndarray) -> str:
        largest = float(np.abs(target).max())
        if largest <= LARGE:
            return self._cure()
        unit = " in units of y_scale_" if (self.y_scale_ != 1).any() else ""
        return f"The target is {largest:.3g}{unit}: scale it, or pass its units to initialize."

    def _stream_writer(self) -> Callable[[Any], Any]:
        """A function that turns the raw output of a step into what `Stream.step` returns."""
        if self.n_outputs_ > 1 or self.out_activation_ != "identity":
            dtype = self.parameters_.dtype

            def write(raw: Any) -> Any:
                values = self._values(np.array(raw, dtype=dtype).reshape(1, -1))[0]
                return float(values[0]) if len(values) == 1 else values

            return write
        mean, scale = float(self.y_mean_[0]), float(self.y_scale_[0])
        if (mean, scale) == (0.0, 1.0):
            return float
        rounded = np.float32 if self._value_dtype == np.float32 else float
        return lambda raw: float(rounded(raw * scale + mean))

    def _stream_predict(self, raw: np.ndarray) -> Any:
        values = self._values(raw)[0]
        return values[0] if self.n_outputs_ == 1 else values

    def _stream_reader(self) -> Callable[[Any], np.ndarray]:
        if self.n_outputs_ > 1:
            return self._read_target
        target = np.empty(1, dtype=self.parameters_.dtype)
        mean, scale = float(self.y_mean_[0]), float(self.y_scale_[0])

        def read(y: Any) -> np.ndarray:
            if type(y) is not float or not isfinite(y):
                return self._read_target(y)
            target[0] = (y - mean) / scale  # an array would take longer than learning from it
            return target

        return read

    def _read_target(self, y: Any) -> np.ndarray:
        given = row_of_numbers(y)
        if given is not None and given.shape == (self.n_outputs_,):
            with np.errstate(over="ignore"):
                target = self._in_units(given).astype(self.parameters_.dtype)
            if np.isfinite(target).all():
                return target
        numbers = "a finite number" if self.n_outputs_ == 1 else f"{self.n_outputs_} of them"
        raise ValueError(f"y must be {numbers}, the target at this step, got {y!r}.")

    @property
    def _loss(self) -> str:
        return self.loss
