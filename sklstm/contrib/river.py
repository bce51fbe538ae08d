"""A classifier and a regressor for river, which passes one dict of features at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import isfinite, nan
from typing import Any

import numpy as np
from sklearn.base import clone

from sklstm import LSTMClassifier, LSTMRegressor, Stream
from sklstm.contrib._wider import with_classes, with_features

try:
    from river.base import Classifier, Regressor
except ImportError as error:
    raise ImportError(
        f"sklstm.contrib.river needs river ({error}): pip install 'sklstm[river]'."
    ) from error

__all__ = ["RiverClassifier", "RiverRegressor"]


class OnStream:
    """Base class: features by name, and a stream that grows with them.

    A subclass defines ``_start``.
    """

    def _start(self, n_features: int) -> Any:
        """An initialised estimator for ``n_features`` features."""
        raise NotImplementedError

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator
        self._names: dict[Any, int] = {}
        self._stream: Stream | None = None

    def reset(self) -> None:
        """Forget the steps so far and keep what was learned. Call it before another sequence."""
        if self._stream is not None:
            self._stream.reset()

    @contextmanager
    def _unchanged_on_error(self) -> Iterator[None]:
        """Restore names, labels and network if the block fails.

        Restoring the attributes is enough. A wider network is a new object, and a step is fed last.
        """
        before = vars(self).copy()
        try:
            yield
        except BaseException:
            vars(self).update(before)
            raise

    def _learn(self, values: dict, target: Any, weight: float) -> None:
        """Feed a step and learn its target, or do neither."""
        row = self._vector(values)
        with self._stream._learner.lock:
            self._stream._bind()  # raises an error if learning cannot use the estimator's settings
        self._stream.step(row)
        self._stream.learn(target, weight)

    def _meet(self, x: dict) -> None:
        """Add the new features of ``x``."""
        new = sorted(x.keys() - self._names.keys(), key=lambda name: (str(name), str(type(name))))
        names = self._names | {name: len(self._names) + k for k, name in enumerate(new)}
        if self._stream is None:
            if not names:
                raise ValueError("x is empty: the first step must have at least one feature.")
            stream = self._start(len(names)).stream()
            stream._require_traces()
            self._stream = stream
        elif new:
            self._stream = with_features(self._stream, len(names))
        self._names = names

    def _vector(self, x: dict) -> np.ndarray:
        """The values of the known features. A missing one is 0."""
        values = np.zeros(len(self._names))
        for name, value in x.items():
            k = self._names.get(name)
            if k is not None:
                values[k] = number_of(name, value)
        return values


def lstm_for(estimator: Any, kind: type) -> Any:
    """A clone of the user's ``estimator``, or an estimator with its defaults."""
    if estimator is not None and not isinstance(estimator, kind):
        raise TypeError(
            f"estimator must be an {kind.__name__} or None, got {type(estimator).__name__}. "
            "Use transformers of river, and put them before it in compose.Pipeline."
        )
    if estimator is not None and estimator.categorical_features is not None:
        raise ValueError(
            f"categorical_features={estimator.categorical_features!r} chooses columns of X, but a "
            "dict has none: set it to None, and put preprocessing.OneHotEncoder of river before it "
            "in compose.Pipeline."
        )
    return kind() if estimator is None else clone(estimator)


def finite(value: Any) -> float:
    """``value`` as a float, NaN if it is not a finite number."""
    try:
        number = nan if isinstance(value, (str, bytes)) else float(value)
    except (TypeError, ValueError, OverflowError):
        return nan
    return number if isfinite(number) else nan


def number_of(name: Any, value: Any) -> float:
    """The value of a feature as a finite number, or an error that names it."""
    number = finite(value)
    if number != number:
        raise ValueError(
            f"Feature {name!r} is {value!r}, which is not a finite number: put a transformer of "
            "river before the model, such as preprocessing.OneHotEncoder or StatImputer."
        )
    return number


def weight_of(w: Any) -> float:
    """The weight of a step, or an error that names it."""
    weight = finite(w)
    if not weight >= 0:
        raise ValueError(f"w must be a finite number >= 0, got {w!r}.")
    return weight


def target_of(y: Any) -> float:
    """The target of a step, or an error that names it."""
    target = finite(y)
    if target != target:
        raise ValueError(
            f"y is {y!r}, which is not a finite number. For a step without a target pass any "
            "number and w=0."
        )
    return target


def equals_itself(y: Any) -> bool:
    """False for NaN, NaT and NA."""
    try:
        return bool(y == y)
    except TypeError:  # NA of pandas is neither True nor False
        return False


def check_label(y: Any) -> None:
    """Raise an error for an invalid label. NaN would be a new class each time."""
    try:
        hash(y)
    except TypeError:
        raise TypeError(
            f"y must be a hashable label, such as a str, an int or a bool, got {y!r}."
        ) from None
    if y is None or not equals_itself(y):
        raise ValueError(
            f"y is {y!r}, which is not a label. For a step without a label pass a known label and "
            "w=0."
        )


class RiverClassifier(OnStream, Classifier):
    """Use an LSTM on a stream as a classifier of river.

    ``learn_one`` feeds one step with its label to the stream. ``predict_one`` predicts the label of
    the next step without changing the state. The state carries over from step to step, so a
    prediction depends on all steps so far. Call ``reset`` before another sequence.

    New features and labels may appear at any time. They get inputs and outputs with weights of 0,
    in the order of their first appearance. The value of a missing feature is 0.

    Parameters
    ----------
    estimator
        An :class:`~sklstm.LSTMClassifier` with one hidden layer and ``bidirectional=False``. None
        (the default) is one with its defaults. Pass your own to change hyper-parameters.

    Examples
    --------
    Predict whether the last but one value is positive:

    >>> import numpy as np
    >>> from river import metrics, utils
    >>> from sklstm import LSTMClassifier
    >>> from sklstm.contrib.river import RiverClassifier
    >>> values = np.random.default_rng(0).normal(size=3000)
    >>> model = RiverClassifier(LSTMClassifier(8, random_state=0))
    >>> accuracy = utils.Rolling(metrics.Accuracy, window_size=500)
    >>> for before, value in zip(values, values[1:]):
    ...     x, y = {"value": value}, bool(before > 0)
    ...     accuracy.update(y, model.predict_one(x))
    ...     model.learn_one(x, y)
    >>> accuracy.get() > 0.9
    True
    """

    def __init__(self, estimator: LSTMClassifier | None = None) -> None:
        super().__init__(estimator)
        self._labels: dict[Any, int] = {}

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, Any]]:
        yield {"estimator": LSTMClassifier(3, random_state=0)}

    @property
    def _multiclass(self) -> bool:
        return True

    def _start(self, n_features: int) -> LSTMClassifier:
        model = lstm_for(self.estimator, LSTMClassifier)
        if model.class_weight is not None:
            raise ValueError(
                "class_weight has no effect on labels of river: set it to None and pass w to "
                "learn_one."
            )
        return model.initialize(n_features, classes=[0, 1])

    def learn_one(self, x: dict, y: Any, w: float = 1.0) -> None:
        """Feed a step and learn its label.

        Parameters
        ----------
        x
            Dict of feature names and numbers.
        y
            Label of the step.
        w
            Weight of the step. With 0 the label is ignored.

        Raises
        ------
        ValueError
            If a feature is not a finite number, ``y`` is None or NaN, or ``w`` is not a finite
            number >= 0. The model does not change.
        TypeError
            If ``y`` is not hashable. The model does not change.
        """
        weight = weight_of(w)
        check_label(y)
        values = {name: number_of(name, value) for name, value in x.items()}
        with self._unchanged_on_error():
            self._meet(values)
            if y not in self._labels:
                self._labels = self._labels | {y: len(self._labels)}
                if len(self._labels) > 2:
                    self._stream = with_classes(self._stream, len(self._labels))
            self._learn(values, self._labels[y], weight)

    def predict_proba_one(self, x: dict) -> dict[Any, float]:
        """Predict the probability of each known label if the next step is ``x``.

        Parameters
        ----------
        x
            Dict of feature names and numbers. Unknown features are ignored.

        Returns
        -------
        probabilities
            Dict of labels and probabilities, empty before the first label.

        Raises
        ------
        ValueError
            If a known feature is not a finite number.
        """
        if len(self._labels) < 2:
            return dict.fromkeys(self._labels, 1.0)
        raw = np.atleast_1d(self._stream.peek(self._vector(x)))
        outputs = self._stream.estimator._outputs_now()
        (probabilities,) = outputs.probabilities(raw.astype(np.float64)[None])
        return dict(zip(self._labels, (probabilities / probabilities.sum()).tolist(), strict=True))


class RiverRegressor(OnStream, Regressor):
    """Use an LSTM on a stream as a regressor of river.

    ``learn_one`` feeds one step with its target to the stream. ``predict_one`` predicts the target
    of the next step without changing the state. The state carries over from step to step, so a
    prediction depends on all steps so far. Call ``reset`` before another sequence.

    New features may appear at any time. They get inputs with weights of 0, in the order of their
    first appearance. The value of a missing feature is 0. Targets are not scaled. If they are
    large, wrap the model in ``preprocessing.TargetStandardScaler`` of river.

    Parameters
    ----------
    estimator
        An :class:`~sklstm.LSTMRegressor` with one hidden layer, ``bidirectional=False`` and one
        output. None (the default) is one with its defaults. Pass your own to change
        hyper-parameters.

    Examples
    --------
    Predict the last but one value:

    >>> import numpy as np
    >>> from river import metrics, utils
    >>> from sklstm import LSTMRegressor
    >>> from sklstm.contrib.river import RiverRegressor
    >>> values = np.random.default_rng(0).normal(size=3000)
    >>> model = RiverRegressor(LSTMRegressor(8, random_state=0))
    >>> error = utils.Rolling(metrics.MAE, window_size=500)
    >>> for before, value in zip(values, values[1:]):
    ...     error.update(before, model.predict_one({"value": value}))
    ...     model.learn_one({"value": value}, before)
    >>> bool(error.get() < 0.2)  # 0.8 if it were always 0
    True
    """

    def __init__(self, estimator: LSTMRegressor | None = None) -> None:
        super().__init__(estimator)

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, Any]]:
        yield {"estimator": LSTMRegressor(3, random_state=0)}

    def _start(self, n_features: int) -> LSTMRegressor:
        model = lstm_for(self.estimator, LSTMRegressor).initialize(n_features)
        if model._topology.n_outputs > 1:
            raise ValueError(
                f"A regressor of river predicts one number, but quantile={model.quantile!r} needs "
                "several: set quantile to a number."
            )
        return model

    def learn_one(self, x: dict, y: float, w: float = 1.0) -> None:
        """Feed a step and learn its target.

        Parameters
        ----------
        x
            Dict of feature names and numbers.
        y
            Target of the step.
        w
            Weight of the step. With 0 the target is ignored.

        Raises
        ------
        ValueError
            If a feature or ``y`` is not a finite number, or ``w`` is not a finite number >= 0. The
            model does not change.
        """
        weight, target = weight_of(w), target_of(y)
        values = {name: number_of(name, value) for name, value in x.items()}
        with self._unchanged_on_error():
            self._meet(values)
            self._learn(values, target, weight)

    def predict_one(self, x: dict) -> float:
        """Predict the target if the next step is ``x``.

        Parameters
        ----------
        x
            Dict of feature names and numbers. Unknown features are ignored.

        Returns
        -------
        prediction
            Predicted target, 0 before the first call of ``learn_one``.

        Raises
        ------
        ValueError
            If a known feature is not a finite number.
        """
        return 0.0 if self._stream is None else float(self._stream.peek(self._vector(x)))
