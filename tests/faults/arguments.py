"""Faults: what compiled doors take although their loops cannot follow it."""

from faults.fault import Fault

ARGUMENTS = "sklstm/_kernels/arguments.pxd"
OF_NETWORKS = "sklstm/_kernels/network_arguments.pxd"
ADDRESSES = "sklstm/_addresses.pyx"
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
        "addresses-memory",
        "arrays may be in any order in memory",
        ADDRESSES,
        " or found.flags & SKLSTM_READABLE != SKLSTM_READABLE:",
        ":",
        "test_addresses.py",
    ),
    Fault(
        "addresses-precision",
        "sequences may have another precision than the kernel",
        "sklstm/_cell.pyx",
        "    if sequences.size != sizeof(real):\n",
        "    if sequences.size == 0:\n",
        TESTS,
    ),
    Fault(
        "addresses-owners",
        "arrays are freed before they are read",
        ADDRESSES,
        "made.offsets, made.owners = first, offsets, owners",
        "made.offsets, made.owners = first, offsets, ()",
        "test_addresses.py",
    ),
    Fault(
        "addresses-block",
        "sequences may end behind their block",
        ADDRESSES,
        "<= end <= block.rows or",
        "<= end or",
        "test_addresses.py",
    ),
    Fault(
        "addresses-take",
        "selected sequences have the lengths of the first ones",
        ADDRESSES,
        "self.first[row], length_of(self, row))",
        "self.first[row], length_of(self, k))",
        "test_addresses.py",
    ),
    Fault(
        "addresses-joined",
        "sequences that lie apart in memory are read in one go",
        "sklstm/_addresses.pxd",
        "given.first[k] == given.first[k - 1] + length_of(given, k - 1)",
        "given.first[k] >= given.first[k - 1] + length_of(given, k - 1)",
        "test_addresses.py",
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
