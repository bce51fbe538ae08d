"""Solvers: learning rate, clipping, and the state between calls.

A solver is created for one call from the settings of the estimator and from a state: a dictionary
of arrays and numbers that the estimator stores and pickles. ``n_made`` counts the steps of this
solver, including a step whose caller was interrupted by Ctrl-C.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, sqrt
from typing import Any

import numpy as np

from sklstm import _isa
from sklstm._gradient import Gradient

SMALLEST_RATE = 1e-6  # with "adaptive", training stops when the learning rate reaches this


class Adam:
    """Adam. It ignores the schedules of the learning rate."""

    has_schedule = False  # True if end_epoch changes the learning rate

    def __init__(self, state: dict[str, Any], settings: Any) -> None:
        self.state, self.n_made = state, 0
        self.rate = settings.learning_rate_init
        self.betas = settings.beta_1, settings.beta_2
        self.epsilon = settings.epsilon
        self.clip_norm = settings.clip_norm

    @staticmethod
    def start(vector: np.ndarray, settings: Any) -> dict[str, Any]:
        """The initial state."""
        return {
            "solver": "adam",
            "n_steps": 0,
            "mean": np.zeros(vector.shape, vector.dtype),
            "square": np.zeros(vector.shape, vector.dtype),
        }

    def step_on(
        self, vector: np.ndarray, gradient: Gradient, gate: Any = None
    ) -> tuple[Callable[[], bool], Callable[[], None]]:
        """Return functions that update ``vector`` with the current gradient, and undo it.

        The first function returns False and changes nothing if the new parameters would not be
        finite. The second function undoes the last step. ``gate`` is closed during the update.
        """
        state, rate, (beta_1, beta_2) = self.state, self.rate, self.betas
        steps = _isa.optimizers[vector.dtype].AdamSteps(
            vector,
            state["mean"],
            state["square"],
            gradient,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=self.epsilon,
            clip_norm=self.clip_norm,
            gate=gate,
        )
        move = steps.step

        def step() -> bool:
            n_steps = state["n_steps"] + 1
            size = rate * sqrt(1 - beta_2**n_steps) / (1 - beta_1**n_steps)
            try:
                return move(size)
            finally:  # Ctrl-C is raised after the parameters have changed
                state["n_steps"] = n_steps
                self.n_made += 1

        return step, steps.undo

    def end_epoch(self, t: int) -> None:
        """Update the learning rate after an epoch; ``t`` is the number of sequences seen."""

    def gives_up(self) -> bool:
        """Called when the loss no longer improves. True: training stops."""
        return True


class SGD:
    """Stochastic gradient descent with momentum and learning rate schedules."""

    def __init__(self, state: dict[str, Any], settings: Any) -> None:
        self.state, self.n_made = state, 0
        self.schedule = settings.learning_rate
        self.rate_init = float(settings.learning_rate_init)
        self.power_t = float(settings.power_t)  # a power with a huge int would take forever
        self.has_schedule = self.schedule == "invscaling"
        self.momentum, self.nesterov = settings.momentum, settings.nesterovs_momentum
        self.clip_norm = settings.clip_norm
        # A schedule starts anew if it was changed since the last call.
        schedule = (self.schedule, self.rate_init)
        if (state["schedule"], state["learning_rate_init"]) != schedule:
            state["schedule"], state["learning_rate_init"] = schedule
            state["learning_rate"] = self.rate_init
        # Without momentum the stored velocity is only the last step, without categories.
        if state.get("momentum") == 0 and self.momentum > 0:
            state["velocity"][:] = 0
        state["momentum"] = self.momentum

    @staticmethod
    def start(vector: np.ndarray, settings: Any) -> dict[str, Any]:
        """The initial state."""
        return {
            "solver": "sgd",
            "schedule": settings.learning_rate,
            "learning_rate_init": float(settings.learning_rate_init),
            "learning_rate": float(settings.learning_rate_init),
            "momentum": settings.momentum,
            "velocity": np.zeros(vector.shape, vector.dtype),
        }

    def step_on(
        self, vector: np.ndarray, gradient: Gradient, gate: Any = None
    ) -> tuple[Callable[[], bool], Callable[[], None]]:
        """Return functions that update ``vector`` with the current gradient, and undo it.

        The first function returns False and changes nothing if the new parameters would not be
        finite. The second function undoes the last step. ``gate`` is closed during the update.
        """
        state = self.state
        steps = _isa.optimizers[vector.dtype].SgdSteps(
            vector,
            state["velocity"],
            gradient,
            momentum=self.momentum,
            nesterov=self.nesterov,
            clip_norm=self.clip_norm,
            gate=gate,
        )
        move = steps.step

        def step() -> bool:
            size = state["learning_rate"]
            try:
                return move(size)
            finally:
                self.n_made += 1

        return step, steps.undo

    def end_epoch(self, t: int) -> None:
        """Update the learning rate after an epoch; ``t`` is the number of sequences seen."""
        if self.has_schedule:
            try:
                divisor = float(t + 1) ** self.power_t
            except OverflowError:
                divisor = inf
            self.state["learning_rate"] = self.rate_init / divisor

    def gives_up(self) -> bool:
        """Called when the loss no longer improves. False: continue with a lower rate."""
        if self.schedule != "adaptive" or self.state["learning_rate"] <= SMALLEST_RATE:
            return True
        self.state["learning_rate"] /= 5.0
        return False


SOLVERS = {"adam": Adam, "sgd": SGD}


def continued(state: dict[str, Any], vector: np.ndarray, settings: Any) -> dict[str, Any]:
    """A copy of ``state``, or an initial state if the settings ask for another solver."""
    if state["solver"] != settings.solver:
        return SOLVERS[settings.solver].start(vector, settings)
    return {
        name: np.array(value, vector.dtype) if isinstance(value, np.ndarray) else value
        for name, value in state.items()
    }


def norm(vector: np.ndarray) -> float:
    """Euclidean norm of a vector."""
    return _isa.optimizers[vector.dtype].norm(vector)
