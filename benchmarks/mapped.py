"""Training on a file that is mapped into memory, beside the same data in memory: speed and growth.

Writes an Arrow file with ``to_arrow`` from a generator, and trains one epoch on it in a new process
for each row of the table: mapped or read into memory, with the sequences shuffled, in order, or in
shuffled blocks. "Cold" rows drop the file from the page cache first. The growth is that of
anonymous memory (RssAnon) during ``fit``. The file is deleted at the end. Needs pyarrow, on Linux.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from argparse import SUPPRESS, ArgumentParser
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from threading import Event, Thread
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.machine import describe, headline
from benchmarks.report import table, write_json
from sklstm import LSTMRegressor
from sklstm.datasets import open_sequences, to_arrow

GIGABYTES, ROUNDS = 4.0, 3
FEATURES, STEPS = 8, (50, 150)  # the lengths are uniform
UNITS, BATCH = 16, 256
BLOCKS = 64  # of "in shuffled blocks"
INTERVAL = 0.02  # seconds between two looks at the memory
CASES = {  # in memory or mapped, order of the sequences, dropped from the page cache first
    "in memory, shuffled": ("memory", "shuffled", False),
    "mapped, shuffled": ("mapped", "shuffled", False),
    "in memory, in order": ("memory", "in order", False),
    "mapped, in order": ("mapped", "in order", False),
    "mapped, in shuffled blocks": ("mapped", "blocks", False),
    "mapped, shuffled, cold": ("mapped", "shuffled", True),
    "mapped, in order, cold": ("mapped", "in order", True),
    "mapped, in shuffled blocks, cold": ("mapped", "blocks", True),
}


def main(argv: Sequence[str]) -> None:
    """Print the table, and write it with every measurement if a file is given."""
    parser = ArgumentParser(prog="python -m benchmarks mapped", description=__doc__)
    parser.add_argument(
        "--gigabytes", type=float, default=GIGABYTES, help=f"of the file (default: {GIGABYTES:g})"
    )
    parser.add_argument(
        "--folder", type=Path, help="where the file is written (default: the folder for such files)"
    )
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help=f"runs of each case (default: {ROUNDS})"
    )
    parser.add_argument(
        "--cgroup",
        type=Path,
        metavar="FOLDER",
        help="a cgroup that the processes enter, with a memory limit below the size of the file. "
        "Only the cold cases run. Root makes one: mkdir FOLDER in the file system of cgroups, and "
        "the limit in memory.max (memory.limit_in_bytes in version 1)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="save every run to this file")
    parser.add_argument("--run", nargs=3, help=SUPPRESS)  # what a new process does
    arguments = parser.parse_args(argv)
    if arguments.run:
        path, source, order = arguments.run
        if arguments.cgroup:
            (arguments.cgroup / "cgroup.procs").write_text(str(os.getpid()))
        print(json.dumps(trained(path, source, order)))
        return
    print(headline())
    print(f"Load when it begins: {os.getloadavg()[0]:.1f}\n")
    with TemporaryDirectory(dir=arguments.folder) as folder:
        path = Path(folder) / "mapped.arrow"
        written = write(path, arguments.gigabytes)
        print(
            f"Written: {written['bytes'] / 1e9:.2f} GB, {written['sequences']:,} sequences, "
            f"{written['seconds']:.0f} s, {written['growth'] / 1e6:.0f} MB more memory\n"
        )
        cases = {name: case for name, case in CASES.items() if case[2] or not arguments.cgroup}
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in cases}
        for _ in range(arguments.rounds):  # in turns, because the load of a machine changes
            for name, case in cases.items():
                runs[name].append(measured(path, *case, arguments.cgroup))
    print(markdown(runs))
    settings = {"features": FEATURES, "steps": STEPS, "units": UNITS, "batch_size": BATCH}
    write_json(
        arguments.json,
        {"machine": describe(), "settings": settings, "written": written, "mapped": runs},
    )


def sequences(n_bytes: float) -> Iterator[tuple[np.ndarray, float]]:
    """Sequences in float32 with their mean as a target, until they have so many bytes."""
    rng = np.random.default_rng(0)
    while n_bytes > 0:
        x = rng.standard_normal((int(rng.integers(*STEPS, endpoint=True)), FEATURES), np.float32)
        n_bytes -= x.nbytes
        yield x, float(x.mean())


def write(path: Path, gigabytes: float) -> dict[str, float]:
    """Write the file; its size, and the time and memory that it took."""
    start = perf_counter()
    with Growth() as growth:
        to_arrow(path, sequences(gigabytes * 1e9))
    return {
        "seconds": perf_counter() - start,
        "bytes": path.stat().st_size,
        "sequences": len(open_sequences(path)),
        "growth": growth.bytes,
    }


def measured(
    path: Path, source: str, order: str, cold: bool, cgroup: Path | None
) -> dict[str, float]:
    """One epoch in a new process."""
    if cold:
        drop(path)
    else:
        cache(path)
    command = [sys.executable, "-m", "benchmarks", "mapped", "--run", str(path), source, order]
    command += ["--cgroup", str(cgroup)] if cgroup else []
    ended = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return json.loads(ended.stdout)


def drop(path: Path) -> None:
    """Drop a file from the page cache. Nothing may have it mapped."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def cache(path: Path) -> None:
    """Read a file into the page cache."""
    with open(path, "rb", buffering=0) as file:
        buffer = bytearray(1 << 24)
        while file.readinto(buffer):
            pass


def trained(path: str, source: str, order: str) -> dict[str, float]:
    """Train one epoch: sequences per second, and growth of anonymous memory."""
    if source == "mapped":
        data = open_sequences(path)
    else:
        import pyarrow as pa

        data = pa.ipc.open_file(pa.OSFile(path)).read_all()
    model = LSTMRegressor(
        UNITS, batch_size=BATCH, max_iter=1, tol=None, random_state=0, shuffle=order == "shuffled"
    )
    model.fit(data["X"][:BATCH], data["y"][:BATCH])  # imports and work arrays
    with Growth() as growth:
        start = perf_counter()
        if order == "blocks":
            rng = np.random.default_rng(0)
            size = -(-len(data) // BLOCKS)
            for first in rng.permutation(np.arange(0, len(data), size)):
                block = data.slice(first, size)
                block = block.take(rng.permutation(len(block)))
                model.partial_fit(block["X"], block["y"])
        else:
            model.fit(data["X"], data["y"])
        seconds = perf_counter() - start
    return {
        "seconds": seconds,
        "sequences_per_second": len(data) / seconds,
        "growth": growth.bytes,
        "load": os.getloadavg()[0],
    }


class Growth:
    """``bytes`` by which anonymous memory was larger, at most, than at the start."""

    def __enter__(self) -> Growth:
        self.bytes, self._start, self._end = 0, anonymous(), Event()
        self._thread = Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._end.wait(INTERVAL):
            self._look()

    def _look(self) -> None:
        self.bytes = max(self.bytes, anonymous() - self._start)

    def __exit__(self, *_: Any) -> None:
        self._end.set()
        self._thread.join()
        self._look()


def anonymous() -> int:
    """Bytes of memory that belong to no file."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise OSError("/proc/self/status has no RssAnon: this benchmark needs Linux.")


def markdown(runs: dict[str, list[dict[str, float]]]) -> str:
    """The table of the medians. Speeds are relative to the same order in memory, if it was run."""
    speeds = {name: median(run["sequences_per_second"] for run in runs[name]) for name in runs}
    rows = []
    for name, speed in speeds.items():
        order = CASES[name][1]
        same = "shuffled" if order == "blocks" else order
        beside = speeds.get(f"in memory, {same}", speeds["mapped, in order, cold"])
        growth = max(run["growth"] for run in runs[name])
        load = max(run["load"] for run in runs[name])
        rows.append(
            [name, f"{speed:,.0f}", f"{speed / beside:.2f}", f"{growth / 1e6:,.0f}", f"{load:.1f}"]
        )
    head = ["one epoch", "sequences per second", "relative", "growth in MB", "load"]
    return table(head, rows)
