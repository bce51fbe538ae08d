"""Symbols: the categories of a step, their weights into the units, and their gradient.

A symbol is a row of the table of weights, which follows all other parameters. The row is what a
one-hot source would add to the sums of the first layer's units. A step has one symbol for each
categorical feature, or -1 for none. Only the rows that a batch has read have a gradient.
"""

from libc.string cimport memcpy, memset

from sklstm._kernels.bundles cimport Bundle, Chunk, slot, step_at
from sklstm._kernels.layout cimport Layer, Net, matrix_size
from sklstm._kernels.products cimport reals, reals_out, units_padded
from sklstm._kernels.signals cimport Watch, stops_alone
from sklstm._kernels.simd cimport LANES, load, prefetch, real, splat, store, turn


cdef struct Read:
    # The rows of the table that a batch reads, in the order of their first appearance
    Py_ssize_t n
    Py_ssize_t room
    int* row_of  # (n_categories,) number among them, or -1
    int* symbols  # (n,)
    real* d_rows  # (n, n_weights) gradient
    real* penalty  # factor of the table itself in its gradient


cdef inline void symbol_place(
    const Layer* layer, Py_ssize_t g, Py_ssize_t* first, Py_ssize_t* stride
) noexcept nogil:
    """Position of a group of units in a row of the table, in the order of the public arrays."""
    cdef Py_ssize_t H = layer.n_blocks, S = layer.block_size, before = layer.n_groups - 1 - S
    cdef Py_ssize_t v = g - before
    first[0], stride[0] = g * H, 1
    if 0 <= v < S:
        first[0], stride[0] = before * H + v, S
    first[0] += layer.direction * layer.n_groups * H


cdef inline Py_ssize_t symbol_of(
    const Net* net, const Bundle* bundle, Py_ssize_t lane, Py_ssize_t t, Py_ssize_t c
) noexcept nogil:
    """The symbol of feature c at position t, or -1."""
    if t >= bundle.length[lane]:
        return -1
    return bundle.symbols[lane][t * net.n_categorical + c]


cdef inline void add_reals(
    Py_ssize_t n, const real* a, Py_ssize_t stride_a, real* b, Py_ssize_t stride_b
) noexcept nogil:
    """b += a, for numbers with a stride."""
    cdef Py_ssize_t j = 0
    if stride_a == 1 and stride_b == 1:
        while j + LANES <= n:
            store(b + j, load(b + j) + load(a + j))
            j += LANES
    while j < n:
        b[j * stride_b] += a[j * stride_a]
        j += 1


# ---------------------------------------------------------------------------- forward


cdef inline void add_lanes(
    Py_ssize_t n, const reals* columns,  # one for each sequence, NULL: none
    Py_ssize_t first, Py_ssize_t stride, real* z
) noexcept nogil:
    """Add the weights of one symbol of each sequence of a bundle to the sums of n units."""
    cdef Py_ssize_t j = 0, lane, k
    cdef real[LANES * LANES] turned
    while stride == 1 and j + LANES <= n:
        turn(columns, first + j, turned)
        for k in range(LANES):
            store(z + (j + k) * LANES, load(z + (j + k) * LANES) + load(turned + k * LANES))
        j += LANES
    for lane in range(LANES):
        if columns[lane] != NULL:
            add_reals(n - j, columns[lane] + first + j * stride, stride, z + j * LANES + lane,
                      LANES)


cdef inline void ask_for_symbols(
    const Net* net, const Layer* layer, const Bundle* bundle, Py_ssize_t width, Py_ssize_t t
) noexcept nogil:
    """Prefetch the weights of the symbols at position t, which may not be in a cache."""
    cdef Py_ssize_t rows = layer.n_groups * layer.n_blocks, c, lane, symbol, r
    cdef const real* column
    for c in range(net.n_categorical):
        for lane in range(width):
            symbol = symbol_of(net, bundle, lane, t, c)
            if symbol >= 0:
                column = net.table + symbol * net.n_weights + layer.direction * rows
                r = 0
                while r < rows:
                    prefetch(column + r)
                    r += LANES


cdef inline void begin_sums(
    const Net* net, const Layer* layer, const Bundle* bundle, Py_ssize_t width, Py_ssize_t t,
    real* z
) noexcept nogil:
    """Biases plus the weights of the symbols at position t, as the start of the products."""
    cdef const real* bias = layer.weights.bias[width > 1]
    cdef Py_ssize_t H = layer.n_blocks, n = units_padded(H, width) * width
    cdef Py_ssize_t size = matrix_size(&layer.weights, width), c, g, r, lane, symbol, first, stride
    cdef reals[LANES] columns
    if width == 1:
        memcpy(z, bias, size * sizeof(real))
    else:
        for r in range(size // LANES):
            store(z + r * LANES, splat(bias[r]))
    for c in range(net.n_categorical):
        for lane in range(width):
            symbol = symbol_of(net, bundle, lane, t, c)
            columns[lane] = NULL
            if symbol >= 0:
                columns[lane] = net.table + symbol * net.n_weights
        for g in range(layer.n_groups):
            symbol_place(layer, g, &first, &stride)
            if width > 1:
                add_lanes(H, columns, first, stride, z + g * n)
            elif columns[0] != NULL:
                add_reals(H, columns[0] + first, stride, z + g * n, 1)


# ---------------------------------------------------------------------------- backward


cdef inline bint find_read(
    const Net* net, const int* symbols, const long long* offsets, const long long* rows,
    Py_ssize_t n,
    Read* read
) noexcept nogil:
    """Number the rows of the table that a batch reads, and set their gradient to zero.

    False if there are more rows than memory for them.
    """
    cdef Py_ssize_t k
    cdef Py_ssize_t p
    for k in range(read.n):
        read.row_of[read.symbols[k]] = -1
    read.n = 0
    for k in range(n):
        for p in range(offsets[rows[k]] * net.n_categorical,
                       offsets[rows[k] + 1] * net.n_categorical):
            if symbols[p] >= 0 and read.row_of[symbols[p]] < 0:
                if read.n == read.room:
                    return False
                read.row_of[symbols[p]] = read.n
                read.symbols[read.n] = symbols[p]
                read.n += 1
    memset(read.d_rows, 0, read.n * net.n_weights * sizeof(real))
    return True


cdef inline void give_lanes(
    Py_ssize_t n, const real* d_z, const reals_out* d_rows,  # one for each sequence, NULL: none
    Py_ssize_t first, Py_ssize_t stride
) noexcept nogil:
    """Add the gradient at n units to the gradient of the symbols of a bundle's sequences."""
    cdef Py_ssize_t j = 0, lane, k
    cdef real[LANES * LANES] turned
    cdef reals[LANES] units
    while stride == 1 and j + LANES <= n:
        for k in range(LANES):
            units[k] = d_z + (j + k) * LANES
        turn(units, 0, turned)
        for lane in range(LANES):
            if d_rows[lane] != NULL:
                add_reals(LANES, turned + lane * LANES, 1, d_rows[lane] + first + j, 1)
        j += LANES
    for lane in range(LANES):
        if d_rows[lane] != NULL:
            add_reals(n - j, d_z + j * LANES + lane, LANES, d_rows[lane] + first + j * stride,
                      stride)


cdef inline void give_step(
    const Net* net, const Layer* layer, const Bundle* bundle, Py_ssize_t width, Py_ssize_t t,
    const real* d_z,
    Py_ssize_t first_row, Py_ssize_t stop_row, const Read* read
) noexcept nogil:
    """Add the gradient at some rows of a layer at position t to the gradient of its symbols."""
    cdef Py_ssize_t H = layer.n_blocks, padded = units_padded(H, 1), n = units_padded(H, width)
    cdef Py_ssize_t c, g, j, stop, lane, symbol, first, stride
    cdef reals_out[LANES] d_rows
    for c in range(net.n_categorical):
        for lane in range(width):
            symbol = symbol_of(net, bundle, lane, t, c)
            d_rows[lane] = NULL
            if symbol >= 0:
                d_rows[lane] = read.d_rows + <Py_ssize_t> read.row_of[symbol] * net.n_weights
        for g in range(first_row // padded, (stop_row - 1) // padded + 1):
            symbol_place(layer, g, &first, &stride)
            j, stop = max(0, first_row - g * padded), min(H, stop_row - g * padded)
            if width > 1:
                give_lanes(stop - j, d_z + (g * n + j) * LANES, d_rows, first + j * stride, stride)
            elif d_rows[0] != NULL:
                add_reals(stop - j, d_z + g * n + j, 1, d_rows[0] + first + j * stride, stride)


cdef inline void give_symbols(
    const Net* net, Py_ssize_t index, const Chunk* chunk, Py_ssize_t first_row,
    Py_ssize_t stop_row, const Read* read, Watch* watch
) noexcept nogil:
    """Continue the sums of the table's gradient over the steps of a span of a chunk's bundles.

    It covers some rows of a layer, in padded groups, as gradients.pxd divides them.
    """
    cdef const Layer* layer = &net.layers[index]
    cdef const Bundle* bundle
    cdef Py_ssize_t b, step
    cdef double work = <double> (stop_row - first_row) * net.n_categorical * chunk.width
    for b in range(chunk.n):
        bundle = &chunk.bundles[b]
        for step in range(chunk.first, min(bundle.steps, chunk.stop)):
            if stops_alone(watch, work):
                return
            give_step(net, layer, bundle, chunk.width, step_at(layer, bundle, step),
                      slot(&bundle.layers[index].z, step), first_row, stop_row, read)


cdef inline double penalize_table(
    const real* table, Py_ssize_t n, double penalty,
    real* factor,  # OUT
) noexcept nogil:
    """Pass the penalty on the n numbers of the table to the solver; return its loss."""
    cdef Py_ssize_t p
    cdef double square = 0
    factor[0] = <real> penalty
    for p in range(n if penalty != 0 else 0):
        square += <double> table[p] * table[p]
    return penalty * square / 2
