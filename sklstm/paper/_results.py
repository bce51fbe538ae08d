"""Trials, and the JSON file that stores each of them as soon as it has finished."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import count
from math import isfinite
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple
from warnings import warn

import numpy as np

from sklstm import _isa
from sklstm._files import only_process, write_file
from sklstm._locks import Lock
from sklstm._version import __version__
from sklstm.paper._fingerprint import fingerprint

FORMAT = 2  # of the file
# Columns of the file. "1997" has the paper's settings with any reading: the columns "printed" and
# "best" of the tables, and the search, are readings of it and share their trials. "lags" has the
# trials of a picture, with the system as reading.
STORED = ("1997", "today", "baseline", "continual", "lags")


class Group(NamedTuple):
    """Trials that differ in their seed only.

    Attributes
    ----------
    row : str
        Name of the row on the command line.
    column : str
        One of `STORED`.
    reading : str
        Changes of the column's settings, ``name=value,name=value``; "" if there are none.
    """

    row: str
    column: str
    reading: str = ""


@dataclass(frozen=True, kw_only=True)
class Result:
    """Trials of a row in one column, with the published figures: a line of a table.

    Attributes
    ----------
    experiment, row, column : str
    label : str, default=None
        Name of a system other than LSTM, as in the tables of docs/paper.md.
    reading : str, default=""
        Choices that differ from those of the column.
    published_sequences : int, float or str, or None
        Mean number of training sequences to success, or text; None if not published.
    published_success : float or None
        Fraction of successful trials.
    published_trials : int or None
    published : dict
        Other published figures.
    weights : int, str or None
        Number of weights; for other systems the published one.
    cap : int
        The lowest number of training sequences after which one of the trials has failed. If none
        has failed, the number after which it would have.
    wall_seconds : float
        Wall-clock time of the runs of these trials.
    summary : dict
        Result of `_report.summary`.
    verdict : str
        Words of `_verdict.verdict`.
    kind : str
        One of `_verdict.KINDS`.
    trials : list of dict
        "seed", "success", "sequences", "seconds", "cap", and other figures of each trial.
    """

    experiment: str
    row: str
    column: str
    label: str | None = None
    reading: str = ""
    published_sequences: float | str | None
    published_success: float | None
    published_trials: int | None
    published: dict[str, Any]
    weights: int | str | None
    cap: int
    wall_seconds: float
    summary: dict[str, Any]
    verdict: str
    kind: str
    trials: list[dict[str, Any]]


class Results:
    """Trials by `Group` and seed, and the file that stores them.

    The file is replaced in one step after each trial, so a process that is killed loses only the
    trials that it was running. Trials that another process has added meanwhile are kept, and of two
    trials with one seed the one with the higher cap. A file that has become unreadable is renamed.

    Parameters
    ----------
    path : Path or None, default=None
        None keeps the trials in memory.
    known : sequence of Results, default=()
        Files with more trials, which are not changed. Their trials are not run again.

    Attributes
    ----------
    runs : list of dict
        "row", "column", "reading", "cap", "seeds" of the trials, "wall_seconds", and the index of
        the "machine" of each run, in the order of their starts.
    machines : list of dict
    """

    def __init__(self, path: Path | None = None, known: Sequence[Results] = ()) -> None:
        self.path = path
        self.known = [*known]
        self.runs: list[dict[str, Any]] = []
        self.machines: list[dict[str, Any]] = []
        self._trials: dict[Group, dict[int, dict[str, Any]]] = {}
        self._lines: dict[tuple[Group, int], str] = {}  # of the file
        self._made: set[tuple[Group, int]] = set()  # by this process
        self._lock = Lock()
        self._seen: tuple[int, int] | None = None  # the file as this process knows it
        if path is not None and path.exists():
            self._merge()

    def groups(self) -> list[Group]:
        """Return the groups of the file in the order of their first trials."""
        return list(self._trials)

    def trials(self, group: Group) -> list[dict[str, Any]]:
        """Return all trials of a group in the order of their seeds."""
        found: dict[int, dict[str, Any]] = {}
        for trials in (
            self._trials.get(group, {}).values(),
            *(k.trials(group) for k in self.known),
        ):
            for trial in trials:
                seed = trial["seed"]
                if seed not in found or trial["cap"] > found[seed]["cap"]:
                    found[seed] = trial
        return [found[seed] for seed in sorted(found)]

    def find(self, group: Group, seed: int, cap: int) -> dict[str, Any] | None:
        """Return the stored trial that is the trial with this cap; None if there is none."""
        trial = self._trials.get(group, {}).get(seed)
        if trial is not None and answers(trial, cap):
            return trial
        found = (other.find(group, seed, cap) for other in self.known)
        return next((trial for trial in found if trial is not None), None)

    def seconds(self, group: Group, seeds: Iterable[int]) -> float:
        """Return the wall-clock time of the runs that have made some of these trials."""
        wanted = set(seeds)
        return sum(
            run["wall_seconds"]
            for run in self.runs
            if Group(run["row"], run["column"], run["reading"]) == group
            and wanted.intersection(run["seeds"])
        ) + sum(other.seconds(group, wanted) for other in self.known)

    def refuse_lower_cap(self, group: Group, seeds: Iterable[int], cap: int) -> None:
        """Raise a ValueError if trials with this cap would replace trials with a higher one."""
        known = self._trials.get(group, {})
        higher = [known[seed]["cap"] for seed in seeds if seed in known]
        higher = [other for other in higher if other > cap]
        if higher and not all(self.find(group, seed, cap) for seed in seeds if seed in known):
            raise ValueError(
                f"{self.path} has trials of {group.row} that ran for up to {max(higher):,} "
                f"sequences, and a cap of {cap:,} would replace them. Store these trials in "
                f"another file."
            )

    def begin(self, group: Group, cap: int) -> Callable[[dict[str, Any]], None]:
        """Start a run; return the function that stores a finished trial of it."""
        start = perf_counter()
        here = machine()
        started = datetime.now(UTC).isoformat()
        run = {**group._asdict(), "cap": cap, "seeds": [], "wall_seconds": 0.0, "started": started}

        def keep(trial: dict[str, Any]) -> None:
            with self._lock.now:
                if not run["seeds"]:
                    if here not in self.machines:
                        self.machines.append(here)
                    run["machine"] = self.machines.index(here)
                    self.runs.append(run)
                run["seeds"].append(trial["seed"])
                run["wall_seconds"] = round(perf_counter() - start, 1)
                self.put(group, trial | {"cap": cap})
                self._made.add((group, trial["seed"]))
                self.write()

        return keep

    def put(self, group: Group, trial: dict[str, Any]) -> None:
        """Store a trial, or replace the one with this seed, without writing the file."""
        trial = plain(trial)
        self._trials.setdefault(group, {})[trial["seed"]] = trial
        line = json.dumps(group._asdict() | trial, allow_nan=False)
        self._lines[group, trial["seed"]] = line

    def write(self) -> None:
        """Write the file, if there is one, with what another process has added to it."""
        if self.path is None:
            return
        with only_process(self.path):
            if self._stamp() not in (None, self._seen):
                self._merge_or_rename()
            self._replace()

    def _replace(self) -> None:
        parts = {
            "machines": [json.dumps(entry, allow_nan=False) for entry in self.machines],
            "runs": [json.dumps(entry, allow_nan=False) for entry in self.runs],
            "trials": self._lines.values(),
        }
        lists = ",\n".join(
            f'"{name}": [\n' + ",\n".join(lines) + "\n]" for name, lines in parts.items()
        )
        write_file(self.path, f'{{"format": {FORMAT},\n{lists}}}\n'.encode())
        self._seen = self._stamp()

    def _merge_or_rename(self) -> None:
        try:
            self._merge()
        except ValueError as error:  # somebody else has written something else
            broken = _unused(self.path, ".broken")
            self.path.replace(broken)
            warn(
                f"{error} It was renamed to {broken}, and {self.path} written again.", stacklevel=2
            )

    def _merge(self) -> None:
        """Add what the file has and this process does not know."""
        kept = read(self.path)
        numbers = {}
        for k, entry in enumerate(kept["machines"]):
            if entry not in self.machines:
                self.machines.append(entry)
            numbers[k] = self.machines.index(entry)
        known = {_start_of(run): run for run in self.runs}
        for run in kept["runs"]:
            run["machine"] = numbers[run["machine"]]
            mine = known.get(_start_of(run))
            if mine is None:
                self.runs.append(run)
            elif len(mine["seeds"]) < len(run["seeds"]):  # the other process has gone on
                mine.update(run)
        for trial in kept["trials"]:
            group = Group(*(trial.pop(name) for name in Group._fields))
            mine = self._trials.get(group, {}).get(trial["seed"])
            made = (group, trial["seed"]) in self._made
            if mine is None or trial["cap"] > mine["cap"] or not made:
                self.put(group, trial)
        self._seen = self._stamp()

    def _stamp(self) -> tuple[int, int] | None:
        with suppress(FileNotFoundError):
            found = self.path.stat()
            return found.st_mtime_ns, found.st_size
        return None


def answers(trial: dict[str, Any], cap: int) -> bool:
    """True if a trial with this cap would be the same. A success before both caps is."""
    early = trial["success"] and trial["sequences"] < min(cap, trial["cap"])
    return early or trial["cap"] == cap


def read(path: Path) -> dict[str, Any]:
    """Read a file of `Results`: "machines", "runs" and "trials".

    Raises
    ------
    ValueError
        If the file has another format, or a number that is not finite.
    """

    def refuse(name: str) -> float:
        raise ValueError(f"{path} has the number {name}, which is not JSON. Use null.")

    try:
        kept = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not a JSON file: {error}.") from None
    if not isinstance(kept, dict) or kept.get("format") != FORMAT:
        raise ValueError(
            f"{path} is not a file of trials in format {FORMAT}. Choose the name of another file."
        )
    if not all(_is_whole(name, kept.get(name), kept.get("machines")) for name in PARTS):
        raise ValueError(f"{path} is not complete: {', '.join(PARTS)} must be lists of objects.")
    return kept


GROUP = dict.fromkeys(Group._fields, str)
PARTS: dict[str, dict[str, type]] = {
    "machines": {},
    "runs": GROUP | {"cap": int, "seeds": list, "wall_seconds": float, "machine": int},
    "trials": GROUP | {"seed": int, "cap": int, "success": bool, "sequences": int},
}  # lists of a file, and what each of their entries has


def _is_whole(name: str, entries: Any, machines: Any) -> bool:
    if not isinstance(entries, list):
        return False
    there = all(isinstance(entry, dict) and _has(entry, PARTS[name]) for entry in entries)
    return there and (name != "runs" or all(e["machine"] in range(len(machines)) for e in entries))


def _has(entry: dict[str, Any], types: dict[str, type]) -> bool:
    return all(type(entry.get(name)) is kind for name, kind in types.items())


def _unused(path: Path, ending: str) -> Path:
    """Return a path in the same folder where there is no file."""
    names = (f"{path.name}{ending}{k or ''}" for k in count())
    return next(other for name in names if not (other := path.with_name(name)).exists())


def plain(trial: dict[str, Any]) -> dict[str, Any]:
    """Return a trial as JSON can store it.

    Numbers have five digits. One that is not finite becomes None, and "reasons" says what it was.
    Figures that are None (not reached, or not measured) are left out.
    """
    kept: dict[str, Any] = {}
    reasons = dict(trial.get("reasons", {}))
    for name, value in trial.items():
        value = value.item() if isinstance(value, np.generic) else value
        if isinstance(value, float) and not isfinite(value):
            reasons[name] = f"not finite: {value}"
            value = None
        elif value is None and name not in reasons:
            continue
        elif isinstance(value, float):
            value = float(f"{value:.5g}")
        if name != "reasons":
            kept[name] = value
    return kept | ({"reasons": reasons} if reasons else {})


def machine() -> dict[str, Any]:
    """Describe this machine."""
    versions = {"sklstm": __version__}
    versions |= {package: version(package) for package in ("numpy", "scipy", "scikit-learn")}
    return {
        "system": platform.system(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "instruction_set": _isa.name,
        "kernel": fingerprint(),
        "python": platform.python_version(),
        "versions": versions,
    }


def _start_of(run: dict[str, Any]) -> str:
    """Identify a run, to which trials are added."""
    about = [*(run[name] for name in Group._fields), run["cap"], run["seeds"][:1]]
    return json.dumps([*about, run.get("started")])


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
