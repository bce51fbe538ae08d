"""Changes of one value: what a file from elsewhere, or an assignment, may have put in its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Rng = np.random.Generator
Change = Callable[[Any, Rng], Any]

INTEGERS = (
    0,
    -1,
    1,
    2,
    3,
    255,
    2**31 - 1,
    2**31,
    2**32,
    2**62,
    2**63,
    -(2**31),
    -(2**63),
    10**30,
)
FLOATS = (0.0, -0.0, -1.0, 1e-320, 1e38, 1e300, 1e308, -1e308, np.inf, -np.inf, np.nan)
DTYPES = "?bhilqBHILQefdgFDSUOM"
WORDS = ("", "adam", "sgd", "1997", "forget", "peephole", "coupled", "a", "\x00", "x" * 1000)
OTHERS = (None, True, 0, -1, 1.5, np.nan, "x", b"x", (), [], {}, np.zeros(3), np.float32(1), object)


# ------------------------------------------------------------------------------------ any value


def other(value: Any, rng: Rng) -> Any:
    """Something else altogether."""
    return OTHERS[rng.integers(len(OTHERS))]


def none(value: Any, rng: Rng) -> Any:
    return None


# ------------------------------------------------------------------------------------ arrays


def shorter(value: np.ndarray, rng: Rng) -> np.ndarray:
    return value[: rng.integers(max(len(value), 1))]


def one_less(value: np.ndarray, rng: Rng) -> np.ndarray:
    return value[:-1]


def longer(value: np.ndarray, rng: Rng) -> np.ndarray:
    return np.concatenate([value, value[: rng.integers(1, 4)], value])


def empty(value: np.ndarray, rng: Rng) -> np.ndarray:
    return value[:0]


def reshaped(value: np.ndarray, rng: Rng) -> np.ndarray:
    shapes = ((1, -1), (-1, 1), (-1, 1, 1), ())
    shape = shapes[rng.integers(len(shapes))]
    first = value.ravel()[:1] if value.size else np.zeros(1, value.dtype)
    return value.reshape(shape) if shape else first.reshape(())


def other_dtype(value: np.ndarray, rng: Rng) -> np.ndarray:
    dtype = DTYPES[rng.integers(len(DTYPES))]
    try:
        with np.errstate(all="ignore"):
            return np.array(value.tolist()).astype(dtype)
    except (ValueError, OverflowError):  # words are no numbers
        return np.zeros(value.shape, dtype)


def swapped_bytes(value: np.ndarray, rng: Rng) -> np.ndarray:
    return value.astype(value.dtype.newbyteorder())


def strided(value: np.ndarray, rng: Rng) -> np.ndarray:
    return np.repeat(value, 2, axis=0)[::2]


def backwards(value: np.ndarray, rng: Rng) -> np.ndarray:
    return np.array(value[::-1])[::-1]


def fortran(value: np.ndarray, rng: Rng) -> np.ndarray:
    return np.asfortranarray(np.stack([value, value], axis=-1))


def read_only(value: np.ndarray, rng: Rng) -> np.ndarray:
    kept = np.array(value)
    kept.flags.writeable = False
    return kept


def unaligned(value: np.ndarray, rng: Rng) -> np.ndarray:
    room = np.zeros(value.nbytes + 1, np.uint8)
    moved = room[1:].view(value.dtype).reshape(value.shape)
    moved[...] = value
    return moved


def broadcast(value: np.ndarray, rng: Rng) -> np.ndarray:
    """Of a size that no memory has, in the memory of one number."""
    return np.broadcast_to(value.ravel()[:1], (int(rng.choice([10**3, 10**12, 10**15])),))


def one_entry(value: np.ndarray, rng: Rng) -> np.ndarray:
    """One number replaced."""
    numbers = np.array(value)
    choices = INTEGERS if value.dtype.kind in "iu" else FLOATS
    fitting = np.array(choices[rng.integers(len(choices))])
    with np.errstate(all="ignore"):
        numbers.flat[rng.integers(value.size)] = fitting.astype(value.dtype)
    return numbers


def all_entries(value: np.ndarray, rng: Rng) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.full_like(value, np.array(FLOATS[rng.integers(len(FLOATS))]).astype(value.dtype))


def listed(value: np.ndarray, rng: Rng) -> list:
    return value.tolist()


# ------------------------------------------------------------------------------------ the others


def integer(value: Any, rng: Rng) -> Any:
    return INTEGERS[rng.integers(len(INTEGERS))]


def a_little(value: int, rng: Rng) -> int:
    return value + int(rng.choice([-2, -1, 1, 2]))


def number(value: Any, rng: Rng) -> Any:
    return FLOATS[rng.integers(len(FLOATS))]


def of_numpy(value: Any, rng: Rng) -> Any:
    return np.array(value)[()]


def word(value: Any, rng: Rng) -> Any:
    return WORDS[rng.integers(len(WORDS))]


def without_one(value: Any, rng: Rng) -> Any:
    at = int(rng.integers(len(value)))
    if isinstance(value, dict):
        return {name: entry for k, (name, entry) in enumerate(value.items()) if k != at}
    return value[:at] + value[at + 1 :]


def one_more(value: Any, rng: Rng) -> Any:
    if isinstance(value, dict):
        return value | {"more": other(None, rng)}
    return value + value[:1] if value else type(value)([None])


def twice(value: Any, rng: Rng) -> Any:
    return value + value


def nothing(value: Any, rng: Rng) -> Any:
    return type(value)()


def named(*changes: Change) -> dict[str, Change]:
    return {change.__name__: change for change in changes}


ANY = named(none, other)
FOR_ARRAYS = named(
    shorter, one_less, longer, empty, reshaped, other_dtype, swapped_bytes, strided, backwards,
    fortran, read_only, unaligned, broadcast, one_entry, all_entries, listed,
)  # fmt: skip
OF_SIZE = ("one_entry", "broadcast", "reshaped")  # that need an entry
FOR_INTEGERS = named(integer, a_little, number, of_numpy)
FOR_NUMBERS = named(number, integer, of_numpy)
FOR_STRINGS = named(word)
FOR_CONTAINERS = named(without_one, one_more, nothing)
EVERY = ANY | FOR_ARRAYS | FOR_INTEGERS | FOR_NUMBERS | FOR_STRINGS | FOR_CONTAINERS | named(twice)


def changes_of(value: Any) -> list[str]:
    """Names of the changes that there are of a value."""
    if isinstance(value, np.ndarray) and value.dtype != object and value.ndim > 0:
        plain = value.dtype.kind in "fiu"
        of_size = [] if value.size else list(OF_SIZE)
        if not plain:
            of_size += ["one_entry", "all_entries", "unaligned"]
        found = [name for name in FOR_ARRAYS if name not in of_size]
    elif isinstance(value, bool):
        found = list(FOR_NUMBERS)
    elif isinstance(value, int):
        found = list(FOR_INTEGERS)
    elif isinstance(value, float):
        found = list(FOR_NUMBERS)
    elif isinstance(value, str):
        found = list(FOR_STRINGS)
    elif isinstance(value, (list, tuple, dict)) and len(value):
        found = list(FOR_CONTAINERS) + ([] if isinstance(value, dict) else ["twice"])
    else:
        found = []
    return [*ANY, *found]
