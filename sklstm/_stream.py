"""A network on a stream: one time step after the other, learning at any of them."""

from __future__ import annotations

import threading
import warnings
from math import inf, isfinite
from numbers import Real
from operator import attrgetter, is_
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sklstm import _isa
from sklstm._numbers import as_typed, filled, numbers
from sklstm._solvers import SOLVERS
from sklstm._threads import effective_n_jobs

if TYPE_CHECKING:
    from sklstm._base import BaseLSTM

# The parameters that learning goes by: a change takes effect at the next step.
SETTINGS = (
    "solver",
    "learning_rate",
    "learning_rate_init",
    "power_t",
    "alpha",
    "clip_norm",
    "momentum",
    "nesterovs_momentum",
    "beta_1",
    "beta_2",
    "epsilon",
    "class_weight",
)


def _feature(index: tuple) -> str:
    return f"feature {index[0]}" if index else "its place, where a row of numbers was expected"


_learning: WeakKeyDictionary[Any, threading.Lock] = WeakKeyDictionary()
_STALE = (
    "This stream belongs to parameters that its estimator no longer has: the estimator was fitted "
    "anew. Make a new stream with stream()."
)


class Stream:
    """State of one stream of time steps, with the parameters of an estimator.

    Made by ``estimator.stream()``. Streams of one estimator share its parameters, and nothing
    else. Time and memory per step are proportional to the number of parameters, whatever the
    length of the stream.

    Parameters
    ----------
    estimator : LSTMClassifier or LSTMRegressor
        Fitted or initialised, and not `bidirectional`.

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

    def __init__(self, estimator: BaseLSTM) -> None:
        self._estimator = estimator
        self._stepped = False
        self._open()

    @property
    def estimator(self) -> BaseLSTM:
        """The estimator whose parameters this stream uses and trains."""
        return self._estimator

    def _open(self) -> None:
        """Bind to the parameters that the estimator has now."""
        estimator = self._estimator
        topology = estimator._topology
        self._vector = estimator.parameters_
        self._dtype = self._vector.dtype
        self._n_features = topology.n_features
        self._learns = len(topology.stack) == 1
        self._n_draws = estimator._n_draws
        self._d_vector = np.zeros_like(self._vector)
        self._online = _isa.online[self._dtype].Online(
            topology,
            self._vector,
            topology.frozen,
            topology.decayed.view(np.uint8),
            self._d_vector,
            learns=self._learns,
        )
        self._solver_state = None
        self._settings = attrgetter(
            *(name for name in SETTINGS if name in estimator._parameter_constraints)
        )
        self._output = estimator._stream_writer()
        self._target = estimator._stream_reader()
        self._lock = _learning.setdefault(estimator, threading.Lock())

    def _follow(self) -> None:
        """Bind to the array that the parameters of this stream have moved to."""
        vector, old = self._estimator.parameters_, self._vector
        moved = self._estimator._n_draws == self._n_draws
        if not moved or (vector.dtype, vector.shape) != (old.dtype, old.shape):
            raise RuntimeError(_STALE)
        memory = self._save()
        self._open()
        self._online.restore(memory)

    # -- steps

    def step(self, x: Any) -> float | np.ndarray:
        """Feed one time step.

        Parameters
        ----------
        x : array-like of shape (F,)
            Features of the step, finite.

        Returns
        -------
        output : float, or ndarray of shape (n_outputs,)
            What `decision_function` (classifiers) or `predict` (regressors) gives for the steps
            since the last `reset`.
        """
        if self._estimator.parameters_ is not self._vector:
            self._follow()
        if (
            type(x) is not np.ndarray
            or x.dtype != self._dtype
            or x.shape != (self._n_features,)
            or not x.flags.carray  # strided, unaligned
        ):
            x = self._read(x)
        if self._online.parallel:
            self._online.n_threads = effective_n_jobs(self._estimator.n_jobs)
        if not self._online.step(x):
            raise ValueError(
                f"x contains NaN or infinity in feature {int(np.argmin(np.isfinite(x)))}. The "
                "stream is as it was before this step: fill the value in, or leave the step out."
            )
        self._stepped = True
        return self._output(self._online.output())

    def predict(self) -> Any:
        """Prediction at the current step: a label, a number, or an array of several."""
        return self._estimator._stream_predict(self._current())

    def predict_proba(self) -> np.ndarray:
        """Probabilities (n_classes,) at the current step; classifiers only."""
        if not hasattr(self._estimator, "predict_proba"):
            raise AttributeError(f"{type(self._estimator).__name__} has no predict_proba.")
        return self._estimator._probabilities(self._current())[0]

    def _current(self) -> np.ndarray:
        """Raw outputs of the current step, (1, K)."""
        if self._estimator.parameters_ is not self._vector:
            self._follow()
        if not self._stepped:
            raise ValueError("There is no current step: call step(x) first.")
        return np.array(self._online.output(), dtype=self._dtype).reshape(1, -1)

    def reset(self) -> Stream:
        """Forget the steps so far: zero state and traces."""
        if self._estimator.parameters_ is not self._vector:
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
        if not self._learns:
            raise ValueError(
                "learn is for one hidden layer: the traces of a lower layer would take more "
                "memory than there are weights. Use partial_fit."
            )
        if not self._stepped:
            raise ValueError("There is no current step to learn at: call step(x) first.")
        if not (isinstance(sample_weight, Real) and 0 <= sample_weight < inf):
            raise ValueError(f"sample_weight must be a finite number >= 0, got {sample_weight!r}.")
        with self._lock:
            return self._update(y, float(sample_weight))

    def _update(self, y: Any, weight: float) -> float:
        estimator = self._estimator
        if estimator.parameters_ is not self._vector:
            self._follow()
        if estimator._solver_state is not self._solver_state or not all(
            map(is_, self._settings(estimator), self._known)
        ):
            self._bind_solver()
        target = self._target(y)
        if self._factors is not None:
            weight *= self._factors[int(target[0])]
        if weight == 0:
            return 0.0
        if self._online.parallel:
            self._online.n_threads = effective_n_jobs(estimator.n_jobs)
        loss = self._online.gradient(target, weight, self._loss, estimator.alpha / weight)
        if not isfinite(loss):
            self._warn("The loss at this step is not finite: nothing was learned.", target)
            return loss
        np.copyto(self._before, self._vector)
        if not self._step_solver():
            np.copyto(self._vector, self._before)
            estimator._solver_state = self._solver.start(self._vector, estimator)
            what = "The parameters would not be finite after this step: nothing was learned."
            self._warn(what, target)
            return loss
        estimator.t_ += 1
        self._solver.end_epoch(estimator.t_)
        return loss

    def _warn(self, what: str, target: np.ndarray) -> None:
        cure = self._estimator._cure_of_target(target)
        warnings.warn(f"{what} {cure}", ConvergenceWarning, stacklevel=4)

    def _bind_solver(self) -> None:
        """Prepare updates by the parameters that the estimator has now."""
        estimator = self._estimator
        estimator._check_shape(estimator._check_parameters())
        self._factors = estimator._stream_factors()
        if not self._vector.flags.writeable:  # memory-mapped: the file stays as it is
            estimator.parameters_ = np.array(self._vector)
            self._follow()
        state = estimator._solver_state
        arrays = [value for value in state.values() if isinstance(value, np.ndarray)]
        if state["solver"] != estimator.solver or not all(a.flags.writeable for a in arrays):
            estimator._solver_state = estimator._solver_state_copy(self._vector)
        self._solver_state = estimator._solver_state
        self._solver = SOLVERS[estimator.solver](self._solver_state, estimator)
        self._step_solver = self._solver.step_on(self._vector, self._d_vector)
        self._before = np.empty_like(self._vector)
        self._known = self._settings(estimator)
        losses = _isa.kernels[self._dtype].losses
        self._loss = losses[estimator._loss, estimator.out_activation_]

    # -- input, pickles

    def _read(self, x: Any) -> np.ndarray:
        given = numbers(as_typed(filled(x)), _feature, "x")
        if given.shape != (self._n_features,):
            raise ValueError(
                f"x has shape {given.shape}, expected ({self._n_features},): one number for each "
                "feature of this step."
            )
        with np.errstate(over="ignore"):  # infinity is told as such
            return np.require(given, self._dtype, ["C", "A"])

    def _save(self) -> list[np.ndarray]:
        return self._online.save(lambda n: np.empty(n, dtype=self._dtype))

    def __getstate__(self) -> dict[str, Any]:
        return {
            "estimator": self._estimator,
            "stale": self._estimator._n_draws != self._n_draws,
            "stepped": self._stepped,
            "memory": self._save(),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["estimator"])
        self._stepped = state["stepped"]
        if state["stale"]:
            self._n_draws = self._vector = None
        else:
            self._online.restore(state["memory"])
