"""How many of its threads a session wakes, from how long its calls have taken."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklstm import _isa
from sklstm._network import Network
from sklstm._sequences import Sequences
from sklstm._topology import Topology

KERNEL = _isa.kernels[np.dtype(np.float64)]
FIRST_LOOK, LOOKS, NEXT_LOOK = (
    KERNEL.constants[name] for name in ("FIRST_LOOK", "LOOKS", "NEXT_LOOK")
)
QUIET, BUSY, ALONE = 0.6e-3, 4.5e-3, 1e-3  # seconds of a call


def chosen(together):
    """Threads of calls that take so long with all three threads, 1 ms with one."""
    together = np.asarray(together, float)
    return KERNEL.threads_chosen(np.full(len(together), ALONE), together, 3)


def test_on_a_quiet_machine_all_threads_are_used_but_for_a_look_now_and_then():
    threads = chosen([QUIET] * 10 * NEXT_LOOK)
    assert threads.count(3) == 10 * (NEXT_LOOK - LOOKS)
    looks = FIRST_LOOK + np.arange(LOOKS)
    assert_array_equal(np.flatnonzero(np.equal(threads[:NEXT_LOOK], 1)), looks)


def test_on_a_busy_machine_one_thread_is_used_but_for_a_look_now_and_then():
    threads = chosen([BUSY] * 10 * NEXT_LOOK)
    assert threads[:FIRST_LOOK] == [3] * FIRST_LOOK  # nothing else is known
    assert threads[FIRST_LOOK:].count(3) == 9 * LOOKS


def test_a_machine_that_becomes_busy_and_quiet_again_is_followed():
    threads = chosen([QUIET] * 150 + [BUSY] * 500 + [QUIET] * 500)
    assert set(threads[155:200]) == {1}
    assert threads[150:650].count(3) <= 5 + 5 * LOOKS
    assert set(threads[150 + 500 + NEXT_LOOK : 150 + 500 + 2 * NEXT_LOOK]) == {1, 3}
    assert threads[650 + NEXT_LOOK :].count(1) <= 4 * LOOKS


@pytest.mark.parametrize("lucky", range(LOOKS))
def test_one_lucky_call_does_not_count_as_a_quiet_machine(lucky):
    seconds = np.full(1000, BUSY)
    seconds[FIRST_LOOK + NEXT_LOOK + lucky :: NEXT_LOOK] = QUIET  # one of every look
    assert chosen(seconds)[FIRST_LOOK:].count(3) == 9 * LOOKS


def test_where_most_calls_are_fast_and_a_few_wait_for_long_the_mean_counts():
    seconds = np.full(4000, QUIET)
    seconds[np.random.default_rng(0).uniform(size=4000) < 1 / 6] = BUSY
    assert ALONE < seconds.mean() < 1.3 * ALONE
    threads = np.array(chosen(seconds))
    assert np.where(threads == 3, seconds, ALONE).mean() < 1.1 * ALONE


@pytest.mark.parametrize("gradient", ["full", "truncated"])
def test_the_gradient_is_the_same_whatever_was_chosen(gradient):
    topology = Topology(
        "forget", n_features=3, hidden_layer_sizes=(40,), n_outputs=1, block_size=1,
        bidirectional=False, bias="all",
    )  # fmt: skip
    rng = np.random.default_rng(0)
    n, steps = 24, KERNEL.constants["PARALLEL_MIN"] // (24 * topology.n_total) + 1
    sequences = Sequences(
        rng.normal(size=(n * steps, 3)), np.arange(0, n * steps + 1, steps), "list"
    )
    network = Network(topology, rng.normal(size=topology.n_total) / 5, gradient, False)
    trainer = network.trainer(
        sequences,
        rng.normal(size=(n, 1)),
        np.ones(n),
        np.ones(n),
        loss="squared_error",
        out_activation="identity",
        alpha=0.0,
        n_threads=3,
        batch_size=n,
    )
    first = None
    for _ in range(FIRST_LOOK + LOOKS + 2):
        loss = trainer.gradient(np.arange(n))
        first = first or (loss, trainer.d_vector.copy())
        assert loss == first[0]
        assert_array_equal(trainer.d_vector, first[1])
