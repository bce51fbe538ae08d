"""error_flow and plain_error_flow: section 3 of the paper of 1997 and its equation (41).

``flow_back`` propagates an error of 1 from every cell of a layer back through the kernels' cells.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
from scipy.special import expit as logistic
from sklearn.utils import Bunch

from sklstm._numbers import as_numbers, as_typed, filled, first_unequal
from sklstm.inspection import _cells
from sklstm.inspection._plain import plain
from sklstm.inspection._states import (
    Run,
    gradient_in_use,
    of_cells,
    peepholes,
    read,
    run_to,
)


def error_flow(
    estimator: Any,
    X: Any,
    *,
    gradient: str | None = None,
    max_lag: int | None = None,
    layer: int = -1,
) -> Bunch:
    """Measure by which factor an error is scaled on its way back through a layer, per lag.

    An error of 1 is injected at the output of one cell at the last step t of a sequence. It is
    propagated back q steps, to all cell states s(t-q) and to the net inputs of all units at that
    step. The result is the Euclidean norm of the error over units, for each cell in turn.

    With the truncated gradient an error stays in its cell. In a cell of 1997 the error at the state
    is then y_out(t) h'(s(t)) at every lag, by equation (41) of [1]_. At the cell input it is
    multiplied by g'(net_c(t-q)) y_in(t-q), and at the input gate by
    g(net_c(t-q)) f'_in(net_in(t-q)).

    Parameters
    ----------
    estimator : LSTMClassifier or LSTMRegressor
        Fitted or initialised.
    X : array of shape (n, T, F), list of (T_i, F) arrays, or table of shape (n, d)
        Sequences. To inject errors before the end, cut the sequences there.
    gradient : {"truncated", "full"}, default=None
        Path of the error: through the cell states only ("truncated"), or also through the recurrent
        weights ("full"). None is the gradient that the estimator learns with.
    max_lag : int, default=None
        Largest lag Q, in steps. None goes back to the first step of the longest sequence. Set it to
        save time with long sequences.
    layer : int, default=-1
        Index in ``layers_`` of the layer that the error goes through. The default is the last
        layer. The last step of a backward layer is the first step of the sequence.

    Returns
    -------
    flow : Bunch
        ``lag`` of shape (Q + 1,): 0, 1, ..., Q. All other arrays have shape (n, Q + 1, H * S) and
        are factors without a unit, NaN before the first step of a sequence. The last axis is the
        cell at which the error is injected. ``state`` is the error at the cell states,
        ``candidate`` at the cell inputs, ``input_gate``, ``forget_gate`` (if the cell has one) and
        ``output_gate`` at the net inputs of the gates.

    Raises
    ------
    TypeError
        If the estimator is not one of this package. Take it out of a pipeline or a search.
    sklearn.exceptions.NotFittedError
        If the estimator is neither fitted nor initialised.
    ValueError
        If a parameter or ``X`` is not valid.

    See Also
    --------
    ErrorFlowDisplay : Plot the error flow.
    plain_error_flow : The same for a plain recurrent network.

    References
    ----------
    .. [1] Hochreiter, S. and Schmidhuber, J. (1997). Long Short-Term Memory. Neural Computation
       9(8), 1735-1780.

    Examples
    --------
    The state of a cell of 1997 carries errors back unchanged:

    >>> import numpy as np
    >>> from sklstm import LSTMRegressor
    >>> from sklstm.inspection import error_flow
    >>> model = LSTMRegressor(4, cell="1997", random_state=0).initialize(1)
    >>> X = np.random.default_rng(0).normal(size=(3, 50, 1))
    >>> flow = error_flow(model, X)
    >>> flow.state.shape
    (3, 50, 4)
    >>> np.allclose(flow.state, flow.state[:, :1])
    True
    """
    estimator, sequences = read(estimator, X)
    gradient = gradient_in_use(estimator) if gradient is None else gradient
    if gradient not in ("truncated", "full"):
        raise ValueError(f'gradient must be "truncated", "full" or None, got {gradient!r}.')
    n_lags = _n_lags(max_lag, sequences.lengths.max())
    flow = {}
    for k in range(len(sequences)):
        run = run_to(plain(estimator, sequences.take([k])), layer)
        shape, way_back = run.shape, flow_back(run, full=gradient == "full")
        for q, (d_state, d_z) in enumerate(islice(way_back, n_lags)):
            errors = {"state": d_state, "candidate": d_z[:, shape.cell_rows]}
            errors |= {f"{name}_gate": d_z[:, shape.gate_rows(name)] for name in shape.gates}
            for name, error in errors.items():
                sizes = flow.setdefault(
                    name, np.full((len(sequences), n_lags, shape.n_cells), np.nan)
                )
                sizes[k, q] = np.linalg.norm(error, axis=1)
    return Bunch(lag=np.arange(n_lags), **flow)


def flow_back(run: Run, *, full: bool) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For lag 0, 1, ...: the errors at the states, (H·S, H·S), and at z, (H·S, rows of units).

    Row c is the error that starts as 1 at the output of cell c at the last step. All C = H·S errors
    are propagated together, in the groups of steps.pxd, (groups, H, C).
    """
    shape = run.shape
    C, H, S = shape.n_cells, shape.n_blocks, shape.block_size

    def for_each(groups: np.ndarray) -> np.ndarray:
        return np.repeat(groups, C, axis=-1)

    flow = for_each(peepholes(shape, run.weights))
    if not full:
        flow[:] = 0  # no error passes through a peephole into a state
    of_output = flow[2 * S :]
    d_r = np.zeros((shape.n_recurrent // H, H, C))
    d_r[:S] = np.eye(C).reshape(H, S, C).swapaxes(0, 1)
    d_r = d_r.reshape(-1, H * C)
    d_s = np.zeros((S, H * C))  # the error from s(t+1)
    arrived, d_o, unused = np.empty((S, H * C)), np.empty((1, H * C)), np.zeros((3 * S, H * C))
    for t in reversed(range(len(run.z))):
        z, s, h = for_each(run.z[t]), for_each(run.s[t]), for_each(run.h[t])
        before = for_each(run.s[t - 1]) if t else np.zeros((S, H * C))
        _cells.errors(shape.cell, z, h, d_r, arrived, d_o)
        d_state = d_s + arrived
        _cells.backward(shape.cell, flow, before, s, h, d_r, z, d_s, unused)
        d_z = z.reshape(-1, H, C)
        d_state += z[-1:] * of_output  # the output gate sees s(t)
        rows = np.concatenate(
            [
                d_z[: len(shape.gates) - 1].reshape(-1, C),
                of_cells(d_z[len(shape.gates) - 1 : -1].transpose(2, 0, 1)).T,
                d_z[-1],
            ]
        )
        yield of_cells(d_state.reshape(S, H, C).transpose(2, 0, 1)), rows.T

        # z = ... + W_r r(t-1): the truncated gradient cuts this path
        d_r[:] = 0
        if full:
            back = run.weights["recurrent"].T @ rows  # (sources, C)
            d_r[:S] = back[: H * S].reshape(H, S, C).swapaxes(0, 1).reshape(S, H * C)
            d_r[S:] = back[H * S :].reshape(-1, H * C)


ACTIVATIONS = {  # the function, its derivative from its value, the largest derivative
    "logistic": (logistic, lambda y: y * (1 - y), 0.25),
    "tanh": (np.tanh, lambda y: 1 - y**2, 1.0),
}


def plain_error_flow(
    recurrent: Any, drive: Any, *, activation: str = "logistic", max_lag: int | None = None
) -> Bunch:
    """Measure by which factor an error is scaled on its way back through a plain recurrent network.

    The network is y(t) = f(net(t)) with net(t) = drive(t) + W y(t-1), and y = 0 before the first
    step. An error of 1 is injected at the net input of one unit at the last step. The result is its
    Euclidean norm over units q steps earlier, for each unit in turn (section 3.1 of [1]_).

    Parameters
    ----------
    recurrent : array-like of shape (n_units, n_units)
        Recurrent weights W. Rows are receiving units.
    drive : array-like of shape (n, T, n_units) or (T, n_units)
        Net input of the units without the recurrence: inputs times their weights, plus biases.
    activation : {"logistic", "tanh"}, default="logistic"
        Activation function f. The default is that of the paper.
    max_lag : int, default=None
        Largest lag Q, in steps. None goes back to the first step.

    Returns
    -------
    flow : Bunch
        ``lag`` of shape (Q + 1,): 0, 1, ..., Q. ``unit`` of shape (n, Q + 1, n_units): factors
        without a unit, where the last axis is the unit at which the error is injected. ``bound`` of
        shape (Q + 1,): the upper bound n_units (f'_max ||W||)^q of the paper, with the spectral
        norm.

    Raises
    ------
    TypeError
        If ``recurrent`` or ``drive`` contains dates or other objects.
    ValueError
        If shapes do not fit, a value is not a finite number, or a parameter has another value.

    See Also
    --------
    error_flow : The same for an LSTM.
    ErrorFlowDisplay : Plot the error flow.

    References
    ----------
    .. [1] Hochreiter, S. and Schmidhuber, J. (1997). Long Short-Term Memory. Neural Computation
       9(8), 1735-1780.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm.inspection import plain_error_flow
    >>> rng = np.random.default_rng(0)
    >>> flow = plain_error_flow(rng.normal(size=(8, 8)), rng.normal(size=(50, 8)))
    >>> flow.unit.shape
    (1, 50, 8)
    >>> bool(flow.unit[0, 10].max() < 0.1 * flow.unit[0, 5].max())
    True
    """
    W, drive = _finite(recurrent, "recurrent"), _finite(drive, "drive")
    if drive.ndim == 2:
        drive = drive[None]
    if W.ndim != 2 or drive.ndim != 3 or not W.shape[0] == W.shape[1] == drive.shape[2]:
        raise ValueError(
            f"recurrent has shape {W.shape} and drive {drive.shape}: they must be (n_units, "
            "n_units) and (n, T, n_units), with one column of drive for each unit."
        )
    if drive.size == 0:
        raise ValueError(f"drive has shape {drive.shape}: it must not be empty.")
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation must be one of {[*ACTIVATIONS]}, got {activation!r}.")
    f, slope, largest_slope = ACTIVATIONS[activation]
    n, n_steps, n_units = drive.shape
    n_lags = _n_lags(max_lag, n_steps)

    y = np.zeros((n_steps, n, n_units))
    for t in range(n_steps):
        y[t] = f(drive[:, t] + (y[t - 1] @ W.T if t else 0.0))
    error = np.broadcast_to(np.eye(n_units), (n, n_units, n_units))  # axes: injected at, found at
    unit = np.empty((n, n_lags, n_units))
    for q in range(n_lags):
        if q:  # (1), (2): one factor f'(net(t-q)) w for each step
            error = error @ W * slope(y[n_steps - 1 - q])[:, None, :]
        unit[:, q] = np.linalg.norm(error, axis=2)
    lag = np.arange(n_lags)
    bound = n_units * (largest_slope * np.linalg.norm(W, 2)) ** lag
    return Bunch(lag=lag, unit=unit, bound=bound)


def _finite(values: Any, name: str) -> np.ndarray:
    """Finite numbers as float64, of any number of axes."""
    try:
        array = as_typed(filled(values))
    except ValueError:
        raise ValueError(
            f"{name} contains arrays of unequal length, see row {first_unequal(values)}."
        ) from None
    array = as_numbers(array, lambda index: f"index {index}", name).astype(np.float64)
    bad = ~np.isfinite(array)
    if bad.any():
        index = tuple(np.argwhere(bad)[0].tolist())
        what = "NaN" if np.isnan(array[index]) else "infinity"
        raise ValueError(f"{name} contains {what} at index {index}.")
    return array


def _n_lags(max_lag: int | None, n_steps: int) -> int:
    if max_lag is None:
        return n_steps
    if not isinstance(max_lag, int | np.integer) or isinstance(max_lag, bool) or max_lag < 0:
        raise ValueError(f"max_lag must be an integer >= 0 or None, got {max_lag!r}.")
    return min(int(max_lag) + 1, n_steps)
