"""``python -m sklstm.paper``: run rows of the paper's tables and compare with the paper."""

from __future__ import annotations

import sys
from argparse import (
    Action,
    ArgumentParser,
    ArgumentTypeError,
    Namespace,
    RawDescriptionHelpFormatter,
)
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter

from joblib import Parallel, delayed

from sklstm._files import check_writable
from sklstm._threads import effective_n_jobs
from sklstm.paper import _kernel
from sklstm.paper._columns import Cell, baseline_cell, baseline_rows, column_cell, complete
from sklstm.paper._continual import SYSTEMS, continual_cell
from sklstm.paper._lines import TrialLines
from sklstm.paper._plan import COLUMNS
from sklstm.paper._readings import AS_PRINTED, Reading
from sklstm.paper._report import number, table
from sklstm.paper._results import Group, Result, Results
from sklstm.paper._rows import ROWS, select
from sklstm.paper._search import search_cells, search_names

DESCRIPTION = """\
Repeat experiments of Hochreiter & Schmidhuber (1997), "Long Short-Term Memory", and print the
results next to the published ones. Try 6a first: it takes seconds. All rows take about an hour on
two cores; "all --quick" runs every row and column with fewer trials and lower caps.

EXPERIMENT is one of
  list         list all rows with their published results, and run nothing
  1, 2a, 2b, 2c, 3a, 3b, 3c, 4, 5, 6a, 6b             all rows of an experiment
  4:T=500  3a:T=100,N=3  2c:q=50,p=50  1:3x2,lr=0.5   one row, by the columns of its table
  all          all LSTM rows
  crg          the continual embedded Reber grammar of Gers et al. (2000)
  1:RTRL  1:ELM  1:RCC  2a:RTRL  2a:BPTT  2a:CH  guessing   the systems compared with LSTM
  search  search/4:T=100  search/2a:CH                other readings; settings of other systems
  search/today  search/today/2a:p=100                 settings that were tried for the column today
"""

EPILOG = """\
The table has one line per row: the published and the measured number of training sequences and
share of successful trials, with 95 % intervals. "agrees" means that Fisher's exact test finds no
difference in success at 5 %, that the trials exclude a success rate 20 points lower, and that the
interval of the mean is within a factor of 2 of the published mean. "not excluded" means that the
trials are too few, or their cap too low, to say so. Stored trials are not run again.
docs/paper.md explains the columns and results, docs/paper_readings.md the readings.
"""


MOST = 10**12  # of a count


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parse(argv)
    if arguments.experiment == "list":
        _list()
        return 0
    if arguments.missing:
        _missing(arguments.cells, arguments.results)
        return 0
    start = perf_counter()
    shown = []
    try:
        for result in _run(arguments):
            shown.append(result)
            print(table([result]), flush=True)
    except KeyboardInterrupt:
        print(f"\nInterrupted. {_kept(arguments.json)}", file=sys.stderr)
        return 130
    if len(shown) > 1:
        order = [(cell.about["row"], cell.about["column"]) for cell in arguments.cells]
        shown.sort(key=lambda result: order.index((result.row, result.column)))
        print("\n" + table(shown))
    seconds = perf_counter() - start
    steps = sum(trial.get("steps", 0) for result in shown for trial in result.trials)
    print(f"\n{seconds / 60:.1f} minutes on {arguments.n_jobs} processors.", end="")
    print(f" {number(steps)} steps of training and tests." if steps else "")
    return 0


def _missing(cells: Sequence[Cell], results: Results) -> None:
    """Print how many trials of each cell are stored, and how many would run."""
    total, seen = 0, set()
    for cell in cells:
        wanted = [seed for seed in cell.seeds if (cell.group, seed) not in seen]
        n = sum(results.find(cell.group, seed, cell.cap) is None for seed in wanted)
        seen |= {(cell.group, seed) for seed in wanted}
        total += n
        if n:
            print(f"{cell.title}: {n} of {len(cell.seeds)} trials, cap {cell.cap:,}")
    print(f"{total:,} trials are missing.")


def _kept(path: Path | None) -> str:
    if path is None:
        return "No trial was stored. Use --json to store them."
    if not path.exists():
        return f"No trial has finished, so there is no {path}."
    return f"{path} has all trials that have finished. The same command runs the others."


def _run(arguments: Namespace) -> Iterator[Result]:
    """Complete the cells in order, and return each result as soon as it is there."""
    n_jobs, results = arguments.n_jobs, arguments.results

    def run(cell: Cell, n_jobs: int) -> Result:
        print(f"# {cell.title}", file=sys.stderr, flush=True)
        with TrialLines(cell.title) as lines:
            return complete(cell, results, n_jobs=n_jobs, progress=lines)

    first: dict[Group, Cell] = {}  # the others of a group find its trials stored
    for cell in arguments.cells:
        first.setdefault(cell.group, cell)
    # Where the trials of a cell fill one kernel, cells run side by side instead of trials.
    beside = [cell for cell in first.values() if arguments.quick or _fills_a_kernel(cell)]
    jobs = (delayed(run)(cell, 1) for cell in beside)
    yield from Parallel(n_jobs=n_jobs, backend="threading", return_as="generator")(jobs)
    yield from (run(cell, n_jobs) for cell in arguments.cells if cell not in beside)


def _fills_a_kernel(cell: Cell) -> bool:
    return cell.group.column == "1997" and len(cell.seeds) <= _kernel.lanes


def _cells(arguments: Namespace) -> list[Cell]:
    """Return the cells of the request."""
    common = {"n_trials": arguments.trials, "seed": arguments.seed, "cap": arguments.cap}
    name, quick = arguments.experiment, arguments.quick
    if name == "crg":
        return [continual_cell(system, **common) for system in SYSTEMS]
    if name in search_names():
        return search_cells(name, **common)
    others = _baselines(name)
    if others:
        return [baseline_cell(other, quick=quick, **common) for other in others]
    cells = [
        column_cell(row, column, reading=arguments.reading, quick=quick, **common)
        for column in arguments.column
        for row in arguments.rows
    ]
    if arguments.baselines:
        cells += [baseline_cell(other, quick=quick, **common) for other in _others_of(arguments)]
    return cells


def _others_of(arguments: Namespace) -> list[str]:
    """Return the rows of other systems that belong to the rows of the request."""
    experiments = {row.experiment for row in arguments.rows}
    every = arguments.experiment == "all"
    return [name for name in baseline_rows() if every or name.partition(":")[0] in experiments]


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
        "--trials",
        type=_positive,
        metavar="N",
        help="number of trials (default: those of the plan)",
    )
    parser.add_argument(
        "--seed",
        type=_seed,
        default=0,
        metavar="S",
        help="added to all seeds (default: 0). Trial k has seed S + k, in today 100 more, with the "
        "best reading 5000 more (if it is not the one as printed), and in searches of today 1000 "
        "more",
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
        help="a trial fails after N training sequences (default: that of the plan, which is three "
        "times the published mean for LSTM). Batches and epochs are not cut short",
    )
    parser.add_argument(
        "--column",
        action="append",
        choices=COLUMNS,
        help="settings: as printed in the paper (default), the reading that comes closest to its "
        "figures, or today's. May be repeated",
    )
    parser.add_argument(
        "--reading",
        type=_reading,
        action=_Once,
        metavar="NAME=VALUE,...",
        help="run the column printed with these changes. The trials are stored beside those of "
        "the columns. As printed: "
        + ", ".join(f"{name}={_shown(value)}" for name, value in vars(AS_PRINTED).items()),
    )
    parser.add_argument(
        "--baselines",
        action="store_true",
        help="also run the systems that the paper compares with in experiments 1 and 2a; with all, "
        "those of guessing, too",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="run fewer trials with lower caps, and by default all three columns",
    )
    parser.add_argument(
        "--json",
        type=Path,
        metavar="FILE",
        help="store every trial in this file as soon as it has finished. Trials that it already "
        "contains are not run again, so an interrupted command continues if it is repeated. "
        "Several commands may share a file, but not on Windows or a network file system without "
        "locks",
    )
    parser.add_argument(
        "--known",
        type=Path,
        metavar="FILE",
        action="append",
        default=[],
        help="do not run trials that this file contains, either. It is not changed. May be "
        "repeated",
    )
    parser.add_argument(
        "--missing",
        action="store_true",
        help="only list the trials that the command would run, and run nothing",
    )
    arguments = parser.parse_args(argv)
    name = arguments.experiment
    if name.startswith("search") and name not in search_names():
        parser.error(f"there is no {name!r}. Searches: {', '.join(search_names())}.")
    of_the_table = name not in ("list", "crg", *search_names()) and not _baselines(name)
    if arguments.column and not of_the_table:
        parser.error(f"argument --column: {name} has no columns")
    if arguments.baselines and not of_the_table:
        parser.error(f"argument --baselines: applies only to rows of the tables, not to {name}")
    if arguments.quick and name in ("crg", *search_names()):
        parser.error(f"argument --quick: {name} has no shorter plan. Use --trials and --cap.")
    columns = COLUMNS if arguments.quick and arguments.reading is None else ("printed",)
    arguments.column = arguments.column or [*columns]
    if arguments.reading and not (of_the_table and arguments.column == ["printed"]):
        parser.error("argument --reading: applies only to rows of the tables, column printed")
    arguments.n_jobs = effective_n_jobs(None if arguments.n_jobs == -1 else arguments.n_jobs)
    if of_the_table:
        try:
            arguments.rows = select(name)
        except ValueError as error:
            others = dict.fromkeys(other.partition("/")[0] for other in baseline_rows())
            parser.error(
                f"{error} Other systems: {', '.join(others)}. Also: all, list, crg, search."
            )
        idle = (arguments.reading or AS_PRINTED).without_effect(
            row.experiment for row in arguments.rows
        )
        if idle:
            parser.error(f"argument --reading: {', '.join(idle)} would change nothing in {name}")
        if arguments.baselines and not _others_of(arguments):
            parser.error(f"argument --baselines: no other system was run on the task of {name}")
    if name != "list":
        arguments.cells = _cells(arguments)
        _open(parser, arguments)
    return arguments


def _open(parser: ArgumentParser, arguments: Namespace) -> None:
    """Open the files of results, and refuse what the command could not store."""
    path, known = arguments.json, []
    for other in arguments.known:
        if not other.is_file():
            parser.error(f"argument --known: there is no file {other}")
        try:
            known += [] if path and path.exists() and path.samefile(other) else [Results(other)]
        except (OSError, ValueError) as error:
            parser.error(f"argument --known: {error}")
    if path is not None and not path.parent.is_dir():
        parser.error(f"argument --json: there is no folder {path.parent}")
    try:
        if path is not None and not arguments.missing:
            check_writable(path)
        arguments.results = Results(path, known)
        for cell in arguments.cells:
            arguments.results.refuse_lower_cap(cell.group, cell.seeds, cell.cap)
    except ValueError as error:
        parser.error(f"argument --json: {error}")
    except OSError as error:
        system = error.strerror  # an error of our own has none, and is told as it is
        told = f"cannot use {path}: {system}. Choose another path." if system else error
        parser.error(f"argument --json: {told}")


class _Once(Action):
    """Store the value of an option that may not be repeated."""

    def __call__(self, parser, namespace, values, option_string=None):
        if getattr(namespace, self.dest) is not None:
            parser.error(f"argument {option_string}: given twice. Join changes by a comma.")
        setattr(namespace, self.dest, values)


def _shown(value: object) -> str:
    return {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else str(value)


def _positive(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= MOST:
        raise ArgumentTypeError(f"must be a whole number from 1 to {MOST:,}, got {text!r}")
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
