"""Convert results that were stored by whole rows: ``python docs/migrate_paper_results.py OLD NEW``.

The old files have one object per row and column, with all its trials and the seconds of the whole
row. The new ones have one line per trial, see ``sklstm.paper._results``. All trials are converted.
Seconds of rows become runs. Rows that were copies of others (today's rows of experiment 1 that
differ only in the paper's rate, and best readings that are the ones as printed) are converted once.
A cap of null becomes the default of its time.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from sklstm.paper._columns import column_cell
from sklstm.paper._continual import SYSTEMS
from sklstm.paper._plan import CAP_TODAY
from sklstm.paper._readings import AS_PRINTED
from sklstm.paper._results import Group, Results
from sklstm.paper._rows import ROWS


def main(old: str, new: str) -> None:
    kept = json.loads(Path(old).read_text(encoding="utf-8"))
    results = Results()
    results.machines = [kept["machine"]]
    for trial in kept.get("trials", []):  # of docs/paper_lags.json, which has no seconds of rows
        family, lag = trial.pop("family"), trial.pop("lag")
        results.put(Group(f"{family}, lag {lag}", "lags", trial.pop("system")), trial)
    rows = kept.get("rows", [])
    for line in rows:
        group = group_of(line)
        if group in results.groups():
            check_copy(results.trials(group), line)
            continue
        cap = line["cap"] or CAP_TODAY
        for trial in line["trials"]:
            results.put(group, trial | {"cap": cap})
        run = {**group._asdict(), "cap": cap, "seeds": [t["seed"] for t in line["trials"]]}
        results.runs.append(run | {"wall_seconds": line["wall_seconds"], "machine": 0})
    results.path = Path(new)
    results.write()
    n = sum(len(line["trials"]) for line in rows) + len(kept.get("trials", []))
    different = sum(len(results.trials(group)) for group in results.groups())
    print(f"{len(rows)} rows, {n} trials: {different} different ones")


def group_of(line: dict[str, Any]) -> Group:
    column = line["column"]
    if column == "today":
        (row,) = (row for row in ROWS if row.name == line["row"])
        return column_cell(row, "today").group
    if column in ("baseline", "continual"):
        assert column == "baseline" or line["row"].removeprefix("crg: ") in SYSTEMS
        return Group(line["row"], column)
    reading = AS_PRINTED.__class__(**line["reading"])
    return Group(line["row"], "1997", reading.words())


def check_copy(trials: list[dict[str, Any]], line: dict[str, Any]) -> None:
    """Raise an AssertionError if a line is not a copy of the trials of its group."""
    seeds = [trial["seed"] for trial in trials]
    assert [trial["seed"] for trial in line["trials"]] == seeds, line["row"]
    for trial, copy in zip(trials, line["trials"], strict=True):
        assert all(trial.get(name) == copy[name] for name in copy if copy[name] is not None)


if __name__ == "__main__":
    main(*sys.argv[1:])
