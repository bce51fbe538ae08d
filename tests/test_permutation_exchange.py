"""Which values are exchanged: done by hand, in features, steps, groups and blocks."""

from itertools import pairwise, permutations, product

import numpy as np
import pandas as pd
import pytest
from exchanges import SMALL, importances, model, numbered, seen
from numpy.testing import assert_array_equal
from problems import numbers, sequences

from sklstm import LSTMRegressor
from sklstm.inspection import permutation_importance
from sklstm.inspection._exchange import Places, edges_of_blocks

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")


# ------------------------------------------------------------------------ who takes from whom

LENGTHS = ([3, 6, 1, 4, 7, 2, 4], [4, 4, 4, 4], [1, 9], [5, 5, 2])


@pytest.mark.parametrize("align", ["start", "end"])
@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
def test_a_step_takes_from_the_next_sequence_of_the_circle_that_has_its_place(lengths, align):
    lengths = np.array(lengths)
    n, offsets = len(lengths), np.append(0, np.cumsum(lengths))
    order = np.random.default_rng(1).permutation(n)
    circle = np.argsort(order).tolist()
    to, source = Places.of(lengths, align).cycle(order)
    taken = dict(zip(to.tolist(), source.tolist(), strict=True))
    for k, length in enumerate(lengths):
        others = circle[circle.index(k) + 1 :] + circle[: circle.index(k) + 1]
        for t in range(length):
            moved = {j: t + (lengths[j] - length if align == "end" else 0) for j in others}
            j = next(j for j in others if 0 <= moved[j] < lengths[j])
            assert taken[offsets[k] + t] == offsets[j] + moved[j]


@pytest.mark.parametrize("align", ["start", "end"])
def test_each_place_keeps_its_values(align):
    X = numbered([3, 6, 1, 4, 7, 2])
    for by in ("feature", "step", "both"):
        for exchanged in seen(X, by=by, align=align):
            for t in range(7):
                at = t if align == "start" else -1 - t
                before, after = (
                    sorted(x[at].tolist() for x in data if len(x) > t) for data in (X, exchanged)
                )
                columns = zip(np.transpose(before), np.transpose(after), strict=True)
                assert all(sorted(a) == sorted(b) for a, b in columns)


def test_a_feature_is_exchanged_as_a_whole_course_and_the_others_stay():
    X = np.array(numbered([5] * 6))
    first, second = seen(X)
    for exchanged, feature, other in ((first, 0, 1), (second, 1, 0)):
        assert_array_equal(exchanged[:, :, other], X[:, :, other])
        givers = exchanged[:, 0, feature] // 100
        assert_array_equal(exchanged[:, :, feature], X[givers.astype(int), :, feature])
        assert set(givers) == set(range(6))
        assert (givers != range(6)).all()


def test_where_a_course_ends_that_of_the_next_sequence_goes_on():
    X = numbered([4, 2, 4], n_features=1)
    (exchanged,) = seen(X)
    rows = [x[:, 0].tolist() for x in exchanged]
    circles = {  # 0 <- 1 <- 2 <- 0 and the other way round
        (100, 110, 220, 230): ((200, 210), (0, 10, 20, 30)),
        (200, 210, 220, 230): ((0, 10), (100, 110, 20, 30)),
    }
    assert circles[tuple(rows[0])] == tuple(map(tuple, rows[1:]))


def test_a_step_is_exchanged_with_all_its_features_and_the_other_steps_stay():
    X = numbered([3, 6, 1, 4, 7, 2])
    for t, exchanged in enumerate(seen(X, by="step")):
        for k, (before, after) in enumerate(zip(X, exchanged, strict=True)):
            same = (before == after).all(axis=1)
            assert same.tolist() == [s != t or t == 6 for s in range(len(before))]
            if k != 4 and t < len(before):
                assert_array_equal(after[t], before[t] + after[t, 0] - before[t, 0])


def test_both_exchanges_a_feature_of_a_step():
    X = numbered([3, 5, 4, 5])
    exchanges = seen(X, by="both")
    for (t, f), exchanged in zip(product(range(5), range(2)), exchanges, strict=True):
        for before, after in zip(X, exchanged, strict=True):
            changed = np.argwhere(before != after).tolist()
            assert changed == ([[t, f]] if t < len(before) else [])


@pytest.mark.parametrize("align", ["start", "end"])
def test_places_are_counted_from_where_sequences_are_aligned(align):
    X = numbered([2, 5, 3])
    changed = [
        [np.flatnonzero((a != b).any(axis=1)).tolist() for a, b in zip(X, after, strict=True)]
        for after in seen(X, by="step", align=align)
    ]
    if align == "start":
        assert changed == [[[0], [0], [0]], [[1], [1], [1]], [[], [2], [2]], [[]] * 3, [[]] * 3]
    else:
        assert changed == [[[]] * 3, [[]] * 3, [[], [2], [0]], [[0], [3], [1]], [[1], [4], [2]]]
    counts = [3, 3, 2, 1, 1]
    X = [x / 100 for x in X]
    result = permutation_importance(model(), X, [0, 1, 2], by="step", align=align)
    assert result.n_sequences.tolist() == (counts if align == "start" else counts[::-1])
    alone = result.n_sequences == 1
    assert (result.importances[alone] == 0).all()
    assert (result.importances[~alone] != 0).all()


def test_each_repeat_draws_a_circle_and_each_is_as_likely():
    X = np.array(numbered([1] * 4, n_features=1))
    drawn = [tuple((x[:, 0, 0] // 100).astype(int)) for x in seen(X, n_repeats=600)]
    circles = {
        givers
        for givers in permutations(range(4))
        if all(givers[k] != k and givers[givers[k]] != k for k in range(4))
    }
    counts = [drawn.count(circle) for circle in circles]
    assert len(circles) == 6
    assert sum(counts) == 600
    assert 70 < min(counts) <= max(counts) < 130


# ------------------------------------------------------------------------- groups and blocks


def test_features_of_a_group_are_exchanged_together():
    X = sequences(n_features=3)
    y, fitted = numbers(X), model(3)
    alone = importances(fitted, X, y)
    assert_array_equal(importances(fitted, X, y, feature_groups=[[0], 1, (-1,)]), alone)
    (exchanged, other) = seen(numbered([3, 4, 4], 3), feature_groups=[[0, 2], [1]])
    for before, after in zip(numbered([3, 4, 4], 3), exchanged, strict=True):
        assert_array_equal(before[:, 1], after[:, 1])
        assert_array_equal(after[:, 2] - after[:, 0], 2)
    assert_array_equal(other[0][:, [0, 2]], numbered([3], 3)[0][:, [0, 2]])
    whole = importances(fitted, X, y, by="both", feature_groups={"all": range(3)})
    assert_array_equal(whole[:, 0], importances(fitted, X, y, by="step"))


def test_groups_name_features_of_data_frames():
    X = sequences()
    frames = [pd.DataFrame(x, columns=["u", "v"]) for x in X]
    y, fitted = numbers(X), LSTMRegressor(**SMALL, max_iter=1).fit(frames, numbers(X))
    found = importances(fitted, frames, y, feature_groups={"one": "v", "two": ["v", "u"]})
    by_number = importances(fitted, frames, y, feature_groups=[[1], [0, 1]])
    assert_array_equal(found, by_number)


def test_a_block_is_all_its_steps_at_a_time():
    X = sequences()
    y, fitted = numbers(X), model()
    whole = importances(fitted, X, y, by="both", width=7)
    assert_array_equal(whole, importances(fitted, X, y)[np.newaxis])
    assert_array_equal(importances(fitted, X, y, by="both", width=99), whole)
    X = numbered([2, 5, 3])
    changed = [
        [np.flatnonzero((a != b).any(axis=1)).tolist() for a, b in zip(X, after, strict=True)]
        for after in seen(X, by="step", width=2)
    ]
    assert changed == [[[0, 1], [0, 1], [0, 1]], [[], [2], [2]], [[]] * 3]


@pytest.mark.parametrize("width", [1, 2, 3, 7, 8])
def test_the_smaller_block_is_where_few_sequences_are(width):
    start, end = (edges_of_blocks(7, width, align) for align in ("start", "end"))
    assert start[0] == end[0] == 0
    assert start[-1] == end[-1] == 7
    sizes = [b - a for a, b in pairwise(start)]
    assert sizes[:-1] == [width] * (len(sizes) - 1)
    assert 1 <= sizes[-1] <= width
    assert [b - a for a, b in pairwise(end)] == sizes[::-1]


def test_a_block_counts_the_sequences_that_reach_into_it():
    X, y = numbered([2, 5, 3]), [0, 1, 2]
    for align, expected in (("start", [3, 2, 1]), ("end", [1, 2, 3])):
        result = permutation_importance(model(), X, y, by="step", width=2, align=align)
        assert result.n_sequences.tolist() == expected
