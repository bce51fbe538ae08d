"""Faults: what compiled doors take although their loops cannot follow it."""

from faults.fault import Fault

ARGUMENTS = "sklstm/_kernels/arguments.pxd"
OF_NETWORKS = "sklstm/_kernels/network_arguments.pxd"
TESTS = "test_kernel_arguments.py"

FAULTS = [
    Fault(
        "arguments-size",
        "arrays may have any length",
        ARGUMENTS,
        "    if found != wanted:\n",
        "    if found < 0:\n",
        TESTS,
    ),
    Fault(
        "arguments-places",
        "places may lie behind the last",
        ARGUMENTS,
        "if not least <= places[k] < n:",
        "if not least <= places[k]:",
        TESTS,
    ),
    Fault(
        "arguments-symbols",
        "symbols may be below those that mean none",
        ARGUMENTS,
        "if not -1 <= symbols[t, c] < n:",
        "if not symbols[t, c] < n:",
        TESTS,
    ),
    Fault(
        "arguments-offsets",
        "offsets may fall",
        ARGUMENTS,
        "if not offsets[k] + shortest <= offsets[k + 1] <= n_steps:",
        "if not offsets[k + 1] <= n_steps:",
        TESTS,
    ),
    Fault(
        "arguments-class",
        "a target may be a class that there is not",
        OF_NETWORKS,
        "not 0 <= target[0] < K:",
        "not 0 <= target[0]:",
        TESTS,
    ),
    Fault(
        "arguments-network",
        "layers may lie anywhere in the vector",
        OF_NETWORKS,
        '    if not good or found != wanted:\n        raise ValueError(f"layer',
        '    if not good:\n        raise ValueError(f"layer',
        TESTS,
    ),
]
