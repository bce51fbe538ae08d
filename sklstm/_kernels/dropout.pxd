"""Dropout: numbers that a sequence does without while it is learned from, the same at all steps.

Which numbers they are follows from a key, which each epoch has its own, and from the sequence, the
layer and the unit: neither from threads nor from batches nor from the instruction set. The others
are multiplied by 1 / (1 - rate), so that their mean stays what it is in predictions.
"""

from sklstm._kernels.simd cimport real


cdef struct Dropout:
    double rate  # of the cells that the layer above, or the output layer, sees
    double recurrent_rate  # of what the layer itself sees of the step before
    unsigned long long key


cdef inline bint drops(const Dropout* dropout) noexcept nogil:
    return dropout.rate > 0 or dropout.recurrent_rate > 0


cdef inline unsigned long long mixed(unsigned long long x) noexcept nogil:
    """A number that depends on x with every bit: the last steps of SplitMix64 (Steele et al. 2014).
    """
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL
    return x ^ (x >> 31)


cdef inline unsigned long long stream_of(
    const Dropout* dropout, Py_ssize_t sequence, Py_ssize_t index, bint is_recurrent
) noexcept nogil:
    """Where the random numbers of one mask begin."""
    cdef unsigned long long at = mixed(dropout.key ^ mixed(<unsigned long long> sequence + 1))
    return mixed(at ^ mixed(2 * <unsigned long long> index + is_recurrent + 1))


cdef inline void draw_mask(
    unsigned long long stream, double rate, Py_ssize_t groups, Py_ssize_t H, Py_ssize_t n,
    Py_ssize_t width, Py_ssize_t lane,
    real* mask,  # OUT    (groups, n) one lane of H units in each group
) noexcept nogil:
    """What each number is multiplied by: 0, or 1 / (1 - rate)."""
    cdef Py_ssize_t g, j
    cdef double kept = 1 / (1 - rate)
    for g in range(groups):
        for j in range(H):
            stream += 0x9E3779B97F4A7C15ULL  # 2^64 over the golden ratio
            mask[g * n + j * width + lane] = (
                0 if (mixed(stream) >> 11) * 2.0 ** -53 < rate else <real> kept
            )
