"""scikit-learn's metrics for targets per step.

With ``return_sequences=True`` targets and predictions have one row per step, in arrays of shape
(n, T) or in lists of arrays of any length. scikit-learn's metrics take flat arrays.
`flatten_steps` makes flat arrays for any metric, and `make_step_scorer` makes a scorer for
``scoring=`` in cross-validation and parameter searches.

**Cross-validated predictions per step.** `sklearn.model_selection.cross_val_predict` works for
arrays of shape (n, T, F) with ``method="predict"``, not for ragged lists and probabilities. Use
`sklearn.model_selection.cross_validate` instead. It returns the fitted estimators and the test
indices, and also the scores. This works for every container and every method:

>>> import numpy as np
>>> from sklearn.model_selection import cross_validate
>>> from sklstm import LSTMClassifier
>>> from sklstm.metrics import make_step_scorer
>>> rng = np.random.default_rng(0)
>>> X = [rng.normal(size=(rng.integers(5, 15), 2)) for _ in range(60)]
>>> y = [(x[:, 0] > 0).astype(int) for x in X]
>>> model = LSTMClassifier(8, return_sequences=True, random_state=0)
>>> folds = cross_validate(
...     model, X, y, cv=3, scoring=make_step_scorer("f1"), return_estimator=True,
...     return_indices=True,
... )
>>> proba = [None] * len(X)
>>> for fitted, test in zip(folds["estimator"], folds["indices"]["test"]):
...     for i, steps in zip(test, fitted.predict_proba([X[i] for i in test])):
...         proba[i] = steps
>>> [p.shape == (len(x), 2) for p, x in zip(proba, X)] == [True] * 60
True
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from math import isnan
from numbers import Real
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer, make_scorer

from sklstm._containers import members, refuse_container
from sklstm._laws import place_of
from sklstm._steps import as_entries, check_one_type, concatenated
from sklstm._targets import check_weights, entries, is_nested

__all__ = ["flatten_steps", "make_step_scorer"]

MISSING = ("NoneType", "NAType", "NaTType")  # None, and what pandas has for it
RESPONSES = ("predict", "predict_proba", "predict_log_proba", "decision_function")


def flatten_steps(y_true: Any, y_pred: Any, sample_weight: Any = None) -> tuple[np.ndarray, ...]:
    """Flatten targets and predictions per step for scikit-learn's metrics.

    A step is dropped if its weight is 0 or if its target is missing (NaN or None). With several
    outputs per step, a step is dropped if any of its targets is missing. (`LSTMRegressor.score`
    drops only the missing output.)

    Parameters
    ----------
    y_true : array of shape (n, T) or (n, T, k), or list of arrays of shape (T_i,) or (T_i, k)
        Targets. Tuples and object arrays of arrays work too.
    y_pred : array or list
        Predictions for the same steps, in any of these containers: labels, values, probabilities
        (T_i, n_classes) or decision values. The container and k may differ from those of `y_true`.
    sample_weight : array-like of shape (n,), or one weight per step, default=None
        Weights of sequences apply to each of their steps.

    Returns
    -------
    y_true : ndarray of shape (N,) or (N, k)
        Targets of the N steps that are kept. A last axis of length 1 is dropped.
    y_pred : ndarray of shape (N,) or (N, k)
    sample_weight : ndarray of shape (N,)
        Only if weights were passed.

    Raises
    ------
    ValueError
        If the arguments differ in the number of sequences or in the length of a sequence, if a
        sequence has no steps axis, if a weight is negative or not finite, or if no step is left.

    See Also
    --------
    make_step_scorer : The same as a scorer, for cross-validation and searches.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.metrics import accuracy_score
    >>> from sklstm.metrics import flatten_steps
    >>> y_true = [np.array([0, 1, 1]), np.array([1, 0])]
    >>> y_pred = [np.array([0, 1, 0]), np.array([1, 0])]
    >>> accuracy_score(*flatten_steps(y_true, y_pred))
    0.8
    >>> flatten_steps(y_true, y_pred, sample_weight=[np.array([1, 1, 0]), np.array([1, 0])])
    (array([0, 1, 1]), array([0, 1, 1]), array([1., 1., 1.]))
    """
    targets = _Targets.read(y_true, sample_weight)
    return targets.y, targets.matching(y_pred), *targets.weights


def make_step_scorer(
    score_func: str | Callable,
    *,
    response_method: str | list[str] | tuple[str, ...] = "predict",
    greater_is_better: bool = True,
    **kwargs: Any,
) -> StepScorer:
    """Make a scorer that applies a metric to all steps of all sequences.

    Use it as ``scoring=`` for estimators with ``return_sequences=True``: in `cross_val_score`,
    `cross_validate`, `GridSearchCV`, `learning_curve` and everywhere else that takes a scorer.
    Each step counts the same, so a long sequence counts more than a short one. Steps of weight 0
    and steps without a target are dropped, see `flatten_steps`.

    Parameters
    ----------
    score_func : str, scorer or callable
        The name of a scikit-learn scorer ("f1_macro", "neg_log_loss", "r2"), a scorer made by
        `sklearn.metrics.make_scorer`, or a metric ``score_func(y_true, y_pred, **kwargs)``.
    response_method : {"predict", "predict_proba", "decision_function"} or list, default="predict"
        Which predictions a metric takes. A list means: the first method that the estimator has.
    greater_is_better : bool, default=True
        False if the metric is a loss. The scorer then changes its sign.
    **kwargs : dict
        Arguments of the metric, such as ``labels`` or ``pos_label``. This and the two parameters
        above apply to metrics only: a named scorer has its own.

    Returns
    -------
    scorer : StepScorer
        A callable ``scorer(estimator, X, y, sample_weight=None)`` that returns a float. It can be
        pickled and cloned. With metadata routing enabled, request weights with
        ``scorer.set_score_request(sample_weight=True)``.

    Raises
    ------
    ValueError
        If the name is unknown, or if options of a metric come with a name or a scorer.
    TypeError
        If `score_func` is none of the three.

    See Also
    --------
    flatten_steps : Targets and predictions per step as flat arrays, for a metric of your choice.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklstm import LSTMClassifier
    >>> from sklstm.metrics import make_step_scorer
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(size=(rng.integers(5, 15), 2)) for _ in range(60)]
    >>> y = [(x[:, 0] > 0).astype(int) for x in X]
    >>> model = LSTMClassifier(8, return_sequences=True, random_state=0)
    >>> bool(cross_val_score(model, X, y, scoring=make_step_scorer("f1_macro"), cv=3).min() > 0.8)
    True
    """
    options = {"response_method": response_method, "greater_is_better": greater_is_better} | kwargs
    if isinstance(score_func, str) or hasattr(score_func, "get_metadata_routing"):
        if options != {"response_method": "predict", "greater_is_better": True}:
            raise ValueError(
                f"{score_func!r} is a complete scorer, which takes no options. Remove "
                "response_method, greater_is_better and the other keywords, or pass the metric "
                "function from sklearn.metrics instead."
            )
        return StepScorer(get_scorer(score_func))
    if not callable(score_func):
        raise TypeError(
            "score_func must be the name of a scikit-learn scorer, a scorer or a metric function, "
            f"got {score_func!r}."
        )
    return StepScorer(make_scorer(score_func, **options))


class StepScorer:
    """A scikit-learn scorer applied to all steps of all sequences; see `make_step_scorer`.

    Parameters
    ----------
    scorer : callable
        A scorer made by `sklearn.metrics.make_scorer` or `sklearn.metrics.get_scorer`.
    """

    def __init__(self, scorer: Any):
        self.scorer = scorer

    def __repr__(self) -> str:
        return f"StepScorer({self.scorer!r})"

    def __call__(
        self, estimator: Any, X: Any, y: Any, sample_weight: Any = None, **params: Any
    ) -> float:
        """Score the predictions of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            Predicts one row per step for each sequence.
        X : as in the estimator's `predict`
        y : targets per step, as in `flatten_steps`
        sample_weight : array-like of shape (n,), or one weight per step, default=None
        **params : dict
            Other routed metadata, passed to the metric.

        Returns
        -------
        score : float
        """
        targets = _Targets.read(y, sample_weight, name="y")
        # Weights that do no more than drop steps also go with metrics that take no weights.
        if targets.weights and (np.ptp(targets.weights[0]) > 0 or self._accept_sample_weight()):
            params["sample_weight"] = targets.weights[0]
        return self.scorer(_FlatPredictions(estimator, targets), X, targets.y, **params)

    def set_score_request(self, **requests: Any) -> StepScorer:
        """Request metadata for the metric, as scikit-learn's scorers do.

        Parameters
        ----------
        **requests : bool, str or None
            For example ``sample_weight=True``. Needs
            ``sklearn.set_config(enable_metadata_routing=True)``.

        Returns
        -------
        self : StepScorer
        """
        self.scorer.set_score_request(**requests)
        return self

    def get_metadata_routing(self) -> Any:
        """Requested metadata, for scikit-learn's routing.

        Returns
        -------
        routing : MetadataRequest
        """
        return self.scorer.get_metadata_routing()

    def _accept_sample_weight(self) -> bool:  # scikit-learn asks this of scorers without routing
        return self.scorer._accept_sample_weight()


class _FlatPredictions:
    """An estimator as scikit-learn's scorers see it: one flat row of predictions per kept step."""

    def __init__(self, estimator: Any, targets: _Targets):
        self._estimator, self._targets = estimator, targets

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._estimator, name)
        if name == "classes_" and self._targets.y.ndim == 2:
            # One list of classes per label: two labels would be taken for two classes.
            return [np.array([0, 1])] * self._targets.y.shape[1]
        if name not in RESPONSES:
            return value

        @wraps(value)
        def flat(X: Any) -> np.ndarray:
            return self._targets.matching(value(X), f"the result of {name}")

        return flat

    def __sklearn_tags__(self) -> Any:
        return self._estimator.__sklearn_tags__()


@dataclass(frozen=True)
class _Targets:
    """Flat targets of the steps that count.

    Attributes
    ----------
    y : ndarray of shape (N,) or (N, k)
    weights : tuple of one ndarray of shape (N,), or empty if there are none
    lengths : ndarray of shape (n,)
        Steps of each sequence, before any is dropped.
    kept : ndarray of shape (lengths.sum(),), bool
    name : str
        What the user calls the targets, for error messages.
    """

    y: np.ndarray
    weights: tuple[np.ndarray, ...]
    lengths: np.ndarray
    kept: np.ndarray
    name: str

    @classmethod
    def read(cls, y: Any, sample_weight: Any, name: str = "y_true") -> _Targets:
        y, lengths = _flat(y, name)
        kept = ~_is_missing(y).reshape(len(y), -1).any(axis=1)
        weights: tuple[np.ndarray, ...] = ()
        if sample_weight is not None:
            flat = _flat_weights(sample_weight, lengths, name)
            kept &= flat > 0
            weights = (flat[kept],)
        if not kept.any():
            raise ValueError(
                f"There is nothing to score: no step has a target in {name} and a weight above 0."
            )
        y = y[kept]
        if y.dtype == object:  # the missing ones are gone: back to one type
            y = as_entries(y.tolist())
        return cls(y, weights, lengths, kept, name)

    def matching(self, y_pred: Any, name: str = "y_pred") -> np.ndarray:
        """The predictions for the same steps."""
        flat, lengths = _flat(y_pred, name)
        _check_lengths(lengths, name, self.lengths, self.name)
        return flat[self.kept]


def _flat(values: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    """All steps in one array (N,) or (N, k), and how many each sequence has."""
    arrays = _members(values, name)
    if isinstance(arrays, np.ndarray):
        if arrays.ndim not in (2, 3):
            raise ValueError(
                f"{name} has shape {arrays.shape}; expected one row per step: an array (n, T) or "
                "(n, T, k), or a list with one array per sequence."
            )
        flat = arrays.reshape(-1, *arrays.shape[2:])
    else:
        _check_alike(arrays, name)
        flat = concatenated(arrays)
    lengths = np.array([len(array) for array in arrays], dtype=np.int64)
    return (flat[:, 0] if flat.ndim == 2 and flat.shape[1] == 1 else flat), lengths


def _members(values: Any, name: str) -> np.ndarray | list[np.ndarray]:
    """An array of numbers or labels as it is; lists and object arrays as a list of arrays."""
    refuse_container(values, name)
    items = members(values)
    if items is None:
        return as_entries(values)
    if len(items) == 0:
        raise ValueError(f"{name} is empty: it needs at least one sequence.")
    arrays = []
    for k, item in enumerate(items):
        try:
            arrays.append(as_entries(item))
        except ValueError:
            raise ValueError(
                f"Sequence {k} of {name} is not an array: its steps have unequal lengths."
            ) from None
    return arrays


def _check_alike(arrays: list[np.ndarray], name: str) -> None:
    """The sequences may differ in nothing but their lengths."""
    first = arrays[0].shape
    for k, array in enumerate(arrays):
        if array.ndim not in (1, 2) or array.ndim != len(first) or array.shape[1:] != first[1:]:
            expected = f" as in sequence 0 of shape {first}" if k else ": (T,) or (T, k)"
            raise ValueError(
                f"Sequence {k} of {name} has shape {array.shape}; expected one row per step"
                f"{expected}."
            )
    check_one_type(arrays, name, "entries")


def _flat_weights(weights: Any, lengths: np.ndarray, name: str) -> np.ndarray:
    """One weight per step, (N,) float64, finite and 0 or more."""
    if isinstance(weights, Real):
        weights = np.full(len(lengths), weights)
    if not is_nested(weights):  # one per sequence
        values = entries(weights, "sample_weight")
        if values.shape != lengths.shape:
            raise ValueError(
                f"sample_weight has {len(values)} sequences, but {name} has {len(lengths)}: they "
                "must be equal."
            )
        return np.repeat(check_weights(values, place_of, "sample_weight"), lengths)
    values, steps = _flat(weights, "sample_weight")
    _check_lengths(steps, "sample_weight", lengths, name)
    if values.ndim != 1:
        raise ValueError(
            f"sample_weight has {values.shape[1]} columns; expected one weight per step."
        )
    ends = np.cumsum(lengths)

    def place(row: int) -> str:
        k = int(np.searchsorted(ends, row, side="right"))
        return place_of(k, row - int(ends[k] - lengths[k]))

    return check_weights(values, place, "sample_weight")


def _check_lengths(given: np.ndarray, name: str, lengths: np.ndarray, other: str) -> None:
    if len(given) != len(lengths):
        raise ValueError(
            f"{name} has {len(given)} sequences, but {other} has {len(lengths)}: they must be "
            "equal."
        )
    wrong = given != lengths
    if wrong.any():
        k = int(wrong.argmax())
        raise ValueError(
            f"Sequence {k} of {name} has {given[k]} steps, but sequence {k} of {other} has "
            f"{lengths[k]}: they must be equal."
        )


def _is_missing(values: np.ndarray) -> np.ndarray:
    """True at NaN, and at None or pandas' NA in object arrays."""
    if values.dtype.kind == "f":
        return np.isnan(values)
    missing = np.zeros(values.shape, dtype=bool)
    if values.dtype == object:
        missing.flat = [
            isnan(value) if isinstance(value, float) else type(value).__name__ in MISSING
            for value in values.flat
        ]
    return missing
