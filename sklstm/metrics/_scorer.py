"""scikit-learn scorers, applied to all steps of all sequences."""

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

    Use it as ``scoring=`` for estimators with ``return_sequences=True``: in ``cross_val_score``,
    ``cross_validate``, ``GridSearchCV``, ``learning_curve`` and every other function that accepts a
    scorer. Each step counts the same, so a long sequence counts more than a short one. Steps with
    weight 0 and steps without a target are dropped, see :func:`flatten_steps`.

    Parameters
    ----------
    score_func : str, scorer or callable
        Name of a scikit-learn scorer ("f1_macro", "neg_log_loss", "r2"), a scorer made by
        :func:`sklearn.metrics.make_scorer`, or a metric ``score_func(y_true, y_pred, **kwargs)``.
    response_method : {"predict", "predict_proba", "decision_function"} or list, default="predict"
        Method whose predictions the metric receives. With a list, the first method that the
        estimator has is used. Change it for metrics of probabilities or decision values.
    greater_is_better : bool, default=True
        Set it to False if the metric is a loss. The scorer then changes its sign.
    **kwargs : dict
        Arguments of the metric, such as ``labels`` or ``pos_label``. They and the two parameters
        above apply to metrics only, because a scorer has its own.

    Returns
    -------
    scorer : StepScorer
        Callable ``scorer(estimator, X, y, sample_weight=None)`` that returns a float. It can be
        pickled and cloned. With metadata routing enabled, request weights with
        ``scorer.set_score_request(sample_weight=True)``.

    Raises
    ------
    ValueError
        If the name is unknown, or if options of a metric are passed with a name or a scorer.
    TypeError
        If ``score_func`` is not a str, a scorer or a callable.

    See Also
    --------
    flatten_steps : Flat arrays of targets and predictions, for a metric of your choice.

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
                f"{score_func!r} is a complete scorer and accepts no options. Remove "
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
    """scikit-learn scorer applied to all steps of all sequences; see :func:`make_step_scorer`.

    Parameters
    ----------
    scorer : callable
        Scorer made by :func:`sklearn.metrics.make_scorer` or :func:`sklearn.metrics.get_scorer`.
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
            Fitted estimator that predicts one row per step for each sequence.
        X : array of shape (n, T, F), list of (T_i, F) arrays, or table of shape (n, d)
            The sequences.
        y : array or list
            True targets per step, as in :func:`flatten_steps`.
        sample_weight : array-like of shape (n,), or one weight per step, default=None
            Weights of sequences or steps. None is 1.
        **params : dict
            Other routed metadata, passed to the metric.

        Returns
        -------
        score : float
            Score over all steps. Higher is better.
        """
        targets = FlatTargets.read(y, sample_weight, name="y")
        # Equal weights have only dropped steps, so metrics without weights work too.
        if targets.weights and (np.ptp(targets.weights[0]) > 0 or self._accept_sample_weight()):
            params["sample_weight"] = targets.weights[0]
        return self.scorer(_FlatPredictions(estimator, targets), X, targets.y, **params)

    def set_score_request(self, **requests: Any) -> StepScorer:
        """Request metadata for the metric, as scikit-learn's scorers do.

        Parameters
        ----------
        **requests : bool, str or None
            Requests by name, for example ``sample_weight=True``. They need
            ``sklearn.set_config(enable_metadata_routing=True)``.

        Returns
        -------
        self : StepScorer
            The scorer itself.
        """
        self.scorer.set_score_request(**requests)
        return self

    def get_metadata_routing(self) -> Any:
        """Return the requested metadata for scikit-learn's metadata routing.

        Returns
        -------
        routing : MetadataRequest
            Metadata that the metric requests.
        """
        return self.scorer.get_metadata_routing()

    def _accept_sample_weight(self) -> bool:  # scikit-learn asks this of scorers without routing
        return self.scorer._accept_sample_weight()


class _FlatPredictions:
    """Wrapper that shows scikit-learn's scorers flat predictions of the scored steps."""

    def __init__(self, estimator: Any, targets: FlatTargets):
        self._estimator, self._targets = estimator, targets

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._estimator, name)
        if name == "classes_" and self._targets.y.ndim == 2:
            # One list of classes per label, or scorers would take two labels for two classes.
            return [np.array([0, 1])] * self._targets.y.shape[1]
        if name not in RESPONSES:
            return value

        @wraps(value)
        def flat(X: Any) -> np.ndarray:
            return self._targets.matching(value(X), f"the result of {name}")

        return flat

    def __sklearn_tags__(self) -> Any:
        return self._estimator.__sklearn_tags__()
