"""Stream: prediction and learning one time step at a time."""

from __future__ import annotations

import warnings
from math import inf, isfinite
from operator import is_
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sklstm import _isa
from sklstm._gradient import Gradient
from sklstm._learner import Learner
from sklstm._numbers import scalar
from sklstm._restored import check, restoring
from sklstm._sequences import Sequences
from sklstm._targets import Rows
from sklstm._time_step import split_step, split_steps
from sklstm._version import __version__

_STALE = (
    "The estimator of this stream was fitted again, or has more categories now, so the parameters "
    "of this stream no longer exist. Open a new stream with stream()."
)
_NO_STEP = (
    "There is no current step{}: no step was fed since the stream was opened or reset. Call "
    "step(x) first."
)


class Stream:
    """Stream that predicts and learns one time step at a time.

    Call ``estimator.stream()`` to open one. Streams of the same estimator share its parameters,
    but each has its own state. Time and memory per step are proportional to the number of
    parameters and do not depend on the length of the stream.

    Parameters
    ----------
    learner : Learner
        Parameters, solver and settings of an estimator. ``estimator.stream()`` creates it.

    See Also
    --------
    sklstm.stream : Opens a stream through a whole pipeline.
    PipelineStream : Stream that transforms each step first.

    Examples
    --------
    Learn the sign of the previous input, one step at a time:

    >>> import numpy as np
    >>> from sklstm import LSTMClassifier
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(3000, 1))
    >>> model = LSTMClassifier(8, random_state=0).initialize(1, classes=[-1, 1])
    >>> stream = model.stream()
    >>> right = []
    >>> for t in range(1, len(x)):
    ...     value = stream.step(x[t])
    ...     right.append(stream.predict() == np.sign(x[t - 1, 0]))
    ...     loss = stream.learn(int(np.sign(x[t - 1, 0])))
    >>> bool(np.mean(right[-500:]) > 0.9)
    True
    """

    def __init__(self, learner: Learner) -> None:
        self._learner, self._holder = learner, learner.holder
        self._stepped = False
        self._open()

    @property
    def estimator(self) -> Any:
        """Estimator whose parameters this stream uses and trains."""
        return self._holder

    def _open(self) -> None:
        """Attach to the current parameters."""
        learner = self._learner.at_once()
        topology, outputs = learner.topology, learner.outputs()
        self._vector = learner.holder.parameters_
        topology.require_vector(self._vector)
        self._dtype = self._vector.dtype
        self._categories = learner.categories
        self._n_features = topology.n_features + len(topology.cardinalities)
        self._learns = len(topology.stack) == 1
        self._n_draws = learner.n_draws
        self._gradient = Gradient.of(topology, self._dtype)
        self._online = _isa.online[self._dtype].Online(
            topology,
            self._vector,
            topology.frozen,
            topology.decayed.view(np.uint8),
            self._gradient,
            outputs.objective,
            learns=self._learns,
            gate=learner.gate,
        )
        self._outputs = outputs
        self._write, self._target = outputs.writer(self._dtype), outputs.reader(self._dtype)
        self._known = (None,)  # no solver was made yet

    def _follow(self) -> None:
        """Attach to the array in which the parameters of this stream are now."""
        if self._is_stale():
            raise RuntimeError(_STALE)
        memory = self._save()
        self._open()
        self._online.restore(memory)

    def _is_stale(self) -> bool:
        """True if the estimator has new parameters, and not only a new array for the same ones."""
        now = self._learner.at_once()
        vector, old = now.holder.parameters_, self._vector
        moved = now.n_draws == self._n_draws
        return not moved or (vector.dtype, vector.shape) != (old.dtype, old.shape)

    # -- steps

    def step(self, x: Any) -> float | np.ndarray:
        """Feed one time step.

        Parameters
        ----------
        x : array-like of shape (F,)
            Features of the step. Values must be finite. A categorical feature takes its code (NaN
            if it is missing), or its label with ``categorical_features="from_dtype"``.

        Returns
        -------
        output : float, or ndarray of shape (n_outputs,)
            Output of ``decision_function`` (classifiers) or ``predict`` (regressors) for all steps
            since the last ``reset``. With a list of Q quantiles, one more axis of length Q.

        Raises
        ------
        ValueError
            If the step is invalid. The stream is then unchanged.
        RuntimeError
            If the estimator was fitted again. Open a new stream.
        """
        if self._holder.parameters_ is not self._vector:
            self._follow()
        online = self._online
        if online.parallel:
            self._share_threads()
        # the kernel would read records of one number as numbers
        plain = self._categories is None and type(x) is np.ndarray and x.dtype.names is None
        if not (plain and online.step(x)):
            online.step(*self._read_step(x))
        self._stepped = True
        return self._write(online.output())

    def peek(self, x: Any) -> float | np.ndarray:
        """Return the output of ``step(x)`` without feeding the step.

        Parameters
        ----------
        x : array-like of shape (F,)
            Features of the step, as in ``step``.

        Returns
        -------
        output : float, or ndarray of shape (n_outputs,)
            The output that ``step(x)`` would return.
        """
        if self._holder.parameters_ is not self._vector:
            self._follow()
        x, symbols = self._read_step(x)
        self._share_threads()
        return self._write(self._online.peek(x, symbols))

    def steps(self, X: Any) -> np.ndarray:
        """Feed several time steps at once, which is faster than one by one.

        Parameters
        ----------
        X : array-like of shape (T, F)
            Features of the T steps. Values must be finite.

        Returns
        -------
        outputs : ndarray of shape (T,), or (T, n_outputs)
            The output that ``step`` would have returned for each step.

        Raises
        ------
        ValueError
            If a step is invalid. The message names the step, and no step is fed.
        """
        if self._holder.parameters_ is not self._vector:
            self._follow()
        X, symbols = self._read_steps(X)
        raw = np.empty((len(X), self._outputs.n_raw), dtype=self._dtype)
        self._share_threads()
        self._online.steps(X, symbols, raw)
        self._stepped = self._stepped or len(X) > 0
        return self._outputs.written(raw)

    def _read_step(self, x: Any) -> tuple[np.ndarray, np.ndarray]:
        """The numeric features of a step, and its rows in the table of categories."""
        return split_step(x, self._n_features, self._dtype, self._categories)

    def _read_steps(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        return split_steps(X, self._n_features, self._dtype, self._categories)

    def _share_threads(self) -> None:
        if self._online.parallel:
            self._online.n_threads = self._learner.n_threads

    def predict(self) -> Any:
        """Predict at the current step.

        Returns
        -------
        prediction : label, float or ndarray
            Prediction of the estimator for all steps since the last ``reset``: a label for
            classifiers, a number for regressors, an array for several outputs.

        Raises
        ------
        ValueError
            If no step was fed since the stream was opened or reset.
        """
        raw = self._current()
        return self._outputs.predict(raw)[0]

    def predict_proba(self) -> np.ndarray:
        """Predict the probability of each class at the current step; classifiers only.

        Returns
        -------
        proba : ndarray of shape (n_classes,)
            Probabilities in the order of ``classes_``.

        Raises
        ------
        ValueError
            If no step was fed since the stream was opened or reset.
        AttributeError
            If the estimator is a regressor.
        """
        raw = self._current()
        return self._outputs.probabilities(raw)[0]

    def _current(self) -> np.ndarray:
        """Raw outputs of the current step, (1, K)."""
        if self._holder.parameters_ is not self._vector:
            self._follow()
        if not self._stepped:
            raise ValueError(_NO_STEP.format(""))
        return np.array(self._online.output(), dtype=self._dtype).reshape(1, -1)

    def reset(self) -> Stream:
        """Forget all steps: set the state and the traces to zero.

        Call it before a new sequence begins. The parameters do not change.

        Returns
        -------
        self : Stream
            The stream itself.
        """
        if self._holder.parameters_ is not self._vector:
            self._follow()
        self._online.reset()
        self._stepped = False
        return self

    # -- learning

    def learn(self, y: Any, sample_weight: float = 1.0) -> float:
        """Update the estimator with the target of the current step.

        The update follows the truncated gradient, equations (19) to (28) of the 1997 paper. You can
        change the solver's settings at any time with ``set_params``.

        Parameters
        ----------
        y : label, number or array-like
            Target at the current step. Several outputs take one value each.
        sample_weight : float, default=1.0
            Factor of the loss, finite and not negative. With 0 nothing is learned.

        Returns
        -------
        loss : float
            Loss before the update, times the weight. For a regressor it is in the units in which
            it trains, see ``normalize_y``.

        Raises
        ------
        ValueError
            If there is no current step, or if the target, the weight or a parameter of the
            estimator is invalid. Nothing is learned then.
        RuntimeError
            If the estimator was fitted again. Open a new stream.

        Warns
        -----
        ConvergenceWarning
            If the loss or the new parameters are not finite. The parameters are then unchanged.
        """
        self._require_traces()
        if not self._stepped:
            if self._holder.parameters_ is not self._vector:
                self._follow()  # a stale stream is the reason to report first
            raise ValueError(_NO_STEP.format(" to learn at"))
        # scalar() enters np.errstate, which takes a microsecond: a fifth of an update
        weight = sample_weight if type(sample_weight) is float else scalar(sample_weight)
        if not 0 <= weight < inf:
            raise ValueError(f"sample_weight must be a finite number >= 0, got {sample_weight!r}.")
        with self._learner.lock:
            return self._update(y, weight)

    def learn_steps(
        self, X: Any, y: Any, sample_weight: Any = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Feed several time steps and learn at each step that has a target.

        Results are bit-identical to a loop of ``step`` and ``learn``, in less time.

        Parameters
        ----------
        X : array-like of shape (T, F)
            Features of the T steps. Values must be finite.
        y : array-like of shape (T,) or (T, n_outputs)
            Targets of the steps. For regressors, steps with a target of NaN learn nothing.
        sample_weight : array-like of shape (T,), default=None
            Factors of the losses. Steps with weight 0 learn nothing, and their targets are ignored.
            None is 1.

        Returns
        -------
        outputs : ndarray of shape (T,), or (T, n_outputs)
            Output of ``step`` at each step, computed before the step's target is learned.
        losses : ndarray of shape (T,)
            Return value of ``learn`` at each step, or NaN if the step has no target.

        Raises
        ------
        ValueError
            If a step, a target or a weight is invalid. The message names the step, and no step is
            fed.

        Warns
        -----
        ConvergenceWarning
            As in ``learn``, for each step at which nothing could be learned.
        """
        self._require_traces()
        if self._holder.parameters_ is not self._vector:
            self._follow()
        X, symbols = self._read_steps(X)
        losses = np.full(len(X), np.nan)
        raw = np.empty((len(X), self._outputs.n_raw), dtype=self._dtype)
        if len(X) == 0:
            if len(y) != 0:
                raise ValueError(f"y has {len(y)} rows of targets, but X has no steps.")
            return self._outputs.written(raw), losses
        with self._learner.lock:
            self._bind()
            targets, weights = self._read_targets(X, y, sample_weight)
            with np.errstate(all="ignore"):  # entries of steps without a target are not used
                penalties = self._alpha / weights
            self._share_threads()

            def failed(t: int, finite: bool) -> None:
                self._failed(finite, targets[t])
                self._bind()

            self._stepped = True  # also if a warning that was turned into an error ends the block
            self._online.learn_steps(
                X,
                symbols,
                targets,
                weights,
                (weights > 0).view(np.uint8),
                penalties,
                self._move,
                failed,
                raw,
                losses,
            )
        return self._outputs.written(raw), losses

    def _read_targets(self, X: np.ndarray, y: Any, weights: Any) -> tuple[np.ndarray, np.ndarray]:
        """Targets (T, targets) in the kernels' form, and their weights."""
        rows = Rows(Sequences(X, np.array([0, len(X)], dtype=np.int64), "list"), per_step=True)
        given = self._outputs.read([y], None if weights is None else [weights], rows)
        examples = self._outputs.trainable(self._outputs.examples(given))
        weights = examples.weights
        if self._factors is not None:
            weights = weights * self._factors[examples.targets[:, 0].astype(np.intp)]
        return np.ascontiguousarray(examples.targets, self._dtype), weights

    def _require_traces(self) -> None:
        if not self._learns:
            raise ValueError(
                "A stream can only learn with one hidden layer, because the traces of lower layers "
                "would take too much memory. Use partial_fit, or an int as hidden_layer_sizes."
            )

    def _bind(self) -> None:
        """Attach to the current parameters and settings."""
        if self._holder.parameters_ is not self._vector:
            self._follow()
        if not all(map(is_, self._learner.standing(), self._known)):
            self._bind_solver()

    def _update(self, y: Any, weight: float) -> float:
        self._bind()
        target = self._target(y)
        if self._factors is not None:
            weight *= self._factors[int(target[0])]
        if weight == 0:
            return 0.0
        if self._online.parallel:
            self._share_threads()
        loss = self._online.gradient(target, weight, self._alpha / weight)
        if not (isfinite(loss) and self._move()):
            self._failed(isfinite(loss), target)
        return loss

    def _move(self) -> bool:
        """Make a step of the solver and count it. Ctrl-C does not separate the two."""
        holder, solver = self._holder, self._solver
        t, n_made = holder.t_ + 1, solver.n_made
        try:
            moved = self._step_solver()
            if moved:
                holder.t_ = t
                solver.end_epoch(t)
        except BaseException:
            if solver.n_made > n_made:
                holder.t_ = t
                solver.end_epoch(t)
            raise
        return moved

    def _failed(self, finite: bool, target: np.ndarray) -> None:
        """Warn that nothing was learned from a target, and reset the solver if needed."""
        what = "The loss at this step is not finite: nothing was learned."
        if finite:
            self._learner.restart(self._solver)
            what = "The parameters would not be finite after this step: nothing was learned."
        cure = self._learner.cure(target)
        warnings.warn(f"{what} {cure}", ConvergenceWarning, stacklevel=4)

    def _bind_solver(self) -> None:
        """Prepare updates with the current settings."""
        learner = self._learner
        learner.check()
        self._factors = learner.outputs().factors()
        if learner.writable() is not self._vector:
            self._follow()
        self._solver = learner.solver()
        self._step_solver, _ = self._solver.step_on(self._vector, self._gradient, learner.gate)
        self._alpha = learner.alpha
        self._known = learner.standing()

    # -- pickles

    def _save(self) -> list[np.ndarray]:
        self._share_threads()
        return self._online.save(lambda n: np.empty(n, dtype=self._dtype))

    def __getstate__(self) -> dict[str, Any]:
        return {
            "version": __version__,
            "learner": self._learner,
            "stale": self._is_stale(),
            "stepped": self._stepped,
            "memory": self._save(),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        if not isinstance(state, dict):
            raise ValueError(
                f"This pickle is not a stream: it must contain a dict, got {type(state).__name__}."
            )
        saved = state.get("version", "before 0.2.0")
        if saved != __version__:  # the memory has the layout of the kernels of that version
            raise ValueError(
                f"This stream was saved by sklstm {saved} and cannot be loaded by sklstm "
                f"{__version__}. Install sklstm {saved} to load it and save its estimator, or open "
                "a new stream with stream()."
            )
        with restoring(self):
            learner = state["learner"]
            check(isinstance(learner, Learner), "learner", learner, "that of an estimator")
            for name in ("stepped", "stale"):
                check(isinstance(state[name], bool), name, state[name], "True or False")
            check(not learner.topology.bidirectional, "learner", learner, "of one direction")
            Stream.__init__(self, learner)
            self._stepped = state["stepped"]
            if state["stale"]:
                self._n_draws = self._vector = None
            else:
                check(isinstance(state["memory"], list), "memory", state["memory"], "a list")
                self._online.restore(state["memory"])
