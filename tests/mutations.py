"""Put faults into the package on purpose, and check that a test notices each of them.

    python tests/mutations.py                    # all faults, about 40 minutes on one core
    python tests/mutations.py rounds lock        # faults whose names start with these words
    python tests/mutations.py --quick            # run only the tests that should notice a fault
    python tests/mutations.py --check            # check the texts of all faults in a second

Each fault of `faults/` replaces a text in a copy of the checkout, which is rebuilt for the
instruction set of this machine. The tests that should notice it run first. If none does, the whole
suite runs. A test that also fails in an unchanged copy does not count.

The output has one line per fault with the first test that failed, and "SURVIVES" if none did. A
survivor needs a new test. The exit code is 1 if a fault survives, or if the text of a fault does
not occur exactly once in its file: then update `faults/`.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from faults import FAULTS, ROOT

TIMEOUT = 3600  # seconds; a test that hangs has noticed the fault
# without the test of the faults' texts, which notices every fault
WHOLE_SUITE = ("tests", "--ignore=tests/test_mutations.py")


def python(folder, *arguments, isa):
    """Run Python in a copy of the checkout, with its package and kernels of one instruction set."""
    environment = os.environ | {
        "PYTHONPATH": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",  # a file changed twice in a second looks unchanged
        "SKLSTM_BUILD": isa,
        "SKLSTM_ISA": isa,
    }
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


def copy_of_checkout(folder, isa):
    """The checkout, with the kernels of one instruction set alone."""

    def unwanted(path, names):
        if Path(path) == ROOT / "build":
            return [name for name in names if name != "kept"]
        kernels = [name for name in names if name.endswith(".so") and Path(path).name == "_kernels"]
        others = [name for name in kernels if f"_{isa}_" not in name]
        return [name for name in names if name in (".git", "__pycache__")] + others

    shutil.copytree(ROOT, folder, ignore=unwanted)
    build(folder, isa)
    where = python(folder, "-c", "import sklstm; print(sklstm.__file__)", isa=isa)
    assert Path(where.stdout.strip()).is_relative_to(folder), where


def build(folder, isa):
    done = python(folder, "setup.py", "build_ext", "--inplace", isa=isa)
    if done.returncode:
        raise ValueError(f"does not compile: {done.stderr[-2000:]}")


def failure(folder, tests, isa):
    """The first of these tests that fails, or how pytest ended; None if all pass."""
    options = ("-m", "pytest", "-x", "-q", "-rfE", "--tb=no", "-p", "no:cacheprovider")
    try:
        done = python(folder, *options, *tests, isa=isa)
    except subprocess.TimeoutExpired:
        return "it hangs"
    found = re.search(r"^(?:FAILED|ERROR) (tests/\S+?(?:\[.*?\])?)(?: - .*)?$", done.stdout, re.M)
    if done.returncode and not found:
        return f"pytest ended with {done.returncode}: {done.stdout[-300:]}{done.stderr[-300:]}"
    return found and found[1]


def run(fault, folder, isa, quick):
    """What notices a fault; None if nothing does."""
    kept = (folder / fault.file).read_text(encoding="utf-8")
    fault.apply(folder)
    try:
        build(folder, isa)  # also brings back the modules of the fault before
        first = [f"tests/{name}" for name in fault.tests.split()]
        noticed = failure(folder, first, isa)
        return noticed if noticed or quick else failure(folder, WHOLE_SUITE, isa)
    finally:
        (folder / fault.file).write_text(kept, encoding="utf-8")


def table(results):
    width = max(len(fault.name) for fault, _ in results)
    for fault, noticed in results:
        print(f"{fault.name:{width}}  {noticed or 'SURVIVES'}\n{'':{width}}  ({fault.what})")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="first letters of names of faults (default: all)"
    )
    parser.add_argument("--quick", action="store_true", help="do not run the whole suite")
    parser.add_argument("--check", action="store_true", help="only check the texts of the faults")
    options = parser.parse_args()
    chosen = [f for f in FAULTS if f.name.startswith(tuple(options.names) or "")]
    for fault in chosen:
        if (ROOT / fault.file).read_text(encoding="utf-8").count(fault.old) != 1:
            sys.exit(
                f"{fault.name}: its text must occur once in {fault.file}. Update tests/faults."
            )
    if options.check:
        return
    sys.path.insert(0, str(ROOT))
    from sklstm import _isa

    results = []
    with tempfile.TemporaryDirectory() as folder:
        changed, unchanged = Path(folder) / "changed", Path(folder) / "unchanged"
        copy_of_checkout(changed, _isa.name)
        copy_of_checkout(unchanged, _isa.name)
        for fault in chosen:
            start = time.monotonic()
            noticed = run(fault, changed, _isa.name, options.quick)
            print(f"{fault.name}, {time.monotonic() - start:.0f} s: {noticed}", flush=True)
            results.append((fault, noticed))
        tests = {noticed for _, noticed in results if noticed and noticed.startswith("tests/")}
        always = failure(unchanged, sorted(tests), _isa.name) if tests else None
    print()
    table(results)
    survivors = [fault.name for fault, noticed in results if noticed is None]
    print(f"\n{len(results) - len(survivors)} of {len(results)} faults were noticed.")
    if always:
        sys.exit(f"{always} also fails without a fault.")
    if survivors:
        sys.exit(f"Survivors, which need a test: {', '.join(survivors)}")


if __name__ == "__main__":
    main()
