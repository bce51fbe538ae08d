"""Base class of LSTMClassifier and LSTMRegressor: fit, partial_fit and fitted parameters."""

from __future__ import annotations

import warnings
from functools import partial
from math import inf
from typing import Any, Self

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from sklstm._advice import cure
from sklstm._callbacks import Watch, watched
from sklstm._categorical import CategoricalInput
from sklstm._descent import train
from sklstm._estimator import SEEDS
from sklstm._exchange import GradientExchange
from sklstm._learner import Learner
from sklstm._network import Network
from sklstm._outputs import LARGE, Outputs
from sklstm._parameters import (
    ONE_READING,
    batch_size,
    draw,
    epochs,
    gradient_of,
    shape_of,
)
from sklstm._progress import progress
from sklstm._restored import check_lstm
from sklstm._sequences import Sequences, called
from sklstm._snapshots import revised, snapshot
from sklstm._solvers import SOLVERS, continued
from sklstm._stream import Stream
from sklstm._targets import Examples, Rows
from sklstm._threads import effective_n_jobs
from sklstm._topology import Topology, topology
from sklstm._training import End, Records, Run
from sklstm._unfinished import as_if_ended, unfinished
from sklstm._updates import still
from sklstm._validation import HeldOut, hold_out, warn_if_apart

ADAPTIVE_TOL = 1e-4  # tol=None with learning_rate="adaptive", which needs a rule to lower its rate


class BaseLSTM(GradientExchange, CategoricalInput):
    """LSTM whose subclasses decide what outputs mean: they read y and score predictions."""

    # ------------------------------------------------------------------------ fitted parameters

    @property
    def _topology(self) -> Topology:
        return topology(**self._shape)

    @property
    def layers_(self) -> list[dict[str, np.ndarray]]:
        """Weights of each layer and direction, as writable views of ``parameters_``."""
        now = snapshot(self)
        return now._topology.layers(now.parameters_)

    @property
    def output_weights_(self) -> np.ndarray:
        """Weights of the output layer, a writable view of ``parameters_``."""
        now = snapshot(self)
        return now._topology.output_weights(now.parameters_)

    @property
    def output_bias_(self) -> np.ndarray:
        """Biases of the output layer, a writable view of ``parameters_``."""
        now = snapshot(self)
        return now._topology.output_bias(now.parameters_)

    @property
    def n_parameters_(self) -> int:
        """Number of trainable parameters."""
        return self._topology.n_parameters

    def _check_restored(self) -> None:
        if self.__sklearn_is_fitted__():
            check_lstm(self)

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
        validation_groups: Any = None,
    ) -> Self:
        """Train on sequences and their targets.

        Parameters
        ----------
        X : array of shape (n, T, F), list of (T_i, F) arrays, or table of shape (n, d)
            The sequences: n of them, with T steps of F features. The sequences of a list may differ
            in length. An Arrow column of lists is read like a list of arrays. Each row of a table
            is one sequence, see ``features_per_step``. For a single long sequence ``x`` of shape
            (T, F) with a target per step, set ``return_sequences=True`` and pass ``[x]`` and
            ``[targets]``. For a long table of several sequences, call
            :func:`sklstm.preprocessing.from_long` first.
        y : array-like
            Targets: one per sequence, or one per step with ``return_sequences=True``.
        sample_weight : array-like of shape (n,), default=None
            Weights of the sequences, finite and not negative. With ``return_sequences=True``, it
            may also contain one weight per step in the container type of ``y``. The target of a
            step with weight 0 is ignored. With ``alpha=0`` only the ratios of weights matter. None
            is 1.
        X_val : array, list or table, default=None
            Validation sequences for ``early_stopping``, in the form of ``X``. None holds out
            sequences of ``X``. A :class:`sklearn.pipeline.Pipeline` passes ``X_val`` to the network
            without transforming it, unless you set its ``transform_input``.
        y_val : array-like, default=None
            Targets of ``X_val``. Required with ``X_val``.
        sample_weight_val : array-like, default=None
            Weights of ``X_val``, in the form of ``sample_weight``. None is 1.
        validation_groups : array-like of shape (n,), default=None
            Group of each sequence, such as a person, a machine or a day. ``early_stopping`` then
            holds out whole groups, about ``validation_fraction`` of them. Pass it if sequences of
            the same group are similar.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If ``X``, ``y`` or a weight is invalid. The message names the sequence and the step, and
            the estimator is unchanged.
        MemoryError
            If the data or the network need more memory than the machine has.

        Warns
        -----
        ConvergenceWarning
            If training diverged or exploded, or if ``tol`` is a number and ``max_iter`` was
            reached.
        """
        with watched(self, X, y, sample_weight) as watch, revised(self) as draft:
            shape = draft._check_parameters()
            draft._check_validation_arguments(X_val, y_val, sample_weight_val, validation_groups)
            fresh = not (draft.warm_start and draft.__sklearn_is_fitted__())
            rows = draft._read(X, shape, fresh)
            examples = draft._examples(y, sample_weight, rows, fresh=fresh)
            if not fresh:
                draft._outputs_now().check_complete(examples)
            rng = draft._seed_of_fit() if fresh else None
            order, others = np.arange(len(examples), dtype=np.int64), None
            if draft.early_stopping and X_val is None:
                order, others = hold_out(
                    len(examples),
                    draft.validation_fraction,
                    draft._split_seed,  # a warm start must not train on its validation sequences
                    labels=None
                    if draft.return_sequences
                    else draft._outputs_now().strata(examples),
                    groups=validation_groups,
                )
            if fresh or draft._units_of_fit:
                draft._learn_units(*examples.targets_of(order))
            if fresh:
                draft._draw_parameters(shape, rows.sequences, examples.mean_length(order), rng)
            outputs, held_out = draft._outputs_now(), None
            examples = outputs.trainable(examples)
            if others is not None:
                held_out = HeldOut.of(examples, others, X, y, sample_weight)
            elif draft.early_stopping:
                with called("X_val"):
                    rows_val = Rows(draft._read_fitted(X_val), draft.return_sequences)
                examples_val = draft._examples(y_val, sample_weight_val, rows_val, suffix="_val")
                known = draft._categories
                numbers = None if known is None else known.left(draft._n_step_features)
                warn_if_apart(rows.sequences, rows_val.sequences, numbers)
                examples_val = outputs.trainable(examples_val)
                held_out = HeldOut(examples_val, X_val, y_val, sample_weight_val)
            # the penalty depends on the scale of the weights; the mean loss only on their ratios
            weights = outputs.class_weighted(examples).sequence_weights
            scaled = outputs.class_weighted(examples.in_shares()).per_target(order)
            run = draft._train(outputs, scaled, weights, order, held_out, watch)
            end = run.end
            draft._require_an_epoch(fresh, end)
        if run.n_epochs == 0 and end in (End.MAX_ITER, End.CONVERGED, End.EXPLODED):
            warnings.warn(
                f"fit trained nothing: this estimator comes from a checkpoint of training that had "
                f"ended after {self.n_iter_} epochs. To train longer, increase max_iter. To train "
                "on new data, call fit with warm_start=False or use partial_fit.",
                UserWarning,
                stacklevel=2,
            )
        if end is End.MAX_ITER and self.tol is not None:
            warnings.warn(
                f"Maximum iterations ({self.n_iter_}) reached and the optimization hasn't "
                "converged yet: the loss still improved by tol. Increase max_iter or tol.",
                ConvergenceWarning,
                stacklevel=2,
            )
        elif end is End.DIVERGED:
            warnings.warn(
                f"Training diverged in epoch {self.n_iter_ + 1}: the loss is not finite. The "
                "parameters of the last finite loss are kept. "
                f"{cure(self, outputs, examples)}",
                ConvergenceWarning,
                stacklevel=2,
            )
        elif end is End.EXPLODED:
            warnings.warn(
                f"Training exploded: the loss was {run.start:.3g} at the start, "
                f"{min(self.loss_curve_[-self.n_iter_ :]):.3g} in the best epoch and "
                f"{self.loss_:.3g} in the last. The parameters of the best epoch are kept. "
                f"{cure(self, outputs, examples)}",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self._warn_if_interrupted(end)

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any, classes: Any = None):
        """One epoch over ``X``, in the order given."""
        with revised(self) as draft:
            shape = draft._check_parameters()
            draft._check_partial_fit(classes)
            fresh = not draft.__sklearn_is_fitted__()
            rows = draft._read(X, shape, fresh)
            examples = draft._examples(y, sample_weight, rows, fresh=fresh, classes=classes)
            if fresh:
                every = np.arange(len(examples), dtype=np.int64)
                draft._draw_parameters(shape, rows.sequences, examples.mean_length(every))
            outputs = draft._outputs_now()
            examples = outputs.class_weighted(outputs.trainable(examples))
            if fresh and (largest := outputs.largest(examples.targets)) > LARGE:
                warnings.warn(
                    f"y has values up to {largest:.3g}, and partial_fit does not standardise them. "
                    "Call initialize with y_mean and y_scale first, or call fit first.",
                    stacklevel=3,
                )
            order = np.arange(len(examples), dtype=np.int64)
            run = draft._train(outputs, examples, examples.sequence_weights, order, once=True)
            end = run.end
        if end is End.DIVERGED:
            warnings.warn(
                "Training diverged: the loss of this call is not finite. The parameters from "
                f"before the call are kept. {cure(self, outputs, examples)}",
                ConvergenceWarning,
                stacklevel=3,
            )
        return self._warn_if_interrupted(end)

    def stream(self) -> Stream:
        """Open a stream that reads one time step at a time.

        The stream uses the parameters of this estimator and trains them if you call ``learn``. Each
        stream has its own state, so you can open several.

        Returns
        -------
        stream : Stream
            An object with the methods ``step``, ``predict``, ``learn`` and ``reset``; see
            :class:`~sklstm.Stream`.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted. Call ``fit``, ``partial_fit`` or ``initialize`` first.
        ValueError
            If the network is bidirectional.
        """
        self._check_fitted()
        if self.bidirectional or self._shape["bidirectional"]:
            raise ValueError(
                "A bidirectional network has no stream: it reads a sequence from its end, and a "
                "stream has no end. Set bidirectional=False and fit again."
            )
        return Stream(Learner(self))

    # ------------------------------------------------------------------- what subclasses decide

    def _parameter_shape(self) -> dict[str, Any]:
        return shape_of(self)

    _units_of_fit = False  # True if fit has learned the units of the targets

    def _learn_units(self, targets: np.ndarray, weights: np.ndarray) -> None:
        """Learn the units of the targets (rows, K), in which training then works."""

    # ----------------------------------------------------------------------------------- output

    def _raw_outputs(self, sequences: Sequences, owner: Any) -> np.ndarray:
        network = self._network(still(owner, self.parameters_))
        return network.output(sequences, effective_n_jobs(self.n_jobs), owner)

    def _network(self, vector: np.ndarray) -> Network:
        gradient = gradient_of(self.gradient, self._shape["cell"])
        if self.return_sequences and self._shape.get("pooling", "last") != "last":
            raise ValueError(ONE_READING.format(self._shape["pooling"]))
        return Network(topology(**self._shape), vector, gradient, self.return_sequences)

    # --------------------------------------------------------------------------- steps of a fit

    def _check_partial_fit(self, classes: Any) -> None:
        if self.early_stopping:
            raise ValueError(
                "partial_fit does not support early_stopping=True, because it trains for one "
                "epoch. Use fit, or set early_stopping=False."
            )

    def _check_validation_arguments(
        self, X_val: Any, y_val: Any, weights_val: Any, groups: Any
    ) -> None:
        if groups is not None and X_val is not None:
            raise ValueError(
                "Pass either X_val or validation_groups: validation_groups splits X, and X_val "
                "replaces that split."
            )
        if groups is not None and not self.early_stopping:
            raise ValueError(
                "validation_groups has no effect with early_stopping=False. Set "
                "early_stopping=True, or leave it out."
            )
        if X_val is None and y_val is None and weights_val is None:
            return
        for name, value in (("X_val", X_val), ("y_val", y_val)):
            if value is None:
                raise ValueError(f"{name} is missing: pass both X_val and y_val.")
        if not self.early_stopping:
            raise ValueError(
                "X_val and y_val have no effect with early_stopping=False. Set "
                "early_stopping=True, or leave them out."
            )

    def _seed_of_fit(self) -> np.random.RandomState:
        """The random generator of a new fit. Its first draw is the seed of the validation split."""
        rng = np.random.RandomState(check_random_state(self.random_state).randint(SEEDS))
        self._split_seed = int(rng.randint(SEEDS))
        return rng

    def _draw_parameters(
        self,
        shape: dict[str, Any],
        sequences: Sequences,
        expected_length: float | None,
        rng: np.random.RandomState | None = None,
    ) -> None:
        """Draw initial parameters and clear the training records."""
        rng = self._seed_of_fit() if rng is None else rng
        self._shape = shape | {
            "n_features": sequences.n_features,
            "n_outputs": self._outputs_now().n_raw,
            "cardinalities": self._cardinalities,
        }
        self.parameters_ = draw(self._shape, self, rng, sequences.dtype, expected_length)
        self._n_draws = getattr(self, "_n_draws", 0) + 1
        self._rng_state = rng.get_state()
        self._solver_state = SOLVERS[self.solver].start(self.parameters_, self)
        self.n_iter_ = self.t_ = self._no_improvement_count = 0
        self.loss_ = self.best_loss_ = inf
        self.loss_curve_ = []
        self.validation_scores_ = self.best_validation_score_ = None
        self.validation_loss_curve_ = None

    def _train(
        self,
        outputs: Outputs,
        examples: Examples,
        sequence_weights: np.ndarray,
        order: np.ndarray,
        held_out: HeldOut | None = None,
        watch: Watch | None = None,
        *,
        once: bool = False,
    ) -> Run:
        """Train a copy of the parameters and store it.

        With ``once=True`` (partial_fit) it runs one epoch in the given order and stores nothing if
        training diverges.
        """
        vector = np.array(self.parameters_)
        network, n_threads = self._network(vector), effective_n_jobs(self.n_jobs)
        size = batch_size(self, len(order))
        max_iter = 1 if once else epochs(self, len(order), size)
        trainer = network.trainer(
            examples.rows.sequences,
            examples.targets,
            examples.weights,
            sequence_weights,
            outputs.objective,
            alpha=self.alpha,
            dropout=self.dropout,
            recurrent_dropout=self.recurrent_dropout,
            seed=self._split_seed,
            n_threads=n_threads,
            batch_size=size,
        )
        validate = held_out and held_out.judge(self, network, outputs, n_threads)
        at_zero = None if once else _loss_at_zero(network, outputs, examples, order)
        rng = None
        if self.shuffle and not once:
            rng = np.random.RandomState(0)
            rng.set_state(self._rng_state)
        kind = SOLVERS[self.solver]
        # Before the first update a new state equals the stored one, and takes no memory until it
        # is written to.
        state = continued(self._solver_state, vector, self) if self.t_ else kind.start(vector, self)
        solver = kind(state, self)
        records = self._records(validate is not None, once)
        cut_off = None if once else unfinished(self, vector, records)
        n_before = records.n_iter
        if watch is not None:
            learned = partial(as_if_ended, self, solver=solver, rng=rng)
            watch.begin(max(max_iter - records.n_iter, 0), learned)
        end = train(
            vector,
            trainer,
            solver,
            records,
            order,
            max_iter=max_iter,
            first_epoch=len(self.loss_curve_),
            tol=ADAPTIVE_TOL if self.tol is None and self._is_adaptive() else self.tol,
            n_iter_no_change=self.n_iter_no_change,
            progress=progress(self.verbose, max_iter),
            rng=rng,
            validate=validate,
            loss_at_zero=at_zero,
            watch=watch,
            unfinished=cut_off,
        )
        run = Run(end, records.start, records.n_iter - n_before)
        if end is End.DIVERGED and once:
            return run
        if end in (End.DIVERGED, End.EXPLODED):
            solver.state = solver.start(vector, self)
        losses = [*self.loss_curve_, *records.losses]
        self._keep(vector, solver.state, records, rng, losses)
        return run

    def _is_adaptive(self) -> bool:
        """True if the learning rate is lowered by the stopping rule."""
        return self.solver == "sgd" and self.learning_rate == "adaptive"

    def _records(self, early_stopping: bool, once: bool) -> Records:
        """The records to continue from. The best loss and score of a fit belong to its own data."""
        if once:
            best = inf if self.best_loss_ is None else self.best_loss_
            return Records(self.t_, self.loss_, best, None, self._no_improvement_count)
        if early_stopping:
            return Records(self.t_, self.loss_, best_loss=None, best_score=-inf)
        return Records(self.t_, self.loss_)

    def _keep(
        self,
        vector: np.ndarray,
        solver_state: dict[str, Any],
        records: Records,
        rng: np.random.RandomState | None,
        loss_curve: list[float],
    ) -> None:
        """Store the results of training as fitted attributes."""
        vars(self).pop("_unfinished", None)
        self._solver_state = solver_state
        self._no_improvement_count = records.n_no_change
        self.n_iter_, self.t_, self.loss_ = records.n_iter, records.t, records.loss
        self.best_loss_, self.best_validation_score_ = records.best_loss, records.best_score
        self.loss_curve_ = loss_curve
        if records.best_score is None:
            self.validation_scores_ = self.validation_loss_curve_ = None
        else:
            self.validation_scores_ = (self.validation_scores_ or []) + records.scores
            losses = (self.validation_loss_curve_ or []) + records.validation_losses
            self.validation_loss_curve_ = losses
        if rng is not None:
            self._rng_state = rng.get_state()
        self.parameters_ = vector


def _loss_at_zero(
    network: Network, outputs: Outputs, examples: Examples, order: np.ndarray
) -> float:
    """Mean loss, over the sequences in ``order``, of outputs that are all 0."""
    some = examples.targets, examples.weights
    if len(order) < len(examples):
        some = examples.targets_of(order)
    return network.loss_at_zero(*some, outputs.objective) / len(order)
