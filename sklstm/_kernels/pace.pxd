"""Choice between one thread and all threads, from the measured time of recent calls.

Several threads can be slower than one if another process uses the same cores, because the other
threads then wait for one that is not running. Results do not depend on the number of threads, so it
can be chosen at run time: one thread or all, whichever was faster recently.
"""

from sklstm._kernels.threads cimport threads_here

cdef enum:
    PARALLEL_MIN = 2000000  # multiply-adds below which a second thread costs more than it gives
    LOOKS = 3  # calls in a look at the way that was slower: one alone could be lucky
    FAR = 4  # times as slow: such a call ends a look
    NEXT_LOOK = 100  # calls, at least, from one look to the next
    SHARE = 50  # a look may cost one part in so many of the time until the next
    MEMORY = 32  # calls that count: beside others most are fast, and a few wait for long


cdef struct Pace:
    int most  # threads
    bint is_warm  # do the threads exist?
    bint alone_is_faster
    int look  # calls that are left of the look under way
    double lost  # seconds, in this look
    double rest  # seconds until the next look
    double[2] seconds  # of a multiply-add with one thread, and with all
    int[2] known  # calls that these are the mean of, up to MEMORY


cdef inline int threads_now(const Pace* pace, double work) noexcept nogil:
    """Threads for a call of so many multiply-adds."""
    if work < PARALLEL_MIN:
        return 1
    return 1 if pace.alone_is_faster != (pace.look > 0) else threads_here(pace.most)


cdef inline void learn_pace(Pace* pace, int way, double work, double seconds) noexcept nogil:
    pace.known[way] = min(pace.known[way] + 1, <int> MEMORY)
    pace.seconds[way] += (seconds / work - pace.seconds[way]) / pace.known[way]


cdef inline void look_at_slower(Pace* pace, int way, double work, double seconds) noexcept nogil:
    """A call of a look, which ends early where it is dear."""
    cdef double usual = work * pace.seconds[1 - way]
    if pace.look == LOOKS:
        pace.known[way] = 0  # what was known of the slower way is old
    learn_pace(pace, way, work, seconds)
    pace.lost += seconds - usual
    pace.look = 0 if seconds > FAR * usual else pace.look - 1
    if pace.look == 0:
        pace.rest = max(SHARE * pace.lost, NEXT_LOOK * usual)


cdef inline void keep_pace(Pace* pace, int n_threads, double work, double seconds) noexcept nogil:
    """Learn from a call that used `threads_now`."""
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
