"""Look for leaks: run many steps and fits, and check that memory, files and threads do not grow.

Every round runs steps of streams, one by one and in blocks, with and without learning, and fits a
model. In between, streams, models and callbacks are created, saved, copied and deleted, and bad
input is passed.

The default takes less than a minute, --steps 100000000 --fits 10000 a hundred times as long. The
output compares memory, open files and threads after the first 30 % of the rounds with the end. The
exit code is 1 if one of them grew. It needs Linux with glibc.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import os
import pickle
import signal
import sys
import time
import warnings
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from sklearn.pipeline import make_pipeline

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm.baselines import RecurrentRegressor
from sklstm.preprocessing import SequenceScaler
from tests.cases import callbacks

MIB = 1 << 20
WARM = 0.3  # fraction of the rounds before the first measurement: caches fill until then
LOOKS = 20  # number of measurements
SINGLE = 20  # one in 20 steps is a single call; the others run in blocks, which are faster

rng = np.random.default_rng(0)
SHAPES = [(n, length) for n in (1, 3, 17, 40) for length in (1, 7, 30, 61)]
X = rng.normal(size=(40, 61, 3))
y = X[:, 0, 0]


class Look(NamedTuple):
    """Resources of the process.

    Attributes
    ----------
    used : float
        MiB allocated by malloc and not freed.
    resident : float
        Resident memory in MiB.
    files, threads : int
    """

    used: float
    resident: float
    files: int
    threads: int


class _Mallinfo(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in (
        "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks",
        "fordblks", "keepcost",
    )]  # fmt: skip


def why_not() -> str:
    """Return why measurements are impossible here; empty if they are possible."""
    if not Path("/proc/self/statm").exists():
        return "there is no /proc here"
    if not hasattr(ctypes.CDLL(None), "mallinfo2"):
        return "this C library has no mallinfo2"
    return ""


def look() -> Look:
    gc.collect()
    library = ctypes.CDLL(None)
    library.malloc_trim(0)
    library.mallinfo2.restype = _Mallinfo
    found = library.mallinfo2()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return Look(
        (found.uordblks + found.hblkhd) / MIB,
        pages * os.sysconf("SC_PAGE_SIZE") / MIB,
        len(os.listdir("/proc/self/fd")),
        len(os.listdir("/proc/self/task")),
    )


def steps(n: int, streams: list[Any]) -> None:
    """Run ``n`` steps, distributed over the streams."""
    alone = n // SINGLE
    for k in range(alone):
        stream, x = streams[k % len(streams)], X[k % 40, k % 61]
        stream.step(x)
        if k % 3 == 0:
            stream.learn(1)
        elif k % 3 == 1:
            stream.predict()
        elif k % 30 == 2:
            stream.peek(x)
        elif k % 300 == 5:
            stream.reset()
    left = n - alone
    while left > 0:
        for number, stream in enumerate(streams):
            block = X[left % 40][: min(left, 61)]
            if number == left % len(streams):
                stream.learn_steps(block, np.ones(len(block), int))
            else:
                stream.steps(block)
            left -= len(block)
            if left <= 0:
                break


def models(n_jobs: int) -> Iterator[Any]:
    """Yield models to fit, without end."""
    kinds = [
        LSTMRegressor(8, max_iter=2, n_jobs=n_jobs),
        LSTMClassifier(8, max_iter=2, early_stopping=True, bidirectional=True, n_jobs=n_jobs),
        make_pipeline(SequenceScaler(), LSTMRegressor((6, 4), solver="sgd", max_iter=2)),
        LSTMRegressor(100, max_iter=1, batch_size=40, n_jobs=n_jobs),
        LSTMClassifier(8, max_iter=2, pooling="max", dropout=0.2, n_jobs=n_jobs),
        RecurrentRegressor(3, max_iter=1),
    ]
    for kind in cycle(kinds):
        yield pickle.loads(pickle.dumps(kind))


def fit(model: Any, file: Path, number: int) -> Any:
    """Fit, with callbacks every other time; then predict, pass bad input, save and load."""
    classifies = isinstance(model, LSTMClassifier)
    target = y > 0 if classifies else y
    watched = number % 2 == 1 and hasattr(model, "set_callbacks") and not callbacks()
    if watched and isinstance(model, (LSTMClassifier, LSTMRegressor)):
        from sklstm.callback import Checkpoint, LearningCurve

        model.set_callbacks(Checkpoint(file), LearningCurve())
    model.fit(list(X[:, :30]), target)
    for n, length in SHAPES:
        model.predict(X[:n, :length])
    for bad in (X[:, :, :2], np.full((2, 3, 3), np.nan), "text"):
        try:
            model.predict(bad)
        except (TypeError, ValueError):
            continue
        raise AssertionError("bad input was not refused")
    model = pickle.loads(pickle.dumps(model))
    if hasattr(model, "partial_fit") and not getattr(model, "early_stopping", False):
        model.partial_fit(X[:5], target[:5])
    if isinstance(model, LSTMRegressor) and len(model.parameters_) < 1000:
        stream = pickle.loads(pickle.dumps(model.stream()))
        stream.steps(X[0])
    return model


class Soaked(NamedTuple):
    """Measurements after the warm-up, numbers of steps and fits, and seconds."""

    looks: list[Look]
    n_steps: int
    n_fits: int
    seconds: float


def soak(n_steps: int, n_fits: int, n_jobs: int = 2) -> Soaked:
    """Run steps and fits, until all are done or SIGTERM arrives."""
    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: asked.append(number))
    regressor = LSTMRegressor(8, random_state=0).initialize(3)
    classifier = LSTMClassifier(8, solver="sgd", random_state=0).initialize(3, classes=[0, 1])
    streams = [model.stream() for model in (regressor, regressor, classifier)]
    begin, done, looks = time.monotonic(), 0, []
    warm = int(WARM * n_fits)
    with TemporaryDirectory() as folder:
        for number, model in zip(range(n_fits), models(n_jobs), strict=False):
            now = n_steps * (number + 1) // n_fits
            steps(now - done, streams)
            done = now
            fit(model, Path(folder, "model.joblib"), number)
            del model  # also frees its work arrays
            if number >= warm and (number - warm) % max(1, (n_fits - warm) // LOOKS) == 0:
                looks.append(look())
            if asked:
                break
    looks.append(look())
    return Soaked(looks, done, number + 1, time.monotonic() - begin)


def faults(looks: list[Look], bound: float) -> list[str]:
    """Return what has grown; memory may grow by ``bound`` MiB."""
    first, last = looks[0], looks[-1]
    found = [
        f"{name} memory grew by {grown:.2f} MiB"
        for name in ("used", "resident")
        if (grown := getattr(last, name) - getattr(first, name)) > bound
    ]
    return found + [
        f"{name} grew from {getattr(first, name)} to {getattr(last, name)}"
        for name in ("files", "threads")
        if getattr(last, name) > getattr(first, name)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--steps", type=int, default=10**6, help="steps of streams (default: 1,000,000)"
    )
    parser.add_argument("--fits", type=int, default=100, help="fits (default: 100)")
    parser.add_argument(
        "--bound",
        type=float,
        default=1.0,
        help="growth of memory that is allowed, in MiB (default: 1)",
    )
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if reason := why_not():
        print(reason)
        return 0
    made = soak(options.steps, options.fits)
    looks = made.looks
    found = faults(looks, options.bound)
    first, last = looks[0], looks[-1]
    print(
        f"{made.n_steps:,} steps and {made.n_fits:,} fits in {made.seconds:.0f} s. From "
        f"{WARM:.0%} of the rounds to the end: used {first.used:.2f} -> {last.used:.2f} MiB, "
        f"resident {first.resident:.2f} -> {last.resident:.2f} MiB (most "
        f"{max(one.resident for one in looks):.2f}), files {first.files} -> {last.files}, "
        f"threads {first.threads} -> {last.threads}"
    )
    for fault in found:
        print(fault)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
