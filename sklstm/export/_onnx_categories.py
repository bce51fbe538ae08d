"""Categorical features as ONNX operators: from codes to rows of the table to columns of X.

The LSTM operator cannot add the weights of a category to its net inputs. They are added by further
columns of X, in whichever of these two ways needs fewer columns:

- one column per category, which is 1 if the step has the category, with the weights of the
  category;
- one column per gate and cell, which is the sum of the weights of the step's categories, with a
  weight of 1.
"""

from __future__ import annotations

import numpy as np

from sklstm._base import BaseLSTM
from sklstm.export._graph import FLOAT, INT64, Graph, Steps

LARGEST = 2**24  # larger codes may be equal in float32

Views = list[dict[str, np.ndarray]]


def with_categories(estimator: BaseLSTM, steps: Steps, views: Views) -> tuple[Steps, Views]:
    """Steps whose categories are columns, and weights of the first layer for these columns."""
    categories = estimator._categories
    if categories is None:
        return steps, views
    net, g = estimator._topology, steps.graph
    rows = _rows(g, steps.x, categories.features, categories.codes)
    n = net.n_categories
    if n <= net.n_weights:
        columns = _columns(g, rows, n)
        weights = [view["category"] for view in views[: net.n_directions]]
    else:
        table = np.vstack([net.table(estimator.parameters_), np.zeros(net.n_weights)])
        added = [g.add("Gather", g.constant(table), row, axis=0) for row in rows]
        columns = _sum(g, added)
        weights = np.split(np.eye(net.n_weights), net.n_directions)
    left = categories.left(estimator._n_step_features)
    parts = [columns]
    if len(left):
        parts.insert(0, g.add("Gather", steps.x, g.constant(left, np.int64), axis=2))
    x = g.add("Concat", *parts, axis=2) if len(parts) == 2 else columns
    wide = [dict(view) for view in views]
    for view, more in zip(wide, weights, strict=False):
        view["input"] = np.hstack([view["input"], more])
    return steps.with_x(x), wide


def _rows(g: Graph, x: str, features: np.ndarray, codes: tuple[np.ndarray, ...]) -> list[str]:
    """The row of the table for each feature, (n, T). No category is the number of rows."""
    rows, first, n_all = [], 0, sum(map(len, codes))
    for feature, known in zip(features, codes, strict=True):
        column = g.add("Gather", x, g.constant(feature, np.int64), axis=2)
        missing = g.add("IsNaN", column)
        places = np.arange(first, first + len(known))
        numbers = ~np.isnan(known)
        largest = int(known[numbers].max(initial=-1))
        if largest > LARGEST:
            raise ValueError(
                f"to_onnx: feature {feature} has the code {largest}, but X is float32, which has "
                f"gaps between integers above {LARGEST}. Use SequenceEncoder and fit again."
            )
        lookup = np.full(largest + 2, n_all)  # the last entry is for unknown codes
        lookup[known[numbers].astype(np.intp)] = places[numbers]
        nowhere = g.constant(largest + 1)
        outside = g.add(
            "Or",
            g.add("Less", column, g.constant(0)),
            g.add("Greater", column, nowhere),
        )
        outside = g.add("Or", outside, missing)
        place = g.cast(g.add("Where", outside, nowhere, column), INT64)
        row = g.add("Gather", g.constant(lookup, np.int64), place, axis=0)
        if not numbers.all():
            row = g.add("Where", missing, g.constant(places[~numbers][0], np.int64), row)
        rows.append(row)
        first += len(known)
    return rows


def _columns(g: Graph, rows: list[str], n: int) -> str:
    """A column for each of n categories, (n, T, n)."""
    numbers = g.constant(np.arange(n), np.int64)
    there = [
        g.cast(g.add("Equal", g.add("Unsqueeze", row, g.ints(2)), numbers), FLOAT) for row in rows
    ]
    return _sum(g, there)


def _sum(g: Graph, parts: list[str]) -> str:
    total = parts[0]
    for part in parts[1:]:
        total = g.add("Add", total, part)
    return total
