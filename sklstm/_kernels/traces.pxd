"""Traces of one layer on a stream, and the truncated gradient computed from them, block by block.

Every weight into an input gate, a forget gate or a cell has a trace: the derivative of the cell
state by that weight with constant recurrent inputs. Let keep be the factor of s(t-1) in the
recurrence of the state, and y_m the source of the weight. Equations (25) and (27) are then

    d s(t) / d w = keep d s(t-1) / d w + slope y_m

`slopes_of_cell` computes keep, and the slope by each gate and by the cell's own input. For
"peephole" the sources of a gate include the states s(t-1) of its block.

Traces are updated for several steps at once, when they are needed. The output gate has no trace,
because its gradient depends on the current step only. With pooling, the gradient of each pooled
cell is stored: that of the step of its maximum, or the sum over steps.
"""

from libc.string cimport memcpy, memset

from sklstm._kernels.cells cimport errors_of_cell, slopes_of_cell
from sklstm._kernels.layout cimport HIGHEST, Layer, Pooling, group
from sklstm._kernels.products cimport whole_vectors
from sklstm._kernels.simd cimport (
    LANES, flush_denormals, float_mode, load, real, restore_float_mode, splat, store, vec,
)


cdef enum:
    CARRIED = 4  # vectors that are updated together, in registers
    WAITING = 16  # number of steps after which traces are updated, if nothing is learned before


cdef struct Unit:
    # State of a layer between steps; units are in the order of layout.pxd, width 1
    real* source  # (F + R + 1,) x(t), r(t-1), 1 in the order of the weight columns
    real* z
    real* s
    real* s_before
    real* h
    real* r
    real* traces  # (gates before the cells + 1, cells, columns in whole vectors)
    real* peephole_traces  # (2, cells, S)
    # gradients of the pooled cells, for an error of 1 at each
    real* pooled  # (cells, gates before the cells + 2, columns in whole vectors)
    real* pooled_peepholes  # (cells, 3, S)
    # up to WAITING steps that the traces do not include yet
    real* slopes  # (WAITING, gates before the cells + 2, S, n)
    real* sources  # (WAITING, columns in whole vectors)
    real* states  # (WAITING, S, n) s(t-1), with peepholes
    # of the current step
    real* d_r
    real* d_s
    real* d_o
    unsigned char* is_highest  # (cells,) in the order of the output weights
    real* own_s  # (S, n) errors at states and output gates for an error of 1 at each cell
    real* own_o  # (S, n)


cdef inline void carry_tile(
    Py_ssize_t n,  # vectors: a constant, so that they stay in registers
    Py_ssize_t n_steps, const real* keep, const real* slope, Py_ssize_t between, const real* x,
    Py_ssize_t K,
    real* y
) noexcept nogil:
    cdef Py_ssize_t t, k
    cdef vec[CARRIED] value
    cdef vec one_keep, one_slope
    for k in range(n):
        value[k] = load(y + k * LANES)
    for t in range(n_steps):
        one_keep, one_slope = splat(keep[t * between]), splat(slope[t * between])
        for k in range(n):
            value[k] = one_keep * value[k] + one_slope * load(x + t * K + k * LANES)
    for k in range(n):
        store(y + k * LANES, value[k])


cdef inline void carry(
    Py_ssize_t n_steps, const real* keep, const real* slope, Py_ssize_t between, const real* x,
    Py_ssize_t K,
    real* y
) noexcept nogil:
    """y = keep y + slope x, K numbers in whole vectors, for several steps in turn.

    keep and slope of the steps are `between` numbers apart, and their x follow one another.
    """
    cdef Py_ssize_t p = 0
    while p + CARRIED * LANES <= K:
        carry_tile(CARRIED, n_steps, keep, slope, between, x + p, K, y + p)
        p += CARRIED * LANES
    while p < K:
        carry_tile(1, n_steps, keep, slope, between, x + p, K, y + p)
        p += LANES


cdef inline void add(real factor, const real* x, Py_ssize_t n, real* y) noexcept nogil:
    """y += factor x, for any n."""
    cdef Py_ssize_t k, p
    for p in range(n // LANES):
        store(y + p * LANES, load(y + p * LANES) + splat(factor) * load(x + p * LANES))
    for k in range(n // LANES * LANES, n):
        y[k] += factor * x[k]


cdef inline Py_ssize_t traces_of(const Layer* layer) noexcept nogil:
    """Number of traces per cell: for each gate before the cells, and for the cell's weights."""
    return layer.n_groups - layer.block_size


cdef inline Py_ssize_t slopes_size(const Layer* layer) noexcept nogil:
    """Size of the slopes of a step."""
    return (traces_of(layer) + 1) * layer.block_size * group(layer, 1)


cdef inline void make_wait(
    const Layer* layer, const Unit* unit, Py_ssize_t n_waiting
) noexcept nogil:
    """Store what the traces need from the current step, after `n_waiting` waiting steps."""
    cdef Py_ssize_t S = layer.block_size, n = group(layer, 1)
    cdef Py_ssize_t K = whole_vectors(layer.weights.columns + 1)
    slopes_of_cell(layer.cell, n, S, unit.s_before, unit.z,
                   unit.slopes + n_waiting * slopes_size(layer))
    memcpy(unit.sources + n_waiting * K, unit.source, K * sizeof(real))
    if layer.has_peepholes:
        memcpy(unit.states + n_waiting * S * n, unit.s_before, S * n * sizeof(real))


cdef inline void trace_blocks(
    const Layer* layer, const Unit* unit, Py_ssize_t n_steps, Py_ssize_t first, Py_ssize_t stop
) noexcept nogil:
    """Update the traces of some blocks with the waiting steps; may run on any thread."""
    cdef Py_ssize_t S = layer.block_size, n = group(layer, 1)
    cdef Py_ssize_t K = whole_vectors(layer.weights.columns + 1)
    cdef Py_ssize_t n_traced = traces_of(layer), cells = layer.n_blocks * S, j, v, w, c, q, t
    cdef Py_ssize_t between = slopes_size(layer)
    cdef const real* keep
    cdef const real* slope
    cdef real* trace
    cdef float_mode mode = flush_denormals()
    for j in range(first, stop):
        for v in range(S):
            c = v * layer.n_blocks + j
            slope = keep = unit.slopes + v * n + j
            for q in range(n_traced):
                slope += S * n
                carry(n_steps, keep, slope, between, unit.sources, K,
                      unit.traces + (q * cells + c) * K)
                trace = unit.peephole_traces + (q * cells + c) * S
                for t in range(n_steps if layer.has_peepholes and q < 2 else 0):
                    for w in range(S):
                        trace[w] = (keep[t * between] * trace[w]
                                    + slope[t * between] * unit.states[(t * S + w) * n + j])
    restore_float_mode(mode)


cdef inline void learn_blocks(
    const Layer* layer, const Unit* unit, Py_ssize_t first, Py_ssize_t stop, real* d_vector
) noexcept nogil:
    """Gradient of the weights into some blocks from errors at their cells; on any thread."""
    cdef const Py_ssize_t* row_at = layer.weights.padded_row_at
    cdef Py_ssize_t S = layer.block_size, n = group(layer, 1), K = layer.weights.columns + 1
    cdef Py_ssize_t H = layer.n_blocks, cells = H * S, j, v, w, c, q
    cdef Py_ssize_t n_gates = traces_of(layer) - 1  # before the cells
    cdef Py_ssize_t row = whole_vectors(K)  # of traces
    cdef real d_o, d_s
    cdef float_mode mode = flush_denormals()
    for j in range(first, stop):
        d_o = unit.d_o[j]
        add(d_o, unit.source, K, d_vector + row_at[(n_gates + S) * n + j])  # (22)
        for v in range(S):
            c, d_s = v * H + j, unit.d_s[v * n + j]
            for q in range(n_gates):
                add(d_s, unit.traces + (q * cells + c) * row, K,
                    d_vector + row_at[q * n + j])  # (26)
            add(d_s, unit.traces + (n_gates * cells + c) * row, K,
                d_vector + row_at[(n_gates + v) * n + j])  # (28)
            if layer.has_peepholes:
                d_vector[layer.peephole_at + (2 * H + j) * S + v] += d_o * unit.s[v * n + j]
                for w in range(S):
                    for q in range(2):
                        d_vector[layer.peephole_at + (q * H + j) * S + w] += (
                            d_s * unit.peephole_traces[(q * cells + c) * S + w]
                        )
    restore_float_mode(mode)


# ---------------------------------------------------------------------------- pooled cells


cdef inline void own_errors(const Layer* layer, const Unit* unit) noexcept nogil:
    """Errors at the states and output gates for an error of 1 at each cell: (21), (23)."""
    cdef Py_ssize_t S = layer.block_size, n = group(layer, 1), v, j
    for v in range(S):
        memset(unit.d_r, 0, S * n * sizeof(real))
        for j in range(n):
            unit.d_r[v * n + j] = 1
        errors_of_cell(layer.cell, n, S, unit.z, unit.h, unit.d_r, unit.d_s, unit.own_o + v * n)
        memcpy(unit.own_s + v * n, unit.d_s + v * n, n * sizeof(real))


cdef inline void pool_blocks(
    const Layer* layer, const Unit* unit, Pooling pooling, Py_ssize_t first, Py_ssize_t stop
) noexcept nogil:
    """Add the current step to the gradients of some blocks' pooled cells; on any thread."""
    cdef Py_ssize_t S = layer.block_size, n = group(layer, 1), K = layer.weights.columns + 1
    cdef Py_ssize_t n_traced = traces_of(layer), H = layer.n_blocks, j, v, w, c, q
    cdef Py_ssize_t row = whole_vectors(K)
    cdef real own_s, own_o
    cdef real* own
    cdef float_mode mode = flush_denormals()
    for j in range(first, stop):
        for v in range(S):
            c, own_s, own_o = v * H + j, unit.own_s[v * n + j], unit.own_o[v * n + j]
            own = unit.pooled + c * (n_traced + 1) * row
            if pooling == HIGHEST:
                if not unit.is_highest[j * S + v]:
                    continue
                memset(own, 0, (n_traced + 1) * row * sizeof(real))
                memset(unit.pooled_peepholes + c * 3 * S, 0, 3 * S * sizeof(real))
            for q in range(n_traced):
                add(own_s, unit.traces + (q * H * S + c) * row, K, own + q * row)
            add(own_o, unit.source, K, own + n_traced * row)
            own = unit.pooled_peepholes + c * 3 * S
            for w in range(S if layer.has_peepholes else 0):
                for q in range(2):
                    own[q * S + w] += own_s * unit.peephole_traces[(q * H * S + c) * S + w]
                own[2 * S + w] += own_o * unit.s[w * n + j]
    restore_float_mode(mode)


cdef inline void learn_pooled_blocks(
    const Layer* layer, const Unit* unit,
    const real* d_y,  # (cells,) errors at the pooled cells
    Py_ssize_t first, Py_ssize_t stop, real* d_vector
) noexcept nogil:
    """Gradient of the weights into some blocks from errors at pooled cells; on any thread."""
    cdef const Py_ssize_t* row_at = layer.weights.padded_row_at
    cdef Py_ssize_t S = layer.block_size, n = group(layer, 1), K = layer.weights.columns + 1
    cdef Py_ssize_t n_gates = traces_of(layer) - 1, H = layer.n_blocks, j, v, w, q
    cdef Py_ssize_t row = whole_vectors(K)
    cdef real error
    cdef const real* own
    cdef float_mode mode = flush_denormals()
    for j in range(first, stop):
        for v in range(S):
            error = d_y[j * S + v]
            own = unit.pooled + (v * H + j) * (n_gates + 2) * row
            for q in range(n_gates):
                add(error, own + q * row, K, d_vector + row_at[q * n + j])
            add(error, own + n_gates * row, K, d_vector + row_at[(n_gates + v) * n + j])
            add(error, own + (n_gates + 1) * row, K, d_vector + row_at[(n_gates + S) * n + j])
            own = unit.pooled_peepholes + (v * H + j) * 3 * S
            for q in range(3 if layer.has_peepholes else 0):
                for w in range(S):
                    d_vector[layer.peephole_at + (q * H + j) * S + w] += error * own[q * S + w]
    restore_float_mode(mode)
