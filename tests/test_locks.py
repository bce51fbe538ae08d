"""Locks are free in a forked child, whoever held them at the fork."""

import ast
import gc
import os
import time
from pathlib import Path
from threading import Event, Thread

import pytest
import watchdog
from watchdog import end_of, in_child

import sklstm
from sklstm import _locks
from sklstm._locks import Lock

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform does not fork")


def is_free(lock):
    """Can another thread take it?"""
    found = []

    def take():
        found.append(lock.now.acquire(timeout=0))
        if found[0]:
            lock.now.release()

    together([Thread(target=take)])
    return found[0]


def together(threads):
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()


def child_finds(*laws):
    """Fork; the code of a child that checks laws."""

    def check():
        for law in laws:
            assert law()

    return end_of(in_child(check))


def test_all_locks_of_the_package_are_made_at_one_place():
    makers = {"Lock", "RLock", "Condition", "Semaphore", "BoundedSemaphore", "Event", "Barrier"}
    folder = Path(sklstm.__file__).parent
    for file in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module in ("threading", "multiprocessing"):
                assert not makers & {alias.name for alias in node.names}, file
            if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "threading":
                assert file.name == "_locks.py" or node.attr not in makers, file


def test_the_thread_that_holds_a_lock_may_take_it_again():
    lock = Lock()
    with lock.now:
        with lock.now:
            assert not is_free(lock)
        assert not is_free(lock)
    assert is_free(lock)


def test_a_lock_that_nobody_has_any_more_is_forgotten():
    gc.collect()
    before = len(_locks._locks)
    lock = Lock()
    assert len(_locks._locks) == before + 1
    del lock
    gc.collect()
    assert len(_locks._locks) == before


@forks
def test_a_lock_that_another_thread_holds_at_a_fork_is_free_in_the_child(monkeypatch):
    """Also in a child of the child, and it is still that thread's in the parent."""
    monkeypatch.setattr(_locks, "PATIENCE", 0.1)
    locks, held, done = [Lock() for _ in range(3)], Event(), Event()

    def hold():
        with locks[0].now, locks[2].now:
            held.set()
            done.wait(20)

    def are_free():
        return all(map(is_free, locks))

    thread = Thread(target=hold)
    thread.start()
    assert held.wait(20)
    assert child_finds(are_free, lambda: child_finds(are_free) == 0, are_free) == 0
    assert [is_free(lock) for lock in locks] == [False, True, False]
    done.set()
    thread.join(20)
    assert are_free()


@forks
def test_a_thread_may_fork_while_it_holds_a_lock():
    """The child is in the middle of what its parent was in the middle of."""
    lock = Lock()

    def leaves():
        lock.now.release()
        return True

    with lock.now:
        assert child_finds(lambda: not is_free(lock), leaves, lambda: is_free(lock)) == 0
        assert not is_free(lock)
    assert is_free(lock)


@forks
def test_a_fork_waits_for_what_is_half_done():
    lock, held, state = Lock(), Event(), [0, 0]

    def change():
        with lock.now:
            state[0] += 1
            held.set()
            time.sleep(0.2)
            state[1] += 1

    thread = Thread(target=change)
    thread.start()
    assert held.wait(20)
    assert child_finds(lambda: state == [1, 1]) == 0
    thread.join(20)


@forks
def test_threads_may_fork_at_the_same_time(monkeypatch):
    monkeypatch.setattr(_locks, "PATIENCE", 0.1)
    locks, codes = [Lock() for _ in range(20)], []

    def fork():
        codes.extend(child_finds(lambda: all(map(is_free, locks))) for _ in range(3))

    together([Thread(target=fork) for _ in range(4)])
    assert codes == [0] * 12
    assert all(map(is_free, locks))
    assert _locks._taken == {}


@pytest.mark.skipif(not watchdog.needed, reason=watchdog.why_not)
def test_the_watchdog_ends_what_hangs_and_says_where_it_was():
    code = """
        import os, time

        def waits_for_ever():
            time.sleep(1000)

        os.fork()
        waits_for_ever()
        """
    with pytest.raises(
        AssertionError, match=r"running after 3 s(?s:.)*in waits_for_ever(?s:.)*in waits_for_ever"
    ):
        watchdog.run(code, seconds=3)
