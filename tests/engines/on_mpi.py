"""Cases: ranks of MPI, started by Open MPI's mpiexec."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from tests.cases import needs, package
from tests.engines.work import threads_of_a_fit
from tests.watchdog import execute

ROOT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
PROGRAM = """
from mpi4py import MPI
from tests.engines.work import threads_of_a_fit
threads = MPI.COMM_WORLD.gather(threads_of_a_fit())
if MPI.COMM_WORLD.rank == 0:
    print(*threads)
"""


def mpiexec() -> str:
    """The program that starts ranks: beside this Python if pip installed it, or in PATH."""
    here = Path(sys.executable).parent / "mpiexec"
    return str(here) if here.exists() else shutil.which("mpiexec") or ""


def open_mpi() -> str:
    command = mpiexec()
    if not command:
        return "Open MPI is not installed"
    version = execute([command, "--version"], 30, **ROOT).out
    return "" if "Open MPI" in version else "mpiexec is not that of Open MPI"


def processors() -> str:
    n_processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    return "" if n_processors > 1 else "ranks cannot be bound to a processor each"


def ranks(*options: str) -> list[int]:
    """Threads of a fit in each of two ranks."""
    command = [mpiexec(), "-n", "2", *options, sys.executable, "-c", PROGRAM]
    ended = execute(command, 60, **ROOT)
    assert ended.code == 0, f"exit code {ended.code}\n{ended.out}\n{ended.err}"
    return [int(number) for number in ended.out.split()]


@needs(package("mpi4py"), open_mpi, processors)
def threads_in_ranks(rounds: int) -> int:
    """One thread in a rank that is bound to a processor, all without binding or a limit."""
    for _ in range(rounds):
        assert ranks() == ranks("--bind-to", "core") == [1, 1]
        assert ranks("--bind-to", "none") == [threads_of_a_fit()] * 2
        assert ranks("--bind-to", "none", "-x", "OMP_NUM_THREADS=1") == [1, 1]
    return rounds
