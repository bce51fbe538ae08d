"""The tasks of the 1997 paper are drawn as the paper defines them."""

from itertools import product

import numpy as np
import pytest
from draws import flat, is_noise, share_is
from numpy.testing import assert_allclose, assert_array_equal

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm.datasets import (
    make_adding,
    make_continual_reber,
    make_embedded_reber,
    make_long_lag,
    make_multiplication,
    make_noise_free_lag,
    make_random_lag,
    make_temporal_order,
    make_two_sequence,
)

SYMBOL_TASKS = {
    make_embedded_reber: {},
    make_continual_reber: {"length": 20},
    make_noise_free_lag: {"lag": 5},
    make_random_lag: {"lag": 5},
    make_long_lag: {"lag": 5, "n_distractors": 3},
    make_temporal_order: {"length": 20},
}
NUMBER_TASKS = {
    make_two_sequence: {"length": 20},
    make_adding: {"length": 20},
    make_multiplication: {"length": 20},
}
TASKS = SYMBOL_TASKS | NUMBER_TASKS
PER_STEP = {make_embedded_reber, make_continual_reber, make_noise_free_lag, make_random_lag}


def name(make):
    return make.__name__.removeprefix("make_")


# ------------------------------------------------------------------------------- all of them


@pytest.mark.parametrize("make", TASKS, ids=name)
def test_a_random_state_gives_the_same_again(make):
    for again in (0, np.random.RandomState(0)):
        for one, two in zip(
            make(20, random_state=0, **TASKS[make]),
            make(20, random_state=again, **TASKS[make]),
            strict=True,
        ):
            assert_array_equal(flat(one), flat(two))
    X, _ = make(20, random_state=0, **TASKS[make])
    other, _ = make(20, random_state=1, **TASKS[make])
    assert not np.array_equal(flat(X), flat(other))


@pytest.mark.parametrize("make", TASKS, ids=name)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_x_is_of_the_precision_asked_for(make, dtype):
    X, _ = make(3, dtype=dtype, random_state=0, **TASKS[make])
    assert len(X) == 3
    assert {x.dtype for x in X} == {np.dtype(dtype)}
    assert {x.ndim for x in X} == {2}


@pytest.mark.parametrize("make", TASKS, ids=name)
def test_other_precisions_are_refused(make):
    with pytest.raises(ValueError, match="dtype must be float32 or float64"):
        make(3, dtype=np.float16, **TASKS[make])


@pytest.mark.parametrize("make", TASKS, ids=name)
def test_no_sequences_are_refused(make):
    with pytest.raises(ValueError, match="'n_samples' parameter of make_"):
        make(0, **TASKS[make])


@pytest.mark.parametrize("make", SYMBOL_TASKS, ids=name)
def test_units_and_symbols_are_the_same_sequences(make):
    parameters = SYMBOL_TASKS[make] | {"random_state": 0}
    X, y = make(30, **parameters)
    symbols, labels = make(30, as_symbols=True, **parameters)
    assert type(X) is type(symbols)
    for x, symbol in zip(X, symbols, strict=True):
        assert symbol.dtype == np.int64
        assert_array_equal(x, np.eye(x.shape[1])[symbol])
    assert_array_equal(flat(y), flat(labels))


@pytest.mark.parametrize("make", SYMBOL_TASKS, ids=name)
def test_one_hot_targets_are_the_labels(make):
    parameters = SYMBOL_TASKS[make] | {"random_state": 0}
    X, labels = make(30, **parameters)
    again, outputs = make(30, targets="one_hot", dtype=np.float32, **parameters)
    assert_array_equal(flat(X), flat(again))
    for label, output in zip(labels, outputs, strict=True):
        assert output.dtype == np.float32
        assert_array_equal(output, np.eye(output.shape[-1])[label])


@pytest.mark.parametrize("make", TASKS, ids=name)
def test_targets_stand_where_the_task_has_them(make):
    X, y = make(5, random_state=0, **TASKS[make])
    if make in PER_STEP:
        assert [len(x) for x in X] == [len(labels) for labels in y]
    else:
        assert y.shape == (5,)


@pytest.mark.parametrize("make", SYMBOL_TASKS, ids=name)
def test_a_classifier_takes_labels(make):
    X, y = make(40, random_state=0, **SYMBOL_TASKS[make])
    classifier = LSTMClassifier(4, return_sequences=make in PER_STEP, random_state=0)
    for _ in range(20):
        classifier.partial_fit(X, y, classes=np.unique(flat(y)))
    assert classifier.loss_ < classifier.loss_curve_[0]
    predicted = classifier.predict(X)
    assert [np.shape(labels) for labels in predicted] == [np.shape(labels) for labels in y]
    assert set(flat(predicted)) <= set(flat(y))


@pytest.mark.parametrize("make", TASKS, ids=name)
def test_a_regressor_takes_the_targets_of_the_paper(make):
    one_hot = {"targets": "one_hot"} if make in SYMBOL_TASKS else {}
    X, y = make(40, random_state=0, **TASKS[make], **one_hot)
    regressor = LSTMRegressor(
        4, out_activation="logistic", return_sequences=make in PER_STEP, random_state=0
    )
    outputs = regressor.partial_fit(X, y).predict(X)
    assert [np.shape(output) for output in outputs] == [np.shape(target) for target in y]


@pytest.mark.parametrize(
    "make", [make_two_sequence, make_adding, make_multiplication, make_temporal_order], ids=name
)
def test_lengths_are_uniform_over_a_tenth(make):
    X, _ = make(3300, length=100, random_state=0)
    counts = np.bincount([len(x) for x in X])
    assert_array_equal(np.flatnonzero(counts), np.arange(100, 111))
    assert all(share_is(count / 3300, 1 / 11, 3300) for count in counts[100:])


# ---------------------------------------------------------------------------------- 2: lags


def test_noise_free_sequences_are_two():
    X, y = make_noise_free_lag(2000, lag=10, as_symbols=True, random_state=0)
    whole = np.column_stack([X, y[:, -1]])
    middle = list(range(9))
    assert np.unique(whole, axis=0).tolist() == [[9, *middle, 9], [10, *middle, 10]]
    assert share_is(np.mean(X[:, 0] == 9), 0.5, 2000)
    assert_array_equal(X[:, 1:], y[:, :-1])


@pytest.mark.parametrize("make", [make_noise_free_lag, make_random_lag], ids=name)
def test_the_nets_of_2a_and_2b_have_101_inputs_and_100_steps(make):
    X, y = make(2, targets="one_hot")
    assert X.shape == y.shape == (2, 100, 101)


def test_random_sequences_repeat_their_first_symbol_and_nothing_else():
    X, y = make_random_lag(2000, lag=10, as_symbols=True, random_state=0)
    assert_array_equal(y[:, -1], X[:, 0])
    assert_array_equal(X[:, 1:], y[:, :-1])
    assert set(X[:, 0]) == {9, 10}
    assert share_is(np.mean(X[:, 0] == 9), 0.5, 2000)
    shares = np.bincount(X[:, 1:].ravel()) / X[:, 1:].size
    assert len(shares) == 9
    assert all(share_is(share, 1 / 9, X[:, 1:].size) for share in shares)


@pytest.mark.parametrize("make", [make_noise_free_lag, make_random_lag], ids=name)
def test_a_lag_of_one_has_nothing_in_between(make):
    X, y = make(20, lag=1, as_symbols=True, random_state=0)
    assert X.shape == (20, 1)
    assert_array_equal(X, y)
    assert set(X.ravel()) == {0, 1}


def test_long_lag_sequences_have_the_form_of_the_paper():
    lag, p = 20, 7
    trigger, begin, x, y_symbol = p, p + 1, p + 2, p + 3
    X, y = make_long_lag(3000, lag=lag, n_distractors=p, as_symbols=True, random_state=0)
    assert_array_equal([s[0] for s in X], begin)
    assert_array_equal([s[1] for s in X], np.where(y, y_symbol, x))
    assert_array_equal([s[-1] for s in X], trigger)
    assert share_is(y.mean(), 0.5, 3000)
    distractors = np.concatenate([s[2:-1] for s in X])
    shares = np.bincount(distractors) / len(distractors)
    assert len(shares) == p
    assert all(share_is(share, 1 / p, len(distractors)) for share in shares)


def test_long_lag_sequences_go_on_with_probability_nine_tenths():
    # The paper counts the symbol to be predicted, too: q + 4 at least.
    lag, n = 20, 20_000
    X, _ = make_long_lag(n, lag=lag, n_distractors=3, as_symbols=True, random_state=0)
    further = np.array([len(s) for s in X]) + 1 - (lag + 4)
    assert further.min() == 0
    assert abs(further.mean() - 9) < 5 * np.sqrt(90 / n)
    for k in range(4):
        assert share_is(np.mean(further == k), 0.1 * 0.9**k, n)


def test_long_lag_has_one_input_per_symbol_and_two_outputs():
    X, y = make_long_lag(2, lag=50, n_distractors=50, targets="one_hot", random_state=0)
    assert {x.shape[1] for x in X} == {54}
    assert y.shape == (2, 2)


def test_what_does_not_fit_into_memory_is_said_with_a_remedy():
    with pytest.raises(MemoryError, match=r"X has \d+ steps of 100000004 units.+as_symbols=True"):
        make_long_lag(2, n_distractors=100_000_000)


# ------------------------------------------------------------------------- 3: two sequences


@pytest.mark.parametrize("n_informative", [1, 3])
def test_the_first_elements_show_the_class(n_informative):
    X, y = make_two_sequence(2000, n_informative=n_informative, random_state=0)
    first = np.array([x[:n_informative, 0] for x in X])
    assert_array_equal(first, np.where(y, 1.0, -1.0)[:, None].repeat(n_informative, axis=1))
    assert y.dtype == np.int64
    assert set(y) == {0, 1}
    assert share_is(y.mean(), 0.5, 2000)


def test_the_other_elements_are_noise_of_variance_one_fifth():
    X, _ = make_two_sequence(200, n_informative=3, random_state=0)
    assert is_noise(np.concatenate([x[3:, 0] for x in X]), 0.2)


def test_3b_has_noise_on_the_first_elements():
    X, y = make_two_sequence(3000, n_informative=3, informative_noise=0.2, random_state=0)
    first = np.array([x[:3, 0] for x in X])
    assert is_noise((first - np.where(y, 1.0, -1.0)[:, None]).ravel(), 0.2)
    assert is_noise(np.concatenate([x[3:, 0] for x in X]), 0.2)


def test_3c_has_noisy_targets_about_a_fifth_and_four_fifths():
    X, y = make_two_sequence(10_000, length=10, target_noise=0.1, random_state=0)
    clean_X, clean = make_two_sequence(10_000, length=10, target_noise=0, random_state=0)
    _, labels = make_two_sequence(10_000, length=10, random_state=0)
    assert_array_equal(flat(X), flat(clean_X))
    assert_array_equal(clean, np.where(labels, 0.2, 0.8))
    assert is_noise(y - clean, 0.1)


def test_more_informative_elements_than_there_are_is_an_error():
    with pytest.raises(ValueError, match="n_informative=11 elements do not fit"):
        make_two_sequence(3, length=10, n_informative=11)
    X, _ = make_two_sequence(50, length=10, n_informative=10, random_state=0)
    assert {len(x) for x in X} == {10, 11}


# ---------------------------------------------------------------------- 4 and 5: arithmetic

arithmetic = pytest.mark.parametrize(
    "make, low, neutral",
    [
        pytest.param(make_adding, -1.0, 0.0, id="adding"),
        pytest.param(make_multiplication, 0.0, 1.0, id="multiplication"),
    ],
)


def marked_places(x):
    """Where the two marked pairs are; a first pair that was drawn keeps the marker of an end."""
    places = np.flatnonzero(x[:, 1] == 1).tolist()
    return places if len(places) == 2 else [0, *places]


@arithmetic
def test_markers_are_two_and_both_ends(make, low, neutral):
    X, _ = make(3000, random_state=0)
    for x in X:
        assert set(x[:, 1]) == {-1, 0, 1}
        assert_array_equal(np.flatnonzero(x[:, 1] == -1), [0, len(x) - 1])
        assert np.count_nonzero(x[:, 1] == 1) in (1, 2)


@arithmetic
@pytest.mark.parametrize("length, lag", [(100, 50), (500, 250)])
def test_one_of_the_first_ten_pairs_and_one_of_the_first_half_are_marked(
    make, low, neutral, length, lag
):
    X, _ = make(6000, length=length, random_state=0)
    places = np.array([marked_places(x) for x in X])
    assert (places[:, 0] != places[:, 1]).all()
    assert places.min(axis=1).max() == 9
    assert length - 1 - places.max() == lag  # of the shortest sequences, as in the paper's table


@arithmetic
def test_the_shortest_sequences_hold_ten_pairs_in_their_first_half(make, low, neutral):
    X, _ = make(3000, length=20, random_state=0)
    assert {len(x) for x in X} == {20, 21, 22}
    places = np.array([marked_places(x) for x in X])
    assert set(places.ravel()) == set(range(10))
    with pytest.raises(ValueError, match=r"'length' parameter .+ in the range \[20"):
        make(3, length=19)


@arithmetic
def test_marked_places_are_uniform(make, low, neutral):
    # Place k < 10 is the first draw with 1/10, else the second with 1/49; later ones the second.
    n = 10_000
    X, _ = make(n, length=100, random_state=0)
    shares = np.bincount(np.ravel([marked_places(x) for x in X]), minlength=50) / n
    assert len(shares) == 50
    assert all(share_is(share, 0.1 + 0.9 / 49, n) for share in shares[:10])
    assert all(share_is(share, 1 / 49, n) for share in shares[10:])


@arithmetic
def test_values_are_uniform_over_their_range(make, low, neutral):
    X, _ = make(300, first_pair="never", random_state=0)
    values = np.concatenate([x[:, 0] for x in X])
    assert low <= values.min() < low + 0.01
    assert 0.99 < values.max() <= 1
    counts, _ = np.histogram(values, bins=10, range=(low, 1))
    assert all(share_is(count / len(values), 0.1, len(values)) for count in counts)


def test_the_target_of_adding_is_the_formula():
    X, y = make_adding(500, random_state=0)
    sums = [x[marked_places(x), 0].sum() for x in X]
    assert_allclose(y, 0.5 + np.array(sums) / 4, rtol=1e-15)
    assert 0 <= y.min() < y.max() <= 1


def test_the_target_of_multiplication_is_the_product():
    X, y = make_multiplication(500, random_state=0)
    assert_array_equal(y, [x[marked_places(x), 0].prod() for x in X])


def test_the_best_constant_for_a_product_errs_by_its_variance():
    _, y = make_multiplication(10_000, length=20, first_pair="never", random_state=0)
    assert abs(y.mean() - 1 / 4) < 0.01
    assert abs(y.var() - 7 / 144) < 0.004


@arithmetic
def test_a_drawn_first_pair_leaves_the_other_as_the_result(make, low, neutral):
    X, y = make(2000, random_state=0)
    drawn = [k for k, x in enumerate(X) if np.count_nonzero(x[:, 1] == 1) == 1]
    assert share_is(len(drawn) / 2000, 0.1 + 0.9 / 49, 2000)
    for k in drawn:
        assert X[k][0].tolist() == [neutral, -1]
        (other,) = X[k][X[k][:, 1] == 1, 0]
        assert y[k] == (0.5 + other / 4 if make is make_adding else other)


@arithmetic
def test_a_drawn_first_pair_can_be_marked_as_others_are(make, low, neutral):
    X, y = make(2000, random_state=0)
    marked, again = make(2000, first_pair="marked", random_state=0)
    assert_array_equal(y, again)
    assert all(np.count_nonzero(x[:, 1] == 1) == 2 for x in marked)
    first = np.array([x[0] for x in marked])
    assert_array_equal(first[first[:, 1] == 1, 0], neutral)
    assert set(first[:, 1]) == {-1, 1}
    assert_array_equal(flat(x[1:] for x in X), flat(x[1:] for x in marked))


@arithmetic
def test_a_first_pair_can_be_left_out(make, low, neutral):
    X, _ = make(10_000, first_pair="never", random_state=0)
    places = np.array([np.flatnonzero(x[:, 1] == 1) for x in X])
    assert places.shape == (10_000, 2)
    assert (places.min(), places.max()) == (1, 49)
    assert_array_equal([x[0, 1] for x in X], -1)


# ------------------------------------------------------------------------ 6: temporal order

PLACES = {2: [(10, 20), (50, 60)], 3: [(10, 20), (33, 43), (66, 76)]}  # counted from 1
CLASSES = {
    2: {"XX": "Q", "XY": "R", "YX": "S", "YY": "U"},
    3: dict(zip(map("".join, product("XY", repeat=3)), "QRSUVABC", strict=True)),
}


@pytest.mark.parametrize("n_relevant", [2, 3])
def test_relevant_symbols_stand_at_the_places_of_the_paper(n_relevant):
    X, _ = make_temporal_order(3000, n_relevant=n_relevant, as_symbols=True, random_state=0)
    places = 1 + np.array([np.flatnonzero(x >= 6) for x in X])
    for place, (low, high) in zip(places.T, PLACES[n_relevant], strict=True):
        counts = np.bincount(place)
        assert_array_equal(np.flatnonzero(counts), np.arange(low, high + 1))
        assert all(share_is(count / 3000, 1 / 11, 3000) for count in counts[low:])
    lag = min(len(x) - place for x, place in zip(X, places[:, -1], strict=True))
    assert lag == {2: 40, 3: 24}[n_relevant]


@pytest.mark.parametrize("n_relevant", [2, 3])
def test_classes_are_in_the_order_of_the_paper(n_relevant):
    names = list(CLASSES[n_relevant].values())
    X, y = make_temporal_order(2000, n_relevant=n_relevant, as_symbols=True, random_state=0)
    for x, label in zip(X, y, strict=True):
        order = "".join("XY"[symbol - 6] for symbol in x if symbol >= 6)
        assert CLASSES[n_relevant][order] == names[label]
    shares = np.bincount(y) / 2000
    assert len(shares) == 2**n_relevant
    assert all(share_is(share, 0.5**n_relevant, 2000) for share in shares)


def test_the_other_symbols_are_start_trigger_and_distractors():
    X, _ = make_temporal_order(500, as_symbols=True, random_state=0)
    assert all(x[0] == 0 and x[-1] == 1 for x in X)
    inside = np.concatenate([x[1:-1] for x in X])
    assert inside.min() == 2
    shares = np.bincount(inside[inside < 6])[2:] / np.count_nonzero(inside < 6)
    assert all(share_is(share, 0.25, len(inside)) for share in shares)


@pytest.mark.parametrize("n_relevant, length", [(2, 20), (3, 20), (3, 29), (3, 1000)])
def test_places_are_in_proportion_to_the_length(n_relevant, length):
    X, _ = make_temporal_order(
        300, n_relevant=n_relevant, length=length, as_symbols=True, random_state=0
    )
    assert {len(x) for x in X} <= set(range(length, length + length // 10 + 1))
    for x in X:
        places = 1 + np.flatnonzero(x >= 6)
        assert (x[0], x[-1], len(places)) == (0, 1, n_relevant)
        for place, (low, _) in zip(places, PLACES[n_relevant], strict=True):
            assert low * length // 100 <= place <= low * length // 100 + length // 10
