"""``python -m sklstm.paper``: run rows of the paper's tables and compare with the paper."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

from sklstm._threads import effective_n_jobs
from sklstm.paper._columns import (
    COLUMNS,
    baseline_rows,
    best_reading,
    run_baseline,
    run_column,
)
from sklstm.paper._continual import SYSTEMS, run_continual
from sklstm.paper._lines import TrialLines
from sklstm.paper._readings import AS_PRINTED, Reading
from sklstm.paper._report import number, table
from sklstm.paper._results import Result, Results
from sklstm.paper._rows import EXPERIMENTS, ROWS, select
from sklstm.paper._search import GRIDS, run_search

DESCRIPTION = """\
Repeat experiments of Hochreiter & Schmidhuber (1997), "Long Short-Term Memory", and print the
results next to the published ones. Try 6a first: it takes seconds. All rows take about an hour on
two cores.

EXPERIMENT is one of
  list         list all rows with their published results, and run nothing
  1, 2a, 2b, 2c, 3a, 3b, 3c, 4, 5, 6a, 6b             all rows of an experiment
  4:T=500  3a:T=100,N=3  2c:q=50,p=50  1:3x2,lr=0.5   one row, by the columns of its table
  all          all LSTM rows
  crg          the continual embedded Reber grammar of Gers et al. (2000)
  1:RTRL  1:ELM  1:RCC  2a:RTRL  2a:BPTT  2a:CH  guessing   the systems compared with LSTM
  search  search/4:T=100                              the open choices of the paper, one by one
"""

EPILOG = """\
The table has one line per row: the published and the measured number of training sequences and
share of successful trials, with 95 % intervals. "agrees" means that Fisher's exact test finds no
difference in success at 5 %, and that the numbers of sequences differ by less than a factor of 2.
docs/paper.md explains the columns, readings and results.
"""


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parse(argv)
    if arguments.experiment == "list":
        _list()
        return 0
    results = Results(arguments.json)
    start = perf_counter()
    shown = []
    for title, run in _jobs(arguments, results):
        print(f"# {title}", file=sys.stderr, flush=True)
        with TrialLines(title) as lines:
            done = run(lines)
        results.add(done)
        shown += done
        print(table(done), flush=True)
    if len(shown) > 1:
        print("\n" + table(shown))
    seconds = perf_counter() - start
    steps = sum(trial.get("steps", 0) for result in shown for trial in result.trials)
    print(f"\n{seconds / 60:.1f} minutes on {arguments.n_jobs} processors.", end="")
    print(f" {number(steps)} steps of training and tests." if steps else "")
    return 0


def _jobs(
    arguments: Namespace, results: Results
) -> list[tuple[str, Callable[[Any], list[Result]]]]:
    """Return titles of the requested jobs, and functions from a progress to results."""
    common = {
        "n_trials": arguments.trials,
        "seed": arguments.seed,
        "n_jobs": arguments.n_jobs,
        "cap": arguments.cap,
    }
    name = arguments.experiment
    if name == "crg":

        def continual(system):
            return f"crg, {system}", lambda lines: [run_continual(system, **common, progress=lines)]

        return [continual(system) for system in SYSTEMS]
    if name.partition("/")[0] == "search":

        def search(row, changes):
            return f"{row}, {changes or 'as printed'}", lambda lines: [
                run_search(row, changes, **common, progress=lines)
            ]

        rows = [row for row in GRIDS if name in ("search", f"search/{row}")]
        return [search(row, changes) for row in rows for changes in GRIDS[row]]

    def baseline(name):
        return name, lambda lines: [run_baseline(name, **common, progress=lines)]

    others = _baselines(name)
    if others:
        return [baseline(other) for other in others]

    def column(row, column):
        def run(lines):
            same = (
                column == "best" and arguments.reading is None and best_reading(row) == AS_PRINTED
            )
            printed = results.find(row.name, "printed") if same else None
            if printed is not None:
                return [replace(printed, column="best")]
            return [run_column(row, column, reading=arguments.reading, **common, progress=lines)]

        return f"{row.name}, {column}", run

    jobs = [column(row, name) for name in arguments.column for row in arguments.rows]
    if arguments.baselines:
        experiments = {row.experiment for row in arguments.rows}
        jobs += [
            baseline(other)
            for other in baseline_rows()
            if other.partition(":")[0] in experiments or name == "all"
        ]
    return jobs


def _baselines(request: str) -> list[str]:
    """Return the rows of other systems that match a name; ``2a:RTRL`` matches several."""
    return [name for name in baseline_rows() if name == request or name.startswith(request + "/")]


def _list() -> None:
    for row in ROWS:
        print(
            f"{row.name:20} {row.weights:>7,} weights  {row.n_trials} trials  "
            f"{row.success:.0%} after {row.sequences:,} sequences"
        )
    for name, (row, _) in baseline_rows().items():
        success = row.success if isinstance(row.success, str) else f"{row.success}%"
        print(f"{name:32} {number(row.weights):>7} weights  {success}, {row.sequences}")
    print("crg, search")


def _parse(argv: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(
        prog="python -m sklstm.paper",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("experiment", metavar="EXPERIMENT")
    parser.add_argument(
        "--trials", type=_positive, metavar="N", help="number of trials (default: the paper's)"
    )
    parser.add_argument(
        "--seed", type=_seed, default=0, metavar="S", help="trial k has seed S + k (default: 0)"
    )
    parser.add_argument(
        "--n-jobs",
        type=_n_jobs,
        default=-1,
        metavar="J",
        help="number of trials that run in parallel; -1 is one per processor (default). The result "
        "does not depend on it",
    )
    parser.add_argument(
        "--cap",
        type=_positive,
        metavar="N",
        help="a trial fails after N training sequences (default: three times the published mean)",
    )
    parser.add_argument(
        "--column",
        action="append",
        choices=COLUMNS,
        help="settings: as printed in the paper (default), the best reading of its open choices, "
        "or today's. May be repeated",
    )
    parser.add_argument(
        "--reading",
        type=_reading,
        metavar="NAME=VALUE,...",
        help="change open choices of the columns printed and best. As printed: "
        + ", ".join(f"{name}={_shown(value)}" for name, value in vars(AS_PRINTED).items()),
    )
    parser.add_argument(
        "--baselines", action="store_true", help="also run the systems that the paper compares with"
    )
    parser.add_argument(
        "--json",
        type=Path,
        metavar="FILE",
        help="store every trial in this file. Rows that it already contains are replaced, other "
        "rows stay",
    )
    arguments = parser.parse_args(argv)
    name = arguments.experiment
    searches = ["search", *(f"search/{row}" for row in GRIDS)]
    of_the_table = name not in ("list", "crg", *searches) and not _baselines(name)
    if arguments.column and not of_the_table:
        parser.error(f"argument --column: {name} has no columns")
    arguments.column = arguments.column or ["printed"]
    if arguments.reading and not (of_the_table and {"printed", "best"} & {*arguments.column}):
        parser.error(
            "argument --reading: applies only to rows of the tables, columns printed and best"
        )
    arguments.n_jobs = effective_n_jobs(None if arguments.n_jobs == -1 else arguments.n_jobs)
    if of_the_table:
        try:
            arguments.rows = select(name)
        except ValueError as error:
            parser.error(f"{error} Experiments: {', '.join(EXPERIMENTS)}, all, list, crg, search.")
    if arguments.json is not None and not arguments.json.parent.is_dir():
        parser.error(f"argument --json: there is no folder {arguments.json.parent}")
    return arguments


def _shown(value: object) -> str:
    return {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else str(value)


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise ArgumentTypeError(f"must be a whole number of 1 or more, got {text!r}")
    return int(text)


def _seed(text: str) -> int:
    if not text.isdigit() or int(text) >= 2**31:
        raise ArgumentTypeError(f"must be a whole number from 0 to 2147483647, got {text!r}")
    return int(text)


def _n_jobs(text: str) -> int:
    return -1 if text == "-1" else _positive(text)


def _reading(text: str) -> Reading:
    try:
        return AS_PRINTED.with_changes(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


if __name__ == "__main__":
    sys.exit(main())
