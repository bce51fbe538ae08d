"""State that a stream stores from step to step, as groups of units at a distance."""

from libc.string cimport memcpy, memset

from sklstm._kernels.simd cimport real


cdef struct Part:
    real* at
    Py_ssize_t groups
    Py_ssize_t units
    Py_ssize_t stride
    bint of_traces


cdef inline void copy_part(const Part* part, real* flat, bint back) noexcept nogil:
    """Copy a part without its padding, or restore it."""
    cdef Py_ssize_t g
    cdef real* own
    for g in range(part.groups):
        own = part.at + g * part.stride
        memcpy(own if back else flat, flat if back else own, part.units * sizeof(real))
        flat += part.units


cdef inline void forget_parts(const Part* parts, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t k, g
    for k in range(n):
        for g in range(parts[k].groups):
            memset(parts[k].at + g * parts[k].stride, 0, parts[k].units * sizeof(real))


cdef inline Py_ssize_t kept_numbers(const Part* parts, Py_ssize_t n) noexcept nogil:
    """Size of all parts except traces."""
    cdef Py_ssize_t numbers = 0
    cdef Py_ssize_t k
    for k in range(n):
        numbers += 0 if parts[k].of_traces else parts[k].groups * parts[k].units
    return numbers


cdef inline void keep_parts(const Part* parts, Py_ssize_t n, real* kept, bint back) noexcept nogil:
    """Copy all parts except traces, or restore them."""
    cdef Py_ssize_t k
    for k in range(n):
        if not parts[k].of_traces:
            copy_part(&parts[k], kept, back)
            kept += parts[k].groups * parts[k].units
