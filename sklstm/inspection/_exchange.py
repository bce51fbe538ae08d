"""The permutations of permutation importance: steps take the values of other sequences.

The steps of all sequences are packed. A step takes values only from steps at the same place of
their sequences.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklstm._containers import feature_number


@dataclass(frozen=True, eq=False)
class Places:
    """The place of each packed step in its sequence.

    Attributes
    ----------
    sequence, place : ndarray of shape (N,)
    counts : ndarray of shape (T,)
        Number of sequences that have each place, for the T steps of the longest sequence.
    """

    sequence: np.ndarray
    place: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, lengths: np.ndarray, align: str) -> Places:
        """Places of sequences that are aligned at their starts or at their ends."""
        first = lengths.max() - lengths if align == "end" else np.zeros_like(lengths)
        starts = np.cumsum(lengths) - lengths
        place = np.arange(lengths.sum()) - np.repeat(starts - first, lengths)
        return cls(np.repeat(np.arange(len(lengths)), lengths), place, np.bincount(place))

    def cycle(self, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which steps (N,) take the values of which steps (N,), ordered by place.

        ``order`` arranges the sequences in a circle. A step takes the values of the next sequence
        of the circle that has its place. That is one sequence for all steps that it has.
        """
        to = np.lexsort((order[self.sequence], self.place))
        source = np.roll(to, -1)
        ends = np.cumsum(self.counts)
        source[ends - 1] = to[ends - self.counts]
        return to, source


def edges_of_blocks(n_places: int, width: int, align: str) -> np.ndarray:
    """The first places of blocks of ``width`` places, and the end of the last block.

    If ``width`` does not divide ``n_places``, the smaller block is at the end that fewer sequences
    reach.
    """
    edges = np.append(np.arange(0, n_places, width), n_places)
    return n_places - edges[::-1] if align == "end" else edges


def read_groups(groups: Any, n_features: int, names: list[str] | None) -> list[np.ndarray]:
    """The feature numbers of each group of the user. None is one group per feature."""
    if groups is None:
        return [np.array([feature]) for feature in range(n_features)]
    if isinstance(groups, str) or not isinstance(groups, Iterable):
        raise TypeError(
            f"feature_groups must be a list or a dict of groups of features, got {groups!r}: pass "
            f"a single group as [[{groups!r}]]."
        )
    by_name = groups if isinstance(groups, Mapping) else dict(enumerate(groups))
    if not by_name:
        raise ValueError("feature_groups is empty: pass at least one group, or set it to None.")
    return [
        _read_group(group, n_features, names, f"feature_groups[{name!r}]")
        for name, group in by_name.items()
    ]


def _read_group(group: Any, n_features: int, names: list[str] | None, argument: str) -> np.ndarray:
    chosen = [group] if isinstance(group, str) or not isinstance(group, Iterable) else list(group)
    if not chosen:
        raise ValueError(f"{argument} is empty: list its features, or leave the group out.")
    numbers = [feature_number(feature, n_features, names, argument) for feature in chosen]
    for k, number in enumerate(numbers):
        if number in numbers[:k]:
            raise ValueError(f"{argument} contains feature {number} twice: list it once.")
    return np.array(numbers)
