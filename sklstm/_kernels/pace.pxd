"""Choice between one thread and all threads, from the measured time of recent calls.

Several threads can be slower than one if another process uses the same cores, because the other
threads then wait for one that is not running. Results do not depend on the number of threads, so it
can be chosen at run time: one thread or all, whichever was faster recently.
"""

from sklstm._kernels.threads cimport threads_here

cdef enum:
    PARALLEL_MIN = 2000000  # multiply-adds below which a second thread does not pay off
    LOOKS = 3  # calls in a trial of the slower way, because a single call may be lucky
    FAR = 4  # a call that is this many times slower ends a trial
    NEXT_LOOK = 100  # smallest number of calls between two trials
    SHARE = 50  # a trial may cost 1/SHARE of the time until the next one
    MEMORY = 32  # calls in the mean; under load most are fast, and a few wait for long


cdef struct Pace:
    int most  # largest number of threads
    bint is_warm  # do the threads exist?
    bint alone_is_faster
    int look  # remaining calls of the current trial
    double lost  # seconds lost in this trial
    double rest  # seconds until the next trial
    double[2] seconds  # seconds per multiply-add with one thread, and with all
    int[2] known  # number of calls in these means, up to MEMORY


cdef inline int threads_now(const Pace* pace, double work) noexcept nogil:
    """Number of threads for a call with this number of multiply-adds."""
    if work < PARALLEL_MIN:
        return 1
    return 1 if pace.alone_is_faster != (pace.look > 0) else threads_here(pace.most)


cdef inline void learn_pace(Pace* pace, int way, double work, double seconds) noexcept nogil:
    pace.known[way] = min(pace.known[way] + 1, <int> MEMORY)
    pace.seconds[way] += (seconds / work - pace.seconds[way]) / pace.known[way]


cdef inline void look_at_slower(Pace* pace, int way, double work, double seconds) noexcept nogil:
    """Record a call of a trial, which ends early if it is expensive."""
    cdef double usual = work * pace.seconds[1 - way]
    if pace.look == LOOKS:
        pace.known[way] = 0  # measurements of the slower way are outdated
    learn_pace(pace, way, work, seconds)
    pace.lost += seconds - usual
    pace.look = 0 if seconds > FAR * usual else pace.look - 1
    if pace.look == 0:
        pace.rest = max(SHARE * pace.lost, NEXT_LOOK * usual)


cdef inline void keep_pace(Pace* pace, int n_threads, double work, double seconds) noexcept nogil:
    """Record the time of a call that used `threads_now`."""
    cdef int way = n_threads > 1
    cdef bint alone
    if work < PARALLEL_MIN or pace.most == 1:
        return
    if not pace.is_warm:
        pace.is_warm = True
        return
    if pace.look > 0:
        look_at_slower(pace, way, work, seconds)
    else:
        learn_pace(pace, way, work, seconds)
        pace.rest -= seconds
        if pace.rest <= 0 and pace.known[way] >= LOOKS:
            pace.look, pace.lost = LOOKS, 0
    if pace.look == 0 and pace.known[0] > 0 and pace.known[1] > 0:
        alone = pace.seconds[0] < pace.seconds[1]
        if alone != pace.alone_is_faster:
            pace.alone_is_faster = alone
            pace.rest = NEXT_LOOK * work * pace.seconds[0 if alone else 1]
