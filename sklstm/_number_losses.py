"""Losses for numbers: their units, links, scores and ranges.

The formulas and gradients are in _kernels/losses.pxd, which describes how to add a loss.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.special import expit

from sklstm._isa import kernels
from sklstm._numbers import row_of_numbers
from sklstm._scores import d2_absolute, d2_poisson, d2_quantiles, r2
from sklstm._sklearn import InvalidParameterError
from sklstm._units import mean_and_scale, mean_as_scale

# Functions from raw outputs to predictions.
OUT_ACTIVATIONS = {"identity": lambda z: z, "logistic": expit, "tanh": np.tanh}
LINKS = OUT_ACTIVATIONS | {"exp": np.exp}
QUANTILES_MAX = kernels[np.dtype(np.float64)].constants["QUANTILES_MAX"]


@dataclass(frozen=True)
class NumberLoss:
    """Properties of a loss outside of the kernels.

    Attributes
    ----------
    score : callable
        ``score(values, targets, weights, quantiles)``, in any unit.
    units : callable
        ``units(targets, weights)`` returns the mean and scale in which training works.
    link : str or None
        Function from raw outputs to values, instead of ``out_activation``.
    lowest : float
        Smallest valid target.
    """

    score: Callable[..., float]
    units: Callable[..., tuple[np.ndarray, np.ndarray]] = mean_and_scale
    link: str | None = None
    lowest: float = -np.inf


LOSSES = {
    "squared_error": NumberLoss(r2),
    "absolute_error": NumberLoss(d2_absolute),
    "quantile": NumberLoss(d2_quantiles),
    "poisson": NumberLoss(d2_poisson, mean_as_scale, link="exp", lowest=0.0),
}


def goal_of(parameters: Any) -> tuple[str, float | tuple[float, ...] | None]:
    """Loss and quantiles of a regressor as plain scalars, or an error if they do not match."""
    loss, quantile = str(parameters.loss), parameters.quantile
    if LOSSES[loss].link is not None and parameters.out_activation != "identity":
        raise InvalidParameterError(
            f"loss={loss!r} applies {LOSSES[loss].link} to the outputs, so out_activation must be "
            f"'identity', got {parameters.out_activation!r}."
        )
    if loss != "quantile":
        return loss, None
    if quantile is None:
        raise InvalidParameterError(
            "loss='quantile' needs the parameter quantile. Set it to a number from 0 to 1, or to "
            "a list such as quantile=[0.1, 0.5, 0.9]."
        )
    levels = _levels(quantile)
    return loss, levels[0] if np.ndim(quantile) == 0 else levels


def _levels(quantile: Any) -> tuple[float, ...]:
    row = row_of_numbers(quantile)
    levels = () if row is None else tuple(row.tolist())
    rising = all(below < above for below, above in pairwise(levels))
    if not levels or not rising or not all(0 <= level <= 1 for level in levels):
        raise InvalidParameterError(
            "The 'quantile' parameter must be a number from 0 to 1, or a list of such numbers, "
            f"each larger than the one before. Got {quantile!r} instead."
        )
    if len(levels) > QUANTILES_MAX:
        raise InvalidParameterError(
            f"quantile has {len(levels)} numbers, but at most {QUANTILES_MAX} are allowed. Fit "
            "several regressors."
        )
    return levels


def in_order(raw: np.ndarray) -> np.ndarray:
    """Quantiles (..., Q) in rising order from raw outputs (..., Q).

    The middle quantile is a raw output. The distance from each quantile to the next is the softplus
    of a raw output.
    """
    middle = raw.shape[-1] // 2
    centre, apart = raw[..., middle : middle + 1], np.logaddexp(raw.dtype.type(0), raw)
    above = centre + np.cumsum(apart[..., middle + 1 :], axis=-1)
    below = centre - np.cumsum(apart[..., :middle][..., ::-1], axis=-1)[..., ::-1]
    return np.concatenate([below, centre, above], axis=-1)
