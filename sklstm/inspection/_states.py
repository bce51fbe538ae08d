"""hidden_states: a forward pass in float64 that keeps all activations.

The cells are those of the kernels. NumPy computes the net inputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from sklstm._base import BaseLSTM
from sklstm._parameters import gradient_of
from sklstm._sequences import Sequences
from sklstm._snapshots import settled
from sklstm._topology import LayerShape
from sklstm.inspection import _cells
from sklstm.inspection._plain import Plain, plain


def hidden_states(estimator: BaseLSTM, x: Any, *, layer: int = -1) -> Bunch:
    """Return gates, cell states and outputs of a layer at each step of a sequence.

    Parameters
    ----------
    estimator : LSTMClassifier or LSTMRegressor
        Fitted or initialised. For a pipeline, pass its last step and the transformed ``x``.
    x : array-like of shape (T, F)
        One sequence, or one row if the estimator was fitted on a table.
    layer : int, default=-1
        Index in ``layers_``. The default is the last layer, which the output layer reads.

    Returns
    -------
    states : Bunch
        Arrays of float64 in the order of time, for H blocks of S cells. ``input_gate``,
        ``forget_gate`` (if the cell has one) and ``output_gate`` of shape (T, H) are activations
        from 0 to 1. ``candidate``, ``state`` and ``output`` of shape (T, H * S) are the cell inputs
        g, the cell states s and the cell outputs y.

    Raises
    ------
    TypeError
        If the estimator is not one of this package. Take it out of a pipeline or a search.
    sklearn.exceptions.NotFittedError
        If the estimator is neither fitted nor initialised.
    ValueError
        If there is no such layer, or ``x`` is not one sequence that the estimator can read.

    See Also
    --------
    StateDisplay : Plot the states.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm import LSTMRegressor
    >>> from sklstm.inspection import hidden_states
    >>> model = LSTMRegressor(3, cell="1997", block_size=2, random_state=0).initialize(1)
    >>> states = hidden_states(model, np.ones((10, 1)))
    >>> states.state.shape, states.input_gate.shape
    ((10, 6), (10, 3))
    >>> np.allclose(np.diff(states.state, axis=0),
    ...             np.repeat(states.input_gate, 2, axis=1)[1:] * states.candidate[1:])
    True
    """
    return states_of_first(estimator, [x], layer)


def states_of_first(estimator: BaseLSTM, X: Any, layer: int) -> Bunch:
    """What ``hidden_states`` returns, for the first sequence of X."""
    run = run_to(plain(*read(estimator, X)), layer)
    states = run.states()
    return Bunch(**{name: a[::-1] for name, a in states.items()}) if run.shape.reverse else states


def gradient_in_use(estimator: Any) -> str:
    """The gradient that an LSTM learns with: "truncated" or "full"."""
    return gradient_of(estimator.gradient, estimator._shape["cell"])


def read(estimator: Any, X: Any) -> tuple[BaseLSTM, Sequences]:
    """A snapshot of the estimator, and the sequences of X."""
    if not isinstance(estimator, BaseLSTM):
        raise TypeError(
            f"{type(estimator).__name__} is not an LSTMClassifier or LSTMRegressor. For a "
            "pipeline, pass model[-1] and X as model[:-1].transform returns it. For a search, pass "
            "model.best_estimator_."
        )
    estimator._check_fitted()
    now = settled(estimator)
    return now, now._read_fitted(X)


@dataclass(frozen=True)
class Run:
    """The activations of a layer after reading a sequence, in the groups of steps.pxd."""

    shape: LayerShape
    weights: dict[str, np.ndarray]
    z: np.ndarray  # (T, groups, H) activations
    s: np.ndarray  # (T, S, H)
    h: np.ndarray  # (T, S, H)
    y: np.ndarray  # (T, S, H)

    @property
    def output(self) -> np.ndarray:
        """(T, H·S)."""
        return of_cells(self.y)

    def states(self) -> Bunch:
        """Activations of each gate and cell by name, see ``hidden_states``."""
        *before, after = self.shape.gates
        first, last = len(before), len(before) + self.shape.block_size
        gates = {f"{name}_gate": self.z[:, k] for k, name in enumerate(before)}
        return Bunch(
            **gates,
            **{f"{after}_gate": self.z[:, last]},
            candidate=of_cells(self.z[:, first:last]),
            state=of_cells(self.s),
            output=self.output,
        )


def run_to(net: Plain, layer: int) -> Run:
    """Run the layers over one sequence, up to number ``layer``, and return that run."""
    topology, x = net.topology, net.sequences.values
    n_layers = len(topology.stack)
    is_number = isinstance(layer, Integral) and not isinstance(layer, bool)
    if not is_number or not -n_layers <= layer < n_layers:
        raise ValueError(f"layer={layer!r} does not exist: the estimator has {n_layers} layers_.")
    directions: list[np.ndarray] = []
    for number, shape in enumerate(topology.stack):
        done = run(shape, net.layers[number], x[::-1] if shape.reverse else x)
        if number == layer % n_layers:
            break
        directions.append(done.output[::-1] if shape.reverse else done.output)
        if len(directions) == topology.n_directions:
            x, directions = np.hstack(directions), []
    return done


def run(shape: LayerShape, weights: dict[str, np.ndarray], x: np.ndarray) -> Run:
    """Run a layer over x (T, F), from states of zero."""
    T, H, S = len(x), shape.n_blocks, shape.block_size
    z = np.empty((T, len(shape.gates) + S, H))
    s, h, r = np.zeros((T + 1, S, H)), np.empty((T, S, H)), np.empty((shape.n_recurrent // H, H))
    y = np.empty((T, S, H))
    fed = np.zeros(shape.n_recurrent)
    peephole = peepholes(shape, weights)
    for t, x_t in enumerate(x):
        z[t] = in_groups(
            shape, weights["input"] @ x_t + weights["recurrent"] @ fed + weights["bias"]
        )
        _cells.forward(shape.cell, peephole, s[t - 1], z[t], s[t], h[t], r)  # s[-1] is zero
        y[t] = r[:S]
        fed = np.concatenate([of_cells(r[:S]), r[S:].ravel()])
    return Run(shape, weights, z, s[:T], h, y)


def in_groups(shape: LayerShape, units: np.ndarray) -> np.ndarray:
    """Reorder the rows of a layer, (rows, ...), to groups, (groups, H, ...)."""
    H, S, more = shape.n_blocks, shape.block_size, units.shape[1:]
    first, last = shape.cell_rows.start, shape.cell_rows.stop
    gates, cells, output = units[:first], units[first:last], units[last:]
    return np.concatenate(
        [
            gates.reshape(-1, H, *more),
            cells.reshape(H, S, *more).swapaxes(0, 1),
            output.reshape(-1, H, *more),
        ]
    )


def of_cells(groups: np.ndarray) -> np.ndarray:
    """Reorder groups of cells (..., S, H) to cells by block, (..., H·S)."""
    return groups.swapaxes(-1, -2).reshape(*groups.shape[:-2], -1)


def peepholes(shape: LayerShape, weights: dict[str, np.ndarray]) -> np.ndarray:
    """The peephole weights of the gates, (3·S, H), zeros without peepholes."""
    H, S = shape.n_blocks, shape.block_size
    rows = weights.get("peephole", np.zeros((3 * H, S)))
    return np.ascontiguousarray(rows.reshape(3, H, S).swapaxes(1, 2)).reshape(3 * S, H)
