"""How many threads are worth waking, learned from the calls so far.

Threads that wait for one another lose more than they gain where another process is at work on the
same cores: one of them is not running when the others have ended. As results do not depend on the
number of threads, it is chosen while working: the way that was faster of late, one thread or all.
"""

from libc.time cimport TIME_UTC, timespec, timespec_get

cdef enum:
    PARALLEL_MIN = 2000000  # multiply-adds below which a second thread costs more than it gives
    FIRST_LOOK = 4  # calls with all threads before one thread is tried
    LOOKS = 3  # calls in a look at the way that was slower: one alone could be lucky
    NEXT_LOOK = 100  # calls from one look to the next
    MEMORY = 32  # calls that count: beside others most are fast, and a few wait for long


cdef struct Pace:
    int most  # threads
    int calls
    bint alone_is_faster
    double[2] seconds  # of a multiply-add with one thread, and with all
    int[2] known  # calls that these are the mean of, up to MEMORY


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
    cdef int look = look_number(pace), way = n_threads > 1
    if work < PARALLEL_MIN or pace.most == 1:
        return
    if look == 0:
        pace.known[way] = 0  # what was known of the slower way is old
    pace.known[way] = min(pace.known[way] + 1, <int> MEMORY)
    pace.seconds[way] += (seconds / work - pace.seconds[way]) / pace.known[way]
    pace.calls += 1
    if not 0 <= look < LOOKS - 1 and pace.known[0] > 0 and pace.known[1] > 0:
        pace.alone_is_faster = pace.seconds[0] < pace.seconds[1]
