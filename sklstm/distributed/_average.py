"""Average of models that were trained apart from the same parameters."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import TypeVar

import numpy as np

from sklstm._base import BaseLSTM
from sklstm._snapshots import settled

Model = TypeVar("Model", bound=BaseLSTM)


def average(models: Sequence[Model], weights: Sequence[float] | None = None) -> Model:
    """The average of models that were trained on different data from the same parameters.

    Train copies of one model with ``partial_fit``, each on its own data, then average them, and
    continue from the average. This needs one exchange of parameters for many steps, but the result
    is not that of training on all data at once.

    Parameters
    ----------
    models : sequence of LSTMClassifier or LSTMRegressor
        Fitted models of the same shape.
    weights : sequence of float, default=None
        Weight of each model, usually the number of its sequences. None weights them equally.

    Returns
    -------
    model : LSTMClassifier or LSTMRegressor
        A copy of the first model with the weighted means of ``parameters_`` and of the state of the
        solver. Its counters and records are those of the first model.

    Raises
    ------
    ValueError
        If there are no models, if their networks differ, or if the weights are no finite numbers
        of 0 or more with a positive sum.

    Notes
    -----
    With ``solver="sgd"`` and ``momentum=0``, one step of each model and equal weights, the average
    is the step along the mean gradient. The sums are computed in the order of ``models``, so the
    same order has the same bits.

    Examples
    --------
    >>> from copy import deepcopy
    >>> import numpy as np
    >>> from sklstm import LSTMRegressor
    >>> from sklstm.distributed import average
    >>> rng = np.random.default_rng(0)
    >>> parts = [(rng.normal(size=(8, 5, 2)), rng.normal(size=8)) for _ in range(2)]
    >>> model = LSTMRegressor(4, random_state=0).initialize(n_features=2)
    >>> model = average([deepcopy(model).partial_fit(X, y) for X, y in parts])
    >>> model.predict(parts[0][0]).shape
    (8,)
    """
    models = list(models)
    for k, model in enumerate(models):
        if not isinstance(model, BaseLSTM):
            raise ValueError(
                f"Model {k} is of type {type(model).__name__}; expected an LSTMClassifier or an "
                "LSTMRegressor. Average the networks of pipelines, not the pipelines."
            )
        model._check_fitted()
    given = [settled(model) for model in models]
    if not given:
        raise ValueError("models is empty: pass at least one fitted model.")
    for k, model in enumerate(given):
        same = (
            model._shape == given[0]._shape
            and model.parameters_.dtype == given[0].parameters_.dtype
            and model._solver_state.keys() == given[0]._solver_state.keys()
        )
        if not same:
            raise ValueError(
                f"Model {k} has another network, precision or solver than model 0. Train copies of "
                "one model."
            )
    shares = _shares(weights, len(given))
    mean = deepcopy(given[0])
    mean.parameters_ = weighted_mean([model.parameters_ for model in given], shares)
    states = [model._solver_state for model in given]
    mean._solver_state = {
        name: weighted_mean([state[name] for state in states], shares)
        if isinstance(value, np.ndarray)
        else value
        for name, value in states[0].items()
    }
    return mean


def weighted_mean(arrays: Sequence[np.ndarray], shares: Sequence[float]) -> np.ndarray:
    """Sum of the arrays times their shares, in float64 and in this order, in their precision."""
    total = shares[0] * arrays[0].astype(np.float64)
    for array, share in zip(arrays[1:], shares[1:], strict=True):
        total += share * array.astype(np.float64)
    return total.astype(arrays[0].dtype)


def _shares(weights: Sequence[float] | None, n: int) -> np.ndarray:
    """Weights as shares of 1."""
    given = np.ones(n) if weights is None else np.asarray(weights, dtype=np.float64)
    if given.shape != (n,) or not (np.isfinite(given).all() and (given >= 0).all() and given.any()):
        raise ValueError(
            f"weights is {weights!r}; expected {n} finite numbers of 0 or more, at least one of "
            "them above 0."
        )
    given = given / given.max()
    return given / given.sum()
