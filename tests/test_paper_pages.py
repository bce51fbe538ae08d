"""The tables of the pages about the paper are what the files of results say."""

import re

import numpy as np
import pytest
from paper_pages import PAGES, RESULTS, SEARCH, of, script, text

from sklstm.paper._columns import baseline_cell, baseline_rows, column_cell, run_column
from sklstm.paper._continual import SYSTEMS, continual_cell
from sklstm.paper._pages import filled, places
from sklstm.paper._plan import COLUMNS
from sklstm.paper._report import number
from sklstm.paper._results import Results
from sklstm.paper._rows import ROWS, select
from sklstm.paper._search import paper_cells, search_cells

SEARCHED = Results(SEARCH.path)  # without the trials that it knows from the other file


def test_the_tables_of_the_results_page_are_what_the_results_say():
    written = text("paper")
    assert written == script("page")["page"](written), "run python docs/make_paper_page.py"


@pytest.mark.parametrize("page", PAGES)
def test_the_tables_of_searches_are_what_the_search_says(page):
    written, tables = text(page), script("searches")["make_tables"]()[page]
    assert written == filled(written, tables), "run python docs/make_paper_searches.py"


def test_every_place_of_the_pages_is_filled_by_a_command():
    made = script("searches")["make_tables"]()
    made["paper"] |= script("page")["make_tables"](RESULTS, SEARCHED)
    for page in PAGES:
        assert sorted(places(text(page))) == sorted(made[page])


def test_a_table_without_a_place_is_an_error():
    with pytest.raises(ValueError, match="0 places for the table 'b': \\['a'\\]"):
        filled("<!-- a -->\n<!-- end -->\n", {"b": "x"})
    assert filled("<!-- a -->\nold\n<!-- end -->\n", {"a": "new"}).split("\n\n")[1] == "new"


def test_a_result_shows_in_its_table_in_the_summary_and_in_the_time(tmp_path):
    empty = script("page")["page"](text("paper"), tmp_path).splitlines()
    results = Results(tmp_path / "paper_results.json")
    run_column(select("6a")[0], "printed", n_trials=2, cap=100, results=results)
    full = script("page")["page"](text("paper"), tmp_path).splitlines()
    new = [" ".join(line.split()) for line in full if line not in empty]
    words = "not excluded (2 trials, cap 100), none succeeds"
    assert any("| printed | 156 | 0 of 2 | 0–84 % |" in line for line in new)
    assert any(line.startswith(f"| `6a` | 31,390 | {words} | {words} | - |") for line in new)
    assert "Fewer trials than planned: 2 instead of 20 (6a, printed)." in " ".join(new)
    assert "Caps that differ from the plan: 100 (6a, printed)." in " ".join(new)
    assert any(line.startswith("| printed | 1 | 2 |") for line in new)
    # the best reading is the one as printed: its trials were counted
    assert not any(line.startswith("| best | 1 |") for line in new)


def test_a_search_shows_in_its_table_and_what_was_not_run_is_counted(tmp_path):
    def not_run(table):
        (n,) = re.findall(r"not run yet: ([\d,]+)", " ".join(table.split()))
        return int(n.replace(",", ""))

    empty = script("searches")["make_tables"](tmp_path)["paper_readings"]["search"]
    assert "|" not in empty
    row, reading = select("6b")[0], paper_cells("6b")[1]
    keep = Results(tmp_path / "paper_search.json").begin(reading.group, reading.cap)
    keep({"seed": 0, "success": True, "sequences": 500, "seconds": 1.0})
    table = script("searches")["make_tables"](tmp_path)["paper_readings"]["search"]
    lines = [" ".join(line.split()) for line in table.splitlines()]
    assert "| `feedback=none` | 1 of 1: 500 |" in lines
    assert f"| published | 100%: {number(row.sequences)} |" in lines
    assert not_run(table) == not_run(empty) - 1


def test_shared_trials_are_counted_once():
    table = script("page")["make_tables"](RESULTS, SEARCHED)["machine"]
    shown = {line.split("|")[1].strip(): line.split("|")[3] for line in table.splitlines()[2:8]}
    distinct = sum(len(RESULTS.trials(group)) for group in RESULTS.groups())
    parts = [int(shown[part].replace(",", "")) for part in shown if part != "search"]
    assert sum(parts) == distinct
    assert int(shown["search"].replace(",", "")) == sum(
        len(SEARCHED.trials(group)) for group in SEARCHED.groups()
    )
    assert int(shown["today"]) == len(
        {(g, t["seed"]) for g in RESULTS.groups() if g.column == "today" for t in RESULTS.trials(g)}
    )


def test_every_group_of_the_files_is_one_that_a_command_makes():
    known = {column_cell(row, column).group for row in ROWS for column in COLUMNS}
    known |= {baseline_cell(name).group for name in baseline_rows()}
    known |= {continual_cell(system).group for system in SYSTEMS}
    assert set(RESULTS.groups()) == known
    searched = {cell.group for cell in search_cells()}
    assert set(SEARCH.groups()) <= searched | known


def test_seconds_are_those_of_the_runs():
    row = of("3c:T=100,N=3", "printed")
    about = (row.row, "1997", "")
    (run,) = (r for r in RESULTS.runs if (r["row"], r["column"], r["reading"]) == about)
    assert row.wall_seconds == run["wall_seconds"] > 0
    table = script("page")["make_tables"](RESULTS, SEARCHED)["machine"]
    minutes = [line.split("|")[4].strip() for line in table.splitlines()[2:7]]
    total = sum(run["wall_seconds"] for run in RESULTS.runs) / 60
    assert np.isclose(sum(float(word) for word in minutes if word != "-"), total, atol=0.3)
    # other systems count no steps, so their seconds are not divided by steps
    seconds = sum(run["wall_seconds"] for run in SEARCHED.runs if run["column"] == "1997")
    groups = [group for group in SEARCHED.groups() if group.column == "1997"]
    steps = sum(trial["steps"] for group in groups for trial in SEARCHED.trials(group))
    each = table.splitlines()[7].split("|")[6]
    assert np.isclose(float(each), 1e9 * seconds / steps, atol=0.5)
