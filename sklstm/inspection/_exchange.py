"""What permutation importance permutes: steps that take the values of other sequences.

Steps are packed, those of all sequences one after the other. A step may take values only from steps
at the same place of their sequences.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklstm._containers import feature_number


@dataclass(frozen=True, eq=False)
class Places:
    """Where in its sequence each packed step stands.

    Attributes
    ----------
    sequence, place : ndarray of shape (N,)
    counts : ndarray of shape (T,)
        How many sequences have each place, for the T steps of the longest sequence.
    """

    sequence: np.ndarray
    place: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, lengths: np.ndarray, align: str) -> Places:
        """Places counted so that the sequences start together, or end together."""
        first = lengths.max() - lengths if align == "end" else np.zeros_like(lengths)
        starts = np.cumsum(lengths) - lengths
        place = np.arange(lengths.sum()) - np.repeat(starts - first, lengths)
        return cls(np.repeat(np.arange(len(lengths)), lengths), place, np.bincount(place))

    def cycle(self, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which steps take the values of which others, (N,) and (N,), place by place.

        ``order`` are the places of the sequences in a circle. A step takes the values of the next
        sequence in it that has its place: of one and the same as far as that reaches.
        """
        to = np.lexsort((order[self.sequence], self.place))
        source = np.roll(to, -1)
        ends = np.cumsum(self.counts)
        source[ends - 1] = to[ends - self.counts]
        return to, source


def edges_of_blocks(n_places: int, width: int, align: str) -> np.ndarray:
    """Where blocks of ``width`` places begin, and where the last one ends.

    The block that may be smaller is the one at the side where few sequences are.
    """
    edges = np.append(np.arange(0, n_places, width), n_places)
    return n_places - edges[::-1] if align == "end" else edges


def read_groups(groups: Any, n_features: int, names: list[str] | None) -> list[np.ndarray]:
    """The numbers of the features of each group, as the user names them; None is each alone."""
    if groups is None:
        return [np.array([feature]) for feature in range(n_features)]
    if isinstance(groups, str) or not isinstance(groups, Iterable):
        raise TypeError(
            f"feature_groups must be a list or a dict of groups of features, got {groups!r}: a "
            f"single group is [[{groups!r}]]."
        )
    by_name = groups if isinstance(groups, Mapping) else dict(enumerate(groups))
    if not by_name:
        raise ValueError("feature_groups is empty: name at least one group, or set it to None.")
    return [
        _read_group(group, n_features, names, f"feature_groups[{name!r}]")
        for name, group in by_name.items()
    ]


def _read_group(group: Any, n_features: int, names: list[str] | None, argument: str) -> np.ndarray:
    chosen = [group] if isinstance(group, str) or not isinstance(group, Iterable) else list(group)
    if not chosen:
        raise ValueError(f"{argument} is empty: name its features, or leave the group out.")
    numbers = [feature_number(feature, n_features, names, argument) for feature in chosen]
    for k, number in enumerate(numbers):
        if number in numbers[:k]:
            raise ValueError(f"{argument} contains feature {number} twice: name it once.")
    return np.array(numbers)
