"""A network on a stream: one time step after the other, learning at any of them."""

from __future__ import annotations

import threading
import warnings
from math import isfinite
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sklstm import _isa
from sklstm._solvers import SOLVERS

if TYPE_CHECKING:
    from sklstm._base import BaseLSTM

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

    def _open(self) -> None:
        """Bind to the parameters that the estimator has now."""
        estimator = self._estimator
        topology = estimator._topology
        self._vector = estimator.parameters_
        self._dtype = self._vector.dtype
        self._n_features = topology.n_features
        self._learns = len(topology.stack) == 1
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
        self._target = estimator._stream_reader()
        self._lock = _learning.setdefault(estimator, threading.Lock())

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
            raise RuntimeError(_STALE)
        if type(x) is not np.ndarray or x.dtype != self._dtype or x.shape != (self._n_features,):
            x = self._read(x)
        if not self._online.step(x):
            raise ValueError(
                f"x contains NaN or infinity in feature {int(np.argmin(np.isfinite(x)))}. The "
                "stream is as it was before this step: fill the value in, or leave the step out."
            )
        self._stepped = True
        return self._estimator._stream_output(self._online.output())

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
        if not self._stepped:
            raise ValueError("There is no current step: call step(x) first.")
        return np.array(self._online.output(), dtype=self._dtype).reshape(1, -1)

    def reset(self) -> Stream:
        """Forget the steps so far: zero state and traces."""
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
            Before the update, times the weight.
        """
        if not self._learns:
            raise ValueError(
                "learn is for one hidden layer: the traces of a lower layer would take more "
                "memory than there are weights. Use partial_fit."
            )
        if not self._stepped:
            raise ValueError("There is no current step to learn at: call step(x) first.")
        if not (sample_weight >= 0 and isfinite(sample_weight)):
            raise ValueError(f"sample_weight must be a finite number >= 0, got {sample_weight!r}.")
        target = self._target(y)
        if sample_weight == 0:
            return 0.0
        with self._lock:
            return self._update(target, float(sample_weight))

    def _update(self, target: np.ndarray, weight: float) -> float:
        estimator = self._estimator
        if estimator.parameters_ is not self._vector:
            raise RuntimeError(_STALE)
        if estimator._solver_state is not self._solver_state:
            self._bind_solver()
        penalty = estimator.alpha / weight
        loss = self._online.gradient(target, weight, self._loss, penalty)
        if not isfinite(loss):
            warnings.warn(
                f"The loss at this step is not finite: nothing was learned. {estimator._cure()}",
                ConvergenceWarning,
                stacklevel=3,
            )
            return loss
        self._step_solver()
        estimator.t_ += 1
        self._solver.end_epoch(estimator.t_)
        return loss

    def _bind_solver(self) -> None:
        """Prepare updates: writable parameters, the solver and its state."""
        estimator = self._estimator
        if not self._vector.flags.writeable:  # memory-mapped: the file stays as it is
            memory = self._save()
            estimator.parameters_ = np.array(self._vector)
            self._open()
            self._online.restore(memory)
        estimator._solver_state = estimator._solver_state_copy(self._vector)
        self._solver_state = estimator._solver_state
        self._solver = SOLVERS[estimator.solver](self._solver_state, estimator)
        self._step_solver = self._solver.step_on(self._vector, self._d_vector)
        losses = _isa.kernels[self._dtype].losses
        self._loss = losses[estimator._loss, estimator.out_activation_]

    # -- input, pickles

    def _read(self, x: Any) -> np.ndarray:
        given = np.asarray(x)
        if given.dtype.kind not in "fiub":
            raise ValueError(f"x must be numbers, got {given.dtype}.")
        if given.shape != (self._n_features,):
            raise ValueError(
                f"x has shape {given.shape}, expected ({self._n_features},): one number for each "
                "feature of this step."
            )
        return np.ascontiguousarray(given, dtype=self._dtype)

    def _save(self) -> list[np.ndarray]:
        return self._online.save(lambda n: np.empty(n, dtype=self._dtype))

    def __getstate__(self) -> dict[str, Any]:
        return {
            "estimator": self._estimator,
            "stale": self._estimator.parameters_ is not self._vector,
            "stepped": self._stepped,
            "memory": self._save(),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["estimator"])
        self._stepped = state["stepped"]
        if state["stale"]:
            self._vector = None
        else:
            self._online.restore(state["memory"])
