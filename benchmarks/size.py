"""Size of an install: disk space of sklstm and its peers, each with everything that it needs.

Only installed packages are listed. Extras and compiled caches do not count. Install sklstm from a
wheel, because an editable install contains no files.
"""

from __future__ import annotations

import re
from argparse import ArgumentParser
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from benchmarks.report import machine, table, write_json

PEERS = ("sklstm", "torch", "tensorflow", "jax", "keras", "aeon", "onnxruntime")
MEGABYTE = 1e6


def main(argv: list[str]) -> None:
    parser = ArgumentParser(prog="python -m benchmarks size", description=__doc__)
    parser.add_argument(
        "packages",
        nargs="*",
        default=[*PEERS],
        metavar="PACKAGE",
        help="packages to measure (default: sklstm and peers)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the sizes to this file")
    options = parser.parse_args(argv)
    found = {name: sizes(name) for name in options.packages if installed(name) is not None}
    write_json(options.json, {"sizes": found})
    print(machine())
    rows = [
        [f"{name} {distribution(name).version}", *(f"{size / MEGABYTE:,.1f}" for size in row)]
        for name, row in ((name, (row["own"], row["all"])) for name, row in found.items())
    ]
    print(table(["package", "MB", "MB with all that it needs"], rows))


def installed(name: str) -> Distribution | None:
    """The installed distribution of a package, or None."""
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def sizes(name: str) -> dict[str, int | list[str]]:
    """Bytes of a package, and of it with everything that it needs; and what that is."""
    everything = sorted(closure(name))
    return {
        "own": size_of(name),
        "all": sum(map(size_of, everything)),
        "packages": everything,
    }


def closure(name: str, seen: frozenset[str] = frozenset()) -> frozenset[str]:
    """A package and everything that it needs; requirements of extras are not needed."""
    found = installed(name)
    if found is None or normal(name) in seen:
        return seen
    seen |= {normal(name)}
    for requirement in found.requires or []:
        needed, _, condition = requirement.partition(";")
        if "extra ==" not in condition:
            seen = closure(re.match(r"[\w.-]+", needed)[0], seen)
    return seen


def normal(name: str) -> str:
    """The name that all spellings of a package share (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def size_of(name: str) -> int:
    """Bytes of the files of a package, without compiled Python."""
    found = distribution(name)
    files = [Path(found.locate_file(file)) for file in found.files or []]
    return sum(file.stat().st_size for file in files if file.suffix != ".pyc" and file.exists())
