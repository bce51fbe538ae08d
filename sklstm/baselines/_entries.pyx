"""Inputs as the kernels take them: at every step those that are not zero."""

from libc.stdint cimport int64_t

from sklstm.baselines._arithmetic cimport Entries

import numpy as np


cdef class Steps:
    """Sequences of inputs in compressed rows: step t holds the entries first[t] to first[t + 1].

    Parameters
    ----------
    first : ndarray of shape (N + 1,), int64
    index, value : ndarray of shape (number of entries,), int64 and float64
    offsets : ndarray of shape (n + 1,), int64
        Where in the steps each sequence begins, and where the last one ends.
    """

    def __init__(
        self,
        const int64_t[::1] first,
        const int64_t[::1] index,
        const double[::1] value,
        const int64_t[::1] offsets,
    ):
        self.first, self.index, self.value, self.offsets = first, index, value, offsets

    def __len__(self):
        return self.offsets.shape[0] - 1

    @staticmethod
    def dense(values, offsets):
        """Of steps (N, F) as arrays."""
        rows, index = np.nonzero(values)
        first = np.searchsorted(rows, np.arange(len(values) + 1))
        return Steps(first.astype(np.int64), index.astype(np.int64), values[rows, index], offsets)

    @staticmethod
    def one_hot(symbols, offsets):
        """Of one-hot steps, given as the numbers (N,) of the units that are 1."""
        first = np.arange(len(symbols) + 1, dtype=np.int64)
        return Steps(first, symbols, np.ones(len(symbols)), offsets)

    cdef Entries at(self, Py_ssize_t step) noexcept nogil:
        cdef Entries entries
        cdef Py_ssize_t start = self.first[step]
        entries.n = self.first[step + 1] - start
        entries.index = &self.index[0] + start if entries.n else NULL
        entries.value = &self.value[0] + start if entries.n else NULL
        return entries
