"""Cases: many threads on one model, more than there are processors, and fewer processors."""

from __future__ import annotations

import builtins
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import NamedTuple

import numpy as np

from sklstm import _threads
from sklstm._threads import effective_n_jobs
from tests.cases import needs
from tests.concurrency.work import X, everything, expected, fitted, predicts, regressor, same, y

PATIENCE = 120  # seconds
GROUPS = Path("/sys/fs/cgroup")


def together(calls) -> None:
    """Run calls in a thread each; all have to end well."""
    failed = []

    def run(call):
        try:
            call()
        except BaseException as error:
            failed.append(error)

    threads = [Thread(target=run, args=(call,), daemon=True) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive(), "a thread hangs"
    assert not failed, failed


def streams_of_a_model(rounds: int) -> int:
    """8 streams of one model step and learn in 8 threads: no update is lost or torn."""
    for k in range(rounds):
        solver = ("adam", "sgd")[k % 2]
        model = regressor(solver=solver, learning_rate_init=1e-4).initialize(3)

        def learn(model=model):
            stream = model.stream()
            for x, target in zip(X[0], y, strict=False):
                stream.step(x)
                stream.predict()
                stream.learn(target)
            stream.learn_steps(X[1], y[:30])

        together([learn] * 8)
        assert model.t_ == 8 * 60, model.t_
        assert model._solver_state.get("n_steps", 480) == 8 * 60
        assert np.isfinite(model.predict(X)).all()
    return rounds


def calls_of_a_model(rounds: int) -> int:
    """8 threads predict with one model, whose calls use two threads each."""
    outputs = fitted().predict(X)
    together([lambda: [predicts(fitted(), outputs) for _ in range(10 * rounds)]] * 8)
    return 80 * rounds


def fits_side_by_side(rounds: int) -> int:
    """4 threads do everything, each with its own models."""
    for _ in range(rounds):
        together([same] * 4)
    return 4 * rounds


def why_no_count() -> str:
    return "" if os.path.isdir("/proc/self/task") else "threads cannot be counted here"


@needs(why_no_count)
def short_lives(rounds: int) -> int:
    """Threads that predict once and end leave no threads behind."""
    outputs = fitted().predict(X)

    def once():
        together([lambda: predicts(fitted(), outputs)])

    def count():
        return len(os.listdir("/proc/self/task"))

    for _ in range(5):
        once()
    before = count()
    for _ in range(50 * rounds):
        once()
    assert count() <= before + 1, (before, count())
    return 50 * rounds


def more_threads_than_processors(rounds: int) -> int:
    """As many threads as asked for; the watchdog's time is what counts."""
    for _ in range(rounds):
        same(None)
        same(16)
    return 2 * rounds


def why_not_one() -> str:
    return "" if hasattr(os, "sched_setaffinity") else "processors cannot be chosen here"


@needs(why_not_one)
def on_one_processor(rounds: int) -> int:
    """A process that may use one processor, before and after its first work."""
    mine = os.sched_getaffinity(0)
    for _ in range(rounds):
        same()
        try:
            os.sched_setaffinity(0, {min(mine)})
            same(None)
            same(8)
        finally:
            os.sched_setaffinity(0, mine)
    return 3 * rounds


def from_one_processor(rounds: int) -> int:
    """A process that begins with one processor: it uses one thread, unless told."""
    assert len(os.sched_getaffinity(0)) == 1
    assert effective_n_jobs(None) == effective_n_jobs(-1) == 1
    for _ in range(rounds):
        same(None)
        same(8)
    return 2 * rounds


@contextmanager
def quota(text: str):
    """What control groups say of this process's share."""
    group, real, exists = str(GROUPS / "cpu.max"), builtins.open, os.path.exists

    def opened(file, *args, **kwargs):
        return io.StringIO(text) if file == group else real(file, *args, **kwargs)

    builtins.open = opened
    os.path.exists = lambda path: path == group or exists(path)
    _threads._count = None
    try:
        yield
    finally:
        builtins.open, os.path.exists, _threads._count = real, exists, None


def told_of_a_quota(rounds: int) -> int:
    """Half of a processor, as control groups say it: one thread."""
    for _ in range(rounds):
        with quota("50000 100000\n"):
            assert effective_n_jobs(None) == effective_n_jobs(-1) == 1
            assert everything(None) == expected()
        with quota("max 100000\n"):
            assert effective_n_jobs(-1) >= 1
            assert everything(-1) == expected()
    return 2 * rounds


class Group(NamedTuple):
    """Control groups of one version: their folder, the file of the quota, what it holds."""

    folder: Path
    file: str
    half: str


VERSIONS = [
    Group(GROUPS, "cpu.max", "50000 100000\n"),
    Group(GROUPS / "cpu", "cpu.cfs_quota_us", "50000\n"),
]


@contextmanager
def half_a_processor() -> Iterator[None]:
    """This process may use half of a processor."""
    for version in VERSIONS:
        group = version.folder / f"sklstm-{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            (group / version.file).read_text()  # it is there, or this is no control group
            (group / version.file).write_text(version.half)
            (group / "cgroup.procs").write_text(str(os.getpid()))
        except OSError:
            group.rmdir()
            continue
        try:
            yield
        finally:
            (version.folder / "cgroup.procs").write_text(str(os.getpid()))
            group.rmdir()
        return
    raise OSError("control groups with a quota of processors cannot be made here")


def why_no_quota() -> str:
    try:
        with half_a_processor():
            return ""
    except OSError as error:
        return str(error)


@needs(why_no_quota)
def under_a_quota(rounds: int) -> int:
    """Half of a processor in truth, while threads wait for one another."""
    with half_a_processor():
        for _ in range(rounds):
            same(None)
            same(4)
    return 2 * rounds
