"""Recurrent cascade-correlation in experiment 1 of the 1997 paper, the embedded Reber grammar.

``ROWS`` has the published figures and the settings. ``run_row`` runs one trial. The sources leave
these points open, and this module chooses:

* There are 512 distinct strings, 256 for training and 256 for testing. Trial ``seed`` uses the sets
  number ``seed`` modulo 3.
* Training strings are tested after each epoch of output training. A trial ends when all of them are
  right, or when the largest net stops improving. Test strings are used only then.
* Fahlman's criterion is that the two desired outputs are the two largest. If only one symbol is
  legal, it must be the largest. This equals the criterion for LSTM.
* A trial succeeds if no string of either set is wrong, as in Table 1.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np

from sklstm.baselines import RecurrentCascadeRegressor
from sklstm.baselines._growth import Cascade
from sklstm.datasets import make_embedded_reber, reber_successors
from sklstm.paper import _changes
from sklstm.paper._rows import N_SETS, N_STRINGS, OtherRow

# Of the six published runs: hidden units, epochs, wrong training strings, wrong test strings.
#   9, 831, 0, 0;  7, 602, 0, 0;  15, 1256, 0, 2;  11, 910, 0, 1;  13, 1063, 11, 16;  9, 707, 0, 0
ROWS = {
    "1:RCC": OtherRow(
        name="1:RCC",
        label="RCC, 7-9 hidden units",
        settings={"max_hidden": 15},  # the largest number of a published run
        weights="119-198",
        n_trials=6,
        sequences=182_000,
        success=50,
        cap=2000 * N_STRINGS,
    )
}


def run_row(name: str, seed: int, cap: int | None = None, changes: str = "") -> dict[str, Any]:
    """Run one trial of a row.

    Parameters
    ----------
    name : str
        A key of ``ROWS``.
    seed : int
        Seed of the weights. ``seed`` modulo 3 selects the strings.
    cap : int or None
        Largest number of presentations of strings. None is the default of the row.
    changes : str, default=""
        Settings that replace those of the row, ``name=value,name=value``.

    Returns
    -------
    result : dict
        "seed", "success", "sequences" (presentations: epochs of both kinds of phases times
        strings), "seconds", "weights", "hidden", "epochs", "train_wrong", "test_wrong" (strings).
    """
    row = ROWS[name]
    start = perf_counter()
    defaults = RecurrentCascadeRegressor().get_params()
    numbers = {name: value for name, value in defaults.items() if isinstance(value, (int, float))}
    settings = row.settings | _changes.parse(changes, numbers)
    cap = row.cap if cap is None else cap
    X, y = make_embedded_reber(
        2 * N_STRINGS, distinct=True, targets="one_hot", random_state=seed % N_SETS
    )
    legal = reber_successors(X)
    train = Strings(X[:N_STRINGS], legal[:N_STRINGS])
    test = Strings(X[N_STRINGS:], legal[N_STRINGS:])
    targets = np.concatenate(y[:N_STRINGS])
    net = RecurrentCascadeRegressor(
        out_activation="logistic", return_sequences=True, random_state=seed, **settings
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
    """Strings of the grammar, and the symbols that may follow each of their steps."""

    def __init__(self, X: list[np.ndarray], legal: list[np.ndarray]):
        self.x, self.legal = np.concatenate(X), np.concatenate(legal)
        self.offsets = np.cumsum([0, *map(len, X)], dtype=np.int64)

    def wrong(self, net: Cascade) -> int:
        """Return the number of strings with a legal output that some illegal one reaches."""
        outputs = net.values(self.x, self.offsets) @ net.outputs
        lowest = np.where(self.legal, outputs, np.inf).min(axis=1)
        wrong = lowest <= np.where(self.legal, -np.inf, outputs).max(axis=1)
        return int((np.add.reduceat(wrong, self.offsets[:-1]) > 0).sum())
