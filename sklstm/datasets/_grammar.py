"""The embedded Reber grammar as an automaton that draws and reads strings.

State 0 is both the start and the end of a string. A walk that does not stop there is a continual
stream of strings.
"""

from __future__ import annotations

import numpy as np

SYMBOLS = "BTSXPVE"
# Edges of Reber's grammar after B: for each node, the symbols that may follow and the node after
# each of them. Node 6 is the end.
REBER = (
    (("T", 1), ("P", 2)),
    (("S", 1), ("X", 3)),
    (("T", 2), ("V", 4)),
    (("X", 2), ("S", 5)),
    (("P", 3), ("V", 5)),
    (("E", 6),),
)


def embedded() -> list[tuple[tuple[str, int], ...]]:
    """Edges of the embedded grammar: B, T or P, a Reber string, the same T or P, E."""
    states = [(("B", 1),), (("T", 2), ("P", 10))]
    for outer in "TP":
        first = len(states) + 1
        states.append((("B", first),))
        states += [tuple((symbol, first + node) for symbol, node in edges) for edges in REBER]
        states.append(((outer, 18),))
    states.append((("E", 0),))
    return states


STATES = embedded()
ILLEGAL = len(STATES)  # state of a string that violates the grammar; it has no way out
# Each state has two edges, 2 * state + choice. If there is no choice, both are the same.
EDGES = [edges[choice] for edges in STATES for choice in (0, -1)]
EDGE_SYMBOL = np.array([SYMBOLS.index(symbol) for symbol, _ in EDGES], np.uint8)
EDGE_TARGET = np.array([target for _, target in EDGES], np.uint8)
NEXT = np.full((len(STATES) + 1, len(SYMBOLS)), ILLEGAL, np.uint8)  # by state and symbol
NEXT[np.arange(len(EDGES)) // 2, EDGE_SYMBOL] = EDGE_TARGET
LEGAL = NEXT != ILLEGAL


def draw_strings(rng: np.random.RandomState, n: int) -> tuple[np.ndarray, np.ndarray]:
    """n packed strings (uint8), and their lengths. All strings are drawn in parallel."""
    walkers = np.arange(n, dtype=np.int32)
    states = np.zeros(n, np.uint8)
    lengths = np.empty(n, np.int64)
    steps = []
    while len(walkers):
        edges = 2 * states + rng.randint(2, size=len(walkers), dtype=np.uint8)
        steps.append((walkers, edges))
        states = EDGE_TARGET[edges]
        on_the_way = states != 0
        lengths[walkers[~on_the_way]] = len(steps)
        walkers, states = walkers[on_the_way], states[on_the_way]

    symbols = np.empty(lengths.sum(), np.uint8)
    starts = np.cumsum(lengths) - lengths
    for step, (walkers, edges) in enumerate(steps):
        symbols[starts[walkers] + step] = EDGE_SYMBOL[edges]
    return symbols, lengths


def draw_streams(rng: np.random.RandomState, n: int, length: int) -> np.ndarray:
    """n streams of consecutive strings, (n, length) uint8, each truncated to ``length``."""
    n_strings = -(-length // 9)  # no string is shorter than 9
    symbols, lengths = draw_strings(rng, n * n_strings)
    starts = (np.cumsum(lengths) - lengths)[::n_strings]
    return symbols[starts[:, None] + np.arange(length)]


def read_strings(symbols: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """The state after each symbol (N,) of strings or streams that begin at ``starts``.

    The state is ILLEGAL at the first symbol that violates the grammar. Later states of that string
    have no meaning.
    """
    # E is followed by B at the end of a string only. Cutting a stream there makes many short walks.
    begin, end = SYMBOLS.index("B"), SYMBOLS.index("E")
    cuts = 1 + np.flatnonzero((symbols[:-1] == end) & (symbols[1:] == begin))
    cuts = np.union1d(cuts, starts)
    lengths = np.diff(cuts, append=len(symbols))
    by_length = np.argsort(-lengths, kind="stable")
    cuts, lengths = cuts[by_length], lengths[by_length]
    n_walking = np.searchsorted(-lengths, -np.arange(lengths[0]), side="left")

    states = np.empty(len(symbols), np.uint8)
    walkers = np.zeros(len(cuts), np.uint8)
    for step, n in enumerate(n_walking):
        places = cuts[:n] + step
        walkers = NEXT[walkers[:n], symbols[places]]
        states[places] = walkers
    # A cut that is not at the end of a string means that its B violates the grammar.
    cuts = np.setdiff1d(cuts, starts)
    states[cuts[states[cuts - 1] != 0]] = ILLEGAL
    return states
