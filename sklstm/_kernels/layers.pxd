"""A chunk of sequences through a layer, forward and backward, on the products and the cells.

Inside a chunk everything is (steps, units, width): unit j of sequence l lies at j * width + l,
units in the order of layout.pxd.
"""

from libc.string cimport memset

from sklstm._kernels.cells cimport backward_cell, forward_cell
from sklstm._kernels.layout cimport (
    Layer, Matrix, Net, group, matrix_row_at, matrix_rows, matrix_size, z_size,
)
from sklstm._kernels.products cimport (
    Column, Source, add_gradient, product, rows_padded, units_padded,
)
from sklstm._kernels.simd cimport LANES, load, real, store


cdef struct History:
    # What a layer remembers of its steps. mask: -1 keeps all, 1 the last two, 0 the last one.
    real* at
    Py_ssize_t mask


cdef struct Memory:
    # Of one layer in one thread.
    History z, s, h, r
    real* d_peephole  # (3, S, n)


cdef struct Space:
    # Of one thread; sizes in _cell.pyx.
    History x
    Memory* layers
    History* d_y  # of each level: gradient at its cells
    real* d_s
    real* d_r
    real* read  # cells that the output layer sees, at the last step
    real* d_read
    History out  # raw outputs, then their gradient
    real* ones
    Source* sources
    Column* columns


cdef struct Chunk:
    # `count` sequences side by side, the longest first
    int width
    int count
    int steps  # of the longest
    const real* x[64]
    int length[64]
    Py_ssize_t row[64]


cdef inline Py_ssize_t spread(Py_ssize_t size) noexcept nogil:
    """Distance from step to step: an odd number of vectors, so that one unit's steps do not all
    fall into the same few sets of the cache."""
    return ((size + LANES - 1) // LANES | 1) * LANES


cdef inline real* slot(const History* history, Py_ssize_t t, Py_ssize_t size) noexcept nogil:
    return history.at + (t & history.mask) * spread(size)


cdef inline real* state(
    const History* history, const Layer* layer, Py_ssize_t t, Py_ssize_t size
) noexcept nogil:
    """What the layer held after step t; the slot beyond the first step is its zero start."""
    return slot(history, t if layer.reverse else t + 1, size)


cdef inline real* state_before(
    const History* history, const Layer* layer, Py_ssize_t t, Py_ssize_t size
) noexcept nogil:
    return slot(history, t + 1 if layer.reverse else t, size)


cdef inline int add_runs(
    const real* at, int groups, int units, int width, int n, Source* sources
) noexcept nogil:
    """Append groups of units as sources n, n + 1 ...; return the new number."""
    cdef int g
    if width > 1:
        sources[n].at = at
        sources[n].count = groups * units
        return n + 1
    for g in range(groups):
        sources[n + g].at = at + g * units_padded(units, 1)
        sources[n + g].count = units
    return n + groups


cdef inline int add_columns(
    const real* at, Py_ssize_t stride, int groups, int units, int width, int n, Column* columns
) noexcept nogil:
    """Append groups of units over time as columns n, n + 1 ...; return the new number."""
    cdef int g, j
    for g in range(groups):
        for j in range(units):
            columns[n].at = at + (g * units_padded(units, width) + j) * width
            columns[n].stride = stride
            n += 1
    return n


cdef inline void copy_lane(
    const real* source, int units, int width, int lane, real* target
) noexcept nogil:
    cdef int u
    for u in range(units):
        target[u * width + lane] = source[u * width + lane]


cdef inline void silence_ended(const Chunk* chunk, int t, int units, real* at) noexcept nogil:
    """Zero the units of the sequences that have no step t."""
    cdef int u, lane
    for lane in range(chunk.width):
        if t >= chunk.length[lane]:
            for u in range(units):
                at[u * chunk.width + lane] = 0


cdef inline void gather(const Chunk* chunk, int t, int n_features, real* x) noexcept nogil:
    """Inputs of step t, side by side."""
    cdef int lane, f
    for lane in range(chunk.width):
        if t < chunk.length[lane]:
            for f in range(n_features):
                x[f * chunk.width + lane] = chunk.x[lane][t * n_features + f]
        else:
            for f in range(n_features):
                x[f * chunk.width + lane] = 0


cdef inline int cell_sources(
    const Net* net, const Space* space, int level, int width, int t, int n
) noexcept nogil:
    """Append the cells of a level at step t."""
    cdef int d
    cdef Layer* layer
    cdef int size
    for d in range(net.n_directions):
        layer = &net.layers[level * net.n_directions + d]
        size = layer.n_recurrent * group(layer, width)
        n = add_runs(
            state(&space.layers[level * net.n_directions + d].r, layer, t, size),
            layer.block_size, layer.n_blocks, width, n, space.sources,
        )
    return n


cdef inline int cell_columns(
    const Net* net, const Space* space, int level, int width, int n
) noexcept nogil:
    """Append the cells of a level over time."""
    cdef int d
    cdef Layer* layer
    cdef int size
    for d in range(net.n_directions):
        layer = &net.layers[level * net.n_directions + d]
        size = layer.n_recurrent * group(layer, width)
        n = add_columns(
            state(&space.layers[level * net.n_directions + d].r, layer, 0, size), spread(size),
            layer.block_size, layer.n_blocks, width, n, space.columns,
        )
    return n


cdef inline void forward_layer(
    const Net* net, const Space* space, const Chunk* chunk, int index
) noexcept nogil:
    """All steps of a layer, from a zero state."""
    cdef const Layer* layer = &net.layers[index]
    cdef const Memory* memory = &space.layers[index]
    cdef const Matrix* weights = &layer.weights
    cdef int width = chunk.width, wide = width > 1
    cdef int S = layer.block_size, n = group(layer, width)
    cdef int r_size = layer.n_recurrent * n, top = net.n_layers // net.n_directions - 1
    cdef int step, t, n_sources, lane
    cdef real *z
    cdef real *s
    cdef real *h
    cdef real *r
    cdef real *s_prev
    cdef real *x
    t = chunk.steps - 1 if layer.reverse else 0
    memset(state_before(&memory.s, layer, t, S * n), 0, S * n * sizeof(real))
    memset(state_before(&memory.r, layer, t, r_size), 0, r_size * sizeof(real))
    for step in range(chunk.steps):
        t = chunk.steps - 1 - step if layer.reverse else step
        n_sources = 0
        if layer.level > 0:
            n_sources = cell_sources(net, space, layer.level - 1, width, t, 0)
        else:
            x = <real*> chunk.x[0] + <Py_ssize_t> t * net.n_features
            if wide:
                x = slot(&space.x, t, net.n_features * width)
                gather(chunk, t, net.n_features, x)
            space.sources[0].at = x
            space.sources[0].count = net.n_features
            n_sources = 1
        n_sources = add_runs(
            state_before(&memory.r, layer, t, r_size), layer.n_recurrent, layer.n_blocks, width,
            n_sources, space.sources,
        )
        z = slot(&memory.z, t, z_size(layer, width))
        product(matrix_rows(weights, width), weights.columns, width, weights.packed[wide],
                weights.bias[wide], space.sources, n_sources, z)
        s_prev = state_before(&memory.s, layer, t, S * n)
        s = state(&memory.s, layer, t, S * n)
        h = slot(&memory.h, t, S * n)
        r = state(&memory.r, layer, t, r_size)
        forward_cell(layer.cell, n, S, layer.peephole[wide], s_prev, z, s, h, r)
        if layer.reverse and t >= chunk.length[width - 1]:
            silence_ended(chunk, t, S * n // width, s)
            silence_ended(chunk, t, r_size // width, r)
        if layer.level == top and not net.return_sequences:
            for lane in range(width):
                if t == (0 if layer.reverse else chunk.length[lane] - 1):
                    copy_lane(r, S * n // width, width, lane,
                              space.read + layer.direction * S * n)


cdef inline void backward_layer(
    const Net* net, const Space* space, const Chunk* chunk, int index
) noexcept nogil:
    """Undo `forward_layer`: z becomes the gradient at the pre-activations of every step."""
    cdef const Layer* layer = &net.layers[index]
    cdef const Memory* memory = &space.layers[index]
    cdef const Matrix* back = &layer.recurrent_back
    cdef const History* d_y = &space.d_y[layer.level]
    cdef int width = chunk.width, wide = width > 1
    cdef int S = layer.block_size, n = group(layer, width)
    cdef int r_size = layer.n_recurrent * n, top = net.n_layers // net.n_directions - 1
    cdef int d_y_size = rows_padded(net.n_directions * S * n // width, width) * width
    cdef bint at_end = layer.level == top and not net.return_sequences
    cdef int step, t, n_sources, lane, u
    cdef real *z
    cdef real *h
    cdef real *s
    cdef real *s_prev
    cdef real *d_s = space.d_s
    cdef real *d_r = space.d_r
    cdef const real *received
    memset(d_s, 0, S * n * sizeof(real))
    memset(d_r, 0, r_size * sizeof(real))
    for step in range(chunk.steps):
        t = step if layer.reverse else chunk.steps - 1 - step
        if layer.reverse and t >= chunk.length[width - 1]:
            silence_ended(chunk, t, S * n // width, d_s)
            silence_ended(chunk, t, r_size // width, d_r)
        if at_end:
            received = space.d_read + layer.direction * S * n
            for lane in range(width):
                if t == (0 if layer.reverse else chunk.length[lane] - 1):
                    for u in range(S * n // width):
                        d_r[u * width + lane] += received[u * width + lane]
        else:
            received = slot(d_y, t, d_y_size) + layer.direction * S * n
            for u in range(S * n // LANES):
                store(d_r + u * LANES, load(d_r + u * LANES) + load(received + u * LANES))
        z = slot(&memory.z, t, z_size(layer, width))
        s_prev = state_before(&memory.s, layer, t, S * n)
        s = state(&memory.s, layer, t, S * n)
        h = slot(&memory.h, t, S * n)
        backward_cell(layer.cell, n, S, layer.flow[wide], s_prev, s, h, d_r, z, d_s,
                      memory.d_peephole)
        if net.full and step < chunk.steps - 1:
            n_sources = add_runs(z, layer.n_groups, layer.n_blocks, width, 0, space.sources)
            product(matrix_rows(back, width), back.columns, width, back.packed[wide], NULL,
                    space.sources, n_sources, d_r)
        else:
            # truncated: r(t-1) is a constant
            memset(d_r, 0, r_size * sizeof(real))


cdef inline void backward_inputs(
    const Net* net, const Space* space, const Chunk* chunk, int level
) noexcept nogil:
    """Gradient at the cells below a level, at all steps."""
    cdef const Matrix* back = &net.input_back[level]
    cdef int width = chunk.width, t, d, n_sources
    cdef const Layer* layer
    for t in range(chunk.steps):
        n_sources = 0
        for d in range(net.n_directions):
            layer = &net.layers[level * net.n_directions + d]
            n_sources = add_runs(
                slot(&space.layers[level * net.n_directions + d].z, t, z_size(layer, width)),
                layer.n_groups, layer.n_blocks, width, n_sources, space.sources,
            )
        product(matrix_rows(back, width), back.columns, width, back.packed[width > 1], NULL,
                space.sources, n_sources,
                slot(&space.d_y[level - 1], t, matrix_size(back, width)))


cdef inline void add_layer_gradient(
    const Net* net, const Space* space, const Chunk* chunk, int index, real* d_vector
) noexcept nogil:
    """Gradient of a layer's parameters, added to the flat one."""
    cdef const Layer* layer = &net.layers[index]
    cdef const Memory* memory = &space.layers[index]
    cdef const Matrix* weights = &layer.weights
    cdef int width = chunk.width, S = layer.block_size, H = layer.n_blocks
    cdef int n = group(layer, width), r_size = layer.n_recurrent * n
    cdef int count, g, v, j, lane
    cdef const real* x = chunk.x[0] if width == 1 else space.x.at
    cdef real total
    if layer.level > 0:
        count = cell_columns(net, space, layer.level - 1, width, 0)
    else:
        count = 0
        for j in range(net.n_features):
            space.columns[j].at = x + j * width
            space.columns[j].stride = (
                net.n_features if width == 1 else spread(net.n_features * width)
            )
        count = net.n_features
    count = add_columns(state_before(&memory.r, layer, 0, r_size), spread(r_size),
                        layer.n_recurrent, H, width, count, space.columns)
    space.columns[count].at = space.ones
    space.columns[count].stride = 0
    add_gradient(chunk.steps, matrix_rows(weights, width), width, memory.z.at,
                 spread(z_size(layer, width)), space.columns, count + 1,
                 matrix_row_at(weights, width),
                 weights.column_at, d_vector)
    if layer.has_peepholes:
        for g in range(3):
            for v in range(S):
                for j in range(H):
                    total = 0
                    for lane in range(width):
                        total += memory.d_peephole[(g * S + v) * n + j * width + lane]
                    d_vector[layer.peephole_at + (g * H + j) * S + v] += total
        memset(memory.d_peephole, 0, 3 * S * n * sizeof(real))


cdef inline void forward(const Net* net, const Space* space, const Chunk* chunk) noexcept nogil:
    """Raw outputs of a chunk: at the last step, or at every step."""
    cdef const Matrix* head = &net.head
    cdef int width = chunk.width, wide = width > 1, size = matrix_size(head, width)
    cdef int top = net.n_layers // net.n_directions - 1
    cdef int index, t, n_sources
    cdef const Layer* layer = &net.layers[net.n_layers - 1]
    for index in range(net.n_layers):
        forward_layer(net, space, chunk, index)
    for t in range(chunk.steps if net.return_sequences else 1):
        if net.return_sequences:
            n_sources = cell_sources(net, space, top, width, t, 0)
        else:
            n_sources = add_runs(space.read, net.n_directions * layer.block_size, layer.n_blocks,
                                 width, 0, space.sources)
        product(matrix_rows(head, width), head.columns, width, head.packed[wide], head.bias[wide],
                space.sources, n_sources, slot(&space.out, t, size))


cdef inline void backward(
    const Net* net, const Space* space, const Chunk* chunk, real* d_vector
) noexcept nogil:
    """Undo `forward`, from the gradient at the raw outputs; add to the gradient of everything."""
    cdef const Matrix* head = &net.head
    cdef const Matrix* back = &net.head_back
    cdef int width = chunk.width, wide = width > 1, size = matrix_size(head, width)
    cdef int top = net.n_layers // net.n_directions - 1
    cdef int t, d, level, n_sources, count
    cdef int steps = chunk.steps if net.return_sequences else 1
    cdef const Layer* layer = &net.layers[net.n_layers - 1]
    for t in range(steps):
        n_sources = add_runs(slot(&space.out, t, size), 1, net.n_outputs, width, 0, space.sources)
        product(matrix_rows(back, width), back.columns, width, back.packed[wide], NULL,
                space.sources, n_sources,
                slot(&space.d_y[top], t, matrix_size(back, width)) if net.return_sequences
                else space.d_read)
    if net.return_sequences:
        count = cell_columns(net, space, top, width, 0)
    else:
        count = add_columns(space.read, 0, net.n_directions * layer.block_size, layer.n_blocks,
                            width, 0, space.columns)
    space.columns[count].at = space.ones
    space.columns[count].stride = 0
    add_gradient(steps, matrix_rows(head, width), width, space.out.at, spread(size), space.columns,
                 count + 1, matrix_row_at(head, width), head.column_at, d_vector)
    for level in range(top, -1, -1):
        for d in range(net.n_directions):
            backward_layer(net, space, chunk, level * net.n_directions + d)
            if level == 0:
                add_layer_gradient(net, space, chunk, d, d_vector)
        if level > 0:
            backward_inputs(net, space, chunk, level)
            for d in range(net.n_directions):
                add_layer_gradient(net, space, chunk, level * net.n_directions + d, d_vector)
