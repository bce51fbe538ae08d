"""Write the tables of searches in four pages: ``python docs/make_paper_searches.py``.

The pages are docs/paper.md, paper_readings.md, paper_today.md and baselines.md. The tables come
from docs/paper_search.json, which ``python -m sklstm.paper search`` writes. Trials that are in
docs/paper_results.json count, too.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sklstm.paper._columns import Cell, result_of
from sklstm.paper._grids import GRIDS, OTHER_GRIDS, TODAY_GRIDS
from sklstm.paper._pages import filled, notes, table
from sklstm.paper._report import number
from sklstm.paper._results import Result, Results
from sklstm.paper._rows import ROWS
from sklstm.paper._search import other_cells, paper_cells, today_cells

FOLDER = Path(__file__).parent
PAGES = ("paper", "paper_readings", "paper_today", "baselines")


def main() -> None:
    for name, tables in make_tables().items():
        path = FOLDER / f"{name}.md"
        path.write_text(filled(path.read_text(encoding="utf-8"), tables), encoding="utf-8")


def make_tables(folder: Path = FOLDER) -> dict[str, dict[str, str]]:
    """Return the tables of each page by name, from the files in a folder."""
    results = folder / "paper_results.json"
    search = Results(folder / "paper_search.json", [Results(results)])
    others = [cell for name in OTHER_GRIDS for cell in other_cells(name)]
    of_reports = [cell for cell in others if cell.group.row in ("1:RCC", "2a:CH")]
    rest = [cell for cell in others if cell not in of_reports]
    today = [cell for name in TODAY_GRIDS for cell in today_cells(name)]
    return {
        "paper": {"search of other systems": settings("search", rest, search)},
        "paper_readings": {"search": readings(search)},
        "paper_today": {
            "search of today": settings("search/today", today, search),
        },
        "baselines": {
            "search of baselines": settings("search/1:RCC, search/2a:CH", of_reports, search),
        },
    }


def readings(search: Results) -> str:
    """Successes and mean number of sequences: a table for each kind of rows, a line per reading."""
    done: dict[str, dict[str, Result]] = {name: {} for name in GRIDS}
    cells: list[Cell] = []
    for name in GRIDS:
        for cell in paper_cells(name):
            result = result_of(cell, search)
            if result is not None:
                done[name][cell.group.reading] = result
            cells.append(cell)
    kinds: dict[str, list[str]] = {}
    for name in (name for name in GRIDS if done[name]):
        kinds.setdefault("2c" if name.startswith("2c") else name[0], []).append(name)
    tables = []
    published = {row.name: f"{row.success:.0%}: {number(row.sequences)}" for row in ROWS}
    for names in kinds.values():
        lines = [["published", *(published[name] for name in names)]]
        for reading in dict.fromkeys(reading for name in names for reading in done[name]):
            found = [found_words(done[name].get(reading)) for name in names]
            lines.append([changes(reading) or "as printed", *found])
        tables.append(table(["reading", *(f"`{name}`" for name in names)], lines))
    return "\n\n".join(tables) + notes(not_run("search", cells, search))


def settings(command: str, cells: list[Cell], search: Results) -> str:
    """A line for each group of trials of other systems, or of today's column."""
    found = [(cell, result_of(cell, search)) for cell in cells]
    lines = [
        [
            f"`{cell.group.row}`",
            changes(cell.group.reading) or "as in the tables",
            number(result.cap),
            f"{result.summary['n_success']} of {result.summary['n_trials']}",
            number(result.summary["mean"]),
        ]
        for cell, result in found
        if result is not None
    ]
    headings = ("row", "settings", "cap", "solved", "mean sequences")
    text = table(headings, lines) if lines else ""
    return (text + notes(not_run(command, cells, search))).strip()


def not_run(command: str, cells: Iterable[Cell], search: Results) -> str:
    """A sentence that says how many trials of these cells are not stored."""
    missing = {
        cell.group: [s for s in cell.seeds if search.find(cell.group, s, cell.cap) is None]
        for cell in cells
    }
    n = sum(map(len, missing.values()))
    if n == 0:
        return ""
    rows = dict.fromkeys(group.row for group, seeds in missing.items() if seeds)
    commands = " and ".join(f"`python -m sklstm.paper {name}`" for name in command.split(", "))
    return (
        f"Trials of {commands} that were not run yet: {number(n)}, of the rows "
        f"{', '.join(f'`{row}`' for row in rows)}."
    )


def changes(reading: str) -> str:
    """Return each change as code of its own, so that a line of the page can break between them."""
    return ", ".join(f"`{change}`" for change in reading.split(",") if change)


def found_words(result: Result | None) -> str:
    if result is None:
        return "-"
    figures = result.summary
    mean = "" if figures["mean"] is None else f": {number(figures['mean'])}"
    return f"{figures['n_success']} of {figures['n_trials']}{mean}"


if __name__ == "__main__":
    main()
