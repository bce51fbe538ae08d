"""The parameters of an LSTM under the names of PyTorch, and into one again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sklstm._numbers import filled
from sklstm._topology import Topology
from sklstm.export._model import fitted_lstm

DIRECTIONS = ("", "_reverse")
CATEGORIES = "categories.weight"


def state_dict(estimator: Any) -> dict[str, np.ndarray]:
    """The parameters of an LSTM as arrays, under the names of a PyTorch module.

    Parameters
    ----------
    estimator : LSTMClassifier or LSTMRegressor
        Fitted or initialized.

    Returns
    -------
    state : dict of str to ndarray
        For each layer k, `"lstm.weight_ih_lk"`, `"lstm.weight_hh_lk"`, `"lstm.bias_ih_lk"` and
        `"lstm.bias_hh_lk"`, the same with `_reverse` for the backward direction, and for
        `cell="peephole"` `"lstm.weight_ch_lk"`; then `"linear.weight"` and `"linear.bias"`, and
        with `categorical_features` `"categories.weight"`, a row per category of what it adds to
        the gates of the first layer. The arrays are copies, in C order and in the precision of the
        parameters.

    Raises
    ------
    TypeError
        If it is not an LSTM estimator.
    NotFittedError
        If it is not fitted.

    See Also
    --------
    load_state_dict : The way back, into an estimator of the same shape.
    to_torch : A PyTorch module that gives the numbers of `predict`.
    save_safetensors : A file with everything that predicting needs.

    Notes
    -----
    With `cell="forget"` and `block_size=1` shapes and layout are those of `torch.nn.LSTM` and
    `torch.nn.Linear`; every other cell keeps the layout of `layers_`. PyTorch has two biases per
    unit, of which only the sum matters: the first holds it, the second is 0.

    These are the numbers that the network trains. A regressor with `normalize_y` has its outputs
    in units of `y_mean_` and `y_scale_`, which are not among them; `to_torch` and `to_keras`
    put these units into the output layer.

    Examples
    --------
    >>> from sklstm import LSTMRegressor
    >>> from sklstm.export import state_dict
    >>> model = LSTMRegressor(4, random_state=0).initialize(3)
    >>> {name: array.shape for name, array in state_dict(model).items()}
    {'lstm.weight_ih_l0': (16, 3), 'lstm.weight_hh_l0': (16, 4), 'lstm.bias_ih_l0': (16,), \
'lstm.bias_hh_l0': (16,), 'linear.weight': (1, 4), 'linear.bias': (1,)}
    """
    estimator = fitted_lstm(estimator, "state_dict")
    state = {}
    for name, view in named_views(estimator._topology, estimator.parameters_).items():
        state[name] = np.array(view, order="C", dtype=view.dtype.newbyteorder("="))
        if "bias_ih" in name:
            state[name.replace("bias_ih", "bias_hh")] = np.zeros_like(state[name])
    return state


def load_state_dict(estimator: Any, state: Any) -> Any:
    """Put parameters into an LSTM, by the names that `state_dict` gives them.

    Parameters
    ----------
    estimator : LSTMClassifier or LSTMRegressor
        Fitted or initialized. Its parameters are replaced, in their precision; everything else
        stays, also the classes or units of y, and the state of the solver.
    state : dict of str to array or tensor
        An entry for each name of `state_dict(estimator)` and no others, each of the same shape. The
        two biases of a unit are added.

    Returns
    -------
    estimator : object
        The same object.

    Raises
    ------
    TypeError
        If it is not an LSTM estimator, or `state` is not a dict.
    ValueError
        If an entry is missing, unknown, of another shape, not of finite numbers, or if it has a
        bias where the estimator has none. The message names it; the estimator is then as it was.
    NotFittedError
        If the estimator is not fitted.

    See Also
    --------
    from_torch : An estimator whose shape is that of the weights.

    Examples
    --------
    >>> from sklstm import LSTMRegressor
    >>> from sklstm.export import load_state_dict, state_dict
    >>> model = LSTMRegressor(4, random_state=0).initialize(3)
    >>> other = LSTMRegressor(4, random_state=1).initialize(3)
    >>> other = load_state_dict(other, state_dict(model))
    >>> bool((other.parameters_ == model.parameters_).all())
    True
    """
    now = fitted_lstm(estimator, "load_state_dict")
    vector = vector_of(now._topology, arrays_of(state), now.parameters_.dtype)
    estimator.parameters_ = vector
    return estimator


def named_views(topology: Topology, vector: np.ndarray) -> dict[str, np.ndarray]:
    """The parts of a flat vector by name: views, writable if it is. A unit has one bias here."""
    views = {}
    for k, layer in enumerate(topology.layers(vector)):
        level, direction = divmod(k, topology.n_directions)
        end = f"_l{level}{DIRECTIONS[direction]}"
        views[f"lstm.weight_ih{end}"] = layer["input"]
        views[f"lstm.weight_hh{end}"] = layer["recurrent"]
        views[f"lstm.bias_ih{end}"] = layer["bias"]
        if "peephole" in layer:
            views[f"lstm.weight_ch{end}"] = layer["peephole"]
    views["linear.weight"] = topology.output_weights(vector)
    views["linear.bias"] = topology.output_bias(vector)
    if topology.cardinalities:
        views[CATEGORIES] = topology.table(vector)
    return views


def entry_shapes(topology: Topology) -> dict[str, tuple[int, ...]]:
    """Name and shape of all entries of a `state_dict`, without making any."""
    shapes: dict[str, tuple[int, ...]] = {}
    for k, layer in enumerate(topology.stack):
        level, direction = divmod(k, topology.n_directions)
        end = f"_l{level}{DIRECTIONS[direction]}"
        shapes[f"lstm.weight_ih{end}"] = (layer.n_rows, layer.n_features)
        shapes[f"lstm.weight_hh{end}"] = (layer.n_rows, layer.n_recurrent)
        shapes[f"lstm.bias_ih{end}"] = shapes[f"lstm.bias_hh{end}"] = (layer.n_rows,)
        if layer.has_peepholes:
            shapes[f"lstm.weight_ch{end}"] = (3 * layer.n_blocks, layer.block_size)
    shapes["linear.weight"] = (topology.n_outputs, topology.n_read)
    shapes["linear.bias"] = (topology.n_outputs,)
    if topology.cardinalities:
        shapes[CATEGORIES] = (topology.n_categories, topology.n_weights)
    return shapes


def vector_of(topology: Topology, state: dict[str, np.ndarray], dtype: Any) -> np.ndarray:
    """A flat vector from the arrays of a `state_dict`, or an error that names the entry."""
    shapes = entry_shapes(topology)
    for name in shapes:
        if name not in state:
            raise ValueError(f"The entry {name!r} is missing; there are {listed(state)}.")
    for name, array in state.items():
        if name not in shapes:
            raise ValueError(f"The entry {name!r} is unknown; this network has {listed(shapes)}.")
        if array.shape != shapes[name]:
            raise ValueError(
                f"The entry {name!r} has shape {array.shape}, but this network needs "
                f"{shapes[name]}."
            )
    vector = np.zeros(topology.n_total, dtype)
    for name, view in named_views(topology, vector).items():
        view[:] = finite(state[name], name, dtype)
        if "bias_ih" in name:
            second = name.replace("bias_ih", "bias_hh")
            view += finite(state[second], second, dtype)
    require_unbiased(topology, vector)
    return vector


def require_unbiased(topology: Topology, vector: np.ndarray) -> None:
    """Units without a bias must have none."""
    biased = vector[topology.frozen].any() if len(topology.frozen) else False
    if not biased:
        return
    frozen = np.zeros(topology.n_total, dtype=bool)
    frozen[topology.frozen] = vector[topology.frozen] != 0
    name = next(name for name, view in named_views(topology, frozen).items() if view.any())
    raise ValueError(
        f"The entry {name!r} is not 0 at units that have no bias with bias={topology.bias!r}: use "
        "an estimator with bias='all'."
    )


def arrays_of(state: Any) -> dict[str, np.ndarray]:
    """Entries as arrays, tensors too, or an error that names the entry."""
    if not isinstance(state, Mapping):
        raise TypeError(
            f"state must be a dict of names to arrays, got {type(state).__name__}; of a PyTorch "
            "module, module.state_dict()."
        )
    return {str(name): array_of(value, f"The entry {str(name)!r}") for name, value in state.items()}


def array_of(value: Any, what: str) -> np.ndarray:
    """An array or a tensor as an array of real numbers, or an error that begins with ``what``."""
    if hasattr(value, "detach"):  # a tensor, which may have a gradient or another device
        value = value.detach().cpu()
        value = value.float() if "bfloat16" in str(value.dtype) else value  # unknown to NumPy
        value = value.numpy()
    try:
        array = np.asarray(filled(value))
    except ValueError as error:
        raise ValueError(f"{what} is not an array: {error}.") from None
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{what} holds {array.dtype}, not real numbers.")
    return array


def finite(array: np.ndarray, name: str, dtype: Any) -> np.ndarray:
    """An entry in the precision of the parameters, which must be able to hold it."""
    with np.errstate(over="ignore"):
        converted = array.astype(dtype)
    if not np.isfinite(converted).all():
        raise ValueError(
            f"The entry {name!r} has values that are not finite in {np.dtype(dtype).name}."
        )
    return converted


def listed(names: Any) -> str:
    """Names for a message, not too many."""
    names = [repr(name) for name in names]
    if len(names) > 12:
        names[8:] = [f"and {len(names) - 8} more"]
    return ", ".join(names) or "none"
