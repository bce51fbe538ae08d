"""Tasks on words, one letter or one sound per step as an indicator."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.tasks.dataset import Dataset, make
from benchmarks.tasks.sampling import shuffled
from benchmarks.wheels import read_bytes, read_text

STRESSES = "012"  # the last character of a vowel: none, primary, secondary


def names() -> Dataset:
    """Some of the names that only one gender has."""
    about = "a person's gender, from the letters of the first name"
    known, order = genders()
    split = "random 1500 + 1000"
    return _words(
        about,
        "classification",
        "gender-guesser",
        split,
        (order[:1500], order[1500:2500]),
        letters,
        known.get,
    )


def stress() -> Dataset:
    about = "the stress of each vowel, from the sounds of a word (“-”: no vowel)"
    parts, split = words_in_order(), "random 1000 + 1000 words"
    return _words(
        about,
        "classification",
        "cmudict",
        split,
        (parts[:1000], parts[1000:2000]),
        sounds,
        stresses,
        per_step=True,
    )


def syllables() -> Dataset:
    about = "the number of syllables, from the letters of a word"
    parts, split = words_in_order(), "random 800 + 1000 words"
    return _words(
        about,
        "regression",
        "cmudict",
        split,
        (parts[2000:2800], parts[2800:3800]),
        letters,
        n_syllables,
    )


def hyphens() -> Dataset:
    about = "after which letters a word may be broken"
    parts, split = long_words_in_order(), "random 1000 + 1000 words"
    return _words(
        about,
        "classification",
        "pyphen (words of cmudict)",
        split,
        (parts[:1000], parts[1000:2000]),
        letters,
        breaks,
        per_step=True,
    )


# ----------------------------------------------------------------------------- what words there are


@lru_cache
def genders() -> tuple[dict[str, str], list[str]]:
    """The gender of each name of three letters or more, and the names in random order."""
    found: dict[str, set[str]] = {}
    for line in read_text("gender-guesser", "gender_guesser/data/nam_dict.txt").splitlines():
        match = re.match(r"^([MF])  ([A-Za-z]+) ", line)
        if match and len(match[2]) >= 3:
            found.setdefault(match[2].lower(), set()).add(match[1])
    known = {name: next(iter(g)) for name, g in sorted(found.items()) if len(g) == 1}
    ordered = list(known)
    return known, [ordered[k] for k in shuffled(len(ordered), seed=2)]


@lru_cache
def pronunciations() -> dict[str, list[str]]:
    """The sounds of each word of at least four letters and three sounds."""
    found = {}
    for line in read_text("cmudict", "cmudict/data/cmudict.dict").splitlines():
        word, *spoken = line.partition("#")[0].split()
        if re.fullmatch("[a-z]+", word) and len(word) >= 4 and len(spoken) >= 3:
            found[word] = spoken
    return found


def words_in_order(seed: int = 4) -> list[str]:
    """All words in random order."""
    ordered = sorted(pronunciations())
    return [ordered[k] for k in shuffled(len(ordered), seed)]


def long_words_in_order() -> list[str]:
    """Words that are long enough to be broken."""
    return [word for word in words_in_order(seed=5) if len(word) >= 7]


# ---------------------------------------------------------------------- what a step and a target is


def letters(word: str) -> np.ndarray:
    """(T, 27): a to z, anything else."""
    codes = [ord(c) - ord("a") if "a" <= c <= "z" else 26 for c in word]
    return np.eye(27, dtype=np.float32)[codes]


def sounds(word: str) -> np.ndarray:
    """(T, 39): the sounds without their stress."""
    codes = _codes()
    spoken = [codes[sound.rstrip(STRESSES)] for sound in pronunciations()[word]]
    return np.eye(len(codes), dtype=np.float32)[spoken]


def stresses(word: str) -> np.ndarray:
    return np.array([s[-1] if s[-1] in STRESSES else "-" for s in pronunciations()[word]])


def n_syllables(word: str) -> int:
    return sum(sound[-1] in STRESSES for sound in pronunciations()[word])


def breaks(word: str) -> np.ndarray:
    after = set(_hyphenation().positions(word))
    return np.array(["y" if k + 1 in after else "n" for k in range(len(word))])


@lru_cache
def _codes() -> dict[str, int]:
    known = {s.rstrip(STRESSES) for spoken in pronunciations().values() for s in spoken}
    return {sound: k for k, sound in enumerate(sorted(known))}


@lru_cache
def _hyphenation() -> Any:
    """The rules of pyphen, which cannot be imported from a zip file, for American English."""
    with TemporaryDirectory() as folder:
        for file in ("pyphen/__init__.py", "pyphen/dictionaries/hyph_en_US.dic"):
            target = Path(folder) / file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(read_bytes("pyphen", file))
        sys.path.insert(0, folder)
        try:
            import pyphen

            return pyphen.Pyphen(lang="en_US", left=1, right=1)
        finally:
            sys.path.remove(folder)
            for name in [name for name in sys.modules if name.split(".")[0] == "pyphen"]:
                del sys.modules[name]


def _words(
    about: str,
    task: str,
    source: str,
    split: str,
    words: Sequence[Sequence[str]],
    steps: Callable[[str], np.ndarray],
    target: Callable[[str], Any],
    **more: Any,
) -> Dataset:
    parts = (([steps(w) for w in part], [target(w) for w in part]) for part in words)
    return make(about, task, source, split, *parts, **more)


LOADERS = {loader.__name__: loader for loader in (names, stress, syllables, hyphens)}
