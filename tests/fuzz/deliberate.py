"""Faults on purpose, one for each outcome: a hunter that finds none of these finds nothing."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import numpy as np

MIB = 1 << 20


def _crash(case: dict[str, Any]) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def _hang(case: dict[str, Any]) -> None:
    time.sleep(3600)


def _error(case: dict[str, Any]) -> None:
    raise SystemError("an exception that may not be")


def _memory(case: dict[str, Any]) -> None:
    np.empty(2**40)


def _memory_that_is_written_to(case: dict[str, Any]) -> None:
    np.ones(100 * MIB, np.uint8)


FAULTS = {
    "crash": _crash,
    "hang": _hang,
    "error": _error,
    "memory": _memory,
    "memory that is written to": _memory_that_is_written_to,
}
