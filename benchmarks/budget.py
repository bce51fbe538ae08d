"""Number of epochs: scores during training on tasks with 1,600 to 50,000 sequences.

All fits use the other defaults of the package. Scores are on validation sequences, never on test
parts, so they may be used to choose `max_iter="auto"`. Bold marks the epoch at which "auto" ends.
"best" is the best of all epochs, which is slightly optimistic.
"""

from __future__ import annotations

from argparse import ArgumentParser
from math import inf
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from benchmarks.datasets import LARGE, load_large
from benchmarks.report import machine, table
from benchmarks.results import Record, Results
from sklstm import LSTMClassifier, LSTMRegressor
from sklstm._parameters import batch_size, epochs
from sklstm.preprocessing import SequenceScaler

EPOCHS = (5, 10, 20, 30, 50, 80, 120)
QUICK_EPOCHS, QUICK_SIZE = (5, 10), 2000


def main(argv: list[str]) -> None:
    parser = ArgumentParser(prog="python -m benchmarks budget", description=__doc__)
    parser.add_argument("--seeds", type=int, default=2, help="fits per task and size (default: 2)")
    parser.add_argument("--n-jobs", type=int, default=1, help="number of processes (default: 1)")
    parser.add_argument("--only", choices=LARGE, nargs="+", metavar="TASK", help=", ".join(LARGE))
    parser.add_argument(
        "--largest", type=int, default=50_000, help="most sequences of a task (default: 50,000)"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help=f"use {QUICK_SIZE:,} sequences, {QUICK_EPOCHS[-1]} epochs",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="save every score to this file")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="continue the run whose scores are in the file of --json",
    )
    arguments = parser.parse_args(argv)
    marks = QUICK_EPOCHS if arguments.quick else EPOCHS
    largest = QUICK_SIZE if arguments.quick else arguments.largest
    results = Results(("task", "n", "epochs", "seed"), arguments.json, resume=arguments.resume)
    wanted = [
        {"task": name, "n": n, "epochs": marks[-1], "seed": seed}
        for seed in range(arguments.seeds)
        for name in arguments.only or LARGE
        for n in LARGE[name][1]
        if n <= largest
    ]
    print(f"{machine()}\n", flush=True)
    parallel = Parallel(n_jobs=arguments.n_jobs, return_as="generator")
    for record in parallel(delayed(run)(fit) for fit in wanted if fit not in results):
        results.add(record)
    print(report(results, marks))


def run(fit: Record) -> Record:
    """The score after each epoch, and the seconds of one without that of its score."""
    data = load_large(fit["task"], fit["n"])
    scaler = SequenceScaler().fit(data.X)
    X, X_test = scaler.transform(data.X), scaler.transform(data.X_test)
    kind = LSTMClassifier if data.task == "classification" else LSTMRegressor
    model = kind(
        return_sequences=data.per_step,
        random_state=fit["seed"],
        n_jobs=1,
        max_iter=fit["epochs"],
        early_stopping=True,  # for the scores alone: it never stops
        n_iter_no_change=inf,
    )
    start = process_time()
    model.fit(X, data.y, X_val=X_test, y_val=data.y_test)
    trained = process_time()
    model.score(X_test, data.y_test)
    seconds = (trained - start) / fit["epochs"] - (process_time() - trained)
    scores = [round(float(score), 4) for score in model.validation_scores_]
    return fit | {"scores": scores, "seconds_per_epoch": round(seconds, 4)}


def automatic(n: int) -> int:
    """Epochs of the package's defaults for ``n`` sequences."""
    model: Any = LSTMClassifier()
    return epochs(model, n, batch_size(model, n))


def report(results: Results, marks: tuple[int, ...]) -> str:
    """A row per task and number of sequences: mean scores over seeds at some epochs."""
    rows = []
    for name in LARGE:
        for n in sorted({record["n"] for record in results.where(task=name)}):
            fits = results.where(task=name, n=n, epochs=marks[-1])
            if not fits:
                continue
            curve = np.mean([fit["scores"] for fit in fits], axis=0)
            end = automatic(n)
            cells = [f"{100 * curve[mark - 1]:.1f}" for mark in marks]
            cells = [f"**{c}**" if mark == end else c for c, mark in zip(cells, marks, strict=True)]
            per_epoch = np.mean([fit["seconds_per_epoch"] for fit in fits])
            best = int(np.argmax(curve)) + 1
            rows.append(
                [
                    name.removesuffix("_large"),
                    f"{n:,}",
                    *cells,
                    f"{100 * curve.max():.1f} at {best}",
                    f"{end}",
                    f"{per_epoch * end:.0f}",
                ]
            )
    head = ["task", "sequences", *map(str, marks), "best", '"auto"', 'CPU s of "auto"']
    return table(head, rows)
