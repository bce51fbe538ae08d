"""Shapes on the far side of every constant of the kernels.

The kernels tile rows, columns and sequences, cut batches into bundles and chunks, the gradient into
terms and pieces, and leave remainders.
Each edge below needs at least one of these more than once, with a remainder, whatever the
constants are: it is derived from what the kernels export.
"""

from dataclasses import dataclass

import numpy as np
from kernels import CONSTANTS, Problem, drawn, ragged

DOUBLE = np.dtype(np.float64)


@dataclass
class Edge:
    """A shape and the lengths of a batch."""

    sizes: dict
    lengths: list
    return_sequences: bool = False
    scale: float = 0.3


def bundles(n):
    """A small net: bundles, and n sequences more than are read one by one."""

    def edge(c):
        sizes = dict(n_features=2, hidden_layer_sizes=(3,), n_outputs=3)
        count = 3 * c["LANES"] + c["ALONE_MAX"] + n
        return Edge(sizes, [1 + k % 5 for k in range(count)], return_sequences=n > 0)

    return edge


def wide(c):
    """The fewest blocks of a net whose sequences are never side by side, and one, for padding."""
    return c["SMALL"] + 1


def together(part):
    """Sequences of a larger net: a part of those that a tile takes, or several times as many."""

    def edge(c):
        sizes = dict(n_features=3, hidden_layer_sizes=(wide(c),), n_outputs=2)
        count = round(part * c["TILE_SEQUENCES"])
        return Edge(sizes, [4 - k % 3 for k in range(count)], part > 1, scale=0.2)

    return edge


def columns(n_blocks):
    """Two panels of columns and a rest."""

    def edge(c):
        n_columns = 2 * max(c["GRADIENT_VECTORS"] * c["LANES"], c["GRADIENT_COLUMNS"]) + 5
        H = max(1, min(4, c["NARROW"] // n_columns)) if n_blocks == "few" else wide(c)
        sizes = dict(n_features=n_columns, hidden_layer_sizes=(H,), n_outputs=2)
        count = c["LANES"] + c["ALONE_MAX"] if n_blocks == "few" else 3
        return Edge(sizes, [3 - k % 2 for k in range(count)], scale=0.1)

    return edge


def cells_of_the_layer_below(n_blocks):
    """A second layer in two directions, more columns than a panel, and groups with padding."""

    def edge(c):
        H = c["LANES"] + 1 if n_blocks == "few" else wide(c)
        H = min(H, c["SMALL"] - 1) if n_blocks == "few" else H
        sizes = dict(
            n_features=3,
            hidden_layer_sizes=(H, max(H - 2, 1)),
            block_size=2,
            bidirectional=True,
            n_outputs=2,
        )
        count = c["LANES"] + c["ALONE_MAX"] if n_blocks == "few" else 4
        return Edge(sizes, [3 - k % 2 for k in range(count)], True, scale=0.1)

    return edge


def rows(n_blocks):
    """Several tiles of rows, and a rest, in the hidden layer and the output layer."""

    def edge(c):
        H = c["SMALL"] - 1 if n_blocks == "few" else 2 * wide(c)
        sizes = dict(n_features=2, hidden_layer_sizes=(max(H, 1),), n_outputs=c["ROW_TILE"] + 3)
        count = c["LANES"] + 1 if n_blocks == "few" else 2
        return Edge(sizes, [3 - k % 2 for k in range(count)], True, scale=0.2)

    return edge


def terms(n_blocks):
    """More steps than the gradient takes at once, by one, and by more than as many again.

    The cells take in little at each step: in one that is full, the last steps would not count.
    """

    def edge(c):
        H = 2 if n_blocks == "few" else wide(c)
        steps = 2 * c["TERMS"] + 3
        sizes = dict(n_features=2, hidden_layer_sizes=(H,), n_outputs=1)
        count = c["LANES"] if n_blocks == "few" else 2
        return Edge(sizes, [steps - c["TERMS"] // 2 * k for k in range(min(count, 4))], True, 0.01)

    return edge


def pieces(c):
    """A table of the gradient that is cut into pieces."""
    H = 2 * wide(c)
    sizes = dict(n_features=c["TABLE_MAX"] // (2 * H), hidden_layer_sizes=(H,), n_outputs=1)
    return Edge(sizes, [2, 1], scale=0.05)


def units(n):
    """One sequence whose products have n vectors of rows: as many kinds of tiles as there are."""

    def edge(c):
        n_vectors = c["TILE_MAX"] + n if n > 0 else -n
        size = n_vectors * c["LANES"] - (c["LANES"] > 1)
        return Edge(dict(n_features=3, hidden_layer_sizes=(size,), n_outputs=size), [4], scale=0.1)

    return edge


def tile_rows(n_vectors):
    """A tile of vectors of rows, and some that are left over, for as many sequences as it takes."""

    def edge(c):
        size = (c["TILE_VECTORS"] + n_vectors(c)) * c["LANES"] - (c["LANES"] > 1)
        sizes = dict(n_features=2, hidden_layer_sizes=(wide(c),), n_outputs=size)
        return Edge(sizes, [3 - k % 2 for k in range(c["TILE_SEQUENCES"])], scale=0.1)

    return edge


def gradient_rows(n_blocks):
    """Rows of the gradient that a tile takes, and half, a quarter ... as many, down to one."""

    def edge(c):
        H = 3 if n_blocks == "few" else wide(c)
        rows = 2 * c["GRADIENT_ROWS"] - 1
        sizes = dict(n_features=2, hidden_layer_sizes=(H,), n_outputs=rows)
        count = c["LANES"] + c["ALONE_MAX"] if n_blocks == "few" else 3
        return Edge(sizes, [3 - k % 2 for k in range(count)], True, scale=0.1)

    return edge


def inputs(n):
    """A small net with as many weights from its inputs as it may have with sequences in lanes."""

    def edge(c):
        sizes = dict(n_features=c["NARROW"] // 2 + n, hidden_layer_sizes=(2,), n_outputs=1)
        return Edge(sizes, [4] * (c["LANES"] + 1), n > 0, scale=0.1)

    return edge


EDGES = {
    "as-many-left-over-as-run-alone": bundles(0),
    "one-more-left-over": bundles(1),
    **{f"together-{n:.2g}": together(n) for n in (1 / 3, 1 / 2, 2 / 3, 5 / 6, 1, 13 / 6, 5.5)},
    **{f"columns-{n}-blocks": columns(n) for n in ("few", "many")},
    **{f"layer-below-{n}-blocks": cells_of_the_layer_below(n) for n in ("few", "many")},
    **{f"inputs-{n}-too-many": inputs(n) for n in (0, 1)},
    **{f"rows-{n}-blocks": rows(n) for n in ("few", "many")},
    **{f"terms-{n}-blocks": terms(n) for n in ("few", "many")},
    "pieces": pieces,
    **{f"units-{n}": units(n) for n in (-1, -2, -3, -5, 1, 2, 3)},
    "tile-and-one": tile_rows(lambda c: 1),
    "tile-and-a-half": tile_rows(lambda c: c["TILE_VECTORS"] // 2),
    "two-tiles-less-one": tile_rows(lambda c: c["TILE_VECTORS"] - 1),
    **{f"gradient-rows-{n}-blocks": gradient_rows(n) for n in ("few", "many")},
}


def at(edge, cell="forget", dtype=DOUBLE):
    """Topology, vector and problem of an edge of this precision's kernels, in its numbers."""
    edge = EDGES[edge](CONSTANTS[dtype])
    topology, vector = drawn(edge.sizes, cell, dtype=dtype, scale=edge.scale)
    sequences = ragged(edge.lengths, topology.n_features, dtype=dtype)
    return topology, vector, Problem(topology, sequences, return_sequences=edge.return_sequences)


def beyond(n_bytes, cell, dtype):
    """A layer with a little more weights than `n_bytes`, and sequences for more than a chunk."""
    c = CONSTANTS[dtype]
    H = wide(c)
    F = c[n_bytes] // np.dtype(dtype).itemsize // (3 * H)
    sizes = dict(n_features=F, hidden_layer_sizes=(H,), n_outputs=1)
    topology, vector = drawn(sizes, cell, dtype=dtype, scale=0.5 / np.sqrt(F))
    lengths = [c["CHUNK_MAX"] + 3] + [1 + k % 3 for k in range(c["CHUNK_MAX"] + 2)]
    return topology, vector, Problem(topology, ragged(lengths, F, dtype=dtype))
