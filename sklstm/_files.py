"""Atomic replacement of files: after an error or a kill, the old file is still complete."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_IMODE, S_ISREG
from time import time
from typing import BinaryIO
from uuid import uuid4

try:
    from fcntl import LOCK_EX, LOCK_NB, flock
except ImportError:  # Windows, where an open file cannot be removed anyway
    flock = None

PART = ".part"  # ending of a file that is being written
A_WHILE = 60.0  # seconds after which a part that no process holds is removed


def replace_file(path: str | os.PathLike, write: Callable[[BinaryIO], None]) -> None:
    """Replace the file at ``path`` with what ``write`` writes, in one step.

    The file is on the disk when the function returns. Symbolic links and permissions are kept. On
    an error the old file is unchanged.
    """
    path = Path(os.path.realpath(path))
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None and not S_ISREG(mode):
        raise OSError(
            f"Cannot write {str(path)!r}: it is a directory or a device. Choose the path of a file."
        )
    part = path.with_name(f"{path.name}.{uuid4().hex}{PART}")
    with open(part, "xb") as file:
        try:
            with suppress(OSError):  # a file system without locks
                _hold(file)
            if mode is not None:
                os.chmod(part, S_IMODE(mode))
            write(file)
            file.flush()
            os.fsync(file.fileno())  # the bytes must be on the disk before the name
            if os.name == "nt":
                file.close()  # Windows cannot rename an open file
            os.replace(part, path)
        except BaseException:
            with suppress(OSError):  # closing tries once more to write the rest
                file.close()
            part.unlink(missing_ok=True)
            raise
    _sync_names(path.parent)


def write_file(path: str | os.PathLike, content: bytes) -> None:
    """Replace a file with this content, and remove parts that killed processes have left."""
    remove_leftovers(path)
    replace_file(path, lambda file: file.write(content))


def remove_leftovers(path: str | os.PathLike) -> None:
    """Remove unfinished parts of ``path`` that killed processes have left.

    A running process holds a lock on its part, so that part stays, whatever its age.
    """
    path = Path(os.path.realpath(path))
    for part in path.parent.iterdir():
        if part.name.startswith(f"{path.name}.") and part.name.endswith(PART):
            with suppress(OSError):  # removed meanwhile, held, or owned by another user
                if time() - part.stat().st_mtime > A_WHILE:
                    with open(part, "r+b") as file:
                        _hold(file)
                    part.unlink()


@contextmanager
def only_process(path: str | os.PathLike) -> Iterator[None]:
    """Wait until no other process is in this block for a file of the same folder.

    Use it to read, change and replace a file. Windows and some network file systems have no such
    lock, so two processes should not write one file there.
    """
    if flock is None:
        yield
        return
    folder = os.open(Path(os.path.realpath(path)).parent, os.O_RDONLY)
    try:
        with suppress(OSError):  # NFS cannot lock a folder
            flock(folder, LOCK_EX)
        yield
    finally:
        os.close(folder)


def check_writable(path: str | os.PathLike) -> None:
    """Raise the OSError that ``replace_file`` would raise because of the path."""
    path = Path(os.path.realpath(path))
    if path.is_dir():
        raise IsADirectoryError(f"{str(path)!r} is a directory. Choose the path of a file.")
    part = path.parent / f"{path.name}.{uuid4().hex}{PART}"
    with open(part, "xb"):
        pass
    part.unlink(missing_ok=True)


def _hold(file: BinaryIO) -> None:
    """Lock the file until it is closed.

    Raises OSError if another process holds it, or if its file system has no locks.
    """
    if flock is not None:
        flock(file, LOCK_EX | LOCK_NB)


def _sync_names(folder: Path) -> None:
    """Write the names in a folder to the disk, if the system supports it."""
    with suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
