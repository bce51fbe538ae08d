"""Criterion of success of a trial: windows of recent errors, tests, phases.

A net trains until its recent training sequences pass. It then stops learning and is tested on
`n_test` new sequences. If the test fails, training continues. If it passes, the errors on a final
set of sequences are counted.
"""

from libc.stdint cimport uint64_t
from libc.string cimport memset

from sklstm.paper._draws cimport Random
from sklstm.paper._tasks cimport Sequence


cdef enum:
    WINDOW_MAX = 2000

cdef enum Phase:
    IDLE
    TRAINING
    TESTING
    FINAL
    FINISHED

cdef enum Measure:
    ABSOLUTE  # mean over outputs of |t - y|
    SQUARED  # sum over outputs of (t - y)^2


cdef struct Criterion:
    int window  # number of recent training sequences
    int window_wrong  # most of them that may be wrong
    double window_error  # their mean error must be below this
    Measure measure
    int check  # sequences between two checks of the window
    int n_test  # sequences of a test; with 0 the window decides
    int test_wrong  # most of them that may be wrong: ST1
    double test_error  # the mean error must be below this: ST2
    int n_final
    bint final_always  # also for a net that has failed
    Py_ssize_t cap  # training sequences
    Py_ssize_t cap_steps  # steps, including tests; 0: no limit
    double tolerance  # largest error of a right output; 0: see `right` of _trials.pyx
    double accepted  # least output of the symbol that follows, if it alone is judged
    bint judge_last  # judge the last step only
    bint stop_at_error  # end a sequence at the first wrong step
    # nets that get their cell later (2a, 2b)
    int growth_window  # 0: complete from the start
    double growth_gain  # add the cell if the error falls by less than this fraction


cdef struct Trial:
    Phase phase
    Random random
    Sequence now
    # of the present sequence
    bint wrong
    double error
    int n_targets
    # of training
    Py_ssize_t trained
    Py_ssize_t steps
    unsigned char recent_wrong[WINDOW_MAX]
    double recent_error[WINDOW_MAX]
    int n_recent_wrong
    double recent_sum
    double growth_sum
    double growth_before
    Py_ssize_t grown_at
    # of the test, and of the final set
    Py_ssize_t n_read
    Py_ssize_t n_wrong
    double sum_error
    double sum_steps
    # results
    Py_ssize_t first  # training sequences at the first test with few enough wrong (ST1), -1 if none
    bint success
    Py_ssize_t n_tests
    Py_ssize_t test_steps


cdef inline void forget_test(Trial* trial, Phase phase) noexcept nogil:
    trial.phase = phase
    trial.n_read = trial.n_wrong = 0
    trial.sum_error = trial.sum_steps = 0


cdef inline void finish(const Criterion* criterion, Trial* trial, bint success) noexcept nogil:
    trial.success = success
    forget_test(trial, FINISHED)
    if criterion.n_final > 0 and (success or criterion.final_always):
        forget_test(trial, FINAL)


cdef inline bint window_passes(const Criterion* criterion, Trial* trial) noexcept nogil:
    """Store the errors of a training sequence; True if the recent ones pass."""
    cdef int place = trial.trained % criterion.window
    trial.trained += 1
    if trial.trained > criterion.window:
        trial.n_recent_wrong -= trial.recent_wrong[place]
    trial.n_recent_wrong += trial.wrong
    trial.recent_wrong[place] = trial.wrong
    trial.recent_error[place] = trial.error
    if trial.trained < criterion.window or trial.trained % criterion.check:
        return False
    if trial.n_recent_wrong > criterion.window_wrong:
        return False
    trial.recent_sum = 0  # summed again each time, so that rounding errors do not accumulate
    for place in range(criterion.window):
        trial.recent_sum += trial.recent_error[place]
    return trial.recent_sum < criterion.window_error * criterion.window


cdef inline bint stops_falling(const Criterion* criterion, Trial* trial) noexcept nogil:
    """True if the mean error of a growth window is hardly lower than that of the previous one."""
    cdef bint stopped = False
    trial.growth_sum += trial.error
    if trial.trained % criterion.growth_window == 0:
        stopped = (trial.trained > criterion.growth_window
                   and trial.growth_sum > (1 - criterion.growth_gain) * trial.growth_before)
        trial.growth_before, trial.growth_sum = trial.growth_sum, 0
    return stopped


cdef inline void end_training_sequence(const Criterion* criterion, Trial* trial) noexcept nogil:
    if window_passes(criterion, trial):
        if criterion.n_test > 0:
            trial.n_tests += 1
            forget_test(trial, TESTING)
            return
        trial.first = trial.trained
        finish(criterion, trial, True)
    elif trial.trained >= criterion.cap or 0 < criterion.cap_steps <= trial.steps:
        finish(criterion, trial, False)


cdef inline void end_test_sequence(const Criterion* criterion, Trial* trial) noexcept nogil:
    trial.n_read += 1
    trial.n_wrong += trial.wrong
    trial.sum_error += trial.error
    trial.sum_steps += trial.now.t + 1
    if trial.phase == FINAL:
        if trial.n_read == criterion.n_final:
            trial.phase = FINISHED
        return
    trial.test_steps += trial.now.t + 1
    if trial.n_wrong > criterion.test_wrong:
        trial.phase = TRAINING
    elif trial.n_read == criterion.n_test:
        if trial.first < 0:
            trial.first = trial.trained
        if trial.sum_error < criterion.test_error * trial.n_read:
            finish(criterion, trial, True)
        else:
            trial.phase = TRAINING
    if trial.phase == TRAINING and trial.trained >= criterion.cap:
        finish(criterion, trial, False)


cdef inline void end_sequence(const Criterion* criterion, Trial* trial) noexcept nogil:
    """Judge a finished sequence and choose the next phase."""
    if trial.n_targets > 0:
        trial.error /= trial.n_targets
    if trial.phase == TRAINING:
        end_training_sequence(criterion, trial)
    else:
        end_test_sequence(criterion, trial)
