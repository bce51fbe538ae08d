"""Declarations of simd.h. To Cython both types are numbers, so that `a + w * x` is arithmetic."""


cdef extern from "simd.h" nogil:
    ctypedef double real  # float or double: the module is compiled for each
    ctypedef double vec  # LANES of them
    ctypedef unsigned long long integer  # of the size of a real
    ctypedef int float_mode
    enum:
        LANES
        SUMS_AT_ONCE
    vec load(const real* p)
    void store(real* p, vec x)
    vec splat(real x)
    real sum_lanes(vec x)
    void store_sums(real* p, const vec* x)
    void turn(const real* const* rows, Py_ssize_t at, real* out)
    void prefetch(const real* p)
    real largest_size(const real* x, Py_ssize_t n)
    vec vexp(vec x)
    vec sigmoid(vec x)
    vec vtanh(vec x)
    void keep_highest(const real* x, int or_equal, integer place, real* most, integer* at)
    vec only_at(const integer* at, integer place, vec x)
    real square_root(real x)
    float_mode flush_denormals()
    void restore_float_mode(float_mode before)
