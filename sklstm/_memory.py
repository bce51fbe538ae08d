"""Checks of available memory before it is allocated, and sizes in words for messages."""

from __future__ import annotations

import os
import sys
from math import inf, log10

GIB = 2**30


def memory() -> float:
    """Bytes of memory of this machine, or infinity if the system does not report it."""
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):
        return inf


def fits(n_bytes: int) -> bool:
    """True if an array of ``n_bytes`` can be allocated; NumPy's limit is ``sys.maxsize``."""
    return n_bytes <= min(memory(), sys.maxsize)


def about(n: int) -> str:
    """An integer in three digits; it may be larger than any float."""
    try:
        return f"{n:.3g}"
    except OverflowError:
        return f"1e+{int(log10(n))}"


def gib(n_bytes: int) -> str:
    """A number of bytes in GiB, as text."""
    return about(n_bytes / GIB if n_bytes < 2**1000 else n_bytes // GIB)


def require(n_bytes: int, what: str, remedy: str) -> None:
    """Raise a MemoryError if ``what`` needs too many bytes; it names the size and the remedy."""
    if not fits(n_bytes):
        raise MemoryError(f"{what} needs {gib(n_bytes)} GiB: there is not enough memory. {remedy}")
