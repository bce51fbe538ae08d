"""What each feature at each step adds to an output: gradients at the inputs of a network."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from sklstm._base import BaseLSTM
from sklstm._label_outputs import Labels
from sklstm._network import Network
from sklstm._numbers import row_of_numbers
from sklstm._sequences import Sequences
from sklstm._threads import effective_n_jobs
from sklstm.preprocessing._transformer import as_given

METHODS = ("gradient", "integrated")
POINTS = (16, 32, 64, 128, 256)  # of the path from the baseline
EXACT = 1e-7  # parts of an output by which the sum of attributions may miss it: points are enough
ROUGH = 1e-2  # and more than which is told


def attributions(
    estimator: Any,
    X: Any,
    *,
    method: str = "integrated",
    target: Any = None,
    step: int = -1,
    baseline: Any = None,
) -> Any:
    """How much each feature at each step adds to an output.

    Parameters
    ----------
    estimator : LSTMClassifier or LSTMRegressor
        Fitted.
    X : array of shape (n, T, F), list of (T_i, F) arrays, or table of shape (n, d)
        The sequences.
    method : {"integrated", "gradient"}, default="integrated"
        "gradient" is the derivative of the output by each value: what a small change of it would
        do. "integrated" multiplies the distance of each value from the baseline by the mean
        gradient on the way there (integrated gradients, [1]_). Its sum over all features and
        steps is the output less that for the baseline, to 1e-7 of the outputs. With
        `pooling="max"`, whose gradient jumps on the way, it is less exact.
    target : label or int, default=None
        Which output. Classifiers: a class, or of multilabel outputs its column. None is the class
        that is predicted for each sequence; with two classes it is the second one. Regressors: the
        number of the output, which a single one does not need.
    step : int, default=-1
        With `return_sequences`: the step whose output is explained; negative ones count from the
        end of each sequence.
    baseline : float or array-like of shape (F,), default=None
        For "integrated": what a feature is compared with, at all steps. None is 0, the mean of
        features that went through `SequenceScaler`.

    Returns
    -------
    attributions : array or list
        One number for each feature of each step, float64, in the container and shape of `X`: in
        units of the decision value before the softmax or logistic function (classifiers), or of
        y (regressors; with `out_activation`, or the exponential of "poisson", before these).

    Raises
    ------
    TypeError
        If the estimator is not one of this package (take it out of a pipeline or a search).
    sklearn.exceptions.NotFittedError
        If it has no parameters yet.
    ValueError
        If a parameter or X is not valid, or the regressor predicts several quantiles.

    Warns
    -----
    UserWarning
        If the sum misses the difference of the outputs by more than 0.01 with 256 points on the
        way from the baseline.

    Notes
    -----
    The gradient is the full one, whatever the model was trained with, in float64.

    References
    ----------
    .. [1] M. Sundararajan, A. Taly and Q. Yan, "Axiomatic attribution for deep networks", ICML
       2017.

    Examples
    --------
    The class depends on the first feature at the third step:

    >>> import numpy as np
    >>> from sklstm import LSTMClassifier
    >>> from sklstm.inspection import attributions
    >>> X = np.random.default_rng(0).normal(size=(300, 6, 2))
    >>> model = LSTMClassifier(8, random_state=0).fit(X, X[:, 2, 0] > 0)
    >>> parts = attributions(model, X)
    >>> parts.shape
    (300, 6, 2)
    >>> size = np.abs(parts).mean(axis=0)
    >>> step, feature = np.unravel_index(size.argmax(), size.shape)
    >>> int(step), int(feature)
    (2, 0)
    """
    if not isinstance(estimator, BaseLSTM):
        raise TypeError(
            f"{type(estimator).__name__} is not an LSTMClassifier or LSTMRegressor. Take the last "
            "step out of a pipeline and pass X as its transformers return it; out of a search, "
            "take best_estimator_."
        )
    if method not in METHODS:
        raise ValueError(f"method must be 'integrated' or 'gradient', got {method!r}.")
    estimator._check_fitted()
    given = estimator._read_fitted(X)
    sequences = Sequences(given.values.astype(np.float64), given.offsets, given.container)
    network = estimator._network(estimator.parameters_.astype(np.float64))
    n_threads = effective_n_jobs(estimator.n_jobs)
    factors = _factors(estimator, network, sequences, target, step, n_threads)
    if method == "gradient":
        return as_given(network.feature_gradient(sequences, factors, n_threads), given)
    centre = _baseline(baseline, sequences)
    return as_given(_integrated(network, sequences, factors, centre, n_threads), given)


def _integrated(
    network: Network,
    sequences: Sequences,
    factors: np.ndarray,
    centre: np.ndarray,
    n_threads: int,
) -> np.ndarray:
    """Distances from the baseline times mean gradients, (N, F), by Gauss and Legendre."""
    apart = sequences.values - centre

    def at(share: float) -> Sequences:
        return Sequences(centre + share * apart, sequences.offsets, sequences.container)

    def values(some: Sequences) -> np.ndarray:
        rows = (network.output(some, n_threads) * factors).sum(axis=1)
        if not network.return_sequences:
            return rows
        return np.add.reduceat(rows, sequences.offsets[:-1])

    end, start = values(at(1.0)), values(at(0.0))
    size = np.maximum(1.0, np.maximum(np.abs(end), np.abs(start)))
    for n_points in POINTS:
        places, shares = np.polynomial.legendre.leggauss(n_points)
        total = np.zeros_like(apart)
        for place, share in zip((places + 1) / 2, shares / 2, strict=True):
            total += share * network.feature_gradient(at(place), factors, n_threads)
        total *= apart
        sums = np.add.reduceat(total.sum(axis=1), sequences.offsets[:-1])
        missed = np.abs(sums - (end - start)) / size
        if (missed <= EXACT).all():
            return total
    k = int(missed.argmax())
    if missed[k] <= ROUGH:
        return total
    warnings.warn(
        f"The attributions of sequence {k} add up to {sums[k]:.6g} instead of "
        f"{end[k] - start[k]:.6g}: the output changes too fast on the way from the baseline for "
        f"{POINTS[-1]} points. Choose a baseline that is nearer.",
        UserWarning,
        stacklevel=3,
    )
    return total


def _factors(
    estimator: Any,
    network: Network,
    sequences: Sequences,
    target: Any,
    step: int,
    n_threads: int,
) -> np.ndarray:
    """What raw outputs (rows, K) are multiplied by, so that their sum is what is explained."""
    outputs = estimator._outputs_now()
    rows = _rows(sequences, step) if network.return_sequences else np.arange(len(sequences))
    n = len(sequences.values) if network.return_sequences else len(sequences)
    factors = np.zeros((n, outputs.n_raw))
    if isinstance(outputs, Labels):
        columns, signs = _of_labels(outputs, network, sequences, rows, target, n_threads)
        factors[rows, columns] = signs
        return factors
    if isinstance(outputs.quantile, tuple):
        raise ValueError(
            f"The regressor predicts {len(outputs.quantile)} quantiles from one another: explain "
            "one that was fitted with a single number as quantile."
        )
    column = _number(target, outputs.n_outputs)
    linear = outputs.activation == "identity"
    factors[rows, column] = np.broadcast_to(outputs.scale, outputs.n_outputs)[column]
    if not linear or outputs.loss == "poisson":
        factors[rows, column] = 1.0
    return factors


def _of_labels(
    outputs: Labels,
    network: Network,
    sequences: Sequences,
    rows: np.ndarray,
    target: Any,
    n_threads: int,
) -> tuple[np.ndarray, float]:
    """Columns of the raw outputs for these rows, and their sign."""
    classes = outputs.classes.tolist()
    if target is None and outputs.n_raw == 1:
        return np.zeros(len(rows), int), 1.0
    if target is None and not outputs.multilabel:
        return network.output(sequences, n_threads)[rows].argmax(axis=1), 1.0
    if target not in classes:
        raise ValueError(f"target must be one of the classes {classes}, got {target!r}.")
    index = classes.index(target)
    if outputs.n_raw == 1:
        return np.zeros(len(rows), int), 1.0 if index == 1 else -1.0
    return np.full(len(rows), index), 1.0


def _number(target: Any, n_outputs: int) -> int:
    if target is None and n_outputs == 1:
        return 0
    if isinstance(target, bool) or not isinstance(target, (int, np.integer)):
        raise ValueError(
            f"target must be the number of an output, 0 to {n_outputs - 1}, got {target!r}."
        )
    if not 0 <= target < n_outputs:
        raise ValueError(f"target is {target}, but outputs are numbered 0 to {n_outputs - 1}.")
    return int(target)


def _rows(sequences: Sequences, step: Any) -> np.ndarray:
    """The row of the step that is explained, of each sequence."""
    if isinstance(step, bool) or not isinstance(step, (int, np.integer)):
        raise ValueError(f"step must be an int, got {step!r}.")
    places = np.where(step < 0, sequences.lengths + step, step)
    bad = (places < 0) | (places >= sequences.lengths)
    if bad.any():
        k = int(bad.argmax())
        raise ValueError(
            f"step is {step}, but sequence {k} has {sequences.lengths[k]} steps: choose a step "
            "that all have, or leave the sequence out."
        )
    return sequences.offsets[:-1] + places


def _baseline(baseline: Any, sequences: Sequences) -> np.ndarray:
    """(F,)."""
    row = row_of_numbers(0.0 if baseline is None else baseline)
    if row is None or len(row) not in (1, sequences.n_features) or not np.isfinite(row).all():
        raise ValueError(
            f"baseline must be a finite number, or {sequences.n_features} of them, one for each "
            f"feature, got {baseline!r}."
        )
    return np.broadcast_to(row, sequences.n_features)
