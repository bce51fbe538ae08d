"""Validation data of early stopping, held out of X or passed by the user, and their score."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from inspect import signature
from math import ceil, isfinite
from numbers import Real
from typing import Any

import numpy as np

from sklstm._lists import as_items
from sklstm._network import Network
from sklstm._numbers import filled
from sklstm._outputs import Outputs
from sklstm._remote import RemoteX
from sklstm._sequences import Sequences
from sklstm._sklearn import _safe_indexing
from sklstm._targets import Examples

FAR = 2.5  # limit of the warning, in standard deviations of X and as ratio of standard deviations


@dataclass(frozen=True)
class HeldOut:
    """Validation data, in the kernels' form and in the user's form."""

    examples: Examples
    X: Any
    y: Any
    sample_weight: Any
    others: np.ndarray | None = None  # the held-out sequences of X; None: all

    def __post_init__(self) -> None:
        if len(self.examples) < 2 or not self.examples.weights.any():
            raise ValueError(
                "The validation set is too small: it needs at least two sequences and a weight "
                "above zero. Increase validation_fraction or pass X_val and y_val."
            )

    @classmethod
    def of(cls, examples: Examples, others: np.ndarray, X: Any, y: Any, weights: Any) -> HeldOut:
        """The sequences ``others`` of a training set."""
        return cls(examples.take(others), X, y, weights, others)

    def judge(
        self, estimator: Any, network: Network, outputs: Outputs, n_threads: int
    ) -> Callable[[], tuple[float, float]]:
        """A function that returns the current score and mean loss of the network."""
        examples = self.examples.in_shares()
        n = examples.total_weight()
        score = self._scorer(estimator, network, outputs)

        def judge() -> tuple[float, float]:
            raw = network.output(examples.rows.sequences, n_threads)
            if not np.isfinite(raw).all():
                return -np.inf, np.inf
            loss = network.total_loss(
                np.array(raw),
                examples.targets,
                examples.weights,
                outputs.objective,
            )
            with np.errstate(over="ignore", invalid="ignore"):
                return (-loss / n if score is None else score(raw)), loss / n

        return judge

    def _scorer(
        self, estimator: Any, network: Network, outputs: Outputs
    ) -> Callable[[np.ndarray], float] | None:
        """A function from raw outputs to the score of ``scoring``, or None for the loss."""
        scoring = estimator.scoring
        if isinstance(scoring, str) and scoring == "loss":
            return None
        if scoring is None:
            return lambda raw: outputs.score_of(raw, self.examples)
        if isinstance(scoring, str):
            scoring = _scorer_of(scoring, estimator.return_sequences)
        judged = copy(estimator)  # with the parameters in training
        judged.parameters_ = network.vector
        X, y, weights = (
            _chosen(data, name, self.others)
            for data, name in ((self.X, "X"), (self.y, "y"), (self.sample_weight, "sample_weight"))
        )
        if isinstance(weights, Real):
            weights = np.full(len(self.examples), float(weights))
        given = {}
        if weights is not None and _takes_weights(scoring):
            given = {"sample_weight": weights}

        def score(raw: np.ndarray) -> float:
            try:
                value = float(scoring(judged, X, y, **given))
            except Exception as error:
                raise ValueError(
                    f"scoring={estimator.scoring!r} failed on the validation data: {error}. Pass "
                    "the name of a scorer for these targets, or a function "
                    "scorer(estimator, X, y) that returns a number."
                ) from error
            if not isfinite(value):
                raise ValueError(
                    f"scoring={estimator.scoring!r} returned {value} on the validation data, which "
                    "early stopping cannot compare. Pass validation data for which the score is "
                    "defined (X_val, y_val), or choose another score."
                )
            return value

        return score


def hold_out(
    n: int, fraction: float, seed: int, *, labels: np.ndarray | None, groups: Any = None
) -> tuple[np.ndarray, np.ndarray]:
    """Split n sequences into those to train on, in order, and those to hold out, in any order.

    Parameters
    ----------
    n : int
        Number of sequences.
    fraction : float
        Fraction to hold out.
    seed : int
        Seed of the split.
    labels : ndarray of shape (n,) or None
        Labels for a stratified split.
    groups : array-like of shape (n,) or None
        If they are passed, about ``fraction`` of the groups are held out, each as a whole. Every
        class must occur in the remaining groups.

    Returns
    -------
    order, others : ndarray of int64
        Numbers of the sequences to train on and to hold out.
    """
    # this import takes longer than that of sklstm
    from sklearn.model_selection import GroupShuffleSplit, train_test_split

    everything = np.arange(n, dtype=np.int64)
    if groups is not None:
        groups = np.asarray(filled(groups, None))
        if groups.shape != (n,):
            raise ValueError(
                f"validation_groups has shape {groups.shape}, expected ({n},). Pass the group of "
                "each sequence."
            )
        try:
            n_groups = len(np.unique(groups))
        except TypeError:
            n_groups = None
        if n_groups is None or any(group is None or group != group for group in groups.flat):
            raise ValueError(
                "validation_groups must contain one group per sequence, all of one type, without "
                "None or NaN."
            )
        if n_groups < 2:
            raise ValueError(
                "validation_groups has only one group. At least two are needed, one to train on "
                "and one to hold out."
            )
        n_out = ceil(fraction * n_groups)
        if n_out >= n_groups:
            raise ValueError(
                f"validation_fraction={fraction:g} holds out all {n_groups} of validation_groups. "
                f"Choose at most {(n_groups - 1) / n_groups:.3g}."
            )
        split = GroupShuffleSplit(1, test_size=fraction, random_state=seed)
        order, others = next(split.split(everything, groups=groups))
        missing = () if labels is None else np.setdiff1d(labels, labels[order])
        if len(missing):
            raise ValueError(
                f"All sequences of class {missing.tolist()[0]!r} are in the groups held out for "
                "validation, so this class cannot be learned. Choose another validation_fraction "
                "or random_state, or pass X_val and y_val."
            )
        return order, others
    if n < 2:
        raise ValueError(
            f"early_stopping holds out sequences for validation, but X has only {n}. Pass X_val "
            "and y_val."
        )
    if labels is not None:
        _check_members(labels, fraction)
    order, others = train_test_split(
        everything, test_size=fraction, random_state=seed, stratify=labels
    )
    order.sort()
    return order, others


def _check_members(labels: np.ndarray, fraction: float) -> None:
    """Raise an error if a class cannot be in both parts of the split."""
    classes, counts = np.unique(labels, return_counts=True)
    shown, n = classes.tolist(), len(labels)
    advice = "Add sequences, or pass X_val and y_val."
    if counts.min() < 2:
        raise ValueError(
            f"Class {shown[counts.argmin()]!r} has only one sequence, but early stopping needs two "
            f"of every class to hold out validation_fraction={fraction:g}. {advice}"
        )
    n_out = ceil(fraction * n)
    if min(n_out, n - n_out) < len(classes):
        remedy = "Pass X_val and y_val"
        if n >= 2 * len(classes):
            remedy += f", or hold out {len(classes)} to {n - len(classes)} of them"
        raise ValueError(
            f"validation_fraction={fraction:g} of {n} sequences leaves {n_out} for validation and "
            f"{n - n_out} for training, too few for {len(classes)} classes. {remedy}."
        )


def warn_if_apart(
    sequences: Sequences, validation: Sequences, numbers: Sequence[int] | None = None
) -> None:
    """Warn if the validation data do not seem to be scaled as X is.

    ``numbers`` are the numbers of the features in X, if categorical ones were separated.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        (mean, std), (mean_val, std_val) = sequences.moments(), validation.moments()
        varies = std > 0
        away = varies & ((np.abs(mean_val - mean) > FAR * std) | (std_val > FAR * std))
        narrow = varies.any() and (std_val[varies] < std[varies] / FAR).all()
    if not away.any() and not narrow:
        return
    k = int(np.argmax(away if away.any() else varies))
    warnings.warn(
        f"X_val is far from X: feature {k if numbers is None else numbers[k]} has mean "
        f"{mean_val[k]:.3g} and standard deviation {std_val[k]:.3g} in X_val, but {mean[k]:.3g} "
        f"and {std[k]:.3g} in X. By default a Pipeline does not transform X_val. Transform X_val "
        "before fit, or use set_config(enable_metadata_routing=True), "
        'Pipeline(..., transform_input=["X_val"]) and set_fit_request(X_val=True, y_val=True) on '
        "the LSTM.",
        UserWarning,
        stacklevel=3,
    )


def _takes_weights(scorer: Any) -> bool:
    """True if a scorer can be called with sample_weight."""
    of_sklearn = getattr(scorer, "_accept_sample_weight", None)  # inspects the scorer's metric
    if of_sklearn is not None:
        return bool(of_sklearn())
    try:
        parameters = signature(scorer).parameters.values()
    except (TypeError, ValueError):
        return False
    return any(p.name == "sample_weight" or p.kind is p.VAR_KEYWORD for p in parameters)


def _named_scorer(name: str, per_step: bool) -> Callable[..., float]:
    if per_step:
        from sklstm.metrics import make_step_scorer

        return make_step_scorer(name)
    from sklearn.metrics import get_scorer

    return get_scorer(name)


def _scorer_of(name: str, per_step: bool) -> Callable[..., float]:
    try:
        return _named_scorer(name, per_step)
    except ValueError as error:
        raise ValueError(
            f"scoring={name!r} is not a scorer of scikit-learn: {error} For the loss, set "
            "scoring='loss'."
        ) from None


def _chosen(data: Any, name: str, rows: np.ndarray | None) -> Any:
    """The ``rows`` of the user's data, or all of it for None."""
    if rows is None or data is None or isinstance(data, Real):
        return data
    if isinstance(data, RemoteX):
        return data.take(rows)
    is_query = type(data).__module__.partition(".")[0] == "duckdb"
    if hasattr(data, "__arrow_c_stream__") and (is_query or not hasattr(data, "__len__")):
        raise TypeError(
            f"Early stopping with this scoring reads {name} twice, but {name} is of type "
            f"{type(data).__name__}, whose rows may come in another order the next time, or not "
            "at all. Read it into memory first (with DuckDB: X.to_arrow_table()), pass X_val and "
            "y_val, or set scoring=None or scoring='loss'."
        )
    chosen = as_items(data, name, rows=rows)
    if chosen is not data:
        return chosen
    if isinstance(data, tuple):
        data = list(data)
    elif hasattr(data, "to_pylist"):  # pyarrow, which old versions of scikit-learn cannot index
        data = np.asarray(data)
    return _safe_indexing(data, rows)
