"""Machines and systems that modules are compiled for, and what vectors are in their assembly."""

import re
from dataclasses import dataclass, field
from pathlib import Path

# Multiplications of vectors as wide as the instruction set has them, and of single numbers.
VECTORS = {
    ("aarch64", "baseline"): r"\bfm(la|ul)(\.(4s|2d))?\s+v\d+(\.(4s|2d))?",
    ("x86_64", "avx512"): r"\bvf(n?)m(add|sub)\d+p[sd]\s.*%zmm",
    ("x86_64", "avx2"): r"\bvf(n?)m(add|sub)\d+p[sd]\s.*%ymm",
    ("x86_64", "baseline"): r"\bmulp[sd]\s.*%xmm",
    ("wasm32", "baseline"): r"\bf(32x4|64x2)\.mul\b",
}
SCALARS = {
    "aarch64": r"\bf(n?m(add|sub)|mul)\s+[sd]\d+",
    "x86_64": r"\bv?(fn?m(add|sub)\d+|mul)s[sd]\s",
    "wasm32": r"\bf(32|64)\.mul\b",
}
OBJECTS = {  # the first bytes of object files
    ("linux", "aarch64"): b"\x7fELF\x02",
    ("linux", "x86_64"): b"\x7fELF\x02",
    ("macos", "aarch64"): b"\xcf\xfa\xed\xfe\x0c\x00\x00\x01",
    ("macos", "x86_64"): b"\xcf\xfa\xed\xfe\x07\x00\x00\x01",
    ("windows", "aarch64"): b"\x64\xaa",
    ("windows", "x86_64"): b"\x64\x86",
    ("wasi", "wasm32"): b"\0asm",
}


@dataclass
class Target:
    triple: str
    instruction_set: str
    precision: str
    flags: list[str] = field(default_factory=lambda: ["-fopenmp"])
    include: list[Path] = field(default_factory=list)
    system_include: list[Path] = field(default_factory=list)

    @property
    def machine(self) -> str:
        return self.triple.split("-")[0]

    @property
    def system(self) -> str:
        return self.triple.split("-")[1]

    @property
    def is_msvc(self) -> bool:
        """The ABI of clang-cl, which defines __clang__ without __GNUC__."""
        return self.triple.endswith("msvc")

    @property
    def vector(self) -> re.Pattern:
        return re.compile(VECTORS[self.machine, self.instruction_set])

    @property
    def scalar(self) -> re.Pattern:
        return re.compile(SCALARS[self.machine])

    def is_object(self, first: bytes) -> bool:
        return first.startswith(OBJECTS[self.system, self.machine])


TARGETS = {
    "aarch64-linux-gnu": Target("aarch64-linux-gnu", "baseline", "f32"),
    "aarch64-linux-musl": Target("aarch64-linux-musl", "baseline", "f64"),
    "x86_64-linux-musl": Target("x86_64-linux-musl", "avx512", "f64"),
    "x86_64-macos": Target("x86_64-macos", "avx2", "f32"),
    "aarch64-macos": Target("aarch64-macos", "baseline", "f64"),
    "x86_64-windows-gnu": Target("x86_64-windows-gnu", "baseline", "f64"),
    "x86_64-windows-msvc": Target("x86_64-windows-msvc", "avx512", "f32"),
    "aarch64-windows-msvc": Target("aarch64-windows-msvc", "baseline", "f32"),
    # No OpenMP and no threads: one thread without locks.
    "wasm32": Target("wasm32-wasi", "baseline", "f32", flags=[]),
}
SHORT = ["aarch64-linux-gnu", "x86_64-windows-msvc"]
