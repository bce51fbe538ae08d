"""Checks of array sizes, indices and numbers on which the loops of the kernels rely.

Checking a size costs a comparison, and checking indices one pass. No check runs at every step.
"""

from cpython.pyport cimport PY_SSIZE_T_MAX

from sklstm._kernels.simd cimport real

cdef enum:
    SMALL_MOST = 1 << 20  # limit for the number of threads and similar settings


cdef inline int require_size(str name, Py_ssize_t found, Py_ssize_t wanted) except -1:
    if found != wanted:
        raise ValueError(f"{name} has {found} elements, but must have {wanted}.")
    return 0


cdef inline int require_shape(
    str name, Py_ssize_t rows, Py_ssize_t columns, Py_ssize_t wanted_rows, Py_ssize_t wanted_columns
) except -1:
    if rows != wanted_rows or columns != wanted_columns:
        raise ValueError(
            f"{name} has the shape ({rows}, {columns}), but must have "
            f"({wanted_rows}, {wanted_columns})."
        )
    return 0


cdef inline int require_between(
    str name, Py_ssize_t found, Py_ssize_t least, Py_ssize_t most
) except -1:
    if not least <= found <= most:
        raise ValueError(f"{name} must be between {least} and {most}, got {found}.")
    return 0


cdef inline int require_aligned(str name, const void* first, size_t size) except -1:
    """Raise an error unless the array is aligned to the size of its numbers."""
    if <size_t> first % size != 0:
        raise ValueError(f"{name} is not aligned in memory. Pass a copy of it.")
    return 0


cdef inline int require_there(str name, bint there) except -1:
    if not there:
        raise ValueError(f"{name} is None, but must be an array.")
    return 0


cdef inline int require_offsets(
    str name, const long long[::1] offsets, Py_ssize_t n_steps, Py_ssize_t shortest=0
) except -1:
    """Check offsets: where sequences begin, and the last one ends; from 0 to `n_steps`, rising."""
    cdef Py_ssize_t k, n = offsets.shape[0] - 1
    if n < 0:
        raise ValueError(f"{name} must have one element at least.")
    if offsets[0] != 0 or offsets[n] != n_steps:
        raise ValueError(
            f"{name} must go from 0 to {n_steps}, got {offsets[0]} to {offsets[n]}."
        )
    for k in range(n):
        if not offsets[k] + shortest <= offsets[k + 1] <= n_steps:
            raise ValueError(
                f"{name} must rise by {shortest} or more: {offsets[k]}, then {offsets[k + 1]}."
            )
    return 0


cdef inline int require_places(
    str name, const long long[::1] places, Py_ssize_t least, Py_ssize_t n
) except -1:
    """Check that all indices are from `least` to n - 1."""
    cdef Py_ssize_t k
    for k in range(places.shape[0]):
        if not least <= places[k] < n:
            raise ValueError(f"{name} must be from {least} to {n - 1}, got {places[k]}.")
    return 0


cdef inline int require_symbols(const int[:, ::1] symbols, Py_ssize_t n) except -1:
    """Check the rows of a table of n rows, or -1 for none."""
    cdef Py_ssize_t t, c
    for t in range(symbols.shape[0]):
        for c in range(symbols.shape[1]):
            if not -1 <= symbols[t, c] < n:
                raise ValueError(
                    f"symbols must be from -1 to {n - 1}, got {symbols[t, c]} at step {t}."
                )
    return 0


cdef inline Py_ssize_t area(Py_ssize_t a, Py_ssize_t b) except -1:
    """a times b, both not negative, or a MemoryError if memory cannot have that many numbers."""
    if a < 0 or b < 0:
        raise ValueError(f"sizes must not be negative, got {a} and {b}.")
    if <double> a * b >= 2.0**44:
        raise MemoryError(f"There is no memory for {a} times {b} numbers.")
    return a * b


cdef inline int require_reals(str name, const real[:, ::1] x) except -1:
    """Pointer to the elements, or NULL if there are none."""
    if x.shape[0] > 0 and x.shape[1] > 0:
        require_aligned(name, &x[0, 0], sizeof(real))
    return 0
