"""A trial learns as the estimators and the equations say, whatever goes on beside it."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from trials import (
    ENDLESS,
    as_inputs,
    finish,
    kernel_of,
    one_hot,
    sequences,
    small_kernel,
    task,
    trained,
    trained_in_company,
    vector_of,
)
from twins.trials import gradient

from sklstm.paper import _kernel
from sklstm.paper._nets import ContinualNet, EstimatorNet, LateCellNet, estimator_of, net_of
from sklstm.paper._readings import AS_PRINTED
from sklstm.paper._rows import ROWS, PublishedNet, select
from sklstm.paper._tasks import reber_stream

ROW = {row.experiment: row for row in reversed(ROWS)} | {"2c": select("2c:q=50,p=50")[0]}
OF_ESTIMATORS = [name for name in ROW if name not in ("2a", "2b")]


def reading(changes):
    return AS_PRINTED.with_changes(changes)


def initial(row, changes="", seed=5):
    return net_of(row, reading(changes)).vector(seed)


# ------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize("door", ["start", "vector"])
@pytest.mark.parametrize("more", [-1, 1])
def test_a_vector_of_another_length_is_refused(door, more):
    kernel, vector = kernel_of(ROW["4"]), initial(ROW["4"])
    kernel.start(0, 3, vector)
    other = np.full(len(vector) + more, 7.0)
    with pytest.raises(ValueError, match=f"{len(other)} elements, but must have {len(vector)}"):
        kernel.start(0, 3, other) if door == "start" else kernel.vector(0, other)
    assert_array_equal(other, 7.0)
    assert_array_equal(vector_of(kernel, vector), vector)


@pytest.mark.parametrize("lane", [-1, _kernel.lanes])
def test_a_lane_that_there_is_not_is_refused(lane):
    kernel, vector = kernel_of(ROW["4"]), initial(ROW["4"])
    doors = [lambda: kernel.start(lane, 3, vector), lambda: kernel.vector(lane, vector)]
    for door in (*doors, lambda: kernel.stop(lane), lambda: kernel.record(lane)):
        with pytest.raises(ValueError, match=f"lane must be between 0 and {_kernel.lanes - 1}"):
            door()


# ---------------------------------------------------------------- as the estimators learn


@pytest.mark.parametrize("name", OF_ESTIMATORS)
def test_a_trial_learns_what_partial_fit_learns(name):
    row = ROW[name]
    net, kernel = net_of(row, AS_PRINTED), kernel_of(row)
    drawn = sequences(kernel, 20)
    model = net.initial(5).set_params(learning_rate_init=row.rate, return_sequences=name == "1")
    y = [t if name == "1" else t[-1] for _, t in drawn]
    y = np.ravel(y) if net.n_outputs == 1 else y
    model.partial_fit(as_inputs(drawn, net.n_features), y)
    assert_allclose(trained(kernel, net.vector(5)), model.parameters_, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("changes", ["update=step", "update=step,biased_outputs=yes"])
def test_an_update_at_every_step_is_what_a_stream_learns(changes):
    row = ROW["1"]
    kernel, net = kernel_of(row, reading(changes)), net_of(row, reading(changes))
    model = net.initial(5).set_params(learning_rate_init=row.rate)
    stream = model.stream()
    for x, targets in sequences(kernel, 20):
        stream.reset()
        for x_t, target in zip(one_hot(x, 7), targets, strict=True):
            stream.step(x_t)
            stream.learn(target)
    assert_allclose(trained(kernel, net.vector(5)), model.parameters_, rtol=1e-9, atol=1e-12)


def test_where_the_only_target_is_at_the_end_both_updates_are_the_same():
    row = ROW["6a"]
    kernels = [kernel_of(row, reading(changes)) for changes in ("", "update=step")]
    assert_array_equal(*(trained(kernel, initial(row)) for kernel in kernels))


@pytest.mark.parametrize(
    ("feedback", "n_silent"), [("none", 4), ("cells", 2)], ids=["none", "cells"]
)
def test_sources_that_are_not_fed_back_are_as_if_their_weights_were_zero(feedback, n_silent):
    # for one sequence only: afterwards these weights would have moved
    row = ROW["4"]
    model = net_of(row, AS_PRINTED).initial(5).set_params(learning_rate_init=row.rate)
    vector = model.parameters_.copy()
    kernel = kernel_of(row, reading(f"feedback={feedback}"), n_sequences=1)
    silent = np.zeros(len(vector), dtype=bool)
    columns = model._topology.stack[0].views(silent)["recurrent"]
    columns[:, {"none": 0, "cells": 4}[feedback] :] = True  # 4 cells, then 4 gates

    (drawn,) = sequences(kernel, 1)
    model.parameters_[silent] = 0
    model.partial_fit([drawn[0]], drawn[1][-1])
    found = trained(kernel, vector)
    assert_array_equal(found[silent], vector[silent])
    assert_allclose(found[~silent], model.parameters_[~silent], rtol=1e-12, atol=1e-15)


def test_a_plain_error_lacks_the_slope_of_the_output():
    row = ROW["4"]
    vector = initial(row)
    with_slope, plain = (kernel_of(row, reading(c), 1) for c in ("", "plain_error=yes"))
    ((x, _),) = sequences(plain, 1)
    y = net_of(row, AS_PRINTED).initial(5).predict([x])[0]
    change = trained(plain, vector) - vector
    assert_allclose(trained(with_slope, vector) - vector, y * (1 - y) * change, atol=1e-15)


def test_weights_that_do_not_train_stay_and_are_read():
    # of experiment 1, only gates have biases
    row = ROW["1"]
    vector = initial(row)
    frozen = ~net_of(row, AS_PRINTED).initial(5)._topology.trainable
    assert frozen.sum() == 7 + 4
    vector[frozen] = 0.3
    found = trained(kernel_of(row), vector)
    assert_array_equal(found[frozen], 0.3)
    assert (found[~frozen] != vector[~frozen]).all()
    without = trained(kernel_of(row), np.where(frozen, 0, vector))
    assert not np.isclose(found[~frozen], without[~frozen], rtol=1e-6).any()


# ---------------------------------------------------------------------- symbols

GROWING = {"growth_window": 3, "growth_gain": 1.0}  # the cell comes after 6 sequences, however well


@pytest.mark.parametrize("changes", ["", "update=step"])
@pytest.mark.parametrize("name", ["1", "2a", "2b", "2c", "6a", "6b"])
def test_a_symbol_is_read_and_learned_as_the_one_hot_vector_that_it_stands_for(name, changes):
    row, n = ROW[name], 20
    growth = GROWING if name in ("2a", "2b") else {}
    kernels = [
        kernel_of(row, reading(changes), n, symbols=symbols, **growth) for symbols in (True, False)
    ]
    vector = initial(row)
    found, dense = (trained(kernel, vector) for kernel in kernels)
    assert not np.isclose(found, vector, rtol=1e-9).all()
    assert_allclose(found, dense, rtol=1e-9, atol=1e-12)
    grown_at = 6 if growth else -1
    assert [kernel.record(0)["grown_at"] for kernel in kernels] == [grown_at, grown_at]


def test_symbols_are_refused_by_a_cell_whose_traces_decay():
    net = ContinualNet(1, 1, 8, 8)
    with pytest.raises(ValueError, match="needs symbols=False"):
        net.places(symbols=True, feedback="cells")
    given = task("6a", net, n_relevant=2, length=100)
    places = net.places(symbols=False, feedback="cells")
    places = replace(places, symbols=np.zeros((8, len(places.hidden) + 8), dtype=np.int64))
    for cell in ("continual", "coupled"):
        with pytest.raises(ValueError, match="symbols need a cell whose traces do not decay"):
            _kernel.Trials(replace(places, cell=cell), given, ENDLESS, rate=1.0)
    with pytest.raises(ValueError, match="peephole cells"):
        _kernel.Trials(replace(places, cell="peephole"), given, ENDLESS, rate=1.0)


# ------------------------------------------------------------- as the equations say


LENGTH = 40  # steps, in which all symbols occur


def continual(net, criterion=ENDLESS, **settings):
    return small_kernel(net, reber_stream(LENGTH), criterion, feedback="cells", **settings)


def away(vector, trainable=True, seed=0):
    """Parameters large enough for every part of the gradient to be seen."""
    return vector + np.random.default_rng(seed).normal(scale=0.5, size=len(vector)) * trainable


@pytest.mark.parametrize("sizes", [(1, 1), (3, 1), (2, 3)], ids=str)
def test_a_continual_net_follows_the_truncated_gradient(sizes):
    net = ContinualNet(*sizes, 7, 7)
    vector = away(net.vector(0), net.trainable)
    kernel = continual(net)
    ((x, targets),) = sequences(kernel, 1)
    places = net.places(symbols=False, feedback="cells")
    d_vector = gradient(places, vector, one_hot(x, 7), targets) * net.trainable
    found = trained(kernel, vector) - vector
    assert np.abs(found[net.trainable]).min() > 0
    assert_allclose(found, -d_vector, rtol=1e-6, atol=1e-13)


def test_a_forget_gate_that_is_held_open_leaves_the_cell_of_1997():
    net = ContinualNet(2, 2, 7, 7, forget=False)
    vector = away(net.vector(0), net.trainable)
    kernel = continual(net)
    ((x, targets),) = sequences(kernel, 1)
    places = net.places(symbols=False, feedback="cells")
    hidden = places.hidden
    plain = replace(places, cell="1997", hidden=np.delete(hidden, [2, 3], axis=0))
    expected = -gradient(plain, vector, one_hot(x, 7), targets) * net.trainable
    found = trained(kernel, vector) - vector
    assert_array_equal(found[hidden[2:4]], 0)
    assert_allclose(found, expected, rtol=1e-6, atol=1e-13)


@pytest.mark.parametrize("cell", ["1997", "forget"])
def test_the_public_nets_of_a_stream_learn_what_a_stream_learns(cell):
    settings = {"blocks": 2, "cells": 2, "bias": "all", "init_range": 0.2, "cell": cell}
    net = EstimatorNet(estimator_of(PublishedNet(**settings)), 7, 7)
    feedback = "all" if cell == "1997" else "cells"
    settings = {"feedback": feedback, "rate": 0.5, "update_every_step": True}
    kernel = small_kernel(net, reber_stream(LENGTH), **settings)
    model = net.initial(5)
    model.set_params(learning_rate_init=0.5)
    model.parameters_[:] = away(model.parameters_)
    vector = model.parameters_.copy()
    ((x, targets),) = sequences(kernel, 1)
    stream = model.stream()
    for x_t, target in zip(one_hot(x, 7), targets, strict=True):
        stream.step(x_t)
        stream.learn(target)
    assert_allclose(trained(kernel, vector), model.parameters_, rtol=1e-9, atol=1e-12)


def late(net, criterion=ENDLESS, *, symbols=True, **settings):
    return small_kernel(net, task("2b", net, length=6), criterion, symbols=symbols, **settings)


@pytest.mark.parametrize("symbols", [True, False], ids=["symbols", "one-hot"])
@pytest.mark.parametrize("centred", [False, True], ids=["logistic", "centred"])
def test_a_net_with_a_late_cell_follows_the_gradient(centred, symbols):
    net = LateCellNet(7, 7, centred=centred)
    vector = away(net.vector(0))
    kernel = late(net, symbols=symbols)
    ((x, targets),) = sequences(kernel, 1)
    places = net.places(symbols=False, feedback="none")
    d_vector = gradient(places, vector, one_hot(x, 7), targets)
    assert_allclose(trained(kernel, vector) - vector, -d_vector, rtol=1e-6, atol=1e-14)


@pytest.mark.parametrize("symbols", [True, False], ids=["symbols", "one-hot"])
def test_before_a_cell_has_grown_only_shortcuts_learn(symbols):
    net = LateCellNet(7, 7)
    vector = away(net.vector(0))
    kernel = late(net, replace(ENDLESS, growth_window=1000), symbols=symbols)
    ((x, targets),) = sequences(kernel, 1)
    places = net.places(symbols=False, feedback="none")
    d_vector = gradient(places, vector, one_hot(x, 7), targets, grown=False)
    found = trained(kernel, vector) - vector
    assert_array_equal(found[:14], 0)  # cell and input gate
    assert_array_equal(found[-7:], 0)  # from the cell to the outputs
    assert_allclose(found, -d_vector, rtol=1e-6, atol=1e-14)
    assert kernel.record(0)["grown_at"] == -1


@pytest.mark.parametrize("feedback", ["all", "cells", "none"])
def test_the_first_step_sees_cells_and_gates_at_rest(feedback):
    published = PublishedNet(blocks=2, cells=3, bias="gates", init_range=0.5)
    net = EstimatorNet(estimator_of(published), 1, 1)
    vector = away(net.vector(0), net.initial(0)._topology.trainable)
    given = task("3a", net, length=20, n_informative=2, noise=1.0)
    kernel = small_kernel(net, given, feedback=feedback, rest=0.5)
    ((x, targets),) = sequences(kernel, 1)
    places = net.places(symbols=False, feedback=feedback)
    d_vector = gradient(places, vector, x, targets, rest=0.5) * places.trainable
    found = trained(kernel, vector) - vector
    assert_allclose(found, -d_vector, rtol=1e-6, atol=1e-13)
    at_zero = gradient(places, vector, x, targets) * places.trainable
    assert np.allclose(found, -at_zero, rtol=1e-6, atol=1e-13) == (feedback == "none")


def test_every_sequence_begins_at_rest():
    row = ROW["1"]
    net = net_of(row, AS_PRINTED)
    kernel = kernel_of(row, reading("rest=0.5"), 3)
    places = net.places(symbols=False, feedback="all")
    vector = net.vector(5)
    for x, targets in sequences(kernel, 3):
        d_vector = gradient(places, vector, one_hot(x, 7), targets, rest=0.5)
        vector = vector - row.rate * d_vector * places.trainable
    assert_allclose(trained(kernel, net.vector(5)), vector, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("decay", [1.0, 0.8])
def test_the_rate_falls_with_every_step_of_a_sequence(decay):
    # updates that are too small to move the weights add up to the gradient of all steps
    net, rate = ContinualNet(2, 2, 7, 7), 1e-7
    vector = away(net.vector(0), net.trainable)
    kernel = continual(net, rate=rate, rate_decay=decay, update_every_step=True)
    ((x, targets),) = sequences(kernel, 1)
    places = net.places(symbols=False, feedback="cells")
    d_vector = gradient(places, vector, one_hot(x, 7), targets, factors=decay ** np.arange(LENGTH))
    found = (trained(kernel, vector) - vector) / rate
    assert_allclose(found, -d_vector * net.trainable, rtol=1e-5, atol=1e-6)


def test_an_update_at_the_end_has_the_rate_of_the_last_step():
    net = ContinualNet(2, 2, 7, 7)
    vector = away(net.vector(0), net.trainable)
    at_once, fallen = (trained(continual(net, rate_decay=d), vector) - vector for d in (1.0, 0.8))
    assert_allclose(fallen, 0.8 ** (LENGTH - 1) * at_once, rtol=1e-9, atol=1e-15)


# -------------------------------------------------------- whatever goes on beside it

# Trials that train, are tested in between, and read a final set.
BUSY = {"window": 3, "window_wrong": 3, "window_error": np.inf, "check": 2}
BUSY |= {"n_test": 3, "test_wrong": 3, "test_error": -1.0, "n_final": 2, "final_always": True}
KERNELS = {
    "1": lambda: kernel_of(ROW["1"], **BUSY),
    "1, every step": lambda: kernel_of(ROW["1"], reading("update=step"), **BUSY),
    "2a": lambda: kernel_of(ROW["2a"], **GROWING, **BUSY),
    "3b": lambda: kernel_of(ROW["3b"], **BUSY),
    "4, at rest": lambda: kernel_of(ROW["4"], reading("rest=0.5,feedback=cells"), **BUSY),
    "6b": lambda: kernel_of(ROW["6b"], **BUSY),
    "6b, one-hot": lambda: kernel_of(ROW["6b"], symbols=False, **BUSY),
    "continual": lambda: continual(
        ContinualNet(4, 2, 7, 7),
        replace(ENDLESS, **BUSY, cap=20, stop_at_error=True, tolerance=0.45),
        update_every_step=True,
        rate_decay=0.99,
    ),
}


def start_vector(name):
    if name == "continual":
        return ContinualNet(4, 2, 7, 7).vector(5)
    return initial(ROW[name.partition(",")[0]])


@pytest.fixture(params=KERNELS)
def busy(request):
    """A function that makes a kernel, and parameters to begin with."""
    return KERNELS[request.param], start_vector(request.param)


def alone(busy):
    """Parameters and record of a trial on its own."""
    make, vector = busy
    kernel = make()
    return trained(kernel, vector), kernel.record(0)


def test_a_busy_trial_learns_is_tested_and_finishes(busy):
    vector, record = alone(busy)
    assert (vector != busy[1]).mean() > 0.5
    assert record["tests"] > 5
    assert record["sequences"] == 20
    assert record["n_final"] == 2


def test_a_trial_is_the_same_in_any_lane(busy):
    make, vector = busy
    expected, record = alone(busy)
    for lane in {_kernel.lanes - 1, _kernel.lanes // 2}:
        kernel = make()
        assert_array_equal(trained(kernel, vector, lane=lane), expected)
        assert kernel.record(lane) == record


def test_a_trial_is_the_same_in_any_company(busy):
    make, vector = busy
    expected, record = alone(busy)
    found, record_there = trained_in_company(make(), vector)
    assert_array_equal(found, expected)
    assert record_there == record


@pytest.mark.parametrize("n_steps", [131, 1_000_000], ids=["left", "finished"])
def test_a_trial_does_not_remember_what_its_lane_did_before(busy, n_steps):
    make, vector = busy
    expected, record = alone(busy)
    kernel = make()
    kernel.start(0, 9, 2 * vector)
    assert kernel.run(n_steps) == (n_steps > 131)
    kernel.stop(0)
    kernel.run(3)
    assert_array_equal(trained(kernel, vector), expected)
    assert kernel.record(0) == record


def test_a_trial_in_pieces_is_the_trial_at_once(busy):
    make, vector = busy
    expected, record = alone(busy)
    kernel = make()
    kernel.start(0, 3, vector)
    for _ in range(record["steps"]):
        assert not kernel.record(0)["finished"]
        kernel.run(1)
    assert kernel.record(0) == record
    assert_array_equal(vector_of(kernel, vector), expected)


def test_what_a_kernel_was_given_is_what_it_gives_back(busy):
    make, vector = busy
    kernel = make()
    kernel.start(1 % _kernel.lanes, 3, vector)
    assert_array_equal(vector_of(kernel, vector, 1 % _kernel.lanes), vector)


def test_another_seed_is_another_trial(busy):
    make, vector = busy
    assert (trained(make(), vector, seed=4) != alone(busy)[0]).any()


def test_nothing_is_learned_during_a_test(busy):
    make, vector = busy
    kernel = make()
    kernel.start(0, 3, vector)
    while kernel.record(0)["tests"] == 0:
        kernel.run(1)
    before = vector_of(kernel, vector)
    assert (before != vector).any()
    n_steps = 0
    while kernel.record(0)["n_final"] < 3 and kernel.record(0)["tests"] == 1:
        kernel.run(1)
        n_steps += 1
        assert_array_equal(vector_of(kernel, vector), before)
    assert n_steps >= 3
    # and nothing of the test is left: training goes on as if there had been none
    kernel.run(2000)
    assert (vector_of(kernel, vector) != before).any()


def test_a_finished_trial_stays_as_it_was(busy):
    make, vector = busy
    expected, record = alone(busy)
    kernel = make()
    kernel.start(0, 3, vector)
    finish(kernel)
    kernel.run(100)
    assert kernel.record(0) == record
    assert_array_equal(vector_of(kernel, vector), expected)
