"""When a net of an experiment has learned: windows of recent errors, tests, phases.

A net trains until its recent training sequences look learned, then is tested, with learning
halted, on so many new sequences; a failed test sends it back to training. A net that has passed
reads a last set of sequences, on which its errors are counted.
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
    int window  # recent training sequences
    int window_wrong  # at most so many of them wrong
    double window_error  # their mean error is below this
    Measure measure
    int check  # the window is looked at every so many sequences
    int n_test  # sequences of a test; 0: the window decides
    int test_wrong  # at most so many wrong: ST1
    double test_error  # and the mean error below this: ST2
    int n_final
    bint final_always  # also for a net that has failed
    Py_ssize_t cap  # training sequences
    Py_ssize_t cap_steps  # steps, tests included; 0: no limit
    double tolerance  # right: all outputs are so close to the target; 0: see `right` of _trials.pyx
    bint judge_last  # at the last step only
    bint stop_at_error  # a sequence ends where the net is wrong
    # of nets that are built up (2a, 2b)
    int growth_window  # 0: whole from the start
    double growth_gain  # the error falls less than this fraction from window to window: grow


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
    """Remember a training sequence; whether the recent ones look learned."""
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
    trial.recent_sum = 0  # summed anew, since rounding would add up
    for place in range(criterion.window):
        trial.recent_sum += trial.recent_error[place]
    return trial.recent_sum < criterion.window_error * criterion.window


cdef inline bint stops_falling(const Criterion* criterion, Trial* trial) noexcept nogil:
    """Whether the mean error of a growth window is hardly lower than that of the one before."""
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
    """Judge the sequence just read and decide what comes next."""
    if trial.n_targets > 0:
        trial.error /= trial.n_targets
    if trial.phase == TRAINING:
        end_training_sequence(criterion, trial)
    else:
        end_test_sequence(criterion, trial)
