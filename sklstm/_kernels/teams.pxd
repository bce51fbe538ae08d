"""Teams of threads that compute the same chunk: each member computes some rows of every product.

Weights that do not fit the cache of one core may fit the caches of all cores together. Everything
except products is divided by sequences.
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
    """True if this member does item k of the divided work."""
    return member.of == 1 or k % member.of == member.number


cdef inline Py_ssize_t part(Py_ssize_t n, Py_ssize_t k, Py_ssize_t of) noexcept nogil:
    """First item of part k of n items."""
    return n * k if of == 1 else n * k // of


cdef inline void wait(const Member* member) noexcept nogil:
    """Wait until all members have written their part."""
    if member.of > 1:
        sklstm_team_wait()
