"""Extensions and compiler flags; everything else is in pyproject.toml."""

import os
import platform
import tempfile
import warnings
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError, LinkError

DEBUG = os.environ.get("SKLSTM_DEBUG") == "1"  # bounds checks, for tests and bug hunts
DIRECTIVES = {
    "language_level": 3,
    "boundscheck": DEBUG,
    "wraparound": False,
    "initializedcheck": DEBUG,
    "nonecheck": DEBUG,
    "cdivision": True,
    "freethreading_compatible": True,
}
PRECISIONS = {"f32": ["SKLSTM_REAL=float", "SKLSTM_FLOAT=1"], "f64": ["SKLSTM_REAL=double"]}
# The kernels are compiled once for each of these and picked at import (sklstm/_isa.py).
KERNELS = {"_cell": list(PRECISIONS), "_online": list(PRECISIONS), "_trials": ["f64"]}
INSTRUCTION_SETS = {
    "portable": ["-DSKLSTM_SCALAR"],
    "baseline": [],
    "avx2": ["-mavx2", "-mfma"],
    "avx512": ["-mavx512f", "-mavx512vl", "-mavx512dq", "-mavx2", "-mfma"],
}
HEADERS = ["sklstm/_simd.h", *sorted(str(path) for path in Path("sklstm").glob("*.pxd"))]


def instruction_sets():
    """Those that this machine and its usual compiler can build for."""
    if os.name == "nt":
        return ["portable"]
    if platform.machine().lower() in ("x86_64", "amd64"):
        return list(INSTRUCTION_SETS)
    return ["portable", "baseline"]


def variants(kernel):
    """The one C file of a kernel under the name of each variant."""
    source = Path(f"sklstm/{kernel}.c").resolve()
    folder = Path("build/kernels")
    folder.mkdir(parents=True, exist_ok=True)
    for name in instruction_sets():
        for precision in KERNELS[kernel]:
            module = f"{kernel}_{name}_{precision}"
            wrapper = folder / f"{module}.c"
            text = f'#define PyInit_{kernel} PyInit_{module}\n#include "{source.as_posix()}"\n'
            if not wrapper.exists() or wrapper.read_text() != text:
                wrapper.write_text(text)
            yield Extension(
                f"sklstm.{module}",
                [str(wrapper)],
                include_dirs=["sklstm"],
                define_macros=[(*macro.split("="),) for macro in PRECISIONS[precision]],
                extra_compile_args=list(INSTRUCTION_SETS[name]),
                depends=[str(source), *HEADERS],
            )


class Build(build_ext):
    """Flags of the compiler at hand, OpenMP if it has it, variants side by side."""

    def finalize_options(self):
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count()

    def build_extensions(self):
        kind = self.compiler.compiler_type
        for extension in self.extensions:
            self.set_flags(extension, kind)
        super().build_extensions()

    def set_flags(self, extension, kind):
        compile_openmp, link_openmp = self.openmp(kind)
        optimise = ["/O2"] if kind == "msvc" else ["-O3", "-g0", "-ffp-contract=fast"]
        extension.extra_compile_args = optimise + extension.extra_compile_args + compile_openmp
        extension.extra_link_args = [*(extension.extra_link_args or []), *link_openmp]

    def openmp(self, kind):
        """Compile and link flags that work here; two empty lists if none do."""
        if not hasattr(self, "_openmp"):
            candidates = (
                [(["/openmp"], [])]
                if kind == "msvc"
                else [
                    (["-fopenmp"], ["-fopenmp"]),
                    (["-Xpreprocessor", "-fopenmp"], ["-lomp"]),
                ]
            )
            self._openmp = next(filter(self.links, candidates), None)
            if self._openmp is None:
                warnings.warn("No OpenMP found: sklstm will run on one thread.", stacklevel=1)
                self._openmp = ([], [])
        return self._openmp

    def links(self, flags):
        code = "#include <omp.h>\nint main(void) { return omp_get_max_threads() < 1; }\n"
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "probe.c"
            source.write_text(code)
            try:
                objects = self.compiler.compile(
                    [str(source)], output_dir=folder, extra_postargs=flags[0]
                )
                self.compiler.link_executable(
                    objects, str(Path(folder) / "probe"), extra_postargs=flags[1]
                )
            except (CompileError, LinkError):
                return False
        return True


modules = [
    Extension(
        ".".join(path.with_suffix("").parts),
        [str(path)],
        include_dirs=["sklstm"],
        define_macros=[("SKLSTM_SCALAR", None)],  # those that are compiled once
    )
    for path in sorted(Path("sklstm").rglob("*.pyx"))
]
modules = cythonize(modules, compiler_directives=DIRECTIVES, include_path=["."])
modules = [module for module in modules if module.name.removeprefix("sklstm.") not in KERNELS]
setup(
    ext_modules=[*modules, *(variant for kernel in KERNELS for variant in variants(kernel))],
    cmdclass={"build_ext": Build},
)
