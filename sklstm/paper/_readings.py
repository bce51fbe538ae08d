"""Readings: one choice for each question about the experiments.

The default is "as printed": it follows the paper exactly, and makes one choice where the paper says
nothing. Other readings change one or several fields, and `--reading` selects them. Some of them
contradict the paper: docs/paper_readings.md says which.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sklstm.paper import _changes
from sklstm.paper._kernel import FIRST_PAIRS, MEASURES, RESETS


@dataclass(frozen=True)
class Reading:
    """One choice for each question. Choices that do not concern a row have no effect on it.

    Attributes
    ----------
    update : {"sequence", "step"}
        When weights change: at the end of a sequence or at every step with a target. Only 1, 2a
        and 2b have targets before the last step. A.1 sums the contributions of all steps.
    feedback : {"all", "cells", "none"}
        What the hidden layer reads from the previous step: cells and gates, cells only, or zeros.
        With "none" the connections exist and are counted.
    rest : float
        Activations of cells and gates before the first step: 0 in the paper, 0.5 in the simulator
        of the first author's institute.
    measure : {"absolute", "squared"}
        What "average training error" averages: the mean over the outputs of |t - y|, or the sum
        over the outputs of (t - y)^2.
    stop : {"both", "error"}
        When 4 and 6 stop: with a low average error and the 2000 most recent sequences right, or
        with a low average error alone.
    first_pair : {"end", "marked", "never"}
        What 4 and 5 do if the first pair is drawn to be marked, see ``make_adding``.
    check : int
        Number of training sequences between two tests of the criterion, in 1, 2a-c and 3.
    target : {"successor", "legal"}
        Targets of 1: the symbol that follows, or all symbols that may follow.
    distinct : bool
        True if the 256 training strings of 1 are all different.
    biased_outputs : bool
        True if the outputs of 1 and 3 have biases, too.
    plain_error : bool
        True to leave out the derivative of the logistic outputs in (19). The paper does not suggest
        it. It is a probe that shows what holds a net back.
    centred : bool
        True if 2a and 2b use the g of the other experiments, from -2 to 2, instead of a logistic g.
    growth_window, growth_gain : int, float
        2a and 2b: the cell is added when the mean error of ``growth_window`` sequences is not lower
        by the fraction ``growth_gain`` than that of the window before.
    average : bool
        True to divide the learning rate by the number of targets of a sequence, so that it applies
        to a mean instead of the sum. For updates at the end of a sequence.
    order : {"random", "fixed"}
        How training sequences of 1, 2a and 2b follow one another: drawn at random, or in one order
        again and again. In 2b only x and y alternate.
    exam : {"both", "training", "test"}
        Strings of 1 that have to be right.
    accepted : float
        If positive, a prediction in 1 is right if the output of the symbol that follows is above
        it: 0.3 in Cleeremans et al. (1989).
    judge : {"all", "last"}
        Steps of 2a that have to be right.
    taught : {"every", "last"}
        Steps of 2a and 2b that have a target. With "last", only this step counts in the errors, and
        only its output has to be right.
    freeze : bool
        True if 2a and 2b train only the weights of the late cell once it has been added.
    reset : {"always", "success", "never"}
        When states and activations are reset before a training sequence. "success" resets them only
        if the sequence before was right. They are always reset before a test sequence, and after a
        test.
    swapped : bool
        True for g in [-1, 1] and h in [-2, 2], as Table 10 prints them. All but 2a and 2b.
    gate_bias : {"printed", "random", "shifted"}
        Initial biases of gates: those of Table 10, random like all other weights, or the sum of
        both as in the simulator of the first author's institute.
    bias_decay : float
        Fraction of the biases of the outputs that each update removes.
    biased_cells : bool
        False if ``biased_outputs`` gives biases to the outputs of 1 only, and not to its cells.
    """

    update: str = "sequence"
    feedback: str = "all"
    rest: float = 0.0
    measure: str = "absolute"
    stop: str = "both"
    first_pair: str = "end"
    check: int = 100
    target: str = "successor"
    distinct: bool = False
    biased_outputs: bool = False
    plain_error: bool = False
    centred: bool = False
    growth_window: int = 500
    growth_gain: float = 0.01
    average: bool = False
    order: str = "random"
    exam: str = "both"
    accepted: float = 0.0
    judge: str = "all"
    taught: str = "every"
    freeze: bool = False
    reset: str = "always"
    swapped: bool = False
    gate_bias: str = "printed"
    bias_decay: float = 0.0
    biased_cells: bool = True

    def changed(self) -> dict[str, object]:
        """Return the fields that differ from "as printed"."""
        default = vars(Reading())
        return {name: value for name, value in vars(self).items() if value != default[name]}

    def words(self) -> str:
        """Return `changed` as text, in the order of the attributes."""
        return _changes.words(self.changed())

    def without_effect(self, experiments: Iterable[str]) -> list[str]:
        """Return the changed choices that concern none of these experiments."""
        there = set(experiments)
        concerned = CONCERNED if self.biased_outputs else CONCERNED | WITHOUT_BIASES
        return [name for name in self.changed() if not there & concerned.get(name, there)]

    def with_changes(self, changes: str) -> Reading:
        """Parse ``name=value,name=value``."""
        values: dict[str, object] = {}
        for name, text in _changes.pairs(changes):
            if name not in vars(self):
                raise ValueError(
                    f"{name!r} is not a choice of a reading. Use one of {', '.join(vars(self))}."
                )
            if name in values:
                raise ValueError(f"{name} is given twice.")
            values[name] = _parse(name, text, getattr(self, name))
        return replace(self, **values)


# Experiments that a choice concerns, if not all.
_FED_BACK = {"1", "2c", "3a", "3b", "3c", "4", "5", "6a", "6b"}  # the cell of 2a and 2b is not
CONCERNED = {
    "update": {"1", "2a", "2b"},
    "feedback": _FED_BACK,
    "rest": _FED_BACK,
    "measure": {"4", "6a", "6b"},
    "stop": {"4", "6a", "6b"},
    "first_pair": {"4", "5"},
    "check": {"1", "2a", "2b", "2c", "3a", "3b", "3c"},
    "target": {"1"},
    "distinct": {"1"},
    "biased_outputs": {"1", "3a", "3b", "3c"},
    "centred": {"2a", "2b"},
    "growth_window": {"2a", "2b"},
    "growth_gain": {"2a", "2b"},
    "average": {"1", "2a", "2b"},
    "order": {"1", "2a", "2b"},
    "exam": {"1"},
    "accepted": {"1"},
    "judge": {"2a"},
    "taught": {"2a", "2b"},
    "freeze": {"2a", "2b"},
    "swapped": _FED_BACK,
    "gate_bias": _FED_BACK - {"2c", "5"},  # whose biases, if any, are random
    "bias_decay": {"1", "3a", "3b", "3c", "4", "5", "6a", "6b"},
    "biased_cells": {"1"},
}
# The same where outputs have the biases of the paper: those of 1 and 3 have none.
WITHOUT_BIASES = {"bias_decay": {"4", "5", "6a", "6b"}, "biased_cells": set[str]()}
MOST_SEQUENCES = 10_000_000  # of a growth window, and between two checks
ALLOWED = {
    "update": ("sequence", "step"),
    "feedback": ("all", "cells", "none"),
    "measure": tuple(MEASURES),
    "stop": ("both", "error"),
    "target": ("successor", "legal"),
    "first_pair": tuple(FIRST_PAIRS),
    "order": ("random", "fixed"),
    "exam": ("both", "training", "test"),
    "judge": ("all", "last"),
    "taught": ("every", "last"),
    "reset": tuple(RESETS),
    "gate_bias": ("printed", "random", "shifted"),
}


def _parse(name: str, text: str, like: object) -> object:
    if name in ALLOWED:
        if text not in ALLOWED[name]:
            raise ValueError(f"{name} must be one of {', '.join(ALLOWED[name])}, got {text!r}.")
        return text
    if isinstance(like, bool):
        if text not in ("yes", "no"):
            raise ValueError(f"{name} must be yes or no, got {text!r}.")
        return text == "yes"
    try:
        number = type(like)(text)
    except ValueError:
        raise ValueError(f"{name} must be a number, got {text!r}.") from None
    low, high = (1, MOST_SEQUENCES) if isinstance(like, int) else (0, 1)
    if not low <= number <= high:
        raise ValueError(f"{name} must be between {low} and {high:,}, got {text}.")
    return number


AS_PRINTED = Reading()
