"""Ctrl-C in the middle of a call: the calling thread checks for signals, and all threads leave.

Python runs signal handlers in its main thread when that thread asks for it. Each thread counts
multiply-adds and checks after a number of them: the calling thread reads the clock and, if it is
time, asks Python for signals; the others check if they must leave. Short calls never check. After
a call `is_over` its results are incomplete, and `require_going` raises the handler's exception.
"""

from sklstm._kernels.simd cimport flush_denormals, float_mode, restore_float_mode
from sklstm._kernels.teams cimport Member, wait
from sklstm._kernels.threads cimport seconds_now

cdef extern from "Python.h":
    # a raised exception stays set until `require_going` raises it
    int PyErr_CheckSignals() noexcept

cdef extern from "atomic.h" nogil:
    ctypedef long long atomic_number
    long long atomic_read(atomic_number* x)
    void atomic_write(atomic_number* x, long long y)
    long long atomic_count(atomic_number* x)
    void short_sleep(double seconds)


cdef enum:
    LOOK = 20000000  # multiply-adds between two checks: a few milliseconds
    STEP = 200  # multiply-adds that the overhead of a step corresponds to

cdef extern from *:
    """
    #define SKLSTM_ASK 0.1   /* seconds between two checks for signals */
    #define SKLSTM_NAP 0.005  /* longest sleep of a waiting thread, in seconds */
    """
    const double ASK "SKLSTM_ASK"
    const double NAP "SKLSTM_NAP"


cdef struct Signals:
    # State of a running call
    atomic_number is_over
    double due  # time of the next check for signals, in seconds
    float_mode mode  # of the calling thread, for signal handlers


cdef struct Watch:
    # State of one thread
    Signals* signals
    double left  # multiply-adds until the next check
    bint asks  # is it the calling thread?


cdef inline void begin_call(Signals* signals, Watch* watch) noexcept nogil:
    """Prepare the watch of the calling thread; it continues the count of earlier calls."""
    cdef double left = watch.left
    signals.mode = flush_denormals()
    restore_float_mode(signals.mode)
    atomic_write(&signals.is_over, 0)
    watch[0] = Watch(signals, left, True)


cdef inline void ask_python(Signals* signals) noexcept with gil:
    if PyErr_CheckSignals() < 0:
        atomic_write(&signals.is_over, 1)


cdef inline void ask(Signals* signals) noexcept nogil:
    """Ask for signals if it is time."""
    cdef double now = seconds_now()
    cdef float_mode mode
    if 0 < now < signals.due:  # 0 means that there is no clock
        return
    mode = flush_denormals()
    restore_float_mode(signals.mode)
    ask_python(signals)
    restore_float_mode(mode)
    signals.due = seconds_now() + ASK


cdef inline bint is_over(const Watch* watch) noexcept nogil:
    """True if the call must end; the same for all members of a team."""
    return atomic_read(&watch.signals.is_over) != 0


cdef inline bint look(Watch* watch, const Member* member) noexcept nogil:
    """Check in a team: after a barrier, all members read what one has written."""
    cdef bint over
    wait(member)
    if watch.asks and not is_over(watch):
        ask(watch.signals)
    wait(member)
    over = is_over(watch)
    watch.left = 0 if over else LOOK  # after the end every loop stops at its next check
    return over


cdef inline bint stops(Watch* watch, const Member* member, double work) noexcept nogil:
    """True if the call must end; asked before a number of multiply-adds."""
    watch.left -= work + STEP
    return watch.left <= 0 and look(watch, member)


cdef inline bint stops_alone(Watch* watch, double work) noexcept nogil:
    """The same check without a team."""
    cdef Member member = Member(0, 1)
    return stops(watch, &member, work)


cdef inline int require_going(const Watch* watch) except -1:
    """Raise the exception of a signal handler, if there was one."""
    return -1 if is_over(watch) else 0


# ---------------------------------------------------------------------------- shared work


cdef struct Deal:
    # Items that threads take one after the other
    atomic_number next
    atomic_number done  # threads
    double work  # estimated multiply-adds


cdef inline void begin_deal(Deal* deal, double work) noexcept nogil:
    deal.next = deal.done = 0
    deal.work = work


cdef inline void end_deal(Deal* deal, Py_ssize_t of, Watch* watch) noexcept nogil:
    """Called by each thread that has no work left. The calling thread waits for the others.

    If there is much work, it checks for signals while waiting, which a barrier would not allow.
    """
    cdef double began
    atomic_count(&deal.done)
    if not watch.asks or deal.work < 10 * LOOK:
        return
    began = seconds_now()
    while atomic_read(&deal.done) < of:
        short_sleep(min(NAP, max(1e-6, (seconds_now() - began) / 16)))
        if not is_over(watch):
            ask(watch.signals)
