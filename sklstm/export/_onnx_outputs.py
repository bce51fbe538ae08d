"""Pooling, the output layer and predictions as ONNX operators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sklstm import LSTMClassifier
from sklstm._base import BaseLSTM
from sklstm._number_losses import LOSSES
from sklstm.export._graph import BOOL, DOUBLE, FLOAT, INT64, Graph, Steps
from sklstm.export._model import has_quantiles
from sklstm.export._onnx_categories import with_categories
from sklstm.export._onnx_layers import Cells, add_layers

LOWEST = np.finfo(np.float32).min
LINKS = {"logistic": "Sigmoid", "tanh": "Tanh", "exp": "Exp"}

Outputs = dict[str, str]  # name in the file to name in the graph


def raw_outputs(estimator: BaseLSTM, steps: Steps) -> str:
    """Raw outputs: (n, K), or (n, T, K) per step."""
    g, topology = steps.graph, estimator._topology
    per_step = bool(estimator.return_sequences)
    reads_all = per_step or topology.pooling != "last"
    steps, views = with_categories(estimator, steps, topology.layers(estimator.parameters_))
    cells = add_layers(topology, views, steps, per_step=reads_all)
    if per_step:
        read = g.add("Transpose", cells.steps, perm=[1, 0, 2])
    else:
        read = _read_once(topology.pooling, steps, cells)
    weights = topology.output_weights(estimator.parameters_)
    raw = g.add("MatMul", read, g.constant(weights.T))
    return g.add("Add", raw, g.constant(topology.output_bias(estimator.parameters_)))


def _read_once(pooling: str, steps: Steps, cells: Cells) -> str:
    """The pooled outputs of the cells, (n, D)."""
    g = steps.graph
    if pooling == "last":
        return cells.last
    values = cells.steps
    if steps.lengths:
        there = g.add("Transpose", steps.there(), perm=[1, 0, 2])
        nothing = g.constant(LOWEST if pooling == "max" else 0.0)
        values = g.add("Where", there, values, nothing)
    if pooling == "max":
        return g.maximum(values, 0)
    count = g.add("Unsqueeze", steps.lengths, g.ints(1)) if steps.lengths else g.size(steps.x, 1)
    return g.add("Div", g.sum(values, 0), g.cast(count, FLOAT))


def raw_values(estimator: BaseLSTM, g: Graph, raw: str) -> Outputs:
    """The raw outputs in the shape of ``decision_function``."""
    is_single = isinstance(estimator, LSTMClassifier) and estimator.n_outputs_ == 1
    return {"raw": g.add("Squeeze", raw, g.ints(-1)) if is_single else raw}


# ---------------------------------------------------------------------------------- labels


def label_values(estimator: LSTMClassifier, g: Graph, raw: str, classes: np.ndarray) -> Outputs:
    """Labels from ``classes`` and probabilities, as in ``predict`` and ``predict_proba``."""
    labels = estimator._outputs_now()
    if labels.activation == "softmax":
        index = g.add("ArgMax", raw, axis=-1, keepdims=0)
        chosen, probabilities = index, g.add("Softmax", raw, axis=-1)
    else:
        chosen = g.cast(g.add("Greater", raw, g.constant(0.0)), INT64)
        if labels.multilabel:
            return {"label": chosen, "probabilities": g.add("Sigmoid", raw)}
        chosen = g.add("Squeeze", chosen, g.ints(-1))
        # Exact even below -18, where the sigmoid of some runtimes is 0.
        halves = [g.add("Mul", raw, g.constant(sign / 2)) for sign in (-1, 1)]
        probabilities = g.add("Softmax", g.add("Concat", *halves, axis=-1), axis=-1)
    classes, cast = class_constant(classes)
    label = g.add("Gather", g.constant(classes, classes.dtype), chosen, axis=0)
    if cast:
        label = g.cast(label, cast)
    return {"label": label, "probabilities": probabilities}


def class_constant(classes: np.ndarray) -> tuple[np.ndarray, int]:
    """Classes as int64, float64 or strings, and the type of the labels."""
    if classes.dtype.kind == "b":
        return classes.astype(np.int64), BOOL
    if classes.dtype.kind == "f":
        return classes.astype(np.float64), 0
    if classes.dtype.kind in "iu":
        if classes.max() > np.iinfo(np.int64).max:
            raise ValueError(
                f"classes_ has {classes.max()}, which does not fit into int64 of ONNX: use strings."
            )
        return classes.astype(np.int64), 0
    return np.array([str(label) for label in classes], dtype=object), 0


# ---------------------------------------------------------------------------------- numbers


def number_values(
    estimator: Any, g: Graph, raw: str, *, squeeze: bool = True, now: Sequence[str] = ()
) -> Outputs:
    """Predictions in the units of y. An axis of length 1 for a single output is removed.

    ``now`` are values that outputs are relative to, (..., K) in double precision.
    """
    loss, quantile = estimator._goal
    link = LINKS.get(LOSSES[loss].link or estimator.out_activation_, "")
    values = raw
    if has_quantiles(estimator):
        rows = (0, 0) if estimator.return_sequences else (0,)
        shape = g.ints(*rows, estimator.n_outputs_, len(quantile))
        values = _in_order(g, g.add("Reshape", raw, shape), len(quantile))
    if link:
        values = g.add(link, values)
        if has_quantiles(estimator):
            values = _never_crossing(g, values, len(quantile))
    values = _in_units_of_y(estimator, g, values)
    for level in now:
        if has_quantiles(estimator):
            level = g.add("Unsqueeze", level, g.ints(-1))
        values = g.add("Add", g.cast(values, DOUBLE), level)
    if squeeze and estimator.n_outputs_ == 1:
        values = g.add("Squeeze", values, g.ints(-2 if has_quantiles(estimator) else -1))
    return {"variable": values}


def _in_units_of_y(estimator: Any, g: Graph, values: str) -> str:
    """In double precision if float32 has too few digits for the units, as in ``predict``."""
    mean, scale = estimator.y_mean_, estimator.y_scale_
    if has_quantiles(estimator):
        mean, scale = mean[:, np.newaxis], scale[:, np.newaxis]
    dtype = estimator._outputs_now()._value_dtype(np.dtype(np.float32))
    if dtype == np.float64:
        values = g.cast(values, DOUBLE)
    if (scale != 1).any():
        values = g.add("Mul", values, g.constant(scale, dtype))
    return g.add("Add", values, g.constant(mean, dtype)) if mean.any() else values


def _in_order(g: Graph, raw: str, n_quantiles: int) -> str:
    """Quantiles (..., Q): the middle output, and the others at a distance of a softplus each."""
    middle = n_quantiles // 2
    centre = g.slice(raw, middle, middle + 1, -1)
    apart = g.add("Softplus", raw)
    parts, axis = [centre], g.constant(-1, np.int64)
    if middle > 0:
        sums = g.add("CumSum", g.slice(apart, 0, middle, -1), axis, reverse=1)
        parts.insert(0, g.add("Sub", centre, sums))
    if middle + 1 < n_quantiles:
        sums = g.add("CumSum", g.slice(apart, middle + 1, n_quantiles, -1), axis)
        parts.append(g.add("Add", centre, sums))
    return g.add("Concat", *parts, axis=-1) if len(parts) > 1 else centre


def _never_crossing(g: Graph, values: str, n_quantiles: int) -> str:
    """The running maximum, because rounding may break the order of the quantiles."""
    parts = [g.slice(values, k, k + 1, -1) for k in range(n_quantiles)]
    for k in range(1, n_quantiles):
        parts[k] = g.add("Max", parts[k - 1], parts[k])
    return g.add("Concat", *parts, axis=-1) if n_quantiles > 1 else parts[0]
