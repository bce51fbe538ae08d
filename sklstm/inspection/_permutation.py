"""What the score of a model loses when features or steps are exchanged among sequences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.random import RandomState
from sklearn.base import BaseEstimator
from sklearn.utils import Bunch, check_random_state
from sklearn.utils.parallel import Parallel, delayed

from sklstm._containers import is_frame, members
from sklstm._memory import about, require
from sklstm._numbers import filled
from sklstm._parameters import CONSTRAINTS, setting_of
from sklstm._sequences import Sequences, read_sequences
from sklstm._sklearn import HasMethods, Interval, StrOptions, validate_params
from sklstm.inspection._exchange import Places, edges_of_blocks, read_groups
from sklstm.preprocessing._encoder import SequenceEncoder
from sklstm.preprocessing._transformer import as_given

_AT_LEAST_1 = Interval(Integral, 1, None, closed="left")


@validate_params(
    {
        "estimator": [HasMethods(["fit"])],
        "by": [StrOptions({"feature", "step", "both"})],
        "align": [StrOptions({"start", "end"})],
        "width": [_AT_LEAST_1],
        "features_per_step": [_AT_LEAST_1, None],
        "n_repeats": [_AT_LEAST_1],
        "n_jobs": CONSTRAINTS["n_jobs"],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=False,
)
def permutation_importance(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    by: str = "feature",
    feature_groups: Any = None,
    width: int = 1,
    align: str = "start",
    features_per_step: int | None = None,
    scoring: Any = None,
    sample_weight: Any = None,
    n_repeats: int = 5,
    n_jobs: int | None = None,
    random_state: int | RandomState | None = None,
) -> Bunch | dict[str, Bunch]:
    """How much the score drops when a feature or a step takes the values of other sequences.

    :func:`sklearn.inspection.permutation_importance` does this for tables, this function for
    sequences of any length. A feature or a step that the model does not use has an importance of 0.
    Use data that the model was not trained on: otherwise what it overfits looks important.

    Parameters
    ----------
    estimator : estimator
        Fitted: an estimator of this package or any other that takes `X`, also in a pipeline, a
        search or another meta-estimator.
    X : array of shape (n, T, F), list of (T_i, F) arrays, or table of shape (n, d)
        The sequences, as the estimator takes them. NaN is a value like any other. `X` is not
        changed.
    y : array-like or None
        The targets, as `scoring` takes them.
    by : {"feature", "step", "both"}, default="feature"
        What is exchanged at a time. "feature": a feature at all steps. "step": all features of a
        step. "both": one feature of one step.
    feature_groups : list or dict of groups, default=None
        Features that are exchanged together: each group is a list of features or a single one. A
        feature is a number, or a name if `X` is a list of data frames. Use groups for features that
        carry the same information, each of which may look unimportant alone. None exchanges each
        feature alone. Not with `by="step"`.
    width : int, default=1
        Number of neighbouring steps that are exchanged together. Use more than 1 for long sequences
        whose neighbouring steps carry the same information, each of which may look unimportant
        alone. It also costs fewer predictions. Not with `by="feature"`.
    align : {"start", "end"}, default="start"
        How sequences of unequal lengths are aligned. "start": the first steps of all sequences are
        the same place. "end": the last ones are. No difference for equal lengths.
    features_per_step : int, default=None
        For 2-D `X` only: columns that make one time step. None takes the parameter of this name
        from the estimator or the first of its parts that has one, else 1.
    scoring : str, callable, list, tuple or dict, default=None
        The score, as in scikit-learn: the name of a scorer, or a callable ``scorer(estimator, X,
        y)`` where higher is better. None is `estimator.score`. For metrics of targets per step use
        :func:`sklstm.metrics.make_step_scorer`. Several scores, as a list of names or a dict, cost
        less than several calls.
    sample_weight : array-like, default=None
        Passed to `scoring`: weights per sequence, or per step if it takes them.
    n_repeats : int, default=5
        Number of times that each feature or step is exchanged.
    n_jobs : int, default=None
        Number of threads that score at the same time. None is 1, -1 uses all processors. The
        importances do not depend on it. Use more than 1 for estimators of other packages: those of
        this package already predict with several threads.
    random_state : int, RandomState instance or None, default=None
        Draws who takes values from whom.

    Returns
    -------
    result : Bunch, or dict of them
        ``importances``: the score of `X` minus the score after an exchange. The shape is
        (n_features, n_repeats), (n_steps, n_repeats) or (n_steps, n_features, n_repeats) for `by`
        "feature", "step" and "both". n_steps is the length of the longest sequence divided by
        `width` and rounded up, and n_features is the number of groups if there are any.
        ``importances_mean`` and ``importances_std``: mean and standard deviation over the repeats.
        ``n_sequences`` of shape (n_steps,), unless `by="feature"`: how many sequences have a step
        there. With several scores, a dict of such results by the name of the score.

    Raises
    ------
    ValueError
        If `X` has a single sequence, a parameter has another value, or `feature_groups` or `width`
        has no effect.
    TypeError
        If the estimator has no score, `scoring` returns something else than numbers, or
        `feature_groups` is neither a list nor a dict.

    See Also
    --------
    sklearn.inspection.permutation_importance : The same for tables.
    sklstm.metrics.make_step_scorer : Scores of targets per step.

    Notes
    -----
    **Who takes values from whom.** Each repeat puts all sequences in a circle, in random order.
    Every step takes the values of the same place in the next sequence of the circle that has this
    place. So a sequence takes the whole course of a feature from one other sequence. If that one is
    shorter, the steps that are left come from the sequence after it. At each place the same values
    occur before and after.

    **Compared with scikit-learn**, no sequence keeps its own values. scikit-learn's permutations
    leave one of n where it is on average, which makes its importances smaller by that share.

    **Few sequences at a place.** The score is that of all sequences, so a place that few of them
    have counts little. If only one sequence has it, nothing can be exchanged and its importance is
    0: see ``n_sequences``.

    **Order of the steps.** Entries are in the order of time. With ``align="end"`` the last entry is
    the last step of all sequences. If `width` does not divide the number of steps, the smaller
    block is the last one, or the first one with ``align="end"``.

    **Cost.** One prediction of `X`, and another one per repeat and feature, step or pair of both.
    For long sequences use `width` or fewer sequences.

    **What is scored** are copies of `X`: arrays, lists of arrays, or data frames with the names of
    those in `X`. They are float32 if `X` is, else float64.

    Examples
    --------
    The last step of the first feature decides:

    >>> import numpy as np
    >>> from sklstm import LSTMClassifier
    >>> from sklstm.inspection import permutation_importance
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(size=(rng.integers(3, 6), 2)) for _ in range(200)]
    >>> y = [int(x[-1, 0] > 0) for x in X]
    >>> model = LSTMClassifier(8, random_state=0).fit(X[:100], y[:100])
    >>> by_feature = permutation_importance(model, X[100:], y[100:], random_state=0)
    >>> by_feature.importances.shape
    (2, 5)
    >>> int(by_feature.importances_mean.argmax())
    0
    >>> by_both = permutation_importance(
    ...     model, X[100:], y[100:], by="both", align="end", random_state=0
    ... )
    >>> by_both.importances_mean.shape
    (5, 2)
    >>> bool(by_both.importances_mean[-1, 0] == by_both.importances_mean.max() > 0.3)
    True
    """
    from sklearn.metrics import check_scoring  # costs more than all of sklstm

    _refuse_idle(by, feature_groups, width)
    scorer = check_scoring(estimator, scoring=scoring)
    sequences, names = _read(estimator, X, features_per_step)
    groups = read_groups(feature_groups, sequences.n_features, names)
    if by == "step":
        groups = [np.arange(sequences.n_features)]
    places = Places.of(sequences.lengths, align)
    n_places = len(places.counts)
    edges = edges_of_blocks(n_places, n_places if by == "feature" else width, align)

    rng = check_random_state(random_state)
    require(8 * n_repeats * len(sequences), f"n_repeats={about(n_repeats)}", "Repeat less often.")
    orders = [rng.permutation(len(sequences)) for _ in range(n_repeats)]
    score = _Score(scorer, estimator, X, filled(y), filled(sample_weight), sequences)
    baseline = score.unchanged()
    # Threads share the sequences and need no copy of the estimator; the kernels release the lock.
    scores = Parallel(n_jobs=n_jobs, prefer="threads")(
        delayed(score)(to, source, features)
        for to, source, features in _exchanges(places, orders, edges, groups)
    )

    def result(name: str | None) -> Bunch:
        table = np.array([each[name] for each in scores])
        table = np.moveaxis(table.reshape(n_repeats, len(edges) - 1, len(groups)), 0, -1)
        importances = baseline[name] - {"feature": table[0], "step": table[:, 0]}.get(by, table)
        found = Bunch(
            importances_mean=importances.mean(axis=-1),
            importances_std=importances.std(axis=-1),
            importances=importances,
        )
        if by != "feature":
            found.n_sequences = np.maximum.reduceat(places.counts, edges[:-1])
        return found

    results = {name: result(name) for name in baseline}
    return results.get(None, results)


def _refuse_idle(by: str, feature_groups: Any, width: int) -> None:
    """An error for what has no effect."""
    if by == "step" and feature_groups is not None:
        raise ValueError(
            'feature_groups has no effect with by="step", which exchanges all features of a step: '
            'leave it out, or set by="both".'
        )
    if by == "feature" and width != 1:
        raise ValueError(
            f'width={width} has no effect with by="feature", which exchanges a feature at all '
            'steps: leave it out, or set by="step" or by="both".'
        )


def _read(
    estimator: Any, X: Any, features_per_step: int | None
) -> tuple[Sequences, list[str] | None]:
    """The sequences of X, and the names of their features if there are any."""
    if features_per_step is None:
        fitted = getattr(estimator, "best_estimator_", estimator)
        features_per_step = setting_of(fitted, "features_per_step", 1)
    reader = BaseEstimator()
    try:
        sequences = read_sequences(
            reader, X, reset=True, features_per_step=features_per_step, allow_nan=True
        )
    except ValueError as error:
        if not _encodes(estimator):
            raise
        raise ValueError(
            "The pipeline has a SequenceEncoder, but values are exchanged as numbers: pass what "
            "comes behind it, such as permutation_importance(model[1:], model[:1].transform(X), y)."
        ) from error
    if len(sequences) == 1:
        raise ValueError(
            "X has a single sequence, and values are exchanged among sequences: pass at least two, "
            "such as windows of the one."
        )
    if reader._sequence_input == "table" or not hasattr(reader, "feature_names_in_"):
        return sequences, None
    return sequences, reader.feature_names_in_.tolist()


def _encodes(estimator: Any) -> bool:
    """True if a step of the pipeline, or of the best one of a search, encodes symbols."""
    steps = getattr(getattr(estimator, "best_estimator_", estimator), "steps", [])
    return any(isinstance(step, SequenceEncoder) for _, step in steps)


def _exchanges(
    places: Places, orders: list[np.ndarray], edges: np.ndarray, groups: list[np.ndarray]
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Steps, the steps that they take values from, and features: repeats, blocks, groups."""
    ends = np.append(0, np.cumsum(places.counts))[edges].tolist()
    for order in orders:
        to, source = places.cycle(order)
        for start, end in pairwise(ends):
            for features in groups:
                yield to[start:end], source[start:end], features


@dataclass(frozen=True, eq=False)
class _Score:
    """The scores by name, None for a single one, when steps take the values of others."""

    scorer: Any
    estimator: Any
    X: Any
    y: Any
    sample_weight: Any
    sequences: Sequences

    def __call__(
        self, to: np.ndarray, source: np.ndarray, features: np.ndarray
    ) -> dict[str | None, float]:
        values = np.array(self.sequences.values)
        values[np.ix_(to, features)] = self.sequences.values[np.ix_(source, features)]
        return self._of(values)

    def unchanged(self) -> dict[str | None, float]:
        """Of a copy, since the estimator may work in place."""
        return self._of(np.array(self.sequences.values))

    def _of(self, values: np.ndarray) -> dict[str | None, float]:
        X = _in_frames(as_given(values, self.sequences), self.X)
        weights = {} if self.sample_weight is None else {"sample_weight": self.sample_weight}
        scores = self.scorer(self.estimator, X, self.y, **weights)
        scores = scores if isinstance(scores, dict) else {None: scores}
        return {name: _number(score) for name, score in scores.items()}


def _number(score: Any) -> float:
    if getattr(score, "ndim", None) == 0:
        score = score.item()
    if not isinstance(score, Real):
        raise TypeError(
            f"scoring returned {score!r} of type {type(score).__name__}: it must return a number, "
            "or a dict of numbers by name."
        )
    return float(score)


def _in_frames(values: Any, X: Any) -> Any:
    """``values`` in data frames where X has them, for estimators that know columns by name."""
    if is_frame(X):
        return _in_frame(values, X)
    items = members(X)
    if items is None or not is_frame(items[0]):
        return values
    return [_in_frame(steps, frame) for steps, frame in zip(values, items, strict=True)]


def _in_frame(values: np.ndarray, frame: Any) -> Any:
    if hasattr(frame, "iloc"):
        return type(frame)(values, columns=frame.columns, index=frame.index)
    return type(frame)(values, schema=frame.columns, orient="row")  # polars
