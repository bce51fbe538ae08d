"""Pooling: the output layer reads the cells at the last step, or their maximum or mean over time.

In the forward pass, `pool` follows each step of the last layers. In the backward pass,
`receive_pooled` adds to each step its part of the gradient. Of equal maxima, the first counts.
"""

from libc.math cimport INFINITY

from sklstm._kernels.bundles cimport Bundle, cells_at
from sklstm._kernels.layout cimport HIGHEST, LAST, MEAN, Layer, Net, group
from sklstm._kernels.simd cimport LANES, integer, keep_highest, load, only_at, real, store


cdef inline Py_ssize_t n_present(
    const Bundle* bundle, Py_ssize_t width, Py_ssize_t t
) noexcept nogil:
    """Number of lanes whose sequence has a position t; they are the first, as the longest are."""
    cdef Py_ssize_t n = 0
    while n < width and t < bundle.length[n]:
        n += 1
    return n


cdef inline bint ends_at(
    const Layer* layer, const Bundle* bundle, Py_ssize_t lane, Py_ssize_t t
) noexcept nogil:
    """True if the layer has read the whole sequence after position t."""
    return t == (0 if layer.reverse else bundle.length[lane] - 1)


# ---------------------------------------------------------------------------- forward


cdef inline void begin_pool(const Net* net, const Bundle* bundle, Py_ssize_t width) noexcept nogil:
    """Initialise pooling before the first step. Lanes without a sequence are 0."""
    cdef const Layer* last = &net.layers[net.n_layers - 1]
    cdef Py_ssize_t size = net.n_directions * last.block_size * last.n_blocks, u, lane
    for u in range(size):
        for lane in range(width):
            bundle.read[u * width + lane] = 0
            if net.pooling == HIGHEST and lane < bundle.count:
                bundle.read[u * width + lane] = -INFINITY
    if net.pooling == HIGHEST:
        for u in range(net.n_directions * last.block_size * group(last, width)):
            bundle.highest[u] = <integer> -1  # no place


cdef inline void pool_highest(
    bint later_too, Py_ssize_t t, Py_ssize_t n, const real* cells, real* read, integer* highest
) noexcept nogil:
    """Keep the maximum of n cells."""
    cdef Py_ssize_t k = 0
    while k + LANES <= n:
        keep_highest(cells + k, later_too, t, read + k, highest + k)
        k += LANES
    while k < n:
        if cells[k] > read[k] or later_too and cells[k] == read[k]:
            read[k], highest[k] = cells[k], t
        k += 1


cdef inline void pool(
    const Net* net, const Layer* layer, const Bundle* bundle, Py_ssize_t index, Py_ssize_t t,
    Py_ssize_t width
) noexcept nogil:
    """Read the cells at position t."""
    cdef Py_ssize_t S = layer.block_size, H = layer.n_blocks, n = group(layer, width), u, g, lane
    cdef Py_ssize_t present = n_present(bundle, width, t)
    cdef const real* cells = cells_at(net, bundle, index, t, width)
    cdef real* read = bundle.read + layer.direction * S * H * width
    cdef integer* highest
    if net.pooling == LAST:
        for lane in range(present):
            if ends_at(layer, bundle, lane, t):
                for u in range(S * H):
                    read[u * width + lane] = cells[u * width + lane]
    elif net.pooling == MEAN:
        if present == width:
            for u in range(S * H * width):
                read[u] += cells[u]
        else:
            for u in range(S * H):
                for lane in range(present):
                    read[u * width + lane] += cells[u * width + lane]
    elif net.pooling == HIGHEST:
        for g in range(S):
            highest = bundle.highest + (layer.direction * S + g) * n
            if present == width:
                pool_highest(layer.reverse, t, H * width, cells, read, highest)
            else:
                for u in range(H):
                    pool_highest(layer.reverse, t, present, cells + u * width, read + u * width,
                                 highest + u * width)
            cells += H * width
            read += H * width


cdef inline void end_pool(const Net* net, const Bundle* bundle, Py_ssize_t width) noexcept nogil:
    """Complete pooling after the last step."""
    cdef const Layer* last = &net.layers[net.n_layers - 1]
    cdef Py_ssize_t u, lane
    if net.pooling == MEAN:
        for u in range(net.n_directions * last.block_size * last.n_blocks):
            for lane in range(bundle.count):
                bundle.read[u * width + lane] /= bundle.length[lane]


# ---------------------------------------------------------------------------- backward


cdef inline void begin_pool_back(
    const Net* net, const Bundle* bundle, Py_ssize_t width
) noexcept nogil:
    """Gradient at a cell from the gradient at the pooled value."""
    cdef const Layer* last = &net.layers[net.n_layers - 1]
    cdef Py_ssize_t size = last.block_size * group(last, width), d, u, lane
    cdef const real* mask
    cdef real* received
    for d in range(net.n_directions):
        received = bundle.d_read + d * size
        mask = bundle.layers[net.n_layers - net.n_directions + d].mask
        if mask != NULL:
            for u in range(size):
                received[u] *= mask[u]
        if net.pooling == MEAN:
            for u in range(size // width):
                for lane in range(bundle.count):
                    received[u * width + lane] /= bundle.length[lane]


cdef inline void receive_pooled(
    const Net* net, const Layer* layer, const Bundle* bundle, Py_ssize_t t, Py_ssize_t width,
    real* d_r
) noexcept nogil:
    """Add the gradient of the pooled values to the cells at position t."""
    cdef Py_ssize_t size = layer.block_size * group(layer, width), lane, u
    cdef Py_ssize_t present = n_present(bundle, width, t)
    cdef const real* received = bundle.d_read + layer.direction * size
    cdef const integer* highest
    if net.pooling == LAST:
        for lane in range(present):
            if ends_at(layer, bundle, lane, t):
                for u in range(size // width):
                    d_r[u * width + lane] += received[u * width + lane]
    elif net.pooling == MEAN:
        for u in range(size // width):
            for lane in range(present):
                d_r[u * width + lane] += received[u * width + lane]
    elif net.pooling == HIGHEST:
        highest = bundle.highest + layer.direction * size
        for u in range(size // LANES):
            store(d_r + u * LANES, load(d_r + u * LANES)
                  + only_at(highest + u * LANES, t, load(received + u * LANES)))
