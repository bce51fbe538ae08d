"""Checks of fitted attributes that come from a file, which may contain anything.

``__setstate__`` runs them before the attributes are used, because kernels and allocations rely on
the sizes in them. The checks allocate no memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from numbers import Integral, Real
from typing import Any

import numpy as np

from sklstm._number_losses import LOSSES, OUT_ACTIVATIONS, QUANTILES_MAX
from sklstm._topology import BIASES, CELLS, POOLINGS, Topology

LARGEST = 2**63  # limit of counters
FORMS = ("table", "sequences", "initialized")  # forms of X
FLOATS = np.float32, np.float64
KEY_LENGTH = 624  # length of the Mersenne Twister's key


@contextmanager
def restoring(model: Any) -> Iterator[None]:
    """Turn errors of the block into a ValueError that names the class, and undo its changes."""
    before = dict(vars(model))
    try:
        yield
    except (ValueError, TypeError, AttributeError, LookupError, ArithmeticError) as error:
        vars(model).clear()
        vars(model).update(before)
        words = f"{error} is missing." if isinstance(error, KeyError) else error
        raise ValueError(f"This {type(model).__name__} cannot be loaded: {words}") from None


def check(good: Any, name: str, value: Any, needed: str) -> None:
    """Raise an error with the value and the expected one, unless ``good``."""
    if not good:
        raise ValueError(f"{name} is {shown(value)}, but must be {needed}.")


def shown(value: Any) -> str:
    """A short description of a value."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and {value.dtype}"
    text = repr(value) if isinstance(value, (str, int, float, type(None))) else ""
    return text if 0 < len(text) <= 60 else f"of type {type(value).__name__}"


def require_int(name: str, value: Any, least: int = 0, below: float = LARGEST) -> None:
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    check(whole and least <= value < below, name, value, f"a whole number of {least} or more")


def require_number(name: str, value: Any, *, optional: bool = False) -> None:
    good = isinstance(value, Real) or (optional and value is None)
    check(good, name, value, "a number")


def require_array(name: str, value: Any, shape: tuple, kinds: str, needed: str = "") -> None:
    """Require an array of this shape, with a native dtype of one of these kinds."""
    good = isinstance(value, np.ndarray) and value.shape == shape and value.dtype.kind in kinds
    needed = needed or f"an array of shape {shape}"
    check(good and value.dtype.isnative, name, value, needed)


def require_vector(name: str, value: Any, size: int, dtypes: tuple, of: str) -> None:
    """Require a vector like the parameters of a network."""
    good = isinstance(value, np.ndarray) and value.shape == (size,) and value.dtype in dtypes
    names = " or ".join(np.dtype(dtype).name for dtype in dtypes)
    check(
        good and value.dtype.isnative,
        name,
        value,
        f"{size} numbers in {names}, the size of {of}",
    )


def require_list(name: str, value: Any, kind: type, length: int | None = None) -> None:
    good = isinstance(value, list) and (length is None or len(value) == length)
    of = f"a list of {length}" if length is not None else "a list"
    check(good and all(isinstance(item, kind) for item in value), name, value, of)


# ------------------------------------------------------------------------------------- networks


def is_size(value: Any) -> bool:
    return type(value) is int and 0 < value < LARGEST


def is_flag(value: Any) -> bool:
    return type(value) is bool


_ENTRIES: dict[str, Callable[[Any], bool]] = {
    "cell": lambda v: v in CELLS,
    "hidden_layer_sizes": lambda v: type(v) is tuple and len(v) > 0 and all(map(is_size, v)),
    "block_size": is_size,
    "bidirectional": is_flag,
    "bias": lambda v: v in BIASES,
    "pooling": lambda v: v in POOLINGS,
    "n_features": lambda v: v == 0 or is_size(v),
    "n_outputs": is_size,
    "cardinalities": lambda v: type(v) is tuple and all(n == 0 or is_size(n) for n in v),
}
_PLAIN = (type(None), bool, int, str, tuple)
_NEWER = ("pooling", "cardinalities")  # entries that files of version 0.1 lack


def checked_shape(shape: Any) -> dict[str, Any]:
    """The entries of a ``Topology`` if they are plain and valid, else an error."""
    entries = set(shape) if isinstance(shape, dict) else set()
    if not isinstance(shape, dict) or entries | set(_NEWER) != set(_ENTRIES):
        raise ValueError(f"shape must have the entries {sorted(_ENTRIES)}, got {shown(shape)}")
    for name, value in shape.items():
        if type(value) not in _PLAIN or not _ENTRIES[name](value):
            raise ValueError(f"shape has {name}={value!r}")
    if shape["n_features"] + len(shape.get("cardinalities", ())) == 0:
        raise ValueError("shape has no features")
    return shape


def check_input(model: Any, width: int) -> None:
    """Check the attributes that describe X, whose steps have ``width`` features."""
    attributes = vars(model)
    n_columns, form = attributes["n_features_in_"], attributes["_sequence_input"]
    require_int("n_features_in_", n_columns, 1)
    check(form in FORMS, "_sequence_input", form, f"one of {', '.join(FORMS)}")
    fits = n_columns % width == 0 if form == "table" else n_columns == width
    check(fits, "n_features_in_", n_columns, f"the {width} features of a step")
    names = attributes.get("feature_names_in_")
    if names is not None:
        require_array("feature_names_in_", names, (n_columns,), "OU")


def check_places(name: str, value: Any, n: int) -> None:
    """Check an array of numbers from 0 to n - 1."""
    good = isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype.kind in "iu"
    good = good and (len(value) == 0 or (value.min() >= 0 and value.max() < n))
    check(good, name, value, f"an array of whole numbers from 0 to {n - 1}")


def check_counts(model: Any) -> None:
    """Check the counters and records of training."""
    attributes = vars(model)
    for name in ("n_iter_", "t_"):
        require_int(name, attributes[name])
    for name in ("_no_improvement_count", "_n_draws"):
        require_int(name, attributes.get(name, 0))
    for name in ("loss_", "best_loss_", "best_validation_score_"):
        require_number(name, attributes.get(name), optional=True)
    for name in ("loss_curve_", "validation_scores_", "validation_loss_curve_"):
        if attributes.get(name) is not None:
            require_list(name, attributes[name], Real)


def check_generator(name: str, state: Any) -> None:
    """Check the state of a ``RandomState``; NumPy itself does not check the position."""
    good = isinstance(state, tuple) and len(state) == 5 and state[0] == "MT19937"
    check(good, name, state, "the state of a RandomState")
    require_array(name, state[1], (KEY_LENGTH,), "u")
    require_int(f"The position of {name}", state[2], 0, KEY_LENGTH + 1)


def check_lstm(model: Any) -> None:
    """Check a fitted LSTM: network, parameters, and the state to continue training from."""
    attributes = vars(model)
    net = Topology(**checked_shape(attributes["_shape"]))
    vector = attributes["parameters_"]
    require_vector("parameters_", vector, net.n_total, FLOATS, "this network")
    check_input(model, net.n_features + len(net.cardinalities))
    check_counts(model)
    _check_categories(model, net)
    n_raw = model._outputs_now().n_raw
    check(n_raw == net.n_outputs, "n_outputs of the network", net.n_outputs, f"{n_raw}")
    dtype = (vector.dtype.type,)
    require_list("loss_curve_", attributes["loss_curve_"], Real)
    _check_solver(attributes["_solver_state"], net.n_total)
    check_generator("_rng_state", attributes["_rng_state"])
    require_int("_split_seed", attributes["_split_seed"], 0, 2**32)
    if "_unfinished" in attributes:
        _check_unfinished(attributes["_unfinished"], net.n_total, dtype)


def _check_solver(state: Any, size: int) -> None:
    check(isinstance(state, dict), "_solver_state", state, "a dict")
    arrays = {"adam": ("mean", "square"), "sgd": ("velocity",)}
    solver = state.get("solver")
    check(isinstance(solver, str) and solver in arrays, "solver", solver, "'adam' or 'sgd'")
    for name in arrays[solver]:
        require_vector(f"{name} of the solver", state.get(name), size, FLOATS, "the parameters")
    if solver == "adam":
        require_int("n_steps of the solver", state.get("n_steps"))
        return
    check(isinstance(state.get("schedule"), str), "schedule", state.get("schedule"), "a word")
    for name in ("learning_rate_init", "learning_rate"):
        require_number(f"{name} of the solver", state.get(name))
    require_number("momentum of the solver", state.get("momentum"), optional=True)


def _check_unfinished(state: Any, size: int, dtype: tuple) -> None:
    check(isinstance(state, dict), "_unfinished", state, "a dict")
    for name in ("vector", "at_lowest", "best", "before"):
        needed = name in ("vector", "at_lowest")
        if needed or state[name] is not None:
            of = "the parameters"
            require_vector(f"{name} of _unfinished", state[name], size, dtype, of)
    require_number("lowest of _unfinished", state["lowest"])
    require_number("first of _unfinished", state["first"], optional=True)
    check(isinstance(state["records"], dict), "records", state["records"], "a dict")


def _check_categories(model: Any, net: Topology) -> None:
    mask = getattr(model, "is_categorical_", None)
    if mask is None:
        n = len(net.cardinalities)
        check(n == 0, "is_categorical_", None, f"a mask with {n} categorical features")
        return
    require_array("is_categorical_", mask, (net.n_features + len(net.cardinalities),), "b")
    n = len(net.cardinalities)
    check(np.count_nonzero(mask) == n, "is_categorical_", mask, f"a mask with {n} entries True")
    require_list("_codes", model._codes, np.ndarray, n)
    for codes, cardinality in zip(model._codes, net.cardinalities, strict=True):
        require_array("_codes", codes, (cardinality,), "f", f"{cardinality} codes of categories")
    labels = model._labels
    if labels is None:
        return
    require_list("_labels", labels, np.ndarray, n)
    for some, codes in zip(labels, model._codes, strict=True):
        fits = some.ndim == 1 and np.nanmax(codes, initial=-1) < len(some)
        check(fits, "_labels", some, "a label for each code")


# ------------------------------------------------------------------------------------- outputs


def check_labels(model: Any) -> None:
    """Check the attributes of a classifier."""
    attributes = vars(model)
    classes = attributes["classes_"]
    good = isinstance(classes, np.ndarray) and classes.ndim == 1 and classes.dtype.kind in "biufUO"
    check(good and len(classes) > 1, "classes_", classes, "an array of two labels or more")
    require_int("n_outputs_", attributes["n_outputs_"], 1)
    labels = model._outputs_now()
    for name, needed in (("n_outputs_", labels.n_outputs), ("out_activation_", labels.activation)):
        of = f"{needed!r} for {len(classes)} classes"
        check(attributes[name] == needed, name, attributes[name], of)


def check_numbers(model: Any) -> None:
    """Check the outputs of a regressor."""
    attributes = vars(model)
    n_outputs, activation = attributes["n_outputs_"], attributes["out_activation_"]
    require_int("n_outputs_", n_outputs, 1)
    one_of = f"one of {', '.join(OUT_ACTIVATIONS)}"
    good = isinstance(activation, str) and activation in OUT_ACTIVATIONS
    check(good, "out_activation_", activation, one_of)


def check_units(model: Any) -> None:
    """Check the outputs, the loss and the units of a regressor."""
    check_numbers(model)
    attributes = vars(model)
    loss, quantile = attributes["_goal"]
    good = isinstance(loss, str) and loss in LOSSES
    check(good, "loss", loss, f"one of {', '.join(LOSSES)}")
    levels = quantile if isinstance(quantile, tuple) else (quantile,)
    if loss == "quantile":
        good = 0 < len(levels) <= QUANTILES_MAX and all(isinstance(q, Real) for q in levels)
        check(good, "quantile", quantile, f"a number, or up to {QUANTILES_MAX} of them")
        check(all(0 <= q <= 1 for q in levels), "quantile", quantile, "from 0 to 1")
    else:
        check(quantile is None, "quantile", quantile, "None")
    for name in ("y_mean_", "y_scale_"):
        shape = (attributes["n_outputs_"],)
        require_array(name, attributes[name], shape, "f", f"{shape[0]} numbers, one per output")
