"""The tasks of the experiments, in the form that the kernel reads."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sklstm.datasets import make_embedded_reber, reber_successors
from sklstm.datasets._grammar import EDGE_SYMBOL, EDGE_TARGET
from sklstm.paper._nets import net_of
from sklstm.paper._readings import Reading
from sklstm.paper._rows import N_STRINGS, Row


@dataclass(frozen=True, eq=False)
class Strings:
    """Strings of a grammar, training strings first.

    Attributes
    ----------
    symbols : (total,) uint8
        All strings, one after the other.
    legal : (total,) uint8
        Bits of the symbols that may follow.
    offsets : (n_strings + 1,) int64
        Start of each string, and the end of the last one.
    n_training : int
    """

    symbols: np.ndarray
    legal: np.ndarray
    offsets: np.ndarray
    n_training: int


@dataclass(frozen=True, eq=False)
class Automaton:
    """A grammar that endless strings are drawn from.

    Attributes
    ----------
    symbol, target : (n_edges,) uint8
        Symbol and target state of each edge. Edges 2k and 2k + 1 leave state k. A stream starts
        with the first edge.
    """

    symbol: np.ndarray
    target: np.ndarray


@dataclass(frozen=True, kw_only=True, eq=False)
class Task:
    """Inputs and targets of a net, for the struct of ``_tasks.pxd``, which draws them.

    Attributes
    ----------
    kind : str
        A key of ``_kernel.KINDS``.
    n_inputs : int
        Number of numeric inputs, or of different symbols.
    every_step : bool, default=False
        If True, every step has a target. If False, only the last one has.
    length : int, default=0
        T of 3 to 6, p of 2a and 2b, q of 2c, steps of a stream. Strings have their own lengths.
    n_distractors : int, default=0
        p of 2c.
    n_informative : int, default=0
        N of 3.
    noise, informative_noise : float, default=0
        Standard deviations of 3: of the elements after the first N, and of the first N.
    target_noise : float, default=-1
        If negative, the targets of 3 are 1 and 0. Otherwise they are 0.2 and 0.8 with noise of this
        standard deviation.
    first_pair : {"end", "marked", "never"}, default="end"
        What 4 and 5 do if the first pair is drawn to be marked, a key of ``_kernel.FIRST_PAIRS``:
        its marker stays -1, its marker is 1, or it is never drawn.
    n_relevant : int, default=0
        Number of relevant symbols of 6.
    legal_targets : bool, default=False
        If True, the targets of 1 are all symbols that may follow instead of the one that does.
    fixed_order : bool, default=False
        If True, training sequences of 1 and 2a come in one order, again and again, and the first
        symbols of 2b alternate. If False, each is selected at random.
    first_tested : int, default=0
        Number of the string of 1 with which a test starts.
    strings : Strings, default=None
        Strings of 1.
    automaton : Automaton, default=None
        Automaton of a stream.
    """

    kind: str
    n_inputs: int
    every_step: bool = False
    length: int = 0
    n_distractors: int = 0
    n_informative: int = 0
    noise: float = 0.0
    informative_noise: float = 0.0
    target_noise: float = -1.0
    first_pair: str = "end"
    n_relevant: int = 0
    legal_targets: bool = False
    fixed_order: bool = False
    first_tested: int = 0
    strings: Strings | None = None
    automaton: Automaton | None = None


KIND_OF = {
    "1": "strings",
    "2a": "noise_free_lag",
    "2b": "random_lag",
    "2c": "long_lag",
    "3a": "two_sequence",
    "3b": "two_sequence",
    "3c": "two_sequence",
    "4": "adding",
    "5": "multiplication",
    "6a": "temporal_order",
    "6b": "temporal_order",
}
NUMBERS = ("3a", "3b", "3c", "4", "5")  # experiments with numeric inputs
NEXT_SYMBOL = ("1", "2a", "2b")  # experiments with a target at every step


def task_of(row: Row, reading: Reading, data_set: int) -> Task:
    """Return the task of a row. ``data_set`` selects the strings of experiment 1."""
    name, columns = row.experiment, row.columns
    task = Task(
        kind=KIND_OF[name],
        n_inputs=net_of(row, reading).n_features,
        every_step=name in NEXT_SYMBOL,
        fixed_order=reading.order == "fixed",
    )
    if name == "1":
        strings = reber_strings(data_set, distinct=reading.distinct)
        tested = N_STRINGS if reading.exam == "test" else 0
        legal = reading.target == "legal"
        return replace(task, strings=strings, legal_targets=legal, first_tested=tested)
    if name in ("2a", "2b"):
        return replace(task, length=columns["p"], every_step=reading.taught == "every")
    if name == "2c":
        return replace(task, length=columns["q"], n_distractors=columns["p"])
    if name in ("3a", "3b", "3c"):
        return replace(
            task,
            length=columns["T"],
            n_informative=columns["N"],
            noise=np.sqrt(0.2),
            informative_noise=np.sqrt(0.2) if name == "3b" else 0.0,
            target_noise=np.sqrt(0.1) if name == "3c" else -1.0,
        )
    if name in ("4", "5"):
        return replace(task, length=columns.get("T", 100), first_pair=reading.first_pair)
    return replace(task, length=100, n_relevant={"6a": 2, "6b": 3}[name])


def reber_strings(data_set: int, *, distinct: bool) -> Strings:
    """Draw training strings, and as many test strings that differ from all of them."""
    rng = np.random.RandomState(1000 + data_set)
    draw = {"as_symbols": True, "distinct": distinct, "random_state": rng}
    X, y = make_embedded_reber(N_STRINGS, **draw)
    X_test, y_test = make_embedded_reber(N_STRINGS, exclude=X, **draw)
    X, y = X + X_test, y + y_test
    strings = [np.append(x, after[-1]).astype(np.uint8) for x, after in zip(X, y, strict=True)]
    # bits of the symbols that may follow; no symbol follows the last one
    legal = [np.append(may @ (1 << np.arange(7)), 0) for may in reber_successors(X)]
    return Strings(
        symbols=np.concatenate(strings),
        legal=np.concatenate(legal).astype(np.uint8),
        offsets=np.cumsum([0, *map(len, strings)]).astype(np.int64),
        n_training=N_STRINGS,
    )


def reber_stream(length: int) -> Task:
    """Return the continual embedded Reber grammar, in streams of ``length`` symbols."""
    return Task(
        kind="reber_stream",
        n_inputs=7,
        every_step=True,
        length=length,
        automaton=Automaton(EDGE_SYMBOL, EDGE_TARGET),
    )
