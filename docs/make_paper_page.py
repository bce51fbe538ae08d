"""Write the tables of docs/paper.md: ``python docs/make_paper_page.py``.

``python -m sklstm.paper`` writes docs/paper_results.json and docs/paper_search.json, and this
script makes the tables from them. Rows that were not run show as "-". The script replaces what is
between ``<!-- name of the table -->`` and ``<!-- end -->`` and leaves the other text unchanged.
docs/make_paper_searches.py writes the tables of searches.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sklstm.paper._columns import (
    baseline_cell,
    baseline_rows,
    column_cell,
    result_of,
)
from sklstm.paper._continual import SYSTEMS, continual_cell, streams_of
from sklstm.paper._pages import filled, notes, table
from sklstm.paper._plan import COLUMNS, best_reading, planned
from sklstm.paper._report import number
from sklstm.paper._results import Group, Result, Results
from sklstm.paper._rows import N_TEST, ROWS, Row
from sklstm.paper._verdict import KINDS

FOLDER = Path(__file__).parent
# The paper's tables (the result of 2b is in its text). The constants below list the experiments
# whose tables report more than the sequences to success.
TABLES = {
    "table 1": ("1",),
    "table 2": ("2a",),
    "experiment 2b": ("2b",),
    "table 3": ("2c",),
    "table 4": ("3a",),
    "table 5": ("3b",),
    "table 6": ("3c",),
    "table 7": ("4",),
    "table 8": ("5",),
    "table 9": ("6a", "6b"),
}
FIRST = ("3a", "3b")  # ST1
FRACTION = ("3a", "3b", "3c")
WRONG = ("4", "5", "6a", "6b")
ERROR = ("3c", "5")


def main() -> None:
    path = FOLDER / "paper.md"
    path.write_text(page(path.read_text(encoding="utf-8")), encoding="utf-8")


def page(text: str, folder: Path = FOLDER) -> str:
    """Return the text of the page, with tables of the results in a folder."""
    tables = make_tables(
        *(Results(folder / f"paper_{name}.json") for name in ("results", "search"))
    )
    return filled(text, tables)


def make_tables(results: Results, search: Results) -> dict[str, str]:
    """Return all tables by name."""
    cells = {(row.name, column): column_cell(row, column) for row in ROWS for column in COLUMNS}
    cells |= {(name, "baseline"): baseline_cell(name) for name in baseline_rows()}
    cells |= {(f"crg: {name}", "continual"): continual_cell(name) for name in SYSTEMS}
    found = {key: result_of(cell, results) for key, cell in cells.items()}
    done = {key: result for key, result in found.items() if result is not None}
    tables = {"summary": summary(done)}
    for name, experiments in TABLES.items():
        tables[name] = of_the_paper([r for r in ROWS if r.experiment in experiments], done)
    for experiment in ("1", "2a", "guessing"):
        tables[f"others of {experiment}"] = others(experiment, done)
    tables["crg"] = continual(done)
    tables["machine"] = machine({key: cells[key].group for key in done}, results, search)
    return tables


# -------------------------------------------------------------------------------------- tables


def summary(done: dict[tuple[str, str], Result]) -> str:
    lines, verdicts = [], {column: [] for column in COLUMNS}
    for row in ROWS:
        line = [f"`{row.name}`", number(row.sequences)]
        for column in COLUMNS:
            result = done.get((row.name, column))
            line.append(result.verdict if result else "-")
            verdicts[column].append(result and result.kind)
        lines.append(line)
    text = table(("row", "published", "as printed", "best reading", "today"), lines)
    kinds = {kind: kind for kind in KINDS if kind != "nothing published"} | {"not run": None}
    counts = [
        [column, *(str(verdicts[column].count(kind)) for kind in kinds.values())]
        for column in COLUMNS
    ]
    return text + f"\n\nOf {len(ROWS)} rows:\n\n" + table(("column", *kinds), counts)


def of_the_paper(rows: list[Row], done: dict[tuple[str, str], Result]) -> str:
    """A table of the paper: each published line, followed by the lines of the three columns."""
    shown = {row.experiment for row in rows}
    first, fraction = shown & set(FIRST), shown & set(FRACTION)
    wrong, error = shown & set(WRONG), shown & set(ERROR)

    def select(*cells: str) -> list[str]:
        name, run, weights, success, rate, st1, mean, interval, range_, share, n, e, *rest = cells
        return [
            *(name, run, weights, success, rate),
            *([st1] if first else []),
            *(mean, interval, range_),
            *([share] if fraction else []),
            *([n] if wrong else []),
            *([e] if error else []),
            *rest,
        ]

    headings = select(
        *("row", "", "weights", "success", "95 %", "ST1", "ST2" if first else "sequences"),
        *("95 %", "range", "fraction wrong", f"wrong of {N_TEST}", "error", "seconds", "verdict"),
    )
    lines, readings = [], set()
    for row in rows:
        lines.append(select(*published_cells(row)))
        readings.add(best_reading(row).words())
        for column in COLUMNS:
            result = done.get((row.name, column))
            if column == "best" and result and not result.reading:
                cells = ["as printed"] + [""] * 11
            else:
                cells = measured_cells(result) if result else ["-"] + [""] * 11
            lines.append(select("", column, *cells))
    readings = " and ".join(sorted(f"`{reading}`" for reading in readings if reading))
    return table(headings, lines) + notes(
        f"Best reading: {readings}." if readings else "",
        *late_cells(rows, done),
        *lowered(rows, done),
    )


def published_cells(row: Row) -> list[str]:
    published = row.published
    right = f"{round(row.success * row.n_trials)} of {row.n_trials}"
    fraction = published.get("fraction_wrong")
    return [
        *(f"**{short_name(row)}**", "published", number(row.weights), right, ""),
        *(number(published.get("first")), number(row.sequences), ""),
        span(published.get("range")) if "range" in published else "",
        *("" if fraction is None else f"{fraction:.6f}", str(published.get("wrong", ""))),
        *(str(published.get("error", "")), "", ""),
    ]


def measured_cells(result: Result) -> list[str]:
    figures = result.summary
    low, high = figures["success_interval"]
    wrong = figures.get("mean_final_wrong", figures.get("mean_test_wrong"))
    error = figures.get("mean_final_error", figures.get("mean_test_error"))
    return [
        number(result.weights),
        f"{figures['n_success']} of {figures['n_trials']}",
        f"{100 * low:.0f}–{100 * high:.0f} %",
        *(number(figures.get("mean_first")), number(figures["mean"])),
        *(span(figures["mean_interval"]), span(figures["range"])),
        "-" if wrong is None else f"{wrong / N_TEST:.6f}",
        "-" if wrong is None else f"{wrong:.1f}",
        "-" if error is None else f"{error:.4f}",
        *(f"{result.wall_seconds:,.0f}", result.verdict),
    ]


def others(experiment: str, done: dict[tuple[str, str], Result]) -> str:
    """The other systems of an experiment: each published line, followed by the measured one."""
    lines, fewer = [], {}
    for name, (row, _) in baseline_rows().items():
        if row.experiment != experiment:
            continue
        success = row.success if isinstance(row.success, str) else f"{row.success} %"
        lines.append(
            [f"**{row.label}**", "published", number(row.weights), success, ""]
            + [number(row.sequences), "", "", "", "", ""]
        )
        result = done.get((name, "baseline"))
        if result is None:
            lines.append(["", "here", "-"] + [""] * 8)
            continue
        weights, right, rate, _, mean, interval, range_, *_, seconds, words = measured_cells(result)
        weights = size(result)
        lines.append(
            ["", "here", weights, right, rate, mean, interval, range_]
            + [number(result.cap), seconds, words]
        )
        n = result.summary["n_trials"]
        if row.n_trials and n < row.n_trials:
            fewer[row.label] = f"{n} instead of {row.n_trials}"
    unit = "guesses" if experiment == "guessing" else "sequences"
    headings = ["system", "", "weights", "success", "95 %", unit, "95 %", "range"]
    note = listed("Fewer trials than published", fewer, len(lines) // 2)
    return table([*headings, "cap", "seconds", "verdict"], lines) + notes(note)


def size(result: Result) -> str:
    """Return the number of weights, where nets grow that of those that succeed, if any."""
    trials = [trial for trial in result.trials if trial["success"]] or result.trials
    sizes = [trial.get("weights", result.weights) for trial in trials]
    return number(sizes[0]) if len(set(sizes)) == 1 else span([min(sizes), max(sizes)])


def continual(done: dict[tuple[str, str], Result]) -> str:
    def percent(value: float | None) -> str:
        return "" if value is None else f"{100 * value:.0f} %"

    lines = []
    for name, system in SYSTEMS.items():
        published, weights = system.published, number(system.net.n_weights)
        if published.perfect is not None:
            lines.append(
                [f"**{name}**", "published", "", "100", percent(published.perfect), ""]
                + [number(published.streams), percent(published.good)]
                + [number(published.rest_length), "", ""]
            )
        heading = "" if published.perfect is not None else f"**{name}**"
        result = done.get((f"crg: {name}", "continual"))
        if result is None:
            lines.append([heading, "here", weights, "-"] + [""] * 7)
            continue
        figures = result.summary | streams_of(result.trials)
        low, high = figures["success_interval"]
        lines.append(
            [heading, "here", weights, str(figures["n_trials"]), percent(figures["success"])]
            + [f"{100 * low:.0f}–{100 * high:.0f} %", number(figures["mean"])]
            + [percent(figures["good"]), number(figures["rest_length"])]
            + [f"{result.wall_seconds:,.0f}", result.verdict if heading == "" else ""]
        )
    headings = ("net", "", "weights", "nets", "perfect", "95 %", "streams", "good")
    return table([*headings, "rest: length", "seconds", "verdict"], lines)


def machine(shown: dict[tuple[str, str], Group], results: Results, search: Results) -> str:
    """Time and size of the parts. Rows and columns that share trials count them once."""
    names = {"baseline": "other systems", "continual": "continual grammar"}
    parts: dict[str, list[Group]] = {name: [] for name in (*COLUMNS, *names.values())}
    taken: set[Group] = set()
    for (_, column), group in shown.items():
        if group not in taken:
            parts[names.get(column, column)].append(group)
            taken.add(group)
    lines = [part_line(name, groups, results) for name, groups in parts.items()]
    lines.append(part_line("search", search.groups(), search))
    text = table(("part", "groups", "trials", "minutes", "10⁹ steps", "ns per step"), lines)
    return text + notes(*(machine_words(entry) for entry in results.machines))


def part_line(name: str, groups: list[Group], results: Results) -> list[str]:
    trials = {group: results.trials(group) for group in groups}
    seconds = {
        group: results.seconds(group, (trial["seed"] for trial in done))
        for group, done in trials.items()
    }
    steps = {group: sum(trial.get("steps", 0) for trial in done) for group, done in trials.items()}
    counted = sum(seconds[group] for group in groups if steps[group])  # other systems count none
    n, total = sum(map(len, trials.values())), sum(steps.values())
    cells = [f"{sum(seconds.values()) / 60:.1f}", "-", "-"]
    if total:
        cells[1:] = f"{total / 1e9:.2f}", f"{1e9 * counted / total:.0f}"
    return [name, str(len(groups)), number(n), *(cells if groups else "---")]


def machine_words(where: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in where["versions"].items())
    kernel = f" (fingerprint {where['kernel']})" if "kernel" in where else ""
    return (
        f"{where['processor']}, {where['cores']} cores, {where['system']}; kernels for "
        f"{where['instruction_set']}{kernel}; Python {where['python']}, {versions}."
    )


# --------------------------------------------------------------------------------------- parts


def short_name(row: Row) -> str:
    parts = [str(v) if k == "net" else f"{k} = {v}" for k, v in row.columns.items()]
    return ", ".join(parts).replace("lr = ", "rate ").replace("x", "×") or row.experiment


def late_cells(rows: list[Row], done: dict[tuple[str, str], Result]) -> list[str]:
    """Sentences that say when the cell of 2a and 2b was added."""
    words = []
    for row in rows:
        for column in ("printed", "best"):
            result = done.get((row.name, column))
            if result is None or row.experiment not in ("2a", "2b"):
                continue
            trials = result.trials
            at = [trial["grown_at"] for trial in trials if "grown_at" in trial]
            after = f", after {number(sum(at) / len(at))} sequences on average" if at else ""
            name = {"printed": "As printed", "best": "With the best reading"}[column]
            words.append(f"{name}, {len(at)} of {len(trials)} trials added the cell{after}.")
    return words


def lowered(rows: list[Row], done: dict[tuple[str, str], Result]) -> list[str]:
    """Sentences that list runs with fewer trials than published or planned, or with lower caps."""
    fewer, caps = {}, {}
    for row in rows:
        for column in COLUMNS:
            result = done.get((row.name, column))
            if result is None or (column == "best" and not result.reading):
                continue
            name, n = f"{short_name(row)}, {column}", result.summary["n_trials"]
            wanted, cap = planned(row, column)
            if n < wanted:
                fewer[name] = f"{n} instead of {wanted}"
            if result.cap != cap:
                caps[name] = number(result.cap)
    return [
        listed("Fewer trials than planned", fewer),
        listed("Caps that differ from the plan", caps),
    ]


def listed(what: str, values: dict[str, str], n_all: int | None = None) -> str:
    """List the names that share each value, or "all rows" if ``n_all`` of them share it."""
    names: dict[str, list[str]] = {}
    for name, value in values.items():
        names.setdefault(value, []).append(name)
    words = [
        f"{value} (all rows)" if len(those) == n_all else f"{value} ({'; '.join(those)})"
        for value, those in names.items()
    ]
    return f"{what}: {', '.join(words)}." if words else ""


def span(ends: Iterable[float] | None) -> str:
    if ends is None:
        return "-"
    low, high = ends
    return f"{number(max(0.0, low))}–{number(high)}"


if __name__ == "__main__":
    main()
