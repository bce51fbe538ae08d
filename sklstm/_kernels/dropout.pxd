"""Dropout masks, which are the same at all steps of a sequence.

A mask depends on the key of the epoch, the sequence, the layer and the unit. It does not depend on
threads, batches or the instruction set. The numbers that are not dropped are multiplied by
1 / (1 - rate), so that their mean is the same as in predictions.
"""

from sklstm._kernels.simd cimport real


cdef struct Dropout:
    double rate  # for the cells that the next layer, or the output layer, reads
    double recurrent_rate  # for what the layer itself reads from its previous step
    unsigned long long key
    unsigned long long first  # number of the first sequence of the session


cdef inline bint drops(const Dropout* dropout) noexcept nogil:
    return dropout.rate > 0 or dropout.recurrent_rate > 0


cdef inline unsigned long long mixed(unsigned long long x) noexcept nogil:
    """A hash of x: the last steps of SplitMix64 (Steele et al. 2014)."""
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL
    return x ^ (x >> 31)


cdef inline unsigned long long stream_of(
    const Dropout* dropout, Py_ssize_t sequence, Py_ssize_t index, bint is_recurrent
) noexcept nogil:
    """Start of the random numbers of one mask."""
    cdef unsigned long long at = mixed(dropout.key ^ mixed(dropout.first + sequence + 1))
    return mixed(at ^ mixed(2 * <unsigned long long> index + is_recurrent + 1))


cdef inline void draw_mask(
    unsigned long long stream, double rate, Py_ssize_t groups, Py_ssize_t H, Py_ssize_t n,
    Py_ssize_t width, Py_ssize_t lane,
    real* mask,  # OUT    (groups, n) one lane of H units in each group
) noexcept nogil:
    """Factor of each number: 0, or 1 / (1 - rate)."""
    cdef Py_ssize_t g, j
    cdef double kept = 1 / (1 - rate)
    for g in range(groups):
        for j in range(H):
            stream += 0x9E3779B97F4A7C15ULL  # 2^64 over the golden ratio
            mask[g * n + j * width + lane] = (
                0 if (mixed(stream) >> 11) * 2.0 ** -53 < rate else <real> kept
            )
