"""Quickprop (Fahlman 1988): each weight moves to the minimum of a parabola through two slopes."""

from __future__ import annotations

import numpy as np


class Quickprop:
    """Quickprop steps for an array of weights.

    With the current slope s, the previous slope p and the last step d, the minimum of the parabola
    is at d s / (p - s). A weight that continues downhill also takes a linear step, -rate s. If the
    slope has not fallen below mu / (1 + mu) of the previous one, the step is mu d, because the
    parabola would take a longer one or has no minimum ahead. Steps backwards have the same limit.

    Parameters
    ----------
    shape : tuple of int
    rate : float
        Rate of the linear step (Fahlman's epsilon).
    growth : float
        Largest ratio of a step to the previous one (mu).
    decay : float
        Fraction of a weight that is added to its slope.
    """

    def __init__(self, shape: tuple[int, ...], rate: float, growth: float, decay: float):
        self.rate, self.growth, self.decay = rate, growth, decay
        self.last_step, self.last_slope = np.zeros(shape), np.zeros(shape)

    def step(self, weights: np.ndarray, slope: np.ndarray) -> None:
        """Update ``weights`` in place."""
        slope = slope + self.decay * weights
        last, mu = self.last_step, self.growth
        # Slopes along the last step: positive if it still goes downhill.
        ahead, before = -np.sign(last) * slope, -np.sign(last) * self.last_slope
        far = ahead >= mu / (1 + mu) * before
        bend = np.where(far | (before == ahead), 1.0, before - ahead)
        ratio = np.where(far, mu, np.clip(ahead / bend, -mu, mu))
        linear = (last == 0) | (ahead > 0)
        self.last_step = ratio * last - np.where(linear, self.rate * slope, 0.0)
        self.last_slope = slope
        weights += self.last_step
