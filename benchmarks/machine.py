"""Description of the machine: instruction set, threads and versions of the peers."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from benchmarks import report
from sklstm import _isa, _runtime

PEERS = ("torch", "jax", "onnxruntime")
VARIABLES = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "SKLSTM_ISA", "XLA_FLAGS")


def describe() -> dict[str, Any]:
    """What a JSON file of results says about where they come from."""
    return {
        "machine": report.machine(),
        "architecture": os.uname().machine if hasattr(os, "uname") else os.name,
        "cores": len(cores()),
        "instruction_set": _isa.name,
        "openmp_threads": _runtime.max_threads(),
        "environment": {name: os.environ[name] for name in VARIABLES if name in os.environ},
        "peers": {name: found for name in PEERS if (found := _version(name))},
    }


def headline() -> str:
    """The same for the line above a table."""
    peers = "".join(f", {name} {number}" for name, number in describe()["peers"].items())
    return f"{report.machine()} ({_isa.name}){peers}"


def cores() -> list[int]:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
