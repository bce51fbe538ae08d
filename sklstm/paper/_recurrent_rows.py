"""RTRL, BPTT, Elman's net and random guessing in the experiments of the 1997 paper.

``ROWS`` has the published figures and the settings. ``run_row`` runs one trial. The sources leave
these points open, and this module chooses:

* Elman's net and RTRL update their weights at every step, as originally described. BPTT does so
  after each sequence.
* Experiment 1 has 256 training strings as the grammar draws them, in which short ones repeat, and
  256 other test strings. Trial ``seed`` uses the sets number ``seed`` modulo 3. Both sets are
  tested every 100 sequences. With ``distinct`` strings, none of ten short trials succeeded.
* In experiment 2a, both sequences are tested at every step, every 100 sequences.
* The learning rate of Elman's net in experiment 1 is not published. It is 0.1 here.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np

from sklstm.baselines import GuessingRegressor, RecurrentRegressor
from sklstm.baselines._entries import Steps
from sklstm.datasets import make_embedded_reber, reber_successors
from sklstm.paper import _changes
from sklstm.paper._guessing_tasks import NOISE, draw_task
from sklstm.paper._lag_tasks import Draw, Solved, long_lag, noise_free_lag, one_hot
from sklstm.paper._rows import N_SETS, N_STRINGS, OtherRow

INTERVAL = 100  # sequences between two tests of the success criterion
CAP = 5_000_000  # most sequences of a trial of experiment 2

# Settings of the picture, for which the paper has none: nets that learn at the shortest lags.
LAG_RATE = 10.0  # 2a: the rate of Table 2 with most successes here
LONG_LAG_HIDDEN, LONG_LAG_RATE = 12, 1.0  # 2c: 6 units or lower rates fail at lag 5

SYSTEMS = {
    "RTRL": {"gradient": "rtrl", "update": "step"},
    "BPTT": {"gradient": "bptt", "update": "sequence"},
    "ELM": {"gradient": "elman", "update": "step"},
}
# Settings that a search changes, with their values in all rows: different strings in experiment 1;
# steps of 2a that are tested, "all" or "last", and when weights change, "step" or "sequence" ("" is
# that of the system); the standard deviation of the noise of 2-sequence.
SEARCHED = {
    "1": {"distinct": False},
    "2a": {"judged": "all", "update": ""},
    "guessing": {"noise": NOISE},
}


def _lag(system: str, p: int, rate: float, success: int, sequences: int | str) -> OtherRow:
    return OtherRow(
        name=f"2a:{system}/p={p}/lr={rate:g}",
        label=f"{system}, p = {p}, learning rate {rate:g}",
        settings={"system": system, "p": p, "learning_rate": rate},
        weights={4: 36, 10: 144, 100: 10404}[p],
        n_trials=18,
        sequences=sequences,
        success=success,
        cap=CAP,
    )


def _guess(task: str, net: str, sequences: int, **settings: Any) -> OtherRow:
    return OtherRow(
        name=f"guessing/{task}/{net}",
        label=f"{task}, {net}",
        settings={"task": task, **settings},
        weights=None,
        n_trials=10,
        sequences=sequences,  # trials of the search, each over up to 100 sequences
        success=100,
        cap=1_000_000,
    )


_A1 = {"connections": "full", "bias": "hidden"}
_A2 = {"n_hidden": 10, "connections": "self", "bias": "all"}
_A2_NO_SELF = _A2 | {"connections": "outputs"}
# A single unit can store the class only if it starts between its two stable states, as tanh does.
_THREE = {"n_hidden": 0, "connections": "full", "bias": "all", "out_activation": "tanh"}

_ROWS = [
    OtherRow(
        name="1:RTRL/3",
        label="RTRL, 3 hidden units",
        settings={"system": "RTRL", "n_hidden": 3, "connections": "full", "learning_rate": 0.05},
        weights=170,
        n_trials=None,
        sequences=173_000,
        success="some fraction",
        cap=1_000_000,
    ),
    OtherRow(
        name="1:RTRL/12",
        label="RTRL, 12 hidden units",
        settings={"system": "RTRL", "n_hidden": 12, "connections": "full", "learning_rate": 0.1},
        weights=494,
        n_trials=None,
        sequences=25_000,
        success="some fraction",
        cap=250_000,
    ),
    OtherRow(
        name="1:ELM",
        label="Elman's net, 15 hidden units",
        settings={"system": "ELM", "n_hidden": 15, "connections": "layered", "learning_rate": 0.1},
        weights=435,
        n_trials=None,
        sequences=">200,000",
        success=0,
        cap=250_000,
    ),
    _lag("RTRL", 4, 1.0, 78, 1_043_000),
    _lag("RTRL", 4, 4.0, 56, 892_000),
    _lag("RTRL", 4, 10.0, 22, 254_000),
    *(_lag("RTRL", p, rate, 0, ">5,000,000") for p in (10, 100) for rate in (1.0, 4.0, 10.0)),
    *(_lag("BPTT", 100, rate, 0, ">5,000,000") for rate in (1.0, 4.0, 10.0)),
    _guess("2-sequence", "A2", 718, **_A2),
    _guess("2-sequence", "A1, n = 1", 1247, n_hidden=1, **_A1),
    _guess("2-sequence", "3 parameters", 22, **_THREE),
    _guess("parity", "A1, n = 1", 2906, n_hidden=1, **_A1),
    _guess("parity", "A2", 2797, **_A2),
    _guess("parity", "A2 without self-connections", 250, **_A2_NO_SELF),
    _guess("Tomita #1", "A1, n = 1", 182, n_hidden=1, **_A1),
    _guess("Tomita #1", "A2", 288, **_A2),
    _guess("Tomita #2", "A1, n = 3", 1511, n_hidden=3, **_A1),
    _guess("Tomita #2", "A2", 17_953, **_A2),
    _guess("Tomita #4", "A1, n = 2", 13_833, n_hidden=2, **_A1),
    _guess("Tomita #4", "A2", 35_610, **_A2),
]
ROWS = {row.name: row for row in _ROWS}


def run_row(name: str, seed: int, cap: int | None = None, changes: str = "") -> dict[str, Any]:
    """Run one trial of a row.

    Parameters
    ----------
    name : str
        A key of ``ROWS``.
    seed : int
        Seed of the weights and the order of the sequences. ``seed`` modulo 3 selects the strings of
        experiment 1.
    cap : int or None
        Largest number of sequences (guessing: of trials). None is the default of the row.
    changes : str, default=""
        Settings that replace those of the row, ``name=value,name=value``.

    Returns
    -------
    result : dict
        "seed", "success", "sequences" (until success, or until the trial ended), "seconds",
        "weights"; for guessing also "test_wrong" of 100.
    """
    row = ROWS[name]
    start = perf_counter()
    run = {"1": _run_reber, "2a": _run_noise_free_lag, "guessing": _run_guess}[row.experiment]
    settings = row.settings | _changes.parse(changes, SEARCHED[row.experiment] | row.settings)
    result = run(seed, row.cap if cap is None else cap, **settings)
    return {"seed": seed, **result, "seconds": perf_counter() - start}


def run_lag(system: str, family: str, lag: int, seed: int, cap: int) -> dict[str, Any]:
    """Run one trial for the picture of sequences to success against time lag.

    Parameters
    ----------
    system : {"RTRL", "BPTT", "ELM"}
    family : {"2a", "2c"}
        "2a" uses the net of Table 2 for p = ``lag`` and learning rate 10. "2c" (with p = q =
        ``lag``) uses 12 hidden units, layered, without bias, and learning rate 1. The only target
        of 2c is at the end, so RTRL and BPTT differ there only in rounding and time.
    lag : int
    seed, cap : as in `run_row`

    Returns
    -------
    result : dict
        As returned by `run_row`.
    """
    start = perf_counter()
    if family == "2a":
        result = _run_noise_free_lag(seed, cap, system=system, p=lag, learning_rate=LAG_RATE)
    elif family == "2c":
        result = _run_long_lag(seed, cap, system=system, lag=lag)
    else:
        raise ValueError(f"family must be '2a' or '2c', got {family!r}.")
    return {"seed": seed, **result, "seconds": perf_counter() - start}


# ---------------------------------------------------------------------------------------- trials


def _run_reber(
    seed: int,
    cap: int,
    *,
    system: str,
    n_hidden: int,
    connections: str,
    learning_rate: float,
    distinct: bool = False,
) -> dict[str, Any]:
    sets = np.random.RandomState(seed % N_SETS)
    options = {"as_symbols": True, "distinct": distinct, "random_state": sets}
    strings, following = make_embedded_reber(N_STRINGS, **options)
    test_strings, _ = make_embedded_reber(N_STRINGS, exclude=strings, **options)
    net = _net(system, n_hidden, connections, 7, 7, learning_rate, seed)
    steps = one_hot(strings)
    targets = np.eye(7)[np.concatenate(following)]
    all_steps = one_hot(strings + test_strings)
    legal = np.concatenate(reber_successors(strings + test_strings))
    outputs = np.empty((len(legal), 7))

    def solved(kernel: Any) -> bool:
        """True if legal outputs exceed all others, at every step of all strings."""
        kernel.output(all_steps, outputs, per_step=True)
        lowest = np.where(legal, outputs, np.inf).min(axis=1)
        return bool((lowest > np.where(legal, -np.inf, outputs).max(axis=1)).all())

    rng = np.random.RandomState(seed)

    def draw(n: int) -> tuple[Steps, np.ndarray, np.ndarray]:
        return steps, targets, rng.randint(N_STRINGS, size=n, dtype=np.int64)

    return _learn(net, draw, solved, cap, per_step=True)


def _run_noise_free_lag(
    seed: int,
    cap: int,
    *,
    system: str,
    p: int,
    learning_rate: float,
    judged: str = "all",
    update: str = "",
) -> dict[str, Any]:
    net = _net(system, 1, "shortcuts", p + 1, p + 1, learning_rate, seed)
    if update:
        net.set_params(update=update)
    return _learn(net, *noise_free_lag(p, seed, judged=judged), cap, per_step=True)


def _run_long_lag(seed: int, cap: int, *, system: str, lag: int) -> dict[str, Any]:
    net = _net(system, LONG_LAG_HIDDEN, "layered", lag + 4, 2, LONG_LAG_RATE, seed)
    return _learn(net, *long_lag(lag, seed), cap, per_step=False)


def _run_guess(
    seed: int, cap: int, *, task: str, noise: float = NOISE, **settings: Any
) -> dict[str, Any]:
    rng = np.random.RandomState(seed)
    (X, y), (X_test, y_test) = (draw_task(task, 100, rng, noise=noise) for _ in range(2))
    if settings.get("out_activation") == "tanh":
        y, y_test = 2 * y - 1, 2 * y_test - 1
    model = GuessingRegressor(max_iter=cap, random_state=rng, **settings)
    model.initialize(1).partial_fit(X, y)
    wrong = np.abs(model.predict(X_test) - y_test) >= model.tolerance
    return {
        "success": model.n_right_ == len(X),
        "sequences": model.n_iter_,
        "weights": model.n_parameters_,
        "test_wrong": int(wrong.sum()),
    }


# ----------------------------------------------------------------------------------------- parts


def _net(
    system: str,
    n_hidden: int,
    connections: str,
    n_features: int,
    n_outputs: int,
    learning_rate: float,
    seed: int,
) -> RecurrentRegressor:
    """Return a net of the paper: logistic, without biases, weights from U[-0.2, 0.2]."""
    return RecurrentRegressor(
        n_hidden,
        connections=connections,
        bias=False,
        out_activation="logistic",
        init_range=0.2,
        learning_rate_init=learning_rate,
        random_state=seed,
        **SYSTEMS[system],
    ).initialize(n_features, n_outputs=n_outputs)


def _learn(
    net: RecurrentRegressor,
    draw: Draw,
    solved: Solved,
    cap: int,
    *,
    per_step: bool,
) -> dict[str, Any]:
    """Train on ``INTERVAL`` drawn sequences at a time, until the task is solved."""
    kernel = net._net(net.parameters_)
    seen, success, weights = 0, False, np.ones(0)
    while seen < cap and not success and np.isfinite(net.parameters_).all():
        steps, targets, order = draw(min(INTERVAL, cap - seen))
        if len(weights) != len(targets):
            weights = np.ones(len(targets))
        kernel.learn(
            steps,
            targets,
            weights,
            order,
            per_step=per_step,
            gradient=net.gradient,
            rate=net.learning_rate_init,
            every_step=net.update == "step",
        )
        seen += len(order)
        success = solved(kernel)
    return {"success": success, "sequences": seen, "weights": net.n_parameters_}
