"""``python -m sklstm.paper``: run rows of the paper's tables beside what was published."""

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
Run experiments of Hochreiter & Schmidhuber (1997), Long Short-Term Memory.

EXPERIMENT is one of
  1, 2a, 2b, 2c, 3a, 3b, 3c, 4, 5, 6a, 6b   all rows of its table
  4:T=500  3a:T=100,N=3  2c:q=50,p=50  1:3x2,lr=0.5   one row, by the table's own columns
  all          every LSTM row
  list         what there is, and what was published
  crg          the continual embedded Reber grammar of Gers et al. (2000)
  1:RTRL  1:ELM  1:RCC  2a:RTRL  2a:BPTT  2a:CH  guessing   the systems compared with
  search  search/4:T=100  the open choices tried on rows that do not agree as printed
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
    print(f" {number(steps)} training steps and tests in compiled code." if steps else "")
    return 0


def _jobs(
    arguments: Namespace, results: Results
) -> list[tuple[str, Callable[[Any], list[Result]]]]:
    """What is asked for: titles, and functions of the progress that give results."""
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
    """The rows of other systems that a name means, if any: ``2a:RTRL`` is all of its kind."""
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
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("experiment", metavar="EXPERIMENT")
    parser.add_argument("--trials", type=_positive, metavar="N", help="default: as in the paper")
    parser.add_argument(
        "--seed", type=_seed, default=0, metavar="S", help="trial k has the seed S + k; default 0"
    )
    parser.add_argument(
        "--n-jobs",
        type=_n_jobs,
        default=-1,
        metavar="J",
        help="processors, -1 for all (default); the result is the same at any number",
    )
    parser.add_argument(
        "--cap",
        type=_positive,
        metavar="N",
        help="training sequences after which a trial has failed; default: three times the "
        "published mean",
    )
    parser.add_argument(
        "--column",
        action="append",
        choices=COLUMNS,
        help="as printed (default), best reading, or today's settings; may be repeated",
    )
    parser.add_argument(
        "--reading",
        type=_reading,
        metavar="NAME=VALUE,...",
        help="change open choices, for the columns printed and best: "
        + ", ".join(f"{name}={_shown(value)}" for name, value in vars(AS_PRINTED).items()),
    )
    parser.add_argument(
        "--baselines", action="store_true", help="the systems that the paper compares with, too"
    )
    parser.add_argument(
        "--json",
        type=Path,
        metavar="FILE",
        help="where to keep every trial; rows that are in it already are replaced, others stay",
    )
    arguments = parser.parse_args(argv)
    name = arguments.experiment
    searches = ["search", *(f"search/{row}" for row in GRIDS)]
    of_the_table = name not in ("list", "crg", *searches) and not _baselines(name)
    if arguments.column and not of_the_table:
        parser.error(f"argument --column: {name} has no columns")
    arguments.column = arguments.column or ["printed"]
    if arguments.reading and not (of_the_table and {"printed", "best"} & {*arguments.column}):
        parser.error("argument --reading: it is for the columns printed and best of table rows")
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
        raise ArgumentTypeError(f"a whole number of 1 or more, got {text!r}")
    return int(text)


def _seed(text: str) -> int:
    if not text.isdigit() or int(text) >= 2**31:
        raise ArgumentTypeError(f"a whole number from 0 to 2147483647, got {text!r}")
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
