"""state_dict and load_state_dict: the parameters of an LSTM under the names of PyTorch."""

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
    """Return the parameters of an LSTM as arrays, under the names of a PyTorch module.

    Parameters
    ----------
    estimator : LSTMClassifier or LSTMRegressor
        Fitted or initialised estimator.

    Returns
    -------
    state : dict of str to ndarray
        Copies of the parameters in C order, in their own dtype. For each layer k they are
        ``"lstm.weight_ih_lk"``, ``"lstm.weight_hh_lk"``, ``"lstm.bias_ih_lk"`` and
        ``"lstm.bias_hh_lk"``, with the suffix ``_reverse`` for the backward direction.
        ``cell="peephole"`` adds ``"lstm.weight_ch_lk"``. The output layer is ``"linear.weight"``
        and ``"linear.bias"``. ``categorical_features`` adds ``"categories.weight"``: each row is
        added to the net inputs of the first layer for one category.

    Raises
    ------
    TypeError
        If the estimator is not an LSTM of this package.
    sklearn.exceptions.NotFittedError
        If the estimator is neither fitted nor initialised.

    See Also
    --------
    load_state_dict : Put the arrays into an estimator of the same shape.
    to_torch : Make a PyTorch module with the predictions of an estimator.
    save_safetensors : Save a whole model in a file.

    Notes
    -----
    With ``cell="forget"`` and ``block_size=1``, shapes and layout are those of ``torch.nn.LSTM``
    and ``torch.nn.Linear``. All other cells keep the layout of ``layers_``. PyTorch has two biases
    per unit and uses their sum. The first one here is the sum, the second is 0.

    The arrays are the trained parameters. A regressor with ``normalize_y`` predicts in units of
    ``y_mean_`` and ``y_scale_``, which the arrays do not contain. :func:`~sklstm.export.to_torch`
    and :func:`~sklstm.export.to_keras` include these units in the output layer.

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
    """Replace the parameters of an LSTM by those of a ``state_dict``.

    Parameters
    ----------
    estimator : LSTMClassifier or LSTMRegressor
        Fitted or initialised estimator. Its parameters are replaced and keep their dtype. Classes,
        units of y and the state of the solver do not change.
    state : dict of str to array or tensor
        One entry per name of ``state_dict(estimator)``, with the same shapes and no other entries.
        The two biases of a unit are added.

    Returns
    -------
    estimator : object
        The same estimator.

    Raises
    ------
    TypeError
        If the estimator is not an LSTM of this package, or ``state`` is not a dict.
    ValueError
        If an entry is missing or unknown, has another shape or values that are not finite numbers,
        or if it has a bias where the estimator has none. The message names the entry, and the
        estimator does not change.
    sklearn.exceptions.NotFittedError
        If the estimator is neither fitted nor initialised.

    See Also
    --------
    from_torch : Make an estimator from the weights of a PyTorch module.

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
    """The parts of a flat vector by name, as views of it. A unit has one bias here."""
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
    """Names and shapes of all entries of a ``state_dict``, without allocating them."""
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
    """A flat vector from the arrays of a ``state_dict``, or an error that names the entry."""
    shapes = entry_shapes(topology)
    for name in shapes:
        if name not in state:
            raise ValueError(f"The entry {name!r} is missing; state has {listed(state)}.")
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
    """Raise an error for a bias of a unit that has none."""
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
            f"state must be a dict of names to arrays, got {type(state).__name__}. For a PyTorch "
            "module pass module.state_dict()."
        )
    return {str(name): array_of(value, f"The entry {str(name)!r}") for name, value in state.items()}


def array_of(value: Any, what: str) -> np.ndarray:
    """An array or a tensor as an array of real numbers, or an error that begins with ``what``."""
    if hasattr(value, "detach"):  # a tensor, which may require a gradient or be on a device
        value = value.detach().cpu()
        value = value.float() if "bfloat16" in str(value.dtype) else value  # NumPy has no bfloat16
        value = value.numpy()
    try:
        array = np.asarray(filled(value))
    except ValueError as error:
        raise ValueError(f"{what} is not an array: {error}.") from None
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{what} has dtype {array.dtype}, but must hold real numbers.")
    return array


def finite(array: np.ndarray, name: str, dtype: Any) -> np.ndarray:
    """An entry in the dtype of the parameters, or an error if it is not finite in that dtype."""
    with np.errstate(over="ignore"):
        converted = array.astype(dtype)
    if not np.isfinite(converted).all():
        raise ValueError(
            f"The entry {name!r} has values that are not finite in {np.dtype(dtype).name}."
        )
    return converted


def listed(names: Any) -> str:
    """Names for a message, at most 12."""
    names = [repr(name) for name in names]
    if len(names) > 12:
        names[8:] = [f"and {len(names) - 8} more"]
    return ", ".join(names) or "none"
