"""Output of the benchmarks: Markdown tables, JSON files, and the machine."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import sklearn

import sklstm


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are aligned to the right."""
    lines = [list(head), *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(
        "| " + " | ".join([line[0].ljust(widths[0]), *_right(line[1:], widths[1:])]) + " |"
        for line in [lines[0], rule, *lines[1:]]
    )


def machine() -> str:
    """Processor, how many of them this process may use, and the versions that matter."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = ", ".join(
        f"{name} {version}"
        for name, version in (
            ("Python", platform.python_version()),
            ("NumPy", np.__version__),
            ("scikit-learn", sklearn.__version__),
            ("sklstm", sklstm.__version__),
        )
    )
    return f"{_processor()}, {cores} cores, {platform.system()}; {versions}"


def write_json(file: Path | None, content: dict[str, Any]) -> None:
    """Store the results beside the machine; nothing without a file."""
    if file is not None:
        text = json.dumps({"machine": machine()} | content, indent=1, ensure_ascii=False)
        file.write_text(text + "\n", encoding="utf-8")


def _right(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [cell.rjust(width) for cell, width in zip(cells, widths, strict=True)]


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
