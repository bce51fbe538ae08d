"""The net of RecurrentRegressor in NumPy, as its docstring says it. Also takes complex weights."""

import numpy as np

ACTIVATIONS = {
    "identity": lambda z: z,
    "logistic": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
}


def matrices(net, vector):
    """Weights of the units and of the outputs (None if fully recurrent), sources by targets."""
    (n_sources, n_units), readout = net._sizes()
    split = n_sources * n_units
    units = vector[:split].reshape(n_sources, n_units)
    return units, vector[split:].reshape(readout) if readout else None


def forward(net, vector, x, contexts=None):
    """Units after each step and outputs. ``contexts``: what the units see of the step before."""
    units, readout = matrices(net, vector)
    one = [1.0] if net.bias else []
    out_activation = ACTIVATIONS[net.out_activation]
    y, history, outputs = np.zeros(units.shape[1]), [], []
    for t, inputs in enumerate(x):
        before = y if contexts is None else contexts[t]
        z = np.concatenate([before, one, inputs]) @ units
        hidden = ACTIVATIONS["logistic"](z[: net.n_hidden])
        if readout is None:
            outputs.append(out_activation(z[net.n_hidden :]))
            y = np.concatenate([hidden, outputs[-1]])
        else:
            shortcuts = inputs if net.connections == "shortcuts" else []
            outputs.append(out_activation(np.concatenate([hidden, one, shortcuts]) @ readout))
            y = hidden
        history.append(y)
    return np.array(history), np.array(outputs)


def loss(net, vector, x, y, weights, contexts=None):
    """Half the squared error of the steps that have a target, times their weights."""
    out = forward(net, vector, x, contexts)[1]
    if not net.return_sequences:
        out, y = out[-1:], y[None]
    error = np.where(np.isnan(y), 0, out - np.nan_to_num(y))
    return (np.asarray(weights).reshape(-1, 1) * error**2).sum() / 2


def derivative(net, vector, x, y, weights, *, truncated=False):
    """Of `loss`, by complex step; truncated: at contexts that do not move with the weights."""
    contexts = None
    if truncated:
        history = forward(net, vector, x)[0]
        contexts = np.vstack([np.zeros_like(history[:1]), history[:-1]])
    step = 1e-30
    directions = np.eye(len(vector)) * 1j * step
    return (
        np.array([loss(net, vector + d, x, y, weights, contexts).imag for d in directions]) / step
    )
