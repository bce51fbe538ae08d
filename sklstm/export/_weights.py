"""The weights of an LSTM in the form that PyTorch and Keras share.

The cell is that of ``cell="forget"`` with one cell per block. Its rows are in the order input gate,
forget gate, cell, output gate. Other cells are converted to it if it can compute the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm._base import BaseLSTM
from sklstm._solvers import SOLVERS
from sklstm._topology import LayerShape
from sklstm.export._model import fitted_lstm, has_quantiles, in_units_of_y


@dataclass
class Direction:
    """One direction of one layer: input (4H, F), recurrent (4H, H), bias (4H,) or None."""

    input: np.ndarray
    recurrent: np.ndarray
    bias: np.ndarray | None

    @property
    def n_cells(self) -> int:
        return self.recurrent.shape[1]


@dataclass
class Weights:
    """All layers with one or two directions, and the output layer. Shapes are consistent."""

    layers: list[list[Direction]]
    output_weights: np.ndarray  # (K, cells of the last layer)
    output_bias: np.ndarray | None  # (K,)

    @property
    def bias(self) -> str | None:
        """The parameter ``bias`` of an estimator with these weights."""
        if self.output_bias is not None:
            return "all"
        return None if self.layers[0][0].bias is None else "hidden"

    @property
    def precision(self) -> type:
        """float32 if no array has a wider dtype, else float64."""
        parts = [part for layer in self.layers for part in layer]
        arrays = [self.output_weights, *(part.input for part in parts)]
        return (
            np.float32 if all(a.dtype in (np.float16, np.float32) for a in arrays) else np.float64
        )


def as_estimator(
    weights: Weights, estimator: Any, classes: Any, multilabel: bool, wanted_by: str
) -> BaseLSTM:
    """A new estimator with these weights and the settings of ``estimator``."""
    n_raw = len(weights.output_weights)
    model = _unfitted(estimator, classes, multilabel, wanted_by)
    model.set_params(
        cell="forget",
        block_size=1,
        bidirectional=len(weights.layers[0]) == 2,
        hidden_layer_sizes=tuple(layer[0].n_cells for layer in weights.layers),
        bias=weights.bias,
    )
    n_features = weights.layers[0][0].input.shape[1]
    output_weights = weights.output_weights
    output_bias = np.zeros(n_raw) if weights.output_bias is None else weights.output_bias
    if isinstance(model, LSTMClassifier):
        classes = np.arange(max(n_raw, 2)) if classes is None and not multilabel else classes
        if multilabel and n_raw == 1:
            raise ValueError("A multilabel indicator has several labels, but there is 1 output.")
        if not multilabel and len(classes) == 2 and n_raw == 2:
            # a softmax of two outputs is the logistic function of their difference
            output_weights = output_weights[1:].astype(np.float64) - output_weights[:1]
            output_bias = output_bias[1:].astype(np.float64) - output_bias[:1]
            n_raw = 1
        model.initialize(n_features, classes=classes, n_outputs=n_raw if multilabel else 1)
    else:
        n_quantiles = np.size(model.quantile) if model.loss == "quantile" else 1
        model.initialize(n_features, n_outputs=max(1, n_raw // n_quantiles))
    topology = model._topology
    if topology.n_outputs != n_raw:
        raise ValueError(
            f"The output layer has {n_raw} outputs, but {_described(model)} needs "
            f"{topology.n_outputs}."
        )
    vector = np.zeros(topology.n_total, weights.precision)
    parts = [part for layer in weights.layers for part in layer]
    with np.errstate(over="ignore"):
        for view, part in zip(topology.layers(vector), parts, strict=True):
            view["input"][:], view["recurrent"][:] = part.input, part.recurrent
            if part.bias is not None:
                view["bias"][:] = part.bias
        topology.output_weights(vector)[:] = output_weights
        topology.output_bias(vector)[:] = output_bias
    model.parameters_ = vector
    model._solver_state = SOLVERS[model.solver].start(vector, model)
    return model


def _unfitted(estimator: Any, classes: Any, multilabel: bool, wanted_by: str) -> BaseLSTM:
    """An unfitted estimator for the weights."""
    if estimator is None:
        labels = classes is not None or multilabel
        return LSTMClassifier() if labels else LSTMRegressor()
    if not isinstance(estimator, BaseLSTM):
        raise TypeError(
            f"{wanted_by}: estimator must be an LSTMClassifier or LSTMRegressor with the settings "
            f"of the result, got {type(estimator).__name__}."
        )
    if estimator.categorical_features is not None:
        raise ValueError(
            f"{wanted_by}: the weights have no categories, but estimator has categorical_features="
            f"{estimator.categorical_features!r}: set it to None."
        )
    if isinstance(estimator, LSTMRegressor) and (classes is not None or multilabel):
        raise ValueError(
            f"{wanted_by}: classes and multilabel are for an LSTMClassifier, but estimator is an "
            "LSTMRegressor."
        )
    return clone(estimator)


def _described(model: BaseLSTM) -> str:
    if isinstance(model, LSTMClassifier):
        return f"an LSTMClassifier of the classes {model.classes_.tolist()}"
    return f"an LSTMRegressor with quantile={model.quantile!r}"


# ---------------------------------------------------------------------------------- the way out


def from_estimator(estimator: Any, wanted_by: str, *, with_quantiles: bool = False) -> Weights:
    """The weights of a fitted estimator, in float64, with the output layer in the units of y.

    Several quantiles get their units after the output layer. Callers that support them set
    ``with_quantiles``.
    """
    estimator = fitted_lstm(estimator, wanted_by)
    if estimator._shape["cell"] not in ("forget", "coupled"):
        raise ValueError(
            f"{wanted_by}: other libraries have no cell={estimator._shape['cell']!r} in their "
            "LSTM layers. Use to_onnx, which has every cell, or fit with cell='forget'."
        )
    if estimator._topology.cardinalities:
        raise ValueError(
            f"{wanted_by}: other libraries have no categorical_features in their LSTM layers. Use "
            "to_onnx, or fit on columns of 0 and 1."
        )
    if has_quantiles(estimator) and not with_quantiles:
        raise ValueError(
            f"{wanted_by}: a linear output layer cannot compute several quantiles that never "
            "cross. Fit with a single quantile, or use to_onnx or to_torch."
        )
    topology = estimator._topology
    arrays = topology.layers(estimator.parameters_)
    parts = [
        _as_forget_cells(layer, views) for layer, views in zip(topology.stack, arrays, strict=True)
    ]
    n = topology.n_directions
    layers = [parts[k : k + n] for k in range(0, len(parts), n)]
    return Weights(layers, *in_units_of_y(estimator))


def _as_forget_cells(layer: LayerShape, views: dict[str, np.ndarray]) -> Direction:
    """Copy the gates of a block for each of its cells. 1 - sigmoid(z) is sigmoid(-z)."""
    block = np.repeat(np.arange(layer.n_blocks), layer.block_size)

    def rows(array: np.ndarray) -> np.ndarray:
        input_gate = array[layer.gate_rows("input")][block]
        if layer.cell == "coupled":
            forget_gate = -input_gate
        else:
            forget_gate = array[layer.gate_rows("forget")][block]
        output_gate = array[layer.gate_rows("output")][block]
        return np.concatenate([input_gate, forget_gate, array[layer.cell_rows], output_gate])

    return Direction(rows(views["input"]), rows(views["recurrent"]), rows(views["bias"]))
