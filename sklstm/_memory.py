"""What there is memory for, asked before it is taken, and sizes in words for messages."""

from __future__ import annotations

import os
import sys
from math import inf, log10

GIB = 2**30


def memory() -> float:
    """Bytes of memory this machine has, as far as it says so."""
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):
        return inf


def fits(n_bytes: int) -> bool:
    """Whether an array of so many bytes can be asked for: NumPy counts no further than maxsize."""
    return n_bytes <= min(memory(), sys.maxsize)


def about(n: int) -> str:
    """A whole number in three digits; it may be larger than any float."""
    try:
        return f"{n:.3g}"
    except OverflowError:
        return f"1e+{int(log10(n))}"


def gib(n_bytes: int) -> str:
    """Bytes in GiB."""
    return about(n_bytes / GIB if n_bytes < 2**1000 else n_bytes // GIB)


def require(n_bytes: int, what: str, remedy: str) -> None:
    """An error for ``what`` needs more bytes than there are; it says how many, and the remedy."""
    if not fits(n_bytes):
        raise MemoryError(f"{what} needs {gib(n_bytes)} GiB: there is not enough memory. {remedy}")
