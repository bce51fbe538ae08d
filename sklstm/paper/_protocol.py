"""A row and a reading as what the kernel of the trials is told: net, task, criteria."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

from sklstm.datasets import make_embedded_reber, reber_successors
from sklstm.paper._nets import EstimatorNet, LateCellNet, published_net
from sklstm.paper._readings import Reading
from sklstm.paper._rows import Row

# As in _tasks.pxd.
KINDS = {"1": 0, "2a": 1, "2b": 2, "2c": 3, "3a": 4, "3b": 4, "3c": 4, "4": 5, "5": 6}
KINDS |= {"6a": 7, "6b": 7, "crg": 8}
FIRST_PAIRS = {"end": 0, "marked": 1, "never": 2}
MEASURES = {"absolute": 0, "squared": 1}
N_STRINGS = 256  # of each of the two sets of experiment 1
NEXT_SYMBOL = ("1", "2a", "2b")  # experiments with a target at every step


def net_of(row: Row, reading: Reading) -> EstimatorNet | LateCellNet:
    """The net of a row, untrained."""
    if row.experiment in ("2a", "2b"):
        return LateCellNet(row.columns["p"] + 1, row.columns["p"] + 1)
    settings = dict(row.net)
    if reading.biased_outputs and row.experiment in ("1", "3a", "3b", "3c"):
        settings["bias"] = "all"
    sizes = {"1": (7, 7), "4": (2, 1), "5": (2, 1), "6a": (8, 4), "6b": (8, 8)}
    n_features, n_outputs = sizes.get(row.experiment, (1, 1))
    if row.experiment == "2c":
        n_features, n_outputs = row.columns["p"] + 4, 2
    return EstimatorNet(published_net(**settings), n_features, n_outputs)


def task_of(row: Row, reading: Reading, data_set: int) -> dict[str, Any]:
    """The task of a row; ``data_set`` is the number of the strings of experiment 1."""
    name, columns = row.experiment, row.columns
    net = net_of(row, reading)
    task = {
        "kind": KINDS[name],
        "n_inputs": net.n_features,
        "n_outputs": net.n_outputs,
        "n_symbols": 0 if name[0] in "345" else net.n_features,
        "every_step": name in NEXT_SYMBOL,
        "first_pair": FIRST_PAIRS[reading.first_pair],
    }
    if name == "1":
        task["legal_targets"] = reading.target == "legal"
        return task | reber_strings(data_set, distinct=reading.distinct)
    if name in ("2a", "2b"):
        return task | {"length": columns["p"]}
    if name == "2c":
        return task | {"length": columns["q"], "n_distractors": columns["p"]}
    if name in ("6a", "6b"):
        return task | {"length": 100, "n_relevant": 2 if name == "6a" else 3}
    task["length"] = columns.get("T", 100)
    if name in ("3a", "3b", "3c"):
        task |= {
            "n_informative": columns["N"],
            "noise": np.sqrt(0.2),
            "informative_noise": np.sqrt(0.2) if name == "3b" else 0.0,
            "target_noise": np.sqrt(0.1) if name == "3c" else -1.0,
        }
    return task


def protocol_of(row: Row, reading: Reading, cap: int) -> dict[str, Any]:
    """When a net of this row has learned (table 11 and the text of section 5)."""
    name = row.experiment
    protocol = {
        "window": 100,
        "window_wrong": 0,
        "window_error": inf,
        "measure": MEASURES[reading.measure],
        "check": reading.check,
        "n_test": 0,
        "test_wrong": 0,
        "test_error": inf,
        "n_final": 2560,
        "final_always": False,
        "cap": cap,
        "tolerance": TOLERANCES[name],
        "judge_last": name == "2b",
        "stop_at_error": False,
        "growth_window": reading.growth_window if name in ("2a", "2b") else 0,
        "growth_gain": reading.growth_gain,
    }
    if name == "1":
        return protocol | {"n_test": 2 * N_STRINGS, "n_final": 0}
    if name == "2a":
        return protocol | {"n_test": 2, "n_final": 0}
    if name in ("2b", "2c"):
        return protocol | {"window": 1000, "n_test": 10_000, "n_final": 0}
    if name in ("3a", "3b", "3c"):
        # a test is run only if at most a tenth of the 100 most recent sequences was wrong
        wrong, error = {"3a": (0, 0.01), "3b": (5, 0.04), "3c": (0, 0.015)}[name]
        return protocol | {
            "window_wrong": 10,
            "n_test": 256,
            "test_wrong": wrong,
            "test_error": error,
            "measure": MEASURES["absolute"],  # the text says so
        }
    protocol |= {"window": 2000, "check": 1}
    if name == "5":
        return protocol | {"window_wrong": row.columns["n_seq"] - 1}
    bound = 0.01 if name == "4" else 0.1
    return protocol | {
        "window_error": bound,
        "window_wrong": 2000 if reading.stop == "error" else 0,
    }


# "Right" is an absolute error below this, in all outputs; 0: the legal symbols are the most active.
TOLERANCES = {"1": 0.0, "2a": 0.25, "2b": 0.25, "2c": 0.2, "3a": 0.2, "3b": 0.2, "3c": 0.1}
TOLERANCES |= {"4": 0.04, "5": 0.04, "6a": 0.3, "6b": 0.3, "crg": 0.49}


def reber_strings(data_set: int, *, distinct: bool) -> dict[str, Any]:
    """256 strings to learn from and 256 others to test, none of which is among the first."""
    rng = np.random.RandomState(1000 + data_set)
    draw = {"as_symbols": True, "distinct": distinct, "random_state": rng}
    X, y = make_embedded_reber(N_STRINGS, **draw)
    X_test, y_test = make_embedded_reber(N_STRINGS, exclude=X, **draw)
    X, y = X + X_test, y + y_test
    strings = [np.append(x, after[-1]).astype(np.uint8) for x, after in zip(X, y, strict=True)]
    # a bit for each symbol that may follow; nothing follows the last
    legal = [np.append(may @ (1 << np.arange(7)), 0) for may in reber_successors(X)]
    return {
        "symbols": np.concatenate(strings),
        "legal": np.concatenate(legal).astype(np.uint8),
        "offsets": np.cumsum([0, *map(len, strings)]).astype(np.int64),
        "n_training": N_STRINGS,
    }
