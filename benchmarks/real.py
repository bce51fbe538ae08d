"""Quality on real data: mean and spread over seeds, next to simple baselines.

Four ways to train, on standardised features (and numbers to predict): the settings of a plain
PyTorch LSTM (64 units, Adam at 0.005, 100 epochs without a stop rule, batches of 32, clipping at 1)
with the full and with the truncated gradient, and the package's defaults with either. Accuracy or
R² on the test set. The baselines see each sequence as one long row, padded with zeros: a linear
model (logistic or ridge regression) and the nearest neighbour. Results are in docs/real_data.md.
"""

from __future__ import annotations

import warnings
from argparse import ArgumentParser
from math import inf
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from benchmarks.datasets import NAMES, Dataset, load, standardised
from benchmarks.report import machine, table, write_json
from sklstm import LSTMClassifier, LSTMRegressor
from sklstm.preprocessing import to_padded

REFERENCE = {
    "hidden_layer_sizes": 64,
    "learning_rate_init": 5e-3,
    "max_iter": 100,
    "n_iter_no_change": inf,
    "batch_size": 32,
    "clip_norm": 1.0,
}
SETTINGS: dict[str, dict[str, Any]] = {
    "reference, full": REFERENCE | {"gradient": "full"},
    "reference, truncated": REFERENCE | {"gradient": "truncated"},
    "defaults, full": {"gradient": "full"},
    "defaults, truncated": {},
}


def main(argv: list[str]) -> None:
    parser = ArgumentParser(prog="python -m benchmarks real", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="fits of each (default: 10)")
    parser.add_argument("--n-jobs", type=int, default=1, help="processes (default: 1)")
    parser.add_argument("--only", choices=NAMES, action="append", help="this set; repeatable")
    parser.add_argument("--json", type=Path, metavar="FILE", help="store all scores")
    arguments = parser.parse_args(argv)

    print(f"{machine()}\n\n{arguments.seeds} seeds; accuracy or R² on the test set.")
    start, results = perf_counter(), {}
    with Parallel(n_jobs=arguments.n_jobs) as parallel:
        for name in arguments.only or NAMES:
            results[name] = evaluate(parallel, name, range(arguments.seeds))
    print(f"\n{perf_counter() - start:.0f} s.")
    write_json(arguments.json, {"seeds": arguments.seeds, "sets": results})


def evaluate(parallel: Parallel, name: str, seeds: range) -> dict[str, Any]:
    """Print the table of one set, and return what it says, with all scores."""
    data = load(name)
    metric = "accuracy" if data.task == "classification" else "R²"
    rows, stored = [], {}
    for title, options in SETTINGS.items():
        fits = parallel(delayed(fit)(name, seed, options) for seed in seeds)
        scores, epochs, seconds = np.array(fits).T
        rows.append(
            [
                title,
                f"{scores.mean():.3f}",
                f"{scores.std(ddof=1):.3f}" if len(scores) > 1 else "",
                f"{scores.min():.3f} to {scores.max():.3f}",
                f"{epochs.mean():.0f}",
                f"{seconds.mean():.2f}",
            ]
        )
        stored[title] = {
            "scores": scores.round(4).tolist(),
            "epochs": epochs.astype(int).tolist(),
            "cpu_seconds": round(float(seconds.mean()), 3),
        }
    for title, score, seconds in baselines(standardised(data)):
        rows.append([title, f"{score:.3f}", "", "", "", f"{seconds:.2f}"])
        stored[title] = {"scores": [round(score, 4)], "cpu_seconds": round(seconds, 3)}
    print(f"\n### {data.title}\n\n{data.shape}; from {data.source}; split: {data.split}.\n")
    head = [metric, "mean", "std", "min to max", "epochs", "CPU s per fit"]
    print(table(head, rows), flush=True)
    return stored


def fit(name: str, seed: int, options: dict[str, Any]) -> tuple[float, int, float]:
    """Score on the test set, epochs, and seconds of processor time of one fit on one thread."""
    data = standardised(load(name))
    kind = LSTMClassifier if data.task == "classification" else LSTMRegressor
    model = kind(return_sequences=data.per_step, random_state=seed, n_jobs=1, **options)
    start = process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(data.X, data.y)
    seconds = process_time() - start
    return model.score(data.X_test, data.y_test), model.n_iter_, seconds


def baselines(data: Dataset) -> list[tuple[str, float, float]]:
    """Name, score and seconds of processor time of a linear model and of the nearest neighbour."""
    if data.per_step:
        # One row per step: the next frame from this one.
        parts = [np.concatenate(part) for part in (data.X, data.y, data.X_test, data.y_test)]
        linear, nearest = "ridge on the current frame", "nearest frame"
    else:
        length = max(len(x) for X in (data.X, data.X_test) for x in X)
        X, X_test = (
            to_padded(list(X), length=length).reshape(len(X), -1) for X in (data.X, data.X_test)
        )
        parts = [X, data.y, X_test, data.y_test]
        linear, nearest = "linear on padded rows", "1-NN on padded rows"
    X, y, X_test, y_test = parts
    if data.task == "classification":
        models = {
            linear: LogisticRegression(max_iter=1000),
            nearest: KNeighborsClassifier(1),
        }
    else:
        models = {linear: RidgeCV(np.logspace(-3, 4, 15)), nearest: KNeighborsRegressor(1)}
    outcomes = []
    for title, model in models.items():
        start = process_time()
        model.fit(X, y)
        score = model.score(X_test, y_test)
        outcomes.append((title, float(score), process_time() - start))
    return outcomes
