"""Which defaults: one factor at a time on validation splits of real training sets.

The test sets are never read. Every fit starts from the package's defaults and changes what its
factor says; the same seeds draw the same splits for all values of a factor, so that differences are
paired. Results are in docs/defaults.md.
"""

from __future__ import annotations

import sys
import warnings
from argparse import ArgumentParser
from dataclasses import replace
from functools import cache
from math import inf, sqrt
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit

from benchmarks.datasets import Dataset, load, standardised
from benchmarks.report import machine, table, write_json
from sklstm import LSTMClassifier, LSTMRegressor
from sklstm._parameters import AUTO_BATCH
from sklstm._topology import DEFAULT_GATE_BIAS
from sklstm._training import Records

# Covid is left out: the death rates hardly depend on the cases (docs/real_data.md).
SETS = (
    "vowels",
    "digits",
    "italy_power",
    "basic_motions",
    "gun_point",
    "vowels_next",
    "sunspots",
    "el_nino",
)
VALIDATION = 0.25

# Each factor: what its values are called, and what they change.
Options = dict[str, Any]
CONTEXT = {"cell", "gradient"}  # what a factor is tried with, not what it tries
FACTORS: dict[str, dict[str, Options]] = {
    "learning rate and batch size": {
        f"{rate:g}, {size}": {"learning_rate_init": rate, "batch_size": size}
        for rate in (0.001, 0.003, 0.005, 0.01, 0.03)
        for size in (16, 32, 200)
    },
    "learning rate and batch size, full gradient": {
        f"{rate:g}, {size}": {
            "learning_rate_init": rate,
            "batch_size": size,
            "gradient": "full",
        }
        for rate in (0.003, 0.005, 0.01)
        for size in (32, 200)
    },
    "clip_norm": {str(norm): {"clip_norm": norm} for norm in (0.3, 1.0, 5.0, None)},
    "forget gate bias": {
        f"{bias:g}": {"gate_bias": {"forget": bias}} for bias in (0.0, 1.0, 2.0, 3.0)
    },
    "forget gate bias, full gradient": {
        f"{bias:g}": {"gate_bias": {"forget": bias}, "gradient": "full"}
        for bias in (0.0, 1.0, 2.0, 3.0)
    },
    "forget gate bias, peephole": {
        f"{bias:g}": {"gate_bias": {"forget": bias}, "cell": "peephole"} for bias in (0.0, 1.0, 2.0)
    },
    "input gate bias, coupled": {
        f"{bias:g}": {"gate_bias": {"input": bias}, "cell": "coupled"} for bias in (0.0, -1.0, -2.0)
    },
    "gate biases, 1997": {
        "0, 0": {"gate_bias": {}, "cell": "1997"},
        "input -1": {"gate_bias": {"input": -1.0}, "cell": "1997"},
        "output -1": {"gate_bias": {"output": -1.0}, "cell": "1997"},
        "both -1": {"gate_bias": {"input": -1.0, "output": -1.0}, "cell": "1997"},
    },
    "initial weights": {name: {"initial": name} for name in ("Glorot", "orthogonal", "1/sqrt(H)")},
    "initial weights, full gradient": {
        name: {"initial": name, "gradient": "full"}
        for name in ("Glorot", "orthogonal", "1/sqrt(H)")
    },
}
# The stop rule and max_iter are tried on the curves of fits that never stop.
EPOCHS = 400
STOP_RULES = [(tol, n) for n in (5, 10, 20, 40) for tol in (1e-3, 1e-4, 0.0)]
LIMITS = (50, 100, 200, 300, 400)
_PACKAGE = LSTMClassifier()
STOP_DEFAULT = (_PACKAGE.tol, _PACKAGE.n_iter_no_change)
LIMIT_DEFAULT = _PACKAGE.max_iter


def main(argv: list[str]) -> None:
    names = ["stopping", *FACTORS]
    parser = ArgumentParser(prog="python -m benchmarks defaults", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="splits and fits of each (default: 5)")
    parser.add_argument("--n-jobs", type=int, default=1, help="processes (default: 1)")
    parser.add_argument("--only", choices=names, action="append", help="this factor; repeatable")
    parser.add_argument("--json", type=Path, metavar="FILE", help="store all results")
    arguments = parser.parse_args(argv)
    chosen = arguments.only or names
    seeds = range(arguments.seeds)

    print(f"{machine()}\n\n{len(seeds)} seeds; accuracy or R² on validation splits, in %.")
    start = perf_counter()
    results: dict[str, Any] = {}
    with Parallel(n_jobs=arguments.n_jobs) as parallel:
        if "stopping" in chosen:
            for gradient in ("truncated", "full"):
                curves = measure(parallel, curve, [{"gradient": gradient}], seeds)[0]
                results[f"stopping, {gradient}"] = report_stopping(gradient, curves)
        for factor in filter(FACTORS.get, chosen):
            fits = measure(parallel, fit, list(FACTORS[factor].values()), seeds)
            by_value = dict(zip(FACTORS[factor], fits, strict=True))
            results[factor] = report(factor, by_value, default_of(FACTORS[factor]))
    print(f"\n{perf_counter() - start:.0f} s.")
    write_json(arguments.json, {"seeds": len(seeds), "factors": results})


def measure(parallel: Parallel, job: Any, options: list[Options], seeds: range) -> list[dict]:
    """For each of the options, what ``job`` returns for each set and seed."""
    changes = list(map(changed, options))
    new = {_key(job, each): each for each in changes if _key(job, each) not in _MEASURED}
    tasks = [(key, name, seed) for key in new for name in SETS for seed in seeds]
    outcomes = parallel(delayed(job)(name, seed, new[key]) for key, name, seed in tasks)
    for (key, name, _), outcome in zip(tasks, outcomes, strict=True):
        _MEASURED.setdefault(key, {}).setdefault(name, []).append(outcome)
    print(".", end="", file=sys.stderr, flush=True)
    return [_MEASURED[_key(job, each)] for each in changes]


# The package's defaults are a value of several factors; fits are the same each time.
_MEASURED: dict[str, dict[str, list]] = {}


def _key(job: Any, options: Options) -> str:
    return f"{job.__name__} {sorted(options.items())}"


def changed(options: Options) -> Options:
    """The options that are not what the package does anyway."""
    defaults = LSTMClassifier().get_params()
    gate_bias = DEFAULT_GATE_BIAS[options.get("cell", defaults["cell"])]
    defaults |= {"initial": "Glorot", "batch_size": AUTO_BATCH, "gate_bias": gate_bias}
    return {name: value for name, value in options.items() if value != defaults[name]}


def default_of(factor: dict[str, Options]) -> str:
    """The value that the package has, for this cell and gradient."""
    return next(v for v, options in factor.items() if changed(options).keys() <= CONTEXT)


# ------------------------------------------------------------------------------------------ fits


@cache
def validation(name: str, seed: int) -> Dataset:
    """The training set alone, split for validation and standardised.

    At random; of the windows of one series the last quarter, without those that overlap it.
    """
    data = load(name)
    n = len(data.X)
    if data.ordered:
        first = n - int(VALIDATION * n)
        train, test = np.arange(first - data.X.shape[1]), np.arange(first, n)
    else:
        kind = StratifiedShuffleSplit if data.task == "classification" else ShuffleSplit
        splitter = kind(1, test_size=VALIDATION, random_state=seed)
        strata = data.y if data.task == "classification" else None
        train, test = next(splitter.split(np.zeros(n), strata))
    return standardised(
        replace(
            data,
            X=_take(data.X, train),
            y=_take(data.y, train),
            X_test=_take(data.X, test),
            y_test=_take(data.y, test),
        )
    )


def fit(name: str, seed: int, options: Options) -> dict[str, float]:
    """Score and epochs of one fit."""
    data = validation(name, seed)
    options = dict(options)
    initial = options.pop("initial", "Glorot")
    model = estimator(data, seed, options)
    if initial != "Glorot":
        outputs = {}
        if data.task == "classification":
            outputs["classes"] = np.unique(data.y)
        elif data.per_step:
            outputs["n_outputs"] = data.y[0].shape[1]
        model.set_params(warm_start=True).initialize(data.X[0].shape[1], **outputs)
        draw(model, initial, np.random.default_rng(seed))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(data.X, data.y)
    return {"score": model.score(data.X_test, data.y_test), "epochs": model.n_iter_}


def curve(name: str, seed: int, options: Options) -> dict[str, list[float]]:
    """Loss and validation score after each epoch of a fit that never stops."""
    data = validation(name, seed)
    never = {"early_stopping": True, "n_iter_no_change": inf, "max_iter": EPOCHS}
    model = estimator(data, seed, options | never)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(data.X, data.y, X_val=data.X_test, y_val=data.y_test)
    return {"losses": model.loss_curve_, "scores": model.validation_scores_}


def estimator(data: Dataset, seed: int, options: Options) -> Any:
    kind = LSTMClassifier if data.task == "classification" else LSTMRegressor
    return kind(return_sequences=data.per_step, random_state=seed, n_jobs=1, **options)


def draw(model: Any, initial: str, rng: np.random.Generator) -> None:
    """Replace the initial weights by those of another rule; the gate biases stay."""
    for layer in model.layers_:
        recurrent = layer["recurrent"]
        n_cells = recurrent.shape[1]
        if initial == "orthogonal":  # each gate's square alone
            for start in range(0, len(recurrent), n_cells):
                square, triangle = np.linalg.qr(rng.normal(size=(n_cells, n_cells)))
                recurrent[start : start + n_cells] = square * np.sign(np.diag(triangle))
        else:
            limit = 1 / sqrt(n_cells)
            for weights in (recurrent, layer["input"], model.output_weights_):
                weights[:] = rng.uniform(-limit, limit, weights.shape)


def _take(rows: Any, numbers: np.ndarray) -> Any:
    return rows[numbers] if isinstance(rows, np.ndarray) else [rows[k] for k in numbers]


# --------------------------------------------------------------------------------------- reports


def report(factor: str, by_value: dict[str, dict], default: str) -> dict[str, Any]:
    """Print a factor's table: each set's mean, and the paired difference from the default."""
    base = _scores(by_value[default])
    rows, stored = [], {}
    for value, fits in by_value.items():
        scores = _scores(fits)
        epochs = np.mean([fit["epochs"] for several in fits.values() for fit in several])
        rows.append(
            [
                f"**{value}**" if value == default else value,
                *(f"{100 * mean:.1f}" for mean in scores.mean(axis=1)),
                *_against(scores, base),
                f"{epochs:.0f}",
            ]
        )
        stored[value] = {
            "scores": dict(zip(SETS, scores.round(4).tolist(), strict=True)),
            "epochs": round(float(epochs), 1),
        }
    head = [factor, *SETS, "mean", "difference", "better, worse", "epochs"]
    print(f"\n{table(head, rows)}", flush=True)
    return stored


def report_stopping(gradient: str, curves: dict[str, list[dict]]) -> dict[str, Any]:
    """Print what each stop rule, and each limit of epochs, would have given on the curves."""
    stored = {}
    rules = {
        f"{limit}, {tol:g}, {n:g}": _stopped(curves, tol, n, limit)
        for tol, n, limit in [
            *((tol, n, LIMIT_DEFAULT) for tol, n in STOP_RULES),
            *((*STOP_DEFAULT, limit) for limit in LIMITS if limit != LIMIT_DEFAULT),
            *((0.0, inf, limit) for limit in LIMITS),
        ]
    }
    tol, n = STOP_DEFAULT
    default = f"{LIMIT_DEFAULT}, {tol:g}, {n}"
    base = rules[default][0]
    rows = []
    for rule, (scores, epochs) in rules.items():
        rows.append(
            [
                f"**{rule}**" if rule == default else rule,
                *(f"{100 * mean:.1f}" for mean in scores.mean(axis=1)),
                *_against(scores, base),
                f"{epochs.mean():.0f}",
            ]
        )
        stored[rule] = {
            "scores": dict(zip(SETS, scores.round(4).tolist(), strict=True)),
            "epochs": dict(zip(SETS, epochs.mean(axis=1).round(1).tolist(), strict=True)),
        }
    head = [f"max_iter, tol, n_iter_no_change; {gradient}", *SETS]
    print(f"\n{table([*head, 'mean', 'difference', 'better, worse', 'epochs'], rows)}", flush=True)
    return stored


def _stopped(curves: dict, tol: float, n: float, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores where the rule stops, and how many epochs it lets pass: (sets, seeds) each."""
    ends = np.array(
        [[_end(run["losses"], tol, n, limit) for run in runs] for runs in curves.values()]
    )
    scores = [
        [run["scores"][end - 1] for run, end in zip(runs, row, strict=True)]
        for runs, row in zip(curves.values(), ends, strict=True)
    ]
    return np.array(scores), ends


def _end(losses: list[float], tol: float, n: float, limit: int) -> int:
    records = Records()
    for loss in losses[:limit]:
        records.end_epoch(1, loss, None, tol)
        if records.n_no_change > n:
            break
    return records.n_iter


def _scores(fits: dict[str, list[dict]]) -> np.ndarray:
    """(sets, seeds)"""
    return np.array([[fit["score"] for fit in several] for several in fits.values()])


def _against(scores: np.ndarray, base: np.ndarray) -> list[str]:
    """Mean; mean difference from the default and its standard error; on how many sets it shows."""
    mean = f"{100 * scores.mean():.1f}"
    if scores is base or np.array_equal(scores, base):
        return [mean, "", ""]
    differences = scores - base
    means = differences.mean(axis=1)
    errors = differences.std(axis=1, ddof=1) / sqrt(scores.shape[1])
    error = sqrt((errors**2).sum()) / len(means)
    better, worse = (int((sign * means > 2 * errors).sum()) for sign in (1, -1))
    return [mean, f"{100 * means.mean():+.1f} ± {100 * error:.1f}", f"{better}, {worse}"]
