"""Readings that change the order, the targets, the judgement or the learning of trials."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from trials import (
    ENDLESS,
    constant,
    finish,
    kernel_of,
    one_hot,
    sequences,
    small_kernel,
    task,
    trained,
    trained_in_company,
)
from twins.trials import gradient

from sklstm.paper import _kernel
from sklstm.paper._criterion import criterion_of
from sklstm.paper._nets import net_of
from sklstm.paper._readings import AS_PRINTED, CONCERNED
from sklstm.paper._rows import N_STRINGS, ROWS, select
from sklstm.paper._run import run_row
from sklstm.paper._tasks import Strings, task_of

ROW = {row.experiment: row for row in reversed(ROWS)}
GROWING = {"growth_window": 3, "growth_gain": 1.0}  # the cell comes after 6 sequences, however well


def reading(changes):
    return AS_PRINTED.with_changes(changes)


def initial(row, changes="", seed=5):
    return net_of(row, reading(changes)).vector(seed)


def change(row, changes, n_sequences=1, **settings):
    """What a trial adds to its parameters."""
    vector = initial(row, changes)
    return trained(kernel_of(row, reading(changes), n_sequences, **settings), vector) - vector


OTHER_CHOICES = {
    "update": "step",
    "feedback": "none",
    "rest": "0.5",
    "measure": "squared",
    "stop": "error",
    "first_pair": "marked",
    "check": "7",
    "target": "legal",
    "distinct": "yes",
    "biased_outputs": "yes",
    "centred": "yes",
    "growth_window": "5",
    "growth_gain": "1.0",
    "average": "yes",
    "order": "fixed",
    "exam": "test",
    "accepted": "0.3",
    "judge": "last",
    "taught": "last",
    "freeze": "yes",
    "swapped": "yes",
    "gate_bias": "random",
    "bias_decay": "0.5",
    "biased_cells": "no",
}


@pytest.mark.parametrize("experiment", ROW)
def test_choices_that_do_not_concern_an_experiment_change_nothing(experiment):
    assert set(OTHER_CHOICES) == set(CONCERNED)
    row, how = ROW[experiment], {"n_trials": 2, "cap": 120, "keep_vectors": True}
    printed = run_row(row, AS_PRINTED, **how)
    for name in [name for name in CONCERNED if experiment not in CONCERNED[name]]:
        idle = reading(f"{name}={OTHER_CHOICES[name]}")
        assert idle.without_effect([experiment]) == [name]
        assert_array_equal(
            [trial["vector"] for trial in run_row(row, idle, **how)],
            [trial["vector"] for trial in printed],
        )
    idle = [name for name in CONCERNED if experiment not in CONCERNED[name]]
    every = reading(",".join(f"{name}={OTHER_CHOICES[name]}" for name in CONCERNED))
    assert every.without_effect([experiment]) == [*filter(idle.__contains__, vars(every))]
    assert not every.without_effect(ROW)


@pytest.mark.parametrize("changes", ["bias_decay=0.5", "biased_cells=no"])
def test_choices_of_biases_change_nothing_without_biases(changes):
    row, how = ROW["1"], {"n_trials": 2, "cap": 120, "keep_vectors": True}
    (name,) = reading(changes).changed()
    assert reading(changes).without_effect(["1"]) == [name]
    assert_array_equal(
        [trial["vector"] for trial in run_row(row, reading(changes), **how)],
        [trial["vector"] for trial in run_row(row, AS_PRINTED, **how)],
    )
    assert not reading(f"biased_outputs=yes,{changes}").without_effect(["1"])
    expected = [] if name == "bias_decay" else [name]  # outputs of 4 have biases as printed
    assert reading(changes).without_effect(["4"]) == expected


# ------------------------------------------------------------------------------ learning


@pytest.mark.parametrize("name", ["1", "2a"])
def test_a_rate_for_means_is_divided_by_the_number_of_targets(name):
    row = ROW[name]
    ((_, targets),) = sequences(kernel_of(row), 1)
    summed, averaged = change(row, ""), change(row, "average=yes")
    assert len(targets) > 1
    assert_allclose(averaged * len(targets), summed, rtol=1e-9, atol=1e-15)


def test_with_one_target_sum_and_mean_are_the_same():
    assert_array_equal(change(ROW["6a"], ""), change(ROW["6a"], "average=yes"))


@pytest.mark.parametrize("name", ["1", "2c", "4"])
def test_the_swapped_cell_follows_the_truncated_gradient(name):
    row = select("2c:q=50,p=50")[0] if name == "2c" else ROW[name]
    net = net_of(row, reading("swapped=yes"))
    kernel = kernel_of(row, reading("swapped=yes"), 1)
    places = net.places(symbols=False, feedback="all")
    vector = net.vector(5)  # and more, so that every part of the gradient can be seen
    vector += np.random.default_rng(0).normal(scale=0.3, size=len(vector)) * places.trainable
    ((x, targets),) = sequences(kernel, 1)
    assert places.cell == "swapped"
    x = x if name == "4" else np.eye(net.n_features)[x[:, 0].astype(int)]
    expected = -row.rate * gradient(places, vector, x, targets) * places.trainable
    found = trained(kernel, vector) - vector
    assert_allclose(found, expected, rtol=1e-6, atol=1e-13)
    usual = -row.rate * gradient(replace(places, cell="1997"), vector, x, targets)
    assert not np.allclose(found, usual * places.trainable, rtol=1e-3, atol=1e-9)


@pytest.mark.parametrize("decay", [0.1, 1.0])
def test_an_update_removes_a_part_of_the_output_biases_only(decay):
    row, plain = ROW["1"], "biased_outputs=yes"
    vector = initial(row, plain)
    topology = net_of(row, reading(plain)).initial(0)._topology
    biases = np.zeros(len(vector))
    topology.output_bias(biases)[:] = 1
    without, found = change(row, plain), change(row, f"{plain},bias_decay={decay}")
    assert_allclose(found, without - decay * biases * vector, rtol=1e-12, atol=1e-15)
    assert biases.sum() == 7


@pytest.mark.parametrize("name", ["2a", "2b"])
def test_after_the_cell_has_been_added_a_frozen_net_trains_the_cell_only(name):
    row = replace(ROW[name], columns={"p": 8})
    vector = initial(row)
    before = trained(kernel_of(row, reading("freeze=yes"), 6, **GROWING), vector)
    assert_array_equal(before, trained(kernel_of(row, n_sequences=6, **GROWING), vector))
    kernel = kernel_of(row, reading("freeze=yes"), 7, **GROWING)
    found = trained(kernel, vector)
    assert kernel.record(0)["grown_at"] == 6
    F = row.columns["p"] + 1
    shortcuts = slice(2 * F, 2 * F + F * F)
    assert_array_equal(found[shortcuts], before[shortcuts])
    assert (found[2 * F + F * F :] != before[2 * F + F * F :]).all()
    x, targets = sequences(kernel, 7)[6]
    places = net_of(row, AS_PRINTED).places(symbols=False, feedback="none")
    expected = -row.rate * gradient(places, before, np.eye(F)[x[:, 0].astype(int)], targets)
    expected[shortcuts] = 0
    assert_allclose(found - before, expected, rtol=1e-6, atol=1e-12)


def of_two_sequences(changes, tolerance):
    """The change by two sequences of experiment 1 at a rate that hardly moves the weights."""
    row = replace(ROW["1"], rate=1e-7)
    kernel = kernel_of(row, reading(changes), 2, tolerance=tolerance)
    vector = initial(row)
    return (trained(kernel, vector) - vector) / row.rate, vector, sequences(kernel, 2)


RIGHT, WRONG = 2.0, 1e-9  # tolerances with which every output, and none, is right


@pytest.mark.parametrize(
    ("changes", "tolerance", "resets"),
    [
        ("reset=always", WRONG, True),
        ("reset=success", WRONG, False),
        ("reset=success", RIGHT, True),
        ("reset=never", WRONG, False),
        ("reset=never", RIGHT, False),
    ],
)
def test_a_net_that_is_not_reset_continues_its_sequence(changes, tolerance, resets):
    found, vector, drawn = of_two_sequences(changes, tolerance)
    places = net_of(ROW["1"], AS_PRINTED).places(symbols=False, feedback="all")
    drawn = [(one_hot(x, 7), targets) for x, targets in drawn]
    if not resets:
        drawn = [tuple(np.concatenate(parts) for parts in zip(*drawn, strict=True))]
    expected = -sum(gradient(places, vector, x, targets) for x, targets in drawn)
    assert_allclose(found, expected * places.trainable, rtol=1e-4, atol=1e-6)


# --------------------------------------------------------------------- order and targets


def test_strings_in_a_fixed_order_come_again_and_again():
    kernel = kernel_of(ROW["1"], reading("order=fixed"))
    drawn = [x[:, 0].tolist() for x, _ in sequences(kernel, 2 * N_STRINGS)]
    strings = task_of(ROW["1"], AS_PRINTED, 0).strings
    first, second = strings.offsets[:2]
    assert drawn[0] == strings.symbols[first : second - 1].tolist()
    assert drawn[:N_STRINGS] == drawn[N_STRINGS:]
    assert len({tuple(x) for x in drawn}) > 50
    other = [x[:, 0].tolist() for x, _ in sequences(kernel, N_STRINGS, seed=4)]
    assert other == drawn[:N_STRINGS]


@pytest.mark.parametrize("name", ["2a", "2b"])
def test_in_a_fixed_order_the_first_symbols_of_2a_and_2b_alternate(name):
    drawn = sequences(kernel_of(ROW[name], reading("order=fixed")), 6)
    assert [x[0, 0] for x, _ in drawn] == [99, 100] * 3
    middles = {tuple(x[1:, 0]) for x, _ in drawn}
    assert len(middles) == (1 if name == "2a" else 6)


@pytest.mark.parametrize("name", ["2a", "2b"])
def test_only_the_last_step_is_taught(name):
    ((_, targets),) = sequences(kernel_of(ROW[name], reading("taught=last")), 1)
    assert np.isnan(targets[:-1]).all()
    assert targets[-1].sum() == 1


# ----------------------------------------------------------- whatever goes on beside it

# Trials that train, are tested in between, and read a final set.
BUSY = {"window": 3, "window_wrong": 3, "window_error": np.inf, "check": 2}
BUSY |= {"n_test": 3, "test_wrong": 3, "test_error": -1.0, "n_final": 2, "final_always": True}
MIXED = (
    ("1", "reset=never,order=fixed,swapped=yes"),
    ("1", "update=step,reset=success,biased_outputs=yes,bias_decay=0.1,average=yes"),
    ("1", "accepted=0.3,target=legal,gate_bias=shifted,average=yes"),
    ("2a", "freeze=yes,taught=last,order=fixed"),
    ("4", "reset=never,swapped=yes"),
)


def busy(name, changes):
    growth = GROWING if name == "2a" else {}
    return kernel_of(ROW[name], reading(changes), **growth, **BUSY)


@pytest.mark.parametrize(("name", "changes"), MIXED)
def test_a_trial_of_any_reading_is_the_same_in_any_company_and_a_second_time(name, changes):
    vector = initial(ROW[name], changes)
    kernel = busy(name, changes)
    expected = trained(kernel, vector)
    record = kernel.record(0)
    assert record["tests"] > 3
    assert_array_equal(trained(kernel, vector), expected)  # what was there before is forgotten
    assert kernel.record(0) == record
    found, record_there = trained_in_company(busy(name, changes), vector)
    assert_array_equal(found, expected)
    assert record_there == record


@pytest.mark.parametrize("changes", ["reset=never", "reset=success", "order=fixed"])
def test_a_test_in_between_changes_nothing_but_a_state_that_would_go_on(changes):
    # one training sequence, a test that fails, one more
    row = replace(ROW["1"], rate=1e-7)
    tested = {"window": 1, "window_wrong": 1, "window_error": np.inf, "check": 1}
    tested |= {"n_test": 2, "test_wrong": 0}
    kernel = kernel_of(row, reading(changes), 2, tolerance=WRONG, **tested)
    vector = initial(row)
    found = (trained(kernel, vector) - vector) / row.rate
    assert kernel.record(0)["tests"] == 2
    places = net_of(row, AS_PRINTED).places(symbols=False, feedback="all")
    drawn = sequences(kernel, 2)
    expected = -sum(gradient(places, vector, one_hot(x, 7), t) for x, t in drawn)
    assert_allclose(found, expected * places.trainable, rtol=1e-4, atol=1e-6)


def test_a_mean_rate_is_not_for_updates_at_every_step():
    step = "update=step"
    assert_array_equal(change(ROW["1"], step), change(ROW["1"], f"{step},average=yes"))


# ------------------------------------------------------------------------- judgement


def verdicts(outputs, legal, criterion):
    """True if a net with constant outputs passes on a training string 0 1 and a test string 0 2.

    ``legal`` are the bits of the symbols that may follow in each of them.
    """
    net, vector = constant(3, outputs)
    symbols = np.array([0, 1, 0, 2], dtype=np.uint8)
    bits = np.array([legal[0], 0, legal[1], 0], dtype=np.uint8)
    strings = Strings(symbols, bits, np.array([0, 2, 4]), n_training=1)
    given, criterion = criterion
    given = replace(task("1", net), strings=strings, **given)
    kernel = small_kernel(net, given, criterion, symbols=True, rate=0.0)
    kernel.start(0, 3, vector)
    return finish(kernel)["success"]


TRAINING_RIGHT, TEST_RIGHT = (0b010, 0b100), (0b100, 0b010)


@pytest.mark.parametrize("exam", ["both", "training", "test"])
@pytest.mark.parametrize("legal", [TRAINING_RIGHT, TEST_RIGHT])
def test_an_exam_reads_the_strings_of_its_set(exam, legal):
    criterion = criterion_of(ROW["1"], reading(f"exam={exam}"), 10)
    whole = task_of(ROW["1"], reading(f"exam={exam}"), 0)
    assert criterion.n_test == (2 * N_STRINGS if exam == "both" else N_STRINGS)
    assert whole.first_tested == (N_STRINGS if exam == "test" else 0)
    small = replace(ENDLESS, cap=5, tolerance=0.0, window_error=np.inf, window_wrong=1)
    small = replace(small, n_test=criterion.n_test // N_STRINGS)
    given = {"first_tested": whole.first_tested // N_STRINGS}
    passes = verdicts([0.1, 0.9, 0.2], legal, (given, small))
    assert passes == ((exam, legal) in [("training", TRAINING_RIGHT), ("test", TEST_RIGHT)])


@pytest.mark.parametrize(("output", "right"), [(0.31, True), (0.29, False)])
def test_an_accepted_output_is_that_of_the_symbol_that_follows(output, right):
    criterion = criterion_of(ROW["1"], reading("accepted=0.3"), 10)
    assert criterion.accepted == 0.3
    small = replace(criterion, window=1, check=1, n_test=2)
    # an illegal output is larger
    assert verdicts([0.9, output, output], (0b110, 0b110), ({}, small)) == right
    assert not verdicts([0.9, output, output], (0b110, 0b110), ({}, replace(small, accepted=0)))


def test_2a_is_judged_at_every_step_or_at_the_last_one():
    assert not criterion_of(ROW["2a"], AS_PRINTED, 10).judge_last
    assert criterion_of(ROW["2a"], reading("judge=last"), 10).judge_last


# ------------------------------------------------------------------------- initial biases


@pytest.mark.parametrize("name", ["1", "3a", "4", "6b"])
def test_gates_start_with_printed_random_or_shifted_biases(name):
    row = ROW[name]
    printed, random, shifted = (
        initial(row, f"gate_bias={kind}") for kind in ("printed", "random", "shifted")
    )
    where = printed != random
    n_gates = sum(len(values) for values in row.net.gate_bias.values())
    assert where.sum() == n_gates
    assert np.abs(random).max() <= row.net.init_range
    assert_array_equal(shifted, np.where(where, printed + random, random))
    assert sorted(printed[where]) == sorted(v for part in row.net.gate_bias.values() for v in part)


def test_outputs_can_have_biases_while_cells_have_none():
    row, both, outputs = ROW["1"], "biased_outputs=yes", "biased_outputs=yes,biased_cells=no"
    net = net_of(row, reading(outputs))
    assert (row.weights, net.n_weights) == (264, 264 + 7)
    assert net_of(row, reading(both)).n_weights == 264 + 7 + 4
    silent = ~net.trainable
    assert_array_equal(initial(row, outputs)[silent], 0)
    assert_array_equal(initial(row, outputs)[~silent], initial(row, both)[~silent])
    found = change(row, outputs, n_sequences=5)
    assert_array_equal(found[silent], 0)
    assert (found[~silent] != 0).all()


# ------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    "changes", ["order=sorted", "exam=none", "judge=first", "reset=sometimes", "gate_bias=0"]
)
def test_a_choice_that_there_is_not_is_refused(changes):
    name = changes.partition("=")[0]
    with pytest.raises(ValueError, match=f"{name} must be one of"):
        reading(changes)


@pytest.mark.parametrize(
    ("given", "settings", "message"),
    [
        ({"first_tested": -1}, {}, "first_tested must be between 0 and 511"),
        ({"first_tested": 512}, {}, "first_tested must be between 0 and 511"),
        ({}, {"freeze": True}, "freeze needs symbols"),
    ],
)
def test_the_kernel_refuses_what_would_break_its_loops(given, settings, message):
    net = net_of(ROW["1"], AS_PRINTED)
    places = net.places(symbols=False, feedback="all")
    whole = replace(task_of(ROW["1"], AS_PRINTED, 0), **given)
    with pytest.raises(ValueError, match=message):
        _kernel.Trials(places, whole, ENDLESS, rate=1.0, **settings)


def test_the_kernel_refuses_fewer_outputs_than_symbols():
    net = net_of(ROW["1"], AS_PRINTED)
    places = net.places(symbols=False, feedback="all")
    with pytest.raises(ValueError, match="the number of outputs must be between 7 and"):
        _kernel.Trials(
            replace(places, head=places.head[:3]),
            task_of(ROW["1"], AS_PRINTED, 0),
            replace(ENDLESS, accepted=0.3),
            rate=1.0,
        )


def test_the_kernel_refuses_a_reset_that_there_is_not():
    net = net_of(ROW["4"], AS_PRINTED)
    with pytest.raises(KeyError, match="sometimes"):
        _kernel.Trials(
            net.places(symbols=False, feedback="all"),
            task_of(ROW["4"], AS_PRINTED, 0),
            ENDLESS,
            rate=1.0,
            reset="sometimes",
        )
