"""Outputs that are labels: one of several classes, or a multilabel indicator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import expit, log_expit

from sklstm._labels import (
    PLAIN_LABELS,
    check_indicator,
    check_types,
    class_factors,
    encode_classes,
    label_of,
    learn_classes,
    named_classes,
    read_labels,
)
from sklstm._numbers import row_of_numbers
from sklstm._outputs import NO_QUANTILES, Given, Objective, Outputs
from sklstm._scores import accuracy
from sklstm._targets import Examples, Rows, read_weights

UNBALANCED = (
    "class_weight='balanced' needs all targets, but partial_fit and streams see only a part. Pass "
    "a dict, for example from sklearn.utils.class_weight.compute_class_weight."
)


@dataclass(eq=False)  # frozen=True would add a microsecond to a small predict
class Labels(Outputs):
    """Outputs for one of several classes, or for several labels per row (multilabel)."""

    classes: np.ndarray
    multilabel: bool
    estimator: str
    class_weight: Any = None

    @property
    def objective(self) -> Objective:
        return Objective("log_loss", self.activation, NO_QUANTILES)

    @property
    def n_raw(self) -> int:
        return self.n_outputs

    @property
    def n_outputs(self) -> int:
        return 1 if len(self.classes) == 2 and not self.multilabel else len(self.classes)

    @property
    def activation(self) -> str:
        return "logistic" if self.multilabel or len(self.classes) == 2 else "softmax"

    @staticmethod
    def read(y: Any, sample_weight: Any, rows: Rows, suffix: str = "") -> Given:
        weights = read_weights(sample_weight, rows, name="sample_weight" + suffix)
        labels = read_labels(y, weights, rows, name="y" + suffix)
        return Given(rows, labels, weights, "y" + suffix)

    @classmethod
    def of(cls, given: Given, classes: Any, estimator: str) -> Labels:
        """The labels of y, or of the user's ``classes`` if they are not None."""
        if classes is None:
            return cls(*learn_classes(given.values, given.weights, given.rows), estimator)
        n_labels = given.values.shape[1] if given.values.ndim == 2 else None
        return cls(named_classes(classes, n_labels), n_labels is not None, estimator)

    @classmethod
    def named(cls, classes: Any, n_outputs: int, estimator: str) -> Labels:
        """The user's classes; with several outputs, the labels of an indicator."""
        multilabel = n_outputs > 1
        named = named_classes(classes, n_outputs if multilabel else None)
        return cls(named, multilabel, estimator)

    def check_named(self, classes: Any) -> None:
        """Raise an error if the user's classes are not the fitted ones."""
        known = self.classes
        named = named_classes(classes, self.n_outputs if self.multilabel else None)
        if not np.array_equal(named, known):
            raise ValueError(
                f"classes={classes!r} is not the same as on the first call to partial_fit: "
                f"{known.tolist()}. Pass the same classes or leave them out."
            )

    def examples(self, given: Given) -> Examples:
        """Class numbers (rows, 1), or an indicator (rows, n_outputs)."""
        rows, labels, weights, name = given.rows, given.values, given.weights, given.name
        if labels.ndim == 1 and not self.multilabel:
            index = encode_classes(labels, self.classes, weights, rows, name)
            return Examples(rows, index[:, None], weights)
        if labels.ndim != 2 or not self.multilabel or labels.shape[1] != self.n_outputs:
            expected = f"{self.n_outputs} labels" if self.multilabel else "one label"
            got = labels.shape[1] if labels.ndim == 2 else 1
            raise ValueError(
                f"{name} has {got} columns, but {self.estimator} was fitted with {expected} per "
                f"{'step' if rows.per_step else 'sequence'}. Pass the same form of targets, or "
                "call fit with warm_start=False."
            )
        if rows.per_step:
            labels = np.where((weights > 0)[:, None], labels, 0)
        check_indicator(labels, weights, rows, name)
        return Examples(rows, labels, weights)

    def trainable(self, examples: Examples) -> Examples:
        dtype = examples.rows.sequences.dtype
        return replace(examples, targets=examples.targets.astype(dtype, copy=False))

    def check_complete(self, examples: Examples) -> None:
        if self.multilabel:
            return
        counts = examples.weights > 0 if examples.rows.per_step else slice(None)
        present = self.classes[np.unique(_index(examples)[counts])]
        if len(present) < len(self.classes):
            raise ValueError(
                "warm_start can only be used if y has the same classes as before: "
                f"{self.classes.tolist()}, but y has only {present.tolist()}. Use partial_fit."
            )

    def strata(self, examples: Examples) -> np.ndarray | None:
        return None if self.multilabel else self.classes[_index(examples)]

    def class_weighted(self, examples: Examples) -> Examples:
        if self.class_weight is None:
            return examples
        self._refuse_multilabel()
        index = _index(examples)
        factors = class_factors(self.class_weight, index, self.classes, examples.weights)
        return examples.weighted(factors[index])

    def factors(self) -> np.ndarray | None:
        if self.class_weight is None:
            return None
        if self.class_weight == "balanced":
            raise ValueError(UNBALANCED)
        self._refuse_multilabel()
        return class_factors(self.class_weight, np.empty(0, np.intp), self.classes, np.empty(0))

    def _refuse_multilabel(self) -> None:
        if self.multilabel:
            raise ValueError(
                "class_weight needs one label per row, but y is a multilabel indicator. Use "
                "sample_weight."
            )

    def predict(self, raw: np.ndarray) -> np.ndarray:
        numbers = self._numbers(raw)
        return numbers if self.multilabel else self.classes[numbers]

    def _numbers(self, raw: np.ndarray) -> np.ndarray:
        """Class numbers (rows,), or the indicator (rows, n_outputs)."""
        if self.activation == "softmax":
            return raw.argmax(axis=1)
        indicator = (raw > 0).astype(np.intp)
        return indicator if self.multilabel else indicator[:, 0]

    def probabilities(self, raw: np.ndarray) -> np.ndarray:
        if self.activation == "softmax":
            proba = np.exp(raw - raw.max(axis=1, keepdims=True))
            return proba / proba.sum(axis=1, keepdims=True)
        return expit(raw if self.multilabel else np.hstack([-raw, raw]))

    def log_probabilities(self, raw: np.ndarray) -> np.ndarray:
        """Accurate even if a probability is 0 in floating point."""
        if self.activation == "softmax":
            log_proba = raw - raw.max(axis=1, keepdims=True)
            return log_proba - np.log(np.exp(log_proba).sum(axis=1, keepdims=True))
        return log_expit(raw if self.multilabel else np.hstack([-raw, raw]))

    def score(self, raw: np.ndarray, y: Any, sample_weight: Any, rows: Rows) -> float:
        weights = read_weights(sample_weight, rows)
        labels = read_labels(y, weights, rows, column_warning=False)
        if labels.ndim == 2:
            check_indicator(labels, weights, rows, "y")
        else:
            check_types(labels, self.classes, weights, rows, "y")
        return accuracy(self.predict(raw), labels, weights)

    def score_of(self, raw: np.ndarray, examples: Examples) -> float:
        targets = examples.targets if self.multilabel else examples.targets[:, 0]
        return accuracy(self._numbers(raw), targets, examples.weights)

    def written(self, raw: np.ndarray) -> np.ndarray:
        return raw[:, 0] if self.n_outputs == 1 else raw

    def writer(self, dtype: np.dtype) -> Callable[[Any], Any]:
        return float if self.n_outputs == 1 else lambda raw: np.array(raw, dtype=dtype)

    def reader(self, dtype: np.dtype) -> Callable[[Any], np.ndarray]:
        if self.multilabel:
            return lambda y: self._read_indicator(y, dtype)
        targets = {label: np.array([k], dtype) for k, label in enumerate(self.classes.tolist())}

        def read(y: Any) -> np.ndarray:
            target = targets.get(y if type(y) in PLAIN_LABELS else label_of(y))
            if target is None:
                raise ValueError(f"y must be one of the classes {[*targets]}, got {y!r}.")
            return target

        return read

    def _read_indicator(self, y: Any, dtype: np.dtype) -> np.ndarray:
        target = row_of_numbers(y)
        if target is None or len(target) != self.n_outputs or not np.isin(target, (0, 1)).all():
            raise ValueError(
                f"y must contain {self.n_outputs} labels of 0 or 1 at this step, got {y!r}."
            )
        return target.astype(dtype)


def _index(examples: Examples) -> np.ndarray:
    """Class numbers, (rows,)."""
    return examples.targets[:, 0].astype(np.intp)
