"""Run a row as printed, in its best reading or with today's settings; rows of other systems."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from time import perf_counter
from typing import Any

from joblib import Parallel, delayed

from sklstm.paper._nets import net_of
from sklstm.paper._readings import AS_PRINTED, Reading
from sklstm.paper._report import summary, verdict
from sklstm.paper._results import Result
from sklstm.paper._rows import OtherRow, Row
from sklstm.paper._run import Progress, run_row
from sklstm.paper._today import run_today

COLUMNS = ("printed", "best", "today")

# The reading that came closest to the published figures (see the search in docs/paper.md). Choices
# that are not listed are as printed.
BEST = {
    "1": "update=step,biased_outputs=yes",
    "2a": "plain_error=yes,centred=yes",
    "2b": "plain_error=yes,centred=yes",
    "2c": "feedback=none",
    "3a": "check=10000",
    "3b": "check=10000",
    "3c": "check=10000",
    "4": "first_pair=marked,plain_error=yes,feedback=none",
    "5": "first_pair=marked,plain_error=yes,feedback=none",
}

TODAY_SEED = 100  # first seed: smaller ones were used to choose the settings
N_TODAY = 10  # trials of the column "today"
N_BASELINE = 10  # trials if the paper has no number
BASELINES = ("_recurrent_rows", "_cascade_rows", "_chunker_rows")  # modules with ROWS and run_row


def best_reading(row: Row) -> Reading:
    return AS_PRINTED.with_changes(BEST.get(row.experiment, ""))


def run_column(
    row: Row,
    column: str,
    *,
    reading: Reading | None = None,
    n_trials: int | None = None,
    seed: int = 0,
    cap: int | None = None,
    n_jobs: int = 1,
    progress: Progress | None = None,
) -> Result:
    """Run one row of one column.

    ``reading`` replaces the reading of the columns "printed" and "best".
    """
    start = perf_counter()
    settings = {"n_trials": n_trials, "seed": seed, "cap": cap, "n_jobs": n_jobs}
    settings["progress"] = progress
    if column == "today":
        trials = run_today_row(row, **settings)
        weights, changed = trials[0]["weights"], {}
    else:
        named = {"printed": AS_PRINTED, "best": best_reading(row)}[column]
        reading = named if reading is None else reading
        trials = run_row(row, reading, **settings)
        weights, changed = net_of(row, reading).n_weights, reading.changed()
    figures = summary(trials)
    return Result(
        experiment=row.experiment,
        row=row.name,
        column=column,
        reading=changed,
        published_sequences=row.sequences,
        published_success=row.success,
        published_trials=row.n_trials,
        published=row.published,
        weights=weights,
        cap=cap if cap or column == "today" else int(3 * row.sequences),
        wall_seconds=round(perf_counter() - start, 1),
        summary=figures,
        verdict=verdict(figures, row.sequences, row.success, row.n_trials),
        trials=trials,
    )


def today_parameters(row: Row) -> dict[str, Any]:
    """Return the settings of a row for the column "today", which has its own learning rates."""
    if row.experiment == "1":
        return {"blocks": row.net.blocks, "cells": row.net.cells}
    return dict(row.columns)


def run_today_row(
    row: Row,
    *,
    n_trials: int | None = None,
    seed: int = 0,
    cap: int | None = None,
    n_jobs: int = 1,
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Run trials of a row with today's settings."""
    seed += TODAY_SEED
    jobs = (
        delayed(run_today)(row.experiment, today_parameters(row), seed + k, cap)
        for k in range(N_TODAY if n_trials is None else n_trials)
    )
    return _collect(jobs, n_jobs, progress)


def _collect(jobs: Iterable[Any], n_jobs: int, progress: Progress | None) -> list[dict[str, Any]]:
    """Run trials in processes, and report each one that has finished."""
    trials = []
    for k, trial in enumerate(Parallel(n_jobs=n_jobs, return_as="generator")(jobs)):
        trials.append({name: _short(value) for name, value in trial.items() if value is not None})
        if progress is not None:
            progress(k, trial | {"finished": True})
    return trials


def _short(value: Any) -> Any:
    return float(f"{value:.5g}") if isinstance(value, float) else value


def baseline_rows() -> dict[str, tuple[OtherRow, Callable[..., dict[str, Any]]]]:
    """Return the rows of the other systems by name, with the function that runs a trial."""
    rows = {}
    for module in (import_module(f"sklstm.paper.{name}") for name in BASELINES):
        rows |= {name: (row, module.run_row) for name, row in module.ROWS.items()}
    return rows


def run_baseline(
    name: str,
    *,
    n_trials: int | None = None,
    seed: int = 0,
    cap: int | None = None,
    n_jobs: int = 1,
    progress: Progress | None = None,
) -> Result:
    """Run one row of another system; ``name`` is a key of `baseline_rows`.

    It runs 10 trials if the source does not say how many.
    """
    row, run = baseline_rows()[name]
    n_trials = row.n_trials or N_BASELINE if n_trials is None else n_trials
    cap = row.cap if cap is None else cap
    start = perf_counter()
    jobs = (delayed(run)(name, seed + k, cap) for k in range(n_trials))
    trials = _collect(jobs, n_jobs, progress)
    figures = summary(trials)
    success = None if isinstance(row.success, str) else row.success / 100
    return Result(
        experiment=row.experiment,
        row=name,
        column="baseline",
        label=row.label,
        published_sequences=row.sequences,
        published_success=success,
        published_trials=row.n_trials,
        published={},
        weights=row.weights,
        cap=cap,
        cap_published=row.cap,
        wall_seconds=round(perf_counter() - start, 1),
        summary=figures,
        verdict=verdict(figures, row.sequences, success, row.n_trials),
        trials=trials,
    )
