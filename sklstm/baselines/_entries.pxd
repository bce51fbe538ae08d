"""Face of _entries.pyx."""

from libc.stdint cimport int64_t

from sklstm.baselines._arithmetic cimport Entries


cdef class Steps:
    cdef const int64_t[::1] first, index, offsets
    cdef const double[::1] value

    cdef Entries at(self, Py_ssize_t step) noexcept nogil
