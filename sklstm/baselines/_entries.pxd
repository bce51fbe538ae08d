"""Declarations of _entries.pyx."""


from sklstm.baselines._arithmetic cimport Entries


cdef class Steps:
    cdef const long long[::1] first, index, offsets
    cdef const double[::1] value
    cdef readonly Py_ssize_t n_steps, width  # width: the largest index + 1

    cdef Entries at(self, Py_ssize_t step) noexcept nogil
    cdef Py_ssize_t n_rows(self, bint per_step) noexcept nogil
    cdef int require_fit(
        self, Py_ssize_t n_features, Py_ssize_t n_outputs, const double[:, ::1] targets,
        const double[::1] weights, bint per_step,
    ) except -1
    cdef int require_out(
        self, Py_ssize_t n_features, Py_ssize_t n_outputs, const double[:, ::1] out, bint per_step
    ) except -1
