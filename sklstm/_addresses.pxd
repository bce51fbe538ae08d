"""Addresses of sequences, for the kernels, which read each sequence where it is in memory."""


cdef class Addresses:
    cdef const char** first  # (n,) first step of each sequence; the steps of one are contiguous
    cdef const long long* ends  # (n + 1,) 0, and the number of steps up to the end of each
    cdef Py_ssize_t n
    cdef Py_ssize_t n_columns  # numbers of a step
    cdef Py_ssize_t size  # bytes of a number: 4 (float32) or 8 (float64)
    cdef Py_ssize_t[2] shape  # of all steps
    cdef Py_ssize_t[2] strides
    cdef tuple owners  # of the memory
    cdef bytes memory_of_first
    cdef readonly bytes offsets


cdef inline Py_ssize_t length_of(Addresses given, Py_ssize_t k) noexcept nogil:
    """Number of steps of sequence k."""
    return <Py_ssize_t> (given.ends[k + 1] - given.ends[k])


cdef inline Py_ssize_t run_of(Addresses given, Py_ssize_t first, Py_ssize_t stop) noexcept nogil:
    """End of the sequences from `first` on that follow one another in memory, `stop` at most."""
    cdef Py_ssize_t row = given.n_columns * given.size, k = first + 1
    while k < stop and given.first[k] == given.first[k - 1] + length_of(given, k - 1) * row:
        k += 1
    return k
