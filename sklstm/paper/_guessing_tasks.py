"""The tasks of the random guessing experiments: two classes of long sequences of -1 and 1.

Classes alternate, so a net with the same output for all sequences fails at the second one. The
source names no distribution for strings of a Tomita grammar. Here they are uniform over the
accepted strings of their length, and rejected strings are uniform over all others.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

SHORTEST, LONGEST = 500, 600  # steps
NOISE = 0.2**0.5  # standard deviation of the noise of 2-sequence: the source has a variance of 0.2

# Transitions from state and symbol to state (None if the string is rejected), and accepting states.
# Tomita (1982): #1 is 1*, #2 is (10)*, #4 has no three zeros in a row.
TOMITA = {
    1: ({(0, 1): 0}, {0}),
    2: ({(0, 1): 1, (1, 0): 0}, {0}),
    4: ({(0, 1): 0, (0, 0): 1, (1, 1): 0, (1, 0): 2, (2, 1): 0}, {0, 1, 2}),
}


def draw_task(
    name: str, n: int, rng: np.random.RandomState, *, noise: float = NOISE
) -> tuple[list[np.ndarray], np.ndarray]:
    """Draw ``n`` sequences (T, 1) and their targets, 1 and 0 in turn."""
    draw = TASKS[name]
    if name == "2-sequence":
        draw = partial(draw, noise=noise)
    y = np.arange(n) % 2
    lengths = rng.randint(SHORTEST, LONGEST + 1, n)
    return [draw(length, label, rng)[:, None] for length, label in zip(lengths, y, strict=True)], y


def _two_sequence(
    length: int, label: int, rng: np.random.RandomState, *, noise: float
) -> np.ndarray:
    """Draw a sequence whose first element is the class. The rest is noise."""
    x = rng.normal(0, noise, length)
    x[0] = 1.0 if label else -1.0
    return x


def _parity(length: int, label: int, rng: np.random.RandomState) -> np.ndarray:
    """Draw bits whose class is 1 if the number of ones is odd."""
    bits = rng.randint(2, size=length)
    bits[-1] = (label - bits[:-1].sum()) % 2
    return _signs(bits)


def _tomita(grammar: int) -> Callable[[int, int, np.random.RandomState], np.ndarray]:
    moves, final = TOMITA[grammar]

    def accepted(length: int, rng: np.random.RandomState) -> np.ndarray:
        """Draw uniformly: each symbol in proportion to the number of accepted continuations."""
        shares = _ways(moves, final, length)
        state, bits = 0, np.empty(length, dtype=int)
        for t in range(length):
            zero, one = (
                shares[t + 1][moves[state, bit]] if (state, bit) in moves else 0.0 for bit in (0, 1)
            )
            bits[t] = rng.uniform() * (zero + one) >= zero
            state = moves[state, bits[t]]
        return bits

    def draw(length: int, label: int, rng: np.random.RandomState) -> np.ndarray:
        if grammar == 2:
            length -= length % 2  # (10)* has strings of even length only
        if label:
            return _signs(accepted(length, rng))
        while True:
            bits = rng.randint(2, size=length)
            if not accepts(grammar, bits):
                return _signs(bits)

    return draw


def accepts(grammar: int, bits: np.ndarray) -> bool:
    """True if a Tomita grammar accepts a string of zeros and ones."""
    moves, final = TOMITA[grammar]
    state: int | None = 0
    for bit in bits.tolist():
        state = moves.get((state, bit))
        if state is None:
            return False
    return state in final


def _ways(moves: dict, final: set[int], length: int) -> list[np.ndarray]:
    """Return the number of accepted continuations from each step and state, up to a factor."""
    n_states = 1 + max(state for state, _ in moves)
    ways = [np.array([float(state in final) for state in range(n_states)])]
    for _ in range(length):
        later = np.zeros(n_states)
        for (state, _), after in moves.items():
            later[state] += ways[-1][after]
        ways.append(later / later.max())
    return ways[::-1]


def _signs(bits: np.ndarray) -> np.ndarray:
    return 2.0 * bits - 1


TASKS = {
    "2-sequence": _two_sequence,
    "parity": _parity,
    "Tomita #1": _tomita(1),
    "Tomita #2": _tomita(2),
    "Tomita #4": _tomita(4),
}
