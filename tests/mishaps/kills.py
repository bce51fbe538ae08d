"""Cases: SIGKILL at random moments while files are written, again and again the same one."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import joblib
import numpy as np

from sklstm import LSTMRegressor, _files
from sklstm.callback import Checkpoint
from sklstm.export.__main__ import main as export
from sklstm.paper._results import Group, Results, read
from tests.cases import callbacks, fork, needs, package
from tests.watchdog import in_child

rng = np.random.default_rng(0)
X = rng.normal(size=(30, 8, 2))
y = X[:, 0, 0]
WIDE = 40  # cells: a file of more than one block
LONGEST = 0.05  # seconds, of a child that has begun to write


def numbered(number: int) -> LSTMRegressor:
    """A model that can be told from others by its predictions: always its number."""
    model = LSTMRegressor(WIDE, random_state=0, n_jobs=1).initialize(2)
    model.parameters_[:] = 0
    model.output_bias_[:] = number
    return model


def _number_of(model: Any) -> int:
    (number,) = set(model.predict(X[:2]))
    return int(number)


def tried(
    rounds: int, write: Callable[[Path, int], None], read: Callable[[Path], int], ending: str
) -> int:
    """Write files with rising numbers, one in the place of the other, and be killed.

    The file has to be whole, and of the last number whose writing was complete, or the next one.
    """
    draw = np.random.default_rng()
    with TemporaryDirectory() as folder:
        path = Path(folder, f"file{ending}")
        write(path, 1)
        number = 1
        for _ in range(rounds):
            told, tells = os.pipe()

            def go_on(number=number, tells=tells):
                while True:
                    number += 1
                    write(path, number)
                    os.write(tells, b"%d\n" % number)

            pid = in_child(go_on)
            os.close(tells)
            words = os.read(told, 1 << 16)  # it has written a file
            time.sleep(draw.uniform(0, LONGEST))
            os.kill(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
            assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL, "it failed before"
            while more := os.read(told, 1 << 16):
                words += more
            os.close(told)
            complete = int(words.split()[-1])
            number = read(path)
            assert complete <= number <= complete + 1, (complete, number)
        left = [part for part in os.listdir(folder) if part.endswith(_files.PART)]
        assert len(left) <= rounds
        for part in left:
            os.utime(Path(folder, part), (0, 0))
        write(path, number + 1)
        _files.remove_leftovers(path)
        assert os.listdir(folder) == [path.name]
    return rounds


@needs(fork, callbacks)
def fit_with_checkpoint(rounds: int) -> int:
    """`fit` with a callback that saves every epoch; each child goes on from the file."""

    def write(path: Path, number: int) -> None:
        # one more epoch of the training that the file holds
        begin = {"max_iter": number, "tol": None, "warm_start": True, "n_jobs": 1}
        model = LSTMRegressor(WIDE, random_state=0)
        if path.exists():
            model = joblib.load(path)
            assert model.n_iter_ in (number - 1, number)
        model.set_params(**begin).set_callbacks(Checkpoint(path)).fit(X, y)

    return tried(rounds, write, lambda path: joblib.load(path).n_iter_, ".joblib")


@needs(fork, callbacks)
def long_fit_with_checkpoint(rounds: int) -> int:
    """One `fit` of many epochs: the file goes on, and its bits are those of training alone."""
    draw = np.random.default_rng()
    with TemporaryDirectory() as folder:
        path = Path(folder, "model.joblib")
        n_iter = 0
        for _ in range(rounds):
            model = LSTMRegressor(WIDE, tol=None, random_state=0, n_jobs=1)
            if path.exists():
                model = joblib.load(path)
            model.set_params(max_iter=10**6, warm_start=True).set_callbacks(Checkpoint(path))
            pid = in_child(lambda model=model: model.fit(X, y))
            time.sleep(draw.uniform(0.02, 0.02 + LONGEST))
            os.kill(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
            assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL, "it failed before"
            if path.exists():
                reached = joblib.load(path).n_iter_
                assert reached >= n_iter, (reached, n_iter)
                n_iter = reached
        if n_iter:
            alone = LSTMRegressor(WIDE, tol=None, max_iter=n_iter, random_state=0).fit(X, y)
            saved = joblib.load(path)
            assert saved.predict(X).tobytes() == alone.predict(X).tobytes()
            assert saved.loss_curve_ == alone.loss_curve_
    return rounds


@needs(fork, package("safetensors"))
def safetensors(rounds: int) -> int:
    """`save_safetensors`."""
    from sklstm.export import load_safetensors, save_safetensors

    return tried(
        rounds,
        lambda path, number: save_safetensors(numbered(number), path),
        lambda path: _number_of(load_safetensors(path)),
        ".safetensors",
    )


def exported(rounds: int, ending: str, read: Callable[[Path], int]) -> int:
    """The command line of `sklstm.export`."""

    def write(path: Path, number: int) -> None:
        with TemporaryDirectory() as folder, open(os.devnull, "w") as nowhere:
            model = Path(folder, "model.joblib")
            joblib.dump(numbered(number), model)
            with redirect_stdout(nowhere):
                assert export([str(model), str(path)]) == 0

    return tried(rounds, write, read, ending)


@needs(fork)
def header(rounds: int) -> int:
    """`python -m sklstm.export MODEL FILE.h`."""
    marks = {}

    def read(path: Path) -> int:
        from sklstm.export import to_c

        text = path.read_text(encoding="ascii")
        near = range(max(marks, default=0), max(marks, default=0) + 500)
        for number in near:
            marks[number] = True
            if to_c(numbered(number), path.stem) == text:
                return number
        raise AssertionError("the header is not whole")

    return exported(rounds, ".h", read)


@needs(fork, package("onnx"))
def onnx(rounds: int) -> int:
    """`python -m sklstm.export MODEL FILE.onnx`."""

    def read(path: Path) -> int:
        import onnx
        from onnx.reference import ReferenceEvaluator

        session = ReferenceEvaluator(onnx.load(path))
        lengths = np.full(2, 8, np.int64)
        given = dict(zip(session.input_names, (X[:2].astype(np.float32), lengths), strict=True))
        return round(float(np.ravel(session.run(None, given)[0])[0]))

    return exported(rounds, ".onnx", read)


@needs(fork)
def results(rounds: int) -> int:
    """The file of `python -m sklstm.paper`, which grows by a trial each time."""
    group, first = Group("1", "1997"), 10**6
    failed = {"success": False, "sequences": 100}

    def write(path: Path, number: int) -> None:
        kept = Results(path)
        if number == 1:
            for k in range(500):
                kept.put(group, {**failed, "seed": first + k, "cap": 100})
        kept.begin(group, 100)({**failed, "seed": number})

    def number(path: Path) -> int:
        seeds = [trial["seed"] for trial in read(path)["trials"]]
        last = max(seed for seed in seeds if seed < first)
        assert sorted(seeds) == [*range(1, last + 1), *range(first, first + 500)]
        return last

    return tried(rounds, write, number, ".json")
