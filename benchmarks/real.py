"""Accuracy on real data: the defaults, a plain PyTorch recipe, MiniRocket and models of rows.

sklstm is `make_pipeline(SequenceScaler(), LSTMClassifier(random_state=seed))`, or the regressor.
All systems are trained on the same standardised sequences, on one thread, and scored on the test
part by accuracy, or by the mean R² of the outputs. `--json` saves each score at once. With
`--resume`, a run continues an earlier one, also one with another Python.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from joblib import Parallel, delayed

from benchmarks.comparison import LOWEST, by_task, summary
from benchmarks.datasets import HALVES, NAMES, half, load, names_of
from benchmarks.report import machine
from benchmarks.results import Record, Results
from benchmarks.systems import SEEDLESS, SYSTEMS, TITLES, applies, measure, missing, relative

KEYS = ("task", "system", "seed")
SUMMARIES = {
    "Classification": lambda data: data.task == "classification",
    "Classification of whole sequences": lambda data: data.kind == "classification",
    "Regression": lambda data: data.task == "regression",
    "Forecasts of one series": relative.applies,
}
KINDS = ("classification", "classification per step", "regression", "regression per step")


def main(argv: list[str]) -> None:
    arguments = parse(argv)
    names = arguments.only or names_of(arguments.half)
    results = Results(KEYS, arguments.json, resume=arguments.resume)
    wanted = [fit for fit in fits(names, arguments) if fit not in results]
    print(f"{machine()}\n\n{len(wanted)} fits in total, {len(results)} already done.", flush=True)
    parallel = Parallel(n_jobs=arguments.n_jobs, return_as="generator")
    for record in parallel(delayed(run)(fit) for fit in wanted):
        results.add(record)
    report(results)


def parse(argv: list[str]) -> Namespace:
    parser = ArgumentParser(prog="python -m benchmarks real", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="fits of each (default: 5)")
    parser.add_argument("--n-jobs", type=int, default=1, help="number of processes (default: 1)")
    parser.add_argument("--only", choices=NAMES, nargs="+", metavar="TASK", help="only these tasks")
    parser.add_argument(
        "--half",
        choices=HALVES,
        help="only the tasks for choosing defaults, or for confirming them",
    )
    parser.add_argument("--systems", choices=SYSTEMS, nargs="+", help="default: all installed ones")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save every score to this file")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="continue the run whose scores are in the file of --json",
    )
    arguments = parser.parse_args(argv)
    for system in arguments.systems or ():
        if package := missing(system):
            parser.error(f"{system} needs {package}. Run pip install {package}")
    if not arguments.systems:
        arguments.systems = [system for system in SYSTEMS if not missing(system)]
        for system in SYSTEMS:
            if package := missing(system):
                print(f"Skipped {TITLES[system]}: {package} is not installed.")
    return arguments


def fits(names: list[str], arguments: Namespace) -> list[Record]:
    """All that is to be fitted, seed after seed."""
    return [
        {"task": name, "system": system, "seed": seed}
        for seed in range(arguments.seeds)
        for name in names
        for system in arguments.systems
        if applies(system, load(name)) and not (seed and system in SEEDLESS)
    ]


def run(fit: Record) -> Record:
    """A fit with its score and its seconds."""
    return fit | measure(fit["system"], load(fit["task"]), fit["seed"])


def report(results: Results) -> None:
    """Print the tables of everything that is there."""
    titles = {s: title for s, title in TITLES.items() if results.where(system=s)}
    done = [name for name in NAMES if results.where(task=name)]
    print(f"\nMeans over seeds ± standard deviation. An R² below {LOWEST:g} counts as {LOWEST:g}")
    print("in the means over tasks. There, ± is the standard error over tasks, in points.")
    for kind in KINDS:
        if names := [name for name in done if load(name).kind == kind]:
            print(f"\n### {kind.capitalize()}\n\n{by_task(results, names, titles)}")
    for title, belongs in SUMMARIES.items():
        for part in (None, *HALVES):
            names = [n for n in done if belongs(load(n)) and part in (None, half(n))]
            if names:
                which = f"the tasks that {part}" if part else "all tasks"
                print(f"\n### {title}, {which}\n\n{summary(results, names, titles)}")
