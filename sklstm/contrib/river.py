"""A classifier and a regressor for river: one dict of features after the other."""

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
    """What both share: features by name, a stream that grows with them.

    A subclass makes the estimator of the first features.
    """

    def _start(self, n_features: int) -> Any:
        """An estimator that has learned nothing yet."""
        raise NotImplementedError

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator
        self._names: dict[Any, int] = {}
        self._stream: Stream | None = None

    def reset(self) -> None:
        """Forget the steps so far, not what was learned: another sequence begins."""
        if self._stream is not None:
            self._stream.reset()

    @contextmanager
    def _unchanged_on_error(self) -> Iterator[None]:
        """If the block fails, names, labels and network are those from before.

        A wider network is another one, and steps are fed when all else is known to be right.
        """
        before = vars(self).copy()
        try:
            yield
        except BaseException:
            vars(self).update(before)
            raise

    def _learn(self, values: dict, target: Any, weight: float) -> None:
        """A step of the stream and its target, or none of both."""
        row = self._vector(values)
        with self._stream._learner.lock:
            self._stream._bind()  # refuses settings of the estimator that learning cannot go by
        self._stream.step(row)
        self._stream.learn(target, weight)

    def _meet(self, x: dict) -> None:
        """Give the features of ``x`` that are new a place."""
        new = sorted(x.keys() - self._names.keys(), key=lambda name: (str(name), str(type(name))))
        names = self._names | {name: len(self._names) + k for k, name in enumerate(new)}
        if self._stream is None:
            if not names:
                raise ValueError("There are no features yet: x is empty.")
            stream = self._start(len(names)).stream()
            stream._require_traces()
            self._stream = stream
        elif new:
            self._stream = with_features(self._stream, len(names))
        self._names = names

    def _vector(self, x: dict) -> np.ndarray:
        """The values of the features that are known, 0 where there is none."""
        values = np.zeros(len(self._names))
        for name, value in x.items():
            k = self._names.get(name)
            if k is not None:
                values[k] = number_of(name, value)
        return values


def lstm_for(estimator: Any, kind: type) -> Any:
    """A clone of the ``estimator`` that a user chose, or one with its defaults."""
    if estimator is not None and not isinstance(estimator, kind):
        raise TypeError(
            f"estimator must be an {kind.__name__} or None, got {type(estimator).__name__}. "
            "Transformers are those of river: put them before, in compose.Pipeline."
        )
    if estimator is not None and estimator.categorical_features is not None:
        raise ValueError(
            f"categorical_features={estimator.categorical_features!r} is for columns of X, which a "
            "dict does not have: leave it None, and put preprocessing.OneHotEncoder of river "
            "before, in compose.Pipeline."
        )
    return kind() if estimator is None else clone(estimator)


def finite(value: Any) -> float:
    """``value`` as a float, NaN if it is no finite number."""
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
            f"Feature {name!r} is {value!r}, which is not a finite number: put one of river's "
            "transformers before, such as preprocessing.OneHotEncoder or StatImputer."
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
            f"y is {y!r}, which is not a finite number. For a step without a target, pass any "
            "number and w=0."
        )
    return target


def equals_itself(y: Any) -> bool:
    """False for NaN, NaT and NA."""
    try:
        return bool(y == y)
    except TypeError:  # NA of pandas: neither
        return False


def check_label(y: Any) -> None:
    """Refuse what cannot be a label: what has no equal would be a class of its own each time."""
    try:
        hash(y)
    except TypeError:
        raise TypeError(
            f"y must be a label that can be hashed, such as a str, an int or a bool, got {y!r}."
        ) from None
    if y is None or not equals_itself(y):
        raise ValueError(
            f"y is {y!r}, which is no label. For a step without a label, pass one that was seen "
            "and w=0."
        )


class RiverClassifier(OnStream, Classifier):
    """An LSTM on a stream as a classifier of river.

    `learn_one` is a step of the stream, with a label; `predict_one` looks one step ahead and
    changes nothing. Between them the state carries on, so that what is predicted depends on all
    steps so far. `reset` begins another sequence.

    Features and labels may appear at any time: they get inputs and outputs with weights of 0, in
    the order of their first sight. A feature that is missing is 0.

    Parameters
    ----------
    estimator
        An `LSTMClassifier` with one hidden layer in one direction. None is one with its defaults.

    Examples
    --------
    Is the last but one value positive?

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
            raise ValueError("class_weight has no effect on labels of river: pass w to learn_one.")
        return model.initialize(n_features, classes=[0, 1])

    def learn_one(self, x: dict, y: Any, w: float = 1.0) -> None:
        """Learn from a step and its label.

        Parameters
        ----------
        x
            Features and their values: numbers.
        y
            The label.
        w
            Weight of the step; 0 is no label.

        Raises
        ------
        ValueError
            If a feature is no finite number, ``y`` is None or NaN, or ``w`` is no weight. Nothing
            has changed then.
        TypeError
            If ``y`` cannot be hashed. Nothing has changed then.
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
        """Probability of each label that was seen, if the next step were ``x``.

        Parameters
        ----------
        x
            Features and their values; those that were never learned from are ignored.

        Returns
        -------
        probabilities
            Empty before the first label.
        """
        if len(self._labels) < 2:
            return dict.fromkeys(self._labels, 1.0)
        raw = np.atleast_1d(self._stream.peek(self._vector(x)))
        outputs = self._stream.estimator._outputs_now()
        (probabilities,) = outputs.probabilities(raw.astype(np.float64)[None])
        return dict(zip(self._labels, (probabilities / probabilities.sum()).tolist(), strict=True))


class RiverRegressor(OnStream, Regressor):
    """An LSTM on a stream as a regressor of river.

    `learn_one` is a step of the stream, with a target; `predict_one` looks one step ahead and
    changes nothing. Between them the state carries on, so that what is predicted depends on all
    steps so far. `reset` begins another sequence.

    Features may appear at any time: they get inputs with weights of 0, in the order of their first
    sight. A feature that is missing is 0. Targets are learned in the units they have: with large
    ones, put the model into `preprocessing.TargetStandardScaler`.

    Parameters
    ----------
    estimator
        An `LSTMRegressor` with one hidden layer in one direction, of one output. None is one with
        its defaults.

    Examples
    --------
    The last but one value:

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
                f"A regressor of river predicts one number, but quantile={model.quantile!r} asks "
                "for several."
            )
        return model

    def learn_one(self, x: dict, y: float, w: float = 1.0) -> None:
        """Learn from a step and its target.

        Parameters
        ----------
        x
            Features and their values: numbers.
        y
            The target.
        w
            Weight of the step; 0 is no target.

        Raises
        ------
        ValueError
            If a feature or ``y`` is no finite number, or ``w`` is no weight. Nothing has changed
            then.
        """
        weight, target = weight_of(w), target_of(y)
        values = {name: number_of(name, value) for name, value in x.items()}
        with self._unchanged_on_error():
            self._meet(values)
            self._learn(values, target, weight)

    def predict_one(self, x: dict) -> float:
        """What would be predicted if the next step were ``x``.

        Parameters
        ----------
        x
            Features and their values; those that were never learned from are ignored.

        Returns
        -------
        prediction
            0 before anything was learned.
        """
        return 0.0 if self._stream is None else float(self._stream.peek(self._vector(x)))
