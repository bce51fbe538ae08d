"""The continual embedded Reber grammar (Gers, Schmidhuber & Cummins 2000), on streams.

A training stream ends at the first wrong prediction, or after 100,000 symbols; a net gets at most
30,000 of them, and 10^8 symbols in all. It learns at every step. A stream without an error is
followed by a test with learning halted: ten streams, and the net is perfect if none of them has an
error. A prediction is right if every output is within 0.49 of what can be expected of it: of 1 for
the one symbol that may follow and of 1/2 for each of two, of 0 for the others.
"""

from __future__ import annotations

from math import inf
from time import perf_counter
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from sklstm.datasets._grammar import EDGE_SYMBOL, EDGE_TARGET
from sklstm.paper import _kernel
from sklstm.paper._nets import ContinualNet, EstimatorNet, published_net
from sklstm.paper._protocol import KINDS, TOLERANCES
from sklstm.paper._report import summary, verdict
from sklstm.paper._run import Progress, run_lanes

STREAM = 100_000  # symbols
N_STREAMS = 30_000
N_TESTS = 10
# Symbols of a net in all its streams. Without a limit, a net that is nearly perfect would read
# 30,000 streams of tens of thousands of symbols, for hours; there is none in the source.
STEPS = 100_000_000
GOOD = 1000  # mean length of the test streams of a good net
DECAY = 0.99
N_PUBLISHED = 100  # nets of each system

UNPUBLISHED = {"perfect": None, "streams": None, "good": None, "rest_length": None}


def _public(cell: str, forget: dict[str, Any]) -> EstimatorNet:
    """The net's blocks and initial biases in an estimator."""
    closed = (-0.5, -1.0, -1.5, -2.0)
    gate_bias = {"input": closed, "output": closed} | forget
    return EstimatorNet(
        published_net(4, 2, bias="all", init_range=0.2, gate_bias=gate_bias, cell=cell), 7, 7
    )


# name: net, learning rate decay per step; published: per cent perfect, training streams; per cent
# good; mean test length of the rest.
SYSTEMS: dict[str, tuple[Any, float, str, dict[str, Any]]] = {
    "standard LSTM": (
        ContinualNet(4, 2, 7, 7, forget=False),
        1.0,
        "cells",
        {"perfect": 0.0, "streams": None, "good": 0.01, "rest_length": 37},
    ),
    "forget gates": (
        ContinualNet(4, 2, 7, 7),
        1.0,
        "cells",
        {"perfect": 0.18, "streams": 18_889, "good": 0.29, "rest_length": 145},
    ),
    "forget gates, falling rate": (
        ContinualNet(4, 2, 7, 7),
        DECAY,
        "cells",
        {"perfect": 0.62, "streams": 14_087, "good": 0.06, "rest_length": 30},
    ),
    # the nearest that public parameters give: no shortcuts, all units biased, "1997" with gates
    # fed back, "forget" with tanh for g and h
    "LSTMRegressor(cell='1997')": (_public("1997", {}), 1.0, "all", UNPUBLISHED),
    "LSTMRegressor(cell='forget')": (
        _public("forget", {"forget": (0.5, 1.0, 1.5, 2.0)}),
        1.0,
        "cells",
        UNPUBLISHED,
    ),
}


def run_continual(
    name: str,
    *,
    n_trials: int | None = None,
    seed: int = 0,
    cap: int | None = None,
    n_jobs: int = 1,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Run one of `SYSTEMS`; 20 nets unless ``n_trials`` says otherwise.

    ``cap`` is the number of training streams, 30,000 if None.
    """
    n_trials = 20 if n_trials is None else n_trials
    cap = N_STREAMS if cap is None else cap
    net, decay, feedback, published = SYSTEMS[name]
    start = perf_counter()
    groups = [list(range(part, n_trials, n_jobs)) for part in range(n_jobs)]
    done = Parallel(n_jobs=n_jobs, backend="threading")(
        delayed(_run_group)(net, decay, feedback, group, seed, cap, progress)
        for group in groups
        if group
    )
    trials = sorted((trial for group in done for trial in group), key=lambda trial: trial["seed"])
    for trial in trials:
        trial["length"] = trial.pop("final_length")
        trial["good"] = not trial["success"] and trial["length"] > GOOD
    figures = summary(trials)
    rest = [t["length"] for t in trials if not t["success"] and not t["good"]]
    figures["good"] = float(np.mean([t["good"] for t in trials]))
    figures["rest_length"] = float(np.mean(rest)) if rest else None
    return {
        "experiment": "crg",
        "row": f"crg: {name}",
        "column": "continual",
        "published_sequences": published["streams"],
        "published_success": published["perfect"],
        "published_trials": N_PUBLISHED,
        "published": published,
        "weights": net.n_weights,
        "cap": cap,
        "wall_seconds": round(perf_counter() - start, 1),
        "summary": figures,
        "verdict": verdict(figures, published["streams"], published["perfect"], N_PUBLISHED),
        "trials": trials,
    }


def _run_group(net, decay, feedback, numbers, seed, cap, progress):
    kernel = _kernel.Trials(
        net.places(symbols=False, feedback=feedback),
        {
            "kind": KINDS["crg"],
            "n_inputs": 7,
            "n_outputs": 7,
            "every_step": True,
            "length": STREAM,
            "edge_symbol": EDGE_SYMBOL,
            "edge_state": EDGE_TARGET,
        },
        {
            "window": 1,
            "window_wrong": 0,
            "window_error": inf,
            "measure": 0,
            "check": 1,
            "n_test": N_TESTS,
            "test_wrong": 0,
            "test_error": inf,
            "n_final": N_TESTS,
            "final_always": True,
            "cap": cap,
            "cap_steps": STEPS,
            "tolerance": TOLERANCES["crg"],
            "judge_last": False,
            "stop_at_error": True,
            "growth_window": 0,
            "growth_gain": 0.0,
        },
        rate=0.5,
        rate_decay=decay,
        update_every_step=True,
    )
    return run_lanes(kernel, net.vector, numbers, seed, progress=progress)
