"""The nets of the trials, written to be read: one sequence, one step, one equation at a time.

    run(places, vector, x, ...)    outputs (T, K) and what the hidden layer saw of the step before

Everything is analytic in the vector, for `reference.complex_step`. To have the truncated gradient
hold ``seen`` fixed. Rows of a table of places are gates before the cells, cells (first cells of all
blocks, then second ones), output gates; columns are 1, inputs, sources of the step before.
"""

import numpy as np

from twins.reference import complex_step, logistic


def weights(table, vector):
    """The matrix of a table of places; 0 where there is no weight."""
    return np.where(table >= 0, vector[table], 0)


def run(places, vector, x, *, seen=None, rest=0.0, grown=True):
    b, n = places.n_blocks, places.n_blocks * places.block_size
    n_fed = places.n_recurrent * b
    hidden, head = weights(places.hidden, vector), weights(places.head, vector)
    s, fed = np.zeros(n), np.full(n_fed, rest)
    outputs, sources = [], []
    for t, x_t in enumerate(x):
        if seen is not None:
            fed = seen[t]
        sources.append(fed)
        z = hidden @ np.concatenate([[1.0], x_t, fed])
        s, read, r = CELLS[places.cell](z, s, b, n)
        fed = r[:n_fed]
        read = np.concatenate([[1.0], x_t if places.shortcuts else [], read * grown])
        outputs.append(logistic(head @ read))
    return np.array(outputs), sources


def of_all_cells(gate, n):
    """A value per block as a value per cell."""
    return np.tile(gate, n // len(gate))


def cell_of_1997(z, s, b, n):
    i, o = logistic(z[:b]), logistic(z[b + n :])
    s = s + of_all_cells(i, n) * 2 * np.tanh(z[b : b + n] / 2)
    y = of_all_cells(o, n) * np.tanh(s / 2)
    return s, y, np.concatenate([y, i, o])


def swapped_cell(z, s, b, n):
    i, o = logistic(z[:b]), logistic(z[b + n :])
    s = s + of_all_cells(i, n) * np.tanh(z[b : b + n] / 2)
    y = of_all_cells(o, n) * 2 * np.tanh(s / 2)
    return s, y, np.concatenate([y, i, o])


def bare_cell(z, s, b, n):
    s = s + of_all_cells(logistic(z[:b]), n) * logistic(z[b:])
    return s, s, s


def centred_cell(z, s, b, n):
    s = s + of_all_cells(logistic(z[:b]), n) * (4 * logistic(z[b:]) - 2)
    return s, s, s


def forget_cell(z, s, b, n):
    i, f, o = logistic(z[:b]), logistic(z[b : 2 * b]), logistic(z[2 * b + n :])
    g = np.tanh(z[2 * b : 2 * b + n])
    s = of_all_cells(f, n) * s + of_all_cells(i, n) * g
    y = of_all_cells(o, n) * np.tanh(s)
    return s, y, y


def continual_cell(z, s, b, n):
    i, f, o = logistic(z[:b]), logistic(z[b : 2 * b]), logistic(z[2 * b + n :])
    g = 2 * np.tanh(z[2 * b : 2 * b + n] / 2)
    s = of_all_cells(f, n) * s + of_all_cells(i, n) * g
    y = of_all_cells(o, n) * np.tanh(s / 2)
    return s, y, y


CELLS = {
    "1997": cell_of_1997,
    "forget": forget_cell,
    "continual": continual_cell,
    "bare": bare_cell,
    "centred": centred_cell,
    "swapped": swapped_cell,
}


def gradient(places, vector, x, targets, *, factors=1.0, **settings):
    """Truncated gradient of half the squared error over the steps that have a target.

    ``factors`` (T,) weigh the steps.
    """
    _, seen = run(places, vector, x, **settings)
    there = ~np.isnan(targets)

    def loss(vector):
        outputs, _ = run(places, vector, x, seen=seen, **settings)
        errors = np.where(there, outputs - targets, 0) ** 2
        return 0.5 * (errors.sum(axis=1) * factors).sum()

    return complex_step(loss, vector)
