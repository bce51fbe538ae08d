"""What learns on a stream: the fitted parameters of an estimator, its solver and its settings."""

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

# The settings that learning goes by: a change takes effect at the next step.
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
    # what learning cannot follow, and has to refuse
    "loss",
    "quantile",
    "out_activation",
    "pooling",
)


class Holder(Protocol):
    """What streams ask of the estimator that they belong to; solvers and outputs read `SETTINGS`.

    Attributes
    ----------
    parameters_ : ndarray of shape (n_total,)
        Streams look at it in every step: another array there means that the parameters have moved.
    t_ : int
        Updates so far.
    solver, alpha, n_jobs
        As set by the user.
    """

    parameters_: np.ndarray
    t_: int
    solver: str
    alpha: float
    n_jobs: int | None
    _solver_state: dict[str, Any]
    _n_draws: int  # how often parameters were drawn

    @property
    def _topology(self) -> Topology: ...

    @property
    def _categories(self) -> Categories | None: ...

    def _outputs_now(self) -> Outputs: ...

    def _check_parameters(self) -> dict[str, Any]:
        """Refuse settings that are not valid; the shape that they ask for."""

    def _check_shape(self, shape: dict[str, Any]) -> None:
        """Refuse another shape than that of the network there is."""

    def _check_outputs(self, classes: Any) -> None:
        """Refuse settings of other outputs than there are."""


class Learner:
    """The fitted parameters of one estimator, as all of its streams share them.

    Nothing is kept here: a fit, ``set_params`` and an assignment show at once.

    Attributes
    ----------
    holder : Holder
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
        """Held by the stream that learns."""
        return self._updates.now

    @property
    def gate(self) -> Gate:
        """In front of the parameters: closed while they move."""
        return self._updates.gate

    def at_once(self) -> Learner:
        """All that is fitted as it is at this moment."""
        return Learner(snapshot(self.holder), self._updates)

    @property
    def topology(self) -> Topology:
        return self.holder._topology

    @property
    def categories(self) -> Categories | None:
        return self.holder._categories

    @property
    def n_draws(self) -> int:
        """How often parameters were drawn: another number means a fit anew."""
        return self.holder._n_draws

    @property
    def n_threads(self) -> int:
        return effective_n_jobs(self.holder.n_jobs)

    @property
    def alpha(self) -> float:
        return float(self.holder.alpha)  # a number of NumPy would warn of infinite penalties

    def outputs(self) -> Outputs:
        return self.holder._outputs_now()

    def standing(self) -> tuple:
        """State of the solver and settings: if one is another object, the solver is made anew."""
        return self._standing(self.holder)

    def check(self) -> None:
        """The settings must be valid and ask for the network and the outputs that there are."""
        self.holder._check_shape(self.holder._check_parameters())
        self.holder._check_outputs(None)

    def writable(self) -> np.ndarray:
        """The parameters to move: an array of the streams, as others may hold what was there."""
        holder, updates = self.holder, self._updates
        if holder.parameters_ is not updates.vector:
            updates.vector = np.array(holder.parameters_)
            holder.parameters_ = updates.vector
        return updates.vector

    def solver(self) -> Any:
        """A solver that shares its state with all that learn here."""
        holder, updates = self.holder, self._updates
        state, dtype = holder._solver_state, holder.parameters_.dtype
        fits = all(a.dtype == dtype for a in state.values() if isinstance(a, np.ndarray))
        if state is not updates.state or state["solver"] != holder.solver or not fits:
            updates.state = continued(state, holder.parameters_, holder)
            holder._solver_state = updates.state
        return SOLVERS[holder.solver](updates.state, holder)

    def restart(self, solver: Any) -> None:
        """Forget the state of the solver, which a step that was not finite has spoiled."""
        self._updates.state = solver.start(self.holder.parameters_, self.holder)
        self.holder._solver_state = self._updates.state

    def cure(self, target: np.ndarray) -> str:
        """What to change where this target was not learned."""
        return cure_of_step(self.holder, self.outputs(), target)
