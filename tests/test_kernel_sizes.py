"""No size that memory can hold is counted in 32 bits by the kernels, and what none can is refused.

The long ones take minutes: ``SKLSTM_LONG=1 python -m pytest tests/test_kernel_sizes.py``. Their
values are zeros that nobody writes, most of which take no memory.
"""

import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from kernels import drawn
from numpy.testing import assert_allclose

import sklstm
from sklstm import _isa
from sklstm._addresses import of_arrays
from sklstm._network import Network
from sklstm._outputs import Objective
from sklstm._sequences import Sequences

ROOT = Path(sklstm.__file__).parent
KERNELS = sorted(path for kind in ("pyx", "pxd") for path in ROOT.rglob(f"*.{kind}"))

# C ints that are few, or that a check bounds. Numbers of categories are 32 bits wide where users'
# columns of codes become rows of a table (require_topology).
MAY_BE_INT = {
    "_addresses.pyx": {"two", "n_dims", "size", "flags"},  # of NumPy's description of an array
    "_kernels/pace.pxd": {"most", "look", "way", "n_threads"},  # threads, calls
    "_kernels/products.pxd": {"V", "Q", "R", "terms"},  # of a tile
    "_kernels/simd.pxd": {"or_equal"},
    "_kernels/threads.pxd": {"threads_here", "n"},
    "_optimizers.pyx": {"k", "n_moved"},  # rows that a batch has read
    # _arguments.pxd: lengths are at most 2^24, all else at most 2^30
    "paper/_criterion.pxd": None,
    "paper/_draws.pxd": None,
    "paper/_tasks.pxd": None,
    "_runtime.pyx": None,
}
long = pytest.mark.skipif(
    os.environ.get("SKLSTM_LONG") != "1", reason="takes minutes: SKLSTM_LONG=1"
)
F32 = np.dtype(np.float32)


def ints(source):
    """Names that are declared as C ints."""
    code = re.sub(r'""".*?"""|#.*', "", source, flags=re.DOTALL if '"""' in source else 0)
    for line in code.splitlines():
        if not re.search(r"^\s*cdef (inline )?int \w+\(|^\s*int sklstm_\w+\(|ctypedef", line):
            yield from re.findall(r"(?<![\w*] )(?<!unsigned )\bint (\w+)", line)


@pytest.mark.parametrize("path", KERNELS, ids=lambda path: str(path.relative_to(ROOT)))
def test_sizes_are_not_c_ints(path):
    allowed = MAY_BE_INT.get(str(path.relative_to(ROOT)), set())
    if allowed is not None:
        assert set(ints(path.read_text(encoding="utf-8"))) <= allowed


def test_status_functions_are_the_only_ones_that_return_ints():
    for path in KERNELS:
        if MAY_BE_INT.get(str(path.relative_to(ROOT)), set()) is None:
            continue
        source = path.read_text(encoding="utf-8")
        for found in re.finditer(r"cdef (?:inline )?int (\w+)\([^:]*?\)\s*(.*?):\n", source):
            assert "except -1" in found.group(2) or found.group(1) in (
                "longer_first",
                "threads_now",
            ), found.group(1)


def test_networks_beyond_any_memory_are_refused_before_any_size_is_computed():
    topology, vector = drawn(dict(n_features=1, hidden_layer_sizes=(1,), n_outputs=1))
    for change in (
        {"n_features": 2**62},
        {"n_outputs": 2**62},
        {"hidden_layer_sizes": (2**31,)},
        {"block_size": 2**31},
        {"cardinalities": (2**31,)},
    ):
        other = replace(topology, **change)
        addresses = of_arrays([np.zeros((1, 1))])
        with pytest.raises((ValueError, MemoryError, OverflowError)):
            _isa.kernels[vector.dtype].Session(
                other,
                vector,
                addresses,
                np.zeros((1, 0), np.int32),
                full=True,
                return_sequences=False,
                largest_batch=1,
                n_threads=1,
            )


# ---------------------------------------------------------------------------------- the long ones


def zeros(*lengths, F):
    """Sequences of zeros that take no memory."""
    offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    return Sequences(np.zeros((offsets[-1], F), np.float32), offsets, "list")


def small(F, hidden, outputs=1):
    return drawn(
        dict(n_features=F, hidden_layer_sizes=(hidden,), n_outputs=outputs), dtype=F32, scale=0.1
    )


def trained(topology, vector, sequences, targets):
    net = Network(topology, vector, "full", False)
    trainer = net.trainer(
        sequences,
        targets,
        np.ones(len(targets)),
        np.ones(len(targets)),
        Objective("squared_error", "identity", np.empty(0)),
        n_threads=2,
        batch_size=len(targets),
    )
    loss = trainer.gradient(np.arange(len(targets), dtype=np.int64))
    return loss, trainer.found.dense


@long
@pytest.mark.parametrize("hidden", [1, 70], ids=["side by side", "one by one"])
def test_features_of_a_sequence_may_be_more_than_2_31(hidden):
    """Steps times features: beyond 32 bits it was a SIGSEGV."""
    F = 2048
    topology, vector = small(F, hidden)
    n = 2**31 // F + 64
    given = zeros(*[1] * 8, n, F=F)
    given.values[-64:] = np.random.default_rng(0).normal(size=(64, F))
    net = Network(topology, vector, "full", False)
    found = net.output(given, 2)
    tail = np.concatenate([np.zeros((4000, F), np.float32), given.values[-64:]])
    expected = net.output(Sequences(tail, np.array([0, len(tail)]), "list"), 1)
    # states before the last steps are those of zeros that have settled
    assert_allclose(found[-1], expected[0], rtol=1e-4)


@long
def test_the_gradient_of_so_many_steps_is_not_zero():
    """Steps times width times columns: beyond 32 bits nothing was added, without a word."""
    F, n = 93, 1_500_000
    topology, vector = small(F, 2)
    lengths = [1] * 8 + [n]
    found = trained(topology, vector, zeros(*lengths, F=F), np.ones((9, 1), np.float32))
    shorter = trained(topology, vector, zeros(*[1] * 8, 5000, F=F), np.ones((9, 1), np.float32))
    assert_allclose(found[0], shorter[0], rtol=1e-4)
    assert (shorter[1] != 0).any()
    assert_allclose(found[1], shorter[1], rtol=1e-2, atol=1e-6)


@long
def test_sequences_may_be_longer_than_2_31_steps():
    topology, vector = small(1, 1)
    n = 2**31 + 5
    given = zeros(n, F=1)
    given.values[-3:] = [[1], [-1], [2]]
    net = Network(topology, vector, "full", False)
    found = net.output(given, 1)
    tail = np.concatenate([np.zeros((5000, 1), np.float32), given.values[-3:]])
    expected = net.output(Sequences(tail, np.array([0, len(tail)]), "list"), 1)
    assert_allclose(found, expected, rtol=1e-5)
