"""Missing values: four imputation methods before an LSTM, against gradient boosting.

A share of all values is removed at random, from training and from test sequences. The LSTM is
`make_pipeline(SequenceImputer(...), SequenceScaler(), LSTMClassifier(random_state=seed))`. Boosting
is `HistGradientBoostingClassifier(random_state=seed)` on sequences padded to rows, in which NaN
stays NaN. Each seed removes other values, which are the same for all systems.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

from benchmarks.datasets import NAMES, load
from benchmarks.pictures import FOLDER, new_figure, save
from benchmarks.report import machine, table
from benchmarks.results import Record, Results
from sklstm import LSTMClassifier
from sklstm.preprocessing import SequenceImputer, SequenceScaler, to_padded

TASKS = ("vowels", "watch")
SHARES = (0, 10, 20, 30, 40, 50)  # percent
IMPUTERS = {
    "forward": {},
    "forward, features": {"add_indicator": True, "add_elapsed": True},
    "linear": {"strategy": "linear"},
    "mean": {"strategy": "mean"},
}
SYSTEMS = (*IMPUTERS, "boosting")
STYLES = {
    "forward": ("#1f77b4", "o-"),
    "forward, features": ("#1f77b4", "s--"),
    "linear": ("#2ca02c", "^-"),
    "mean": ("#9467bd", "v-"),
    "boosting": ("#c0392b", "D-"),
}


def main(argv: list[str]) -> None:
    parser = ArgumentParser(prog="python -m benchmarks missing", description=__doc__)
    parser.add_argument(
        "--only", choices=NAMES, nargs="+", default=TASKS, metavar="TASK", help="only these"
    )
    parser.add_argument(
        "--shares", type=int, nargs="+", default=SHARES, metavar="PERCENT", help="shares"
    )
    parser.add_argument("--seeds", type=int, default=3, help="fits of each (default: 3)")
    parser.add_argument("--n-jobs", type=int, default=1, help="number of processes (default: 1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save every score to this file")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="continue the run whose scores are in the file of --json",
    )
    parser.add_argument("--picture", action="store_true", help="draw docs/pictures/missing.png")
    arguments = parser.parse_args(argv)
    for name in arguments.only:
        if load(name).kind != "classification":
            parser.error(f"{name} does not have one label per sequence. Choose another task")
    keys = ("task", "system", "share", "seed")
    results = Results(keys, arguments.json, resume=arguments.resume)
    wanted = [fit for fit in fits(arguments) if fit not in results]
    print(f"{machine()}\n\n{len(wanted)} fits in total, {len(results)} already done.", flush=True)
    parallel = Parallel(n_jobs=arguments.n_jobs, return_as="generator")
    for record in parallel(delayed(run)(fit) for fit in wanted):
        results.add(record)
    print("\nMean accuracy over seeds ± standard deviation. Bold marks the best of a row.")
    for name in tasks_of(results):
        print(f"\n### {name}\n\n{report(results, name)}")
    if arguments.picture:
        draw(results, FOLDER / "missing.png")


def fits(arguments: Any) -> Iterator[Record]:
    for seed in range(arguments.seeds):
        for name in arguments.only:
            for share in arguments.shares:
                for system in SYSTEMS:
                    yield {"task": name, "system": system, "share": share, "seed": seed}


def run(fit: Record) -> Record:
    """A fit with its accuracy and its seconds."""
    data, rng = load(fit["task"]), np.random.default_rng([fit["seed"], fit["share"]])
    X, X_test = ([with_holes(x, fit["share"], rng) for x in part] for part in (data.X, data.X_test))
    n_steps = max(len(x) for x in X)

    def rows(X: list[np.ndarray]) -> np.ndarray:
        cut = [x[:n_steps] for x in X]
        return to_padded(cut, value=np.nan, length=n_steps, allow_nan=True).reshape(len(X), -1)

    start = process_time()
    with threadpool_limits(1):
        if fit["system"] == "boosting":
            model = HistGradientBoostingClassifier(random_state=fit["seed"], early_stopping=False)
            wide = rows(X)
            held = ~np.isnan(wide).all(axis=0)  # columns without any value are an error
            score = model.fit(wide[:, held], data.y).score(rows(X_test)[:, held], data.y_test)
        else:
            lstm = LSTMClassifier(random_state=fit["seed"], n_jobs=1)
            imputer = SequenceImputer(**IMPUTERS[fit["system"]])
            model = make_pipeline(imputer, SequenceScaler(), lstm).fit(X, data.y)
            score = model.score(X_test, data.y_test)
    return fit | {"score": round(score, 5), "seconds": round(process_time() - start, 3)}


def with_holes(x: np.ndarray, share: int, rng: np.random.Generator) -> np.ndarray:
    """A sequence without ``share`` percent of its values, on average."""
    return np.where(rng.random(x.shape) < share / 100, np.nan, x).astype(x.dtype)


def tasks_of(results: Results) -> list[str]:
    return [name for name in NAMES if results.where(task=name)]


def scores(results: Results, task: str, share: int, system: str) -> np.ndarray:
    return np.array([r["score"] for r in results.where(task=task, share=share, system=system)])


def shares_of(results: Results, task: str) -> list[int]:
    return sorted({record["share"] for record in results.where(task=task)})


def report(results: Results, task: str) -> str:
    """A row per share, and one with the seconds of a fit and its predictions."""
    rows = []
    for share in shares_of(results, task):
        found = [scores(results, task, share, system) for system in SYSTEMS]
        best = max(part.mean() for part in found)
        row = [f"{share} %"]
        for part in found:
            mark = "**" if part.mean() == best else ""
            spread = f" ± {part.std(ddof=1):.3f}" if len(part) > 1 else ""
            row.append(f"{mark}{part.mean():.3f}{mark}{spread}")
        rows.append(row)
    seconds = [
        np.mean([record["seconds"] for record in results.where(task=task, system=system)])
        for system in SYSTEMS
    ]
    rows.append(["CPU s per fit", *(f"{s:.1f}" for s in seconds)])
    return table(["missing", *SYSTEMS], rows)


def draw(results: Results, file: Path) -> None:
    """Accuracy over the share that is missing: a panel for each task."""
    names = tasks_of(results)
    figure, panels = new_figure(1, len(names), squeeze=False)
    for panel, name in zip(panels[0], names, strict=True):
        shares = shares_of(results, name)
        for system in SYSTEMS:
            means = [scores(results, name, share, system).mean() for share in shares]
            colour, style = STYLES[system]
            title = system if system == "boosting" else f"LSTM, {system}"
            panel.plot(shares, means, style, color=colour, markersize=5, label=title)
        panel.set_title(name, fontsize=10)
        panel.set_xlabel("values missing, %")
        panel.grid(color="#dddddd", linewidth=0.6)
    panels[0, 0].set_ylabel("accuracy")
    panels[0, 0].legend(frameon=False, fontsize=9)
    save(figure, file)
