"""Memory span: accuracy on 200 noise sequences with a pulse at step 3, by their length.

The label is the sign of a pulse of size 1 in noise with a standard deviation of 0.1. A fit solves
the task if its accuracy on 200 other sequences is at least 0.9.
"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from time import process_time

import numpy as np
from joblib import Parallel, delayed

from benchmarks.report import machine, table
from benchmarks.results import Record, Results
from sklstm import LSTMClassifier

LENGTHS = (15, 60, 100, 150, 400)
SETTINGS = {"auto": "defaults", "None": "gate_bias=None"}
N, N_FEATURES, STEP, SOLVED = 200, 2, 3, 0.9


def main(argv: list[str]) -> None:
    parser = ArgumentParser(prog="python -m benchmarks pulse", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="fits per length (default: 5)")
    parser.add_argument("--n-jobs", type=int, default=1, help="number of processes (default: 1)")
    parser.add_argument(
        "--lengths", type=int, nargs="+", default=LENGTHS, metavar="T", help="steps"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="save every score to this file")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="continue the run whose scores are in the file of --json",
    )
    arguments = parser.parse_args(argv)
    results = Results(("gate_bias", "length", "seed"), arguments.json, resume=arguments.resume)
    wanted = [
        {"gate_bias": setting, "length": length, "seed": seed}
        for length in arguments.lengths
        for setting in SETTINGS
        for seed in range(arguments.seeds)
    ]
    print(f"{machine()}\n", flush=True)
    parallel = Parallel(n_jobs=arguments.n_jobs, return_as="generator")
    for record in parallel(delayed(run)(fit) for fit in wanted if fit not in results):
        results.add(record)
    print(report(results))


def pulses(length: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """X of shape (2 N, length, 2) and the sign of the pulse in each."""
    rng = np.random.default_rng(seed)
    X = rng.normal(scale=0.1, size=(2 * N, length, N_FEATURES))
    y = rng.choice(["down", "up"], size=2 * N)
    X[:, STEP, 0] += np.where(y == "up", 1, -1)
    return X, y


def run(fit: Record) -> Record:
    X, y = pulses(fit["length"], fit["seed"])
    gate_bias = None if fit["gate_bias"] == "None" else fit["gate_bias"]
    model = LSTMClassifier(gate_bias=gate_bias, random_state=fit["seed"], n_jobs=1)
    start = process_time()
    model.fit(X[:N], y[:N])
    seconds = round(process_time() - start, 3)
    return fit | {"score": model.score(X[N:], y[N:]), "seconds": seconds}


def report(results: Results) -> str:
    """Solved seeds of all, the lowest accuracy, and seconds."""
    rows = []
    for length in sorted({record["length"] for record in results}):
        row = [str(length)]
        for setting in SETTINGS:
            fits = results.where(length=length, gate_bias=setting)
            scores = [fit["score"] for fit in fits]
            solved = sum(score >= SOLVED for score in scores)
            row += [f"{solved} of {len(scores)}", f"{min(scores, default=np.nan):.2f}"]
        seconds = [fit["seconds"] for fit in results.where(length=length)]
        rows.append([*row, f"{np.mean(seconds):.1f}"])
    columns = [name for title in SETTINGS.values() for name in (f"{title}: solved", "lowest")]
    return table(["steps", *columns, "CPU s per fit"], rows)
