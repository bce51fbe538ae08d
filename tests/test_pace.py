"""How many of its threads a session wakes, from how long its calls have taken."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklstm import _isa
from sklstm._network import Network
from sklstm._outputs import Objective
from sklstm._sequences import Sequences
from sklstm._topology import Topology

KERNEL = _isa.kernels[np.dtype(np.float64)]
LOOKS, FAR, NEXT_LOOK, SHARE = (
    KERNEL.constants[name] for name in ("LOOKS", "FAR", "NEXT_LOOK", "SHARE")
)
FIRST = 1 + LOOKS  # calls with all threads before the first look: the first starts the threads
QUIET, ALONE = 0.6e-3, 1e-3  # seconds of a call
BUSY = 2 * FAR * ALONE
BETWEEN = SHARE * (2 * FAR - 1)  # calls with one thread after a look that cost BUSY - ALONE


def chosen(together):
    """Threads of calls that take so long with all three threads, 1 ms with one."""
    together = np.asarray(together, float)
    return KERNEL.threads_chosen(np.full(len(together), ALONE), together, 3)


def test_on_a_quiet_machine_all_threads_are_used_but_for_a_look_now_and_then():
    threads = chosen([QUIET] * 10 * NEXT_LOOK)
    assert_array_equal(np.flatnonzero(np.equal(threads, 1))[:LOOKS], FIRST + np.arange(LOOKS))
    assert 9 * LOOKS <= threads.count(1) <= 10 * LOOKS


def test_on_a_busy_machine_one_thread_is_used_but_for_a_call_now_and_then():
    threads = chosen([BUSY] * 10 * BETWEEN)
    assert threads[:FIRST] == [3] * FIRST  # nothing else is known
    assert set(threads[FIRST : FIRST + NEXT_LOOK]) == {1}
    assert 9 <= threads[FIRST:].count(3) <= 11


@pytest.mark.parametrize("together", [1.5 * ALONE, 0.9 * FAR * ALONE, 1.1 * FAR * ALONE, BUSY])
def test_looks_cost_a_small_part_of_the_time(together):
    threads = np.array(chosen([together] * 20_000))[FIRST:]
    seconds = np.where(threads == 3, together, ALONE).sum()
    assert seconds < ALONE * len(threads) * (1 + max(1 / SHARE, LOOKS / NEXT_LOOK) + 0.005)


def test_threads_that_are_started_by_the_first_call_do_not_make_it_count():
    seconds = np.full(100, QUIET)
    seconds[0] = 1
    assert chosen(seconds) == chosen([QUIET] * 100)


def test_a_machine_that_becomes_busy_and_quiet_again_is_followed():
    n = 2 * BETWEEN
    threads = chosen([QUIET] * 150 + [BUSY] * n + [QUIET] * 2 * n)
    assert set(threads[158:200]) == {1}
    assert threads[150 : 150 + n].count(3) <= 8 + 4
    assert threads[150 + n :].index(3) <= BETWEEN
    assert threads[150 + n + BETWEEN + LOOKS :].count(1) <= n // NEXT_LOOK * 2 * LOOKS


@pytest.mark.parametrize("lucky", range(LOOKS))
def test_one_lucky_call_does_not_count_as_a_quiet_machine(lucky):
    slow = 0.9 * FAR * ALONE  # so that the look goes on
    n = FIRST + LOOKS
    while chosen([slow] * n)[-1] == 1:
        n += 1  # the first call of the second look
    seconds = np.full(n + LOOKS + NEXT_LOOK, slow)
    seconds[n - 1 + lucky] = QUIET
    assert chosen(seconds)[FIRST:].count(3) == LOOKS


def test_where_most_calls_are_fast_and_a_few_wait_for_long_the_mean_counts():
    seconds = np.full(4000, QUIET)
    wait = 5 * ALONE
    seconds[np.random.default_rng(0).uniform(size=4000) < 1 / 8] = wait
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
        Objective("squared_error", "identity", np.empty(0)),
        alpha=0.0,
        n_threads=3,
        batch_size=n,
    )
    first = None
    for _ in range(FIRST + LOOKS + 2):
        loss = trainer.gradient(np.arange(n))
        first = first or (loss, trainer.found.dense.copy())
        assert loss == first[0]
        assert_array_equal(trainer.found.dense, first[1])
