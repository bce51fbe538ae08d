"""A fitted network or pipeline as `to_c` writes it: checked, and scaled into its weights."""

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

MEAN_MAX = 4.0  # standard deviations: a mean beyond takes digits from sums that it is folded into


@dataclass(frozen=True)
class Network:
    """What is written.

    Attributes
    ----------
    estimator : LSTMClassifier or LSTMRegressor
    topology : Topology
    vector : ndarray of float64
        The parameters, with the scaler in them if ``folded``.
    single : bool
        Whether the parameters were learned in float32.
    stages : list of Stage
        Transformers before the network.
    folded : bool
        Whether a scaler right before the network is in its weights instead.
    n_features : int
        Of a step, as it is passed.
    numbers : ndarray of int
        Which of the features that the network reads are numbers, not codes.
    categories : Categories or None
        The features that are codes.
    feature_names : list or None
        Their names, where training had some.
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
    """A fitted estimator or pipeline, or an error that says what cannot be written as C."""
    *before, (_, last) = [*parts_of(model)] or [("", model)]
    if not isinstance(last, BaseLSTM):
        raise TypeError(
            "to_c takes a fitted LSTMClassifier or LSTMRegressor, or a Pipeline that ends with "
            f"one, got {_described(model, last)}. Of a search, pass search.best_estimator_."
        )
    last._check_fitted()
    topology = last._topology
    if topology.bidirectional:
        raise ValueError(
            "A bidirectional network reads a sequence from its end, which C code that goes step "
            "by step does not have. Fit with bidirectional=False, or use to_onnx."
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
        # those of a table are its columns
        feature_names=list(names) if len(names) == n_features else None,
    )


def _fold(
    name: str, scaler: Any, topology: Topology, vector: np.ndarray, numbers: np.ndarray
) -> bool:
    """Put a scaler into the weights of the first layer, if that is as exact as scaling first."""
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
    """Refuse parameters that are no numbers of C, by the name of their array."""
    if (np.abs(vector) <= FLOAT_MAX).all():  # NaN is not
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
                f"{name}[{place}] is {array[bad][0]}, which is no finite number of single "
                "precision: the model cannot be written as C. Fit it anew, or correct it."
            )


def _require_widths(before: list, stages: list[Stage], n_read: int) -> None:
    """Each step must read as many features as the one before it writes."""
    names = [repr(name) for name, _ in before] + ["the network"]
    needed = [*(stage.n_in for stage in stages), n_read][1:]
    for k, (stage, n) in enumerate(zip(stages, needed, strict=True)):
        if stage.n_out != n:
            raise ValueError(
                f"Step {names[k]} of the pipeline, {stage.title}, gives {stage.n_out} features a "
                f"time step, but {names[k + 1]} reads {n}: set features_per_step of both so that "
                "they agree, and fit again."
            )


def _described(model: Any, last: Any) -> str:
    name = type(last).__name__
    return name if last is model else f"a Pipeline that ends with {name}"
