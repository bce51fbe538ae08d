"""The open choices of the paper, alone and combined, on rows that do not agree as printed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sklstm.paper._columns import run_column
from sklstm.paper._readings import AS_PRINTED
from sklstm.paper._results import Result
from sklstm.paper._rows import select

# Experiment 1: rows that cover both nets and the three learning rates.
REBER = (
    "",
    "update=step",
    "target=legal",
    "biased_outputs=yes",
    "distinct=yes",
    "rest=0.5",
    "feedback=cells",
    "plain_error=yes",
    "update=step,distinct=yes",
    "update=step,rest=0.5",
    "update=step,feedback=cells",
    "update=step,target=legal",
    "update=step,biased_outputs=yes",
    "update=step,biased_outputs=yes,target=legal",
    "update=step,biased_outputs=yes,feedback=cells",
    "update=step,biased_outputs=yes,plain_error=yes",
    "update=step,biased_outputs=yes,check=10",
)
LATE_CELL = (
    "",
    "update=step",
    "growth_gain=0.1",
    "growth_window=100,growth_gain=0.5",
    "growth_window=2000",
    "centred=yes",
    "plain_error=yes",
    "plain_error=yes,centred=yes",
    "plain_error=yes,centred=yes,growth_window=100,growth_gain=0.5",
    "plain_error=yes,centred=yes,growth_window=2000",
)
ADDING = (
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
    "first_pair=marked,plain_error=yes",
    "first_pair=marked,feedback=none",
    "first_pair=marked,plain_error=yes,feedback=none",
)
# At T = 500 a trial takes a minute, so only readings that had an effect at T = 100 are tried.
LONG_ADDING = (
    "",
    "feedback=none",
    "first_pair=marked,plain_error=yes",
    "first_pair=marked,plain_error=yes,feedback=none",
    "first_pair=marked,stop=error,feedback=none",
)
GRIDS = {
    "1:4x1,lr=0.1": REBER,
    "1:3x2,lr=0.2": REBER,
    "1:3x2,lr=0.5": REBER,
    "2a:p=100": LATE_CELL,
    "2b:p=100": LATE_CELL,
    "4:T=100": ADDING,
    "4:T=500": LONG_ADDING,
}
N_TRIALS = 8


def run_search(row: str, changes: str, *, n_trials: int | None = None, **settings: Any) -> Result:
    """Run one reading of `GRIDS` on its row, with 8 trials by default.

    ``settings`` are those of `run_column`.
    """
    reading = AS_PRINTED.with_changes(changes)
    n_trials = n_trials or N_TRIALS
    (chosen,) = select(row)
    result = run_column(chosen, "printed", reading=reading, n_trials=n_trials, **settings)
    return replace(result, column=changes or "as printed")
