"""Results with every trial in a JSON file, so that nothing has to be taken on trust."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from sklstm import _isa


class Results:
    """Results, and the file that they are kept in.

    One of the same row and column is replaced; others stay. The file is written after every one.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.results: list[dict[str, Any]] = []
        if path is not None and path.exists():
            self.results = json.loads(path.read_text())["rows"]

    def find(self, row: str, column: str) -> dict[str, Any] | None:
        """The result of a row and a column, if it is there."""
        return next((known for known in self.results if key(known) == (row, column)), None)

    def add(self, results: Iterable[dict[str, Any]]) -> None:
        for result in results:
            self.results = [old for old in self.results if key(old) != key(result)] + [result]
        if self.path is None:
            return
        lines = ",\n".join(json.dumps(result) for result in self.results)
        text = f'{{"rows": [\n{lines}\n],\n"machine": {json.dumps(machine())}}}\n'
        beside = self.path.with_suffix(".part")
        beside.write_text(text)
        os.replace(beside, self.path)


def key(result: dict[str, Any]) -> tuple[str, str]:
    return result["row"], result["column"]


def machine() -> dict[str, Any]:
    """What the experiments ran on."""
    versions = {}
    for package in ("sklstm", "numpy", "scipy", "scikit-learn"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:  # a checkout that was not installed
            continue
    return {
        "system": platform.system(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "instruction_set": _isa.name,
        "python": platform.python_version(),
        "versions": versions,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
