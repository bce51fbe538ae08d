"""Floor of a trial's step: the time to touch each weight and each trace once, and nothing else.

Two loops over numbers in the order of the kernel, a vector of lanes at a time: one reads weights,
multiplies and adds them, the other one also stores. They are compiled for this machine.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from benchmarks.compiled import compiled
from sklstm.paper import _kernel

CODE = r"""
#ifndef LANES
#define LANES 8
#endif
typedef REAL vec __attribute__((vector_size(LANES * sizeof(REAL)), aligned(sizeof(REAL))));

/* sums of w x, four at a time like the kernel's product */
void read_all(long rounds, long n, const REAL* w, REAL* sums)
{
    const vec* v = (const vec*) w;
    for (long r = 0; r < rounds; r++) {
        vec a = {0}, b = {0}, c = {0}, d = {0}, x = v[0];
        long k = 0;
        for (; k + 4 <= n; k += 4) {
            a += v[k] * x;
            b += v[k + 1] * x;
            c += v[k + 2] * x;
            d += v[k + 3] * x;
        }
        for (; k < n; k++) a += v[k] * x;
        ((vec*) sums)[0] = a + b + c + d;
        __asm__ volatile("" : : "r"(sums) : "memory"); /* every round counts */
    }
}

/* w = keep w + slope */
void change_all(long rounds, long n, REAL* w, const REAL* factors)
{
    vec* v = (vec*) w;
    for (long r = 0; r < rounds; r++) {
        vec keep = ((const vec*) factors)[0], slope = ((const vec*) factors)[1];
        for (long k = 0; k < n; k++) v[k] = keep * v[k] + slope;
        __asm__ volatile("" : : "r"(w) : "memory");
    }
}
"""


@dataclass(frozen=True)
class Touched:
    """Numbers of one net that a step of training reads, numbers that it changes, and logistic and
    tanh functions that it computes.
    """

    read: int
    changed: int
    functions: int


def touched(net: Any, *, symbols: bool, feedback: str, targets: float, updates: float) -> Touched:
    """Count the numbers of a net that an average step touches.

    Parameters
    ----------
    net : EstimatorNet or LateCellNet
    symbols, feedback : bool, str
        As for its `places`.
    targets, updates : float
        Shares of the steps that have a target, and after which weights change.
    """
    places = net.places(symbols=symbols, feedback=feedback)
    n_cells = places.n_blocks * places.block_size
    columns, n_symbols = (
        places.hidden.shape[1],
        0 if places.symbols is None else len(places.symbols),
    )
    rows = 0 if places.symbols is None else places.symbols.shape[1]
    n_traces = 2 * n_cells  # input gate and cell
    n_out = len(places.hidden) - places.n_blocks - n_cells  # output gates
    # every step: products, the column of a symbol, and traces
    read = places.hidden.size + rows
    changed = n_traces * (columns + (n_symbols > 0))
    # with a target: outputs, errors of the cells, and gradients of everything
    read += targets * (places.head.size + len(places.head) * n_cells)
    changed += targets * (places.head.size + n_traces * (columns + n_symbols) + n_out * columns)
    # an update changes weights and gradients
    changed += updates * 2 * (places.hidden.size + places.head.size + n_symbols * rows)
    functions = len(places.hidden) + (n_cells if n_out else 0) + targets * len(places.head)
    return Touched(round(read), round(changed), round(functions))


class Floor:
    """The loops, compiled; FileNotFoundError if there is no compiler."""

    def __init__(self) -> None:
        lanes = f"#define LANES {_kernel.lanes}\n"
        self._library = compiled(lanes + CODE, "double")
        for loop in (self._library.read_all, self._library.change_all):
            loop.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
            loop.restype = None

    def nanoseconds(self, numbers: Touched) -> float:
        """Nanoseconds of one net to read and change that many numbers, in the best of five runs."""
        return self._time("read_all", numbers.read) + self._time("change_all", numbers.changed)

    def _time(self, loop: str, n: int) -> float:
        size = max(n, 1) * _kernel.lanes
        numbers = (ctypes.c_double * size)(*[1.0] * size)
        others = (ctypes.c_double * (2 * _kernel.lanes))(*[0.5] * (2 * _kernel.lanes))
        rounds, best = max(1, 20_000_000 // size), float("inf")
        for _ in range(5):
            start = perf_counter()
            getattr(self._library, loop)(rounds, n, numbers, others)
            best = min(best, perf_counter() - start)
        return best / rounds / _kernel.lanes * 1e9
