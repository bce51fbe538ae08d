"""attributions: gradients and integrated gradients with respect to the features of each step."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklstm._base import BaseLSTM
from sklstm._label_outputs import Labels
from sklstm._network import Network
from sklstm._numbers import row_of_numbers
from sklstm._sequences import Sequences
from sklstm._snapshots import settled
from sklstm._targets import Examples, Rows
from sklstm._threads import effective_n_jobs
from sklstm.inspection._plain import plain
from sklstm.inspection._states import gradient_in_use
from sklstm.preprocessing._transformer import as_given

GROUP = 64  # sequences that are processed together
METHODS = ("gradient", "integrated")
POINTS = 16  # of the quadrature on one interval of the path from the baseline
EXACT = 1e-9  # largest error of the sum over an interval, relative to the output
SHORTEST = 2.0**-30  # an interval; a jump of the gradient in it adds no visible error
MOST_PIECES = 20_000


def attributions(
    estimator: Any,
    X: Any,
    *,
    method: str = "integrated",
    target: Any = None,
    step: int = -1,
    baseline: Any = None,
) -> Any:
    """Compute how much each feature at each step contributes to an output.

    Parameters
    ----------
    estimator : LSTMClassifier or LSTMRegressor
        Fitted estimator. For a pipeline, pass its last step and the transformed ``X``.
    X : array of shape (n, T, F), list of (T_i, F) arrays, or table of shape (n, d)
        Sequences.
    method : {"integrated", "gradient"}, default="integrated"
        "gradient" is the derivative of the output with respect to each value. It shows the effect
        of a small change. "integrated" multiplies the distance of each value from the baseline by
        the mean gradient on the path from the baseline (integrated gradients, [1]_). Its sum over
        all features and steps is the output minus the output for the baseline. Use "gradient" if
        time matters: it needs a single pass.
    target : label or int, default=None
        Output to explain. For a classifier it is a class, or the column of a multilabel output.
        None explains the predicted class of each sequence, and the second class if there are two.
        For a regressor it is the number of the output. None is allowed if there is only one.
    step : int, default=-1
        Step whose output is explained, with ``return_sequences``. Negative numbers count from the
        end of each sequence. Ignored without ``return_sequences``.
    baseline : float or array-like of shape (F,), default=None
        Value of each feature, in its unit, that "integrated" compares all steps with. None is 0,
        the mean of features that :class:`~sklstm.preprocessing.SequenceScaler` has scaled. Set it
        if another value of a feature is neutral. A category is compared with no category. The
        attribution of a categorical feature is that of the category at the step.

    Returns
    -------
    attributions : array or list
        One float64 per feature and step, in the container type and shape of ``X``. The unit is that
        of the decision value before the softmax or logistic function (classifiers) or of y
        (regressors). With ``out_activation`` or ``loss="poisson"`` it is that of the raw output
        before the activation or the exponential.

    Raises
    ------
    TypeError
        If the estimator is not one of this package. Take it out of a pipeline or a search.
    sklearn.exceptions.NotFittedError
        If the estimator is neither fitted nor initialised.
    ValueError
        If a parameter or ``X`` is not valid, or if the regressor predicts several quantiles.

    Warns
    -----
    UserWarning
        If the output changes so fast on the path from the baseline that the attributions do not
        add up to the difference of the outputs.

    See Also
    --------
    AttributionDisplay : Plot the attributions of one sequence.
    permutation_importance : Importance of features and steps for the score of a model.

    Notes
    -----
    The full gradient is used, in float64, even if the model was trained with the truncated one.

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
            f"{type(estimator).__name__} is not an LSTMClassifier or LSTMRegressor. For a "
            "pipeline, pass model[-1] and model[:-1].transform(X). For a search, pass "
            "model.best_estimator_."
        )
    if method not in METHODS:
        raise ValueError(f"method must be 'integrated' or 'gradient', got {method!r}.")
    estimator._check_fitted()
    estimator = settled(estimator)
    given = estimator._read_fitted(X)
    numbers = _left(estimator)
    centre = _baseline(baseline, estimator._n_step_features)[numbers]
    found = np.empty((given.n_steps, estimator._n_step_features))
    for first in range(0, len(given), GROUP):
        some = slice(first, first + GROUP)
        start, stop = given.offsets[first], given.offsets[min(first + GROUP, len(given))]
        parts = _attributions(estimator, given.take(some), method, target, step, centre, first)
        found[start:stop] = parts
    return as_given(found, given)


def _left(estimator: Any) -> np.ndarray:
    """Numbers of the features that are not categorical."""
    known, n_features = estimator._categories, estimator._n_step_features
    return np.arange(n_features) if known is None else known.left(n_features)


def _attributions(
    estimator: Any,
    given: Sequences,
    method: str,
    target: Any,
    step: int,
    centre: np.ndarray,
    first: int,
) -> np.ndarray:
    """Attributions of a group of sequences, one row per step.

    ``first`` is the number of the first sequence of the group.
    """
    net, n_threads = plain(estimator, given), effective_n_jobs(estimator.n_jobs)
    gradient, sequences = gradient_in_use(estimator), net.sequences
    network = Network(net.topology, net.vector, gradient, estimator.return_sequences)
    factors = _factors(estimator, network, sequences, target, step, n_threads)
    if method == "gradient":
        parts = network.feature_gradient(sequences, factors, n_threads)
    else:  # the baseline of a category is no category
        centre = np.pad(centre, (0, sequences.n_features - len(centre)))
        parts = _integrated(network, sequences, factors, centre, n_threads, first)
    found = np.empty((len(parts), estimator._n_step_features))
    numbers = _left(estimator)
    found[:, numbers] = parts[:, : len(numbers)]
    if estimator._categories is not None:
        parts = np.pad(parts, ((0, 0), (0, 1)))  # column -1, no category, has an attribution of 0
        of_step = np.take_along_axis(parts, net.columns, axis=1)
        found[:, estimator._categories.features] = of_step
    return found


def _integrated(
    network: Network,
    sequences: Sequences,
    factors: np.ndarray,
    centre: np.ndarray,
    n_threads: int,
    first: int,
) -> np.ndarray:
    """Distances from the baseline times mean gradients on the path from it, (N, F).

    The integral uses Gauss-Legendre quadrature on intervals of the path. An interval is halved for
    sequences whose sum differs from the change of the output: their gradient changes fast, or it
    jumps, as with ``pooling="max"``.
    """
    rows = Rows(sequences, network.return_sequences)
    examples = Examples(rows, factors, np.ones(len(rows)))
    apart, total = sequences.values - centre, np.zeros_like(sequences.values)
    places, shares = np.polynomial.legendre.leggauss(POINTS)
    places, shares = (places + 1) / 2, shares / 2
    pieces = [(0.0, 1.0, np.arange(len(sequences)))]
    for _ in range(MOST_PIECES):
        if not pieces:
            return total
        start, stop, chosen = pieces.pop()
        some = examples.take(chosen)
        way = Way(network, some, centre, n_threads)
        steps = np.concatenate([np.arange(*sequences.offsets[k : k + 2]) for k in chosen])
        parts = sum(
            share * way.gradient(start + place * (stop - start))
            for place, share in zip(places, shares, strict=True)
        )
        parts *= (stop - start) * apart[steps]
        offsets = some.rows.sequences.offsets
        ends = way.values(stop), way.values(start)
        missed = np.abs(np.add.reduceat(parts.sum(axis=1), offsets[:-1]) - (ends[0] - ends[1]))
        again = missed > EXACT * np.maximum(1.0, np.abs(ends).max(axis=0))
        again &= stop - start > SHORTEST
        kept = np.repeat(~again, np.diff(offsets))
        total[steps[kept]] += parts[kept]
        if again.any():
            middle = (start + stop) / 2
            pieces += [(start, middle, chosen[again]), (middle, stop, chosen[again])]
    for start, stop, chosen in pieces:  # the rest by the gradient at the midpoint
        way = Way(network, examples.take(chosen), centre, n_threads)
        steps = np.concatenate([np.arange(*sequences.offsets[k : k + 2]) for k in chosen])
        total[steps] += (stop - start) * way.gradient((start + stop) / 2) * apart[steps]
    warnings.warn(
        f"The output of sequence {first + pieces[0][2][0]} changes too fast on the path from the "
        "baseline: its attributions do not add up to the difference of the outputs. Choose a "
        "baseline that is closer to the sequence.",
        UserWarning,
        stacklevel=3,
    )
    return total


@dataclass(frozen=True)
class Way:
    """The path from the baseline to some sequences: outputs and gradients at points of it."""

    network: Network
    examples: Examples  # its targets are the factors of the raw outputs
    centre: np.ndarray
    n_threads: int

    def at(self, share: float) -> Sequences:
        ends = self.examples.rows.sequences
        values = self.centre + share * (ends.values - self.centre)
        return Sequences(values, ends.offsets, ends.container)

    def gradient(self, share: float) -> np.ndarray:
        factors = self.examples.targets
        return self.network.feature_gradient(self.at(share), factors, self.n_threads)

    def values(self, share: float) -> np.ndarray:
        """One output per sequence."""
        raw = self.network.output(self.at(share), self.n_threads)
        values = (raw * self.examples.targets).sum(axis=1)
        if not self.network.return_sequences:
            return values
        return np.add.reduceat(values, self.examples.rows.sequences.offsets[:-1])


def _factors(
    estimator: Any,
    network: Network,
    sequences: Sequences,
    target: Any,
    step: int,
    n_threads: int,
) -> np.ndarray:
    """Factors of the raw outputs (rows, K). The sum of the products is the explained output."""
    outputs = estimator._outputs_now()
    rows = _rows(sequences, step) if network.return_sequences else np.arange(len(sequences))
    n = sequences.n_steps if network.return_sequences else len(sequences)
    factors = np.zeros((n, outputs.n_raw))
    if isinstance(outputs, Labels):
        columns, signs = _of_labels(outputs, network, sequences, rows, target, n_threads)
        factors[rows, columns] = signs
        return factors
    if isinstance(outputs.quantile, tuple):
        raise ValueError(
            f"The regressor predicts {len(outputs.quantile)} quantiles, each relative to another: "
            "fit one with a single number as quantile and explain that one."
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
    """The column of the raw outputs for each of these rows, and its sign."""
    classes = outputs.classes.tolist()
    if target is None and outputs.n_raw == 1:
        return np.zeros(len(rows), int), 1.0
    if target is None and not outputs.multilabel:
        return network.output(sequences, n_threads)[rows].argmax(axis=1), 1.0
    if np.ndim(target) != 0 or target not in classes:
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
    """The row of the explained step of each sequence."""
    if isinstance(step, bool) or not isinstance(step, (int, np.integer)):
        raise ValueError(f"step must be an int, got {step!r}.")
    places = np.where(step < 0, sequences.lengths + step, step)
    bad = (places < 0) | (places >= sequences.lengths)
    if bad.any():
        k = int(bad.argmax())
        raise ValueError(
            f"step is {step}, but sequence {k} has {sequences.lengths[k]} steps: choose a step "
            "that all sequences have, or leave the sequence out."
        )
    return sequences.offsets[:-1] + places


def _baseline(baseline: Any, n_features: int) -> np.ndarray:
    """The baseline of each feature, (F,)."""
    row = row_of_numbers(0.0 if baseline is None else baseline)
    if row is None or len(row) not in (1, n_features) or not np.isfinite(row).all():
        raise ValueError(
            f"baseline must be a finite number, or {n_features} of them, one per feature, got "
            f"{baseline!r}."
        )
    return np.broadcast_to(row, n_features)
