"""The open choices, tried one by one and together on the rows that do not agree as printed."""

from __future__ import annotations

from typing import Any

from sklstm.paper._columns import run_column
from sklstm.paper._readings import AS_PRINTED
from sklstm.paper._rows import select
from sklstm.paper._run import Progress

GRIDS: dict[tuple[str, ...], list[str]] = {
    ("1:4x1,lr=0.1", "1:3x2,lr=0.2", "1:3x2,lr=0.5"): [
        "",
        "update=step",
        "biased_outputs=yes",
        "distinct=yes",
        "rest=0.5",
        "feedback=cells",
        "plain_error=yes",
        "update=step,distinct=yes",
        "update=step,rest=0.5",
        "update=step,feedback=cells",
        "update=step,plain_error=yes",
        "update=step,biased_outputs=yes",
        "update=step,biased_outputs=yes,feedback=cells",
        "update=step,biased_outputs=yes,plain_error=yes",
        "update=step,biased_outputs=yes,feedback=cells,plain_error=yes",
        "update=step,biased_outputs=yes,distinct=yes",
        "update=step,biased_outputs=yes,check=10",
    ],
    ("2a:p=100", "2b:p=100"): [
        "",
        "update=step",
        "growth_gain=0.1",
        "growth_gain=0.001",
        "growth_window=100",
        "growth_window=100,growth_gain=0.5",
        "growth_window=2000",
        "centred=yes",
        "centred=yes,update=step",
        "centred=yes,growth_window=100,growth_gain=0.5",
        "plain_error=yes",
        "plain_error=yes,centred=yes",
    ],
    ("4:T=100", "4:T=500"): [
        "",
        "first_pair=marked",
        "first_pair=never",
        "feedback=none",
        "feedback=cells",
        "rest=0.5",
        "plain_error=yes",
        "measure=squared",
        "stop=error",
        "stop=error,first_pair=never",
        "stop=error,measure=squared",
        "first_pair=never,plain_error=yes",
        "first_pair=never,feedback=none",
        "first_pair=never,feedback=none,stop=error",
    ],
    ("3b:T=1000,N=1",): ["", "feedback=none", "feedback=cells", "biased_outputs=yes", "rest=0.5"],
}
N_TRIALS = 10


def run_search(
    *,
    n_trials: int | None = None,
    seed: int = 0,
    cap: int | None = None,
    n_jobs: int = 1,
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Every reading of `GRIDS` on its rows; 10 trials of each unless ``n_trials`` says so."""
    results = []
    for names, readings in GRIDS.items():
        for row in (select(name)[0] for name in names):
            for changes in readings:
                result = run_column(
                    row,
                    "printed",
                    reading=AS_PRINTED.with_changes(changes),
                    n_trials=n_trials or N_TRIALS,
                    seed=seed,
                    cap=cap,
                    n_jobs=n_jobs,
                    progress=progress,
                )
                results.append(result | {"column": changes or "as printed"})
    return results
