"""Random numbers in compiled code: xoshiro256++ (Blackman & Vigna), and draws from it.

Each trial owns the four words of its generator, so its draws do not depend on other trials.
"""

from libc.math cimport exp, log, sqrt
from libc.stdint cimport uint64_t


cdef struct Random:
    uint64_t word[4]


cdef struct Ziggurat:
    # 256 layers of equal area under the normal density (Marsaglia & Tsang 2000)
    double edge[257]  # right edges of the layers, falling
    double density[257]


cdef enum:
    LAYERS = 256

cdef extern from *:
    """
    #define TAIL 3.6541528853610092      /* edge of the lowest layer */
    #define AREA 0.0049286732339746476   /* of a layer, for exp(-x^2 / 2) */
    """
    double TAIL, AREA


cdef inline uint64_t turned(uint64_t x, int k) noexcept nogil:
    return (x << k) | (x >> (64 - k))


cdef inline uint64_t next_word(Random* random) noexcept nogil:
    cdef uint64_t* w = random.word
    cdef uint64_t drawn = turned(w[0] + w[3], 23) + w[0], t = w[1] << 17
    w[2] ^= w[0]
    w[3] ^= w[1]
    w[1] ^= w[2]
    w[0] ^= w[3]
    w[2] ^= t
    w[3] = turned(w[3], 45)
    return drawn


cdef inline void seed_random(Random* random, uint64_t seed) noexcept nogil:
    """Derive four words from one by splitmix64."""
    cdef int k
    cdef uint64_t z
    for k in range(4):
        seed += <uint64_t> 0x9E3779B97F4A7C15
        z = (seed ^ (seed >> 30)) * <uint64_t> 0xBF58476D1CE4E5B9
        z = (z ^ (z >> 27)) * <uint64_t> 0x94D049BB133111EB
        random.word[k] = z ^ (z >> 31)


cdef inline double uniform(Random* random) noexcept nogil:
    """Uniform number from [0, 1)."""
    return (next_word(random) >> 11) * 2.0**-53


cdef inline int below(Random* random, int n) noexcept nogil:
    """Uniform integer from 0, ..., n - 1; the bias is n / 2^32."""
    return <int> (((next_word(random) >> 32) * <uint64_t> n) >> 32)


cdef inline void ziggurat_new(Ziggurat* table) noexcept nogil:
    cdef int k
    cdef double x = TAIL
    table.edge[0] = AREA / exp(-0.5 * x * x)  # makes the area of the lowest layer include the tail
    table.edge[1] = x
    for k in range(2, LAYERS):
        x = sqrt(-2 * log(AREA / x + exp(-0.5 * x * x)))
        table.edge[k] = x
    table.edge[LAYERS] = 0
    for k in range(LAYERS + 1):
        table.density[k] = exp(-0.5 * table.edge[k] * table.edge[k])


cdef inline double normal(Random* random, const Ziggurat* table) noexcept nogil:
    """Normal number with mean 0 and variance 1."""
    cdef uint64_t word
    cdef int layer
    cdef double u, x, y, fall
    while True:
        word = next_word(random)
        layer = word & (LAYERS - 1)
        u = 2 * ((word >> 11) * 2.0**-53) - 1
        x = u * table.edge[layer]
        if (x if x > 0 else -x) < table.edge[layer + 1]:
            return x
        if layer == 0:
            # beyond the last edge: Marsaglia's tail
            while True:
                x = -log(1 - uniform(random)) / TAIL
                y = -log(1 - uniform(random))
                if y + y > x * x:
                    return TAIL + x if u > 0 else -TAIL - x
        fall = table.density[layer + 1] - table.density[layer]
        if table.density[layer] + uniform(random) * fall < exp(-0.5 * x * x):
            return x
