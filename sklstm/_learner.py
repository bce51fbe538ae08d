"""Learner: the parameters, solver and settings of an estimator that its streams share."""

from __future__ import annotations

from contextlib import AbstractContextManager
from operator import attrgetter
from typing import Any, Protocol

import numpy as np

from sklstm._advice import cure_of_step
from sklstm._categories import Categories
from sklstm._outputs import Outputs
from sklstm._runtime import Gate
from sklstm._snapshots import snapshot
from sklstm._solvers import SOLVERS, continued
from sklstm._threads import effective_n_jobs
from sklstm._topology import Topology
from sklstm._updates import Updates, updates_of

# Settings that streams read; a change takes effect at the next step.
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
    # changes of these raise an error, because streams cannot follow them
    "loss",
    "quantile",
    "out_activation",
    "pooling",
)


class Holder(Protocol):
    """Interface of estimators that streams need; solvers and outputs also read ``SETTINGS``.

    Attributes
    ----------
    parameters_ : ndarray of shape (n_total,)
        Parameters. A stream checks in every step if this is still the same array.
    t_ : int
        Number of updates so far.
    solver : str
        The user's setting.
    alpha : float
        The user's setting.
    n_jobs : int or None
        The user's setting.
    """

    parameters_: np.ndarray
    t_: int
    solver: str
    alpha: float
    n_jobs: int | None
    _solver_state: dict[str, Any]
    _n_draws: int  # number of times that initial parameters were drawn

    @property
    def _topology(self) -> Topology: ...

    @property
    def _categories(self) -> Categories | None: ...

    def _outputs_now(self) -> Outputs: ...

    def _check_parameters(self) -> dict[str, Any]:
        """Raise an error for invalid settings; return the shape that they ask for."""

    def _check_shape(self, shape: dict[str, Any]) -> None:
        """Raise an error if this is not the shape of the network."""

    def _check_outputs(self, classes: Any) -> None:
        """Raise an error if the settings ask for other outputs than the fitted ones."""


class Learner:
    """Access to the fitted parameters of an estimator, shared by all of its streams.

    It stores no copies, so a fit, ``set_params`` and assignments take effect at once.

    Attributes
    ----------
    holder : Holder
        The estimator.
    """

    def __init__(self, holder: Holder, updates: Updates | None = None) -> None:
        self.holder = holder
        self._updates = updates_of(holder) if updates is None else updates
        settings = (name for name in SETTINGS if hasattr(holder, name))
        self._standing = attrgetter("_solver_state", *settings)

    def __reduce__(self) -> tuple:
        return type(self), (self.holder,)

    @property
    def lock(self) -> AbstractContextManager:
        """Lock that the learning stream holds."""
        return self._updates.now

    @property
    def gate(self) -> Gate:
        """Gate that is closed while parameters change."""
        return self._updates.gate

    def at_once(self) -> Learner:
        """A learner with a consistent snapshot of the estimator."""
        return Learner(snapshot(self.holder), self._updates)

    @property
    def topology(self) -> Topology:
        return self.holder._topology

    @property
    def categories(self) -> Categories | None:
        return self.holder._categories

    @property
    def n_draws(self) -> int:
        """Number of times that initial parameters were drawn; a new fit changes it."""
        return self.holder._n_draws

    @property
    def n_threads(self) -> int:
        return effective_n_jobs(self.holder.n_jobs)

    @property
    def alpha(self) -> float:
        return float(self.holder.alpha)  # NumPy's numbers would warn about infinite penalties

    def outputs(self) -> Outputs:
        return self.holder._outputs_now()

    def standing(self) -> tuple:
        """Solver state and settings. If one of these objects changes, a new solver is needed."""
        return self._standing(self.holder)

    def check(self) -> None:
        """Raise an error if settings are invalid or do not match the fitted network."""
        self.holder._check_shape(self.holder._check_parameters())
        self.holder._check_outputs(None)

    def writable(self) -> np.ndarray:
        """The parameters to update: a copy made for streams, because others may use the array."""
        holder, updates = self.holder, self._updates
        if holder.parameters_ is not updates.vector:
            updates.vector = np.array(holder.parameters_)
            holder.parameters_ = updates.vector
        return updates.vector

    def solver(self) -> Any:
        """A solver that shares its state with all streams of this estimator."""
        holder, updates = self.holder, self._updates
        state, dtype = holder._solver_state, holder.parameters_.dtype
        fits = all(a.dtype == dtype for a in state.values() if isinstance(a, np.ndarray))
        if state is not updates.state or state["solver"] != holder.solver or not fits:
            updates.state = continued(state, holder.parameters_, holder)
            holder._solver_state = updates.state
        return SOLVERS[holder.solver](updates.state, holder)

    def restart(self, solver: Any) -> None:
        """Reset the solver state after a step that was not finite."""
        self._updates.state = solver.start(self.holder.parameters_, self.holder)
        self.holder._solver_state = self._updates.state

    def cure(self, target: np.ndarray) -> str:
        """Advice if this target could not be learned."""
        return cure_of_step(self.holder, self.outputs(), target)
