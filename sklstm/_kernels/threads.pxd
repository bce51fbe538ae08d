"""Declarations of threads.h."""


cdef extern from "threads.h" nogil:
    int threads_here "sklstm_threads_here" (int n)
    double seconds_now "sklstm_seconds" ()
