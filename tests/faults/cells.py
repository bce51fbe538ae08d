"""Faults: layers and cells."""

from faults.fault import CELL, STEPS, Fault

FAULTS = [
    Fault(
        "peephole",
        "the output gate sees the state before the step",
        STEPS,
        "o = o + load(peephole + 2 * S * n + c) * state",
        "o = o + load(peephole + 2 * S * n + c) * load(s_prev + c)",
        CELL,
    ),
    Fault(
        "coupled",
        "the coupled cell keeps its state as the forget cell does",
        STEPS,
        "store(d_s + c, d_state * (one - i))",
        "store(d_s + c, d_state * i)",
        CELL,
    ),
    Fault(
        "penalty",
        "alpha penalises biases, too",
        "sklstm/_kernels/losses.pxd",
        "        if decayed[p]:\n",
        "        if True:\n",
        CELL,
    ),
]
