"""Tasks that need no wheel: sklstm and scikit-learn ship the data."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.datasets import load_digits

from benchmarks.tasks.dataset import Dataset, make


def vowels() -> Dataset:
    about = "which of nine men says /ae/, from twelve cepstral coefficients"
    return make(about, "classification", "sklstm", "published", *_speech())


def vowels_next() -> Dataset:
    about = "the next frame of speech, at every step"
    train, test = (([x[:-1] for x in X], [x[1:] for x in X]) for X, _ in _speech())
    return make(about, "regression", "sklstm", "published", train, test, per_step=True)


def digits() -> Dataset:
    about = "a handwritten digit, from eight rows of eight pixels"
    pixels, y = load_digits(return_X_y=True)
    X, half = pixels.reshape(-1, 8, 8), len(y) // 2
    split = "first half, second half (other writers)"
    parts = (X[:half], y[:half]), (X[half:], y[half:])
    return make(about, "classification", "scikit-learn", split, *parts)


def _speech() -> list[tuple[list[np.ndarray], Any]]:
    from sklstm.datasets import load_japanese_vowels  # the only data that need the package

    return [load_japanese_vowels(split=split, return_X_y=True) for split in ("train", "test")]
