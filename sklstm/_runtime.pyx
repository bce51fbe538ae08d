"""What the machine can do: OpenMP's threads and the processor's instruction sets."""


cdef extern from *:
    """
    #ifdef _OPENMP
    #include <omp.h>
    enum { SKLSTM_HAS_OPENMP = 1 };
    static int sklstm_max_threads(void) { return omp_get_max_threads(); }
    #else
    enum { SKLSTM_HAS_OPENMP = 0 };
    static int sklstm_max_threads(void) { return 1; }
    #endif

    #if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__))
    static int sklstm_has_avx2(void) {
        __builtin_cpu_init();
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    }
    static int sklstm_has_avx512(void) {
        __builtin_cpu_init();
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512dq");
    }
    #else
    static int sklstm_has_avx2(void) { return 0; }
    static int sklstm_has_avx512(void) { return 0; }
    #endif
    """
    enum:
        SKLSTM_HAS_OPENMP
    int sklstm_max_threads()
    int sklstm_has_avx2()
    int sklstm_has_avx512()


has_openmp = bool(SKLSTM_HAS_OPENMP)


def max_threads():
    """Threads that OpenMP would use here."""
    return sklstm_max_threads()


def instruction_sets():
    """Those of the processor that kernels are compiled for, the best first."""
    found = ["avx512"] if sklstm_has_avx512() else []
    return found + (["avx2"] if sklstm_has_avx2() else []) + ["baseline", "portable"]
