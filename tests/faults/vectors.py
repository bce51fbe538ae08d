"""Faults: vectors."""

from faults.fault import EDGES, SIMD, THREADS, Fault

FAULTS = [
    Fault(
        "exp-double",
        "exp in double precision is clamped at 40",
        SIMD,
        "#define SKLSTM_EXP_MAX ((real)708.0)",
        "#define SKLSTM_EXP_MAX ((real)40.0)",
        "test_simd.py",
    ),
    Fault(
        "tanh-float",
        "tanh in single precision is clamped at 6",
        SIMD,
        "#define SKLSTM_TANH_MAX ((real)9.1)",
        "#define SKLSTM_TANH_MAX ((real)6.0)",
        "test_simd.py",
    ),
    Fault(
        "exp-polynomial",
        "one coefficient of the polynomial of exp is wrong in the fourth digit",
        SIMD,
        "2.48015044377332511e-05",
        "2.48115044377332511e-05",
        "test_simd.py",
    ),
    Fault(
        "denormals",
        "threads are given back flushing denormal numbers",
        SIMD,
        "SKLSTM_INLINE void restore_float_mode(float_mode before) { _mm_setcsr(before); }",
        "SKLSTM_INLINE void restore_float_mode(float_mode before) { (void)before; }",
        THREADS,
    ),
    Fault(
        "turn",
        "the largest blocks across the diagonal do not change places",
        SIMD,
        "for (int size = 1; size < LANES; size *= 2)",
        "for (int size = 1; size < LANES / 2; size *= 2)",
        EDGES,
    ),
    Fault(
        "turn-at",
        "all features of a small net are the first ones, as many as a vector has",
        SIMD,
        "rows[l] ? load(rows[l] + at)",
        "rows[l] ? load(rows[l])",
        EDGES,
    ),
]
