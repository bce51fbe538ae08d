"""Transformers of sequences as ONNX operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sklstm.compose import RelativeRegressor
from sklstm.export._graph import DOUBLE, FLOAT, Graph, Steps
from sklstm.export._model import Chain
from sklstm.preprocessing import (
    SequenceContext,
    SequenceDifferences,
    SequenceImputer,
    SequenceScaler,
)

SMALL = 2.0**-30  # of the scale: largest rest of a mean in float32 that is ignored


def scaled(scaler: SequenceScaler, steps: Steps) -> str:
    """(x - mean) / scale, without loss of digits for a large mean."""
    g, x = steps.graph, steps.x
    if scaler.with_mean:
        mean = scaler.mean_.astype(np.float32)
        x = g.add("Sub", x, g.constant(mean))
        rest = scaler.mean_ - mean
        if (np.abs(rest) > SMALL * scaler.scale_).any():
            x = g.add("Sub", x, g.constant(rest))
    return g.add("Div", x, g.constant(scaler.scale_)) if scaler.with_std else x


def with_differences(transformer: SequenceDifferences, steps: Steps) -> str:
    """x and its differences, ordered by order of difference."""
    g, x = steps.graph, steps.x
    blocks = [x] if transformer.keep else []
    for _ in range(transformer.order):
        x = g.add("Sub", x, before(g, x))
        blocks.append(x)
    return _side_by_side(g, blocks)


def with_context(transformer: SequenceContext, steps: Steps) -> str:
    """x and the steps before and after it."""
    g, x = steps.graph, steps.x
    earlier, later, nearer = [], [], x
    for _ in range(transformer.before):
        nearer = before(g, nearer)
        earlier.insert(0, nearer)
    for k in range(1, transformer.after + 1):
        later.append(_after(steps, k))
    others = [*earlier, *later]
    if transformer.relative:
        others = [g.add("Sub", other, x) for other in others]
    return _side_by_side(g, [x, *others])


def imputed(imputer: SequenceImputer, steps: Steps) -> str:
    """x with NaN filled in, and optional indicators and counts."""
    if imputer.strategy == "linear":
        raise ValueError(
            "strategy='linear' cannot be converted to ONNX. Use another strategy and fit again"
        )
    g, x = steps.graph, steps.x
    missing = g.add("IsNaN", x)
    filled, elapsed = x, ""
    if imputer.strategy == "forward" or imputer.add_elapsed:
        filled, elapsed = _carried(steps, imputer._n_step_features)
    if imputer.strategy != "forward":
        filled = x
    statistics = g.constant(np.nan_to_num(imputer.statistics_))
    filled = g.add("Where", g.add("IsNaN", filled), statistics, filled)
    if len(imputer._categorical):
        codes = np.zeros(imputer._n_step_features, dtype=bool)
        codes[imputer._categorical] = True
        filled = g.add("Where", g.constant(codes, bool), x, filled)
    blocks = [filled]
    if imputer.add_indicator:
        blocks.append(g.cast(missing, FLOAT))
    if imputer.add_elapsed:
        blocks.append(elapsed)
    return _side_by_side(g, blocks)


CONVERTERS: dict[type, Callable[[Any, Steps], str]] = {
    SequenceContext: with_context,
    SequenceDifferences: with_differences,
    SequenceImputer: imputed,
    SequenceScaler: scaled,
}


def relative(model: RelativeRegressor, steps: Steps) -> tuple[str, str]:
    """x relative to the last step, and the values of the last step in double precision."""
    g, x = steps.graph, steps.x
    taken_out = np.zeros(Chain([("", model)], None).n_features)
    taken_out[model.columns_] = 1
    if model._per_step:
        origin, now = before(g, x), x
    elif steps.lengths:
        last = g.add("GatherND", g.add("Transpose", x, perm=[1, 0, 2]), steps.last_places())
        origin, now = g.add("Unsqueeze", last, g.ints(1)), last
    else:
        origin = g.add("Gather", x, g.ints(-1), axis=1)
        now = g.add("Squeeze", origin, g.ints(1))
    changes = g.add("Sub", x, g.add("Mul", origin, g.constant(taken_out)))
    now = g.add("Gather", now, g.constant(model.columns_, np.int64), axis=-1)
    return changes, g.cast(now, DOUBLE)


def before(g: Graph, x: str) -> str:
    """The step before each step. The first step is repeated."""
    return g.add("Concat", g.slice(x, 0, 1, 1), g.slice(x, 0, -1, 1), axis=1)


def _after(steps: Steps, k: int) -> str:
    """The step k after each step, or the last step."""
    g = steps.graph
    places = g.add("Min", g.add("Add", steps.numbers(), g.ints(k)), steps.last())
    places = g.add("Unsqueeze", places, g.ints(2 if steps.lengths else 1))
    places = g.add("Expand", places, g.add("Shape", steps.x))
    return g.add("GatherElements", steps.x, places, axis=1)


def _carried(steps: Steps, n_features: int) -> tuple[str, str]:
    """The last value up to each step, NaN before the first, and the steps since, (n, T, F)."""
    shape = ("batch", n_features)
    b = Graph(steps.graph.opset, "body_")
    missing = b.add("IsNaN", "x")
    last = b.add("Where", missing, "last", "x")
    waited = b.add("Where", missing, b.add("Add", "waited", b.constant(1)), b.constant(0))
    inputs = {"last": (FLOAT, shape), "waited": (FLOAT, shape), "x": (FLOAT, shape)}
    copies = b.add("Identity", last), b.add("Identity", waited)
    body = b.body("carried", inputs, dict.fromkeys((last, waited, *copies), (FLOAT, shape)))
    g = steps.graph
    x = g.add("Transpose", steps.x, perm=[1, 0, 2])
    nothing, zeros = (
        g.filled(value, g.size(steps.x, 0), g.ints(n_features)) for value in (np.nan, 0.0)
    )
    outputs = g.add_many("Scan", [nothing, zeros, x], 4, body=body, num_scan_inputs=1)[2:]
    carried, elapsed = (g.add("Transpose", name, perm=[1, 0, 2]) for name in outputs)
    return carried, elapsed


def _side_by_side(g: Graph, blocks: list[str]) -> str:
    return blocks[0] if len(blocks) == 1 else g.add("Concat", *blocks, axis=2)
