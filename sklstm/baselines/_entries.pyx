"""Sparse inputs for the kernels: the non-zero elements of every step."""

from cpython.pyport cimport PY_SSIZE_T_MAX

from sklstm._kernels.arguments cimport (
    require_between, require_offsets, require_places, require_shape, require_size,
)
from sklstm.baselines._arithmetic cimport Entries

import numpy as np


cdef class Steps:
    """Sequences of inputs as compressed rows: step t has the entries first[t] to first[t + 1].

    Parameters
    ----------
    first : ndarray of shape (N + 1,), int64
    index, value : ndarray of shape (number of entries,), int64 and float64
    offsets : ndarray of shape (n + 1,), int64
        First step of each sequence, and the end of the last one.
    """

    def __cinit__(
        self,
        const long long[::1] first,
        const long long[::1] index,
        const double[::1] value,
        const long long[::1] offsets,
    ):
        cdef Py_ssize_t k
        require_offsets("first", first, index.shape[0])
        require_size("value", value.shape[0], index.shape[0])
        require_places("index", index, 0, PY_SSIZE_T_MAX)
        self.n_steps = first.shape[0] - 1
        require_offsets("offsets", offsets, self.n_steps)
        for k in range(index.shape[0]):
            self.width = max(self.width, <Py_ssize_t> index[k] + 1)
        self.first, self.index, self.value, self.offsets = first, index, value, offsets

    def __len__(self):
        return self.offsets.shape[0] - 1

    @staticmethod
    def dense(values, offsets):
        """Convert steps of shape (N, F)."""
        rows, index = np.nonzero(values)
        first = np.searchsorted(rows, np.arange(len(values) + 1))
        return Steps(first.astype(np.int64), index.astype(np.int64), values[rows, index], offsets)

    @staticmethod
    def one_hot(symbols, offsets):
        """Convert one-hot steps, given as the numbers (N,) of the elements that are 1."""
        first = np.arange(len(symbols) + 1, dtype=np.int64)
        return Steps(first, np.asarray(symbols, np.int64), np.ones(len(symbols)), offsets)

    cdef Entries at(self, Py_ssize_t step) noexcept nogil:
        cdef Entries entries
        cdef Py_ssize_t start = self.first[step]
        entries.n = self.first[step + 1] - start
        entries.index = &self.index[0] + start if entries.n else NULL
        entries.value = &self.value[0] + start if entries.n else NULL
        return entries

    cdef Py_ssize_t n_rows(self, bint per_step) noexcept nogil:
        """Number of rows of targets and outputs: one per step, or one per sequence."""
        return self.n_steps if per_step else self.offsets.shape[0] - 1

    cdef int require_fit(
        self, Py_ssize_t n_features, Py_ssize_t n_outputs, const double[:, ::1] targets,
        const double[::1] weights, bint per_step,
    ) except -1:
        """Raise an error unless inputs, targets and weights fit a net of these sizes."""
        require_size("weights", weights.shape[0], self.n_rows(per_step))
        require_between("the number of inputs", self.width, 0, n_features)
        return require_shape("targets", targets.shape[0], targets.shape[1], self.n_rows(per_step),
                             n_outputs)

    cdef int require_out(
        self, Py_ssize_t n_features, Py_ssize_t n_outputs, const double[:, ::1] out, bint per_step
    ) except -1:
        require_between("the number of inputs", self.width, 0, n_features)
        return require_shape("out", out.shape[0], out.shape[1], self.n_rows(per_step), n_outputs)
