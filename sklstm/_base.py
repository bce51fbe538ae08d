"""What the classifier and the regressor share: fit, partial_fit, and the parameters they train."""

from __future__ import annotations

import warnings
from math import inf
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from sklstm._estimator import SEEDS, SequenceEstimator
from sklstm._network import Network
from sklstm._parameters import batch_size, draw, shape_of
from sklstm._progress import ProgressLine, Silence
from sklstm._sequences import Sequences, unchanged_on_error
from sklstm._solvers import SOLVERS
from sklstm._stream import Stream
from sklstm._targets import Examples, mean_weight
from sklstm._threads import effective_n_jobs
from sklstm._topology import Topology, topology
from sklstm._training import End, Records, train


class BaseLSTM(SequenceEstimator):
    """An LSTM without a meaning for its outputs: the subclasses read y and score predictions."""

    # ------------------------------------------------------------------------ fitted parameters

    @property
    def _topology(self) -> Topology:
        return topology(**self._shape)

    @property
    def layers_(self) -> list[dict[str, np.ndarray]]:
        return self._topology.layers(self.parameters_)

    @property
    def output_weights_(self) -> np.ndarray:
        return self._topology.output_weights(self.parameters_)

    @property
    def output_bias_(self) -> np.ndarray:
        return self._topology.output_bias(self.parameters_)

    @property
    def n_parameters_(self) -> int:
        return self._topology.n_parameters

    # --------------------------------------------------------------------------------- learning

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ):
        """Learn from sequences and their targets.

        Parameters
        ----------
        X : array of shape (n, T, F), list of (T_i, F) arrays, or table of shape (n, d)
            The sequences.
        y : array-like
            One target per sequence, or with `return_sequences` one per step.
        sample_weight : array-like of shape (n,), default=None
            Weights of the sequences; with `return_sequences` also of steps, in the container of
            `y`. Only their ratios matter. A step of weight 0 has no target.
        X_val, y_val, sample_weight_val : default=None
            What `early_stopping` watches. None holds out sequences of `X`.

        Returns
        -------
        self : object
        """
        with unchanged_on_error(self):
            shape = self._check_parameters()
            self._check_validation_arguments(X_val, y_val, sample_weight_val)
            fresh = not (self.warm_start and self.__sklearn_is_fitted__())
            rows = self._read(X, shape, fresh)
            examples = self._examples(y, sample_weight, rows, fresh=fresh, all_classes=True)
            if fresh:
                self._draw_parameters(shape, rows.sequences)
            order, held_out = np.arange(len(examples)), None
            if self.early_stopping and X_val is None:
                order, held_out = self._hold_out(examples)
            elif self.early_stopping:
                rows_val = self._read(X_val, shape, False)
                held_out = self._examples(y_val, sample_weight_val, rows_val, suffix="_val")
            examples = self._class_weighted(examples)
            end = self._train(
                examples.weighted(1 / mean_weight(examples, order)),
                examples.sequence_weights,
                order,
                held_out,
                max_iter=self.max_iter,
            )
        if end is End.MAX_ITER:
            warnings.warn(
                f"Maximum iterations ({self.max_iter}) reached and the optimization hasn't "
                "converged yet.",
                ConvergenceWarning,
                stacklevel=2,
            )
        elif end is End.DIVERGED:
            warnings.warn(
                f"Training diverged in epoch {self.n_iter_ + 1}: the loss is not finite. The "
                f"parameters of the last finite loss are kept. {self._cure()}",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self._warn_if_interrupted(end)

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any, classes: Any = None):
        """One epoch over ``X``, in the order given."""
        with unchanged_on_error(self):
            shape = self._check_parameters()
            self._check_partial_fit(classes)
            fresh = not self.__sklearn_is_fitted__()
            rows = self._read(X, shape, fresh)
            examples = self._examples(y, sample_weight, rows, fresh=fresh, classes=classes)
            if fresh:
                self._draw_parameters(shape, rows.sequences)
            examples = self._class_weighted(examples)
            order = np.arange(len(examples))
            end = self._train(examples, examples.sequence_weights, order)
        if end is End.DIVERGED:
            warnings.warn(
                "Training diverged: the loss of this call is not finite. The parameters from "
                f"before it are kept. {self._cure()}",
                ConvergenceWarning,
                stacklevel=3,
            )
        return self._warn_if_interrupted(end)

    def stream(self) -> Stream:
        """A stream of time steps: the parameters of this estimator and a state of its own.

        Returns
        -------
        stream : Stream
            With ``step``, ``learn``, ``predict`` and ``reset``.
        """
        self._check_fitted()
        if self.bidirectional or self._shape["bidirectional"]:
            raise ValueError(
                "A bidirectional network has no stream: it reads a sequence from its end, which "
                "a stream does not have. Use bidirectional=False."
            )
        return Stream(self)

    # ------------------------------------------------------------------- what subclasses decide

    def _parameter_shape(self) -> dict[str, Any]:
        return shape_of(self)

    def _class_weighted(self, examples: Examples) -> Examples:
        return examples

    def _stratify(self, examples: Examples) -> np.ndarray | None:
        """What the validation split keeps in proportion."""
        return None

    # ----------------------------------------------------------------------------------- output

    def _raw_outputs(self, sequences: Sequences) -> np.ndarray:
        return self._network(self.parameters_).output(sequences, effective_n_jobs(self.n_jobs))

    def _network(self, vector: np.ndarray) -> Network:
        return Network(topology(**self._shape), vector, self.gradient, self.return_sequences)

    # --------------------------------------------------------------------------- steps of a fit

    def _check_partial_fit(self, classes: Any) -> None:
        if self.early_stopping:
            raise ValueError(
                "partial_fit does not support early_stopping=True: it makes one epoch. Use fit."
            )

    def _check_validation_arguments(self, X_val: Any, y_val: Any, weights_val: Any) -> None:
        if X_val is None and y_val is None and weights_val is None:
            return
        for name, value in (("X_val", X_val), ("y_val", y_val)):
            if value is None:
                raise ValueError(f"{name} is missing: X_val and y_val belong together.")
        if not self.early_stopping:
            raise ValueError(
                "X_val and y_val are passed to fit while early_stopping is False, which would "
                "ignore them: set early_stopping=True."
            )

    def _draw_parameters(self, shape: dict[str, Any], sequences: Sequences) -> None:
        """Initial parameters and records: a network that has learned nothing."""
        seed = check_random_state(self.random_state).randint(SEEDS)
        rng = np.random.RandomState(seed)
        self._split_seed = int(rng.randint(SEEDS))
        self._shape = shape | {"n_features": sequences.n_features, "n_outputs": self.n_outputs_}
        self.parameters_ = draw(self._shape, self, rng, sequences.values.dtype)
        self._rng_state = rng.get_state()
        self._solver_state = SOLVERS[self.solver].start(self.parameters_, self)
        self.n_iter_ = self.t_ = self._no_improvement_count = 0
        self.loss_ = self.best_loss_ = inf
        self.loss_curve_ = []
        self.validation_scores_ = self.best_validation_score_ = None

    def _hold_out(self, examples: Examples) -> tuple[np.ndarray, Examples]:
        """Which sequences to learn from, and the others."""
        from sklearn.model_selection import train_test_split  # costs more than all of sklstm

        order, others = train_test_split(
            np.arange(len(examples)),
            test_size=self.validation_fraction,
            random_state=self._split_seed,  # a warm start must not learn from what it is judged by
            stratify=None if self.return_sequences else self._stratify(examples),
        )
        order.sort()
        return order, examples.take(others)

    def _train(
        self,
        examples: Examples,
        sequence_weights: np.ndarray,
        order: np.ndarray,
        held_out: Examples | None = None,
        *,
        max_iter: int | None = None,
    ) -> End:
        """Train a copy of the parameters and keep it.

        Without ``max_iter``: for partial_fit, one epoch in the order given, of which nothing is
        kept if it diverges.
        """
        once = max_iter is None
        vector = np.array(self.parameters_)
        network, n_threads = self._network(vector), effective_n_jobs(self.n_jobs)
        size = batch_size(self, len(order))
        trainer = network.trainer(
            examples.rows.sequences,
            examples.targets,
            examples.weights,
            sequence_weights,
            loss=self._loss,
            out_activation=self.out_activation_,
            alpha=self.alpha,
            n_threads=n_threads,
            batch_size=size,
        )
        score = None
        if held_out is not None:
            if len(held_out) < 2 or not held_out.weights.any():
                raise ValueError(
                    "The validation set is too small: it needs two sequences and a weight above "
                    "zero. Increase validation_fraction or pass X_val and y_val."
                )

            def score() -> float:
                raw = network.output(held_out.rows.sequences, n_threads)
                return self._score_outputs(raw, held_out) if np.isfinite(raw).all() else inf

        rng = None
        if self.shuffle and not once:
            rng = np.random.RandomState(0)
            rng.set_state(self._rng_state)
        solver = SOLVERS[self.solver](self._solver_state_copy(vector), self)
        records = self._records(score is not None, once)
        progress = ProgressLine(max_iter or 1) if self.verbose else Silence()
        end = train(
            vector,
            trainer,
            solver,
            records,
            order,
            batch_size=size,
            max_iter=max_iter or 1,
            tol=self.tol,
            n_iter_no_change=self.n_iter_no_change,
            progress=progress,
            rng=rng,
            validation_score=score,
        )
        progress.close(end)
        if end is End.DIVERGED:
            if once:
                return end
            solver.state = solver.start(vector, self)
        self._keep(vector, solver.state, records, rng)
        return end

    def _solver_state_copy(self, vector: np.ndarray) -> dict[str, Any]:
        if self._solver_state["solver"] != self.solver:
            return SOLVERS[self.solver].start(vector, self)
        return {
            name: np.array(value) if isinstance(value, np.ndarray) else value
            for name, value in self._solver_state.items()
        }

    def _records(self, early_stopping: bool, once: bool) -> Records:
        """The records to go on from. With each fit the patience starts anew."""
        best_loss, best_score = self.best_loss_, self.best_validation_score_
        if early_stopping:
            best_loss, best_score = None, -inf if best_score is None else best_score
        else:
            best_loss, best_score = inf if best_loss is None else best_loss, None
        n_no_change = self._no_improvement_count if once else 0
        return Records(self.t_, self.loss_, best_loss, best_score, n_no_change)

    def _keep(
        self,
        vector: np.ndarray,
        solver_state: dict[str, Any],
        records: Records,
        rng: np.random.RandomState | None,
    ) -> None:
        """Take over what was learned; nothing here can fail."""
        self._solver_state = solver_state
        self._no_improvement_count = records.n_no_change
        self.n_iter_, self.t_, self.loss_ = records.n_iter, records.t, records.loss
        self.best_loss_, self.best_validation_score_ = records.best_loss, records.best_score
        self.loss_curve_.extend(records.losses)
        if records.best_score is None:
            self.validation_scores_ = None
        else:
            self.validation_scores_ = (self.validation_scores_ or []) + records.scores
        if rng is not None:
            self._rng_state = rng.get_state()
        self._keep_parameters(vector)

    def _cure(self) -> str:
        cure = f"Lower learning_rate_init={self.learning_rate_init:g} or standardise X"
        return cure + ("." if self.clip_norm else ", or clip the gradient with clip_norm.")
