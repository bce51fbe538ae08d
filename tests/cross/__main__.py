"""Compile the C of every module for other machines, and look for vectors in the products.

    python -m tests.cross               all targets: some three minutes on two cores
    python -m tests.cross short         two of them
    python -m tests.cross wasm32 ...    those that are named

The compiler is Clang in the PyPI package ziglang, which brings headers of every system; it is
installed in a temporary environment together with Cython. Each target is compiled in one precision
(`targets.py`), with the flags of setup.py. Nothing is linked or run: `.ci/aarch64` does that for
one target. A table says what was found; the exit status is 1 if any target failed.

The compiler writes assembly, in which the products are looked at, and makes the object from it.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
import tomllib
import venv
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from runpy import run_path

ROOT = Path(__file__).resolve().parent.parent.parent
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from tests.cross.headers import write_headers  # noqa: E402
from tests.cross.targets import SHORT, TARGETS, Target  # noqa: E402

ZIGLANG = "ziglang==0.17.1"
WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wno-unused-command-line-argument",  # zig passes -c beside -S
    # of what Cython writes:
    "-Wno-unused-parameter",  # every function takes its module and all arguments of its type
    "-Wno-unused-but-set-variable",  # names of keyword arguments, where there are none
    "-Wno-unused-function",  # its own helpers, and inline functions of headers
]
# A program of the headers alone has to do with all of them, without an exception for Cython.
OWN_WARNINGS = WARNINGS[:4]
OWN = """
#include "gate.h"
#include "threads.h"
#include "tiles.h"
int own(int n, gate_t *gate, real *x);
int own(int n, gate_t *gate, real *x) {
    float_mode mode = flush_denormals();
    gate_enter(gate);
    gate_leave(gate);
    store(x, sigmoid(vtanh(load(x))));
    restore_float_mode(mode);
    return sklstm_seconds() > 0 ? sklstm_threads_here(n) : SUMS_AT_ONCE;
}
"""
PRODUCT = re.compile(r"_?(units_tile_(\d+)_(\d+)_\d+|gradient_units_tile_of):")
END = re.compile(r"-- End function|\.cfi_endproc|\.seh_endproc|end_function")
WITH_PRODUCTS = "sklstm._cell"  # the others inline theirs: any vectors will do


class Failed(Exception):
    """What is wrong with a module on a target."""


def installed(folder: Path) -> str:
    """A Python with Cython, setuptools and zig."""
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = [*project["build-system"]["requires"], ZIGLANG]
    subprocess.run([python, "-m", "pip", "install", "-q", *needed], check=True)
    return str(python)


def generated() -> tuple[dict[str, Path], dict]:
    """The C file of every module, from setup.py, which makes it where it is not kept; setup.py."""
    os.chdir(ROOT)
    os.environ["SKLSTM_BUILD"] = "portable"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of setuptools, about itself
        setup = run_path("setup.py", run_name="setup")
        files = {}
        for extension in setup["modules"]():
            source = ROOT / extension.depends[0]
            files[source.name.rpartition("-")[0]] = source
    return files, setup


def compile_module(name: str, source: Path, target: Target, setup: dict, folder: Path) -> int:
    """Write assembly and object; return how many products are vectors throughout."""
    is_kernel = name in setup["KERNELS"] or name == "own"
    if not is_kernel:
        macros = ["SKLSTM_SCALAR"]
    else:
        precisions = setup["KERNELS"].get(name, ["f32", "f64"])
        precision = target.precision if target.precision in precisions else precisions[0]
        macros = setup["BUILDS"]["PRECISIONS"][precision][1]
    flags = setup["BUILDS"]["flags"](target.instruction_set, target.machine) if is_kernel else ()
    assembly, built = folder / f"{name}.s", folder / f"{name}.o"
    include = ROOT / "sklstm" / "_kernels"
    zig = [sys.executable, "-m", "ziglang", "cc", "-target", target.triple]
    command = [*zig, "-S", "-std=gnu11", "-O3", "-g0", *setup["FAST"], *target.flags]
    command += [*flags, *(OWN_WARNINGS if name == "own" else WARNINGS)]
    command += [f"-I{path}" for path in (*target.include, include)]
    command += [f"-isystem{path}" for path in target.system_include]
    command += [f"-D{macro}" for macro in macros]
    run([*command, "-o", str(assembly), str(source)])
    quiet = "-Wno-unused-command-line-argument"
    run([*zig, "-c", quiet, *flags, str(assembly), "-o", str(built)])
    if not target.is_object(built.read_bytes()[:8]):
        raise Failed("the object is for another machine")
    text = assembly.read_text()
    if is_kernel and not target.vector.search(text):
        raise Failed("no vectors in the assembly")
    found = products(text, target) if name == WITH_PRODUCTS else 0
    if name == WITH_PRODUCTS and found == 0:
        raise Failed("no products in the assembly")
    return found


def run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if re.search("error|warning", line)]
        raise Failed("\n".join(lines[:10]) or done.stderr[-2000:])


def products(assembly: str, target: Target) -> int:
    """How many functions of tiles.h there are; all multiply vectors as wide as the machine's."""
    inside, vectors, scalars, count = None, 0, 0, 0
    begun = 0
    for line in assembly.splitlines():
        start = PRODUCT.match(line)
        if start:
            inside, vectors, scalars, begun = start, 0, 0, begun + 1
        elif inside and END.search(line):
            # every sum of a tile is an instruction of its own: V vectors for each of Q sequences
            least = int(inside[2]) * int(inside[3]) if inside[2] else 1
            if scalars or vectors < least:
                raise Failed(f"{inside[1]}: {vectors} vector and {scalars} scalar multiplications")
            inside, count = None, count + 1
        elif inside:
            vectors += bool(target.vector.search(line))
            scalars += bool(target.scalar.search(line))
    if begun != count:
        raise Failed(f"the ends of {begun - count} products are not where this looks for them")
    return count


def inside(names: list[str]) -> int:
    """Compile for targets; zig and Cython are installed."""
    began = time.monotonic()
    files, setup = generated()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        os.environ |= {
            "ZIG_GLOBAL_CACHE_DIR": str(folder / "zig"),
            "ZIG_LOCAL_CACHE_DIR": str(folder / "zig"),
        }
        own = folder / "own.c"
        own.write_text(OWN)
        jobs = {}
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for name in names:
                target, out = TARGETS[name], folder / name
                out.mkdir()
                target.include, target.system_include = write_headers(target, folder)
                for module, source in ({"own": own} | files).items():
                    jobs[name, module] = pool.submit(
                        compile_module, module, source, target, setup, out
                    )
        print("| target | instructions | precision | modules | products in vectors | result |")
        print("|---|---|---|---|---|---|")
        failed = False
        for name in names:
            target, found, wrong = TARGETS[name], 0, []
            for module in ("own", *files):
                try:
                    found += jobs[name, module].result()
                except Failed as error:
                    wrong.append(f"{module}: {error}")
            failed = failed or bool(wrong)
            result = "failed" if wrong else "no warning"
            row = (name, target.instruction_set, target.precision, len(files), found, result)
            print(f"| {' | '.join(map(str, row))} |", flush=True)
            print(*wrong, sep="\n", end="\n" * bool(wrong))
    print(f"{time.monotonic() - began:.0f} seconds")
    return int(failed)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("targets", nargs="*", help=f"'short' or any of {', '.join(TARGETS)}")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    names = arguments.targets or list(TARGETS)
    if names == ["short"]:
        names = SHORT
    unknown = set(names) - set(TARGETS)
    if unknown:
        parser.error(f"no target {', '.join(sorted(unknown))}: there are {', '.join(TARGETS)}.")
    if arguments.inside:
        return inside(names)
    with tempfile.TemporaryDirectory() as place:
        command = [installed(Path(place)), str(Path(__file__)), "--inside", *names]
        return subprocess.run(command, cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
