"""The forward pass with everything kept, in NumPy and float64: made to be read and looked into.

It follows docs/equations.md line by line; the tests hold it to the kernels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit as logistic
from sklearn.utils import Bunch

from sklstm._parameters import gradient_of
from sklstm._topology import LayerShape

if TYPE_CHECKING:
    from sklstm._base import BaseLSTM


def hidden_states(estimator: BaseLSTM, x: Any, *, layer: int = -1) -> Bunch:
    """Gates, cell states and outputs of one layer while it reads one sequence.

    Parameters
    ----------
    estimator : LSTMClassifier or LSTMRegressor
        Fitted or initialised.
    x : array-like of shape (T, F)
        One sequence, or one row if the estimator was fitted on a table.
    layer : int, default=-1
        Index in `layers_`; the last one is the default because the outputs are read from it.

    Returns
    -------
    states : Bunch
        Arrays in the order of time, float64, for H blocks of S cells. ``input_gate``,
        ``forget_gate`` (if the cell has one) and ``output_gate`` of shape (T, H): activations.
        ``candidate``, ``state`` and ``output`` of shape (T, H·S): g, s and y of the cells.

    Raises
    ------
    TypeError
        If the estimator is not one of this package (take it out of a pipeline or a search).
    sklearn.exceptions.NotFittedError
        If it has no parameters yet.
    ValueError
        If there is no such layer, or x is not one sequence that the estimator can read.

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
    (values,) = read(estimator, [x])
    shape, _, states = run_to(estimator, values, layer)
    return Bunch(**{name: a[::-1] for name, a in states.items()}) if shape.reverse else states


def gradient_in_use(estimator: Any) -> str:
    """The gradient that an LSTM learns by: "truncated" or "full"."""
    return gradient_of(estimator.gradient, estimator._shape["cell"])


def read(estimator: Any, X: Any) -> list[np.ndarray]:
    """The sequences of X, each (T, F) in float64."""
    from sklstm._base import BaseLSTM

    if not isinstance(estimator, BaseLSTM):
        raise TypeError(
            f"{type(estimator).__name__} is not an LSTMClassifier or LSTMRegressor. Out of a "
            "pipeline take its last step, out of a search best_estimator_."
        )
    estimator._check_fitted()
    sequences = estimator._read_fitted(X)
    return np.split(sequences.values.astype(np.float64), sequences.offsets[1:-1])


def run_to(
    estimator: BaseLSTM, x: np.ndarray, layer: int
) -> tuple[LayerShape, dict[str, np.ndarray], Bunch]:
    """Run the stack up to layer number ``layer``: its shape, weights, and states as it reads."""
    topology = estimator._topology
    n_layers = len(topology.stack)
    if not -n_layers <= layer < n_layers:
        raise ValueError(f"layer={layer} does not exist: the estimator has {n_layers} layers_.")
    directions: list[np.ndarray] = []
    for number, shape in enumerate(topology.stack):
        weights = {name: w.astype(np.float64) for name, w in estimator.layers_[number].items()}
        states = run(shape, weights, x[::-1] if shape.reverse else x)
        if number == layer % n_layers:
            break
        directions.append(states.output[::-1] if shape.reverse else states.output)
        if len(directions) == topology.n_directions:
            x, directions = np.hstack(directions), []
    return shape, weights, states


def run(layer: LayerShape, weights: dict[str, np.ndarray], x: np.ndarray) -> Bunch:
    """The states of a layer that starts from zero and reads x, (T, F)."""
    block, width = block_of_cell(layer), squash_width(layer)
    peephole = peepholes(layer, weights)
    s, r = np.zeros(layer.n_cells), np.zeros(layer.n_recurrent)
    steps = []
    for x_t in x:
        z = weights["input"] @ x_t + weights["recurrent"] @ r + weights["bias"]
        gate = {
            name: logistic(z[layer.gate_rows(name)] + peephole[name] @ s)
            for name in layer.gates[:-1]
        }
        g = width * np.tanh(z[layer.cell_rows] / width)
        s = keep(layer, gate)[block] * s + gate["input"][block] * g
        # The output gate, the last one, sees the new state.
        gate["output"] = logistic(z[layer.gate_rows("output")] + peephole["output"] @ s)
        y = gate["output"][block] * np.tanh(s / width)
        r = np.concatenate([y, gate["input"], gate["output"]]) if layer.cell == "1997" else y
        steps.append([*gate.values(), g, s, y])
    names = [*(f"{name}_gate" for name in layer.gates), "candidate", "state", "output"]
    columns = map(np.array, zip(*steps, strict=True))
    return Bunch(**dict(zip(names, columns, strict=True)))


def block_of_cell(layer: LayerShape) -> np.ndarray:
    """(H·S,)."""
    return np.repeat(np.arange(layer.n_blocks), layer.block_size)


def squash_width(layer: LayerShape) -> float:
    """c of g(x) = c tanh(x / c) and h(x) = tanh(x / c)."""
    return 2.0 if layer.cell == "1997" else 1.0


def keep(layer: LayerShape, gate: dict[str, np.ndarray]) -> np.ndarray:
    """The share of s(t-1) that stays in s(t), by block: (..., H)."""
    if layer.cell == "1997":
        return np.ones_like(gate["input"])
    return 1 - gate["input"] if layer.cell == "coupled" else gate["forget"]


def peepholes(layer: LayerShape, weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """For each gate what it sees of the cell states, (H, H·S): its own block, or nothing."""
    rows = weights.get("peephole", np.zeros((3 * layer.n_blocks, layer.block_size)))
    own = np.repeat(np.eye(layer.n_blocks), layer.block_size, axis=1)
    by_gate = zip(("input", "forget", "output"), np.split(rows, 3), strict=True)
    return {name: own * np.tile(w, layer.n_blocks) for name, w in by_gate}
