"""Ctrl-C in the middle of a call: the calling thread asks Python now and then, and all leave.

Python runs what belongs to a signal in its main thread, when that asks for it. Whoever works counts
multiply-adds, and after some of them looks: the calling thread at the clock and, if it is time, for
signals; the others at whether they are to leave. A call of less work never looks. Once a call
`is_over` its results are not complete, and `require_going` raises what the signal has raised.
"""

from sklstm._kernels.simd cimport flush_denormals, float_mode, restore_float_mode
from sklstm._kernels.teams cimport Member, wait
from sklstm._kernels.threads cimport seconds_now

cdef extern from "Python.h":
    # what it raises stays where `require_going` finds it
    int PyErr_CheckSignals() noexcept

cdef extern from "atomic.h" nogil:
    ctypedef long long atomic_number
    long long atomic_read(atomic_number* x)
    void atomic_write(atomic_number* x, long long y)
    long long atomic_count(atomic_number* x)
    void short_sleep(double seconds)


cdef enum:
    LOOK = 20000000  # multiply-adds between two checks: a few milliseconds
    STEP = 200  # that a step costs beside its own

cdef extern from *:
    """
    #define SKLSTM_ASK 0.1   /* seconds from one question to Python to the next */
    #define SKLSTM_NAP 0.005  /* at most */
    """
    const double ASK "SKLSTM_ASK"
    const double NAP "SKLSTM_NAP"


cdef struct Signals:
    # Of a call that is under way
    atomic_number is_over
    double due  # seconds: when to ask next
    float_mode mode  # of the calling thread, for what belongs to signals


cdef struct Watch:
    # Of one thread
    Signals* signals
    double left  # multiply-adds until the next look
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
    if 0 < now < signals.due:  # 0: there is no clock
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
    watch.left = 0 if over else LOOK  # once it is over every loop ends at its next question
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
    # Things that threads take, one after the other
    atomic_number next
    atomic_number done  # threads
    double work  # multiply-adds, more or less


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
