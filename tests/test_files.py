"""Files that are replaced as a whole, whatever stands in the way."""

import errno
import os
import stat
import time

import pytest
from watchdog import end_of, in_child

from sklstm import _files
from sklstm._files import A_WHILE, remove_leftovers, replace_file, write_file

posix = pytest.mark.skipif(os.name != "posix", reason="no permissions or links as POSIX has them")


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "model"
    file.write_bytes(b"old")
    return file


def names(path):
    return sorted(file.name for file in path.parent.iterdir())


def part_of(path, age):
    part = path.with_name(f"{path.name}.1{_files.PART}")
    part.write_bytes(b"begun")
    os.utime(part, (time.time() - age,) * 2)
    return part


def test_a_file_is_replaced_and_nothing_is_left(path):
    write_file(path, b"new")
    assert path.read_bytes() == b"new"
    assert names(path) == ["model"]
    write_file(str(path.with_name("other")), b"new")
    assert names(path) == ["model", "other"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt, MemoryError])
def test_an_error_leaves_the_old_file(path, error):
    def fails(file):
        file.write(b"half")
        raise error

    with pytest.raises(error):
        replace_file(path, fails)
    assert path.read_bytes() == b"old"
    assert names(path) == ["model"]


@posix
def test_few_bytes_that_find_no_room_leave_the_old_file(path):
    """They wait in a buffer, and are written by what closes the file."""

    def check():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1))
        with pytest.raises(OSError, match="large"):
            write_file(path, b"new")

    import resource

    assert end_of(in_child(check)) == 0
    assert path.read_bytes() == b"old"
    assert names(path) == ["model"]


def test_until_all_is_written_the_old_file_is_there(path):
    replace_file(path, lambda file: file.write(path.read_bytes() + b"er"))
    assert path.read_bytes() == b"older"


def test_the_bytes_are_on_the_disk_before_the_name_and_the_name_on_return(path, monkeypatch):
    done = []
    sync, replace = os.fsync, os.replace

    def fsync(number):
        done.append("names" if stat.S_ISDIR(os.fstat(number).st_mode) else "bytes")
        sync(number)

    def replaces(*given):
        done.append("name")
        replace(*given)

    monkeypatch.setattr(_files.os, "fsync", fsync)
    monkeypatch.setattr(_files.os, "replace", replaces)
    write_file(path, b"new")
    assert done == ["bytes", "name", "names"] if os.name == "posix" else ["bytes", "name"]


@posix
def test_permissions_and_links_stay(path):
    link = path.with_name("link")
    link.symlink_to("model")
    path.chmod(0o600)
    write_file(link, b"new")
    assert link.is_symlink()
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@posix
def test_what_is_no_file_is_not_replaced(path):
    pipe = path.with_name("pipe")
    os.mkfifo(pipe)
    for there in (pipe, path.parent):
        with pytest.raises(OSError, match="it is a directory or a device"):
            write_file(there, b"new")
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert names(path) == ["model", "pipe"]


@pytest.mark.parametrize("number", [errno.EBADF, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_takes_files_all_the_same(path, monkeypatch, number):
    """NFS cannot lock a folder, and some systems lock nothing."""

    def no_lock(*given):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(_files, "flock", no_lock, raising=False)
    left = part_of(path, 2 * A_WHILE)
    with _files.only_process(path):
        write_file(path, b"new")
    assert path.read_bytes() == b"new"
    assert left.exists()  # a process may be writing it


def test_what_was_left_is_removed_after_a_while(path):
    left = part_of(path, 2 * A_WHILE)
    write_file(path.with_name("other"), b"new")
    assert left.exists()
    write_file(path, b"new")
    assert not left.exists()
    young = part_of(path, A_WHILE / 2)
    write_file(path, b"new")
    assert young.exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform does not fork")
def test_what_a_living_process_writes_stays_though_the_clock_jumps(path, monkeypatch):
    def writes_for_long(file):
        file.write(b"new")
        with monkeypatch.context() as patch:
            patch.setattr(_files, "time", lambda: time.time() + 1e9)
            assert end_of(in_child(lambda: remove_leftovers(path))) == 0
            remove_leftovers(path)
        assert len(names(path)) == 2

    replace_file(path, writes_for_long)
    assert path.read_bytes() == b"new"
    assert names(path) == ["model"]
    left = part_of(path, 0)
    monkeypatch.setattr(_files, "time", lambda: time.time() - 1e9)
    remove_leftovers(path)
    assert left.exists()
