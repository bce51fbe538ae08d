"""Nets in lanes: one net of the same shape per lane of a vector, learning forward in time.

Each lane is a net with its own parameters, independent of the other lanes. The caller decides its
inputs and targets, and when its weights change.

Learning uses the truncated gradient forward in time, equations (19) to (28). There is one trace for
each cell and each source of its input gate, forget gate and cell input: the derivative of the cell
state with recurrent inputs held constant. Gradients are summed in d_ arrays until `update` adds
them to the weights.

Inputs are numbers or symbols. A symbol represents a one-hot vector. Only its column of weights and
traces is used, so a step costs the same with 7 and with 1004 symbols. Symbols need a cell whose
traces do not decay.

Everything is (rows or columns, LANES). Rows of z are in the order of steps.pxd: gates before the
cells, cells, output gate. Columns of the hidden rows are a constant 1, the inputs (unless symbols)
and the recurrent sources; columns of the output rows a constant 1, the inputs (with shortcuts,
unless symbols) and the cells.
"""

from libc.string cimport memcpy, memset

from sklstm._kernels.arena cimport Arena, arena_take
from sklstm._kernels.cells cimport (
    PEEPHOLE, Cell, cell_named, errors_of_cell, forward_cell, gates_after, gates_before, gates_fed,
    keeps_states, slopes_of_cell,
)
from sklstm._kernels.simd cimport LANES, load, real, sigmoid, splat, store, vec
from sklstm.paper._arguments cimport require_nets
from sklstm.paper._weights cimport (
    Symbols, Weights, add_row, add_symbols, at, of_symbol, padded, product_of_each, symbols_new,
    symbols_read, symbols_update, symbols_write, vecs, weights_new, weights_read, weights_update,
    weights_write,
)


cdef struct Nets:
    Cell cell
    Py_ssize_t n_blocks
    Py_ssize_t block_size
    Py_ssize_t n_cells
    Py_ssize_t n_before  # gates before the cells
    Py_ssize_t n_after
    Py_ssize_t n_inputs  # numeric inputs
    Py_ssize_t n_fed  # recurrent sources
    Py_ssize_t n_traces  # per source: for input gates, forget gates and cell inputs of all cells
    int* row_of_trace  # (n_traces,) the hidden row that each trace trains
    bint shortcuts
    bint grow  # nets get their cells later
    bint freeze  # and then train only them
    real bias_decay  # fraction of the output biases that an update removes
    Weights hidden
    Weights head
    Symbols symbols
    real* grown  # 0 while a net has no cells, then 1
    # of the present step
    real* source  # (columns,) 1, x(t), r(t-1)
    real* read  # (columns,) 1, x(t), y(t)
    real* z
    real* s
    real* s_before
    real* h
    real* r
    real* out
    real* e  # (19), set by the caller
    real* d_y
    real* d_s  # (23)
    real* d_o  # (21)
    real* d_lane  # (n_traces numbers) d_s of one lane, for each of its traces
    real* slopes  # (1 + traced, cells) decay of a trace, and its gain per source
    real* traces  # (n_traces, columns)


cdef inline int nets_new(
    Arena* arena, Nets* nets, places, Py_ssize_t n_inputs, bint grow
) except -1:
    """Allocate nets of the shape ``_nets.Places``. `write_net` sets their parameters."""
    cdef Py_ssize_t S, b, k, q, c, n_recurrent
    nets.cell = <Cell> cell_named(places.cell)
    if nets.cell == PEEPHOLE:
        raise ValueError("trials do not support peephole cells")
    if places.symbols is not None and not keeps_states(nets.cell):
        raise ValueError("symbols need a cell whose traces do not decay")
    require_nets(places, nets.cell, n_inputs)
    nets.n_blocks, nets.block_size = b, S = places.n_blocks, places.block_size
    nets.n_cells = S * b
    nets.n_before, nets.n_after = gates_before(nets.cell), gates_after(nets.cell)
    nets.n_traces = (nets.n_before + 1) * nets.n_cells
    nets.row_of_trace = <int*> arena_take(arena, nets.n_traces, sizeof(int))
    for k in range(nets.n_traces):
        # a gate serves all cells of its block
        q, c = k // nets.n_cells, k % nets.n_cells
        nets.row_of_trace[k] = q * b + (c % b if q < nets.n_before else c)
    nets.n_fed = places.n_recurrent * b
    nets.shortcuts, nets.grow = places.shortcuts, grow
    weights_new(arena, &nets.hidden, places.hidden, places.trainable)
    weights_new(arena, &nets.head, places.head, places.trainable)
    nets.n_inputs = n_inputs
    if places.symbols is not None:
        nets.n_inputs = 0
        symbols_new(arena, &nets.symbols, nets.n_traces, places.symbols, places.trainable)
    n_recurrent = (S + gates_fed(nets.cell)) * b
    nets.source = vecs(arena, 1 + nets.n_inputs + max(n_recurrent, nets.n_fed))
    for k in range(LANES):
        nets.source[k] = 1
    nets.read = vecs(arena, 1 + nets.n_inputs + nets.n_cells)
    nets.z, nets.out = vecs(arena, padded(nets.hidden.rows)), vecs(arena, padded(nets.head.rows))
    nets.s, nets.s_before = vecs(arena, nets.n_cells), vecs(arena, nets.n_cells)
    nets.h, nets.r = vecs(arena, nets.n_cells), vecs(arena, n_recurrent)
    nets.e, nets.d_y = vecs(arena, nets.head.rows), vecs(arena, n_recurrent)
    nets.d_s, nets.d_o = vecs(arena, nets.n_cells), vecs(arena, b)
    nets.d_lane = <real*> arena_take(arena, nets.n_traces, sizeof(real))
    nets.slopes = vecs(arena, nets.n_cells + nets.n_traces)
    nets.traces = vecs(arena, <double> nets.n_traces * nets.hidden.columns)
    nets.grown = vecs(arena, 1)
    return 0


cdef inline void write_net(Nets* nets, Py_ssize_t lane, const real* vector) noexcept nogil:
    """Set the parameters of a net, and its gradients to 0."""
    weights_write(&nets.hidden, lane, vector)
    weights_write(&nets.head, lane, vector)
    symbols_write(&nets.symbols, lane, vector)


cdef inline void read_net(const Nets* nets, Py_ssize_t lane, real* vector) noexcept nogil:
    """Copy the parameters of a net to ``vector``; other places stay unchanged."""
    weights_read(&nets.hidden, lane, vector)
    weights_read(&nets.head, lane, vector)
    symbols_read(&nets.symbols, lane, vector)


cdef inline void rest_net(Nets* nets, Py_ssize_t lane, real rest) noexcept nogil:
    """Reset a net before a sequence: states and traces to 0, activations to ``rest``."""
    cdef Symbols* symbols = &nets.symbols
    cdef Py_ssize_t k
    for k in range(nets.n_cells):
        nets.s[k * LANES + lane] = 0
    for k in range(nets.n_fed):
        nets.source[(1 + nets.n_inputs + k) * LANES + lane] = rest
    for k in range(nets.n_traces * nets.hidden.columns):
        nets.traces[k * LANES + lane] = 0
    if symbols.n:
        memset(of_symbol(symbols, symbols.traces, symbols.n_traces, lane, 0), 0,
               symbols.n * symbols.n_traces * sizeof(real))


# ------------------------------------------------------------------------------- forward


cdef inline void forward(Nets* nets) noexcept nogil:
    """A step of the hidden units."""
    cdef Py_ssize_t c
    product_of_each(&nets.hidden, nets.source, nets.z)
    if nets.symbols.n:
        add_symbols(&nets.symbols, 0, nets.hidden.rows, nets.z)
    nets.s, nets.s_before = nets.s_before, nets.s
    forward_cell(nets.cell, nets.n_blocks * LANES, nets.block_size, NULL, nets.s_before, nets.z,
                 nets.s, nets.h, nets.r)
    if nets.grow:
        for c in range(nets.n_cells):
            store(nets.r + c * LANES, load(nets.r + c * LANES) * load(nets.grown))


cdef inline void outputs(Nets* nets) noexcept nogil:
    """Logistic outputs, equation (3)."""
    cdef Py_ssize_t k, K = nets.head.rows, F = nets.n_inputs if nets.shortcuts else 0
    memcpy(nets.read, nets.source, (1 + F) * LANES * sizeof(real))
    memcpy(nets.read + (1 + F) * LANES, nets.r, nets.n_cells * LANES * sizeof(real))
    product_of_each(&nets.head, nets.read, nets.out)
    if nets.shortcuts and nets.symbols.n:
        add_symbols(&nets.symbols, nets.hidden.rows, K, nets.out)
    for k in range(K):
        store(nets.out + k * LANES, sigmoid(load(nets.out + k * LANES)))


cdef inline void feed_back(Nets* nets) noexcept nogil:
    """Make the activations sources of the next step."""
    memcpy(nets.source + (1 + nets.n_inputs) * LANES, nets.r, nets.n_fed * LANES * sizeof(real))


# ---------------------------------------------------- the truncated gradient, forward in time


cdef inline void trace(Nets* nets) noexcept nogil:
    """Update the traces of all cells after a step: (25), (27)."""
    cdef Py_ssize_t lane, k, column
    cdef const real* gained = nets.slopes + nets.n_cells * LANES
    cdef Symbols* symbols = &nets.symbols
    cdef vec keep, slope
    cdef real* trace = nets.traces
    slopes_of_cell(nets.cell, nets.n_blocks * LANES, nets.block_size, nets.s_before, nets.z,
                   nets.slopes)
    for k in range(nets.n_traces):
        keep = load(nets.slopes + k % nets.n_cells * LANES)
        slope = load(gained + k * LANES)
        for column in range(nets.hidden.columns):
            store(trace, keep * load(trace) + slope * load(nets.source + column * LANES))
            trace += LANES
    if symbols.n:
        for lane in range(LANES):
            trace = of_symbol(symbols, symbols.traces, symbols.n_traces, lane, symbols.now[lane])
            for k in range(nets.n_traces):
                trace[k] += gained[k * LANES + lane]


cdef inline void learn(Nets* nets, const bint* learns) noexcept nogil:
    """Add the gradients for the errors e of this step to the d_ arrays, in lanes that learn."""
    cdef Weights* head = &nets.head
    cdef Py_ssize_t j, c, k, lane, first = head.columns - nets.n_cells
    cdef Py_ssize_t out_row = (nets.n_before + nets.block_size) * nets.n_blocks
    cdef vec d_y
    for c in range(nets.n_cells):
        d_y = splat(0)
        for k in range(head.rows):
            d_y = d_y + load(head.w + at(head, k, first + c) * LANES) * load(nets.e + k * LANES)
        store(nets.d_y + c * LANES, d_y)
    for k in range(head.rows):
        add_row(head, k, load(nets.e + k * LANES), nets.read)
    errors_of_cell(nets.cell, nets.n_blocks * LANES, nets.block_size, nets.z, nets.h, nets.d_y,
                   nets.d_s, nets.d_o)  # (21), (23)
    if nets.grow:
        for c in range(nets.n_cells):
            store(nets.d_s + c * LANES, load(nets.d_s + c * LANES) * load(nets.grown))
    for k in range(nets.n_traces):  # (26), (28)
        add_row(&nets.hidden, nets.row_of_trace[k], load(nets.d_s + k % nets.n_cells * LANES),
                nets.traces + k * nets.hidden.columns * LANES)
    for j in range(nets.n_after * nets.n_blocks):
        add_row(&nets.hidden, out_row + j, load(nets.d_o + j * LANES), nets.source)
    if nets.symbols.n:
        for lane in range(LANES):
            if learns[lane]:
                learn_symbols(nets, lane)


cdef inline void learn_symbols(Nets* nets, Py_ssize_t lane) noexcept nogil:
    """The same for the columns of one lane's symbols."""
    cdef Symbols* symbols = &nets.symbols
    cdef Py_ssize_t symbol, j, k, n = nets.n_traces
    cdef const int* row = nets.row_of_trace
    cdef const real* d_lane = nets.d_lane
    cdef Py_ssize_t out_row = (nets.n_before + nets.block_size) * nets.n_blocks
    cdef real* d
    cdef const real* trace
    for k in range(n):
        nets.d_lane[k] = nets.d_s[k % nets.n_cells * LANES + lane]
    for symbol in range(symbols.n):
        d = of_symbol(symbols, symbols.d_w, symbols.rows, lane, symbol)
        trace = of_symbol(symbols, symbols.traces, n, lane, symbol)
        for k in range(n):
            d[row[k]] += d_lane[k] * trace[k]
    d = of_symbol(symbols, symbols.d_w, symbols.rows, lane, symbols.now[lane])
    for j in range(nets.n_after * nets.n_blocks):
        d[out_row + j] += nets.d_o[j * LANES + lane]
    if nets.shortcuts and not (nets.freeze and nets.grown[lane]):
        for k in range(nets.head.rows):
            d[nets.hidden.rows + k] += nets.e[k * LANES + lane]


cdef inline void update(Nets* nets, const bint* now, const real* rates) noexcept nogil:
    """Update the weights of the lanes in `now`, each with its own rate; other rates are 0."""
    cdef Py_ssize_t lane, k
    cdef real[LANES] kept
    for lane in range(LANES):
        kept[lane] = not now[lane]
        if now[lane] and nets.bias_decay:
            for k in range(nets.head.rows):
                nets.head.w[at(&nets.head, k, 0) * LANES + lane] *= 1 - nets.bias_decay
        if now[lane]:
            symbols_update(&nets.symbols, lane, rates[lane])
    weights_update(&nets.hidden, load(rates), load(kept))
    weights_update(&nets.head, load(rates), load(kept))
