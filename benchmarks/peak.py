"""Peak: fused multiply-adds per second of one core, and of each of two cores at once.

The loop runs independent multiply-adds on as many vectors as fit into registers. It is compiled for
this machine when the benchmark starts. A chain of integer additions, one per cycle on current
processors, measures the clock. The number of vectors per cycle follows from it, and must be near a
whole number (one or two units).
"""

from __future__ import annotations

import ctypes
import subprocess
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from benchmarks.compiled import compiled
from benchmarks.machine import cores, describe, headline
from benchmarks.processes import Process
from benchmarks.report import table, write_json

DTYPES = {"float32": "float", "float64": "double"}
CODE = r"""
#if defined(__AVX512F__)
enum { BYTES = 64, SUMS = 16 };
#elif defined(__AVX__)
enum { BYTES = 32, SUMS = 12 };
#elif defined(__aarch64__)
enum { BYTES = 16, SUMS = 16 };
#else
enum { BYTES = 16, SUMS = 12 };
#endif
enum { LANES = BYTES / sizeof(REAL) };
typedef REAL vec __attribute__((vector_size(BYTES)));

double flop_per_round(void) { return 2.0 * LANES * SUMS; }
double flop_per_vector(void) { return 2.0 * LANES; }

/* ten additions a round, each of which waits for the one before */
long add(long rounds)
{
    long sum = 0;
    for (long i = 0; i < rounds; i++) {
#pragma GCC unroll 10
        for (int k = 0; k < 10; k++) {
            sum += i;
            __asm__ volatile("" : "+r"(sum)); /* no two at once */
        }
    }
    return sum;
}

REAL multiply_add(long rounds, REAL factor, REAL summand)
{
    vec sums[SUMS], a, b, total; /* in registers: set lane by lane they would be in memory */
    a = factor - (vec){0};
    b = summand - (vec){0};
    for (int k = 0; k < SUMS; k++) sums[k] = b + (REAL) k;
    for (long i = 0; i < rounds; i++) {
#pragma GCC unroll 16
        for (int k = 0; k < SUMS; k++) sums[k] = sums[k] * a + b;
    }
    total = sums[0];
    for (int k = 1; k < SUMS; k++) total += sums[k];
    REAL result = 0;
    for (int l = 0; l < LANES; l++) result += total[l];
    return result;
}
"""


class Peak:
    """The loop for one precision, compiled; FileNotFoundError if there is no compiler."""

    def __init__(self, dtype: str) -> None:
        real = DTYPES[dtype]
        self._library = compiled(CODE, real)
        number = {"float": ctypes.c_float, "double": ctypes.c_double}[real]
        self._loop = self._library.multiply_add
        self._loop.argtypes = [ctypes.c_long, number, number]
        self._loop.restype = number
        self._library.flop_per_round.restype = ctypes.c_double
        self._flop_per_round = self._library.flop_per_round()
        self._library.flop_per_vector.restype = ctypes.c_double
        self._flop_per_vector = self._library.flop_per_vector()
        self._library.add.argtypes = [ctypes.c_long]
        self._library.add.restype = ctypes.c_long
        self._rounds = 1000
        while self._seconds() < 0.01:
            self._rounds *= 2

    def _seconds(self) -> float:
        start = perf_counter()
        self._loop(self._rounds, 0.5, 1.0)
        return perf_counter() - start

    def gflops(self) -> float:
        """Giga floating-point operations per second on this core, from some 10 ms."""
        return self._flop_per_round * self._rounds / self._seconds() / 1e9

    def gigahertz(self) -> float:
        """Clock of this core, if it adds two integers in a cycle."""
        start = perf_counter()
        self._library.add(1_000_000)
        return 10 * 1_000_000 / (perf_counter() - start) / 1e9

    def figures(self) -> tuple[float, float]:
        """GFLOP/s, and vectors that are multiplied and added in a cycle of the clock beside it."""
        before, gflops, after = self.gigahertz(), self.gflops(), self.gigahertz()
        return gflops, gflops / self._flop_per_vector / ((before + after) / 2)


def measure(repetitions: int) -> list[dict[str, Any]]:
    """Median and maximum of GFLOP/s per core, for each precision and number of cores at once.

    Each core has a process of its own, which cannot leave it.
    """
    results = []
    for dtype in DTYPES:
        Peak(dtype)  # without a compiler it fails here, not in a process
        team = [Process([core]) for core in cores()[:2]]
        for process in team:
            process.make("peak", Peak, dtype)
        for n in range(1, len(team) + 1):
            rates, vectors = [], []
            for _ in range(repetitions):
                for process in team[:n]:
                    process.ask("peak", "figures", (), {})
                answers = [process.answer() for process in team[:n]]
                rates += [gflops for gflops, _ in answers]
                vectors += [per_cycle for _, per_cycle in answers]
            results.append(
                {
                    "dtype": dtype,
                    "cores": n,
                    "median": median(rates),
                    "max": max(rates),
                    "vectors_per_cycle": median(vectors),
                }
            )
        for process in team:
            process.close()
    return results


def main(argv: Sequence[str]) -> None:
    """Print the peak, and write it if a file is given."""
    parser = ArgumentParser(prog="python -m benchmarks peak", description=__doc__)
    parser.add_argument(
        "--repetitions", type=int, default=20, help="repetitions of 10 ms (default: 20)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the results to this file")
    arguments = parser.parse_args(argv)
    print(headline(), end="\n\n")
    try:
        results = measure(arguments.repetitions)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        print(f"Skipped: {error}.")
        return
    head = (
        "precision",
        "cores at once",
        "GFLOP/s per core, median",
        "maximum",
        "vectors per cycle",
    )
    rows = [
        (
            row["dtype"],
            str(row["cores"]),
            f"{row['median']:.1f}",
            f"{row['max']:.1f}",
            f"{row['vectors_per_cycle']:.2f}",
        )
        for row in results
    ]
    print(table(head, rows))
    write_json(arguments.json, {"machine": describe(), "peak": results})
