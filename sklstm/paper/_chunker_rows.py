"""The neural sequence chunker in experiment 2a of the 1997 paper.

``ROWS`` has the published figures and the settings. ``run_row`` runs one trial. These points are
not published, and this module chooses:

* An input is unexpected if one of its elements was predicted with an error above 0.25, the
  criterion of success. Errors go back 3 steps in time.
* The chunker's outputs do not read its inputs. If they do, the trials fail even at lag 5, see
  `SequenceChunker`. The published number of weights is the automatizer's and does not decide this.
* Both sequences are tested at every step, every 100 sequences, with the automatizer alone.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np

from sklstm.baselines import SequenceChunker
from sklstm.paper import _changes
from sklstm.paper._lag_tasks import Draw, Solved, long_lag, noise_free_lag
from sklstm.paper._rows import OtherRow

INTERVAL = 100  # sequences between two tests of the success criterion
LONG_LAG_HIDDEN = 6
LONG_LAG_RATE = 0.1

# Settings of 2a:CH that a search changes, see `SequenceChunker`.
SETTINGS = {"threshold": 0.25, "n_steps": 3, "chunker_shortcuts": False, "bias": False}

ROWS = {
    "2a:CH": OtherRow(
        name="2a:CH",
        label="CH, p = 100, learning rate 1",
        settings={"p": 100, "learning_rate": 1.0},
        weights=10_506,
        n_trials=18,
        sequences=32_400,
        success=33,
        cap=200_000,
    )
}


def run_row(name: str, seed: int, cap: int | None = None, changes: str = "") -> dict[str, Any]:
    """Run one trial of a row.

    Parameters
    ----------
    name : str
        A key of ``ROWS``.
    seed : int
        Seed of the weights and the order of the sequences.
    cap : int or None
        Largest number of sequences. None is the default of the row.
    changes : str, default=""
        Settings that replace those of the row, ``name=value,name=value``.

    Returns
    -------
    result : dict
        "seed", "success", "sequences" (until success, or until the trial ended), "seconds",
        "weights" (the automatizer's, as published), "surprises" (unexpected inputs per sequence,
        in the last 100).
    """
    row = ROWS[name]
    start = perf_counter()
    settings = SETTINGS | row.settings
    settings |= _changes.parse(changes, settings)
    result = _run_noise_free_lag(seed, row.cap if cap is None else cap, **settings)
    return {"seed": seed, **result, "seconds": perf_counter() - start}


def run_lag(system: str, family: str, lag: int, seed: int, cap: int) -> dict[str, Any]:
    """Run one trial for the picture of sequences to success against time lag.

    Parameters
    ----------
    system : {"CH"}
    family : {"2a", "2c"}
        "2a" uses the nets of Table 2 and learning rate 1. "2c" (with p = q = ``lag``) uses 6 hidden
        units in each net and learning rate 0.1; the automatizer predicts class and next input.
        Nearly all inputs of 2c are random and stay unexpected, so there is little to compress.
    lag : int
    seed, cap : as in `run_row`

    Returns
    -------
    result : dict
        As returned by `run_row`.
    """
    if system != "CH":
        raise ValueError(f"system must be 'CH', got {system!r}.")
    if family not in ("2a", "2c"):
        raise ValueError(f"family must be '2a' or '2c', got {family!r}.")
    start = perf_counter()
    if family == "2a":
        result = _run_noise_free_lag(seed, cap, p=lag, learning_rate=1.0)
    else:
        result = _run_long_lag(seed, cap, lag=lag)
    return {"seed": seed, **result, "seconds": perf_counter() - start}


# ---------------------------------------------------------------------------------------- trials


def _run_noise_free_lag(
    seed: int, cap: int, *, p: int, learning_rate: float, **settings: Any
) -> dict[str, Any]:
    net = _net(1, learning_rate, seed, next_input=True, return_sequences=True, **settings)
    net.initialize(p + 1, n_outputs=p + 1)
    return _learn(net, *noise_free_lag(p, seed), cap)


def _run_long_lag(seed: int, cap: int, *, lag: int) -> dict[str, Any]:
    net = _net(LONG_LAG_HIDDEN, LONG_LAG_RATE, seed)
    net.initialize(lag + 4, n_outputs=2)
    return _learn(net, *long_lag(lag, seed), cap)


# ----------------------------------------------------------------------------------------- parts


def _net(n_hidden: int, learning_rate: float, seed: int, **settings: Any) -> SequenceChunker:
    """Return nets of the paper: logistic, without biases, weights from U[-0.2, 0.2]."""
    return SequenceChunker(
        n_hidden,
        out_activation="logistic",
        init_range=0.2,
        learning_rate_init=learning_rate,
        random_state=seed,
        **{"bias": False} | settings,
    )


def _learn(
    net: SequenceChunker,
    draw: Draw,
    solved: Solved,
    cap: int,
) -> dict[str, Any]:
    """Train on ``INTERVAL`` drawn sequences at a time, until the task is solved."""
    kernel = net._nets(net.parameters_)
    seen, success, surprises = 0, False, None
    while seen < cap and not success and np.isfinite(net.parameters_).all():
        steps, targets, order = draw(min(INTERVAL, cap - seen))
        kernel.learn(
            steps,
            targets,
            np.ones(len(targets)),
            order,
            per_step=net.return_sequences,
            rate=net.learning_rate_init,
        )
        seen += len(order)
        surprises = kernel.n_surprises / len(order)
        success = solved(kernel)
    return {
        "success": success,
        "sequences": seen,
        "weights": net.n_automatizer_parameters_,
        "surprises": surprises,
    }
