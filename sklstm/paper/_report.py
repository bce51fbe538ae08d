"""Summaries of trials, as numbers and text."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, sqrt
from typing import Any

import numpy as np
from scipy.stats import beta, t

from sklstm.paper._results import Result
from sklstm.paper._rows import N_TEST
from sklstm.paper._verdict import dominant

CONFIDENCE = 0.95


def summary(trials: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return success rate and mean with 95 % intervals, range, and seconds.

    The interval of the success rate is Clopper and Pearson's. The interval of the mean is
    Student's, over the successful trials; it is None with fewer than two of them. "dominant" is
    the share of one trial in the sum of their sequences, if the mean depends on that trial.
    """
    n = len(trials)
    right = [trial for trial in trials if trial["success"]]
    k = len(right)
    figures: dict[str, Any] = {
        "n_trials": n,
        "n_success": k,
        "success": k / n,
        "success_interval": [
            float(beta.ppf((1 - CONFIDENCE) / 2, k, n - k + 1)) if k else 0.0,
            float(beta.ppf((1 + CONFIDENCE) / 2, k + 1, n - k)) if k < n else 1.0,
        ],
        "mean": None,
        "mean_interval": None,
        "range": None,
        "dominant": None,
        "seconds": round(sum(trial["seconds"] for trial in trials), 1),
    }
    if k:
        counts = np.array([trial["sequences"] for trial in right], dtype=float)
        figures["mean"] = float(counts.mean())
        figures["range"] = [int(counts.min()), int(counts.max())]
        figures["dominant"] = dominant([trial["sequences"] for trial in right])
        if k > 1:
            half = t.ppf((1 + CONFIDENCE) / 2, k - 1) * counts.std(ddof=1) / sqrt(k)
            figures["mean_interval"] = [float(counts.mean() - half), float(counts.mean() + half)]
    for name in ("first", "final_wrong", "final_error", "test_wrong", "test_error"):
        values = [trial[name] for trial in right if trial.get(name) is not None]
        if values:
            figures["mean_" + name] = float(np.mean(values))
    return figures


HEADINGS = (
    "row",
    "column",
    "weights",
    "published",
    "sequences",
    "95 %",
    "range",
    "published",
    "success",
    "95 %",
    "test",
    "verdict",
)


def cells(result: Result) -> list[str]:
    """Return the cells of a result's line, in the order of `HEADINGS`."""
    figures = result.summary
    interval, low_high = figures["mean_interval"], figures["range"]
    low, high = figures["success_interval"]
    success = result.published_success
    return [
        result.row,
        result.column,
        number(result.weights),
        number(result.published_sequences),
        number(figures["mean"]),
        f"{number(max(0.0, interval[0]))} to {number(interval[1])}" if interval else "-",
        f"{number(low_high[0])} to {number(low_high[1])}" if low_high else "-",
        "-" if success is None else f"{success:.0%}",
        f"{figures['n_success']} of {figures['n_trials']}",
        f"{low:.0%} to {high:.0%}",
        test_words(result),
        result.verdict,
    ]


def test_words(result: Result) -> str:
    """Return the results of the final test, with the published ones in parentheses."""
    figures, published = result.summary, result.published
    wrong = figures.get("mean_final_wrong", figures.get("mean_test_wrong"))
    words = []
    if "mean_first" in figures and "first" in published:
        words.append(f"ST1 {number(figures['mean_first'])} ({number(published['first'])})")
    if "fraction_wrong" in published and wrong is not None:
        words.append(f"{wrong / N_TEST:.6f} wrong ({published['fraction_wrong']:.6f})")
    elif "wrong" in published and wrong is not None:
        words.append(f"{wrong:.1f} wrong ({published['wrong']})")
    if "error" in published and "mean_final_error" in figures:
        words.append(f"error {figures['mean_final_error']:.3f} ({published['error']})")
    return "; ".join(words) or "-"


def table(results: Sequence[Result], *, markdown: bool = False) -> str:
    """Return the results as a table, in plain text or Markdown."""
    lines = [list(HEADINGS), *map(cells, results)]
    widths = [max(len(line[k]) for line in lines) for k in range(len(HEADINGS))]
    lines = [[text.ljust(w) for text, w in zip(line, widths, strict=True)] for line in lines]
    if not markdown:
        return "\n".join("  ".join(line).rstrip() for line in lines)
    lines.insert(1, ["-" * w for w in widths])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def number(value: Any) -> str:
    """Format a number with thousands separators; text stays unchanged, None is "-"."""
    if value is None or (isinstance(value, float) and not isfinite(value)):
        return "-"
    return value if isinstance(value, str) else f"{value:,.0f}"
