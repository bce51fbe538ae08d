"""An emulated Cortex-M4: QEMU's board mps2-an386, and the compiler for it.

In Debian: ``apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm``.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
COMPILER = "arm-none-eabi-gcc"
EMULATOR = "qemu-system-arm"
PROCESSOR = ["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"]
SECONDS = 60  # that a program may take


class Symbol(NamedTuple):
    """A function ("t") or an array ("r": constant, "b" or "d": not) of a program."""

    name: str
    kind: str
    bytes: int


def is_here() -> bool:
    """Whether there are a compiler and an emulator."""
    return all(shutil.which(command) for command in (COMPILER, EMULATOR))


def build(folder: Path, flags: Sequence[str]) -> Path:
    """Compile and link ``main.c`` of a folder; unused functions and constants are left out."""
    program = folder / "program.elf"
    command = [COMPILER, *PROCESSOR, *flags, "-ffunction-sections", "-fdata-sections"]
    command += ["-Wl,--gc-sections", "-nostartfiles", "-T", str(HERE / "mps2.ld")]
    command += ["--specs=rdimon.specs", str(HERE / "start.c"), "main.c", "-o", str(program)]
    _run([*command, "-lm", "-lc", "-lrdimon"], folder)
    return program


def run(folder: Path, flags: Sequence[str]) -> str:
    """What ``main.c`` of a folder prints; each instruction takes a nanosecond of its time."""
    command = [EMULATOR, "-machine", "mps2-an386", "-nographic", "-semihosting"]
    return _run([*command, "-icount", "shift=0", "-kernel", str(build(folder, flags))], folder)


def symbols(program: Path) -> list[Symbol]:
    """The functions and arrays of a program."""
    lines = _run(["arm-none-eabi-nm", "--print-size", str(program)], program.parent).splitlines()
    fields = [line.split() for line in lines]
    return [Symbol(f[3], f[2], int(f[1], 16)) for f in fields if len(f) == 4]


def version() -> str:
    """Of the compiler."""
    return _run([COMPILER, "--version"], HERE).partition("\n")[0]


def _run(command: Sequence[str], folder: Path) -> str:
    done = subprocess.run(
        command, cwd=folder, text=True, capture_output=True, timeout=SECONDS, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed ({done.returncode}): {done.stderr or done.stdout}")
    return done.stdout
