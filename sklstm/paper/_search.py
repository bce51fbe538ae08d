"""Searches: cells of the readings and settings that were tried.

Each is a group of trials with its own seeds and cap, and ``python -m sklstm.paper search`` runs and
stores them like all other trials. docs/paper_readings.md, paper.md, baselines.md and paper_today.md
have tables of them.
"""

from __future__ import annotations

from typing import Any

from sklstm.paper._columns import Cell, baseline_cell, column_cell, today_cell
from sklstm.paper._grids import GRIDS, N_TRIALS, OTHER_GRIDS, TODAY_GRIDS, TODAY_SEED
from sklstm.paper._readings import AS_PRINTED
from sklstm.paper._rows import select


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
