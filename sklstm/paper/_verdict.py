"""Comparison of trials with the published figures, with the size of the difference.

"agrees" is a claim, and few trials cannot support it. A verdict therefore has four parts:

* Fisher's exact test at 5 % compares the numbers of successes.
* A binomial test at 5 % says whether a success rate that is 20 points lower than the published one
  is excluded. (If the published rate is 0, one that is 20 points higher.)
* The 95 % interval of the mean is within a factor of 2 of the published mean, beyond it, or both.
* A failure counts only if its cap was at least twice the published mean. A net that is as slow as
  "agrees" allows would have succeeded by then.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from scipy.stats import binom, fisher_exact

LEVEL = 0.05
FACTOR = 2.0  # means that differ by less than this factor agree
POINTS = 0.2  # a success rate that is lower by this much has to be excluded
DOMINANT = 0.25  # leaving out one trial changes the mean by more than this fraction
KINDS = (
    "agree",
    "not excluded",
    "solved, different count",
    "solved less often",
    "not solved",
    "nothing published",
)


class Verdict(NamedTuple):
    """A verdict.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    words : str
        The words of the tables.
    """

    kind: str
    words: str


def verdict(
    figures: dict[str, Any],
    sequences: Any,
    success: float | None,
    n_published: int | None = None,
    cap: int | None = None,
) -> Verdict:
    """Compare trials with the published figures.

    Parameters
    ----------
    figures : dict
        A `_report.summary`.
    sequences : float, str or None
        Published mean; text if nothing was learned (``">200,000"``), None if not published.
    success : float or None
        Published fraction; None if not known.
    n_published : int, default=None
        Published number of trials. None means as many as here.
    cap : int, default=None
        Training sequences after which the trials have failed. None means enough.
    """
    found = _compare(figures, sequences, success, n_published, cap)
    share = figures.get("dominant")
    if share and found.kind in KINDS[:4]:
        return found._replace(words=f"{found.words}; one trial is {share:.0%} of the sum")
    return found


def _compare(
    figures: dict[str, Any],
    sequences: Any,
    success: float | None,
    n_published: int | None,
    cap: int | None,
) -> Verdict:
    k, n = figures["n_success"], figures["n_trials"]
    if success is None and not isinstance(sequences, (int, float)):
        return Verdict("nothing published", "no published figures")
    low = k < n and cap is not None and cap < needed_cap(sequences)
    trials = f"{n} trial{'s' if n > 1 else ''}" + (f", cap {cap:,}" if low else "")
    open_ = f"not excluded ({trials})"
    if success == 0:
        if k:
            return Verdict(
                "solved, different count", f"succeeds in {k} of {n} where the source fails"
            )
        if low or not excludes_higher_rate(n):
            return Verdict("not excluded", open_)
        return Verdict("agree", "agrees: fails")
    words = []
    counts = success is not None and (not low or k / n > success)
    if counts and rates_differ(k, n, success, n_published):
        if k == 0:
            return Verdict("not solved", "fails")
        less = k / n < success
        words.append(f"succeeds {'less' if less else 'more'} often ({k} of {n})")
        kind = "solved less often" if less else "solved, different count"
    if k == 0:
        return Verdict("not excluded", f"{open_}, none succeeds")
    ratio, inside, outside = _means(figures, sequences)
    apart = "" if ratio is None or 1 / FACTOR <= ratio <= FACTOR else _times(ratio)
    if outside:
        words.append(apart)
        return Verdict(kind if len(words) > 1 else "solved, different count", ", ".join(words))
    if words:
        return Verdict(kind, words[0])
    enough = success is None or excludes_lower_rate(k, n, success)
    if enough and inside and not low:
        return Verdict("agree", "agrees")
    return Verdict("not excluded", f"{open_}, mean {apart}" if apart else open_)


def _means(figures: dict[str, Any], sequences: Any) -> tuple[float | None, bool, bool]:
    """Return the ratio of the means, and if its interval is within the factor, or beyond it."""
    if not isinstance(sequences, (int, float)):
        return None, True, False
    interval = figures["mean_interval"]
    if interval is None:
        return figures["mean"] / sequences, False, False
    low, high = (end / sequences for end in interval)
    inside = low > 1 / FACTOR and high < FACTOR
    return figures["mean"] / sequences, inside, low > FACTOR or high < 1 / FACTOR


def _times(ratio: float) -> str:
    return f"{ratio:.1f} times slower" if ratio > 1 else f"{1 / ratio:.1f} times faster"


def rates_differ(k: int, n: int, success: float, n_published: int | None) -> bool:
    """True if Fisher's exact test finds a difference between the numbers of successes."""
    m = n_published or n
    right = round(success * m)
    return fisher_exact([[k, n - k], [right, m - right]]).pvalue < LEVEL


def excludes_lower_rate(k: int, n: int, success: float) -> bool:
    """True if a binomial test excludes a success rate 20 points below the published one."""
    rate = success - POINTS
    return rate <= 0 or binom.sf(k - 1, n, rate) < LEVEL


def excludes_higher_rate(n: int) -> bool:
    """True if ``n`` failures exclude a success rate of 20 %."""
    return (1 - POINTS) ** n < LEVEL


def needed_cap(sequences: Any) -> float:
    """Return the smallest cap with which a failure counts."""
    if isinstance(sequences, (int, float)):
        return FACTOR * sequences
    digits = "".join(filter(str.isdigit, sequences or ""))
    return float(digits or 0)


def dominant(counts: list[int]) -> float | None:
    """Return the share of the largest count in the sum, if the mean depends on it; else None."""
    if len(counts) < 3:
        return None
    rest = (sum(counts) - max(counts)) / (len(counts) - 1)
    mean = sum(counts) / len(counts)
    return max(counts) / sum(counts) if mean - rest > DOMINANT * mean else None
