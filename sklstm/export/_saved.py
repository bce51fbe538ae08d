"""Convert a fitted model to a tree of plain values and arrays by name, and back.

The tree has a node per estimator: the name of its class, its parameters, and its fitted attributes
except for arrays. Classes are looked up in the table below only, and all values are checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm._base import BaseLSTM
from sklstm._snapshots import settled
from sklstm.compose import RelativeRegressor
from sklstm.export import _saved_lstm, _saved_steps
from sklstm.export._json import decoded, encoded
from sklstm.export._model import require_fitted
from sklstm.preprocessing._step_features import StepFeatures

CLASSES = {
    cls.__name__: cls
    for cls in (
        LSTMClassifier,
        LSTMRegressor,
        RelativeRegressor,
        Pipeline,
        *_saved_steps.TRANSFORMERS,
    )
}
PIPELINE_PARAMETERS = ("transform_input", "verbose")

Arrays = dict[str, np.ndarray]


def taken_apart(model: Any) -> tuple[dict[str, Any], Arrays]:
    """The tree of a fitted model, for JSON, and its arrays."""
    arrays: Arrays = {}
    node = _node_of(model, "", arrays, type(model).__name__)
    if "linear.weight" not in arrays:
        raise ValueError(f"{type(model).__name__} contains no LSTMClassifier or LSTMRegressor.")
    return node, arrays


def _node_of(model: Any, prefix: str, arrays: Arrays, what: str) -> dict[str, Any]:
    kind = type(model)
    if CLASSES.get(kind.__name__) is not kind:
        hint = ""
        if hasattr(model, "best_estimator_"):
            hint = " Pass search.best_estimator_."
        raise ValueError(
            f"{what} is of type {kind.__name__}, which cannot be saved without pickle; these can: "
            f"{', '.join(CLASSES)}.{hint} Use joblib.dump for other types."
        )
    node: dict[str, Any] = {"class": kind.__name__}
    if kind is Pipeline:
        parameters = {name: getattr(model, name, None) for name in PIPELINE_PARAMETERS}
        node["params"] = _encoded(parameters, what)
        node["steps"] = [
            [
                name,
                _step_node(step, f"{prefix}steps.{k}.", arrays, f"Step {name!r} of the pipeline"),
            ]
            for k, (name, step) in enumerate(model.steps)
        ]
        return node
    require_fitted(model, what)
    model = settled(model)
    parameters = model.get_params(deep=False)
    if kind is RelativeRegressor:
        del parameters["regressor"]  # loading makes it from the fitted one
        inner = f"The regressor of {what}"
        node["regressor"] = _node_of(model.regressor_, f"{prefix}regressor.", arrays, inner)
    node["params"] = _encoded(parameters, what)
    fitted = dict(_input_of(model))
    if isinstance(model, BaseLSTM):
        if "linear.weight" in arrays:
            raise ValueError(f"{what} is a second network, but a file can hold only one.")
        fitted |= _saved_lstm.attributes_of(model)
        arrays |= _saved_lstm.tensors_of(model)
    elif kind is RelativeRegressor:
        fitted |= {"columns": model.columns_, "per_step": model._per_step}
        fitted["features_per_step"] = model._features_per_step
    else:
        fitted |= _saved_steps.attributes_of(model, what)
        arrays |= {prefix + name: a for name, a in _saved_steps.arrays_of(model).items()}
    node["fitted"] = _encoded(fitted, what)
    return node


def _step_node(step: Any, prefix: str, arrays: Arrays, what: str) -> Any:
    if step is None or isinstance(step, str):
        return "passthrough"
    return _node_of(step, prefix, arrays, what)


def _encoded(values: dict[str, Any], what: str) -> dict[str, Any]:
    return {name: encoded(value, f"{name} of {what}") for name, value in values.items()}


def _input_of(model: Any) -> Iterator[tuple[str, Any]]:
    """The fitted attributes about X."""
    yield "input", model._sequence_input
    yield "n_features_in", int(model.n_features_in_)
    if hasattr(model, "feature_names_in_"):
        yield "feature_names_in", [str(name) for name in model.feature_names_in_]


# ------------------------------------------------------------------------------------ the way back


class Tree:
    """A tree from a file, and the arrays that it needs.

    Parameters
    ----------
    node : Any
        The root of the tree, from JSON.

    Attributes
    ----------
    shapes : dict of str to tuple
        Shape of each array. It is compared with the file before any array is read.
    parameters : set of str
        Names of the parameters of the network, which have one dtype. Other arrays are float64.
    """

    def __init__(self, node: Any) -> None:
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.parameters: set[str] = set()
        self._finish: list[Callable[[Arrays], None]] = []
        self.model = self._made(node, "", "model")
        if "linear.weight" not in self.shapes:
            raise ValueError("model has no LSTMClassifier or LSTMRegressor")

    def filled(self, arrays: Arrays) -> Any:
        """The model, with its arrays."""
        for finish in self._finish:
            finish(arrays)
        return self.model

    def _made(self, node: Any, prefix: str, where: str) -> Any:
        """An estimator with its parameters and fitted attributes, except for arrays."""
        named = node.get("class") if isinstance(node, dict) else node
        if not isinstance(named, str) or not isinstance(node, dict) or named not in CLASSES:
            raise ValueError(
                f"{where} is of class {named!r}, which must be one of {', '.join(CLASSES)}"
            )
        kind = CLASSES[node["class"]]
        parts = {Pipeline: {"steps"}, RelativeRegressor: {"fitted", "regressor"}}
        if set(node) != {"class", "params"} | parts.get(kind, {"fitted"}):
            needed = sorted({"class", "params"} | parts.get(kind, {"fitted"}))
            raise ValueError(f"{where} has the entries {sorted(node)}, but needs {needed}")
        parameters = _decoded(node["params"], f"{where}.params")
        if kind is Pipeline:
            return self._pipeline(node["steps"], parameters, prefix, where)
        fitted = _decoded(node["fitted"], f"{where}.fitted")
        if kind is RelativeRegressor:
            inner = self._made(node["regressor"], f"{prefix}regressor.", f"{where}.regressor")
            model = _with_parameters(kind(clone(inner)), parameters, where)
            model.regressor_ = inner
        else:
            model = _with_parameters(kind(), parameters, where)
        with _inside(where):
            n_features = _restore_input(model, fitted, _step_width(model, fitted))
            if kind is RelativeRegressor:
                _check_widths([model, inner])
                _restore_relative(model, fitted, n_features)
            elif isinstance(model, BaseLSTM):
                self._add_lstm(model, fitted, n_features, where)
            else:
                self._add_transformer(model, fitted, n_features, prefix, where)
        return model

    def _pipeline(self, steps: Any, parameters: dict, prefix: str, where: str) -> Pipeline:
        if set(parameters) - set(PIPELINE_PARAMETERS) or not isinstance(steps, list) or not steps:
            raise ValueError(f"{where} is not a valid pipeline")
        made = []
        for k, step in enumerate(steps):
            if not (isinstance(step, list) and len(step) == 2 and isinstance(step[0], str)):
                raise ValueError(f"{where}.steps[{k}] is not a pair of a name and an estimator")
            name, node = step
            if node != "passthrough":
                node = self._made(node, f"{prefix}steps.{k}.", f"{where}.steps[{k}]")
            made.append((name, node))
        with _inside(where):
            _check_widths([model for _, model in made if model != "passthrough"])
        return Pipeline(made, **{k: v for k, v in parameters.items() if v is not None})

    def _add_lstm(self, model: BaseLSTM, fitted: dict, n_features: int, where: str) -> None:
        if "linear.weight" in self.shapes:
            raise ValueError("it is a second network")
        shape = _saved_lstm.shape_from(fitted)
        names = _saved_lstm.tensor_shapes(model, shape, fitted)
        self.shapes |= names
        self.parameters = set(names) - set(_saved_lstm.UNITS)

        def finish(arrays: Arrays) -> None:
            with _inside(where):
                own = {name: arrays[name] for name in names}
                _saved_lstm.restore(model, fitted, own, n_features)

        self._finish.append(finish)

    def _add_transformer(
        self, model: Any, fitted: dict, n_features: int, prefix: str, where: str
    ) -> None:
        _saved_steps.restore(model, fitted, n_features)
        names = _saved_steps.ARRAYS.get(type(model), ())
        self.shapes |= dict.fromkeys((prefix + name for name in names), (n_features,))

        def finish(arrays: Arrays) -> None:
            with _inside(where):
                own = {name: arrays[prefix + name] for name in names}
                _saved_steps.restore_arrays(model, own)

        self._finish.append(finish)


class _inside:
    """A context that adds the place of an estimator to errors."""

    def __init__(self, where: str) -> None:
        self.where = where

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: Any, _: Any) -> None:
        if isinstance(error, (ValueError, TypeError)):
            raise ValueError(f"{self.where}: {error}") from None


def _decoded(values: Any, where: str) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise ValueError(f"{where} is not an object of JSON")
    with _inside(where):
        return {name: decoded(value) for name, value in values.items()}


def _with_parameters(model: BaseEstimator, parameters: dict, where: str) -> Any:
    unknown = sorted(set(parameters) - set(model.get_params(deep=False)))
    if unknown:
        raise ValueError(
            f"{where}: {type(model).__name__} has no parameter {unknown[0]!r}. If a newer sklstm "
            "wrote the file, update sklstm"
        )
    return model.set_params(**parameters)


def _check_widths(models: list) -> None:
    """Raise an error unless each model takes the features that the model before it returns."""
    for before, after in pairwise(models):
        while isinstance(before, Pipeline):
            before = before[-1]
        while isinstance(after, Pipeline):
            after = next((m for _, m in after.steps if m != "passthrough"), before)
        n_blocks = before._n_blocks() if isinstance(before, StepFeatures) else 1
        made, taken = before.n_features_in_ * n_blocks, after.n_features_in_
        if before._sequence_input != "table" or after._sequence_input == "table":
            fits = made == taken
        else:  # one was initialised, the other was fitted on a table with several steps per row
            fits = made % taken == 0
        if not fits:
            raise ValueError(
                f"{type(after).__name__} takes {taken} features, but {type(before).__name__} "
                f"before it returns {made} for {before.n_features_in_}"
            )


def _step_width(model: Any, fitted: dict) -> int:
    """Number of features of a step, from the fitted attributes of the estimator."""
    if isinstance(model, BaseLSTM):
        return _saved_lstm.width_of(fitted)
    name = "features_per_step" if isinstance(model, RelativeRegressor) else "n_step_features"
    if name == "features_per_step" and fitted.get("input") != "table":
        name = "n_features_in"
    return _size(fitted, name)


def _restore_input(model: Any, fitted: dict, width: int) -> int:
    """Restore the attributes about X and return the number of features of a step."""
    form = fitted.get("input")
    n_columns = _size(fitted, "n_features_in")
    if form not in ("table", "sequences", "initialized"):
        raise ValueError(f"input is {form!r}, but must be 'table', 'sequences' or 'initialized'")
    if (n_columns % width if form == "table" else n_columns != width) != 0:
        raise ValueError(f"X has n_features_in={n_columns}, but a step has {width} features")
    model._sequence_input, model.n_features_in_ = form, n_columns
    names = fitted.get("feature_names_in")
    if names is not None:
        is_list = isinstance(names, list) and all(isinstance(name, str) for name in names)
        if not is_list or len(names) != n_columns:
            raise ValueError(f"feature_names_in must be {n_columns} strings")
        model.feature_names_in_ = np.array(names, dtype=object)
    return width


def _restore_relative(model: RelativeRegressor, fitted: dict, n_features: int) -> None:
    model._validate_params()
    columns, per_step = fitted.get("columns"), fitted.get("per_step")
    if not isinstance(columns, np.ndarray) or columns.dtype.kind != "i" or not len(columns):
        raise ValueError("columns must be an array of integers")
    if columns.min() < 0 or columns.max() >= n_features:
        raise ValueError(f"columns has a number that is not from 0 to {n_features - 1}")
    if not isinstance(per_step, bool):
        raise ValueError(f"per_step is {per_step!r}, but must be true or false")
    model.columns_, model._per_step = columns.astype(np.intp), per_step
    model._features_per_step = _size(fitted, "features_per_step")


def _size(fitted: dict, name: str) -> int:
    value = fitted.get(name)
    if type(value) is not int or value < 1:
        raise ValueError(f"{name} is {value!r}, but must be an integer of 1 or more")
    return value
