"""Judgement of the outputs of a step. Targets and outputs are (K, LANES)."""

from libc.math cimport fabs

from sklstm._kernels.simd cimport LANES, real
from sklstm.paper._criterion cimport ABSOLUTE, SQUARED, Measure


cdef inline void errors_of_step(
    Measure measure, Py_ssize_t K, const real* targets, const real* out, double* errors
) noexcept nogil:
    """The error of each lane: the mean over outputs of |t - y|, or the sum of (t - y)^2."""
    cdef Py_ssize_t k, lane
    cdef double error
    for lane in range(LANES):
        errors[lane] = 0
    if measure == ABSOLUTE:
        for k in range(K):
            for lane in range(LANES):
                errors[lane] += fabs(targets[k * LANES + lane] - out[k * LANES + lane]) / K
    elif measure == SQUARED:
        for k in range(K):
            for lane in range(LANES):
                error = targets[k * LANES + lane] - out[k * LANES + lane]
                errors[lane] += error * error


cdef inline void all_within(
    double tolerance, Py_ssize_t K, const real* targets, const real* out, bint* within
) noexcept nogil:
    """True in lanes in which every output is closer than this to its target; NaN is not."""
    cdef Py_ssize_t k, lane
    for lane in range(LANES):
        within[lane] = True
    for k in range(K):
        for lane in range(LANES):
            within[lane] &= fabs(targets[k * LANES + lane] - out[k * LANES + lane]) < tolerance


cdef inline bint legal_exceed(
    int legal, Py_ssize_t K, const real* out, Py_ssize_t lane
) noexcept nogil:
    """True if the outputs of all legal symbols (bits) exceed the others; NaN never does."""
    cdef Py_ssize_t k
    cdef double y, lowest_legal = 2, highest_other = -1
    for k in range(K):
        y = out[k * LANES + lane]
        if legal >> k & 1:
            lowest_legal = y if not y >= lowest_legal else lowest_legal
        else:
            highest_other = y if not y <= highest_other else highest_other
    return lowest_legal > highest_other
