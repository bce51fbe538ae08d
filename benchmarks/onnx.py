"""Exports: ONNX Runtime on the files of `to_onnx` against `predict`, for every cell.

Each runs in its own process, with one thread and with two threads on as many cores. Measurements
alternate. `X` is prepared in the form that each accepts: a padded array and lengths for ONNX
Runtime, a list for `predict`.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.contenders import thread_counts
from benchmarks.machine import describe, headline
from benchmarks.processes import Processes, Runner, best, race
from benchmarks.report import table, write_json
from benchmarks.speed import readable
from sklstm import LSTMRegressor
from sklstm.export import to_onnx

SHORTEST, LONGEST = 10, 200  # of ragged sequences
TOLERANCE = 1e-5
ROUNDS, SECONDS = 7, 0.2  # times of each contender, and how long each takes
QUICK_ROUNDS, QUICK_SECONDS = 3, 0.02


@dataclass(frozen=True)
class Case:
    """A network, and the sequences of a call."""

    cell: str
    batch: int
    steps: int | None = 100  # None: ragged
    features: int = 16
    hidden: int = 32
    block_size: int = 1
    bidirectional: bool = False

    @property
    def title(self) -> str:
        """The cell, and what is special about the network or the sequences."""
        special = {
            f"blocks of {self.block_size}": self.block_size > 1,
            "bidirectional": self.bidirectional,
            "ragged": self.steps is None,
        }
        return ", ".join([f'"{self.cell}"', *(name for name, holds in special.items() if holds)])

    @property
    def size(self) -> str:
        steps = "-" if self.steps is None else self.steps
        return f"({self.batch}, {steps}, {self.features}, {self.hidden})"

    def model(self, n_threads: int) -> LSTMRegressor:
        """With parameters of single precision."""
        X = self.sequences()
        model = LSTMRegressor(
            self.hidden,
            cell=self.cell,
            block_size=self.block_size,
            bidirectional=self.bidirectional,
            normalize_y=False,
            random_state=0,
            n_jobs=n_threads,
        )
        return model.partial_fit(X[:1], [0.0])

    def sequences(self) -> Any:
        """An array, or a list if ragged."""
        rng = np.random.default_rng(0)
        shape = (self.batch, self.steps or LONGEST, self.features)
        X = rng.standard_normal(shape).astype(np.float32)
        if self.steps is not None:
            return X
        lengths = rng.integers(SHORTEST, LONGEST + 1, self.batch)
        return [x[:length].copy() for x, length in zip(X, lengths, strict=True)]


CASES = (
    *(Case(cell, batch) for cell in ("forget", "coupled", "peephole", "1997") for batch in (1, 64)),
    Case("peephole", 64, block_size=2),
    Case("forget", 64, bidirectional=True),
    Case("forget", 64, None),
    Case("forget", 64, None, bidirectional=True),
    Case("forget", 64, 50, 64, 256),
)


class Ours:
    """`predict`."""

    def __init__(self, case: Case, n_threads: int) -> None:
        self.model, self.X = case.model(n_threads), case.sequences()

    def run(self, n: int) -> int:
        """Predict n times."""
        for _ in range(n):
            self.model.predict(self.X)
        return n

    def outputs(self) -> np.ndarray:
        return self.model.predict(self.X)


class Exported:
    """ONNX Runtime on the exported file."""

    def __init__(self, case: Case, n_threads: int) -> None:
        import onnxruntime

        X, ragged = case.sequences(), case.steps is None
        written = to_onnx(case.model(1), lengths=ragged)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = n_threads, 1
        self.session = onnxruntime.InferenceSession(
            written.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        self.feed = {"X": X}
        if ragged:
            lengths = np.array([len(x) for x in X])
            padded = np.zeros((len(X), lengths.max(), case.features), np.float32)
            for row, x in zip(padded, X, strict=True):
                row[: len(x)] = x
            self.feed = {"X": padded, "lengths": lengths}

    def run(self, n: int) -> int:
        """Run the graph n times."""
        for _ in range(n):
            self.session.run(None, self.feed)
        return n

    def outputs(self) -> np.ndarray:
        return self.session.run(None, self.feed)[0]


CONTENDERS = {"predict": Ours, "ONNX Runtime": Exported}


def main(argv: Sequence[str]) -> int:
    """Print the table, and write it with every time taken if a file is given."""
    parser = ArgumentParser(prog="python -m benchmarks onnx", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="short measurements, some seconds in total"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="save every time to this file")
    arguments = parser.parse_args(argv)
    missing = [name for name in ("onnx", "onnxruntime") if find_spec(name) is None]
    if missing:
        print(f"This needs {' and '.join(missing)}. Run pip install {' '.join(missing)}")
        return 1
    rounds, seconds = ROUNDS, SECONDS
    if arguments.quick:
        rounds, seconds = QUICK_ROUNDS, QUICK_SECONDS
    print(headline(), end="\n\n")
    results = []
    with Processes() as processes:
        for case in CASES:
            results.append(measure(case, processes, rounds, seconds))
    print(markdown(results))
    settings = {"rounds": rounds, "seconds": seconds}
    write_json(arguments.json, {"machine": describe(), "settings": settings, "onnx": results})
    return 0


def measure(case: Case, processes: Processes, rounds: int, seconds: float) -> dict[str, Any]:
    """Times of both, at each number of threads, after a look at whether they agree."""
    sides: dict[str, list[Runner]] = {}
    for name, kind in CONTENDERS.items():
        sides[name] = []
        for n_threads in thread_counts():
            runner = Runner(name, n_threads, processes.of(name, n_threads))
            runner.process.make(runner.key, kind, case, n_threads)
            sides[name].append(runner)
    ours, theirs = (side[0].process.call(side[0].key, "outputs") for side in sides.values())
    apart = float(np.abs(ours - theirs).max())
    if not apart < TOLERANCE:
        raise ArithmeticError(f"{case}: outputs are {apart:.1e} apart, more than {TOLERANCE:.0e}.")
    race(*sides.values(), rounds=rounds, seconds=seconds)
    runners = [runner for side in sides.values() for runner in side]
    return {
        "case": asdict(case),
        "apart": apart,
        "times": {runner.key: runner.times for runner in runners},
        "one_thread": {name: side[0].median for name, side in sides.items()},
        "best": {name: best(side).median for name, side in sides.items()},
    }


def markdown(results: Sequence[dict[str, Any]]) -> str:
    """The table: medians with one thread, and with the better number of threads."""
    head = ["network", "(B, T, F, H)"]
    head += [f"{name}, {threads}" for threads in ("one thread", "best") for name in CONTENDERS]
    head.append("ratio of best")
    rows = []
    for result in results:
        case = Case(**result["case"])
        times = [result[key][name] for key in ("one_thread", "best") for name in CONTENDERS]
        ratio = result["best"]["ONNX Runtime"] / result["best"]["predict"]
        rows.append([case.title, case.size, *map(readable, times), f"{ratio:.1f}"])
    return table(head, rows)
