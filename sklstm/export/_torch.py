"""to_torch and from_torch: models to PyTorch and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from sklstm._base import BaseLSTM
from sklstm.export._optional import optional
from sklstm.export._state import DIRECTIONS, array_of, finite, listed
from sklstm.export._weights import Direction, Weights, as_estimator, from_estimator

ENTRY = re.compile(
    r"(?P<prefix>.*?)(weight|bias)_(?P<of>ih|hh|hr)_l(?P<level>\d+)(?P<end>_reverse)?"
)


def to_torch(estimator: Any) -> Any:
    """Convert an estimator to a PyTorch module with the same predictions.

    The module can be trained further in PyTorch.

    Parameters
    ----------
    estimator : LSTMClassifier or LSTMRegressor
        Fitted estimator with ``cell="forget"`` or ``"coupled"``.

    Returns
    -------
    module : torch.nn.Module
        Module with the parts ``lstm`` (a ``torch.nn.LSTM``, or a ``ModuleList`` of them for layers
        of different sizes) and ``linear``. Call ``module(x, lengths=None)`` with a tensor of shape
        ``(n, T, F)`` in the dtype of the parameters. Pad shorter sequences at the end, and pass
        their numbers of steps as ``lengths``. The module returns ``decision_function`` of a
        classifier and ``predict`` of a regressor. Outputs per step have shape ``(n, T)`` or
        ``(n, T, k)``. Ignore their values at padding.

    Raises
    ------
    TypeError
        If the estimator is not an LSTM of this package.
    ValueError
        If PyTorch has no such cell, or the estimator has categorical features.
    sklearn.exceptions.NotFittedError
        If the estimator is neither fitted nor initialised.
    ImportError
        If PyTorch is not installed.

    See Also
    --------
    from_torch : Make an estimator from a PyTorch module.
    state_dict : Return the parameters as arrays, without PyTorch.

    Notes
    -----
    The module includes the units of y. Each cell of a block gets its own copy of the gates, and a
    coupled cell gets two gates. The predictions are the same, but further training changes the
    copies independently.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from sklstm import LSTMRegressor
    >>> from sklstm.export import to_torch
    >>> X = np.random.default_rng(0).normal(size=(20, 6, 2))
    >>> model = LSTMRegressor(4, max_iter=2, random_state=0).fit(X, X[:, -1, 0])
    >>> module = to_torch(model)
    >>> bool(np.allclose(module(torch.tensor(X)).detach().numpy(), model.predict(X)))
    True
    """
    weights = from_estimator(estimator, "to_torch", with_quantiles=True)
    optional("torch", "to_torch")
    from sklstm.export._torch_network import network_of

    return network_of(estimator, weights)


def from_torch(
    source: Any, estimator: Any = None, *, classes: Any = None, multilabel: bool = False
) -> BaseLSTM:
    """Make an estimator from a PyTorch module of ``nn.LSTM`` and ``nn.Linear``.

    Parameters
    ----------
    source : torch.nn.Module or dict of str to array or tensor
        Module or state dict. It must contain one ``nn.LSTM`` or several in a row, and one
        ``nn.Linear``. Their names do not matter.
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
        If an entry is missing or unknown, or has a shape that does not fit. The message names the
        entry.

    See Also
    --------
    to_torch : Convert an estimator to a PyTorch module.
    load_state_dict : Put arrays into an existing estimator.

    Notes
    -----
    The linear layer of the module must read the same values as that of the estimator. With
    ``pooling="last"`` these are the last hidden states of each direction (``h_n``). For a
    bidirectional layer they differ from the last step of the output. The outputs of the linear
    layer must be raw outputs, before a softmax or logistic function. Two outputs for two classes
    become one, their difference. The probabilities are the same. Layers without biases get biases
    of 0 if the linear layer has a bias.

    To continue training, call ``partial_fit``, or ``fit`` with ``warm_start=True``.

    Examples
    --------
    >>> import torch
    >>> from sklstm.export import from_torch
    >>> class Speakers(torch.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.rnn = torch.nn.LSTM(12, 20, batch_first=True)
    ...         self.head = torch.nn.Linear(20, 3)
    >>> model = from_torch(Speakers(), classes=["ann", "bob", "eve"])
    >>> model.predict(torch.zeros(5, 7, 12).numpy()).shape
    (5,)
    """
    weights = _weights_of(_entries(source))
    return as_estimator(weights, estimator, classes, multilabel, "from_torch")


def _entries(source: Any) -> dict[str, np.ndarray]:
    state = source.state_dict() if callable(getattr(source, "state_dict", None)) else source
    if not isinstance(state, Mapping):
        raise TypeError(
            "from_torch takes a PyTorch module or its state dict, a dict of names to arrays, got "
            f"{type(source).__name__}."
        )
    entries = {}
    for name, value in state.items():
        array = array_of(value, f"The entry {str(name)!r}")
        wide = np.float32 if array.dtype == np.float16 else array.dtype
        entries[str(name)] = finite(array, str(name), wide if array.dtype.kind == "f" else float)
    return entries


def _weights_of(entries: dict[str, np.ndarray]) -> Weights:
    recurrent = {name: match for name in entries if (match := ENTRY.fullmatch(name))}
    others = [name for name in entries if name not in recurrent]
    for name, match in recurrent.items():
        if match["of"] == "hr":
            raise ValueError(
                f"The entry {name!r} is a projection: nn.LSTM(proj_size=...) has no counterpart "
                "here. Train without proj_size."
            )
    if not recurrent:
        raise ValueError(
            f"There is no nn.LSTM: an entry that ends in weight_ih_l0 is missing; the entries are "
            f"{listed(entries)}."
        )
    levels = {(match["prefix"], int(match["level"])) for match in recurrent.values()}
    ends = DIRECTIONS if any(match["end"] for match in recurrent.values()) else DIRECTIONS[:1]
    layers: list[list[Direction]] = []
    for prefix, level in sorted(levels, key=_order):
        below = sum(part.n_cells for part in layers[-1]) if layers else None
        layer = [_direction(entries, f"{prefix}{{}}_l{level}{end}", below) for end in ends]
        if layer[0].n_cells != layer[-1].n_cells:
            raise ValueError(
                f"The entry '{prefix}weight_hh_l{level}_reverse' has {layer[-1].n_cells} columns, "
                f"but the forward direction has {layer[0].n_cells}."
            )
        layers.append(layer)
    if len({part.bias is None for layer in layers for part in layer}) > 1:
        raise ValueError("Some layers have biases and others have none: give all of them biases.")
    n_cells = sum(part.n_cells for part in layers[-1])
    return Weights(layers, *_linear(entries, others, n_cells))


def _order(level: tuple[str, int]) -> tuple:
    """Sort key of modules: the numbers in their names, and else the names."""
    prefix, number = level
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", prefix)], number


def _direction(entries: dict[str, np.ndarray], name: str, below: int | None) -> Direction:
    """One direction of a layer. ``name`` is a format string for the kind of an entry."""
    w_x, w_r = (_entry(entries, name.format(kind)) for kind in ("weight_ih", "weight_hh"))
    biases = [entries.get(name.format(kind)) for kind in ("bias_ih", "bias_hh")]
    if w_r.ndim != 2 or w_r.shape[0] != 4 * w_r.shape[1]:
        hint = ""
        if w_r.ndim == 2 and w_r.shape[0] in (w_r.shape[1], 3 * w_r.shape[1]):
            hint = f" It seems to be from nn.{'RNN' if w_r.shape[0] == w_r.shape[1] else 'GRU'}."
        raise ValueError(
            f"The entry {name.format('weight_hh')!r} has shape {w_r.shape}, but nn.LSTM has 4 H "
            f"rows and H columns.{hint}"
        )
    n_rows = len(w_r)
    n_columns = w_x.shape[1] if below is None and w_x.ndim == 2 else below
    _require(w_x, (n_rows, n_columns), name.format("weight_ih"))
    if all(bias is None for bias in biases):
        return Direction(w_x, w_r, None)
    names = [name.format(kind) for kind in ("bias_ih", "bias_hh")]
    for bias_name in names:
        _require(_entry(entries, bias_name), (n_rows,), bias_name)
    return Direction(w_x, w_r, entries[names[0]].astype(np.float64) + entries[names[1]])


def _linear(
    entries: dict[str, np.ndarray], names: list[str], n_cells: int
) -> tuple[np.ndarray, np.ndarray | None]:
    """Weights and biases of the linear layer."""
    heads = [n for n in names if n.rpartition(".")[2] == "weight" and entries[n].ndim == 2]
    if len(heads) != 1:
        found = f"there are {listed(heads)}" if heads else "there is none, such as 'linear.weight'"
        raise ValueError(
            f"One nn.Linear is needed after the LSTM, but {found}. Pass a dict with the entries "
            "of the LSTM and of its output layer."
        )
    bias_name = heads[0][: -len("weight")] + "bias"
    for name in names:
        if name not in (heads[0], bias_name):
            raise ValueError(
                f"The entry {name!r} belongs neither to the LSTM nor to the output layer "
                f"{heads[0]!r}. If the outputs do not depend on it, pass a dict without it."
            )
    weight, bias = entries[heads[0]], entries.get(bias_name)
    _require(weight, (len(weight), n_cells), heads[0])
    if bias is not None:
        _require(bias, (len(weight),), bias_name)
    return weight, bias


def _entry(entries: dict[str, np.ndarray], name: str) -> np.ndarray:
    if name not in entries:
        raise ValueError(f"The entry {name!r} is missing; the entries are {listed(entries)}.")
    return entries[name]


def _require(array: np.ndarray, shape: tuple, name: str) -> None:
    if array.shape != shape:
        raise ValueError(f"The entry {name!r} has shape {array.shape}, but needs {shape}.")
