"""Properties of the machine (OpenMP threads, instruction sets), and gates for shared parameters."""

from libc.string cimport memcpy

from sklstm._builds import INSTRUCTION_SETS

from sklstm._kernels.gates cimport gate_enter, gate_leave, gate_reset, gate_t


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

    #if defined(_MSC_VER) && defined(_M_X64)
    /* __builtin_cpu_supports needs a library of Clang, which no linker of Windows adds */
    #include <windows.h>
    #include <intrin.h>
    enum { SKLSTM_WINDOWS_AVX2 = 40, SKLSTM_WINDOWS_AVX512F = 41 }; /* not in all SDKs */
    static int sklstm_has_avx2(void) {
        int facts[4];
        __cpuid(facts, 1);
        return IsProcessorFeaturePresent(SKLSTM_WINDOWS_AVX2) && (facts[2] >> 12 & 1); /* FMA */
    }
    static int sklstm_has_avx512(void) {
        int facts[4];
        if (!IsProcessorFeaturePresent(SKLSTM_WINDOWS_AVX512F)) return 0;
        __cpuidex(facts, 7, 0);
        return (facts[1] >> 17 & 1) && (facts[1] >> 31 & 1); /* DQ, VL */
    }
    #elif defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__))
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
    """Number of threads that OpenMP would use."""
    return sklstm_max_threads()


def instruction_sets():
    """Instruction sets of this processor for which kernels exist, the best first."""
    found = {"avx512": sklstm_has_avx512(), "avx2": sklstm_has_avx2()}
    return [name for name in INSTRUCTION_SETS if found.get(name, True)]


cdef class Gate:
    """Gate for parameters that several threads read while one thread changes them, see gate.h.

    Attributes
    ----------
    address : int
        Address of the gate, for compiled code.
    """

    cdef gate_t gate
    cdef object __weakref__

    def __cinit__(self):
        gate_reset(&self.gate)

    @property
    def address(self):
        return <size_t> &self.gate

    def reset(self):
        """Open the gate without readers, in a forked child where no other threads exist."""
        gate_reset(&self.gate)

    def copy(self, const unsigned char[::1] source, unsigned char[::1] target):
        """Copy the bytes of parameters while they do not change."""
        if source.shape[0] != target.shape[0]:
            raise ValueError(f"target has {target.shape[0]} bytes, not {source.shape[0]}.")
        if source.shape[0] == 0:
            return
        with nogil:
            gate_enter(&self.gate)
            memcpy(&target[0], &source[0], source.shape[0])
            gate_leave(&self.gate)
