"""Choice of the defaults: one factor at a time, on validation splits of real training parts.

Only the half of the tasks that is reserved for choices is used (see `python -m benchmarks
datasets`), and their test parts are never read. Every fit starts from the package's defaults and
changes one factor. The same seeds draw the same splits for all values of a factor, so differences
are paired.
"""

from __future__ import annotations

import json
import warnings
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.pipeline import make_pipeline

from benchmarks.comparison import LOWEST, against
from benchmarks.datasets import load, names_of
from benchmarks.report import machine, table
from benchmarks.results import Record, Results
from benchmarks.systems import score
from benchmarks.tasks.dataset import Dataset
from benchmarks.validation import validation
from sklstm import LSTMClassifier, LSTMRegressor, _parameters, _topology
from sklstm.preprocessing import SequenceContext, SequenceDifferences, SequenceScaler

Options = dict[str, Any]

# What no parameter says: the share of blocks that start slow, the number of gradient steps.
CONSTANTS = {"SLOW_SHARE": _topology, "AUTO_UPDATES": _parameters}

GATE_BIAS = {
    "a quarter slow": {},
    "None": {"gate_bias": None},
    "an eighth slow": {"SLOW_SHARE": 0.125},
    "half slow": {"SLOW_SHARE": 0.5},
    "all slow": {"SLOW_SHARE": 1.0},
    "a quarter, up to the longest": {"scale": "longest"},
    "forget 0": {"gate_bias": {"forget": 0.0}},
    "forget 2": {"gate_bias": {"forget": 2.0}},
}


def _with_and_without(**options: Any) -> dict[str, Options]:
    """Gate biases in another setting."""
    return {"auto": options, "None": options | {"gate_bias": None}}


# What is done to the features before they are standardised.
FEATURES: dict[str, Callable[[], Any]] = {
    "differences": SequenceDifferences,
    "context": SequenceContext,
}
# Several changes together, from the defaults to the pipeline of docs/points.md.
POINTS = {
    "differences": {"features": "differences"},
    "context": {"features": "context"},
    "max": {"pooling": "max"},
    "max, differences": {"features": "differences", "pooling": "max"},
    "max, context": {"features": "context", "pooling": "max"},
}
BOTH = {"features": "context", "pooling": "max", "bidirectional": True}

EARLY = {"early_stopping": True, "validation_fraction": 0.25}

# Each factor: what its values are called, and what they change. The first is compared with.
FACTORS: dict[str, dict[str, Options]] = {
    "gradient": {"full": {}, "truncated": {"gradient": "truncated"}},
    "gate_bias": GATE_BIAS,
    "hidden_layer_sizes": {
        "64": {},
        **{str(n): {"hidden_layer_sizes": n} for n in (16, 32, 128)},
        "32, 32": {"hidden_layer_sizes": [32, 32]},
        "64, 64": {"hidden_layer_sizes": [64, 64]},
    },
    "batch_size": {"32": {}, **{str(n): {"batch_size": n} for n in (16, 64, 200)}},
    "learning_rate_init": {
        "0.005": {},
        **{str(rate): {"learning_rate_init": rate} for rate in (0.001, 0.002, 0.01, 0.02)},
    },
    "clip_norm": {"5": {}, "1": {"clip_norm": 1.0}, "None": {"clip_norm": None}},
    "gradient steps of max_iter": {
        "1000": {},
        **{str(n): {"AUTO_UPDATES": (n, 20_000)} for n in (500, 2000, 4000)},
    },
    "max_iter": {"auto": {}, **{str(n): {"max_iter": n} for n in (50, 100, 200, 400)}},
    "stopping": {
        "never": {},
        **{f"tol=1e-4, {n}": {"tol": 1e-4, "n_iter_no_change": n} for n in (10, 50)},
        # a quarter held out: less would not have all classes of the smallest tasks
        **{f"early, {n}": EARLY | {"n_iter_no_change": n} for n in (10, 30, 50)},
    },
    "pooling": {"last": {}, "max": {"pooling": "max"}, "mean": {"pooling": "mean"}},
    "dropout": {"0": {}, **{str(p): {"dropout": p} for p in (0.1, 0.3, 0.5)}},
    "recurrent_dropout": {"0": {}, **{str(p): {"recurrent_dropout": p} for p in (0.1, 0.3)}},
    "points": {
        "defaults": {},
        **POINTS,
        "bidirectional": {"bidirectional": True},
        "max, context, bidirectional": BOTH,
        **{f"and dropout {p}": BOTH | {"dropout": p} for p in (0.1, 0.3, 0.5)},
        "last, context, bidirectional, dropout 0.3": BOTH | {"pooling": "last", "dropout": 0.3},
        "mean, context, bidirectional, dropout 0.3": BOTH | {"pooling": "mean", "dropout": 0.3},
    },
    "cell": {"forget": {}, **{c: {"cell": c} for c in ("peephole", "coupled", "1997")}},
    "gate_bias, cell='peephole'": _with_and_without(cell="peephole"),
    "gate_bias, cell='coupled'": {
        **_with_and_without(cell="coupled"),
        "input 0": {"cell": "coupled", "gate_bias": {"input": 0.0}},
    },
    "gate_bias, bidirectional": _with_and_without(bidirectional=True),
    "gate_bias, two layers": _with_and_without(hidden_layer_sizes=[32, 32]),
    "gate_bias, truncated": _with_and_without(gradient="truncated"),
}


def main(argv: list[str]) -> None:
    parser = ArgumentParser(prog="python -m benchmarks defaults", description=__doc__)
    tasks = names_of("choose")
    parser.add_argument(
        "--seeds", type=int, default=5, help="splits and fits per value (default: 5)"
    )
    parser.add_argument("--n-jobs", type=int, default=1, help="number of processes (default: 1)")
    parser.add_argument("--only", choices=FACTORS, nargs="+", help="only these factors")
    parser.add_argument("--tasks", choices=tasks, nargs="+", default=tasks, metavar="TASK")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save every score to this file")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="continue the run whose scores are in the file of --json",
    )
    arguments = parser.parse_args(argv)
    factors = {name: FACTORS[name] for name in arguments.only or FACTORS}
    results = Results(("options", "task", "seed"), arguments.json, resume=arguments.resume)
    several = {key(options) for values in factors.values() for options in values.values()}
    wanted = [
        {"options": options, "task": name, "seed": seed}
        for seed in range(arguments.seeds)
        for options in sorted(several)
        for name in arguments.tasks
    ]
    wanted = [fit for fit in wanted if fit not in results]
    print(f"{machine()}\n\n{len(wanted)} fits in total, {len(results)} already done.", flush=True)
    parallel = Parallel(n_jobs=arguments.n_jobs, return_as="generator")
    for record in parallel(delayed(run)(fit) for fit in wanted):
        results.add(record)
    for name, values in factors.items():
        print(f"\n{report(name, values, results)}")


def key(options: Options) -> str:
    """What a fit is found by again, whichever factor it is of."""
    return json.dumps(options, sort_keys=True)


# ------------------------------------------------------------------------------------------ fits


def run(fit: Record) -> Record:
    """Score on the validation part, and seconds of processor time."""
    options, seed = json.loads(fit["options"]), fit["seed"]
    data = scaled(fit["task"], seed, options.pop("features", None))
    if data.per_step:
        options.pop("pooling", None)  # is of whole sequences
    scale = options.pop("scale", "mean")
    constants = {name: options.pop(name) for name in CONSTANTS if name in options}
    kind = LSTMClassifier if data.task == "classification" else LSTMRegressor
    model = kind(return_sequences=data.per_step, random_state=seed, n_jobs=1, **options)
    with changed(constants), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # max_iter reached
        if scale == "longest":
            prepare(model, data)
        start = process_time()
        model.fit(data.X, data.y)
        seconds = round(process_time() - start, 3)
        return fit | {"score": score(data, model.predict(data.X_test)), "seconds": seconds}


def prepare(model: Any, data: Dataset) -> None:
    """Draw the parameters for the longest sequence instead of the mean one."""
    what: Options = {"expected_length": max(map(len, data.X))}
    if data.task == "classification":
        what["classes"] = np.unique(np.concatenate(data.y) if data.per_step else data.y)
    else:
        y = np.concatenate(data.y) if data.per_step else data.y[:, None]
        what |= {"n_outputs": y.shape[1], "y_mean": y.mean(axis=0), "y_scale": y.std(axis=0)}
    model.set_params(warm_start=True).initialize(data.X[0].shape[1], **what)


@lru_cache(maxsize=64)
def scaled(name: str, seed: int, features: str | None = None) -> Dataset:
    """A task's validation split with standardised features."""
    data = validation(load(name), seed)
    before = [] if features is None else [FEATURES[features]()]
    scaler = make_pipeline(*before, SequenceScaler()).fit(data.X)
    return replace(data, X=scaler.transform(data.X), X_test=scaler.transform(data.X_test))


@contextmanager
def changed(constants: Options) -> Iterator[None]:
    """With other constants of the package."""
    before = {name: getattr(CONSTANTS[name], name) for name in constants}
    for name, value in constants.items():
        setattr(CONSTANTS[name], name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(CONSTANTS[name], name, value)


# --------------------------------------------------------------------------------------- reports


def report(factor: str, values: dict[str, Options], results: Results) -> str:
    """Means over tasks and differences from the first value, for labels and for numbers."""
    first = next(iter(values.values()))
    rows = []
    for value, options in values.items():
        row = [f"**{value}**" if options == first else value]
        for task in ("classification", "regression"):
            means, base = (_means(results, each, task) for each in (options, first))
            shared = [name for name in means if name in base]
            differences = {name: means[name] - base[name] for name in shared}
            mean = f"{100 * np.mean([means[name] for name in shared]):.1f}" if shared else ""
            row += [mean, *(["", ""] if options == first else against(differences)[:2])]
        seconds = [fit["seconds"] for fit in results.where(options=key(options))]
        rows.append([*row, f"{np.mean(seconds):.2f}" if seconds else ""])
    head = [factor, "accuracy", "difference", "better, worse", "R²", "difference", "better, worse"]
    return table([*head, "CPU s"], rows)


def _means(results: Results, options: Options, task: str) -> dict[str, float]:
    """Of each task over seeds."""
    scores: dict[str, list[float]] = {}
    for fit in results.where(options=key(options)):
        if load(fit["task"]).task == task:
            scores.setdefault(fit["task"], []).append(fit["score"])
    return {name: max(float(np.mean(values)), LOWEST) for name, values in scores.items()}
