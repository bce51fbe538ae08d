"""Averages of parameters: what ``average=k`` of `sklstm.distributed.fit` costs in accuracy.

Each partition trains alone on ``k`` batches, then the parameters of all partitions are averaged.
The table compares this with ``fit`` on all sequences, which is also the result of
`sklstm.distributed.fit` without ``average``, up to rounding. The data sets are the Japanese vowels,
with the settings of the README, and the names of ``examples/data``, with those of the example on
event logs. Partitions are drawn at random. The vowels are also cut in the order of the file, so
that each partition has only some of the speakers. Needs Dask. Its only worker is a thread of this
process, because no bit depends on the number of workers.
"""

from __future__ import annotations

import csv
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import train_test_split

from benchmarks.machine import describe, headline
from benchmarks.report import table, write_json
from sklstm import LSTMClassifier
from sklstm.datasets import load_japanese_vowels
from sklstm.preprocessing import SequenceEncoder, SequenceScaler

PARTITIONS, AVERAGES, SEEDS = (2, 4), (1, 4, 16), 10
BATCH = 32  # sequences; the default of the estimators
NAMES = Path(__file__).parents[1] / "examples" / "data" / "names.csv"
Record = dict[str, Any]


class Data(NamedTuple):
    """Training and test sequences, and the estimator for them."""

    X: Sequence[Any]
    y: np.ndarray
    X_test: Sequence[Any]
    y_test: np.ndarray
    model: LSTMClassifier
    mixed: bool = True  # partitions drawn at random, not in the order of the file


def vowels(mixed: bool = True) -> Data:
    """Nine speakers, standardised, with the official test set and the settings of the README."""
    X, y = load_japanese_vowels(split="train", return_X_y=True)
    X_test, y_test = load_japanese_vowels(split="test", return_X_y=True)
    scaler = SequenceScaler().fit(X)
    model = LSTMClassifier(n_jobs=1)
    return Data(scaler.transform(X), y, scaler.transform(X_test), y_test, model, mixed)


def names() -> Data:
    """Given names and surnames, with the test set and the settings of `event_logs.py`."""
    with NAMES.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    X, X_test, y, y_test = train_test_split(
        [list(row["name"]) for row in rows],
        np.array([row["kind"] for row in rows]),
        test_size=2000,
        stratify=[row["kind"] for row in rows],
        random_state=0,
    )
    encoder = SequenceEncoder().fit(X)
    model = LSTMClassifier(32, categorical_features=[0], dropout=0.3, max_iter=20, n_jobs=1)
    return Data(encoder.transform(X), y, encoder.transform(X_test), y_test, model)


DATA: dict[str, Callable[[], Data]] = {
    "vowels": vowels,
    "vowels, by speaker": lambda: vowels(mixed=False),
    "names": names,
}


def main(argv: Sequence[str]) -> None:
    """Print the table, and write it with every accuracy if a file is given."""
    parser = ArgumentParser(prog="python -m benchmarks averaging", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"fits of each (default: {SEEDS})")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save every score to this file")
    arguments = parser.parse_args(argv)
    if find_spec("distributed") is None:
        print("Skipped: Dask is not installed (pip install 'sklstm[dask]').")
        return
    from distributed import Client, LocalCluster

    print(headline())
    print(f"dask {version('dask')}, distributed {version('distributed')}\n", flush=True)
    records: list[Record] = []
    with (
        LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0"
        ) as cluster,
        Client(cluster) as client,
    ):
        for name, load in DATA.items():
            data = load()
            for seed in range(arguments.seeds):
                for record in scores(data, seed, client):
                    records.append({"data": name} | record)
            print(f"{name}: {len(data.X)} sequences, {len(data.y_test)} for the test", flush=True)
    print(f"\nTest accuracy: mean over seeds ± standard error.\n\n{markdown(records)}")
    engines = {package: version(package) for package in ("dask", "distributed")}
    write_json(arguments.json, {"machine": describe() | engines, "averaging": records})


def scores(data: Data, seed: int, client: Any) -> Iterator[Record]:
    """Test accuracy of ``fit``, and of every number of partitions and batches."""
    from sklstm.distributed import fit

    order = np.arange(len(data.X))
    if data.mixed:
        order = np.random.default_rng(seed).permutation(order)
    X, y = [data.X[k] for k in order], data.y[order]
    model = clone(data.model).set_params(random_state=seed)

    def record(fitted: LSTMClassifier, partitions: int, average: int | None) -> Record:
        return {
            "partitions": partitions,
            "average": average,
            "seed": seed,
            "epochs": fitted.n_iter_,
            "exchanges": exchanges(len(X), partitions, average),
            "accuracy": float(fitted.score(data.X_test, data.y_test)),
        }

    yield record(clone(model).fit(X, y), 1, None)
    for partitions in PARTITIONS:
        places = np.array_split(np.arange(len(X)), partitions)
        parts = [([X[k] for k in own], y[own]) for own in places]
        for average in AVERAGES:
            yield record(fit(clone(model), parts, client, average=average), partitions, average)


def exchanges(n: int, partitions: int, average: int | None) -> int:
    """Messages of a worker in an epoch: averages, or sums of gradients without ``average``."""
    return ceil(n / (BATCH * (1 if average is None else partitions * average)))


def markdown(records: Sequence[Record]) -> str:
    """A row for each training, and two columns for each data set."""
    data = list(dict.fromkeys(record["data"] for record in records))
    rows = []
    for partitions, average in dict.fromkeys((r["partitions"], r["average"]) for r in records):
        row = ["`fit`" if average is None else f"{partitions} partitions, `average={average}`"]
        for name in data:
            own = [
                record
                for record in records
                if (record["data"], record["partitions"], record["average"])
                == (name, partitions, average)
            ]
            row += [f"{own[0]['exchanges']:,}", spread([record["accuracy"] for record in own])]
        rows.append(row)
    head = [label for name in data for label in ("exchanges per epoch", name)]
    return table(["training", *head], rows)


def spread(values: Sequence[float]) -> str:
    """Mean and standard error."""
    error = f" ± {np.std(values, ddof=1) / len(values) ** 0.5:.3f}" if len(values) > 1 else ""
    return f"{np.mean(values):.3f}{error}"
