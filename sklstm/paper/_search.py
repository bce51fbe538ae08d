"""Settings that were tried, or that the pages speak of: readings of the paper on rows that do not
agree, other settings of the other systems, and other settings of the column "today".

Each is a group of trials with its own seeds and cap, and ``python -m sklstm.paper search`` runs and
stores them like all other trials. docs/paper_readings.md, paper.md, baselines.md and paper_today.md
have tables of them.
"""

from __future__ import annotations

from typing import Any

from sklstm.paper._columns import Cell, baseline_cell, column_cell, today_cell
from sklstm.paper._readings import AS_PRINTED
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
    "check=1",
    "average=yes",
    "biased_outputs=yes,average=yes",
    "order=fixed",
    "exam=training",
    "exam=test",
    "accepted=0.3",
    "reset=success",
    "reset=never",
    "swapped=yes",
    "gate_bias=random",
    "gate_bias=shifted",
    "update=step,biased_outputs=yes,check=1",
    "update=step,biased_outputs=yes,order=fixed",
    "update=step,biased_outputs=yes,exam=training",
    "update=step,biased_outputs=yes,exam=test",
    "update=step,biased_outputs=yes,accepted=0.3",
    "update=step,biased_outputs=yes,reset=success",
    "update=step,biased_outputs=yes,reset=never",
    "update=step,biased_outputs=yes,swapped=yes",
    "update=step,biased_outputs=yes,gate_bias=random",
    "update=step,biased_outputs=yes,gate_bias=shifted",
    "update=step,biased_outputs=yes,bias_decay=0.0001",
    "update=step,biased_outputs=yes,bias_decay=0.001",
    "update=step,biased_outputs=yes,rest=0.5",
    "update=step,biased_outputs=yes,distinct=yes",
    "update=step,biased_outputs=yes,target=legal,feedback=cells",
    "target=legal,accepted=0.3",
    "biased_outputs=yes,accepted=0.3",
    "target=legal,biased_outputs=yes,accepted=0.3",
    "update=step,target=legal,biased_outputs=yes,accepted=0.3",
    "update=step,target=legal,biased_outputs=yes,accepted=0.3,check=1",
    "update=step,target=legal,biased_outputs=yes,accepted=0.3,rest=0.5",
    "update=step,target=legal,biased_outputs=yes,accepted=0.3,feedback=cells",
    "update=step,target=legal,biased_outputs=yes,accepted=0.3,gate_bias=shifted",
    "update=step,target=legal,biased_outputs=yes,accepted=0.3,gate_bias=random",
    "update=step,target=legal,biased_outputs=yes,accepted=0.3,biased_cells=no",
    "update=step,target=legal,biased_outputs=yes,accepted=0.3,order=fixed",
    "update=step,target=legal,biased_outputs=yes,accepted=0.3,distinct=yes",
    "update=step,target=legal,biased_outputs=yes,accepted=0.3,plain_error=yes",
    "update=step,target=legal,biased_outputs=yes,accepted=0.3,swapped=yes",
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
    "growth_window=1,growth_gain=1",
    "average=yes",
    "order=fixed",
    "judge=last",
    "taught=last",
    "freeze=yes",
    "reset=success",
    "reset=never",
    "average=yes,growth_window=100,growth_gain=0.5",
    "freeze=yes,growth_window=100,growth_gain=0.5",
    "freeze=yes,average=yes",
    "freeze=yes,centred=yes",
    "freeze=yes,plain_error=yes",
    "freeze=yes,plain_error=yes,centred=yes",
    "average=yes,centred=yes",
    "average=yes,plain_error=yes",
    "average=yes,plain_error=yes,centred=yes",
    "average=yes,plain_error=yes,centred=yes,growth_window=100,growth_gain=0.5",
    "order=fixed,plain_error=yes,centred=yes",
    "judge=last,plain_error=yes,centred=yes",
    "taught=last,growth_window=100,growth_gain=0.5",
    "taught=last,centred=yes",
    "taught=last,plain_error=yes",
    "taught=last,plain_error=yes,centred=yes",
    "plain_error=yes,centred=yes,growth_gain=0.1",
    "plain_error=yes,centred=yes,growth_gain=0.1,freeze=yes",
    "plain_error=yes,centred=yes,growth_gain=0.1,average=yes",
    "taught=last,centred=yes,growth_gain=0.1",
    "taught=last,centred=yes,growth_gain=0.1,freeze=yes",
    "taught=last,centred=yes,growth_gain=0.1,order=fixed",
    "taught=last,centred=yes,growth_window=100",
    "taught=last,centred=yes,growth_window=100,growth_gain=0.5",
    "taught=last,centred=yes,growth_window=1,growth_gain=1",
    "taught=last,plain_error=yes,growth_gain=0.1",
    "taught=last,plain_error=yes,growth_window=100",
    "taught=last,plain_error=yes,growth_window=100,growth_gain=0.5",
    "taught=last,plain_error=yes,growth_window=100,order=fixed",
    "taught=last,plain_error=yes,growth_window=100,freeze=yes",
    "taught=last,plain_error=yes,growth_window=1,growth_gain=1",
    "taught=last,plain_error=yes,centred=yes,growth_window=100",
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
    "swapped=yes",
    "gate_bias=random",
    "gate_bias=shifted",
    "reset=success",
    "reset=never",
    "first_pair=marked,swapped=yes",
    "first_pair=marked,rest=0.5",
    "first_pair=marked,gate_bias=random",
    "first_pair=marked,gate_bias=shifted",
    "first_pair=marked,stop=error",
    "first_pair=marked,stop=error,measure=squared",
)
# At T = 1000 a trial takes minutes, so only readings that had an effect at T = 100 are tried.
LONGEST_ADDING = (
    "",
    "feedback=none",
    "first_pair=marked,plain_error=yes",
    "first_pair=marked,plain_error=yes,feedback=none",
    "first_pair=marked,stop=error,feedback=none",
)
LONG_ADDING = (
    *LONGEST_ADDING,
    "first_pair=marked,feedback=none",
    "plain_error=yes,feedback=none",
)
LONG_LAG = ("", "feedback=none", "feedback=cells", "rest=0.5")
# How often the criterion is tested, and what else may hold a net of experiment 3 back.
NOISE = ("", "check=10", "check=1000", "check=10000", "biased_outputs=yes")
LONG_NOISE = (*NOISE, "feedback=none", "feedback=cells", "rest=0.5", "plain_error=yes")
MULTIPLYING = (
    "",
    "first_pair=marked",
    "first_pair=never",
    "feedback=none",
    "plain_error=yes",
    "first_pair=marked,plain_error=yes",
    "first_pair=marked,plain_error=yes,feedback=none",
)
ORDER = (
    "",
    "feedback=none",
    "feedback=cells",
    "rest=0.5",
    "measure=squared",
    "stop=error",
    "plain_error=yes",
    "feedback=cells,rest=0.5",
    "feedback=cells,plain_error=yes",
    "feedback=none,plain_error=yes",
    "rest=0.5,plain_error=yes",
    "stop=error,feedback=cells",
    "gate_bias=random",
    "gate_bias=shifted",
)
GRIDS = {
    "1:4x1,lr=0.1": REBER,
    "1:3x2,lr=0.2": REBER,
    "1:3x2,lr=0.5": REBER,
    "2a:p=100": LATE_CELL,
    "2b:p=100": LATE_CELL,
    "2c:q=50,p=50": LONG_LAG,
    "2c:q=100,p=100": LONG_LAG,
    "3a:T=100,N=3": NOISE,
    "3b:T=100,N=3": NOISE,
    "3b:T=1000,N=1": LONG_NOISE,
    "3c:T=100,N=3": NOISE,
    "4:T=100": ADDING,
    "4:T=500": LONG_ADDING,
    "4:T=1000": LONGEST_ADDING,
    "5:n_seq=140": MULTIPLYING,
    "6b": ORDER,
}
N_TRIALS = 8

# Other systems: settings, number of trials and cap. "" are those of the row.
_CASCADE = (
    "output_rate=0.35",
    "candidate_rate=30",
    "candidate_rate=300",
    "growth=1.75",
    "output_decay=0",
    "candidate_decay=0.0001",
    "output_patience=25",
    "candidate_patience=25",
    "max_phase_iter=200",
    "slope_offset=0",
    "init_range=0.5",
    "n_candidates=32",
    "max_hidden=25",
)
_CHUNKER = ("threshold=0.1", "threshold=0.5", "n_steps=5", "n_steps=10", "bias=yes")
OTHER_GRIDS = {
    "1:RCC": [("", 14, 512_000), *((changes, 14, 512_000) for changes in _CASCADE)],
    "1:RTRL/12": [(f"learning_rate={rate}", 4, 500_000) for rate in ("0.05", "0.2")],
    "2a:RTRL/p=4/lr=1": [
        ("judged=last", 8, 5_000_000),
        ("update=sequence", 8, 5_000_000),
        ("learning_rate=0.1", 8, 5_000_000),
        ("learning_rate=0.3", 8, 5_000_000),
        ("learning_rate=2", 8, 5_000_000),
    ],
    "2a:RTRL/p=4/lr=4": [("judged=last", 8, 5_000_000), ("update=sequence", 8, 5_000_000)],
    "2a:RTRL/p=4/lr=10": [("judged=last", 8, 5_000_000), ("update=sequence", 8, 5_000_000)],
    "2a:CH": [
        ("p=4", 6, 300_000),
        ("p=4,chunker_shortcuts=yes", 6, 300_000),
        *((f"p={lag}", 6, 300_000) for lag in (5, 10, 20, 50)),
        *((f"p=50,{changes}", 6, 300_000) for changes in (*_CHUNKER, "chunker_shortcuts=yes")),
        *((changes, 4, 1_000_000) for changes in _CHUNKER),
        *((f"learning_rate={rate}", 4, 1_000_000) for rate in ("0.3", "3")),
    ],
    "guessing/2-sequence/A2": [("noise=0.2", 10, 100_000)],
    "guessing/2-sequence/A1, n = 1": [("noise=0.2", 10, 100_000)],
    "guessing/2-sequence/3 parameters": [("noise=0.2", 10, 100_000)],
}

# Today: settings, number of trials and cap, on seeds from 1000. The settings that most trials were
# made with before the present ones were chosen:
_EARLY = "batch_size=50,beta_2=0.999,forget_bias=1,annealing=1e+09"
TODAY_SEED = 1000
_REBER = [
    "learning_rate_short=0.03",
    "learning_rate_short=0.1",
    "beta_2=0.99,learning_rate_short=0.03",
    "gradient=truncated",
    "input_bias_short=-0.5",
    "alpha=0.01",
    "alpha=0.1",
    "dropout=0.1",
]
_FASTER = [
    ("learning_rate=0.02", 4, 200_000),
    ("batch_size=32", 4, 200_000),
    ("", 4, 200_000),
]
TODAY_GRIDS = {
    "1:3x2,lr=0.1": [("", 8, 200_000), *((changes, 8, 200_000) for changes in _REBER)],
    "1:4x1,lr=0.1": [
        *((changes, 8, 200_000) for changes in _REBER),
        ("learning_rate_short=0.01", 2, 150_000),
        ("input_bias_short=-1", 10, 200_000),
        ("", 10, 200_000),
        *((f"distinct=yes,learning_rate_short={rate}", 4, 60_000) for rate in ("0.01", "0.04")),
    ],
    "2a:p=100": [
        *((f"batch_size=50,beta_2={beta}", 1, 30_000) for beta in ("0.999", "0.99", "0.95")),
        ("beta_2=0.99", 1, 80_000),
        ("beta_2=0.99,forget_bias=4,input_bias=0", 2, 80_000),
        ("", 2, 80_000),
    ],
    "2b:p=100": [
        ("beta_2_noise=0.9", 1, 150_000),
        ("beta_2_noise=0.95", 1, 150_000),
        ("annealing=1e+09", 1, 150_000),
        ("annealing=1e+09,learning_rate=0.003", 1, 150_000),
        ("", 2, 200_000),
    ],
    "3b:T=1000,N=1": [
        *((f"{_EARLY},learning_rate={rate}", 1, 150_000) for rate in ("0.01", "0.02", "0.04")),
        ("batch_size=50,learning_rate=0.02", 1, 150_000),
        ("batch_size=50,learning_rate=0.02,input_bias=0", 1, 150_000),
        ("batch_size=50,learning_rate=0.02,cell=peephole", 1, 150_000),
        ("learning_rate=0.02", 2, 300_000),
        ("", 2, 300_000),
    ],
    "3a:T=100,N=3": [("batch_size=32", 4, 200_000), ("", 4, 200_000)],
    "4:T=100": [
        *_FASTER,
        (f"{_EARLY},input_bias=0", 1, 100_000),
        (_EARLY, 4, 200_000),
        (f"{_EARLY},gradient=truncated", 4, 200_000),
    ],
    "4:T=1000": [
        (_EARLY, 4, 200_000),
        (f"{_EARLY},gradient=truncated", 4, 200_000),
        (f"{_EARLY},learning_rate=0.005", 4, 200_000),
        ("forget_bias=4,input_bias=0", 1, 150_000),
        ("most_annealed=1e+09", 4, 500_000),
        ("", 4, 300_000),
    ],
    "5:n_seq=140": _FASTER,
}


def search_cells(name: str = "search", **settings: Any) -> list[Cell]:
    """Return the cells of a search.

    Parameters
    ----------
    name : str, default="search"
        "search" is all of them, and "search/ROW" the readings of a row of the paper or the settings
        of a row of another system. "search/today" and "search/today/ROW" are the settings of
        today's column.
    **settings : dict
        "n_trials", "seed" and "cap", as for `column_cell`.

    Raises
    ------
    KeyError
        If there is no such search.
    """
    found = {known: cells for known, cells in _searches(settings).items() if _is(known, name)}
    if not found:
        raise KeyError(name)
    return [cell for cells in found.values() for cell in cells]


def search_names() -> list[str]:
    """Return all names of `search_cells`."""
    return ["search", "search/today", *_searches({})]


def _is(known: str, name: str) -> bool:
    return name in ("search", known) or (name == "search/today" and known.startswith(f"{name}/"))


def _searches(settings: dict[str, Any]) -> dict[str, list[Cell]]:
    found = {f"search/{row}": paper_cells(row, **settings) for row in GRIDS}
    found |= {f"search/{row}": other_cells(row, **settings) for row in OTHER_GRIDS}
    return found | {f"search/today/{row}": today_cells(row, **settings) for row in TODAY_GRIDS}


def paper_cells(name: str, *, n_trials: int | None = None, **settings: Any) -> list[Cell]:
    """Return the cells of the readings of a row of the paper."""
    (row,) = select(name)
    readings = [AS_PRINTED.with_changes(text) for text in GRIDS[name]]
    n = N_TRIALS if n_trials is None else n_trials
    return [column_cell(row, "printed", reading=r, n_trials=n, **settings) for r in readings]


def other_cells(
    name: str, *, n_trials: int | None = None, seed: int = 0, cap: int | None = None
) -> list[Cell]:
    """Return the cells of the settings of another system."""
    return [
        baseline_cell(
            name,
            changes,
            n_trials=n if n_trials is None else n_trials,
            seed=seed,
            cap=most if cap is None else cap,
        )
        for changes, n, most in OTHER_GRIDS[name]
    ]


def today_cells(
    name: str, *, n_trials: int | None = None, seed: int = 0, cap: int | None = None
) -> list[Cell]:
    """Return the cells of today's settings on a row of the paper."""
    (row,) = select(name)
    about = column_cell(row, "today").about
    first = TODAY_SEED + seed
    return [
        today_cell(
            row,
            changes,
            about=about,
            seeds=range(first, first + (n if n_trials is None else n_trials)),
            cap=most if cap is None else cap,
        )
        for changes, n, most in TODAY_GRIDS[name]
    ]
