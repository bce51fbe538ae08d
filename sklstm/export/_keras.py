"""to_keras and from_keras: weights as the arrays of Keras models. They do not import Keras."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklstm._base import BaseLSTM
from sklstm.export._state import array_of, finite
from sklstm.export._weights import Direction, Weights, as_estimator, from_estimator


def to_keras(estimator: Any) -> list[np.ndarray]:
    """Return the weights of an LSTM as a list for ``set_weights`` of a Keras model.

    Parameters
    ----------
    estimator : LSTMClassifier or LSTMRegressor
        Fitted estimator with ``cell="forget"`` or ``"coupled"``.

    Returns
    -------
    weights : list of ndarray
        Weights of a ``Sequential`` model with one ``keras.layers.LSTM(H)`` per layer and a
        ``Dense`` layer. Layers of two directions are wrapped in ``Bidirectional``. An LSTM has
        three arrays, "kernel" (F, 4H), "recurrent_kernel" (H, 4H) and "bias" (4H,), the forward
        direction before the backward one. The Dense layer has two, (cells, K) and (K,).

    Raises
    ------
    TypeError
        If the estimator is not an LSTM of this package.
    ValueError
        If Keras has no such layers.
    sklearn.exceptions.NotFittedError
        If the estimator is neither fitted nor initialised.

    See Also
    --------
    from_keras : Make an estimator from the weights of a Keras model.

    Notes
    -----
    Set ``return_sequences=True`` in all LSTM layers except the last. Set it in the last one too if
    the estimator has ``return_sequences=True`` or pools over steps. The activation of the Dense
    layer must be "softmax" for several classes, "sigmoid" for two classes and for a multilabel
    indicator, "exponential" for ``loss="poisson"``, and else ``out_activation``. The Dense layer
    includes the units of y.

    Each cell of a block gets its own copy of the gates, and a coupled cell gets two gates. The
    predictions are the same, but further training changes the copies independently.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm import LSTMRegressor
    >>> from sklstm.export import to_keras
    >>> X = np.random.default_rng(0).normal(size=(20, 6, 2))
    >>> model = LSTMRegressor(4, max_iter=2, random_state=0).fit(X, X[:, -1, 0])
    >>> [array.shape for array in to_keras(model)]
    [(2, 16), (4, 16), (16,), (4, 1), (1,)]
    """
    weights = from_estimator(estimator, "to_keras")
    dtype = estimator.parameters_.dtype.newbyteorder("=")
    arrays = []
    for part in (part for layer in weights.layers for part in layer):
        arrays += [part.input.T, part.recurrent.T, part.bias]
    arrays += [weights.output_weights.T, weights.output_bias]
    return [np.array(array, dtype=dtype, order="C") for array in arrays]


def from_keras(
    source: Any, estimator: Any = None, *, classes: Any = None, multilabel: bool = False
) -> BaseLSTM:
    """Make an estimator from a Keras model of LSTM layers and a Dense layer.

    Parameters
    ----------
    source : keras.Model or list of array
        Model, or the result of its ``get_weights()``: kernel, recurrent kernel and bias of each
        LSTM layer (twice for ``Bidirectional``), followed by the arrays of a single Dense layer.
    estimator : LSTMClassifier or LSTMRegressor, default=None
        Template with the settings of the result, such as ``pooling`` and ``return_sequences``. It
        is not changed. The weights set the shape of the network. None is an ``LSTMClassifier`` if
        ``classes`` is set or ``multilabel`` is True, else an ``LSTMRegressor``.
    classes : array-like, default=None
        Labels in the order of the outputs. None is 0, 1, ... for an ``LSTMClassifier``.
    multilabel : bool, default=False
        Set it to True if each output is a label with its own probability.

    Returns
    -------
    estimator : LSTMClassifier or LSTMRegressor
        Initialised estimator, in float32 if the weights are, else in float64.

    Raises
    ------
    TypeError
        If ``source`` or ``estimator`` has another type.
    ValueError
        If the arrays are not those of LSTM layers and a Dense layer. The message names the first
        array that does not fit by its index in the list.

    See Also
    --------
    to_keras : Return the weights of an estimator for a Keras model.

    Notes
    -----
    The LSTM layers must have Keras's default activations, and ``Bidirectional`` layers must
    concatenate their directions. Layers without biases (``use_bias=False``) get biases of 0 if the
    Dense layer has a bias. Two outputs of a softmax become one, their difference. The probabilities
    are the same.

    To continue training, call ``partial_fit``, or ``fit`` with ``warm_start=True``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm.export import from_keras
    >>> shapes = [(2, 16), (4, 16), (16,), (4, 3), (3,)]
    >>> model = from_keras([np.zeros(shape) for shape in shapes], classes=["a", "b", "c"])
    >>> model.hidden_layer_sizes, model.n_features_in_
    ((4,), 2)
    """
    given = source.get_weights() if callable(getattr(source, "get_weights", None)) else source
    if not isinstance(given, (list, tuple)):
        raise TypeError(
            "from_keras takes a Keras model or the list of its get_weights(), got "
            f"{type(source).__name__}."
        )
    arrays = []
    for k, value in enumerate(given):
        array = array_of(value, f"weights[{k}]")
        wide = np.float32 if array.dtype == np.float16 else array.dtype
        arrays.append(finite(array, f"weights[{k}]", wide if array.dtype.kind == "f" else float))
    return as_estimator(_weights_of(arrays), estimator, classes, multilabel, "from_keras")


def _weights_of(arrays: list[np.ndarray]) -> Weights:
    parts, rest = _directions(arrays)
    n_cells = [part.n_cells for part in parts]
    output = arrays[rest:]
    if not 1 <= len(output) <= 2 or output[0].ndim != 2:
        raise ValueError(
            f"After {len(parts)} LSTM kernels there must be the arrays of one Dense layer, (cells, "
            f"K) and (K,), but from weights[{rest}] on there are {_shapes(output)}."
        )
    rows, n_outputs = output[0].shape
    # Either every layer has one direction, or every layer has two.
    if rows == n_cells[-1]:
        layers = [[part] for part in parts]
    elif len(parts) % 2 == 0 and rows == sum(n_cells[-2:]):
        layers = [parts[k : k + 2] for k in range(0, len(parts), 2)]
    else:
        raise ValueError(
            f"weights[{rest}], the kernel of the Dense layer, has {rows} rows, but the last LSTM "
            f"layer has {n_cells[-1]} cells per direction."
        )
    per_part = rest // len(parts)
    width = len(parts[0].input.T)
    for k, layer in enumerate(layers):
        for d, part in enumerate(layer):
            place = (k * len(layer) + d) * per_part
            if part.input.shape[1] != width or part.n_cells != layer[0].n_cells:
                raise ValueError(
                    f"weights[{place}], the kernel of layer {k}{', backward' if d else ''}, has "
                    f"shape {part.input.T.shape}, but needs {(width, 4 * layer[0].n_cells)}."
                )
        width = sum(part.n_cells for part in layer)
    bias = output[1] if len(output) == 2 else None
    if bias is not None and bias.shape != (n_outputs,):
        raise ValueError(
            f"weights[{rest + 1}], the bias of the Dense layer, has shape {bias.shape}, but needs "
            f"{(n_outputs,)}."
        )
    return Weights(layers, output[0].T, bias)


def _directions(arrays: list[np.ndarray]) -> tuple[list[Direction], int]:
    """The LSTM kernels at the start of the list, and the number of their arrays."""
    parts: list[Direction] = []
    k = 0
    while len(arrays) - k > 2:
        kernel, recurrent = arrays[k], arrays[k + 1]
        place = f"weights[{k}] and weights[{k + 1}]"
        if kernel.ndim != 2 or recurrent.ndim != 2 or kernel.shape[1] != recurrent.shape[1]:
            raise ValueError(
                f"{place} have shapes {_shapes(arrays[k : k + 2])}, but kernel and recurrent "
                "kernel of an LSTM layer are (F, 4 H) and (H, 4 H)."
            )
        n_cells, n_columns = recurrent.shape
        if n_columns != 4 * n_cells:
            gru = " It seems to be from a GRU layer." if n_columns == 3 * n_cells else ""
            raise ValueError(
                f"weights[{k + 1}] has shape {recurrent.shape}, but the recurrent kernel of an "
                f"LSTM layer is (H, 4 H).{gru}"
            )
        bias = arrays[k + 2] if arrays[k + 2].ndim == 1 else None
        if bias is not None and bias.shape != (n_columns,):
            raise ValueError(f"weights[{k + 2}] has shape {bias.shape}, but needs {(n_columns,)}.")
        if parts and (parts[0].bias is None) != (bias is None):
            raise ValueError(
                f"weights[{k + 2}]: some layers have a bias and others have none. Give all of them "
                "one."
            )
        parts.append(Direction(kernel.T, recurrent.T, bias))
        k += 2 if bias is None else 3
    if not parts:
        raise ValueError(
            f"There are {len(arrays)} arrays, but an LSTM layer and a Dense layer have five, or "
            "three without biases."
        )
    return parts, k


def _shapes(arrays: list[np.ndarray]) -> str:
    return ", ".join(str(array.shape) for array in arrays) or "none"
