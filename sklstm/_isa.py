"""Kernels for this processor, chosen once at import.

Set the environment variable ``SKLSTM_ISA`` (portable, baseline, avx2 or avx512) to use others, for
tests and comparisons.
"""

from __future__ import annotations

import os
from importlib import import_module
from types import ModuleType

import numpy as np

from sklstm import _builds

PRECISIONS = {np.dtype(real): name for name, (real, _) in _builds.PRECISIONS.items()}


def load(name: str, kernel: str = "_cell") -> dict[np.dtype, ModuleType]:
    """The modules of a kernel for one instruction set, by precision."""
    return {
        dtype: import_module(f"sklstm._kernels.{kernel}_{name}_{precision}")
        for dtype, precision in PRECISIONS.items()
    }


def available() -> list[str]:
    """Instruction sets that this processor and this build support, the best first."""
    from sklstm._runtime import instruction_sets

    found = []
    for name in instruction_sets():
        try:
            load(name)
        except ModuleNotFoundError:
            continue
        found.append(name)
    return found


def _choose() -> str:
    from sklstm._runtime import instruction_sets

    asked = os.environ.get("SKLSTM_ISA")
    if asked and asked not in instruction_sets():
        raise ImportError(
            f"SKLSTM_ISA={asked!r} is not supported by this processor. Use one of "
            f"{', '.join(instruction_sets())}, or unset it."
        )
    for name in [asked] if asked else instruction_sets():
        try:
            load(name)
        except ModuleNotFoundError:
            continue
        return name
    raise ImportError(
        "sklstm has no compiled kernels for this processor. In a checkout, build them with "
        "'python -m pip install -e .'. Otherwise reinstall the package."
    )


try:
    name = _choose()
except ModuleNotFoundError as error:
    raise ImportError(
        "sklstm is not compiled: this checkout was not built. Run "
        "'python -m pip install -e .' in it, or import sklstm from another folder."
    ) from error
kernels = load(name)  # _cell.pyx
online = load(name, "_online")
optimizers = load(name, "_optimizers")
