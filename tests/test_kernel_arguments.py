"""Compiled doors refuse arrays and sizes that the loops behind them could not follow.

Each door has arguments that it takes, and a list of changes that it must refuse by an exception.
A change that went through would read or write beyond an array.
"""

import numpy as np
import pytest
from doors.baselines import BASELINES
from doors.network_doors import NETWORKS, SOLVERS
from doors.networks import (
    DTYPE,
    S0,
    VECTOR,
    X0,
    K,
    N,
    fitted,
    n,
    online,
    session,
)
from doors.paper import CELLS, PAPER
from kernels import drawn

from sklstm import _isa
from sklstm._gradient import Gradient
from sklstm.baselines._chunker import Chunker
from sklstm.baselines._entries import Steps
from sklstm.baselines._gradients import Recurrent
from sklstm.baselines._guesses import Guesses
from sklstm.paper import _kernel

DOORS = NETWORKS | SOLVERS | BASELINES | CELLS | PAPER


@pytest.mark.parametrize("name", DOORS)
def test_a_door_takes_what_fits(name):
    DOORS[name].call(**DOORS[name].arguments)


@pytest.mark.parametrize(
    ("name", "argument"),
    [(name, argument) for name, door in DOORS.items() for argument in door.refused],
)
def test_a_door_refuses_what_does_not_fit(name, argument):
    door, faults = DOORS[name], 0
    for fault, value in door.refused[argument]():
        faults += 1
        try:
            door.call(**(door.arguments | {argument: value}))
        except Exception as error:
            assert str(error)
        else:
            pytest.fail(f"{name} took {argument}, {fault}")
    assert faults > 0


def test_wrong_parameters_are_refused_with_both_sizes():
    with pytest.raises(ValueError, match=rf"has 5 numbers, but this network has {len(VECTOR)}"):
        session(vector=VECTOR[:5].copy())
    with pytest.raises(ValueError, match=rf"has 5 numbers, but this network has {len(VECTOR)}"):
        online(vector=VECTOR[:5].copy())


def test_a_batch_that_reads_more_categories_than_there_is_room_for_is_refused():
    made = fitted(room=1)
    with pytest.raises(ValueError, match="room for"):
        made.gradient(np.arange(3))


def test_a_session_that_rests_does_nothing():
    made = session()
    made.rest()
    with pytest.raises(RuntimeError):
        made.output(np.zeros((n, K)))
    with pytest.raises(RuntimeError):
        session(training=True).gradient(np.arange(3))
    with pytest.raises(RuntimeError):
        session(training=True).explain(np.zeros((N, 2)))
    with pytest.raises(ValueError):
        fitted().explain(np.zeros((N, 2)))


@pytest.mark.parametrize("kind", [Recurrent, Guesses, Chunker, Steps, _kernel.Trials])
def test_nothing_is_made_without_arguments(kind):
    with pytest.raises(TypeError):
        kind.__new__(kind)


def test_a_step_without_a_rule_is_refused():
    with pytest.raises(TypeError):
        _isa.optimizers[DTYPE].Steps().step(0.1)


@pytest.mark.parametrize("n_threads", [-1, 0, 2**31 - 1])
def test_any_number_of_threads_gives_the_same(n_threads):
    out, expected = np.zeros((n, K)), np.zeros((n, K))
    session(n_threads=n_threads).output(out)
    session().output(expected)
    np.testing.assert_array_equal(out, expected)
    stream = online()
    stream.n_threads = n_threads
    stream.step(X0, S0)
    assert stream.n_threads >= 1


def test_no_stream_has_two_directions_or_learns_in_two_layers():
    shape = dict(n_features=2, n_outputs=2)
    for topology, vector in (
        drawn(shape | dict(hidden_layer_sizes=(3,), bidirectional=True)),
        drawn(shape | dict(hidden_layer_sizes=(3, 2))),
    ):
        found = Gradient.of(topology, DTYPE)
        with pytest.raises(ValueError, match="one direction"):
            online(topology, vector, topology.frozen, topology.decayed.view(np.uint8), found)
    with pytest.raises(ValueError, match="no traces"):
        online(learns=False).gradient(np.zeros(K), 1.0, 0.0)
