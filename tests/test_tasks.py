"""What the kernel of the trials draws is what the paper defines and sklstm.datasets gives."""

from itertools import pairwise

import numpy as np
import pytest
from draws import flat, is_noise, share_is
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from trials import kernel_of, sequences, small_kernel, task

from sklstm import datasets
from sklstm.paper._nets import ContinualNet, EstimatorNet, estimator_of
from sklstm.paper._readings import AS_PRINTED
from sklstm.paper._rows import PublishedNet, select
from sklstm.paper._tasks import reber_stream, reber_strings

N = 3000


def drawn(name, n=N, changes="", seed=0):
    """Inputs, symbols without an axis of one, and targets of a row."""
    kernel = kernel_of(select(name)[0], AS_PRINTED.with_changes(changes))
    pairs = sequences(kernel, n, seed)
    symbolic = name[0] in "126"
    return [x[:, 0].astype(int) if symbolic else x for x, _ in pairs], [y for _, y in pairs]


def small(experiment, n, *, n_features=1, n_outputs=1, seed=0, **fields):
    """The same of a task with fields of one's own."""
    published = PublishedNet(blocks=1, cells=1, bias=None)
    net = EstimatorNet(estimator_of(published), n_features, n_outputs)
    kernel = small_kernel(net, task(experiment, net, **fields), symbols=n_features > 2)
    return sequences(kernel, n, seed)


def last(targets):
    return np.array([y[-1] for y in targets])


def alike(one, other):
    """Whether two samples may be of one distribution."""
    return stats.ks_2samp(one, other).pvalue > 1e-4


# ------------------------------------------------------------------------------- all of them


@pytest.mark.parametrize("name", ["2c:q=50,p=50", "3a", "4:T=100", "5", "6a", "6b"])
def test_the_target_is_at_the_last_step_alone(name):
    for y in drawn(name, 50)[1]:
        assert np.isnan(y[:-1]).all()
        assert not np.isnan(y[-1]).any()


@pytest.mark.parametrize("name", ["1", "2a", "2b"])
def test_every_step_has_the_next_symbol_as_its_target(name):
    X, Y = drawn(name, 50)
    for x, y in zip(X, Y, strict=True):
        assert_array_equal(y.sum(axis=1), 1)
        assert_array_equal(y.argmax(axis=1)[:-1], x[1:])


@pytest.mark.parametrize("name", ["3a:T=100,N=3", "3a:T=1000,N=3", "4:T=500", "5", "6a", "6b"])
def test_lengths_are_uniform_over_a_tenth(name):
    length = select(name)[0].columns.get("T", 100)
    n_lengths = length // 10 + 1
    lengths = np.array([len(x) for x in drawn(name, 1000)[0]])
    assert lengths.min() >= length
    assert lengths.max() < length + n_lengths
    counts = np.bincount(lengths - length, minlength=n_lengths)
    assert stats.chisquare(counts).pvalue > 1e-4


def test_one_seed_gives_the_same_again_and_others_do_not():
    (one, _), (again, _), (other, _) = (drawn("3a", 3, seed=seed) for seed in (1, 1, 2))
    assert_array_equal(flat(one), flat(again))
    assert not set(flat(one)) & set(flat(other)) - {-1.0, 1.0}


def test_neighbouring_seeds_have_nothing_in_common():
    kernel = kernel_of(select("5")[0], AS_PRINTED.with_changes("first_pair=never"))
    firsts = np.array([sequences(kernel, 1, seed)[0][0][:3, 0] for seed in range(1500)])
    assert stats.kstest(firsts.ravel(), "uniform").pvalue > 1e-4
    neighbours = np.corrcoef(firsts[1:, 1], firsts[:-1, 1])[0, 1]
    assert abs(neighbours) < 5 / np.sqrt(1500)


# -------------------------------------------------------------------------------- 1: grammar


@pytest.mark.parametrize("distinct", ["yes", "no"])
def test_training_strings_are_those_of_the_set_each_as_likely(distinct):
    X, Y = drawn("1", 20_000, f"distinct={distinct}")
    strings = reber_strings(0, distinct=distinct == "yes")
    ends = strings.offsets[: strings.n_training + 1]
    known = [tuple(strings.symbols[a:b]) for a, b in pairwise(ends)]
    assert len(set(known)) == 256 or distinct == "no"
    found = [(*x, y[-1].argmax()) for x, y in zip(X, Y, strict=True)]
    counts = dict.fromkeys(known, 0)
    for string in found:
        counts[string] += 1  # KeyError: not in the training set
    expected = [len(found) / 256 * known.count(string) for string in counts]
    assert stats.chisquare(list(counts.values()), expected).pvalue > 1e-4


def test_test_strings_are_others_and_all_are_of_the_grammar():
    for data_set in range(3):
        strings = reber_strings(data_set, distinct=False)
        X = np.split(strings.symbols.astype(np.int64), strings.offsets[1:-1])
        assert len(X) == 512
        assert min(map(len, X)) == 9
        assert not {tuple(x) for x in X[:256]} & {tuple(x) for x in X[256:]}
        legal = datasets.reber_successors([x[:-1] for x in X])  # refuses what is not legal
        bits = np.split(strings.legal, strings.offsets[1:-1])
        for x, may, bit in zip(X, legal, bits, strict=True):
            assert_array_equal(bit[:-1], may @ (1 << np.arange(7)))
            assert bit[-1] == 0
            assert may[np.arange(len(x) - 1), x[1:]].all()


def test_data_sets_differ():
    sets = [reber_strings(k, distinct=False).symbols for k in range(3)]
    assert not np.array_equal(sets[0][:200], sets[1][:200])
    assert not np.array_equal(sets[1][:200], sets[2][:200])


def test_legal_targets_are_all_symbols_that_may_follow():
    X, Y = drawn("1", 100, "target=legal")
    for legal, y in zip(datasets.reber_successors(X), Y, strict=True):
        assert_array_equal(y, legal)


def continual_streams(n, length, seed=0):
    net = ContinualNet(1, 1, 7, 7)
    return sequences(small_kernel(net, reber_stream(length), feedback="cells"), n, seed)


def test_streams_of_strings_are_legal_and_go_on():
    pairs = continual_streams(20, 2000)
    X = np.array([x[:, 0].astype(int) for x, _ in pairs])
    legal = datasets.reber_successors(X)  # refuses what is not legal
    following = np.array([y.argmax(axis=1) for _, y in pairs])
    assert_array_equal(following[:, :-1], X[:, 1:])
    assert np.take_along_axis(legal, following[:, :, None], axis=2).all()
    assert_array_equal(X[:, 0], 0)
    other = datasets.make_continual_reber(20, length=2000, as_symbols=True, random_state=0)[0]
    assert alike(string_lengths(X), string_lengths(other))
    shares = [np.bincount(x.ravel(), minlength=7) / x.size for x in (X, other)]
    assert_allclose(*shares, atol=0.01)


def string_lengths(X):
    """Of the strings of streams: from one E that a B follows to the next."""
    return np.concatenate([np.diff(np.flatnonzero((x[:-1] == 6) & (x[1:] == 0))) for x in X])


# ---------------------------------------------------------------------------------- 2: lags


def test_noise_free_sequences_are_two():
    X, Y = drawn("2a", 1000)
    whole = np.array([[*x, y[-1].argmax()] for x, y in zip(X, Y, strict=True)])
    middle = list(range(99))
    assert np.unique(whole, axis=0).tolist() == [[99, *middle, 99], [100, *middle, 100]]
    assert share_is(np.mean(whole[:, 0] == 99), 0.5, 1000)


def test_random_sequences_repeat_their_first_symbol_and_nothing_else():
    X, Y = drawn("2b", 1000)
    X, final = np.array(X), last(Y).argmax(axis=1)
    assert X.shape == (1000, 100)
    assert_array_equal(final, X[:, 0])
    assert set(X[:, 0]) == {99, 100}
    assert share_is(np.mean(X[:, 0] == 99), 0.5, 1000)
    counts = np.bincount(X[:, 1:].ravel())
    assert len(counts) == 99
    assert stats.chisquare(counts).pvalue > 1e-4


@pytest.mark.parametrize("name", ["2c:q=50,p=50", "2c:q=100,p=100"])
def test_long_lag_sequences_have_the_form_of_the_paper(name):
    p = select(name)[0].columns["p"]
    X, Y = drawn(name)
    label = last(Y).argmax(axis=1)
    assert_array_equal(last(Y).sum(axis=1), 1)
    assert_array_equal([x[0] for x in X], p + 1)
    assert_array_equal([x[1] for x in X], p + 2 + label)
    assert_array_equal([x[-1] for x in X], p)
    assert share_is(label.mean(), 0.5, N)
    counts = np.bincount(np.concatenate([x[2:-1] for x in X]))
    assert len(counts) == p
    assert stats.chisquare(counts).pvalue > 1e-4


def test_long_lag_sequences_go_on_with_probability_nine_tenths():
    pairs = small("2c", 20_000, n_features=7, n_outputs=2, length=5, n_distractors=3)
    further = np.array([len(x) for x, _ in pairs]) - (5 + 3)
    assert further.min() == 0
    assert abs(further.mean() - 9) < 5 * np.sqrt(90 / 20_000)
    for k in range(1, 40):
        assert share_is(np.mean(further >= k), 0.9**k, 20_000)
    other = datasets.make_long_lag(20_000, lag=5, n_distractors=3, as_symbols=True, random_state=0)
    assert alike(further, [len(x) - 8 for x in other[0]])


# ------------------------------------------------------------------------- 3: two sequences


@pytest.mark.parametrize(("name", "n"), [("3a:T=100,N=3", 3), ("3a:T=100,N=1", 1)])
def test_the_first_elements_of_3a_show_the_class(name, n):
    X, Y = drawn(name)
    label = last(Y)[:, 0]
    assert set(label) == {0, 1}
    assert share_is(label.mean(), 0.5, N)
    first = np.array([x[:n, 0] for x in X])
    assert_array_equal(first, np.where(label, 1.0, -1.0)[:, None].repeat(n, axis=1))
    assert is_noise(np.concatenate([x[n:, 0] for x in X]), 0.2)


def test_3b_has_noise_on_the_first_elements():
    X, Y = drawn("3b:T=100,N=3")
    first = np.array([x[:3, 0] for x in X])
    assert is_noise((first - np.where(last(Y), 1.0, -1.0)).ravel(), 0.2)
    assert is_noise(np.concatenate([x[3:, 0] for x in X]), 0.2)


def test_3c_has_noise_on_what_is_learned_alone():
    X, Y = drawn("3c:T=100,N=3", 10_000)
    first = np.array([x[:3, 0] for x in X])
    assert set(first.ravel()) == {-1, 1}
    truth = np.where(first[:, 0] == 1, 0.2, 0.8)
    assert is_noise(last(Y)[:, 0] - truth, 0.1)


# ---------------------------------------------------------------------- 4 and 5: arithmetic

arithmetic = pytest.mark.parametrize(
    ("name", "low", "neutral", "make"),
    [
        pytest.param("4:T=100", -1.0, 0.0, datasets.make_adding, id="adding"),
        pytest.param("5:n_seq=13", 0.0, 1.0, datasets.make_multiplication, id="multiplication"),
    ],
)


def marked_places(x):
    """Where the two marked pairs are; a first pair that was drawn keeps the marker of an end."""
    places = np.flatnonzero(x[:, 1] == 1).tolist()
    return places if len(places) == 2 else [0, *places]


@arithmetic
@pytest.mark.parametrize("first_pair", ["end", "marked", "never"])
def test_pairs_are_marked_as_the_paper_says(name, low, neutral, make, first_pair):
    n = 5000
    X, Y = drawn(name, n, f"first_pair={first_pair}")
    places = np.array([marked_places(x) for x in X])
    for x, marked in zip(X, places, strict=True):
        ends = [len(x) - 1] if first_pair == "marked" and marked[0] == 0 else [0, len(x) - 1]
        assert set(x[:, 1]) == {-1, 0, 1}
        assert_array_equal(np.flatnonzero(x[:, 1] == -1), ends)
        assert low <= x[:, 0].min() < x[:, 0].max() <= 1
        assert marked[0] > 0 or x[0, 0] == neutral
    values = np.array([x[marked, 0] for x, marked in zip(X, places, strict=True)])
    formula = 0.5 + values.sum(axis=1) / 4 if make is datasets.make_adding else values.prod(axis=1)
    assert_allclose(last(Y)[:, 0], formula, rtol=1e-15)

    # place k < 10 is the first draw, or else the second; later ones are the second
    lowest = 1 if first_pair == "never" else 0
    first, second = 1 / (10 - lowest), 1 / (49 - lowest)
    shares = np.bincount(places.ravel(), minlength=50) / n
    assert len(shares) == 50
    assert all(share_is(s, first + (1 - first) * second, n) for s in shares[lowest:10])
    assert all(share_is(s, second, n) for s in shares[10:])
    assert lowest == 0 or shares[0] == 0

    other_X, other_y = make(n, first_pair=first_pair, random_state=0)
    assert alike(last(Y)[:, 0], other_y)
    for marker in (0, 1):
        assert alike(places[:, marker], [marked_places(x)[marker] for x in other_X])


@arithmetic
def test_the_lag_is_half_the_length_at_least(name, low, neutral, make):
    places = [len(x) - 1 - marked_places(x)[1] for x in drawn(name, 5000)[0]]
    assert min(places) in (50, 51)  # both draws at their ends: 1 in 540


@arithmetic
def test_values_are_uniform(name, low, neutral, make):
    X, _ = drawn(name, 1000, "first_pair=never")
    values = np.concatenate([x[:, 0] for x in X])
    assert stats.kstest(values, "uniform", (low, 1 - low)).pvalue > 1e-4
    marked = np.concatenate([x[x[:, 1] == 1, 0] for x in X])
    assert len(marked) == 2000
    assert stats.kstest(marked, "uniform", (low, 1 - low)).pvalue > 1e-4


# ------------------------------------------------------------------------ 6: temporal order


@pytest.mark.parametrize(
    ("name", "ranges"),
    [("6a", [(10, 20), (50, 60)]), ("6b", [(10, 20), (33, 43), (66, 76)])],
)
def test_relevant_symbols_stand_at_the_places_of_the_paper(name, ranges):
    X, Y = drawn(name)
    label = last(Y).argmax(axis=1)
    assert_array_equal(last(Y).sum(axis=1), 1)
    counts = np.bincount(label)
    assert len(counts) == 2 ** len(ranges) == last(Y).shape[1]
    assert stats.chisquare(counts).pvalue > 1e-4
    places = np.array([np.flatnonzero(x >= 6) for x in X])
    assert places.shape == (N, len(ranges))
    for k, (low, high) in enumerate(ranges):
        counts = np.bincount(places[:, k] + 1 - low, minlength=11)  # the paper counts from 1
        assert len(counts) == high - low + 1
        assert stats.chisquare(counts).pvalue > 1e-4
    # XX is the first class, XY the second ...
    signs = np.array([x[place] - 6 for x, place in zip(X, places, strict=True)])
    assert_array_equal(signs @ (1 << np.arange(len(ranges)))[::-1], label)
    for x in X:
        assert (x[0], x[-1]) == (0, 1)
        assert (x[1:-1] >= 2).all()
    rest = np.concatenate([x[(x >= 2) & (x < 6)] for x in X])
    assert stats.chisquare(np.bincount(rest - 2, minlength=4)).pvalue > 1e-4


@pytest.mark.parametrize(("name", "n_relevant"), [("6a", 2), ("6b", 3)])
def test_classes_are_those_of_the_data_sets(name, n_relevant):
    X, y = datasets.make_temporal_order(
        N, n_relevant=n_relevant, as_symbols=True, targets="labels", random_state=0
    )
    label_of = {tuple(x[x >= 6]): label for x, label in zip(X, y, strict=True)}
    X, Y = drawn(name, 200)
    assert [label_of[tuple(x[x >= 6])] for x in X] == last(Y).argmax(axis=1).tolist()


# ----------------------------------------------------------------------- what they draw with


MASK = 2**64 - 1


def splitmix64(seed, n):
    """The first n numbers of Steele, Lea & Flood (2014)."""
    for k in range(1, n + 1):
        z = seed + k * 0x9E3779B97F4A7C15 & MASK
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
        z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
        yield z ^ z >> 31


def xoshiro256(state, n):
    """The first n numbers of xoshiro256++ (Blackman & Vigna 2021)."""
    a, b, c, d = state

    def turned(x, k):
        return (x << k | x >> 64 - k) & MASK

    for _ in range(n):
        yield turned(a + d & MASK, 23) + a & MASK
        a, b, c, d = a ^ d ^ b, b ^ c ^ a, c ^ a ^ (b << 17 & MASK), turned(d ^ b, 45)


def test_the_generator_in_these_tests_is_the_published_one():
    assert next(splitmix64(0, 1)) == 0xE220A8397B1DCDAF
    published = [41943041, 58720359, 3588806011781223, 3591011842654386, 9228616714210784205]
    assert list(xoshiro256([1, 2, 3, 4], 5)) == published


@pytest.mark.parametrize("seed", [0, 12345])
def test_numbers_are_those_of_the_published_generator(seed):
    ((x, _),) = sequences(kernel_of(select("5")[0]), 1, seed)
    words = list(xoshiro256(splitmix64(seed, 4), 5 + len(x)))
    assert len(x) == 100 + (words[0] >> 32) * 11 // 2**32
    for t in np.flatnonzero(x[:, 1] == 0):
        assert x[t, 0] == (words[5 + t] >> 11) * 2.0**-53


@pytest.fixture(scope="module")
def normals():
    """Two million, as the noise of one sequence."""
    ((x, _),) = small("3a", 1, length=2_000_000, n_informative=1, noise=1.0, seed=11)
    return x[1:, 0]


def test_normal_numbers_are_normal(normals):
    n = len(normals)
    # moments, to five standard deviations of their estimates
    for power, moment, variance in [(1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96), (6, 15, 10170)]:
        assert abs(np.mean(normals**power) - moment) < 5 * np.sqrt(variance / n)
    assert stats.kstest(normals, "norm").pvalue > 1e-4


def test_the_tail_of_normal_numbers_is_normal(normals):
    edge = 3.6541528853610092
    for side in (normals, -normals):
        tail = side[side > edge]
        assert share_is(len(tail) / len(normals), stats.norm.sf(edge), len(normals))
        assert (
            stats.kstest(tail, lambda x: 1 - stats.norm.sf(x) / stats.norm.sf(edge)).pvalue > 1e-4
        )
    assert np.abs(normals).max() > 4.5


def test_normal_numbers_do_not_depend_on_the_one_before(normals):
    for values in (normals, np.abs(normals)):
        assert abs(np.corrcoef(values[:-1], values[1:])[0, 1]) < 5 / np.sqrt(len(values))


@pytest.mark.parametrize("n", [3, 7, 1000])
def test_whole_numbers_are_uniform(n):
    fields = {"length": 200_000, "n_distractors": n}
    ((x, _),) = small("2c", 1, n_features=n + 4, n_outputs=2, **fields)
    counts = np.bincount(x[2:-1, 0].astype(int))
    assert len(counts) == n
    assert stats.chisquare(counts).pvalue > 1e-4
