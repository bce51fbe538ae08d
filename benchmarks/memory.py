"""Memory: the peak of ``fit`` against the documented formula, over many epochs, and per sequence.

It measures the peak resident memory of a new process during a call, minus the memory before. Linux
only.
"""

from __future__ import annotations

import ctypes
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import cores, describe, headline
from benchmarks.processes import Process
from benchmarks.report import table, write_json
from benchmarks.work import Sklstm, Work
from sklstm import _isa

SIZES = (
    Work("training", 32, 500, 8, 64),
    Work("training", 128, 50, 64, 256),
    Work("training", 64, 100, 128, 512),
    Work("training", 4, 50_000, 8, 64),
)
LONG_RUN = Work("training", 32, 100, 8, 32)
EPOCHS = (2, 400)
# What a call takes for each sequence of a list is the slope between two numbers of sequences.
FEW, MANY = 20_000, 220_000
LISTED = Work("training", 32, 20, 8, 8)
CALLS = ("read X", "predict", "partial_fit", "fit")
MOST_BYTES = 64  # for each sequence, to read X and to predict
TOLERANCE = 0.20


def kept_at_once(work: Work, n_threads: int) -> tuple[int, int]:
    """Sequences of a batch whose history is kept at once, and how many steps of it."""
    constants = _isa.kernels[_dtype(work)].constants
    if work.steps > constants["WHOLE"]:
        return min(work.batch, constants["GROUP"]), constants["SPAN"]
    n_bytes = 4 * work.hidden * (work.features + work.hidden) * _dtype(work).itemsize
    if work.hidden < constants["SMALL"]:
        size = constants["LANES"]
    elif n_bytes <= constants["BYTES_FEW"]:
        size = constants["TILE_SEQUENCES"]
    elif n_bytes <= constants["BYTES_MANY"]:
        size = constants["CHUNK_MIDDLE"]
    else:
        size = constants["CHUNK_MAX"]
    n_rooms = 1 if n_threads == 1 else 2 * n_threads
    return min(work.batch, n_rooms * size), work.steps


def formula(work: Work, n_threads: int) -> float:
    """Bytes that ``fit`` takes beyond X and y, for one layer.

    With W = 4 H (F + H + 1) + H + 1 parameters:

    * of the sequences that are worked on at once all T steps are kept, of long ones a span: x, 4 H
      gates and candidates, h, s and r, together F + 7 H numbers, those of s, x and r twice in a
      span; and 2 H numbers for each span;
    * the weights are packed in the order of the kernels: 4 H (F + H) numbers, and 4 H H for the
      way back;
    * the gradient is summed in tables of W numbers;
    * six vectors of W: parameters, their copy in training, that of the last finite loss, their
      gradient, and SGD's velocity twice (the estimator's and that in training); Adam adds two.

    H counts as whole vectors, but for small nets. Nothing depends on the number of sequences in X,
    of epochs, or on the gradient.
    """
    F, H = work.features, work.hidden
    constants = _isa.kernels[_dtype(work)].constants
    lanes = constants["LANES"]
    if constants["SMALL"] <= H:
        H = -(-H // lanes) * lanes
    n_parameters = 4 * H * (F + H + 1) + H + 1
    n_sequences, n_steps = kept_at_once(work, n_threads)
    numbers = n_sequences * n_steps * (F + 7 * H)
    if n_steps < work.steps:
        numbers += n_sequences * (n_steps * (F + 2 * H) + work.steps / n_steps * 2 * H)
    numbers += 4 * H * (F + H) + 4 * H * H
    numbers += 7 * n_parameters
    return numbers * _dtype(work).itemsize


class Fit(Sklstm):
    """A ``fit`` whose memory is looked at."""

    def peak(self, n_epochs: int) -> float:
        """Bytes that it takes at most."""
        return _peak_of(lambda: self._fit(self.X, self.y, n_epochs))


class Calls(Fit):
    """Calls with a list of arrays, each of which has its own memory."""

    def __init__(self, work: Work, form: str) -> None:
        super().__init__(work, 1)
        self.X = [np.array(x, order="F" if form == "columns" else "C") for x in self.X]
        self.model.max_iter = 1

    def taken(self, call: str) -> float:
        """Bytes that a call takes at most."""
        model, calls = self.model, {"fit": lambda: self._fit(self.X, self.y, 1)}
        calls["read X"] = lambda: model._read_fitted(self.X)
        calls["predict"] = lambda: model.predict(self.X)
        calls["partial_fit"] = lambda: model.partial_fit(self.X, self.y)
        return _peak_of(calls[call])


def _peak_of(call: Callable[[], Any]) -> float:
    """Bytes that a call takes at most."""
    if hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)  # what was freed before must not be there to be used again
    before = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    call()
    return _status("VmHWM") - before


def peak(work: Work, n_threads: int, gradient: str, n_epochs: int) -> float:
    """Bytes that a ``fit`` takes at most, in a new process."""
    process = Process(cores()[:n_threads])
    process.make("fit", Fit, work, n_threads, gradient)
    taken = process.call("fit", "peak", n_epochs)
    process.close()
    return taken


def bytes_per_sequence(form: str, call: str, few: int = FEW, many: int = MANY) -> float:
    """Bytes that a call takes for each sequence of a list, in new processes."""
    taken = []
    for n in (few, many):
        process = Process(cores()[:1])
        process.make("calls", Calls, replace(LISTED, sequences=n), form)
        taken.append(process.call("calls", "taken", call))
        process.close()
    return (taken[1] - taken[0]) / (many - few)


def main(argv: Sequence[str]) -> None:
    """Print the tables, and write them if a file is given."""
    parser = ArgumentParser(prog="python -m benchmarks memory", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the results to this file")
    arguments = parser.parse_args(argv)
    if not Path("/proc/self/clear_refs").exists():
        print("Skipped: this benchmark reads /proc, which only Linux has.")
        return
    print(headline(), end="\n\n")
    results = [
        _compare(work, n_threads, gradient)
        for work in SIZES
        for n_threads in (1, 2)[: len(cores())]
        for gradient in ("full", "truncated")
    ]
    head = ("(B, T, F, H)", "threads", "gradient", "formula", "measured", "difference", "target")
    print(table(head, [_row(result) for result in results]))
    long_run = {str(n): peak(LONG_RUN, 1, "full", n) for n in EPOCHS}
    print(f"\nEpochs at {LONG_RUN}, full gradient:")
    for n, taken in long_run.items():
        print(f"  {n:>3} epochs: {taken / 2**20:.2f} MiB")
    each = {
        form: {call: bytes_per_sequence(form, call) for call in CALLS}
        for form in ("rows", "columns")
    }
    size = LISTED.steps * LISTED.features * _dtype(LISTED).itemsize
    print(f"\nBytes that a call takes for each sequence of a list, at {LISTED}: {size} of steps")
    print(table(("call", "C-contiguous", "target", "Fortran order"), _per_sequence(each)))
    found = {"memory": results, "bytes_by_epochs": long_run, "bytes_per_sequence": each}
    write_json(arguments.json, {"machine": describe(), **found})


def _per_sequence(each: dict[str, dict[str, float]]) -> list[list[str]]:
    rows = []
    for call in CALLS:
        met = "met" if each["rows"][call] <= MOST_BYTES else "missed"
        target = f"{MOST_BYTES} {met}" if call in ("read X", "predict") else "-"
        shown = (f"{each[form][call]:.0f}" for form in ("rows", "columns"))
        rows.append([call, next(shown), target, next(shown)])
    return rows


def _compare(work: Work, n_threads: int, gradient: str) -> dict[str, Any]:
    return {
        "work": work.as_dict(),
        "sizes": str(work),
        "n_threads": n_threads,
        "gradient": gradient,
        "formula": formula(work, n_threads),
        "measured": peak(work, n_threads, gradient, EPOCHS[0]),
    }


def _row(result: dict[str, Any]) -> list[str]:
    difference = result["measured"] / result["formula"] - 1
    met = "met" if abs(difference) <= TOLERANCE else "missed"
    return [
        result["sizes"],
        str(result["n_threads"]),
        result["gradient"],
        *(f"{result[name] / 2**20:.1f} MiB" for name in ("formula", "measured")),
        f"{difference:+.0%}",
        f"{TOLERANCE:.0%} {met}",
    ]


def _dtype(work: Work) -> Any:
    return next(dtype for dtype in _isa.kernels if dtype.name == work.dtype)


def _status(name: str) -> int:
    """A line of /proc/self/status, in bytes."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    value = next(line.split()[1] for line in lines if line.startswith(f"{name}:"))
    return 1024 * int(value)
