"""Traces of the symbols that a stream has read: the truncated gradient of the table (traces.pxd).

The source of such a weight is 1 at the steps that have the symbol, and 0 at all others:

    d s(t) / d w = keep d s(t-1) / d w + (slope if step t has the symbol)

so that a symbol has one trace for each gate (or the cell's own input) and cell, and only symbols
that were read have any. One that has faded to zero is let go of.
"""

from libc.string cimport memcpy, memset

from sklstm._kernels.layout cimport HIGHEST, Layer, Net, Pooling, group
from sklstm._kernels.simd cimport LANES, load, real, splat, store, vec
from sklstm._kernels.symbols cimport Read, add_reals, symbol_place
from sklstm._kernels.traces cimport WAITING, Unit, slopes_size, traces_of


cdef struct Past:
    # Of the symbols in Read, in the same order
    real* traces  # (room, gates before the cells + 1, S, n)
    real* pooled  # (room, gates before the cells + 2, S, n), see Unit
    unsigned int* when  # (room,) bit t: does the t-th waiting step have it?
    int* waiting  # (WAITING, C) symbols of the steps that wait
    int* now  # (C,) and of the present one


cdef inline Py_ssize_t traces_size(const Layer* layer) noexcept nogil:
    """Numbers that a symbol has traces of."""
    return <Py_ssize_t> traces_of(layer) * layer.block_size * group(layer, 1)


cdef inline Py_ssize_t pooled_size(const Layer* layer) noexcept nogil:
    return traces_size(layer) + layer.block_size * group(layer, 1)


cdef inline void add_symbols(
    const Net* net, const Layer* layer, const int* symbols, real* z
) noexcept nogil:
    """Add what the symbols of a step add to the sums of a layer."""
    cdef int c, g, first, stride
    for c in range(net.n_categorical):
        for g in range(layer.n_groups if symbols[c] >= 0 else 0):
            symbol_place(layer, g, &first, &stride)
            add_reals(layer.n_blocks, net.table + <Py_ssize_t> symbols[c] * net.n_weights + first,
                      stride, z + g * group(layer, 1), 1)


cdef inline void follow(
    const Net* net, const Layer* layer, Read* read, Past* past, int n_waiting
) noexcept nogil:
    """Find the symbols of the steps that wait; those that are new have had no effect so far."""
    cdef int t, c, symbol, row
    memset(past.when, 0, read.n * sizeof(unsigned int))
    for t in range(n_waiting):
        for c in range(net.n_categorical):
            symbol = past.waiting[t * net.n_categorical + c]
            if symbol < 0:
                continue
            row = read.row_of[symbol]
            if row < 0:
                row = read.row_of[symbol] = read.n
                read.symbols[row] = symbol
                read.n += 1
                past.when[row] = 0
                memset(past.traces + row * traces_size(layer), 0,
                       traces_size(layer) * sizeof(real))
                if past.pooled != NULL:
                    memset(past.pooled + row * pooled_size(layer), 0,
                           pooled_size(layer) * sizeof(real))
            past.when[row] |= 1u << t


cdef inline bint carry_symbol(
    const Layer* layer, const Unit* unit, unsigned int when, int n_waiting, real* trace
) noexcept nogil:
    """Carry the traces of a symbol over the steps that wait; are some not zero?"""
    cdef int n = group(layer, 1), size = layer.block_size * n, q, p = 0, t, j
    cdef Py_ssize_t between = slopes_size(layer)
    cdef const real* keep
    cdef const real* slope
    cdef vec value
    cdef bint some = False
    while p < size:
        keep = unit.slopes + p
        for q in range(traces_of(layer)):
            slope = keep + (q + 1) * size
            value = load(trace + q * size + p)
            for t in range(n_waiting):
                value = load(keep + t * between) * value
                if when >> t & 1:
                    value = value + load(slope + t * between)
            store(trace + q * size + p, value)
        p += LANES
    for q in range(traces_of(layer) * layer.block_size):
        for j in range(layer.n_blocks):  # behind them is padding
            some = some or trace[q * n + j] != 0
    return some


cdef inline void let_go(const Layer* layer, Read* read, Past* past, int row) noexcept nogil:
    """Forget a symbol; the last one takes its place."""
    cdef int last = read.n - 1
    cdef Py_ssize_t size = traces_size(layer)
    read.row_of[read.symbols[row]] = -1
    if row != last:
        read.symbols[row] = read.symbols[last]
        read.row_of[read.symbols[row]] = row
        memcpy(past.traces + row * size, past.traces + last * size, size * sizeof(real))
    read.n -= 1


cdef inline void carry_symbols(
    const Net* net, const Layer* layer, const Unit* unit, Read* read, Past* past, int n_waiting
) noexcept nogil:
    """Carry the traces of all symbols over the steps that wait."""
    cdef int row
    follow(net, layer, read, past, n_waiting)
    for row in range(read.n - 1, -1, -1):
        if not carry_symbol(layer, unit, past.when[row], n_waiting,
                            past.traces + row * traces_size(layer)) and past.pooled == NULL:
            let_go(layer, read, past, row)


cdef inline bint is_now(const Net* net, const Past* past, int symbol) noexcept nogil:
    cdef int c
    for c in range(net.n_categorical):
        if past.now[c] == symbol:
            return True
    return False


cdef inline void pool_symbols(
    const Net* net, const Layer* layer, const Unit* unit, const Read* read, const Past* past
) noexcept nogil:
    """Take the present step into the gradients of the pooled cells."""
    cdef int S = layer.block_size, n = group(layer, 1), H = layer.n_blocks
    cdef int n_traced = traces_of(layer), row, q, v, j, at
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
    cdef int S = layer.block_size, n = group(layer, 1), n_gates = traces_of(layer) - 1
    cdef int q, v, j, first, stride
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
    cdef int row, j, first, stride
    cdef real* d_row
    symbol_place(layer, layer.n_groups - 1, &first, &stride)
    memset(read.d_rows, 0, <Py_ssize_t> read.n * net.n_weights * sizeof(real))
    for row in range(read.n):
        d_row = read.d_rows + <Py_ssize_t> row * net.n_weights
        learn_symbol(layer, unit.d_s, past.traces + row * traces_size(layer), d_row)
        for j in range(layer.n_blocks if is_now(net, past, read.symbols[row]) else 0):
            d_row[first + j] = unit.d_o[j]


cdef inline void learn_pooled_symbols(
    const Net* net, const Layer* layer, const Unit* unit,
    const real* d_y,  # (cells,) errors at the pooled cells
    const Read* read, const Past* past
) noexcept nogil:
    """The same from the errors at pooled cells."""
    cdef int S = layer.block_size, n = group(layer, 1), row, j, v, first, stride
    cdef const real* own
    cdef real* d_row
    symbol_place(layer, layer.n_groups - 1, &first, &stride)
    memset(read.d_rows, 0, <Py_ssize_t> read.n * net.n_weights * sizeof(real))
    for v in range(S):
        for j in range(layer.n_blocks):
            unit.d_s[v * n + j] = d_y[j * S + v]
    for row in range(read.n):
        d_row = read.d_rows + <Py_ssize_t> row * net.n_weights
        own = past.pooled + row * pooled_size(layer)
        learn_symbol(layer, unit.d_s, own, d_row)
        own += traces_size(layer)
        for v in range(S):
            for j in range(layer.n_blocks):
                d_row[first + j] += unit.d_s[v * n + j] * own[v * n + j]
