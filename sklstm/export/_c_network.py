"""The parts of a fitted model that ``to_c`` converts, after checks and with scalers folded in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklstm._base import BaseLSTM
from sklstm._pipeline_stream import parts_of
from sklstm._topology import Topology
from sklstm.export._c_before import Stage, scaling, stage_of
from sklstm.export._c_categories import Categories, categories_of
from sklstm.export._c_text import FLOAT_MAX
from sklstm.preprocessing import SequenceScaler

MEAN_MAX = 4.0  # standard deviations; folding a larger mean into the weights would cost digits


@dataclass(frozen=True)
class Network:
    """The parts of a model.

    Attributes
    ----------
    estimator : LSTMClassifier or LSTMRegressor
    topology : Topology
    vector : ndarray of float64
        The parameters, including the scaler if ``folded``.
    single : bool
        True if the parameters were learned in float32.
    stages : list of Stage
        Transformers before the network.
    folded : bool
        True if a scaler right before the network is folded into the weights.
    n_features : int
        Number of features of a step of the input.
    numbers : ndarray of int
        Numbers of the features that the network reads as numbers.
    categories : Categories or None
        Features that the network reads as codes.
    feature_names : list or None
        Names of the features in training, if known.
    """

    estimator: BaseLSTM
    topology: Topology
    vector: np.ndarray
    single: bool
    stages: list[Stage]
    folded: bool
    n_features: int
    numbers: np.ndarray
    categories: Categories | None
    feature_names: list | None


def read_network(model: Any, int8: bool) -> Network:
    """The parts of a fitted estimator or pipeline, or an error for one without a form in C."""
    *before, (_, last) = [*parts_of(model)] or [("", model)]
    if not isinstance(last, BaseLSTM):
        raise TypeError(
            "to_c takes a fitted LSTMClassifier or LSTMRegressor, or a Pipeline that ends with "
            f"one, got {_described(model, last)}. For a search, pass search.best_estimator_."
        )
    last._check_fitted()
    topology = last._topology
    if topology.bidirectional:
        raise ValueError(
            "A bidirectional network reads a sequence from its end, but the C code processes one "
            "step at a time. Fit with bidirectional=False, or use to_onnx."
        )
    topology.require_vector(last.parameters_)
    vector = last.parameters_.astype(np.float64)
    _require_finite(topology, vector)
    stages = [stage_of(*step, number) for number, step in enumerate(before, 1)]
    categories = categories_of(last, vector)
    n_read = topology.n_features + len(topology.cardinalities)
    _require_widths(before, stages, n_read)
    n_features = stages[0].n_in if stages else n_read
    numbers = np.flatnonzero(np.ones(n_read) if categories is None else ~last.is_categorical_)
    folded = bool(before) and not int8 and _fold(*before[-1], topology, vector, numbers)
    if folded:
        stages.pop()
    single = last.parameters_.dtype == np.float32
    names = getattr(before[0][1] if before else last, "feature_names_in_", ())
    return Network(
        estimator=last,
        topology=topology,
        vector=vector,
        single=single,
        stages=stages,
        folded=folded,
        n_features=n_features,
        numbers=numbers,
        categories=categories,
        # the names of a table are those of its columns, which are several steps
        feature_names=list(names) if len(names) == n_features else None,
    )


def _fold(
    name: str, scaler: Any, topology: Topology, vector: np.ndarray, numbers: np.ndarray
) -> bool:
    """Fold a scaler into the weights of the first layer, unless that costs digits."""
    if type(scaler) is not SequenceScaler:
        return False
    mean, scale = scaling(scaler, name)
    if (np.abs(mean) > MEAN_MAX * scale).any():
        return False
    codes = np.delete(np.arange(len(mean)), numbers)
    if mean[codes].any() or (scale[codes] != 1).any():
        return False
    mean, scale = mean[numbers], scale[numbers]
    layer = topology.layers(vector)[0]
    with np.errstate(over="ignore"):
        weights = layer["input"] / scale
        bias = layer["bias"] - weights @ mean
    if np.abs(weights).max(initial=np.abs(bias).max()) > FLOAT_MAX:
        return False
    layer["input"][:], layer["bias"][:] = weights, bias
    return True


def _require_finite(topology: Topology, vector: np.ndarray) -> None:
    """Raise an error that names the array for parameters that are not finite in float32."""
    if (np.abs(vector) <= FLOAT_MAX).all():  # False for NaN
        return
    arrays = {
        f"layers_[{k}][{name!r}]": array
        for k, layer in enumerate(topology.layers(vector))
        for name, array in layer.items()
    }
    arrays["output_weights_"] = topology.output_weights(vector)
    arrays["output_bias_"] = topology.output_bias(vector)
    for name, array in arrays.items():
        bad = ~(np.abs(array) <= FLOAT_MAX)
        if bad.any():
            place = ", ".join(str(i) for i in np.argwhere(bad)[0])
            raise ValueError(
                f"{name}[{place}] is {array[bad][0]}, which is not finite in float32, so the model "
                "cannot be converted to C. Fit it again, or correct the value."
            )


def _require_widths(before: list, stages: list[Stage], n_read: int) -> None:
    """Raise an error unless each step reads the features that the step before it returns."""
    names = [repr(name) for name, _ in before] + ["the network"]
    needed = [*(stage.n_in for stage in stages), n_read][1:]
    for k, (stage, n) in enumerate(zip(stages, needed, strict=True)):
        if stage.n_out != n:
            raise ValueError(
                f"Step {names[k]} of the pipeline, {stage.title}, returns {stage.n_out} features "
                f"per time step, but {names[k + 1]} reads {n}: set features_per_step of both so "
                "that they agree, and fit again."
            )


def _described(model: Any, last: Any) -> str:
    name = type(last).__name__
    return name if last is model else f"a Pipeline that ends with {name}"
