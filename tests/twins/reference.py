"""The network, written to be read. The tests hold the kernels to this.

One sequence, one step, one equation at a time, in NumPy, from a `Topology` and its flat vector.

    output(topology, vector, sequences)        raw outputs at every step, a list of (T_i, K)
    one_output(topology, vector, sequences)    raw outputs of what is read once, (n, K)
    batch_loss(topology, vector, sequences, targets, weights, ...)   a number

Its gradient is a difference quotient: `central_differences`, or `complex_step`, which has no
rounding to speak of (everything here is analytic in the vector). That is the full gradient. For
the truncated gradient, record the recurrence once and hold it fixed:

    sources = record(topology, vector, sequences)
    central_differences(lambda v: batch_loss(topology, v, ..., frozen=sources), vector)

With dropout, ``masks[k]`` are the factors of sequence k, see `twins.dropout`.

T steps, F features, H blocks of S cells, R recurrent sources, K outputs, Q quantiles.
"""

from dataclasses import dataclass

import numpy as np


@dataclass
class Trace:
    """One direction of one layer over one sequence, in the order in which it reads the steps."""

    sources: np.ndarray  # (T + 1, R); sources[t] is what step t sees: r(t-1), zeros at first
    states: np.ndarray  # (T + 1, H, S); states[t] is s before step t, states[t + 1] after it
    cells: np.ndarray  # (T, H * S), y(t) as others see it


# The cells. z holds the sums of a step, gates (H, 1) and candidates (H, S); s is the state (H, S).
# Each returns the new state, the cell outputs y and the sources of the next step.


def forget_cell(z, s):
    i, f, o = logistic(z["input"]), logistic(z["forget"]), logistic(z["output"])
    s = f * s + i * np.tanh(z["cell"])
    y = o * np.tanh(s)
    return s, y, [y]


def cell_of_1997(z, s):
    i, o = logistic(z["input"]), logistic(z["output"])
    s = s + i * 2 * np.tanh(z["cell"] / 2)
    y = o * np.tanh(s / 2)
    return s, y, [y, i, o]


def coupled_cell(z, s):
    i, o = logistic(z["input"]), logistic(z["output"])
    s = (1 - i) * s + i * np.tanh(z["cell"])
    y = o * np.tanh(s)
    return s, y, [y]


def peephole_cell(z, s, peephole, seen):
    """``seen``: s(t-1) and s(t) as the gates see them if frozen; None if they see the states."""
    w_i, w_f, w_o = np.split(peephole, 3)
    before = s if seen is None else seen[0]
    i = logistic(z["input"] + (w_i * before).sum(axis=1, keepdims=True))
    f = logistic(z["forget"] + (w_f * before).sum(axis=1, keepdims=True))
    s = f * s + i * np.tanh(z["cell"])
    after = s if seen is None else seen[1]
    o = logistic(z["output"] + (w_o * after).sum(axis=1, keepdims=True))
    y = o * np.tanh(s)
    return s, y, [y]


CELLS = {
    "forget": forget_cell,
    "1997": cell_of_1997,
    "peephole": peephole_cell,
    "coupled": coupled_cell,
}
ROWS = {  # from top to bottom: H rows for each gate, H * S rows for the cells
    "forget": ("input", "forget", "cell", "output"),
    "1997": ("input", "cell", "output"),
    "peephole": ("input", "forget", "cell", "output"),
    "coupled": ("input", "cell", "output"),
}


def split(z, cell, n_blocks, block_size):
    """Name the sums of one step; cell c = j * S + v is cell v of block j."""
    named, start = {}, 0
    for name in ROWS[cell]:
        width = block_size if name == "cell" else 1
        stop = start + n_blocks * width
        named[name] = z[start:stop].reshape(n_blocks, width)
        start = stop
    return named


def run_layer(layer, weights, x, frozen=None, masks=(1.0, 1.0), symbols=None):
    """One direction of one layer over the steps of x, (T, F), from zero state.

    ``symbols[t]``: numbers of the categories that step t has, negative ones are none.
    ``masks``: factors of the cells as others see them, and of the layer's own recurrent sources.
    """
    step = CELLS[layer.cell]
    dtype = weights["bias"].dtype
    r = np.zeros(weights["recurrent"].shape[1], dtype)
    s = np.zeros((layer.n_blocks, layer.block_size), dtype)
    sources, states, cells = [r], [s], []
    for t, x_t in enumerate(x):
        if frozen is not None:
            r = frozen.sources[t]
        z = weights["input"] @ x_t + weights["recurrent"] @ r + weights["bias"]
        if symbols is not None:
            z = z + weights["category"][:, symbols[t][symbols[t] >= 0]].sum(axis=1)
        z = split(z, layer.cell, layer.n_blocks, layer.block_size)
        if layer.cell == "peephole":
            seen = None if frozen is None else frozen.states[t : t + 2]
            s, y, fed_back = step(z, s, weights["peephole"], seen)
        else:
            s, y, fed_back = step(z, s)
        r = np.concatenate([part.ravel() for part in fed_back]) * masks[1]
        sources.append(r)
        states.append(s)
        cells.append(y.ravel() * masks[0])
    return Trace(np.array(sources), np.array(states), np.array(cells))


def run_stack(topology, vector, x, frozen=None, masks=None):
    """The traces of all layers over one sequence, and the cells of the last one, (T, cells).

    ``x`` is (T, F) or, with symbols, a pair of that and of the symbols of each step.
    """
    traces = []
    x, symbols = x if isinstance(x, tuple) else (x, None)
    for layer, weights in zip(topology.stack, topology.layers(vector), strict=True):
        if not layer.reverse:
            directions = []
        trace = run_layer(
            layer,
            weights,
            x[::-1] if layer.reverse else x,
            None if frozen is None else frozen[len(traces)],
            (1.0, 1.0) if masks is None else masks[len(traces)],
            symbols[::-1] if symbols is not None and layer.reverse else symbols,
        )
        traces.append(trace)
        directions.append(trace.cells[::-1] if layer.reverse else trace.cells)
        if len(directions) == topology.n_directions:
            x, symbols = np.concatenate(directions, axis=1), None
    return traces, x


def runs(topology, vector, sequences, frozen=None, masks=None):
    """`run_stack` of each sequence."""
    for k, x in enumerate(sequences):
        yield run_stack(topology, vector, x, frozen and frozen[k], masks and masks[k])


def record(topology, vector, sequences, masks=None):
    """For each sequence the traces of its layers, in the order of ``topology.stack``."""
    return [run[0] for run in runs(topology, as_double(vector), sequences, None, masks)]


def output(topology, vector, sequences, frozen=None, masks=None):
    """Raw outputs at every step: for each sequence (T_i, K)."""
    vector = as_double(vector)
    raw = []
    for _, cells in runs(topology, vector, sequences, frozen, masks):
        raw.append(cells @ topology.output_weights(vector).T + topology.output_bias(vector))
    return raw


def one_output(topology, vector, sequences, frozen=None, masks=None):
    """Raw outputs (n, K) of what is read of each sequence, once."""
    vector = as_double(vector)
    raw = []
    for traces, cells in runs(topology, vector, sequences, frozen, masks):
        if topology.pooling == "last":  # what each direction has read to its end
            read = np.concatenate([t.cells[-1] for t in traces[-topology.n_directions :]])
        elif topology.pooling == "mean":
            read = cells.mean(axis=0)
        elif topology.pooling == "max":
            read = cells[cells.real.argmax(axis=0), np.arange(cells.shape[1])]
        raw.append(topology.output_weights(vector) @ read + topology.output_bias(vector))
    return np.array(raw)


# The loss.


def loss(raw, target, weight, loss, out_activation, quantiles=()):
    """Loss of one sequence, summed over its target steps.

    ``raw`` is (T, K) with T weights, or (K,) with one. ``target`` has the shape of ``raw``, or
    K / Q numbers a row for Q quantiles; for softmax it is (T, 1) or (1,) class indices. There is
    no target where the weight is 0, nor, for numbers, where the target is NaN.
    """
    rows = zip(np.atleast_2d(raw), np.atleast_2d(target), np.atleast_1d(weight), strict=True)
    if loss == "log_loss":
        return sum((w * log_loss(z, t, out_activation) for z, t, w in rows if w != 0), start=0.0)
    link = {"identity": lambda z: z, "logistic": logistic, "tanh": np.tanh}[out_activation]
    total = 0.0
    for z, t, w in rows:
        if w != 0:
            values = in_order(z.reshape(len(t), -1))
            there = ~np.isnan(t)
            values, t = values[there], t[there, None]
            if loss != "poisson":
                values = link(values)
            total += w * NUMBER_LOSSES[loss](values, t, np.array(quantiles)).sum()
    return total


def in_order(z):
    """Quantiles (K, Q): the middle one is z itself, each next one softplus(z) further out."""
    middle = z.shape[1] // 2
    values = [z[:, middle]]
    for q in range(middle + 1, z.shape[1]):
        values.append(values[-1] + softplus(z[:, q]))
    for q in reversed(range(middle)):
        values.insert(0, values[0] - softplus(z[:, q]))
    return np.stack(values, axis=1)


def absolute(error):
    return np.where(error.real < 0, -error, error)


NUMBER_LOSSES = {
    "squared_error": lambda y, t, q: 0.5 * (y - t) ** 2,
    "absolute_error": lambda y, t, q: absolute(y - t),
    "quantile": lambda y, t, q: np.where(y.real < t, q * (t - y), (1 - q) * (y - t)),
    # half the deviance; y is the logarithm of the mean
    "poisson": lambda y, t, q: np.exp(y) - t + t * (np.log(np.where(t > 0, t, 1)) - y),
}


def log_loss(raw, target, out_activation):
    if out_activation == "softmax":
        raw = raw - raw.real.max()
        return np.log(np.exp(raw).sum()) - raw[int(target[0])]
    # -t log p - (1 - t) log (1 - p)
    return (target * softplus(-raw) + (1 - target) * softplus(raw)).sum()


def batch_loss(
    topology,
    vector,
    sequences,
    targets,
    weights,
    *,
    loss,
    out_activation,
    quantiles=(),
    return_sequences=False,
    alpha=0.0,
    frozen=None,
    masks=None,
):
    """Loss of a batch: sum of w L / number of sequences + alpha/2 ||W||^2 / sum of the weights.

    ``targets[k]`` and ``weights[k]`` belong to sequence k; per step, its weight in the penalty is
    the mean over its steps.
    """
    vector = as_double(vector)
    run = output if return_sequences else one_output
    raw = run(topology, vector, sequences, frozen, masks)
    parts = [
        sequence_loss(*part, loss, out_activation, quantiles)
        for part in zip(raw, targets, weights, strict=True)
    ]
    dense, table = np.split(vector, [topology.n_dense])
    penalty = 0.5 * alpha * ((dense[topology.decayed] ** 2).sum() + (table**2).sum())
    return sum(parts) / len(sequences) + penalty / sum(np.mean(w) for w in weights)


sequence_loss = loss  # `batch_loss` has an argument of that name


# The gradient.


def central_differences(function, vector, step=1e-6):
    """d function / d vector, to about nine digits."""
    gradient = np.empty(len(vector))
    for k in range(len(vector)):
        up, down = vector.copy(), vector.copy()
        up[k] += step
        down[k] -= step
        gradient[k] = (function(up) - function(down)) / (2 * step)
    return gradient


def complex_step(function, vector, step=1e-30):
    """d function / d vector, to rounding: f(v + ih) = f(v) + ih f'(v) + O(h^2)."""
    gradient = np.empty(len(vector))
    for k in range(len(vector)):
        aside = vector.astype(complex)
        aside[k] += 1j * step
        gradient[k] = function(aside).imag / step
    return gradient


def complex_slope(function, vector, direction, step=1e-30):
    """The derivative along a direction, as in `complex_step`."""
    return function(vector + 1j * step * direction).imag / step


# Numbers.


def logistic(z):
    with np.errstate(over="ignore"):  # exp(1000) is infinite and its inverse 0, as it should be
        return 1 / (1 + np.exp(-z))


def softplus(z):
    """log(1 + exp(z)), which must not overflow."""
    positive = z.real > 0
    return np.where(positive, z, 0) + np.log1p(np.exp(np.where(positive, -z, z)))


def as_double(vector):
    """float32 parameters are computed in float64; complex ones (`complex_step`) stay so."""
    return vector.astype(np.result_type(vector, np.float64))
