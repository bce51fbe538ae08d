"""Build the kernels with a sanitizer of gcc, and run tests or tests/fuzz on them.

    python tests/sanitized.py address short        # some tests, 30 seconds of fuzzing: minutes
    python tests/sanitized.py address              # all tests of kernels: an hour
    python tests/sanitized.py undefined
    python tests/sanitized.py address fuzz --seconds 3600 --seed 1

It needs gcc on Linux. The kernels of one instruction set are built in a temporary folder, and the
checkout stays unchanged. Options that are not listed below are passed to pytest or tests.fuzz.

The output ends with the reports of the sanitizer, their number, and the exit codes of the tests.
The exit code is 0 if there is no report and all tests pass.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
COPIED = ("conftest.py", "pyproject.toml", "setup.py", "tests", "sklstm")

KERNELS = (
    "cell every_cell edges teams spans pooling dropout symbols units wider memory_order "
    "reference kept_sessions optimizers threads addresses"
)
REST = (
    "kernel_arguments stream stream_edges stream_blocks trials baselines_cascade baselines_chunker "
    "baselines_guessing baselines_recurrent bad_input bad_values persistence categories "
    "arrow_structs"
)
SHORT = (
    "kernel_arguments stream_edges symbols baselines_cascade baselines_chunker persistence "
    "arrow_structs addresses"
)
THREADS = "snapshots threads kept_sessions"  # tests with several Python threads
# Tests that compare times, or start processes with their own environment.
LEFT_OUT = "not (time or fork or interrupt or isa or subprocess)"

# Thread sanitizer sees locks and barriers of libgomp only if libgomp itself was built with it: no
# distribution does so. Without that, all memory that goes from one thread to another by way of a
# barrier looks like a race. So races are looked for on one OpenMP thread and several of Python's.
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
SUPPRESSIONS = """\
# the barriers and pools of threads of OpenMP, and of OpenBLAS in NumPy and SciPy: not built with
# thread sanitizer, which takes what they order for races
race:libgomp
race:openblas
"""


def folder_with_kernels(folder: Path, sanitizer: str, isa: str) -> None:
    """Package, tests and watched kernels in a folder."""
    skipped = shutil.ignore_patterns("*.so", "__pycache__", ".hypothesis")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=skipped)
        else:
            shutil.copy(source, folder / name)
    command = [sys.executable, "setup.py", "-q", "build_ext", "--build-lib", str(folder)]
    chosen = {"SKLSTM_SANITIZE": sanitizer, "SKLSTM_BUILD": isa}
    with tempfile.TemporaryDirectory() as objects:
        command += ["--build-temp", objects]
        subprocess.run(command, cwd=ROOT, env=os.environ | chosen, check=True)


def library(name: str) -> str:
    """Path of a library of the compiler."""
    command = ["gcc", f"-print-file-name={name}"]
    path = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    if not Path(path).is_absolute():
        raise SystemExit(f"gcc has no {name}.")
    return path


def environment(folder: Path, sanitizer: str, isa: str) -> dict[str, str]:
    """What Python needs to load such kernels, and where reports go."""
    reports = folder / "reports"
    reports.mkdir()
    found = {
        "PYTHONPATH": str(folder),
        "SKLSTM_ISA": isa,
        "OMP_WAIT_POLICY": "passive",
        "PYTHONMALLOC": "malloc",  # else what lies in bytes objects is in one large block
    }
    if sanitizer == "address":
        # Python and NumPy keep much until they end, and call it no leak: detect_leaks=0. Memory
        # that there is not must be NULL for malloc, as it is without a sanitizer; so must be more
        # than any of these small models needs.
        found["ASAN_OPTIONS"] = (
            f"detect_leaks=0:allocator_may_return_null=1:max_allocation_size_mb=512:"
            f"log_path={reports}/asan"
        )
        # the C++ library, so that exceptions in libraries of others find their way
        found["LD_PRELOAD"] = f"{library('libasan.so')} {library('libstdc++.so.6')}"
    elif sanitizer == "undefined":
        found["UBSAN_OPTIONS"] = f"print_stacktrace=1:log_path={reports}/ubsan"
    else:
        suppressions = folder / "suppressions"
        suppressions.write_text(SUPPRESSIONS)
        found |= ONE_THREAD
        found["TSAN_OPTIONS"] = (
            f"suppressions={suppressions}:ignore_noninstrumented_modules=1:log_path={reports}/tsan"
        )
        found["LD_PRELOAD"] = library("libtsan.so")
    return os.environ | found


def commands(sanitizer: str, what: str, rest: list[str]) -> list[list[str]]:
    """What Python is to run: modules and their arguments."""
    hunt = ["tests.fuzz", *(rest or ["--seconds", "30"])]
    if what == "fuzz":
        return [hunt]
    words = SHORT if what == "short" else f"{KERNELS} {REST}"
    if sanitizer == "thread":
        words = THREADS
    files = [f"tests/test_{word}.py" for word in words.split()]
    tests = ["pytest", "-q", "-p", "no:cacheprovider", "-k", LEFT_OUT, *files]
    hunts = what == "short" and sanitizer != "thread"
    return [tests, hunt] if hunts else [[*tests, *rest]]


def findings(folder: Path) -> list[str]:
    """Reports of the sanitizer, one for each error."""
    signs = ("ERROR: AddressSanitizer", "runtime error:", "WARNING: ThreadSanitizer")
    found = []
    for report in sorted((folder / "reports").iterdir()):
        lines = report.read_text(errors="replace").splitlines()
        at = [k for k, line in enumerate(lines) if any(sign in line for sign in signs)]
        found += ["\n".join(lines[k : k + 25]) for k in at]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "sanitizer", choices=["address", "undefined", "thread"], help="kind of errors"
    )
    parser.add_argument(
        "what",
        nargs="?",
        default="tests",
        choices=["tests", "short", "fuzz"],
        help="what to run (default: tests)",
    )
    parser.add_argument("--isa", default="baseline", help="instruction set (default: baseline)")
    options, rest = parser.parse_known_args()
    with tempfile.TemporaryDirectory(prefix="sklstm-") as name:
        folder = Path(name)
        folder_with_kernels(folder, options.sanitizer, options.isa)
        env = environment(folder, options.sanitizer, options.isa)
        codes = [
            subprocess.run([sys.executable, "-m", *command], cwd=folder, env=env).returncode
            for command in commands(options.sanitizer, options.what, rest)
        ]
        found = findings(folder)
    for report in found[:20]:
        print(report, end="\n\n")
    ended = ", ".join(map(str, codes))
    print(f"{options.sanitizer} sanitizer: {len(found)} findings, exit codes {ended}")
    return max(map(abs, codes)) or bool(found)


if __name__ == "__main__":
    sys.exit(main())
