"""Threads that work on the same chunk, a team: each computes some rows of every product.

Where no cache of one core holds the weights, those of all cores together may. What is not a
product is dealt by sequences.
"""

cdef extern from * nogil:
    """
    #ifdef _OPENMP
    #include <omp.h>
    #define sklstm_team_size omp_get_num_threads
    #else
    #define sklstm_team_size() 1
    #endif
    static void sklstm_team_wait(void) {
    #ifdef _OPENMP
    #pragma omp barrier
    #endif
    }
    """
    Py_ssize_t sklstm_team_size()
    void sklstm_team_wait()


cdef struct Member:
    Py_ssize_t number
    Py_ssize_t of  # members of the team


cdef inline bint does(const Member* member, Py_ssize_t k) noexcept nogil:
    """Is it this member that does number k of what is dealt?"""
    return member.of == 1 or k % member.of == member.number


cdef inline Py_ssize_t part(Py_ssize_t n, Py_ssize_t k, Py_ssize_t of) noexcept nogil:
    """Where part k of n things in a row begins."""
    return n * k if of == 1 else n * k // of


cdef inline void wait(const Member* member) noexcept nogil:
    """For what the other members have written."""
    if member.of > 1:
        sklstm_team_wait()
