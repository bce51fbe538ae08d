"""Scores in a JSON file with one line per fit, written after each fit.

Another run can continue the file after an interruption, also with another Python and other
packages. Only one run at a time may write it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.report import machine

Record = dict[str, Any]


class Results:
    """Records by what identifies them, such as task, system and seed.

    Parameters
    ----------
    keys : names of the fields that identify a record
    file : where they are kept; None keeps them in memory
    resume : whether to go on with a file that exists, which is an error otherwise
    """

    def __init__(self, keys: tuple[str, ...], file: Path | None = None, *, resume: bool = False):
        self.keys, self.file = keys, file
        self.machines: list[str] = []
        self._records: dict[tuple, Record] = {}
        if file is not None and file.exists():
            if not resume:
                raise FileExistsError(f"{file} exists: pass --resume to complete it.")
            stored = json.loads(file.read_text(encoding="utf-8"))
            self.machines = stored["machines"]
            self._records = {self._key(record): record for record in stored["fits"]}

    def __contains__(self, record: Record) -> bool:
        return self._key(record) in self._records

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records.values())

    def __len__(self) -> int:
        return len(self._records)

    def where(self, **fields: Any) -> list[Record]:
        """The records with these values."""
        return [r for r in self if all(r[name] == value for name, value in fields.items())]

    def add(self, record: Record) -> None:
        """Keep a record, also in the file: what is there is complete at any time."""
        self._records[self._key(record)] = record
        if machine() not in self.machines:
            self.machines.append(machine())
        if self.file is not None:
            beside = self.file.with_name(self.file.name + ".part")
            beside.write_text(self._text(), encoding="utf-8")
            os.replace(beside, self.file)

    def _key(self, record: Record) -> tuple:
        return tuple(record[name] for name in self.keys)

    def _text(self) -> str:
        fits = ",\n".join(json.dumps(record, ensure_ascii=False) for record in self)
        machines = json.dumps(self.machines, ensure_ascii=False)
        return f'{{"machines": {machines},\n"fits": [\n{fits}\n]}}\n'
