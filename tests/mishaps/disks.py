"""Cases: disks that are full, and folders that cannot be written to."""

from __future__ import annotations

import errno
import io
import os
import resource
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory

import joblib
import numpy as np

from sklstm import LSTMRegressor
from sklstm._files import write_file
from sklstm.callback import Checkpoint
from sklstm.export.__main__ import main as export
from tests.cases import callbacks, fork, needs
from tests.watchdog import end_of, in_child

rng = np.random.default_rng(0)
X = rng.normal(size=(30, 8, 2))
y = X[:, 0, 0]
NOBODY = 65534


def fails_to_write(folder: Path, codes: set[int]) -> None:
    """All that writes raises what the system says; files and models stay as they were."""
    names = sorted(os.listdir(folder))
    before = {name: Path(folder, name).read_bytes() for name in names}

    def as_before(call: Callable[[], object]) -> None:
        try:
            call()
        except OSError as error:
            assert error.errno in codes, error
        else:
            raise AssertionError("there should be an error")
        assert sorted(os.listdir(folder)) == names, os.listdir(folder)
        assert {name: Path(folder, name).read_bytes() for name in names} == before

    fitted = joblib.load(folder / "model.joblib")
    for name in ("model.joblib", "another.joblib"):
        new = LSTMRegressor(40, max_iter=2, random_state=0, n_jobs=1)
        old = joblib.load(folder / "model.joblib")
        for model in (new, old):
            known = vars(model).keys() - {"_skl_callbacks"}
            model.set_callbacks(Checkpoint(folder / name))
            was = model.parameters_.tobytes() if model is old else b""
            as_before(lambda model=model: model.fit(X, y))
            assert vars(model).keys() - {"_skl_callbacks"} == known
            assert model is new or model.parameters_.tobytes() == was
            assert model is new or model.predict(X).tobytes() == fitted.predict(X).tobytes()
        as_before(lambda name=name: write_file(folder / name, bytes(100_000)))
    try:
        from sklstm.export import save_safetensors

        as_before(lambda: save_safetensors(fitted, folder / "model.joblib"))
    except ImportError:
        pass

    def to_header() -> None:
        said = io.StringIO()
        with redirect_stderr(said), redirect_stdout(io.StringIO()):
            assert export([str(folder / "model.joblib"), str(folder / "model.h")]) == 1
        assert any(os.strerror(code) in said.getvalue() for code in codes), said.getvalue()
        raise OSError(next(iter(codes)), "it was said")

    as_before(to_header)


def fill(folder: Path) -> LSTMRegressor:
    """A folder with a model and a header."""
    model = LSTMRegressor(40, max_iter=1, random_state=0, n_jobs=1).fit(X, y)
    joblib.dump(model, folder / "model.joblib")
    write_file(folder / "model.h", b"old")
    return model


def child(function: Callable[[], None]) -> None:
    assert end_of(in_child(function), 60) == 0


@needs(fork, callbacks)
def limited_files(rounds: int) -> int:
    """``ulimit -f``: files may not become as long as they have to."""
    draw = np.random.default_rng()
    for _ in range(rounds):
        with TemporaryDirectory() as name:
            fill(Path(name))

            def limited(folder=Path(name)):
                most = int(draw.integers(0, (folder / "model.joblib").stat().st_size // 2))
                resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
                fails_to_write(folder, {errno.EFBIG})

            child(limited)
    return rounds


def why_no_mount() -> str:
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "file systems cannot be mounted here"
    with TemporaryDirectory() as folder:
        try:
            with mounted(Path(folder), "size=1m"):
                return ""
        except subprocess.CalledProcessError:
            return "file systems cannot be mounted here"


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """A file system in memory."""
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True, capture_output=True)


@needs(why_no_mount, callbacks)
def full(rounds: int) -> int:
    """A disk with less space than a file needs; when there is space, training goes on."""
    draw = np.random.default_rng()
    for _ in range(rounds):
        with TemporaryDirectory() as name, mounted(Path(name), "size=1m"):
            folder = Path(name)
            fill(folder)
            rest = os.statvfs(folder)
            space = rest.f_bavail * rest.f_bsize - int(draw.integers(0, 20_000))
            (folder / "filler").write_bytes(bytes(space))
            fails_to_write(folder, {errno.ENOSPC})
            (folder / "filler").unlink()
            model = joblib.load(folder / "model.joblib").set_params(max_iter=3, warm_start=True)
            model.set_callbacks(Checkpoint(folder / "model.joblib")).fit(X, y)
            assert joblib.load(folder / "model.joblib").n_iter_ == model.n_iter_
    return rounds


@needs(why_no_mount, callbacks)
def read_only(rounds: int) -> int:
    """A file system that may only be read."""
    for _ in range(rounds):
        with TemporaryDirectory() as name, mounted(Path(name), "size=1m"):
            fill(Path(name))
            subprocess.run(["mount", "-o", "remount,ro", name], check=True, capture_output=True)
            fails_to_write(Path(name), {errno.EROFS})
    return rounds


def why_not_another() -> str:
    return "" if hasattr(os, "geteuid") and os.geteuid() == 0 else "only root becomes another user"


@needs(fork, why_not_another, callbacks)
def of_another_user(rounds: int) -> int:
    """A folder that this user may only read."""
    for _ in range(rounds):
        with TemporaryDirectory() as name:
            folder = Path(name)
            fill(folder)
            folder.chmod(0o755)

            def as_nobody(folder=folder):
                os.setgid(NOBODY)
                os.setuid(NOBODY)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    fails_to_write(folder, {errno.EACCES})

            child(as_nobody)
    return rounds
