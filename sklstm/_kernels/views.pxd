"""Pointers into arrays that may be empty and then have no first element."""

from sklstm._kernels.simd cimport real


cdef inline const real* reals_at(const real[:, ::1] rows, Py_ssize_t k) noexcept nogil:
    """Pointer to row k, or NULL if rows have no columns."""
    if rows.shape[1] == 0:
        return NULL
    return &rows[k, 0]


cdef inline const int* ints_at(const int[:, ::1] rows, Py_ssize_t k) noexcept nogil:
    if rows.shape[1] == 0:
        return NULL
    return &rows[k, 0]


cdef inline int* first_int(int[::1] x) noexcept nogil:
    """Pointer to the first element, or NULL."""
    if x.shape[0] == 0:
        return NULL
    return &x[0]


cdef inline real* first_real(real[:, ::1] x) noexcept nogil:
    if x.shape[0] == 0 or x.shape[1] == 0:
        return NULL
    return &x[0, 0]
