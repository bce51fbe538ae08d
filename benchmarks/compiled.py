"""Loops in C, compiled for this machine when a benchmark starts."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory


def compiled(code: str, real: str) -> ctypes.CDLL:
    """Compile C code in which ``REAL`` is "float" or "double".

    Raises
    ------
    FileNotFoundError
        If there is no compiler.
    """
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None:
        raise FileNotFoundError("no C compiler (cc, gcc or clang)")
    with TemporaryDirectory() as folder:
        source, library = Path(folder, "loop.c"), Path(folder, "loop.so")
        source.write_text(code)
        command = [compiler, "-O3", "-march=native", "-ffp-contract=fast", "-shared", "-fPIC"]
        command += [f"-DREAL={real}", "-o", str(library), str(source)]
        subprocess.run(command, check=True, capture_output=True)
        return ctypes.CDLL(str(library))  # stays when its file is gone
