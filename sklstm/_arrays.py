"""Sequences: n arrays of steps, packed in one array or each where the user has it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Self

import numpy as np

from sklstm import _addresses

PART = 1 << 15  # numbers of a part of the sequences, if each of them is shorter


class Sequences:
    """n sequences of F features. Sequence k is ``values[offsets[k] : offsets[k + 1]]``.

    The constructor takes packed sequences: the steps of all of them in one array. The sequences of
    ``of_arrays`` and ``of_blocks`` stay where they are in memory. ``values`` then copies them, so
    training and prediction do without it: the kernels read the steps at their ``addresses``.

    Parameters
    ----------
    values : ndarray of shape (N, F)
        The steps of all sequences, C-contiguous, float32 or float64. Do not write to it, because it
        may be a view of the user's array.
    offsets : ndarray of shape (n + 1,), int64
        First step of each sequence, and the number of all steps.
    container : {"array", "rows", "list", "tuple", "object"}
        The user's container: a 3-D array, a 2-D table, a list, a tuple or a 1-D object array.
    symbols : ndarray of shape (N, C), int32, or None
        For C categorical features, which ``values`` does not contain: a row of the table of
        categories, or -1 for none. See ``_categories.py``. None: there are no such features.

    Attributes
    ----------
    dtype : dtype
        float32 or float64.
    n_features, n_steps : int
        F, and the number N of all steps.
    """

    def __init__(
        self,
        values: np.ndarray,
        offsets: np.ndarray,
        container: str,
        symbols: np.ndarray | None = None,
    ) -> None:
        self.values, self.offsets = values, offsets
        self.dtype, (self.n_steps, self.n_features) = values.dtype, values.shape
        self.container, self.symbols = container, _symbols(symbols, self.n_steps)

    @classmethod
    def of_arrays(cls, arrays: list | tuple, container: str) -> Self | None:
        """Sequences that are arrays (T_i, F), which are not copied.

        None if the kernels cannot read them as they are: arrays of NumPy that are C-contiguous,
        aligned, in native byte order, not empty, of the same F and the same precision.
        """
        addresses = _addresses.of_arrays(arrays)
        return None if addresses is None else cls._at(addresses, container)

    @classmethod
    def of_blocks(cls, blocks: list[tuple[np.ndarray, np.ndarray]], container: str) -> Self:
        """Sequences in several arrays, each with the sequences of a block. They are not copied.

        Parameters
        ----------
        blocks : list of (values, offsets)
            ``values`` (N, F) is C-contiguous, aligned, in native byte order and of one precision.
            ``offsets`` (n + 1,) is int64: the first step of each sequence, and the end of the last.
            Steps before the first sequence and after the last one are ignored.
        container : {"array", "rows", "list", "tuple", "object"}
            The user's container.

        Raises
        ------
        ValueError
            If an array has another form, or if a sequence is empty or beyond its array.
        """
        return cls._at(_addresses.of_blocks(blocks), container)

    @classmethod
    def _at(cls, addresses: Any, container: str, symbols: np.ndarray | None = None) -> Self:
        self = cls.__new__(cls)
        self.addresses = addresses
        self.dtype = np.dtype(addresses.format)
        self.n_steps, self.n_features = addresses.n_steps, addresses.n_features
        self.container, self.symbols = container, _symbols(symbols, self.n_steps)
        return self

    @cached_property
    def addresses(self) -> Any:
        """Where the kernels find each sequence. The arrays are kept alive."""
        return _addresses.of_blocks([(self.values, self.offsets)])

    @cached_property
    def values(self) -> np.ndarray:
        """The steps of all sequences, (N, F): a copy, unless they follow one another in memory."""
        return _steps_at(self.addresses)

    @cached_property
    def offsets(self) -> np.ndarray:
        """First step of each sequence, and the number of all steps, (n + 1,) int64."""
        return np.frombuffer(self.addresses.offsets, np.int64)

    def __len__(self) -> int:
        if "addresses" in vars(self):
            return len(self.addresses)
        return len(self.offsets) - 1

    def __reduce__(self) -> tuple:
        """Another process gets packed sequences: addresses are those of this process."""
        return _restored, (self.values, self.offsets, self.container, self.symbols)

    @property
    def lengths(self) -> np.ndarray:
        """Number of steps of each sequence, (n,) int64."""
        return np.diff(self.offsets)

    @property
    def equally_long(self) -> bool:
        """True if the container makes all sequences equally long."""
        return self.container in ("array", "rows")

    def take(self, rows: Any) -> Sequences:
        """The selected sequences, without a copy; ``rows`` are indices, a mask or a slice."""
        rows = np.arange(len(self), dtype=np.int64)[rows]
        addresses = self.addresses.take(rows)
        if self.symbols.shape[1] == 0:
            return self._at(addresses, self.container)
        offsets = np.frombuffer(addresses.offsets, np.int64)
        # Step p of the selection is step p + moved[k] here, where k is its sequence.
        moved = self.offsets[rows] - offsets[:-1]
        steps = np.arange(offsets[-1]) + np.repeat(moved, np.diff(offsets))
        return self._at(addresses, self.container, self.symbols[steps])

    def steps_of(self, k: int) -> np.ndarray:
        """The steps of sequence k, (T_k, F), without a copy."""
        return _steps_at(self.addresses.take(np.array([k], np.int64)))

    def parts(self) -> Iterator[np.ndarray]:
        """The steps of some sequences after the other, (steps, F), with bounded memory."""
        first, offsets, most = 0, self.offsets, PART // max(self.n_features, 1)
        while first < len(self):
            end = np.searchsorted(offsets, offsets[first] + most, side="right")
            stop = max(first + 1, int(end) - 1)
            yield _steps_at(self.addresses.take(np.arange(first, stop, dtype=np.int64)))
            first = stop

    def largest(self) -> float:
        """Largest absolute value."""
        return max((float(np.abs(part).max(initial=0.0)) for part in self.parts()), default=0.0)

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of each feature, (F,) float64."""
        with np.errstate(over="ignore", invalid="ignore"):
            mean = sum(part.sum(axis=0, dtype=np.float64) for part in self.parts()) / self.n_steps
            square = sum(np.square(part - mean).sum(axis=0) for part in self.parts())
            return mean, np.sqrt(square / self.n_steps)

    def with_values(self, values: np.ndarray) -> Sequences:
        """The sequences with other packed values (N, F')."""
        return Sequences(values, self.offsets, self.container, self.symbols)

    def with_symbols(self, symbols: np.ndarray) -> Sequences:
        """The sequences with other symbols (N, C)."""
        other = Sequences.__new__(Sequences)
        vars(other).update(vars(self), symbols=symbols)
        return other

    def astype(self, dtype: Any) -> Sequences:
        """The sequences in ``dtype``, without a copy if they already have it."""
        if self.dtype == dtype:
            return self
        with np.errstate(over="ignore"):
            return self.with_values(self.values.astype(dtype))


def _restored(
    values: np.ndarray, offsets: np.ndarray, container: str, symbols: np.ndarray
) -> Sequences:
    """Sequences from a pickle, whose arrays may be at any address: Dask joins them as bytes."""
    arrays = (np.require(array, requirements="CA") for array in (values, offsets, symbols))
    values, offsets, symbols = arrays
    return Sequences(values, offsets, container, symbols)


def offsets_of(lengths: np.ndarray) -> np.ndarray:
    """Offsets (n + 1,) of packed sequences of these lengths."""
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


@contextmanager
def memory_for(n_steps: int, n_features: int, dtype: Any) -> Iterator[None]:
    """Raise a MemoryError that names the size if the block runs out of memory or integers."""
    size = n_steps * n_features * np.dtype(dtype).itemsize
    try:
        if size > sys.maxsize:
            raise MemoryError
        yield
    except MemoryError:
        raise MemoryError(
            f"X has {n_steps} steps of {n_features} features, {size / 2**30:.3g} GiB as "
            f"{np.dtype(dtype)}, which is more than the available memory. Pass fewer sequences at "
            "a time to partial_fit or predict, or use float32."
        ) from None


def _symbols(symbols: np.ndarray | None, n_steps: int) -> np.ndarray:
    return np.empty((n_steps, 0), np.int32) if symbols is None else symbols


def _steps_at(addresses: Any) -> np.ndarray:
    """All steps in one array (N, F), read-only if it is not a copy."""
    if addresses.are_joined:
        return np.asarray(addresses)
    shape, dtype = (addresses.n_steps, addresses.n_features), np.dtype(addresses.format)
    with memory_for(*shape, dtype):
        values = np.empty(shape, dtype)
    addresses.pack(values.reshape(-1).view(np.uint8))
    return values
