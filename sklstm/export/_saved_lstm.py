"""Convert an LSTM estimator to plain values and arrays, and back, to predict or to train further.

The state of the solver is not saved. Further training starts with a new one.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm._base import BaseLSTM
from sklstm._categories import told
from sklstm._estimator import SEEDS
from sklstm._label_outputs import Labels
from sklstm._number_losses import OUT_ACTIVATIONS, goal_of
from sklstm._number_outputs import Numbers
from sklstm._parameters import ONE_READING
from sklstm._restored import checked_shape
from sklstm._solvers import SOLVERS
from sklstm._topology import Topology, topology
from sklstm.export._state import entry_shapes, state_dict, vector_of

# Records of training, and their types.
RECORDS: dict[str, Any] = {
    "n_iter_": int,
    "t_": int,
    "_no_improvement_count": int,
    "loss_": float,
    "best_loss_": (float, type(None)),
    "best_validation_score_": (float, type(None)),
    "loss_curve_": list,
    "validation_scores_": (list, type(None)),
    "validation_loss_curve_": (list, type(None)),
}
UNITS = ("y_mean", "y_scale")  # tensors of a regressor
LABELS = (str, int, float)  # of categories


def attributes_of(model: BaseLSTM) -> dict[str, Any]:
    """The fitted attributes of an LSTM except for arrays, as plain values."""
    found: dict[str, Any] = {
        "shape": {"cardinalities": ()} | model._shape,
        "split_seed": int(model._split_seed),
        "records": {name: getattr(model, name) for name in RECORDS},
    }
    if model.is_categorical_ is not None:
        found["is_categorical"] = model.is_categorical_
        found["codes"] = list(model._codes)
        if model._labels is not None:
            found["labels"] = [_plain_labels(labels) for labels in model._labels]
    if isinstance(model, LSTMClassifier):
        found["classes"] = model.classes_
        found["multilabel"] = model._outputs_now().multilabel
    else:
        found["loss"], found["quantile"] = model._goal
        found["out_activation"] = model.out_activation_
        found["units_of_fit"] = bool(model._learned_units)
    return found


def _plain_labels(labels: np.ndarray) -> list:
    """The labels of categories, or an error for labels that cannot be saved."""
    plain = [label.item() if isinstance(label, np.generic) else label for label in labels]
    for label in plain:
        if not isinstance(label, LABELS):
            raise ValueError(
                f"categories_ has the label {label!r} of type {type(label).__name__}, which cannot "
                "be saved without pickle: fit on labels that are strings."
            )
    return plain


def tensors_of(model: BaseLSTM) -> dict[str, np.ndarray]:
    """The arrays of an LSTM, by name."""
    arrays = state_dict(model)
    if isinstance(model, LSTMRegressor):
        arrays |= {name: getattr(model, name + "_").astype(np.float64) for name in UNITS}
    return arrays


def shape_from(attributes: dict[str, Any]) -> dict[str, Any]:
    """The shape of the network, after checks."""
    return {"pooling": "last", "cardinalities": ()} | checked_shape(attributes.get("shape"))


def width_of(attributes: dict[str, Any]) -> int:
    """Number of features of a step of X, including categorical ones."""
    shape = shape_from(attributes)
    return shape["n_features"] + len(shape["cardinalities"])


def tensor_shapes(model: BaseLSTM, shape: dict[str, Any], attributes: dict[str, Any]) -> dict:
    """Name and shape of each array."""
    shapes: dict[str, tuple[int, ...]] = entry_shapes(Topology(**shape))
    if isinstance(model, LSTMRegressor):
        shapes |= dict.fromkeys(UNITS, (_outputs_of(model, shape, attributes)[0],))
    return shapes


def restore(
    model: BaseLSTM, attributes: dict[str, Any], arrays: dict[str, np.ndarray], n_features: int
) -> None:
    """Restore the fitted attributes of ``model``, which has its parameters."""
    shape = shape_from(attributes)
    if model.return_sequences and shape["pooling"] != "last":
        raise ValueError(ONE_READING.format(shape["pooling"]))
    model._check_parameters()
    model._shape = shape
    _restore_categories(model, attributes, shape["cardinalities"], n_features)
    if isinstance(model, LSTMClassifier):
        model._set_outputs(_labels_of(shape, attributes))
    else:
        units = {name: arrays.pop(name) for name in UNITS}
        n_outputs, goal, activation = _outputs_of(model, shape, attributes)
        model.n_outputs_, model._goal, model.out_activation_ = n_outputs, goal, activation
        model._learned_units = _required(attributes, "units_of_fit", bool)
        if not (np.isfinite(units["y_mean"]).all() and (units["y_scale"] > 0).all()):
            raise ValueError("y_mean must be finite and y_scale above 0")
        model.y_mean_, model.y_scale_ = units["y_mean"], units["y_scale"]
    dtype = arrays["linear.weight"].dtype
    model.parameters_ = vector_of(topology(**shape), arrays, dtype)
    _restore_records(model, attributes)


def _restore_categories(
    model: BaseLSTM, attributes: dict[str, Any], cardinalities: tuple[int, ...], n_features: int
) -> None:
    model.is_categorical_, model._codes, model._labels = None, [], None
    if not cardinalities:
        return
    mask, codes = attributes.get("is_categorical"), attributes.get("codes")
    is_mask = isinstance(mask, np.ndarray) and mask.dtype == bool and len(mask) == n_features
    if not is_mask or mask.sum() != len(cardinalities):
        raise ValueError(
            f"is_categorical must say of {n_features} features which {len(cardinalities)} of them "
            "are categories"
        )
    model._codes = list(told(codes, len(cardinalities)))
    if tuple(map(len, model._codes)) != cardinalities:
        raise ValueError(f"codes are not as many as cardinalities={cardinalities} says")
    if "labels" in attributes:
        model._labels = _labels_of_categories(attributes["labels"], model._codes)
    model.is_categorical_ = mask


def _labels_of_categories(labels: Any, codes: list[np.ndarray]) -> list[np.ndarray]:
    if not isinstance(labels, list) or len(labels) != len(codes):
        raise ValueError("labels must be a list with an entry for each categorical feature")
    restored = []
    for some, of_each in zip(labels, codes, strict=True):
        good = isinstance(some, list) and all(isinstance(label, LABELS) for label in some)
        if not good or np.nanmax(of_each, initial=-1) >= len(some):
            raise ValueError("labels are not strings or numbers, or not one for each code")
        array = np.empty(len(some), dtype=object)
        array[:] = some
        restored.append(array)
    return restored


def _restore_records(model: BaseLSTM, attributes: dict[str, Any]) -> None:
    records = attributes.get("records")
    if not isinstance(records, dict) or set(records) != set(RECORDS):
        raise ValueError(f"records must have the entries {sorted(RECORDS)}, got {records!r}")
    for name, kinds in RECORDS.items():
        value = records[name]
        numbers = value if isinstance(value, list) else ()
        if not isinstance(value, kinds) or isinstance(value, bool):
            raise ValueError(f"records has {name}={value!r}")
        if not all(type(number) in (int, float) for number in numbers):
            raise ValueError(f"records has {name} with values that are not numbers")
        setattr(model, name, value)
    model._split_seed = _required(attributes, "split_seed", int)
    if not 0 <= model._split_seed < SEEDS:
        raise ValueError(f"split_seed is {model._split_seed}")
    model._rng_state = np.random.RandomState(model._split_seed).get_state()
    model._solver_state = SOLVERS[model.solver].start(model.parameters_, model)
    model._n_draws = 1


def _labels_of(shape: dict[str, Any], attributes: dict[str, Any]) -> Labels:
    classes = attributes.get("classes")
    multilabel = _required(attributes, "multilabel", bool)
    if not isinstance(classes, np.ndarray) or len(classes) < 2:
        raise ValueError("classes must be an array of two labels or more")
    labels = Labels.named(classes, len(classes) if multilabel else 1, "LSTMClassifier")
    if not np.array_equal(labels.classes, classes):
        raise ValueError("classes are not sorted, or not distinct")
    labels.classes = classes  # keeps the dtype of predictions
    if labels.n_raw != shape["n_outputs"]:
        raise ValueError(
            f"{len(classes)} classes need {labels.n_raw} outputs, but shape has n_outputs="
            f"{shape['n_outputs']}"
        )
    return labels


def _outputs_of(model: BaseLSTM, shape: dict[str, Any], attributes: dict[str, Any]) -> tuple:
    """Outputs, loss and quantiles, and activation of a regressor."""
    loss, activation = (_required(attributes, name, str) for name in ("loss", "out_activation"))
    if activation not in OUT_ACTIVATIONS:
        raise ValueError(f"out_activation is {activation!r}")
    asked = SimpleNamespace(
        loss=loss, quantile=attributes.get("quantile"), out_activation=activation
    )
    try:
        goal = goal_of(asked)
    except KeyError:
        raise ValueError(f"loss is {loss!r}") from None
    per_output = Numbers(1, activation, type(model).__name__, *goal).n_raw
    n_outputs, rest = divmod(shape["n_outputs"], per_output)
    if rest:
        raise ValueError(
            f"shape has n_outputs={shape['n_outputs']}, but there are {per_output} quantiles"
        )
    return n_outputs, goal, activation


def _required(attributes: dict[str, Any], name: str, kind: type) -> Any:
    value = attributes.get(name)
    if type(value) is not kind:
        raise ValueError(f"{name} is {value!r}, not of type {kind.__name__}")
    return value
