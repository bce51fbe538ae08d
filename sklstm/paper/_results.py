"""Results, and the JSON file that stores them with every trial."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from sklstm import _isa
from sklstm._files import write_file


@dataclass(frozen=True, kw_only=True)
class Result:
    """Result of a row in one column, with the published figures: a line of the file.

    Attributes
    ----------
    experiment, row, column : str
        Key of the result: there is one per row and column.
    label : str, default=None
        Name of a system other than LSTM, as in the tables of docs/paper.md.
    reading : dict, default={}
        Choices that differ from "as printed".
    published_sequences : int, float or str, or None
        Mean number of training sequences to success, or text; None if not published.
    published_success : float or None
        Fraction of successful trials.
    published_trials : int or None
    published : dict
        Other published figures.
    weights : int, str or None
        Number of weights; for other systems the published one.
    cap : int or None
        Training sequences after which a trial fails. None is the default of the column.
    cap_published : int, default=None
        Default cap of the row of another system.
    wall_seconds : float
    summary : dict
        Result of `_report.summary`.
    verdict : str
        Result of `_report.verdict`.
    trials : list of dict
        "seed", "success", "sequences", "seconds", and other figures of each trial.
    """

    experiment: str
    row: str
    column: str
    label: str | None = None
    reading: dict[str, Any] = field(default_factory=dict)
    published_sequences: float | str | None
    published_success: float | None
    published_trials: int | None
    published: dict[str, Any]
    weights: int | str | None
    cap: int | None
    cap_published: int | None = None
    wall_seconds: float
    summary: dict[str, Any]
    verdict: str
    trials: list[dict[str, Any]]

    @property
    def key(self) -> tuple[str, str]:
        return self.row, self.column


class Results:
    """Results, and the file that stores them.

    A new result replaces the one of the same row and column. The file is written after each result.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.results = read(path)[0] if path is not None and path.exists() else []

    def find(self, row: str, column: str) -> Result | None:
        """Return the result of a row and a column; None if there is none."""
        return next((known for known in self.results if known.key == (row, column)), None)

    def add(self, results: Iterable[Result]) -> None:
        for result in results:
            self.results = [old for old in self.results if old.key != result.key] + [result]
        if self.path is None:
            return
        lines = ",\n".join(json.dumps(vars(result)) for result in self.results)
        text = f'{{"rows": [\n{lines}\n],\n"machine": {json.dumps(machine())}}}\n'
        write_file(self.path, text.encode())


def read(path: Path) -> tuple[list[Result], dict[str, Any]]:
    """Read results from a file, and the machine that they were measured on."""
    kept = json.loads(path.read_text(encoding="utf-8"))
    return [Result(**line) for line in kept["rows"]], kept["machine"]


def machine() -> dict[str, Any]:
    """Describe this machine."""
    versions = {}
    for package in ("sklstm", "numpy", "scipy", "scikit-learn"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:  # running from a checkout
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
