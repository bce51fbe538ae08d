"""Size of an install: disk space of sklstm and its peers, each with everything that it needs.

Only installed packages are listed. Extras and compiled caches do not count. Install sklstm from a
wheel, because an editable install contains no files.
"""

from __future__ import annotations

import json
import re
from argparse import ArgumentParser
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from benchmarks.report import machine, table, write_json

PEERS = ("sklstm", "torch", "tensorflow", "jax", "keras", "aeon", "onnxruntime")
MEGABYTE = 1e6
NEEDED = re.compile(r"\s*([\w.-]+)\s*(?:\[([^]]*)\])?")  # name[extra, extra]
EXTRA = re.compile(r"""extra\s*==\s*["']([^"']+)""")
SPLIT = re.compile(r"\s*,\s*")


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
    for name in options.packages:
        if installed(name) is None and name not in PEERS:
            parser.error(f"{name} is not installed. Run pip install {name}")
        if editable(name):
            parser.error(
                f"{name} is an editable install, which contains no files. Run "
                f"'pip install PATH' without -e, in an environment of its own"
            )
    found = {name: sizes(name) for name in options.packages if installed(name) is not None}
    for name in options.packages:
        if name not in found:
            print(f"Skipped {name}: it is not installed.")
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


def editable(name: str) -> bool:
    """True if the files of a package are those of a checkout (PEP 610)."""
    found = installed(name)
    origin = json.loads((found and found.read_text("direct_url.json")) or "{}")
    return bool(origin.get("dir_info", {}).get("editable"))


def sizes(name: str) -> dict[str, int | list[str]]:
    """Bytes of a package, and of it with everything that it needs; and what that is."""
    everything = sorted(closure(name))
    return {
        "own": size_of(name),
        "all": sum(map(size_of, everything)),
        "packages": everything,
    }


def closure(name: str) -> set[str]:
    """A package and everything that it needs, with the extras that requirements ask for."""
    seen: set[tuple[str, str]] = set()
    left = [(normal(name), "")]
    while left:
        package, extra = left.pop()
        found = installed(package)
        if found is None or (package, extra) in seen:
            continue
        seen.add((package, extra))
        for requirement in found.requires or []:
            needed, _, condition = requirement.partition(";")
            asked = EXTRA.search(condition)
            if normal(asked[1] if asked else "") == extra:
                needs, extras = NEEDED.match(needed).groups()
                left += [(normal(needs), normal(more)) for more in ("", *SPLIT.split(extras or ""))]
    return {package for package, _ in seen}


def normal(name: str) -> str:
    """The name that all spellings of a package share (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def size_of(name: str) -> int:
    """Bytes of the files of a package, without compiled Python."""
    found = distribution(name)
    files = [Path(found.locate_file(file)) for file in found.files or []]
    return sum(file.stat().st_size for file in files if file.suffix != ".pyc" and file.exists())
