"""The kernel of the trials for this processor, in float64 like all experiments."""

from __future__ import annotations

from importlib import import_module

from sklstm import _isa

_module = import_module(f"sklstm._kernels._trials_{_isa.name}_f64")
Trials, lanes = _module.Trials, _module.constants["LANES"]
# Names of the kinds of tasks, of the treatment of first pairs (4 and 5), and of error measures.
KINDS, FIRST_PAIRS, MEASURES = _module.KINDS, _module.FIRST_PAIRS, _module.MEASURES
RESETS = _module.RESETS  # names of when nets are reset
WINDOW_MAX = _module.constants["WINDOW_MAX"]  # most training sequences that a trial remembers
ABSENT = _module.constants["ABSENT"]  # place of a missing weight
