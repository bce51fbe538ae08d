"""Categorical features: from codes in columns of X to rows of the table of categories.

A code is an integer. Every code of 0 or more in the training data is a category, and so is NaN
(missing). Negative codes and codes not seen in training have no row in the table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from numbers import Integral
from typing import Any

import numpy as np

from sklstm._labelled import places_of
from sklstm._laws import place_of
from sklstm._memory import memory
from sklstm._sequences import Sequences

# Training holds six vectors of parameters, and a category has a weight for each unit: 3 at least
BYTES_OF_CATEGORY = 6 * 3 * 4


@dataclass(frozen=True)
class Categories:
    """The categories of each categorical feature, in the order of their rows of the table.

    Attributes
    ----------
    features : ndarray (C,) of int
        Numbers of the categorical features in X.
    codes : tuple of C ndarrays of float64
        Codes of each feature; NaN is the category of missing values.
    labels : list of C ndarrays of object, or None
        Labels of the codes 0, 1, ..., with "from_dtype".
    """

    features: np.ndarray
    codes: tuple[np.ndarray, ...]
    labels: list[np.ndarray] | None = None

    @classmethod
    def none_yet(cls, features: np.ndarray) -> Categories:
        return cls(features, tuple(np.empty(0) for _ in features))

    @property
    def cardinalities(self) -> tuple[int, ...]:
        return tuple(map(len, self.codes))

    @cached_property
    def places(self) -> list[dict]:
        """The codes of the labels of each feature."""
        return places_of(self.labels or [])

    def left(self, n_features: int) -> np.ndarray:
        """Numbers of the numeric features."""
        return np.delete(np.arange(n_features), self.features)

    def grown(self, sequences: Sequences) -> Categories:
        """A copy with the new codes of these sequences appended."""
        codes = []
        for feature, known in zip(self.features, self.codes, strict=True):
            seen = np.unique(_column(sequences, feature).astype(np.float64))
            new = seen[np.isin(seen, known, invert=True) & ~(seen < 0)]
            _refuse_rounded(sequences, feature, new)
            if np.isnan(known).any():
                new = new[~np.isnan(new)]
            codes.append(np.concatenate([known, new]))
        return replace(self, codes=tuple(codes))

    def split(self, sequences: Sequences, place: Callable = place_of) -> Sequences:
        """Sequences with numeric features in ``values`` and rows of the table in ``symbols``.

        ``place(sequence, step)`` returns the words for a place in an error message.
        """
        values = sequences.values
        symbols = np.empty((len(values), len(self.features)), np.int32)
        first = 0
        for c, (feature, known) in enumerate(zip(self.features, self.codes, strict=True)):
            column = _column(sequences, feature, place)
            symbols[:, c] = _rows_of(column, known, first)
            first += len(known)
        others = np.ascontiguousarray(values[:, self.left(values.shape[1])])
        return Sequences(others, sequences.offsets, sequences.container, symbols)


def _column(sequences: Sequences, feature: int, place: Callable = place_of) -> np.ndarray:
    """The codes of a feature, or an error that names the place of a value that is no code."""
    column = sequences.values[:, feature]
    with np.errstate(invalid="ignore"):  # infinity minus infinity
        bad = (column - np.floor(column) != 0) & ~np.isnan(column)
    if bad.any():
        row = int(bad.argmax())
        k = int(np.searchsorted(sequences.offsets, row, side="right")) - 1
        value = column[row]
        raise ValueError(
            f"X contains {value if np.isfinite(value) else 'infinity'}: "
            f"{place(k, row - sequences.offsets[k])}, feature {feature}, "
            "but categorical_features need whole numbers. If a scaler has changed them, pass the "
            "same categorical_features to the scaler. sklstm.preprocessing.SequenceEncoder makes "
            "whole numbers from any values."
        )
    return column


def _refuse_rounded(sequences: Sequences, feature: int, codes: np.ndarray) -> None:
    """Raise an error for codes that are equal to their neighbours after rounding."""
    dtype = sequences.dtype
    large = codes[codes >= _first_rounded(dtype)]
    if len(large) == 0:
        return
    row = int((sequences.values[:, feature] == large[0]).argmax())
    k = int(np.searchsorted(sequences.offsets, row, side="right")) - 1
    raise ValueError(
        f"X contains {large[0]:.17g}: {place_of(k, row - sequences.offsets[k])}, feature "
        f"{feature}. In {dtype}, codes from {_first_rounded(dtype):.17g} on are rounded. Use "
        "smaller codes, for example from sklstm.preprocessing.SequenceEncoder."
    )


def _first_rounded(dtype: np.dtype | type) -> float:
    """The first integer that this precision cannot tell from its neighbour."""
    return 2.0 / float(np.finfo(dtype).eps)


def _rows_of(column: np.ndarray, known: np.ndarray, first: int) -> np.ndarray:
    """Rows of the table for codes, -1 for unknown codes; ``first`` is the row of ``known[0]``."""
    if len(known) == 0:
        return np.full(len(column), -1)
    order = np.argsort(known)  # NaN comes last
    found = order[np.minimum(np.searchsorted(known, column, sorter=order), len(known) - 1)]
    there = known[found]
    return np.where((there == column) | (np.isnan(there) & np.isnan(column)), first + found, -1)


def told(codes: Any, n: int) -> tuple[np.ndarray, ...]:
    """The codes of n features from the argument ``categories`` of ``initialize``."""
    given = [] if codes is None and n == 0 else codes
    if not isinstance(given, (list, tuple)) or len(given) != n:
        raise ValueError(
            f"categories must be a list with one entry for each of the {n} categorical features: "
            f"its codes, or the number of codes. Got {codes!r}."
        )
    return tuple(_codes(entry) for entry in given)


def _codes(entry: Any) -> np.ndarray:
    try:
        is_number = isinstance(entry, Integral) and not isinstance(entry, bool) and entry >= 0
        if is_number and entry * BYTES_OF_CATEGORY > memory():
            raise MemoryError(
                f"categories asks for {entry} categories, but there is not enough memory for "
                "their weights. Pass fewer."
            )
        codes = np.arange(entry) if is_number else np.asarray(entry)
        codes = codes.astype(np.float64)
        whole = (codes >= 0) & (codes % 1 == 0) & (codes < _first_rounded(np.float64))
        good = codes.ndim == 1 and np.all(np.isnan(codes) | whole)
    except (TypeError, ValueError):
        good = False
    if not good or len(np.unique(codes)) < len(codes):
        raise ValueError(
            "categories must contain, for each categorical feature, distinct whole numbers from 0 "
            f"to 2**53 - 1, or the number of codes, got {entry!r}."
        )
    return codes
