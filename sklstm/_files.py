"""Files that are replaced as a whole: whoever is killed or fails leaves what was there before."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from stat import S_IMODE, S_ISREG
from time import time
from typing import BinaryIO
from uuid import uuid4

try:
    from fcntl import LOCK_EX, LOCK_NB, flock
except ImportError:  # where there is none, an open file cannot be removed
    flock = None

PART = ".part"  # ending of a file that is being written
A_WHILE = 60.0  # seconds after which one that nobody holds is left over


def replace_file(path: str | os.PathLike, write: Callable[[BinaryIO], None]) -> None:
    """Put a file with what ``write`` writes in the place of ``path``, at once.

    On return it is on the disk. A link stays one, and the permissions stay as they are. On an error
    the old file stays.
    """
    path = Path(os.path.realpath(path))
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None and not S_ISREG(mode):
        raise OSError(f"Cannot replace {str(path)!r}: it is no file, but a folder or a device.")
    part = path.with_name(f"{path.name}.{uuid4().hex}{PART}")
    with open(part, "xb") as file:
        try:
            _hold(file)
            if mode is not None:
                os.chmod(part, S_IMODE(mode))
            write(file)
            file.flush()
            os.fsync(file.fileno())  # the name must not come to the disk before the bytes
            if os.name == "nt":
                file.close()  # or it cannot be renamed
            os.replace(part, path)
        except BaseException:
            with suppress(OSError):  # it tries once more to write what is left
                file.close()
            part.unlink(missing_ok=True)
            raise
    _sync_names(path.parent)


def write_file(path: str | os.PathLike, content: bytes) -> None:
    """Replace a file by one with this content, and remove what was left of attempts before."""
    remove_leftovers(path)
    replace_file(path, lambda file: file.write(content))


def remove_leftovers(path: str | os.PathLike) -> None:
    """Remove what processes that were killed have begun to put in the place of ``path``.

    A living one holds its file, whatever the clock says.
    """
    path = Path(os.path.realpath(path))
    for part in path.parent.iterdir():
        if part.name.startswith(f"{path.name}.") and part.name.endswith(PART):
            with suppress(OSError):  # gone, held or not ours
                if time() - part.stat().st_mtime > A_WHILE:
                    with open(part, "r+b") as file:
                        _hold(file)
                    part.unlink()


def _hold(file: BinaryIO) -> None:
    """Until the file is closed; an OSError if another process does."""
    if flock is not None:
        flock(file, LOCK_EX | LOCK_NB)


def _sync_names(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system can be asked to."""
    with suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
