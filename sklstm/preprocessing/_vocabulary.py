"""The symbols of one feature and their codes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Set
from dataclasses import dataclass
from datetime import date, time, timedelta
from numbers import Integral, Number
from typing import Any

import numpy as np

from sklstm._containers import object_array
from sklstm._numbers import is_missing
from sklstm.preprocessing._symbols import Feature

INFREQUENT = "infrequent_sklearn"  # scikit-learn's name of the category that symbols share


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Symbols and codes of one feature.

    Attributes
    ----------
    categories : ndarray of shape (n_categories,)
        All symbols that were seen, sorted. Symbols of later calls follow those of earlier calls.
    infrequent : ndarray or None
        Symbols that share the last code.
    codes : dict
        The code of each symbol.
    """

    categories: np.ndarray
    infrequent: np.ndarray | None
    codes: dict

    @classmethod
    def of(
        cls, feature: Feature, min_frequency: float | None, max_categories: int | None
    ) -> Vocabulary:
        """The vocabulary of ``feature``. Infrequent symbols share a code."""
        counts = _counted(feature)
        symbols = _sorted(list(counts), feature)
        n = np.array([counts[symbol] for symbol in symbols], dtype=np.int64)
        return cls.sharing(
            symbols, _infrequent(n, len(feature.values), min_frequency, max_categories)
        )

    @classmethod
    def sharing(cls, symbols: list, rare: np.ndarray) -> Vocabulary:
        """One code per symbol in order, but the ``rare`` symbols share the last code."""
        numbers = np.where(rare, np.count_nonzero(~rare), np.cumsum(~rare) - 1)
        categories = _as_array(symbols)
        infrequent = categories[rare] if rare.any() else None
        return cls(categories, infrequent, dict(zip(symbols, numbers.tolist(), strict=True)))

    def with_new(self, feature: Feature) -> Vocabulary:
        """The same codes, and further codes for new symbols."""
        new = [symbol for symbol in _counted(feature) if symbol not in self.codes]
        known = list(self.codes)
        symbols = known + _sorted(new, feature, known)
        codes = {symbol: code for code, symbol in enumerate(symbols)}
        return Vocabulary(_as_array(symbols), None, codes)

    def is_whole(self) -> bool:
        """True if there is a code for each symbol. Checked after loading from a file."""
        arrays = [self.categories, *([] if self.infrequent is None else [self.infrequent])]
        if not all(isinstance(array, np.ndarray) and array.ndim == 1 for array in arrays):
            return False
        if not isinstance(self.codes, dict) or len(self.codes) != len(self.categories):
            return False
        return all(type(code) is int and 0 <= code < self.n_codes for code in self.codes.values())

    @property
    def infrequent_code(self) -> int | None:
        return None if self.infrequent is None else len(self.categories) - len(self.infrequent)

    @property
    def n_codes(self) -> int:
        if self.infrequent is None:
            return len(self.categories)
        return self.infrequent_code + 1

    def encoded(self, feature: Feature, unknown: int | None) -> np.ndarray:
        """Codes of ``feature``, float64: NaN if missing, ``unknown`` if not seen.

        With ``unknown=None`` a symbol that was not seen raises an error.
        """
        try:
            table = dict.fromkeys(feature.values)
        except TypeError:
            raise _unhashable(feature) from None
        for symbol in table:  # each distinct symbol once
            code = self.codes.get(symbol)
            if code is None:
                if is_missing(symbol):
                    code = np.nan
                elif unknown is None:
                    raise ValueError(
                        f"{feature.name} holds the unknown symbol {symbol!r} at "
                        f"{_first(symbol, feature)}: fit did not see it. Set "
                        'handle_unknown="ignore" to make it contribute nothing, or fit on '
                        "sequences that contain it."
                    )
                else:
                    code = unknown
            table[symbol] = code
        return np.fromiter(map(table.__getitem__, feature.values), np.float64, len(feature.values))

    def decoded(self, codes: np.ndarray, place: Callable[[int], str]) -> np.ndarray:
        """Symbols of ``codes``, as objects: None for NaN and for negative codes."""
        n_codes = self.n_codes
        with np.errstate(invalid="ignore"):
            bad = (codes >= n_codes) | (codes != np.floor(codes)) & ~np.isnan(codes)
        if bad.any():
            step = int(bad.argmax())
            raise ValueError(
                f"X contains {codes[step]:g} at {place(step)}, which is not a code: codes are 0 to "
                f"{n_codes - 1}, and -1 for unknown symbols."
            )
        symbols = np.full(n_codes + 1, None, dtype=object)
        for symbol, code in self.codes.items():
            symbols[code] = symbol
        if self.infrequent is not None:
            symbols[self.infrequent_code] = INFREQUENT
        return symbols[np.where(codes >= 0, codes, n_codes).astype(np.intp)]


def _infrequent(
    counts: np.ndarray, n: int, min_frequency: float | None, max_categories: int | None
) -> np.ndarray:
    """True for symbols that share a code, by scikit-learn's rules, ties included.

    ``n`` is the number of all values.
    """
    rare = np.zeros(len(counts), dtype=bool)
    if min_frequency is not None:
        least = min_frequency if isinstance(min_frequency, Integral) else min_frequency * n
        rare = counts < least
    # max_categories includes the shared code.
    if max_categories is not None and np.count_nonzero(~rare) + 1 > max_categories:
        n_rare = len(counts) - (max_categories - 1)
        rare[np.argsort(counts, kind="stable")[:n_rare]] = True
    return rare


def _counted(feature: Feature) -> dict:
    """How often each symbol occurs, without missing values."""
    try:
        counts = Counter(feature.values)
    except TypeError:
        raise _unhashable(feature) from None
    return {symbol: n for symbol, n in counts.items() if not is_missing(symbol)}


def _unhashable(feature: Feature) -> TypeError:
    """The error for the first value that is not hashable."""
    step, value = next((t, v) for t, v in enumerate(feature.values) if not _is_hashable(v))
    hint = ""
    if isinstance(value, dict):
        hint = " Records of events become data frames: [pandas.DataFrame(x) for x in X]."
    return TypeError(
        f"{feature.name} holds a {type(value).__name__} at {feature.place(step)}, where the "
        f"argument must be a string or a number, as symbols are.{hint}"
    )


def _is_hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _first(symbol: Any, feature: Feature) -> str:
    """The place where a symbol occurs first."""
    return feature.place(feature.values.index(symbol))


def _sorted(new: list, feature: Feature, known: list | None = None) -> list:
    """``new`` symbols in order, or an error unless they and the ``known`` ones are of one kind."""
    if not new:
        return []
    first = known[0] if known else new[0]
    for symbol in new:
        if _kind(symbol) is not _kind(first):
            where = "in an earlier call" if known else f"at {_first(first, feature)}"
            raise TypeError(
                f"X mixes symbols of different types: {first!r} of type {type(first).__name__} "
                f"{where}, {symbol!r} of type {type(symbol).__name__} at "
                f"{_first(symbol, feature)}. Convert all symbols to one type, for example by "
                "str(symbol)."
            )
    where = f"X holds a {type(first).__name__} at {_first(new[0], feature)}"
    if isinstance(first, (date, time, timedelta, np.datetime64, np.timedelta64)):
        raise TypeError(
            f"{where}, but dates and durations cannot be symbols: convert them to numbers, for "
            "example to seconds since the first step."
        )
    try:
        if isinstance(first, Set):
            raise TypeError("sets compare by inclusion, which is no order")
        return sorted(new)
    except TypeError:
        raise TypeError(
            f"{where}, and symbols of this type cannot be sorted: convert them to strings or "
            "numbers, for example by str(symbol)."
        ) from None


def _kind(symbol: Any) -> type:
    if isinstance(symbol, (Number, np.bool_)):
        return Number
    return next((kind for kind in (str, bytes) if isinstance(symbol, kind)), type(symbol))


def _as_array(symbols: list) -> np.ndarray:
    """Numbers as an array of numbers, everything else as objects."""
    if symbols and _kind(symbols[0]) is Number:
        return np.array(symbols)
    return object_array(symbols)
