"""A network on a stream: one time step after the other, learning at any of them."""

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
    "This stream belongs to parameters that its estimator no longer has: the estimator was fitted "
    "anew, or knows more categories now. Make a new stream with stream()."
)


class Stream:
    """State of one stream of time steps, with the parameters of an estimator.

    Made by ``estimator.stream()``. Streams of one estimator share its parameters, and nothing
    else. Time and memory per step are proportional to the number of parameters, whatever the
    length of the stream.

    Parameters
    ----------
    learner : Learner
        Parameters, solver and settings of an estimator; `estimator.stream()` makes it.

    Examples
    --------
    Learn the sign of the last but one input, one step at a time:

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
        """The estimator whose parameters this stream uses and trains."""
        return self._holder

    def _open(self) -> None:
        """Bind to the parameters as they are now."""
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
        """Bind to the array that the parameters of this stream have moved to."""
        if self._is_stale():
            raise RuntimeError(_STALE)
        memory = self._save()
        self._open()
        self._online.restore(memory)

    def _is_stale(self) -> bool:
        """Are the parameters others than those of this stream, and not only moved?"""
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
            Features of the step, finite; of categorical ones the codes, where NaN is missing, or
            the labels if `categorical_features="from_dtype"` found them in data frames.

        Returns
        -------
        output : float, or ndarray of shape (n_outputs,)
            What `decision_function` (classifiers) or `predict` (regressors) gives for the steps
            since the last `reset`. With a list of Q quantiles, one more axis of length Q.
        """
        if self._holder.parameters_ is not self._vector:
            self._follow()
        online = self._online
        if online.parallel:
            self._share_threads()
        # to the kernel, records of one number are numbers
        plain = self._categories is None and type(x) is np.ndarray and x.dtype.names is None
        if not (plain and online.step(x)):
            online.step(*self._read_step(x))
        self._stepped = True
        return self._write(online.output())

    def peek(self, x: Any) -> float | np.ndarray:
        """The output that ``step(x)`` would return; the stream stays as it is.

        Parameters
        ----------
        x : as in `step`

        Returns
        -------
        output : as in `step`
        """
        if self._holder.parameters_ is not self._vector:
            self._follow()
        x, symbols = self._read_step(x)
        self._share_threads()
        return self._write(self._online.peek(x, symbols))

    def steps(self, X: Any) -> np.ndarray:
        """Feed several time steps at once, in less time than one by one.

        Parameters
        ----------
        X : array-like of shape (T, F)
            Features of the steps, finite.

        Returns
        -------
        outputs : ndarray of shape (T,), or (T, n_outputs)
            What `step` would have returned for each of them.

        Raises
        ------
        ValueError
            If a step is not valid, with its number. None has been fed then.
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
        """The numbers of a step, and its rows of the table of categories."""
        return split_step(x, self._n_features, self._dtype, self._categories)

    def _read_steps(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        return split_steps(X, self._n_features, self._dtype, self._categories)

    def _share_threads(self) -> None:
        if self._online.parallel:
            self._online.n_threads = self._learner.n_threads

    def predict(self) -> Any:
        """Prediction at the current step: a label, a number, or an array of several."""
        raw = self._current()
        return self._outputs.predict(raw)[0]

    def predict_proba(self) -> np.ndarray:
        """Probabilities (n_classes,) at the current step; classifiers only."""
        raw = self._current()
        return self._outputs.probabilities(raw)[0]

    def _current(self) -> np.ndarray:
        """Raw outputs of the current step, (1, K)."""
        if self._holder.parameters_ is not self._vector:
            self._follow()
        if not self._stepped:
            raise ValueError("There is no current step: call step(x) first.")
        return np.array(self._online.output(), dtype=self._dtype).reshape(1, -1)

    def reset(self) -> Stream:
        """Forget the steps so far: zero state and traces."""
        if self._holder.parameters_ is not self._vector:
            self._follow()
        self._online.reset()
        self._stepped = False
        return self

    # -- learning

    def learn(self, y: Any, sample_weight: float = 1.0) -> float:
        """Make one truncated-gradient update of the estimator.

        Parameters
        ----------
        y : label, number, or array-like of several
            Target at the current step.
        sample_weight : float, default=1.0
            Factor of the loss; 0 is no target.

        Returns
        -------
        loss : float
            Before the update, times the weight; in the units that the regressor trains in.

        Raises
        ------
        ValueError
            If the target, the weight or a parameter of the estimator is not valid; nothing is
            learned. Parameters may be changed at any time with ``set_params``.

        Warns
        -----
        ConvergenceWarning
            If the loss or the new parameters are not finite. The parameters stay as they were.
        """
        self._require_traces()
        if not self._stepped:
            raise ValueError("There is no current step to learn at: call step(x) first.")
        # scalar() enters np.errstate, a microsecond: a fifth of an update
        weight = sample_weight if type(sample_weight) is float else scalar(sample_weight)
        if not 0 <= weight < inf:
            raise ValueError(f"sample_weight must be a finite number >= 0, got {sample_weight!r}.")
        with self._learner.lock:
            return self._update(y, weight)

    def learn_steps(
        self, X: Any, y: Any, sample_weight: Any = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Feed several time steps, and learn at each that has a target: predict, then learn.

        The same as a loop of `step` and `learn`, to the bit, in less time.

        Parameters
        ----------
        X : array-like of shape (T, F)
            Features of the steps, finite.
        y : array-like of shape (T,) or (T, n_outputs)
            Targets of the steps. For regressors NaN is no target.
        sample_weight : array-like of shape (T,), default=None
            Factors of the losses; 0 is no target. None is 1.

        Returns
        -------
        outputs : ndarray of shape (T,), or (T, n_outputs)
            What `step` returns at each step, before anything is learned from its target.
        losses : ndarray of shape (T,)
            What `learn` returns; NaN where there is no target.

        Raises
        ------
        ValueError
            If a step, a target or a weight is not valid, with its number. None has been fed then.

        Warns
        -----
        ConvergenceWarning
            As `learn` does, for each step at which nothing could be learned.
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
            with np.errstate(all="ignore"):  # where there is no target, nobody reads it
                penalties = self._alpha / weights
            self._share_threads()

            def failed(t: int, finite: bool) -> None:
                self._failed(finite, targets[t])
                self._bind()

            self._stepped = True  # also if a warning that is an error ends the block
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
        """Targets (T, targets) as the kernels take them, and their weights."""
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
                "learn is for one hidden layer: the traces of a lower layer would take more "
                "memory than there are weights. Use partial_fit."
            )

    def _bind(self) -> None:
        """Go by the parameters and the settings as they are now."""
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
        """Make a step of the solver and count it: Ctrl-C comes before both, or after both."""
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
        """Warn that nothing was learned from a target, and forget what has spoiled the solver."""
        what = "The loss at this step is not finite: nothing was learned."
        if finite:
            self._learner.restart(self._solver)
            what = "The parameters would not be finite after this step: nothing was learned."
        cure = self._learner.cure(target)
        warnings.warn(f"{what} {cure}", ConvergenceWarning, stacklevel=4)

    def _bind_solver(self) -> None:
        """Prepare updates by the settings as they are now."""
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
            raise ValueError(f"A pickle of a stream holds a dict, got {type(state).__name__}.")
        saved = state.get("version", "before 0.2.0")
        if saved != __version__:  # memory lies as the kernels of that version like it
            raise ValueError(
                f"This stream was saved by sklstm {saved} and cannot be loaded by sklstm "
                f"{__version__}. Install sklstm {saved} to load it and save its estimator, or make "
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
