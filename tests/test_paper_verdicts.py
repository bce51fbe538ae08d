"""Verdicts on trials, and their statistics against sums of binomial coefficients by hand."""

from math import comb, isclose, sqrt

import pytest

from sklstm.paper import _verdict
from sklstm.paper._report import summary
from sklstm.paper._verdict import KINDS, verdict


def trials(successes, failures=0):
    made = [{"success": True, "sequences": n, "seconds": 1.0} for n in successes]
    return made + [{"success": False, "sequences": 999, "seconds": 1.0}] * failures


# ------------------------------------------------------------------------- statistics by hand


def tail(k, n, p):
    """Chance of k or more successes in n."""
    return sum(comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k, n + 1))


def fisher(k, n, right, m):
    """Chance of a table with these margins that is at most as likely as this one."""
    ways = {i: comb(n, i) * comb(m, k + right - i) for i in range(n + 1) if 0 <= k + right - i <= m}
    return sum(w for w in ways.values() if w <= ways[k]) / sum(ways.values())


def bound(k, n, level):
    """Success rate at which k or more of n have a chance of ``level``, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if tail(k, n, middle) < level else (low, middle)
    return low


@pytest.mark.parametrize("n", [2, 5, 8, 10, 13, 14, 18, 20, 30])
@pytest.mark.parametrize("success", [1.0, 0.97, 0.5, 0.33, 0.18])
def test_the_tests_are_those_of_binomial_sums(n, success):
    for k in range(n + 1):
        rate = success - 0.2
        lower = rate <= 0 or tail(k, n, rate) < 0.05
        assert _verdict.excludes_lower_rate(k, n, success) == lower
        for m in (10, 18, 30):
            chance = fisher(k, n, round(success * m), m)
            if not isclose(chance, 0.05, rel_tol=1e-6):
                assert _verdict.rates_differ(k, n, success, m) == (chance < 0.05)


def test_fourteen_successes_exclude_a_rate_of_eighty_per_cent_and_thirteen_do_not():
    # 0.8^13 = 0.0550, 0.8^14 = 0.0440
    assert [_verdict.excludes_lower_rate(n, n, 1.0) for n in (13, 14)] == [False, True]
    assert [_verdict.excludes_higher_rate(n) for n in (13, 14)] == [False, True]


@pytest.mark.parametrize(("k", "n"), [(0, 10), (1, 10), (5, 10), (13, 30), (20, 20)])
def test_the_interval_of_a_rate_is_the_one_that_binomial_sums_give(k, n):
    low, high = summary(trials([7] * k, n - k))["success_interval"]
    assert low == pytest.approx(bound(k, n, 0.025) if k else 0)
    assert high == pytest.approx(1 - bound(n - k, n, 0.025) if k < n else 1)


def test_the_interval_of_a_mean_is_students():
    counts = [100, 110, 130, 160]  # mean 125, sum of squares 2100
    low, high = summary(trials(counts))["mean_interval"]
    half = 3.182446305284263 * sqrt(2100 / 3) / 2  # 97.5 % with 3 degrees of freedom
    assert (low, high) == pytest.approx((125 - half, 125 + half))


# ----------------------------------------------------------------------------------- verdicts


@pytest.mark.parametrize(
    ("made", "sequences", "success", "kind", "words"),
    [
        # enough trials, and a mean whose interval is within a factor of 2
        (trials([99, 100, 101] * 5), 100, 1.0, "agree", "agrees"),
        (trials([198, 198.5] * 7), 100, 1.0, "agree", "agrees"),
        (trials([51, 51.5] * 7), 100, 1.0, "agree", "agrees"),
        # 13 of 13 do not exclude 80 %
        (trials([99, 101] * 6 + [100]), 100, 1.0, "not excluded", "not excluded (13 trials)"),
        (trials([99, 101] * 5), 100, 1.0, "not excluded", "not excluded (10 trials)"),
        # an interval on both sides of the factor: mean 180, interval beyond 200
        (trials([100, 260] * 7), 100, 1.0, "not excluded", "not excluded (14 trials)"),
        (
            trials([100, 320] * 7),
            100,
            1.0,
            "not excluded",
            "not excluded (14 trials), mean 2.1 times slower",
        ),
        # one success has no interval
        (trials([300]), 100, 1.0, "not excluded", "not excluded (1 trial), mean 3.0 times slower"),
        # an interval beyond the factor
        (trials([300, 301] * 7), 100, 1.0, "solved, different count", "3.0 times slower"),
        (trials([25, 25.5] * 5), 100, 1.0, "solved, different count", "4.0 times faster"),
        # another rate of success
        (trials([99, 101], 8), 100, 1.0, "solved less often", "succeeds less often (2 of 10)"),
        (
            trials([300, 301], 8),
            100,
            1.0,
            "solved less often",
            "succeeds less often (2 of 10), 3.0 times slower",
        ),
        (
            trials([99, 101] * 5),
            100,
            0.2,
            "solved, different count",
            "succeeds more often (10 of 10)",
        ),
        (trials([], 10), 100, 1.0, "not solved", "fails"),
        (trials([], 10), 100, 0.2, "not excluded", "not excluded (10 trials), none succeeds"),
        # published failures
        (trials([], 14), ">200,000", 0.0, "agree", "agrees: fails"),
        (trials([], 13), ">200,000", 0.0, "not excluded", "not excluded (13 trials)"),
        (
            trials([9], 9),
            ">200,000",
            0.0,
            "solved, different count",
            "succeeds in 1 of 10 where the source fails",
        ),
        # nothing to compare with
        (trials([9] * 10), None, None, "nothing published", "no published figures"),
        (trials([99, 101] * 2), 100, None, "agree", "agrees"),
        # one trial decides the mean: 1000 of 1900 sequences, 100 without it
        (
            trials([100] * 9 + [1000]),
            100,
            1.0,
            "not excluded",
            "not excluded (10 trials); one trial is 53% of the sum",
        ),
        (
            trials([84] * 99 + [3234]),
            100,
            1.0,
            "agree",
            "agrees; one trial is 28% of the sum",
        ),
    ],
)
def test_a_verdict_says_what_trials_exclude(made, sequences, success, kind, words):
    assert verdict(summary(made), sequences, success) == (kind, words)
    assert kind in KINDS


def test_a_failure_counts_if_the_cap_is_twice_the_published_mean():
    figures = summary(trials([99, 101], 8))
    assert verdict(figures, 100, 1.0, cap=200).kind == "solved less often"
    low = verdict(figures, 100, 1.0, cap=199)
    assert low == ("not excluded", "not excluded (10 trials, cap 199)")
    failed = summary(trials([], 14))
    assert verdict(failed, ">5,000,000", 0.0, cap=5_000_000).kind == "agree"
    lower = verdict(failed, ">5,000,000", 0.0, cap=50_000)
    assert lower == ("not excluded", "not excluded (14 trials, cap 50,000)")
    # trials that have all succeeded have not met their cap
    assert verdict(summary(trials([99, 101] * 7)), 100, 1.0, cap=150).kind == "agree"


@pytest.mark.parametrize(
    ("counts", "share"),
    [
        ([1, 1, 1], None),
        ([10, 10, 10, 10, 20], None),  # 12 with it, 10 without: a sixth less
        ([10, 10, 10, 20], None),  # 12.5 and 10: a fifth less
        ([10, 10, 19], None),  # 13 and 10: less than a quarter
        ([10, 10, 21], 21 / 41),
        ([5, 500], None),  # two trials have no majority
    ],
)
def test_a_mean_depends_on_a_trial_if_it_is_a_quarter_lower_without_it(counts, share):
    assert _verdict.dominant(counts) == share
    assert summary(trials(counts))["dominant"] == share
