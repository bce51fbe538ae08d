"""Recurrent cascade-correlation in experiment 1 of the 1997 paper, the embedded Reber grammar.

``ROWS`` holds the published facts and the settings, ``run_row`` makes one trial. What the sources
leave open is decided here:

* 512 distinct strings, the first 256 to train, the others to test; trial ``seed`` has the sets
  number ``seed`` modulo 3.
* Training strings are tested after each epoch of output training, and a trial ends when all of them
  are right, or when the largest net has stagnated. Test strings are looked at then only.
* Fahlman's criterion: the two desired outputs are the two largest. Where only one symbol is legal,
  it must be the largest. That is the criterion of LSTM too.
* A trial is a success if no string of either set is wrong, as Table 1 has it.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np

from sklstm.baselines import RecurrentCascadeRegressor
from sklstm.baselines._growth import Cascade
from sklstm.datasets import make_embedded_reber, reber_successors
from sklstm.paper._rows import N_SETS, N_STRINGS, OtherRow

# Of the six published runs: hidden units, epochs, wrong training strings, wrong test strings.
#   9, 831, 0, 0;  7, 602, 0, 0;  15, 1256, 0, 2;  11, 910, 0, 1;  13, 1063, 11, 16;  9, 707, 0, 0
ROWS = {
    "1:RCC": OtherRow(
        name="1:RCC",
        label="RCC, 7-9 hidden units",
        settings={"max_hidden": 15},  # the most that a published run had
        weights="119-198",
        n_trials=6,
        sequences=182_000,
        success=50,
        cap=2000 * N_STRINGS,
    )
}


def run_row(name: str, seed: int, cap: int | None = None) -> dict[str, Any]:
    """One trial of a row.

    Parameters
    ----------
    name : str
        A key of ``ROWS``.
    seed : int
        Draws the weights, and (from ``seed`` modulo 3) the strings.
    cap : int or None
        Most presentations of strings; None is the row's own.

    Returns
    -------
    result : dict
        "seed", "success", "sequences" (presentations: epochs of both kinds of phases times
        strings), "seconds", "weights", "hidden", "epochs", "train_wrong", "test_wrong" (strings).
    """
    row = ROWS[name]
    start = perf_counter()
    cap = row.cap if cap is None else cap
    X, y = make_embedded_reber(
        2 * N_STRINGS, distinct=True, targets="one_hot", random_state=seed % N_SETS
    )
    legal = reber_successors(X)
    train = Strings(X[:N_STRINGS], legal[:N_STRINGS])
    test = Strings(X[N_STRINGS:], legal[N_STRINGS:])
    targets = np.concatenate(y[:N_STRINGS])
    net = RecurrentCascadeRegressor(
        out_activation="logistic", return_sequences=True, random_state=seed, **row.settings
    ).initialize(7, n_outputs=7)
    n_steps = len(train.x)
    every_step, weights = np.arange(n_steps), np.ones(n_steps)
    growth = net._growth(train.x, train.offsets, every_step, targets, weights, net._rng)

    epochs = 0
    for phase in growth.epochs():
        epochs += 1
        if (epochs + 1) * N_STRINGS > cap or (phase == "outputs" and not train.wrong(growth.net)):
            break
    train_wrong, test_wrong = train.wrong(growth.net), test.wrong(growth.net)
    return {
        "seed": seed,
        "success": train_wrong == test_wrong == 0,
        "sequences": epochs * N_STRINGS,
        "weights": len(growth.net.vector),
        "hidden": len(growth.net.units),
        "epochs": epochs,
        "train_wrong": train_wrong,
        "test_wrong": test_wrong,
        "seconds": perf_counter() - start,
    }


class Strings:
    """Strings of the grammar, and what may follow each of their steps."""

    def __init__(self, X: list[np.ndarray], legal: list[np.ndarray]):
        self.x, self.legal = np.concatenate(X), np.concatenate(legal)
        self.offsets = np.cumsum([0, *map(len, X)], dtype=np.int64)

    def wrong(self, net: Cascade) -> int:
        """In how many is a legal successor, at some step, not more active than all others?"""
        outputs = net.values(self.x, self.offsets) @ net.outputs
        lowest = np.where(self.legal, outputs, np.inf).min(axis=1)
        wrong = lowest <= np.where(self.legal, -np.inf, outputs).max(axis=1)
        return int((np.add.reduceat(wrong, self.offsets[:-1]) > 0).sum())
