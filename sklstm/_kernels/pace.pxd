"""How many threads are worth waking, learned from the calls so far.

Threads that wait for one another lose more than they gain where another process is at work on the
same cores: one of them is not running when the others have ended. As results do not depend on the
number of threads, it is chosen while working: the way that was faster of late, one thread or all.
"""

from libc.time cimport TIME_UTC, timespec, timespec_get

cdef enum:
    PARALLEL_MIN = 2000000  # multiply-adds below which a second thread costs more than it gives
    FIRST_LOOK = 4  # calls with all threads before one thread is tried
    LOOKS = 2  # calls in a look at the way that was slower: one alone could be lucky
    NEXT_LOOK = 100  # calls from one look to the next


cdef struct Pace:
    int most  # threads
    int calls
    bint alone_is_faster
    double alone  # seconds of a multiply-add with one thread, and with all; 0 is not known
    double together


cdef inline double seconds_now() noexcept nogil:
    cdef timespec now
    timespec_get(&now, TIME_UTC)
    return now.tv_sec + 1e-9 * now.tv_nsec


cdef inline int look_number(const Pace* pace) noexcept nogil:
    """0, 1 ... in the calls that look at the slower way, else outside of range(LOOKS)."""
    return pace.calls % NEXT_LOOK - FIRST_LOOK


cdef inline int threads_now(const Pace* pace, double work) noexcept nogil:
    """Threads for a call of so many multiply-adds."""
    cdef bint looks = 0 <= look_number(pace) < LOOKS
    if work < PARALLEL_MIN:
        return 1
    return 1 if pace.alone_is_faster != looks else pace.most


cdef inline void keep_pace(Pace* pace, int n_threads, double work, double seconds) noexcept nogil:
    """Learn from a call that used `threads_now`."""
    cdef int look = look_number(pace)
    cdef double* pace_of_way = &pace.alone if n_threads == 1 else &pace.together
    cdef double share = 0.25  # of the newest in what was measured of late
    if work < PARALLEL_MIN or pace.most == 1:
        return
    if 0 <= look < LOOKS:
        share = 1.0 / (look + 1)  # the mean of the look: what was known before is old
    elif pace_of_way[0] == 0:
        share = 1
    pace_of_way[0] += share * (seconds / work - pace_of_way[0])
    pace.calls += 1
    if not 0 <= look < LOOKS - 1:
        pace.alone_is_faster = 0 < pace.alone < pace.together
