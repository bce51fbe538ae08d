"""Traces of the symbols that a stream has read: the truncated gradient of the table (traces.pxd).

The source of such a weight is 1 at the steps that have the symbol, and 0 at all others:

    d s(t) / d w = keep d s(t-1) / d w + (slope if step t has the symbol)

A symbol therefore has one trace for each gate (or the cell's own input) and cell, and only symbols
that were read have traces. Traces are updated for several steps at once; symbols that did not
appear in these steps are multiplied by the product of keep. The steps wait in sections of fixed
length, regardless of when the stream learns or is saved, so that sums run in a fixed order. A
symbol is dropped when its traces have faded below the rounding error of their size at its last
appearance.
"""

from libc.string cimport memcpy, memset

from sklstm._kernels.layout cimport HIGHEST, Layer, Net, group
from sklstm._kernels.simd cimport LANES, largest_size, load, real, splat, store, vec
from sklstm._kernels.symbols cimport Read, add_reals, symbol_place
from sklstm._kernels.traces cimport WAITING, Unit, slopes_size, traces_of


cdef struct Past:
    # Of the symbols in Read, in the same order
    real* traces  # (room, gates before the cells + 1, S, n) at the begin of the section
    real* pooled  # (room, gates before the cells + 2, S, n), see Unit
    real* highest  # (room,) size of the traces when the symbol appeared last
    unsigned int* when  # (room,) bit t: does the t-th step of the section have it?
    # of the section
    Py_ssize_t n_waiting  # steps
    real* slopes  # (WAITING, gates before the cells + 2, S, n)
    real* keep  # (S, n) product
    int* waiting  # (WAITING, C) symbols
    int* now  # (C,) of the present step
    real* current  # (gates before the cells + 1, S, n) traces of one symbol now


cdef inline real rounding() noexcept nogil:
    return <real> (1.2e-7 if sizeof(real) == 4 else 2.2e-16)


cdef inline Py_ssize_t traces_size(const Layer* layer) noexcept nogil:
    """Number of traces of a symbol."""
    return traces_of(layer) * layer.block_size * group(layer, 1)


cdef inline Py_ssize_t pooled_size(const Layer* layer) noexcept nogil:
    return traces_size(layer) + layer.block_size * group(layer, 1)


cdef inline void add_symbols(
    const Net* net, const Layer* layer, const int* symbols, real* z
) noexcept nogil:
    """Add the weights of a step's symbols to the sums of a layer."""
    cdef Py_ssize_t c, g, first, stride
    for c in range(net.n_categorical):
        for g in range(layer.n_groups if symbols[c] >= 0 else 0):
            symbol_place(layer, g, &first, &stride)
            add_reals(layer.n_blocks, net.table + <Py_ssize_t> symbols[c] * net.n_weights + first,
                      stride, z + g * group(layer, 1), 1)


cdef inline void begin_section(const Layer* layer, Past* past) noexcept nogil:
    cdef Py_ssize_t p = 0
    past.n_waiting = 0
    while p < layer.block_size * group(layer, 1):
        store(past.keep + p, splat(1))
        p += LANES


cdef inline void forget_symbols(const Net* net, Read* read, Past* past) noexcept nogil:
    cdef Py_ssize_t row
    for row in range(read.n):
        read.row_of[read.symbols[row]] = -1
    read.n = 0
    begin_section(&net.layers[0], past)


cdef inline void find_symbol(
    const Layer* layer, Read* read, Past* past, Py_ssize_t symbol, Py_ssize_t t
) noexcept nogil:
    """Record that the t-th step of the section has a symbol. New symbols start with zero traces."""
    cdef Py_ssize_t row = read.row_of[symbol]
    if row < 0:
        row = read.row_of[symbol] = read.n
        read.symbols[row] = symbol
        read.n += 1
        past.when[row], past.highest[row] = 0, 0
        memset(past.traces + row * traces_size(layer), 0, traces_size(layer) * sizeof(real))
        if past.pooled != NULL:
            memset(past.pooled + row * pooled_size(layer), 0, pooled_size(layer) * sizeof(real))
    past.when[row] |= 1u << t


cdef inline void count_step(
    const Net* net, const Layer* layer, Read* read, Past* past
) noexcept nogil:
    """Append a step to the section, whose slopes and symbols are already stored."""
    cdef Py_ssize_t c, p = 0, t = past.n_waiting
    cdef const real* keep = past.slopes + t * slopes_size(layer)
    cdef const int* symbols = past.waiting + t * net.n_categorical
    while p < layer.block_size * group(layer, 1):
        store(past.keep + p, load(past.keep + p) * load(keep + p))
        p += LANES
    for c in range(net.n_categorical):
        if symbols[c] >= 0:
            find_symbol(layer, read, past, symbols[c], t)
    past.n_waiting += 1


cdef inline void take_step(
    const Net* net, const Layer* layer, const real* slopes, const int* symbols,
    Read* read, Past* past
) noexcept nogil:
    """Store a waiting step with its slopes."""
    cdef Py_ssize_t S = layer.block_size, n = group(layer, 1), H = layer.n_blocks
    cdef Py_ssize_t q, j
    cdef real* own = past.slopes + past.n_waiting * slopes_size(layer)
    memcpy(own, slopes, slopes_size(layer) * sizeof(real))
    for q in range((traces_of(layer) + 1) * S if n > H else 0):
        for j in range(H, n):
            own[q * n + j] = 0  # so that padding has no traces
    memcpy(past.now, symbols, net.n_categorical * sizeof(int))
    memcpy(past.waiting + past.n_waiting * net.n_categorical, symbols,
           net.n_categorical * sizeof(int))
    count_step(net, layer, read, past)


cdef inline void trace_symbol(
    const Layer* layer, const Past* past, Py_ssize_t row,
    real* trace,  # OUT    may be the one at the begin of the section
) noexcept nogil:
    """The traces of a symbol after the waiting steps."""
    cdef Py_ssize_t size = layer.block_size * group(layer, 1), q, p, t
    cdef Py_ssize_t between = slopes_size(layer)
    cdef const real* start = past.traces + row * traces_size(layer)
    cdef const real* slope
    cdef unsigned int when = past.when[row]
    cdef vec value
    for q in range(traces_of(layer)):
        p = 0
        while p < size:
            value = load(start + q * size + p)
            slope = past.slopes + p
            if when == 0:
                value = load(past.keep + p) * value
            for t in range(past.n_waiting if when != 0 else 0):
                value = load(slope) * value  # keep
                if when >> t & 1:
                    value = value + load(slope + (q + 1) * size)
                slope += between
            store(trace + q * size + p, value)
            p += LANES


cdef inline void let_go(const Layer* layer, Read* read, Past* past, Py_ssize_t row) noexcept nogil:
    """Remove a symbol; the last one moves to its row."""
    cdef Py_ssize_t last = read.n - 1
    cdef Py_ssize_t size = traces_size(layer)
    read.row_of[read.symbols[row]] = -1
    if row != last:
        read.symbols[row] = read.symbols[last]
        read.row_of[read.symbols[row]] = row
        past.highest[row] = past.highest[last]
        memcpy(past.traces + row * size, past.traces + last * size, size * sizeof(real))
    read.n -= 1


cdef inline void end_section(const Layer* layer, Read* read, Past* past) noexcept nogil:
    """Update all traces with the waiting steps, from the last row to the first."""
    cdef Py_ssize_t row
    cdef real size
    cdef real* trace
    for row in range(read.n - 1, -1, -1):
        trace = past.traces + row * traces_size(layer)
        trace_symbol(layer, past, row, trace)
        if past.pooled == NULL:
            size = largest_size(trace, traces_size(layer))
            if past.when[row] != 0:
                past.highest[row] = size
            elif size <= rounding() * past.highest[row]:
                let_go(layer, read, past, row)
        past.when[row] = 0
    begin_section(layer, past)


cdef inline bint is_now(const Net* net, const Past* past, Py_ssize_t symbol) noexcept nogil:
    cdef Py_ssize_t c
    for c in range(net.n_categorical):
        if past.now[c] == symbol:
            return True
    return False


cdef inline void pool_symbols(
    const Net* net, const Layer* layer, const Unit* unit, const Read* read, const Past* past
) noexcept nogil:
    """Add the current step to the gradients of the pooled cells."""
    cdef Py_ssize_t S = layer.block_size, n = group(layer, 1), H = layer.n_blocks
    cdef Py_ssize_t n_traced = traces_of(layer), row, q, v, j, at
    cdef real new
    cdef const real* trace
    cdef real* own
    for row in range(read.n):
        trace = past.traces + row * traces_size(layer)
        own = past.pooled + row * pooled_size(layer)
        for q in range(n_traced + 1):
            for v in range(S):
                for j in range(H):
                    at = (q * S + v) * n + j
                    if q < n_traced:
                        new = unit.own_s[v * n + j] * trace[at]
                    else:
                        new = unit.own_o[v * n + j] * is_now(net, past, read.symbols[row])
                    if net.pooling != HIGHEST:
                        own[at] += new
                    elif unit.is_highest[j * S + v]:
                        own[at] = new


cdef inline void learn_symbol(
    const Layer* layer,
    const real* error,  # (S, n) at the states, or at the pooled cells
    const real* gradients,  # of a symbol, for an error of 1: traces or what is pooled
    real* d_row
) noexcept nogil:
    """Gradient of the weights of a symbol into the gates before the cells and the cells."""
    cdef Py_ssize_t S = layer.block_size, n = group(layer, 1), n_gates = traces_of(layer) - 1
    cdef Py_ssize_t q, v, j, first, stride
    for q in range(n_gates):
        symbol_place(layer, q, &first, &stride)
        for v in range(S):
            for j in range(layer.n_blocks):
                d_row[first + j * stride] += error[v * n + j] * gradients[(q * S + v) * n + j]
    for v in range(S):
        symbol_place(layer, n_gates + v, &first, &stride)
        for j in range(layer.n_blocks):
            d_row[first + j * stride] = error[v * n + j] * gradients[(n_gates * S + v) * n + j]


cdef inline void learn_symbols(
    const Net* net, const Layer* layer, const Unit* unit, const Read* read, const Past* past
) noexcept nogil:
    """Gradient of the table from the errors at the states and output gates."""
    cdef Py_ssize_t row, j, first, stride
    cdef real* d_row
    symbol_place(layer, layer.n_groups - 1, &first, &stride)
    memset(read.d_rows, 0, read.n * net.n_weights * sizeof(real))
    for row in range(read.n):
        d_row = read.d_rows + row * net.n_weights
        trace_symbol(layer, past, row, past.current)
        learn_symbol(layer, unit.d_s, past.current, d_row)
        for j in range(layer.n_blocks if is_now(net, past, read.symbols[row]) else 0):
            d_row[first + j] = unit.d_o[j]


cdef inline void learn_pooled_symbols(
    const Net* net, const Layer* layer, const Unit* unit,
    const real* d_y,  # (cells,) errors at the pooled cells
    const Read* read, const Past* past
) noexcept nogil:
    """Gradient of the table from the errors at the pooled cells."""
    cdef Py_ssize_t S = layer.block_size, n = group(layer, 1), row, j, v, first, stride
    cdef const real* own
    cdef real* d_row
    symbol_place(layer, layer.n_groups - 1, &first, &stride)
    memset(read.d_rows, 0, read.n * net.n_weights * sizeof(real))
    for v in range(S):
        for j in range(layer.n_blocks):
            unit.d_s[v * n + j] = d_y[j * S + v]
    for row in range(read.n):
        d_row = read.d_rows + row * net.n_weights
        own = past.pooled + row * pooled_size(layer)
        learn_symbol(layer, unit.d_s, own, d_row)
        own += traces_size(layer)
        for v in range(S):
            for j in range(layer.n_blocks):
                d_row[first + j] += unit.d_s[v * n + j] * own[v * n + j]
