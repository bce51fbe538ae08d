"""The losses of numbers: what each means for targets, predictions and scores.

Their formulas and gradients are in _kernels/losses.pxd, which says how to add one.
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

# What a regressor makes of its raw outputs.
OUT_ACTIVATIONS = {"identity": lambda z: z, "logistic": expit, "tanh": np.tanh}
LINKS = OUT_ACTIVATIONS | {"exp": np.exp}
QUANTILES_MAX = kernels[np.dtype(np.float64)].constants["QUANTILES_MAX"]


@dataclass(frozen=True)
class NumberLoss:
    """What a loss means outside of the kernels.

    Attributes
    ----------
    score : callable
        ``score(values, targets, weights, quantiles)``, in any unit.
    units : callable
        ``units(targets, weights)``: mean and scale of each output, to train in.
    link : str or None
        What makes values of raw outputs instead of `out_activation`.
    lowest : float
        The smallest target there can be.
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
    """Loss and quantiles that a regressor asks for, as plain scalars, if they belong together."""
    loss, quantile = str(parameters.loss), parameters.quantile
    if LOSSES[loss].link is not None and parameters.out_activation != "identity":
        raise InvalidParameterError(
            f"loss={loss!r} predicts {LOSSES[loss].link} of the outputs, so out_activation must be "
            f"'identity', got {parameters.out_activation!r}."
        )
    if loss != "quantile":
        return loss, None
    if quantile is None:
        raise InvalidParameterError(
            "loss='quantile' needs to know which: set quantile to a number between 0 and 1, or to "
            "several in a list, as in quantile=[0.1, 0.5, 0.9]."
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
            f"quantile has {len(levels)} numbers, but {QUANTILES_MAX} is the most: fit several "
            "regressors."
        )
    return levels


def in_order(raw: np.ndarray) -> np.ndarray:
    """Quantiles (..., Q) of raw outputs (..., Q), each at least as high as the one before.

    The middle one is an output as it is; from it each next one is softplus of its output away.
    """
    middle = raw.shape[-1] // 2
    centre, apart = raw[..., middle : middle + 1], np.logaddexp(raw.dtype.type(0), raw)
    above = centre + np.cumsum(apart[..., middle + 1 :], axis=-1)
    below = centre - np.cumsum(apart[..., :middle][..., ::-1], axis=-1)[..., ::-1]
    return np.concatenate([below, centre, above], axis=-1)
