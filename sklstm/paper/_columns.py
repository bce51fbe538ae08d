"""Cells of the tables: a row as printed, in a reading, or with today's settings; other systems."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from typing import Any

import joblib
from joblib import Parallel, delayed

from sklstm.paper import _changes
from sklstm.paper._nets import net_of
from sklstm.paper._plan import FIRST_SEED, best_reading, planned, planned_baseline
from sklstm.paper._readings import AS_PRINTED, Reading
from sklstm.paper._report import summary
from sklstm.paper._results import Group, Result, Results
from sklstm.paper._rows import ROWS, OtherRow, Row
from sklstm.paper._run import Keep, Progress, run_row
from sklstm.paper._today import Settings, run_today
from sklstm.paper._verdict import verdict

BASELINES = ("_recurrent_rows", "_cascade_rows", "_chunker_rows")  # modules with ROWS and run_row
# Trials in the order in which they finish, so that each is stored at once. joblib 1.3 cannot.
IN_TURN = "generator" if joblib.__version__.startswith("1.3") else "generator_unordered"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """Trials that fill a line of a table.

    Attributes
    ----------
    title : str
    group : Group
        The trials in the file. Several cells may share them.
    seeds : sequence of int
    cap : int
    run : callable
        Called with seeds, and with ``cap``, ``n_jobs``, ``progress`` and ``keep``.
    about : dict
        Fields of the `Result`.
    judge_cap : bool, default=True
        False if the source had the same cap.
    """

    title: str
    group: Group
    seeds: Sequence[int]
    cap: int
    run: Callable[..., Any]
    about: dict[str, Any] = field(default_factory=dict)
    judge_cap: bool = True


def complete(
    cell: Cell, results: Results, *, n_jobs: int = 1, progress: Progress | None = None
) -> Result:
    """Run the trials of a cell that are not stored yet, and return its result."""
    run_missing(cell, results, n_jobs=n_jobs, progress=progress)
    trials = (results.find(cell.group, seed, cell.cap) for seed in cell.seeds)
    return _result(cell, results, [trial for trial in trials if trial is not None])


def run_missing(
    cell: Cell, results: Results, *, n_jobs: int = 1, progress: Progress | None = None
) -> None:
    """Run and store the trials of a cell that are not stored yet."""
    results.refuse_lower_cap(cell.group, cell.seeds, cell.cap)
    missing = [seed for seed in cell.seeds if results.find(cell.group, seed, cell.cap) is None]
    if missing:
        keep = results.begin(cell.group, cell.cap)
        cell.run(missing, cap=cell.cap, n_jobs=n_jobs, progress=progress, keep=keep)


def result_of(cell: Cell, results: Results) -> Result | None:
    """Return the result of the stored trials of a cell, with any cap; None if there are none."""
    wanted = set(cell.seeds)
    trials = [trial for trial in results.trials(cell.group) if trial["seed"] in wanted]
    return _result(cell, results, trials) if trials else None


def _result(cell: Cell, results: Results, trials: list[dict[str, Any]]) -> Result:
    failed = [trial["cap"] for trial in trials if not trial["success"]]
    cap = min(failed, default=cell.cap)
    figures = summary(trials)
    about = dict(cell.about)
    weights = about.pop("weights", None)
    published = (about[f"published_{name}"] for name in ("sequences", "success", "trials"))
    found = verdict(figures, *published, cap=cap if cell.judge_cap else None)
    return Result(
        **about,
        reading=cell.group.reading,
        weights=trials[0].get("weights") if weights is None else weights,
        cap=cap,
        wall_seconds=round(results.seconds(cell.group, cell.seeds), 1),
        summary=figures,
        verdict=found.words,
        kind=found.kind,
        trials=trials,
    )


# ------------------------------------------------------------------------------------ LSTM


def column_cell(
    row: Row,
    column: str,
    *,
    reading: Reading | None = None,
    n_trials: int | None = None,
    seed: int = 0,
    cap: int | None = None,
    quick: bool = False,
) -> Cell:
    """Return the cell of a row in a column.

    Parameters
    ----------
    row : Row
    column : {"printed", "best", "today"}
    reading : Reading or None, default=None
        Replaces the reading of the columns "printed" and "best". The trials are stored under this
        reading, beside those of the columns.
    n_trials, cap : int or None, default=None
        None is the number of the plan.
    seed : int, default=0
        Added to the seeds of the plan.
    quick : bool, default=False
        If True, use the quick plan.
    """
    n, most = planned(row, column, quick=quick)
    as_printed = column == "best" and best_reading(row) == AS_PRINTED  # nothing was chosen
    first = FIRST_SEED["printed" if as_printed else column] + seed
    n = n if n_trials is None else n_trials
    about = {
        "experiment": row.experiment,
        "row": row.name,
        "column": column,
        "published_sequences": row.sequences,
        "published_success": row.success,
        "published_trials": row.n_trials,
        "published": row.published,
    }
    common = {"seeds": range(first, first + n), "cap": most if cap is None else cap}
    if column == "today":
        return today_cell(row, "", about=about, **common)
    named = {"printed": AS_PRINTED, "best": best_reading(row)}[column]
    if reading is None or reading == named:
        reading = named
    else:
        about["column"] = reading.words() or "as printed"
    return Cell(
        title=f"{row.name}, {about['column']}",
        group=Group(row.name, "1997", reading.words()),
        run=partial(_run_lstm, row, reading),
        about=about | {"weights": net_of(row, reading).n_weights},
        **common,
    )


def _run_lstm(row: Row, reading: Reading, seeds: Sequence[int], **how: Any) -> None:
    run_row(row, reading, seeds=seeds, **how)


def today_parameters(row: Row) -> dict[str, Any]:
    """Return the settings of a row for the column "today", which has its own learning rates."""
    if row.experiment == "1":
        return {"blocks": row.net.blocks, "cells": row.net.cells}
    return dict(row.columns)


def today_cell(row: Row, changes: str, *, about: dict[str, Any], **common: Any) -> Cell:
    """Return the cell of a row with today's settings, or with changes of them."""
    same = [other for other in ROWS if other.experiment == row.experiment]
    # rows that differ only in the paper's learning rate share their trials
    shared = next(other for other in same if today_parameters(other) == today_parameters(row))
    settings = replace(Settings(), **_changes.parse(changes, vars(Settings())))
    trial = delayed(run_today)

    def run(seeds: Sequence[int], *, cap: int, **how: Any) -> None:
        parameters = today_parameters(row)
        in_processes(
            (trial(row.experiment, parameters, seed, cap, settings=settings) for seed in seeds),
            **how,
        )

    group = Group(shared.name, "today", changes)
    about = about | {"column": changes or "today"}
    title = f"{row.name}, today" + (f", {changes}" if changes else "")
    return Cell(title=title, group=group, run=run, about=about, **common)


# -------------------------------------------------------------------------- the other systems


def baseline_rows() -> dict[str, tuple[OtherRow, Callable[..., dict[str, Any]]]]:
    """Return the rows of the other systems by name, with the function that runs a trial."""
    rows = {}
    for module in (import_module(f"sklstm.paper.{name}") for name in BASELINES):
        rows |= {name: (row, module.run_row) for name, row in module.ROWS.items()}
    return rows


def baseline_cell(
    name: str,
    changes: str = "",
    *,
    n_trials: int | None = None,
    seed: int = 0,
    cap: int | None = None,
    quick: bool = False,
) -> Cell:
    """Return the cell of a row of another system; ``name`` is a key of `baseline_rows`.

    ``changes`` replace settings of the row.
    """
    row, run_trial = baseline_rows()[name]
    n, most = planned_baseline(row, quick=quick)
    first = FIRST_SEED["baseline"] + seed

    def run(seeds: Sequence[int], *, cap: int, **how: Any) -> None:
        more = {"changes": changes} if changes else {}
        in_processes((delayed(run_trial)(name, seed, cap, **more) for seed in seeds), **how)

    return Cell(
        title=name + (f", {changes}" if changes else ""),
        group=Group(name, "baseline", changes),
        seeds=range(first, first + (n if n_trials is None else n_trials)),
        cap=most if cap is None else cap,
        run=run,
        about={
            "experiment": row.experiment,
            "row": name,
            "column": changes or "baseline",
            "label": row.label,
            "weights": row.weights,
            "published_sequences": row.sequences,
            "published_success": None if isinstance(row.success, str) else row.success / 100,
            "published_trials": row.n_trials,
            "published": {},
        },
    )


# ------------------------------------------------------------------------------------ parts


def in_processes(
    jobs: Iterable[Any], *, n_jobs: int, progress: Progress | None, keep: Keep
) -> None:
    """Run trials in processes, and keep and report each one that has finished."""
    for trial in Parallel(n_jobs=n_jobs, return_as=IN_TURN)(jobs):
        keep(trial)
        if progress is not None:
            progress(trial["seed"], trial | {"finished": True})


def run_column(
    row: Row,
    column: str,
    *,
    results: Results | None = None,
    n_jobs: int = 1,
    progress: Progress | None = None,
    **settings: Any,
) -> Result:
    """Run one row of one column; ``settings`` are those of `column_cell`."""
    cell = column_cell(row, column, **settings)
    return complete(cell, results or Results(), n_jobs=n_jobs, progress=progress)


def run_baseline(name: str, *, n_jobs: int = 1, **settings: Any) -> Result:
    """Run one row of another system; ``settings`` are those of `baseline_cell`."""
    return complete(baseline_cell(name, **settings), Results(), n_jobs=n_jobs)
