"""permutation_importance: the drop of the score if sequences exchange features or steps."""

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

from sklstm._containers import Frame, is_frame, members
from sklstm._lists import lists_of
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
    """Measure how much the score drops if sequences exchange a feature or a step.

    It is the counterpart of :func:`sklearn.inspection.permutation_importance` for sequences of any
    length. A feature or step that the model does not use has an importance of 0. Use data that the
    model was not trained on. Otherwise features that it overfits look important.

    Parameters
    ----------
    estimator : estimator
        Fitted estimator, of this package or any other that takes ``X``. It may be a pipeline, a
        search or another meta-estimator.
    X : array of shape (n, T, F), list of (T_i, F) arrays, or table of shape (n, d)
        Sequences, as the estimator takes them. NaN is exchanged like any other value. ``X`` is not
        changed.
    y : array-like or None
        Targets, as ``scoring`` takes them.
    by : {"feature", "step", "both"}, default="feature"
        What sequences exchange: "feature" a feature at all steps, "step" all features of a step,
        "both" one feature of one step.
    feature_groups : list or dict of groups, default=None
        Features that are exchanged together. Each group is a list of features or a single feature.
        A feature is a number, or a name if ``X`` is a list of data frames. Use groups for features
        that carry the same information, because each of them may look unimportant alone. None
        exchanges each feature alone. An error is raised with ``by="step"``.
    width : int, default=1
        Number of neighbouring steps that are exchanged together. Use more than 1 for long sequences
        if neighbouring steps carry the same information, because each of them may look unimportant
        alone. It also needs fewer predictions. An error is raised with ``by="feature"``.
    align : {"start", "end"}, default="start"
        How sequences of unequal lengths are aligned: at their first steps or at their last steps.
        Use "end" if the steps before the end matter. No effect for equal lengths.
    features_per_step : int, default=None
        For 2-D ``X`` only: number of columns of one time step. None takes the parameter of this
        name from the estimator or the first of its parts that has it, else 1.
    scoring : str, callable, list, tuple or dict, default=None
        Score, as in scikit-learn: the name of a scorer, or a callable
        ``scorer(estimator, X, y)`` where higher is better. None is ``estimator.score``. For metrics
        of targets per step use :func:`sklstm.metrics.make_step_scorer`. Pass a list of names or a
        dict for several scores: one call is cheaper than several.
    sample_weight : array-like, default=None
        Weights that are passed to ``scoring``, per sequence, or per step if the scorer takes these.
    n_repeats : int, default=5
        Number of times that each feature or step is exchanged. Increase it if the standard
        deviations are large.
    n_jobs : int, default=None
        Number of threads that score at the same time. None is 1, -1 uses all processors. The
        importances do not depend on it. Increase it for estimators of other packages. Those of this
        package already predict with several threads.
    random_state : int, RandomState instance or None, default=None
        Draws the order of the sequences. Pass an int for reproducible results.

    Returns
    -------
    result : Bunch, or dict of Bunch
        ``importances``: the score of ``X`` minus the score after an exchange, in the unit of the
        score. Its shape is (n_features, n_repeats), (n_steps, n_repeats) or
        (n_steps, n_features, n_repeats) for ``by`` "feature", "step" and "both". n_steps is the
        length of the longest sequence divided by ``width`` and rounded up. n_features is the number
        of groups if there are any. ``importances_mean`` and ``importances_std``: mean and standard
        deviation over the repeats. ``n_sequences`` of shape (n_steps,), unless ``by="feature"``:
        the number of sequences that have each step. For several scores, a dict with a Bunch per
        name of a score.

    Raises
    ------
    ValueError
        If ``X`` has a single sequence, a parameter has another value, or ``feature_groups`` or
        ``width`` has no effect.
    TypeError
        If the estimator has no score, ``scoring`` returns values other than numbers, or
        ``feature_groups`` is neither a list nor a dict.

    See Also
    --------
    sklearn.inspection.permutation_importance : The same for tables.
    sklstm.metrics.make_step_scorer : Make a scorer of targets per step.

    Notes
    -----
    **Exchange.** Each repeat arranges all sequences in a circle, in random order. Every step takes
    the values at the same place of the next sequence of the circle that has this place. So a
    sequence takes the values of a feature at all steps from one other sequence. If that sequence is
    shorter, the remaining steps come from the sequence after it. The values at a place are the same
    before and after, in another order.

    **Difference from scikit-learn.** No sequence keeps its own values. In a permutation of
    scikit-learn, on average one of n keeps them, which makes its importances smaller by that share.

    **Few sequences at a place.** The score is that of all sequences, so a place that few sequences
    have counts little. If only one sequence has it, nothing can be exchanged and its importance is
    0. ``n_sequences`` shows the number of sequences.

    **Order of the steps.** Entries are in the order of time. With ``align="end"`` the last entry is
    the last step of all sequences. If ``width`` does not divide the number of steps, the smaller
    block is the last one, or the first one with ``align="end"``.

    **Cost.** One prediction of ``X``, and one per repeat and feature, step, or pair of both. For
    long sequences increase ``width`` or pass fewer sequences.

    **Input of the estimator.** The estimator gets copies of ``X``: arrays, lists of arrays, or data
    frames with the column names of ``X``. They are float32 if ``X`` is, else float64.

    Examples
    --------
    The target depends on the last step of the first feature:

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
    if lists_of(X, "X") is not None:
        X = [names and Frame(np.empty((0, len(names))), names)] * len(sequences)
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
    """Raise an error for an argument that has no effect."""
    if by == "step" and feature_groups is not None:
        raise ValueError(
            'feature_groups has no effect with by="step", which exchanges all features of a step: '
            'remove it, or set by="both".'
        )
    if by == "feature" and width != 1:
        raise ValueError(
            f'width={width} has no effect with by="feature", which exchanges a feature at all '
            'steps: remove it, or set by="step" or by="both".'
        )


def _read(
    estimator: Any, X: Any, features_per_step: int | None
) -> tuple[Sequences, list[str] | None]:
    """The sequences of X, and the names of their features or None."""
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
            "The pipeline has a SequenceEncoder, but only numbers can be exchanged: pass the steps "
            "after it and the encoded X, such as "
            "permutation_importance(model[1:], model[:1].transform(X), y)."
        ) from error
    if len(sequences) == 1:
        raise ValueError(
            "X has a single sequence, but sequences exchange values: pass at least two, such as "
            "windows of the one."
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
    """For each repeat, block and group: the steps, the steps of the new values, the features."""
    ends = np.append(0, np.cumsum(places.counts))[edges].tolist()
    for order in orders:
        to, source = places.cycle(order)
        for start, end in pairwise(ends):
            for features in groups:
                yield to[start:end], source[start:end], features


@dataclass(frozen=True, eq=False)
class _Score:
    """Scores by name after an exchange. The name of a single score is None."""

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
        """The scores without an exchange, of a copy: the estimator may change X in place."""
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
            f"scoring returned {score!r} of type {type(score).__name__}: it must return a number "
            "or a dict of numbers."
        )
    return float(score)


def _in_frames(values: Any, X: Any) -> Any:
    """``values`` as data frames if X has them, for estimators that use column names."""
    if is_frame(X):
        return _in_frame(values, X)
    items = members(X)
    if items is None or not is_frame(items[0]):
        return values
    return [_in_frame(steps, frame) for steps, frame in zip(values, items, strict=True)]


def _in_frame(values: np.ndarray, frame: Any) -> Any:
    if isinstance(frame, Frame):
        return Frame(values, frame.columns)
    if hasattr(frame, "iloc"):
        return type(frame)(values, columns=frame.columns, index=frame.index)
    return type(frame)(values, schema=frame.columns, orient="row")  # polars
