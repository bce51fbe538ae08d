"""The pages about the paper, and the files of results that they show."""

import runpy
from functools import cache
from pathlib import Path

from sklstm.paper._columns import column_cell, result_of
from sklstm.paper._report import number
from sklstm.paper._results import Results
from sklstm.paper._rows import select
from sklstm.paper._search import paper_cells

DOCS = Path(__file__).parents[1] / "docs"
PAGES = ("paper", "paper_readings", "paper_today", "baselines")
RESULTS = Results(DOCS / "paper_results.json")
SEARCH = Results(DOCS / "paper_search.json", [RESULTS])


@cache
def script(name):
    return runpy.run_path(str(DOCS / f"make_paper_{name}.py"))


def text(page):
    return (DOCS / f"{page}.md").read_text(encoding="utf-8")


def prose(page):
    return " ".join(text(page).split())


def of(name, column):
    return result_of(column_cell(select(name)[0], column), RESULTS)


def found(name, reading):
    """A reading of the search: the trials."""
    (cell,) = (cell for cell in paper_cells(name) if cell.group.reading == reading)
    return result_of(cell, SEARCH)


def words(result):
    figures = result.summary
    return f"{figures['n_success']} of {figures['n_trials']}"


def mean(result):
    return number(result.summary["mean"])
