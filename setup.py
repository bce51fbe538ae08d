"""Extensions and compiler flags; everything else is in pyproject.toml."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import warnings
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from runpy import run_path

import Cython
from Cython.Build import cythonize
from Cython.Build.Dependencies import create_dependency_tree
from setuptools import Extension, setup
from setuptools.command.build import build
from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError, LinkError

DEBUG = os.environ.get("SKLSTM_DEBUG") == "1"  # bounds checks, for tests and bug hunts
# A build for tests/sanitized.py, which knows what Python then has to load before anything else
SANITIZERS = ("address", "undefined", "thread")
SANITIZE = os.environ.get("SKLSTM_SANITIZE", "")
if SANITIZE not in ("", *SANITIZERS):
    raise SystemExit(f"SKLSTM_SANITIZE={SANITIZE}: there are {', '.join(SANITIZERS)}.")
DIRECTIVES = {
    "language_level": 3,
    "boundscheck": DEBUG,
    "wraparound": False,
    "initializedcheck": DEBUG,
    "cdivision": True,
    "allow_none_for_extension_args": False,  # None is no array
    "freethreading_compatible": True,  # tests/concurrency, on a Python without the GIL
}
BUILDS = run_path("sklstm/_builds.py")  # without the package, which needs NumPy
PRECISIONS = BUILDS["PRECISIONS"]
# These are compiled once for each precision and instruction set, as modules of sklstm._kernels, and
# picked at import (sklstm/_isa.py).
KERNELS = {
    "sklstm._cell": list(PRECISIONS),
    "sklstm._online": list(PRECISIONS),
    "sklstm._optimizers": list(PRECISIONS),
    "sklstm.paper._trials": ["f64"],
}
# Errors of the C library and traps of the processor: no code here looks at them, and they keep
# loops with a root from being vectors.
FAST = ["-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math"]
HEADERS = sorted(str(path) for path in Path("sklstm").rglob("*.h"))
# Generated C and compiled modules, named after what they were made of and used again: pip builds
# in new folders, with a new copy of Cython, each time.
KEPT = Path("build/kept")
MONTH = 30 * 24 * 3600  # seconds; what was not used for longer is deleted


def digest(facts, paths):
    """Names what is made of some facts and the contents of some files."""
    total = sha256(repr(facts).encode())
    for path in paths:
        total.update(sha256(Path(path).read_bytes()).digest())
    return total.hexdigest()[:32]


def keep(content, kept):
    """Write a file in KEPT at once: no other build can find half of it."""
    partial = kept.with_suffix(f".{os.getpid()}")
    partial.write_bytes(content)
    os.replace(partial, kept)


def delete_unused():
    for path in KEPT.iterdir():
        with suppress(FileNotFoundError):  # another build was first
            if time.time() - path.stat().st_mtime > MONTH:
                path.unlink()


def machine_in(text):
    """x86_64, aarch64 or wasm32 if a platform, triple or flags name one of them alone, else ""."""
    names = {"amd64": "x86_64", "arm64": "aarch64"}
    found = re.findall("x86_64|amd64|aarch64|arm64|wasm32", text.lower())
    machines = {names.get(name, name) for name in found}
    return machines.pop() if len(machines) == 1 else ""


def triple_of(command):
    """The triple that a compiler compiles for; empty if it does not say."""
    try:
        run = subprocess.run(
            [*shlex.split(command), "-dumpmachine"], capture_output=True, text=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return run.stdout if run.returncode == 0 else ""


def target():
    """System and machine that modules are compiled for, which may be another than this one.

    cibuildwheel, conda-build, Debian and pyodide-build set _PYTHON_HOST_PLATFORM, ARCHFLAGS (macOS)
    or CC for it. A machine that is not known here, or more than one, is "".
    """
    platform = sysconfig.get_platform()
    system = re.match("[a-z]*", platform)[0]
    if system == "macosx":
        return system, machine_in(os.environ.get("ARCHFLAGS") or platform)
    if system == "win":  # an x64 machine compiles for ARM in a console of Visual Studio for it
        console = {"x64": "x86_64", "arm64": "aarch64", "x86": ""}
        return system, console.get(os.environ.get("VSCMD_ARG_TGT_ARCH"), machine_in(platform))
    if "_PYTHON_HOST_PLATFORM" not in os.environ and os.environ.get("CC"):
        triple = triple_of(os.environ["CC"])
        if triple:
            return ("emscripten" if "emscripten" in triple else system), machine_in(triple)
    if sys.maxsize < 2**32 and machine_in(platform) != "wasm32":
        return system, ""  # a Python of 32 bits on a kernel of 64
    return system, machine_in(platform)


def clang_cl():
    """LLVM's compiler for Windows, with the options of MSVC; None if there is none.

    MSVC has no vectors that all machines share. MinGW's GCC spills vectors of 32 and 64 bytes to a
    stack that Windows aligns to 16, and such programs crash (GCC's bugs 49001 and 54412).
    """
    if not target()[1]:
        return None  # 32 bits
    found = shutil.which("clang-cl")
    if found is None and "VCINSTALLDIR" in os.environ:  # the one of Visual Studio
        places = Path(os.environ["VCINSTALLDIR"], "Tools", "Llvm").glob("**/clang-cl.exe")
        found = next(map(str, sorted(places)), None)
    return found


def instruction_sets():
    """Those that the target and its usual compiler have; fewer if SKLSTM_BUILD says so.

    ``SKLSTM_BUILD=avx2,portable`` builds these two, to save minutes while working on kernels.
    """
    system, machine = target()
    possible = BUILDS["compiled_for"](machine)
    if system == "win" and clang_cl() is None:
        possible = ["portable"]
    asked = os.environ.get("SKLSTM_BUILD", "").split(",")
    if asked == [""]:
        return possible
    if not set(asked) <= set(possible):
        raise SystemExit(f"SKLSTM_BUILD={','.join(asked)}: {system} {machine} has {possible}.")
    return asked


def modules():
    """All that is to be compiled; C is generated where no build has done it."""
    KEPT.mkdir(parents=True, exist_ok=True)
    kept, missing = {}, []
    for path in sorted(Path("sklstm").rglob("*.pyx")):
        name = ".".join(path.with_suffix("").parts)
        made_of = digest((Cython.__version__, DIRECTIVES), [path, *cimported(path)])
        kept[name] = KEPT / f"{name}-{made_of}.c"
        if kept[name].exists():
            kept[name].touch()
        else:
            missing.append(Extension(name, [str(path)]))
    with tempfile.TemporaryDirectory() as folder:
        for extension in cythonize(
            missing,
            force=True,
            compiler_directives=DIRECTIVES,
            include_path=["."],
            build_dir=folder,
        ):
            keep(Path(extension.sources[0]).read_bytes(), kept[extension.name])
    for name, source in kept.items():
        if name in KERNELS:
            yield from variants(name, source)
        else:
            yield module(name, source, source, [("SKLSTM_SCALAR", None)])  # compiled once


def cimported(path):
    """The headers of this package that a module is written in, at any depth."""
    found = create_dependency_tree(quiet=True).all_dependencies(str(path))
    return sorted({Path(header) for header in found if Path(header).parts[0] == "sklstm"} - {path})


def variants(module_name, source):
    """The one C file of a kernel under the name of each variant."""
    kernel = module_name.rpartition(".")[2]
    machine = target()[1]
    for name in instruction_sets():
        for precision in KERNELS[module_name]:
            variant = f"{kernel}_{name}_{precision}"
            wrapper = source.with_name(f"{variant}-{source.name}")
            text = f'#define PyInit_{kernel} PyInit_{variant}\n#include "{source.name}"\n'
            keep(text.encode(), wrapper)
            macros = [(*macro.split("="),) for macro in PRECISIONS[precision][1]]
            flags = BUILDS["flags"](name, machine)
            extension = module(f"sklstm._kernels.{variant}", wrapper, source, macros, flags)
            extension.has_vectors = name != "portable"
            yield extension


def module(name, source, generated, macros, flags=()):
    return Extension(
        name,
        [str(source)],
        include_dirs=["sklstm/_kernels"],
        define_macros=macros,
        extra_compile_args=list(flags),
        depends=[str(generated), *HEADERS],
    )


def tools_of(compiler):
    """The compiler with its flags and version, and the Python to compile for; None if unknown."""
    if compiler.compiler_type == "msvc":
        return None
    command = compiler.compiler_so
    version = subprocess.run([*command, "--version"], capture_output=True, text=True).stdout
    python = (sys.version, sysconfig.get_platform(), sysconfig.get_config_var("EXT_SUFFIX"))
    return command, compiler.linker_so, version, python


def key(extension, tools):
    """Names a compiled module: generated C, headers, flags and tools decide what it is."""
    facts = (
        extension.name,
        extension.include_dirs,
        extension.define_macros,
        extension.extra_compile_args,
        extension.extra_link_args,
        tools,
    )
    return digest(facts, extension.depends)


class FreshBuild(build):
    """Starts in an empty folder: a wheel takes all that is in it."""

    def run(self):
        shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()


class Build(build_ext):
    """Flags of the compiler at hand, OpenMP if it has it, variants side by side."""

    def finalize_options(self):
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count()

    def build_extensions(self):
        kind = self.compiler.compiler_type
        if kind == "mingw32":
            warnings.warn("No vectors: MinGW misaligns them. Install clang-cl.", stacklevel=1)
            self.extensions = [e for e in self.extensions if not getattr(e, "has_vectors", False)]
        elif kind == "msvc" and clang_cl():
            kind = "clang-cl"
            self.use(clang_cl())
        for extension in self.extensions:
            self.set_flags(extension, kind)
        self.tools = tools_of(self.compiler)
        super().build_extensions()
        delete_unused()

    def build_extension(self, extension):
        """Copy the module if a build compiled it from the same things, else compile it."""
        built = Path(self.get_ext_fullpath(extension.name))
        kept = KEPT / f"{extension.name}-{key(extension, self.tools)}{built.suffix}"
        if kept.exists() and self.tools and not self.force:
            built.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(kept, built)
            kept.touch()
            return
        built.unlink(missing_ok=True)  # setuptools compares timestamps, which know no flags
        super().build_extension(extension)
        keep(built.read_bytes(), kept)

    def use(self, clang):
        """Compile with another command than MSVC's, which setuptools takes without asking."""
        if not self.compiler.initialized:
            self.compiler.initialize()
        self.compiler.cc = clang
        for options in (self.compiler.compile_options, self.compiler.compile_options_debug):
            options[:] = [option for option in options if option != "/GL"]  # unknown to Clang

    def set_flags(self, extension, kind):
        compile_openmp, link_openmp = self.openmp(kind)
        optimise = ["-O3", "-g0", *FAST]
        if kind == "msvc":
            optimise = ["/O2"]
        elif kind == "clang-cl":
            fast = [f"/clang:{flag}" for flag in FAST]
            optimise = ["/O2", f"--target={target()[1]}-pc-windows-msvc", *fast]
        if SANITIZE:  # with lines in its reports; optimised more, it takes minutes to compile
            checks = [f"-fsanitize={SANITIZE}"]
            if SANITIZE == "undefined":
                checks.append("-fno-wrapv")  # with which Python is compiled: it hides overflows
                # no bytes copied from nowhere, where a net reads categories alone: since C2y that
                # is defined, and no compiler ever made anything else of it
                checks.append("-fno-sanitize=nonnull-attribute")
            optimise = ["-O1", "-g1", "-fno-omit-frame-pointer", *FAST[1:], *checks]
            link_openmp = [*link_openmp, *checks]
        extension.extra_compile_args = optimise + extension.extra_compile_args + compile_openmp
        extension.extra_link_args = [*(extension.extra_link_args or []), *link_openmp]

    def openmp(self, kind):
        """Compile and link flags that work here; two empty lists if none do."""
        if not hasattr(self, "_openmp"):
            if kind == "msvc":
                candidates = [(["/openmp"], [])]
            elif kind == "clang-cl":
                # Modules need libomp.dll when they are imported. Python looks for it in no folder
                # of PATH: what builds a wheel copies it, and asks for OpenMP.
                library = Path(clang_cl()).parent.parent / "lib"
                candidates = [(["/openmp"], ["libomp.lib", f"/LIBPATH:{library}"])]
                candidates *= os.environ.get("SKLSTM_OPENMP") == "1"
            else:
                candidates = [
                    (["-fopenmp"], ["-fopenmp"]),
                    (["-Xpreprocessor", "-fopenmp"], ["-lomp"]),
                ]
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


if __name__ == "__main__":
    setup(ext_modules=list(modules()), cmdclass={"build": FreshBuild, "build_ext": Build})
