"""A scorer of scikit-learn, applied to all steps of all sequences."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer, make_scorer

from sklstm.metrics._flat import FlatTargets

RESPONSES = ("predict", "predict_proba", "predict_log_proba", "decision_function")


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
        targets = FlatTargets.read(y, sample_weight, name="y")
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

    def __init__(self, estimator: Any, targets: FlatTargets):
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
