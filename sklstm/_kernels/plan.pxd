"""Division of a batch into groups of sequences, bundles of a group, and chunks of bundles.

It depends on the network, the lengths of the sequences and the number of threads. Results depend
on the first two only.
"""

from libc.stdlib cimport qsort

from sklstm._kernels.layers cimport CHUNK_MAX
from sklstm._kernels.layout cimport Matrix, Net, matrix_rows
from sklstm._kernels.products cimport TILE_SEQUENCES, whole_vectors
from sklstm._kernels.simd cimport LANES, real

cdef enum:
    ALONE_MAX = LANES // 2  # up to ALONE_MAX leftover sequences of a small net run one by one
    SMALL = 4 * LANES  # layers with fewer blocks use lanes of sequences,
    NARROW = 2 * SMALL * LANES  # unless their inputs times blocks exceed this
    CHUNK_MIDDLE = 16
    BYTES_FEW = 1 << 20  # bytes of a layer's weights that fit the L2 cache
    BYTES_MANY = 1 << 21  # bytes that do not fit
    GROUP = 64  # sequences that train in spans together; a multiple of LANES


cdef struct Place:
    # one sequence in the order of its batch
    Py_ssize_t length
    Py_ssize_t position
    Py_ssize_t row


cdef struct Plan:
    Place* places  # sequences of a batch, or the longest of all; the longest first
    bint has_lanes  # is the net small enough for lanes of sequences,
    double least_use  # if at least this fraction of the lanes is used on average?
    Py_ssize_t most  # largest number of single-sequence bundles in a chunk
    Py_ssize_t shared_most  # largest batch that is one chunk, computed by all threads as a team
    Py_ssize_t n_threads
    # of the current group
    Py_ssize_t first  # first sequence, among the places
    Py_ssize_t n
    Py_ssize_t n_wide  # number of bundles of LANES sequences, which are first
    Py_ssize_t n_alone  # number of single-sequence bundles
    Py_ssize_t n_chunks
    bint shared


cdef inline void plan_new(Plan* plan, const Net* net) noexcept nogil:
    """Set the part of the plan that depends on the network only."""
    cdef Py_ssize_t index, H, largest = 0
    cdef Py_ssize_t n_weights = 0, n_bytes
    cdef const Matrix* m
    plan.has_lanes = LANES > 1
    for index in range(net.n_layers):
        m, H = &net.layers[index].weights, net.layers[index].n_blocks
        n_weights = max(n_weights, matrix_rows(m, 1) * m.columns)
        largest = max(largest, H)
        if H >= SMALL or H * net.layers[index].n_inputs > NARROW:
            plan.has_lanes = False
    n_bytes = n_weights * <Py_ssize_t> sizeof(real)
    # units need padding instead, and everything else is nearly as fast
    plan.least_use = 0.9 * largest / whole_vectors(largest)
    # the slower the cache with the weights, the more sequences share a reading of them. With few
    # sequences, all threads share the weights, so that each core caches a part
    if n_bytes <= BYTES_FEW:
        plan.most, plan.shared_most = TILE_SEQUENCES, 0
    elif n_bytes <= BYTES_MANY:
        plan.most, plan.shared_most = CHUNK_MIDDLE, 1
    else:
        plan.most = plan.shared_most = CHUNK_MAX


cdef inline int longer_first(const void* a, const void* b) noexcept nogil:
    cdef const Place* left = <const Place*> a
    cdef const Place* right = <const Place*> b
    if left.length != right.length:
        return 1 if left.length < right.length else -1
    return 1 if left.position > right.position else -1


cdef inline void arrange(
    Plan* plan, const long long* offsets, const long long* rows, Py_ssize_t first, Py_ssize_t n
) noexcept nogil:
    """Put the sequences of a batch (n from `first` if rows is NULL) in order, longest first."""
    cdef Py_ssize_t k, row
    cdef bint sorted_already = True
    for k in range(n):
        row = first + k if rows == NULL else rows[k]
        plan.places[k] = Place(offsets[row + 1] - offsets[row], k, row)
        if k > 0 and plan.places[k].length > plan.places[k - 1].length:
            sorted_already = False
    if not sorted_already:
        qsort(plan.places, n, sizeof(Place), longer_first)


cdef inline void arrange_longest(
    Plan* plan, const long long* offsets, Py_ssize_t n, Py_ssize_t most
) noexcept nogil:
    """Put the `most` longest of n sequences in order, without memory for all of them."""
    cdef Py_ssize_t k, length, count = 0, place
    for k in range(n):
        length = <Py_ssize_t> (offsets[k + 1] - offsets[k])
        if count == most and length <= plan.places[count - 1].length:
            continue
        count = min(count + 1, most)
        place = count - 1
        while place > 0 and plan.places[place - 1].length < length:
            plan.places[place] = plan.places[place - 1]
            place -= 1
        plan.places[place] = Place(length, k, k)


cdef inline Py_ssize_t chunks_of(const Plan* plan, Py_ssize_t n_alone) noexcept nogil:
    """Number of chunks of single-sequence bundles: the same for every thread, of similar size."""
    cdef Py_ssize_t n = (n_alone + plan.most - 1) // plan.most
    return min(n_alone, (n + plan.n_threads - 1) // plan.n_threads * plan.n_threads)


cdef inline Py_ssize_t wide_most(const Plan* plan, Py_ssize_t n) noexcept nogil:
    """Number of LANES bundles for n sequences of equal length."""
    return (n + LANES - 1 - ALONE_MAX) // LANES if plan.has_lanes else 0


cdef inline bint fills_lanes(const Plan* plan, Py_ssize_t first, Py_ssize_t n) noexcept nogil:
    """True if n sequences, from `first`, use enough lanes of a bundle."""
    cdef double steps = 0
    cdef Py_ssize_t k
    for k in range(n):
        steps += plan.places[first + k].length
    return steps >= plan.least_use * LANES * plan.places[first].length


cdef inline void cut(Plan* plan, Py_ssize_t first, Py_ssize_t n) noexcept nogil:
    """Divide a group of n sequences, from `first`, into bundles, and bundles into chunks.

    From the first bundle that would use too few of its lanes, all sequences are in units.
    """
    cdef Py_ssize_t at = 0
    plan.first, plan.n, plan.n_wide = first, n, 0
    while plan.n_wide < wide_most(plan, n) and fills_lanes(plan, first + at, min(n - at, LANES)):
        plan.n_wide += 1
        at += LANES
    plan.n_alone = max(0, n - plan.n_wide * LANES)
    plan.shared = plan.n_threads > 1 and n <= plan.shared_most
    plan.n_chunks = 1 if plan.shared else plan.n_wide + chunks_of(plan, plan.n_alone)


cdef inline Py_ssize_t chunks_most(const Plan* plan, Py_ssize_t n) noexcept nogil:
    """Largest number of chunks of a group of up to n sequences of any lengths."""
    cdef Py_ssize_t k, some, most = 0
    for some in range(1, n + 1):
        for k in range(wide_most(plan, some) + 1):
            most = max(most, k + chunks_of(plan, max(0, some - k * LANES)))
    return most


cdef inline Py_ssize_t block_of(const Plan* plan, Py_ssize_t n, Py_ssize_t width) noexcept nogil:
    """Number of steps of n bundles that share a reading of the weights, a power of two."""
    cdef Py_ssize_t block = 1
    while width == 1 and 2 * block * n <= plan.most:
        block *= 2
    return block


cdef inline Py_ssize_t first_bundle(const Plan* plan, Py_ssize_t chunk) noexcept nogil:
    cdef Py_ssize_t k = chunk - plan.n_wide
    return chunk if k <= 0 else plan.n_wide + k * plan.n_alone // (plan.n_chunks - plan.n_wide)


cdef inline Py_ssize_t width_of(const Plan* plan, Py_ssize_t bundle) noexcept nogil:
    return LANES if bundle < plan.n_wide else 1


cdef inline Py_ssize_t first_place(const Plan* plan, Py_ssize_t bundle) noexcept nogil:
    """First position of the sequences of a bundle among the places."""
    if bundle < plan.n_wide:
        return plan.first + bundle * LANES
    return plan.first + plan.n_wide * LANES + bundle - plan.n_wide
