"""Base class of the baselines: fit, partial_fit, and the loop over epochs.

A subclass describes its net (`_parameter_shape`), draws its parameters (`_draw`), learns from the
sequences in a given order (`_learner`) and computes raw outputs (`_raw_outputs`). A subclass that
does not learn in epochs overrides `_train`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from math import inf
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from sklstm._callbacks import Watch, attributes_after, watched
from sklstm._estimator import SEEDS
from sklstm._memory import about, require
from sklstm._number_losses import OUT_ACTIVATIONS
from sklstm._progress import progress
from sklstm._regression import SequenceRegressor
from sklstm._restored import (
    check,
    check_counts,
    check_generator,
    check_input,
    check_numbers,
    is_size,
    require_vector,
)
from sklstm._sequences import Sequences
from sklstm._sklearn import Interval, Options, StrOptions
from sklstm._snapshots import revised
from sklstm._targets import Examples
from sklstm._training import End, Records, Training

LARGEST_RANGE = float(np.finfo(np.float64).max / 2)  # the interval [-x, x] must have a finite width
AT_LEAST_1 = Interval(Integral, 1, None, closed="left")
POSITIVE = Interval(Real, 0, None, closed="neither")
NOT_NEGATIVE = Interval(Real, 0, None, closed="left")

# Parameters of all baselines.
CONSTRAINTS = {
    "out_activation": [StrOptions(set(OUT_ACTIVATIONS))],
    "return_sequences": ["boolean"],
    "features_per_step": [AT_LEAST_1],
    "max_iter": [AT_LEAST_1],
    "init_range": [Interval(Real, 0, LARGEST_RANGE, closed="right")],
    "warm_start": ["boolean"],
    "random_state": ["random_state"],
    "verbose": ["verbose"],
}
# Parameters of baselines that learn by gradient descent, in epochs.
DESCENT = CONSTRAINTS | {
    "learning_rate_init": [POSITIVE],
    "shuffle": ["boolean"],
    "tol": [NOT_NEGATIVE],
    "n_iter_no_change": [AT_LEAST_1, Options(Real, {np.inf})],
}


class BaselineRegressor(SequenceRegressor):
    """Base class: a regressor in float64 that learns from one sequence after the other."""

    _dtype = np.float64

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True  # plain descent with a fixed rate
        return tags

    # ------------------------------------------------------------------- what subclasses decide

    def _draw(self, rng: np.random.RandomState) -> np.ndarray:
        """Return the initial parameters of a net of ``self._shape``."""
        raise NotImplementedError

    def _learner(self, vector: np.ndarray, examples: Examples) -> Callable[[np.ndarray], float]:
        """Return a function that learns from sequences, given by number (int64), in that order.

        The function updates ``vector`` and returns the sum of the losses.
        """
        raise NotImplementedError

    def _shape_constraints(self) -> dict[str, Callable[[Any], bool]]:
        """Return a check for each entry of ``_shape`` except ``n_features`` and ``n_outputs``."""
        raise NotImplementedError

    def _n_weights(self) -> int:
        """Return the size of ``parameters_`` of a net of ``self._shape``."""
        raise NotImplementedError

    def _check_restored(self) -> None:
        if not self.__sklearn_is_fitted__():
            return
        shape = self._shape
        allowed = self._shape_constraints() | {"n_features": is_size, "n_outputs": is_size}
        if not isinstance(shape, dict) or set(shape) != set(allowed):
            raise ValueError(f"shape must have the entries {sorted(allowed)}, got {shape!r}")
        for name, allows in allowed.items():
            check(allows(shape[name]), f"{name} of the net", shape[name], "possible")
        check_numbers(self)
        n_outputs = shape["n_outputs"]
        check(self.n_outputs_ == n_outputs, "n_outputs_", self.n_outputs_, f"{n_outputs}")
        check_input(self, shape["n_features"])
        check_counts(self)
        check_generator("_rng", self._rng.get_state())
        size = self._n_weights()
        require_vector("parameters_", self.parameters_, size, (np.float64,), "this net")

    # --------------------------------------------------------------------------------- learning

    @property
    def n_parameters_(self) -> int:
        return len(self.parameters_)

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on sequences and their targets.

        Parameters
        ----------
        X : array of shape (n, T, F), list of (T_i, F) arrays, or table of shape (n, d)
            The sequences: n of them, with T steps of F features. The sequences of a list may differ
            in length. Each row of a table is one sequence, see ``features_per_step``.
        y : array-like
            Targets: one per sequence, or one per step with ``return_sequences=True``.
        sample_weight : array-like of shape (n,), default=None
            Weights of the sequences, finite and not negative. With ``return_sequences=True``, it
            may also contain one weight per step in the container type of ``y``. The target of a
            step with weight 0 is ignored. Only the ratios of weights matter. None is 1.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter, ``X``, ``y`` or a weight is invalid. The estimator is then unchanged.

        Warns
        -----
        ConvergenceWarning
            If ``max_iter`` is reached, or if the loss is not finite.
        """
        with watched(self, X, y, sample_weight) as watch, revised(self) as draft:
            shape = draft._check_parameters()
            fresh = not (draft.warm_start and draft.__sklearn_is_fitted__())
            examples = draft._prepare(X, y, sample_weight, shape, fresh)
            end = draft._train(examples.of_mean_1(), max_iter=draft.max_iter, watch=watch)
            draft._require_an_epoch(fresh, end)
        if end is End.MAX_ITER:
            warnings.warn(
                f"Maximum iterations ({self.max_iter}) reached and the optimization hasn't "
                "converged yet.",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self._warn_of_end(end)

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any) -> Self:
        """Train for one epoch on ``X``, in the given order."""
        with revised(self) as draft:
            shape = draft._check_parameters()
            fresh = not draft.__sklearn_is_fitted__()
            examples = draft._prepare(X, y, sample_weight, shape, fresh)
            end = draft._train(examples)
        return self._warn_of_end(end)

    def _prepare(
        self, X: Any, y: Any, sample_weight: Any, shape: dict[str, Any], fresh: bool
    ) -> Examples:
        """Read X and y; if ``fresh``, also draw parameters for them."""
        rows = self._read(X, shape, fresh)
        examples = self._examples(y, sample_weight, rows, fresh=fresh)
        if fresh:
            self._draw_parameters(shape, rows.sequences)
        return self._outputs_now().trainable(examples)

    def _draw_parameters(
        self, shape: dict[str, Any], sequences: Sequences, expected_length: float | None = None
    ) -> None:
        seed = check_random_state(self.random_state).randint(SEEDS)
        self._rng = np.random.RandomState(seed)
        self._shape = shape | {"n_features": sequences.n_features, "n_outputs": self.n_outputs_}
        self.parameters_ = self._draw(self._rng)
        self.n_iter_ = self.t_ = 0
        self._start_records()

    def _weights(self, rng: np.random.RandomState, n: int) -> np.ndarray:
        """Draw ``n`` initial weights."""
        self._require_memory(n)
        return rng.uniform(-self.init_range, self.init_range, n)

    def _require_memory(self, n: int) -> None:
        """Raise a MemoryError that states the sizes if a net of ``n`` weights does not fit."""
        sizes = ", ".join(f"{k}={v}" for k, v in self._shape.items() if type(v) is int)
        require(16 * n, f"A net of {about(n)} weights ({sizes})", "Make it smaller.")

    def _start_records(self) -> None:
        """Set the attributes that describe training to their initial values."""
        self._no_improvement_count = 0
        self.loss_ = self.best_loss_ = inf
        self.loss_curve_ = []

    def _train(
        self, examples: Examples, *, max_iter: int | None = None, watch: Watch | None = None
    ) -> End:
        """Run epochs until the loss stops improving; without ``max_iter`` one, in the given order.

        A copy of the parameters is trained and kept, also after an interruption. After divergence,
        the parameters of the last finite loss are kept.
        """
        once, rng = max_iter is None, self._rng_copy()
        vector, order = np.array(self.parameters_), np.arange(len(examples), dtype=np.int64)
        learn = self._learner(vector, examples)
        patience = self._no_improvement_count if once else 0
        records = Records(self.t_, self.loss_, self.best_loss_, None, patience)
        rule = {} if once else {"tol": self.tol, "n_iter_no_change": self.n_iter_no_change}
        shown = progress(self.verbose, max_iter or 1)
        if watch is not None:
            watch.begin(max_iter, partial(self._as_if_ended, rng=rng))
        with Training(vector.copy(), records, shown, watch=watch, **rule) as training:
            for _ in range(max_iter or 1):
                training.begin_epoch()
                loss = learn(rng.permutation(order) if self.shuffle and not once else order)
                training.require_finite(loss, np.abs(vector).max())
                training.kept = vector.copy()
                training.end_epoch(len(order), loss / len(order))
        self._keep(training.kept, records, rng)
        return training.end

    def _as_if_ended(self, training: Training, rng: np.random.RandomState) -> dict[str, Any]:
        """Return the attributes that the estimator would have if training ended now."""

        def keep(copied: BaselineRegressor) -> None:
            copied._keep(training.kept, training.records, deepcopy(rng))

        return attributes_after(self, keep)

    def _rng_copy(self) -> np.random.RandomState:
        """Return a copy of the generator, so that an error leaves the estimator's unchanged."""
        return deepcopy(self._rng)

    def _keep(self, vector: np.ndarray, records: Records, rng: np.random.RandomState) -> None:
        """Store the result of training. Nothing here can fail."""
        self._rng, self._no_improvement_count = rng, records.n_no_change
        self.n_iter_, self.t_, self.loss_ = records.n_iter, records.t, records.loss
        self.best_loss_ = records.best_loss
        self.loss_curve_ = [*self.loss_curve_, *records.losses]
        self.parameters_ = vector

    def _warn_of_end(self, end: End):
        if end is End.DIVERGED:
            warnings.warn(
                f"Training diverged after epoch {self.n_iter_}: the loss is not finite. The "
                "parameters of the last finite loss are kept. Lower learning_rate_init or "
                "standardise X and y.",
                ConvergenceWarning,
                stacklevel=3,
            )
        return self._warn_if_interrupted(end, stacklevel=4)
