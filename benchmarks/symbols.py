"""Symbols: an LSTM on character codes against n-grams with logistic regression.

The LSTM is a `SequenceEncoder` and an `LSTMClassifier`. Its categorical features are the character
of a step or, as "pairs", also its pairs with the previous and the next character. The peer is
logistic regression on TF-IDF of character n-grams. If every character has a label, it uses the
n-grams around it, by position. Settings are chosen on a third of the training part. The chosen
models are then fitted to the whole training part, and the test part is used once.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from threadpoolctl import threadpool_limits

from benchmarks.report import machine, table
from benchmarks.results import Record, Results
from benchmarks.tasks.symbols import LOADERS, Texts
from sklstm import LSTMClassifier
from sklstm.preprocessing import SequenceEncoder

TITLES = {"lstm": "LSTM", "lstm_pairs": "LSTM, pairs", "n_grams": "n-grams"}
AROUND = 2  # characters on each side of a labelled one that its n-grams are taken from
EDGE = "\0"  # stands before the first character and behind the last

# What is chosen from: settings of the LSTM for a label per text and per character.
BOTH = {"bidirectional": True}
DROPOUT = {"dropout": 0.5, "recurrent_dropout": 0.5}
PER_TEXT = (
    {},
    {"dropout": 0.3, "recurrent_dropout": 0.3},
    BOTH | DROPOUT | {"pooling": "max", "max_iter": 5},
    BOTH | DROPOUT | {"pooling": "max", "max_iter": 10},
)
PER_CHARACTER = (
    BOTH,
    BOTH | DROPOUT,
    BOTH | DROPOUT | {"max_iter": 5},
    BOTH | DROPOUT | {"max_iter": 10},
)
N_GRAMS = tuple({"longest": longest, "C": C} for longest in (2, 3, 4) for C in (1.0, 10.0, 100.0))


def main(argv: list[str]) -> None:
    parser = ArgumentParser(prog="python -m benchmarks symbols", description=__doc__)
    parser.add_argument(
        "--only", choices=LOADERS, nargs="+", default=[*LOADERS], metavar="TASK", help="only these"
    )
    parser.add_argument("--seeds", type=int, default=3, help="fits of the LSTM (default: 3)")
    parser.add_argument("--n-jobs", type=int, default=1, help="number of processes (default: 1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save every score to this file")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="continue the run whose scores are in the file of --json",
    )
    arguments = parser.parse_args(argv)
    keys = ("task", "system", "part", "choice", "seed")
    results = Results(keys, arguments.json, resume=arguments.resume)
    print(machine(), flush=True)
    parallel = Parallel(n_jobs=arguments.n_jobs, return_as="generator")
    for stage in (candidates, finals):
        wanted = [fit for fit in stage(arguments, results) if fit not in results]
        for record in parallel(delayed(run)(fit) for fit in wanted):
            results.add(record)
            print(line(record), flush=True)
    print(f"\nAccuracy: mean over seeds ± standard error.\n\n{report(results, arguments.only)}")


def candidates(arguments: Any, results: Results) -> Iterator[Record]:
    """Every setting, to be judged by a third of the training part."""
    for task in arguments.only:
        for system in TITLES:
            for choice in range(len(choices(task, system))):
                yield fit_of(task, system, "choose", choice, 0)


def finals(arguments: Any, results: Results) -> Iterator[Record]:
    """The best setting of each system, to be judged by the test part."""
    for task in arguments.only:
        for system in TITLES:
            choice = best(results, task, system)
            for seed in range(1 if system == "n_grams" else arguments.seeds):
                yield fit_of(task, system, "test", choice, seed)


def best(results: Results, task: str, system: str) -> int:
    found = results.where(task=task, system=system, part="choose")
    return max(found, key=lambda record: record["score"])["choice"]


def choices(task: str, system: str) -> tuple[dict, ...]:
    if system == "n_grams":
        return N_GRAMS
    return PER_CHARACTER if LOADERS[task]().per_step else PER_TEXT


def fit_of(task: str, system: str, part: str, choice: int, seed: int) -> Record:
    return {"task": task, "system": system, "part": part, "choice": choice, "seed": seed}


def run(fit: Record) -> Record:
    """A fit with its accuracy and its seconds."""
    data = LOADERS[fit["task"]]()
    if fit["part"] == "choose":
        data = thirds(data)
    settings = choices(fit["task"], fit["system"])[fit["choice"]]
    start = process_time()
    with threadpool_limits(1):
        if fit["system"] == "n_grams":
            model = n_grams(data.per_step, **settings)
            data = one_by_one(data)
        else:
            pairs = fit["system"] == "lstm_pairs"
            model = lstm(pairs, data.per_step, fit["seed"], **settings)
            data = with_pairs(data) if pairs else data
        model.fit(data.X, data.y)
        seconds = process_time() - start
        score = model.score(data.X_test, data.y_test)
    return fit | {"score": round(score, 5), "seconds": round(seconds, 2)}


def thirds(data: Texts) -> Texts:
    """Two thirds of the training part, and the last third to judge by."""
    n = len(data.X) * 2 // 3
    parts = {"X": data.X[:n], "y": data.y[:n], "X_test": data.X[n:], "y_test": data.y[n:]}
    return replace(data, **parts)


# ---------------------------------------------------------------------------------- the systems


def lstm(pairs: bool, per_step: bool, seed: int, **settings: Any) -> Pipeline:
    """Symbols that occur once share a code, which unknown ones get too."""
    encoder = SequenceEncoder(
        min_frequency=2, handle_unknown="infrequent_if_exist", dtype="float32"
    )
    features = [0, 1, 2] if pairs else [0]
    network = LSTMClassifier(
        categorical_features=features, return_sequences=per_step, random_state=seed, n_jobs=1
    )
    return make_pipeline(encoder, network.set_params(**settings))


def with_pairs(data: Texts) -> Texts:
    """Three symbols per step: a character, and the pairs with its neighbours."""
    X, X_test = ([pairs_of(text) for text in part] for part in (data.X, data.X_test))
    return replace(data, X=X, X_test=X_test)


def pairs_of(text: str) -> list[list[str]]:
    padded = EDGE + text + EDGE
    return [[c, padded[t : t + 2], padded[t + 1 : t + 3]] for t, c in enumerate(text)]


def n_grams(per_step: bool, longest: int, C: float) -> Pipeline:
    if per_step:
        counts = CountVectorizer(analyzer=Around(longest), binary=True)
    else:
        counts = TfidfVectorizer(analyzer="char", ngram_range=(1, longest), sublinear_tf=True)
    return make_pipeline(counts, LogisticRegression(C=C, max_iter=1000))


class Around:
    """All n-grams of a window of characters, each with its place."""

    def __init__(self, longest: int) -> None:
        self.longest = longest

    def __call__(self, window: str) -> list[str]:
        sizes = range(1, self.longest + 1)
        return [
            f"{start}{window[start : start + size]}"
            for size in sizes
            for start in range(len(window) - size + 1)
        ]


def one_by_one(data: Texts) -> Texts:
    """What has a label: a text with its edges, or a window around each character."""
    if data.per_step:
        y, y_test = np.concatenate(data.y), np.concatenate(data.y_test)
        X, X_test = ([w for text in part for w in windows(text)] for part in (data.X, data.X_test))
        return replace(data, X=X, y=y, X_test=X_test, y_test=y_test)
    X, X_test = ([EDGE + text + EDGE for text in part] for part in (data.X, data.X_test))
    return replace(data, X=X, X_test=X_test)


def windows(text: str) -> list[str]:
    padded = EDGE * AROUND + text + EDGE * AROUND
    return [padded[t : t + 2 * AROUND + 1] for t in range(len(text))]


# ---------------------------------------------------------------------------------- the report


def line(record: Record) -> str:
    settings = choices(record["task"], record["system"])[record["choice"]]
    names = " ".join(str(record[key]) for key in ("task", "system", "part", "seed"))
    return f"{names}: {record['score']:.4f}, {record['seconds']:.1f} s, {settings}"


def report(results: Results, tasks: list[str]) -> str:
    """A row per task; the best accuracy in bold."""
    rows = []
    for task in tasks:
        data, found = LOADERS[task](), {}
        for system in TITLES:
            choice = best(results, task, system)
            found[system] = results.where(task=task, system=system, part="test", choice=choice)
        scores = {system: np.array([r["score"] for r in found[system]]) for system in TITLES}
        highest = max(part.mean() for part in scores.values())
        row = [task, f"{len(data.X)} + {len(data.X_test)}", str(data.n_symbols)]
        for part in scores.values():
            mark = "**" if part.mean() == highest else ""
            error = f" ± {part.std(ddof=1) / len(part) ** 0.5:.3f}" if len(part) > 1 else ""
            row.append(f"{mark}{part.mean():.3f}{mark}{error}")
        seconds = [np.mean([r["seconds"] for r in found[system]]) for system in TITLES]
        rows.append([*row, *(f"{s:.1f}" for s in seconds)])
    titles = [*TITLES.values(), *(f"{title}, CPU s" for title in TITLES.values())]
    return table(["task", "texts", "characters", *titles], rows)
