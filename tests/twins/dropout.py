"""Dropout's random numbers, in Python's integers: see sklstm/_kernels/dropout.pxd."""

import numpy as np

FULL = 2**64


def mixed(x):
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 % FULL
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB % FULL
    return x ^ (x >> 31)


def factors(at, rate, n):
    """What n numbers are multiplied by."""
    kept = []
    for k in range(1, n + 1):
        uniform = (mixed((at + k * 0x9E3779B97F4A7C15) % FULL) >> 11) / 2**53
        kept.append(0.0 if uniform < rate else 1 / (1 - rate))
    return np.array(kept)


def masks(topology, seed, epoch, n, dropout, recurrent_dropout):
    """For each of n sequences and each layer: factors of its cells and of its recurrent sources.

    Units count group by group: first cells of all blocks, second cells, ..., then gates that are
    sources; cell v of block j is at j * S + v, as in the weights.
    """
    key = mixed(seed ^ mixed(epoch))
    found = []
    for k in range(n):
        of_sequence = mixed(key ^ mixed(k + 1))
        layers = []
        for index, layer in enumerate(topology.stack):
            H, S = layer.n_blocks, layer.block_size
            seen = factors(mixed(of_sequence ^ mixed(2 * index + 1)), dropout, S * H)
            back = factors(
                mixed(of_sequence ^ mixed(2 * index + 2)), recurrent_dropout, layer.n_recurrent
            )
            in_order = back[: S * H].reshape(S, H).T.ravel()
            layers.append((seen.reshape(S, H).T.ravel(), np.append(in_order, back[S * H :])))
        found.append(layers)
    return found
