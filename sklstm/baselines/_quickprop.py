"""Quickprop (Fahlman 1988): each weight steps to the minimum of a parabola through two slopes."""

from __future__ import annotations

import numpy as np


class Quickprop:
    """Steps for weights of one shape, from slope to slope.

    With the slope s now, p before and the last step d, the parabola has its minimum at
    d s / (p - s). A weight that goes on downhill also takes a linear step, -rate s. Where the
    slope has not fallen to mu / (1 + mu) of the last one, the step is mu d: the parabola would ask
    for more, or has no minimum ahead. It is not longer than that backwards either.

    Parameters
    ----------
    shape : tuple of int
    rate : float
        Of the linear step (Fahlman's epsilon).
    growth : float
        How much longer than the last one a step may be (mu).
    decay : float
        This much of a weight is added to its slope.
    """

    def __init__(self, shape: tuple[int, ...], rate: float, growth: float, decay: float):
        self.rate, self.growth, self.decay = rate, growth, decay
        self.last_step, self.last_slope = np.zeros(shape), np.zeros(shape)

    def step(self, weights: np.ndarray, slope: np.ndarray) -> None:
        """Move ``weights`` downhill, in place."""
        slope = slope + self.decay * weights
        last, mu = self.last_step, self.growth
        # Along the last step: positive where it still goes downhill.
        ahead, before = -np.sign(last) * slope, -np.sign(last) * self.last_slope
        far = ahead >= mu / (1 + mu) * before
        bend = np.where(far | (before == ahead), 1.0, before - ahead)
        ratio = np.where(far, mu, np.clip(ahead / bend, -mu, mu))
        linear = (last == 0) | (ahead > 0)
        self.last_step = ratio * last - np.where(linear, self.rate * slope, 0.0)
        self.last_slope = slope
        weights += self.last_step
