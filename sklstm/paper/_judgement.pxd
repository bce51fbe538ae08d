"""Targets of a step, errors that are learned, and judgement of the outputs, in all lanes.

Targets, outputs and errors are (K, LANES).
"""

from libc.math cimport fabs
from libc.string cimport memset

from sklstm._kernels.simd cimport LANES, real
from sklstm.paper._criterion cimport ABSOLUTE, SQUARED, Criterion, Measure, Trial
from sklstm.paper._tasks cimport Sequence, Task, named, names_one, wanted


# --------------------------------------------------------------------------------- learning


cdef inline void put_targets(
    const Task* task, const Trial* trials, const bint* targeted, Py_ssize_t K,
    real* targets,  # OUT
    real* truths,  # OUT    targets without noise; the same array if there is no noise
) noexcept nogil:
    """Write the targets of the lanes that have one."""
    cdef Py_ssize_t k, lane
    cdef const Sequence* now
    if names_one(task):
        memset(targets, 0, K * LANES * sizeof(real))
    for lane in range(LANES):
        if not targeted[lane]:
            continue
        now = &trials[lane].now
        if names_one(task):
            targets[named(task, now) * LANES + lane] = 1
        else:
            for k in range(K):
                targets[k * LANES + lane] = <real> wanted(task, now, <int> k, False)
        if truths != targets:
            for k in range(K):
                truths[k * LANES + lane] = <real> wanted(task, now, <int> k, True)


cdef inline void put_errors(
    Py_ssize_t K, const real* targets, const real* out, const bint* learns, bint plain, real* e
) noexcept nogil:
    """(19), or without the slope of the outputs if ``plain``; 0 in lanes that do not learn."""
    cdef Py_ssize_t k, lane
    cdef real y, error
    for k in range(K):
        for lane in range(LANES):
            y = out[k * LANES + lane]
            error = (targets[k * LANES + lane] - y) * (1 if plain else y * (1 - y))
            e[k * LANES + lane] = error if learns[lane] else 0


# -------------------------------------------------------------------------------- judgement


cdef inline void judge(
    const Criterion* criterion, Trial* trials, const bint* targeted, Py_ssize_t K,
    const real* truths, const real* out,
) noexcept nogil:
    """Add the errors of this step to the sequences that have a target now."""
    cdef Py_ssize_t lane
    cdef Trial* trial
    cdef double[LANES] errors
    cdef bint[LANES] right
    errors_of_step(criterion.measure, K, truths, out, errors)
    if criterion.tolerance > 0:
        all_within(criterion.tolerance, K, truths, out, right)
    for lane in range(LANES):
        if not targeted[lane]:
            continue
        trial = &trials[lane]
        trial.error += errors[lane]
        trial.n_targets += 1
        if criterion.judge_last and trial.now.t < trial.now.steps - 1:
            continue
        if criterion.accepted > 0:
            right[lane] = out[trial.now.following * LANES + lane] > criterion.accepted
        elif criterion.tolerance <= 0:
            right[lane] = legal_exceed(trial.now.legal, K, out, lane)
        if not right[lane]:
            trial.wrong = True


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
