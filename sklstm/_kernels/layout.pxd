"""A network in the order of the kernels: positions of its parameters, and packing them.

A group has one unit of every block. The groups are: each gate except the output gate, the first
cells, the second cells and so on, the output gates. Recurrent sources are the groups of cells and,
for "1997", the groups of input and output gates. In units (width = 1) a group is padded to whole
vectors. Only the kernels use this order. A `Matrix` maps it to positions in the flat vector of
parameters. The positions are computed once. The parameters are packed again in every call, because
users may have changed them.
"""

from libc.string cimport memcpy

from sklstm._kernels.arena cimport Arena, arena_take
from sklstm._kernels.cells cimport Cell, cell_named
from sklstm._kernels.dropout cimport Dropout
from sklstm._kernels.products cimport Runs, pack, rows_of, rows_padded, units_padded
from sklstm._kernels.simd cimport LANES, real
from sklstm._kernels.teams cimport Member


cdef enum Pooling:
    # What the output layer reads, if there is one output per sequence:
    LAST  # the cells at the last step,
    HIGHEST  # their maximum
    MEAN  # or their mean over all steps


cdef struct Matrix:
    # A weight matrix (or the transpose of a part of one): `groups` groups of `units` rows.
    Py_ssize_t groups
    Py_ssize_t units
    Py_ssize_t columns  # without the bias
    Py_ssize_t column_groups  # number of groups of sources; 0 if sources are side by side
    Py_ssize_t* row_at  # (groups * units,) positions of the rows, in lanes
    Py_ssize_t* padded_row_at  # (groups * padded units,), in units
    Py_ssize_t* column_at  # (columns + 1,) relative to the row's; the bias last
    real* packed[2]  # in units, in lanes
    real* bias[2]


cdef struct Layer:
    # One direction of one hidden layer.
    Cell cell
    Py_ssize_t n_blocks  # H
    Py_ssize_t block_size  # S
    Py_ssize_t n_groups  # groups of rows: G - 1 gates before the cells, S cells, 1 output gate
    Py_ssize_t n_recurrent  # groups of recurrent sources
    Py_ssize_t n_inputs  # F, or the cells below
    Py_ssize_t level
    Py_ssize_t direction
    bint reverse
    Matrix weights
    Matrix recurrent_back  # from rows to recurrent sources
    Matrix input_back  # from rows to the cells below or, if they are explained, to the features
    bint has_peepholes
    Py_ssize_t peephole_at
    real* peephole[2]  # (3, S, n)
    real* flow[2]  # the same, or zeros if errors do not flow through peepholes


cdef struct Net:
    Layer* layers
    Py_ssize_t n_layers
    Py_ssize_t n_directions
    Py_ssize_t n_features
    Py_ssize_t n_outputs
    Py_ssize_t n_categorical  # symbols that a step has, see symbols.pxd
    Py_ssize_t n_weights  # of a symbol
    const real* table  # (symbols, n_weights), after all other parameters
    Matrix* head  # (directions,) from the cells of the last level; the first has the bias
    Matrix* head_back
    bint return_sequences
    Pooling pooling
    bint full
    bint explains  # are the gradients at the features computed?
    Dropout dropout


cdef inline Pooling pooling_named(str name) except *:
    return {"last": LAST, "max": HIGHEST, "mean": MEAN}[name]


cdef inline bint passes_back(const Net* net, Py_ssize_t level) noexcept nogil:
    """True if errors flow to the inputs of a level."""
    return level > 0 or net.explains


cdef inline Py_ssize_t n_levels(const Net* net) noexcept nogil:
    return net.n_layers // net.n_directions


cdef inline Py_ssize_t group(const Layer* layer, Py_ssize_t width) noexcept nogil:
    """Size of a group of the layer: n of steps.pxd."""
    return units_padded(layer.n_blocks, width) * width


cdef inline Py_ssize_t matrix_rows(const Matrix* m, Py_ssize_t width) noexcept nogil:
    """Number of rows as `product` counts them."""
    return m.groups * units_padded(m.units, width)


cdef inline Py_ssize_t matrix_size(const Matrix* m, Py_ssize_t width) noexcept nogil:
    """Number of values that `product` writes."""
    return rows_padded(matrix_rows(m, width), width) * width


cdef inline Runs matrix_runs(const Matrix* m, Py_ssize_t width) noexcept nogil:
    """Arrangement of the sources of a matrix."""
    cdef Runs runs = Runs(1, m.columns, 0)
    if m.column_groups > 0 and width == 1:
        runs.runs, runs.count = m.column_groups, m.columns // m.column_groups
        runs.stride = units_padded(runs.count, 1)
    return runs


cdef inline const Py_ssize_t* matrix_row_at(const Matrix* m, Py_ssize_t width) noexcept nogil:
    return m.row_at if width > 1 else m.padded_row_at


cdef inline Py_ssize_t lead(const Layer* layer, Py_ssize_t width) noexcept nogil:
    """Padding before the inputs of a step, so that its recurrent sources start at a vector."""
    return 0 if width > 1 else (LANES - layer.n_inputs % LANES) % LANES


cdef inline int matrix_new(
    Arena* arena, Matrix* m, Py_ssize_t groups, Py_ssize_t units, Py_ssize_t columns,
    Py_ssize_t column_groups
) except -1:
    """Allocate the positions of a matrix."""
    m.groups, m.units, m.columns, m.column_groups = groups, units, columns, column_groups
    m.row_at = <Py_ssize_t*> arena_take(arena, groups * units, sizeof(Py_ssize_t))
    m.padded_row_at = <Py_ssize_t*> arena_take(
        arena, groups * units_padded(units, 1), sizeof(Py_ssize_t)
    )
    m.column_at = <Py_ssize_t*> arena_take(arena, columns + 1, sizeof(Py_ssize_t))
    return 0


cdef inline void pad_rows(Matrix* m) noexcept:
    """`padded_row_at` from `row_at`."""
    cdef Py_ssize_t g, j, padded = units_padded(m.units, 1)
    for g in range(m.groups):
        for j in range(padded):
            m.padded_row_at[g * padded + j] = m.row_at[g * m.units + j] if j < m.units else -1


cdef inline Py_ssize_t cell_places(
    Py_ssize_t n_directions, Py_ssize_t H, Py_ssize_t S, Py_ssize_t* at
) noexcept:
    """Positions of the cells of a level, relative to the first."""
    cdef Py_ssize_t d, v, j, n = 0
    for d in range(n_directions):
        for v in range(S):
            for j in range(H):
                at[n] = d * H * S + j * S + v
                n += 1
    return n


cdef inline Py_ssize_t row_places(Layer* layer, Py_ssize_t start, Py_ssize_t columns) noexcept:
    """Positions of the rows: gates before the cells, cells, output gate."""
    cdef Py_ssize_t g, j, v, row, H = layer.n_blocks, S = layer.block_size
    cdef Py_ssize_t n_before = layer.n_groups - 1 - S
    for g in range(layer.n_groups):
        v = g - n_before
        for j in range(H):
            if v < 0:
                row = g * H + j
            elif v < S:
                row = n_before * H + j * S + v
            else:
                row = n_before * H + S * H + j
            layer.weights.row_at[g * H + j] = start + row * columns
    pad_rows(&layer.weights)
    return 0


cdef inline int layer_new(
    Arena* arena, Net* net, Py_ssize_t index, shape, Py_ssize_t n_blocks_below
) except -1:
    """Set up a layer of the shape ``_topology.LayerShape``."""
    cdef Layer* layer = &net.layers[index]
    cdef Py_ssize_t H = shape.n_blocks, S = shape.block_size, n = shape.n_features, g, j, k, rows
    cdef Py_ssize_t columns = shape.n_columns
    layer.cell = <Cell> cell_named(shape.cell)
    layer.n_blocks, layer.block_size = H, S
    layer.n_groups = len(shape.gates) + S
    layer.n_recurrent = shape.n_recurrent // H
    layer.n_inputs = n
    layer.level, layer.direction = index // net.n_directions, index % net.n_directions
    layer.reverse = shape.reverse
    layer.has_peepholes = shape.has_peepholes
    layer.peephole_at = shape.peephole_start
    rows = layer.n_groups * H

    matrix_new(arena, &layer.weights, layer.n_groups, H, columns - 1, 0)
    row_places(layer, shape.start, columns)
    if layer.level == 0:
        for k in range(n):
            layer.weights.column_at[k] = k
    else:
        cell_places(net.n_directions, n_blocks_below, S, layer.weights.column_at)

    matrix_new(arena, &layer.recurrent_back, layer.n_recurrent, H, rows, layer.n_groups)
    for g in range(layer.n_recurrent):
        for j in range(H):
            k = n + (j * S + g if g < S else g * H + j)
            layer.weights.column_at[n + g * H + j] = k
            layer.recurrent_back.row_at[g * H + j] = k
    layer.weights.column_at[columns - 1] = columns - 1
    pad_rows(&layer.recurrent_back)
    memcpy(layer.recurrent_back.column_at, layer.weights.row_at, rows * sizeof(Py_ssize_t))

    if layer.level > 0:
        matrix_new(arena, &layer.input_back, net.n_directions * S, n_blocks_below, rows,
                   layer.n_groups)
        cell_places(net.n_directions, n_blocks_below, S, layer.input_back.row_at)
        pad_rows(&layer.input_back)
        memcpy(layer.input_back.column_at, layer.weights.row_at, rows * sizeof(Py_ssize_t))
    elif net.explains:
        matrix_new(arena, &layer.input_back, 1, n, rows, layer.n_groups)
        for k in range(n):
            layer.input_back.row_at[k] = k
        pad_rows(&layer.input_back)
        memcpy(layer.input_back.column_at, layer.weights.row_at, rows * sizeof(Py_ssize_t))
    return 0


cdef inline int head_new(
    Arena* arena, Net* net, Py_ssize_t d, Py_ssize_t H, Py_ssize_t S, Py_ssize_t start,
    Py_ssize_t columns
) except -1:
    """Set up the output layer's part for one direction; rows are `columns` apart."""
    cdef Matrix* head = &net.head[d]
    cdef Matrix* back = &net.head_back[d]
    cdef Py_ssize_t k
    matrix_new(arena, head, 1, net.n_outputs, S * H, 0)
    matrix_new(arena, back, S, H, net.n_outputs, 0)
    for k in range(net.n_outputs):
        head.row_at[k] = start + k * columns + d * S * H
        back.column_at[k] = head.row_at[k]
    cell_places(1, H, S, head.column_at)
    head.column_at[S * H] = columns - 1 - d * S * H
    cell_places(1, H, S, back.row_at)
    pad_rows(head)
    pad_rows(back)
    return 0


cdef inline int network_new(Arena* arena, Net* net, topology) except -1:
    """Set all positions.

    The caller sets `full`, `return_sequences`, `explains`, `dropout` and `table`.
    """
    cdef Py_ssize_t index, k
    stack = topology.stack
    net.n_layers, net.n_directions = len(stack), topology.n_directions
    net.n_features, net.n_outputs = topology.n_features, topology.n_outputs
    net.n_categorical, net.n_weights = len(topology.cardinalities), topology.n_weights
    net.pooling = pooling_named(topology.pooling)
    net.layers = <Layer*> arena_take(arena, net.n_layers, sizeof(Layer))
    net.head = <Matrix*> arena_take(arena, net.n_directions, sizeof(Matrix))
    net.head_back = <Matrix*> arena_take(arena, net.n_directions, sizeof(Matrix))
    for index in range(net.n_layers):
        k = index - index % net.n_directions - 1
        layer_new(arena, net, index, stack[index], stack[k].n_blocks if k >= 0 else 0)
    last = stack[net.n_layers - 1]
    for k in range(net.n_directions):
        head_new(arena, net, k, last.n_blocks, last.block_size, topology.output_start,
                 topology.n_read + 1)
    return 0


cdef inline int matrix_room(Arena* arena, Matrix* m, Py_ssize_t width) except -1:
    """Allocate the packed numbers of a matrix."""
    cdef Py_ssize_t size = matrix_size(m, width) // width
    m.packed[width > 1] = <real*> arena_take(arena, <double> size * m.columns, sizeof(real))
    m.bias[width > 1] = <real*> arena_take(arena, size, sizeof(real))
    return 0


cdef inline int pack_room(Arena* arena, Net* net, Py_ssize_t width, bint training) except -1:
    """Allocate the memory for `pack_network`."""
    cdef Py_ssize_t index, wide = width > 1, n
    cdef Layer* layer
    for index in range(net.n_layers):
        layer = &net.layers[index]
        matrix_room(arena, &layer.weights, width)
        if training and net.full:
            matrix_room(arena, &layer.recurrent_back, width)
        if training and passes_back(net, layer.level):
            matrix_room(arena, &layer.input_back, width)
        if layer.has_peepholes:
            n = 3 * layer.block_size * group(layer, width)
            layer.peephole[wide] = <real*> arena_take(arena, n, sizeof(real))
            layer.flow[wide] = layer.peephole[wide]
            if not net.full:
                layer.flow[wide] = <real*> arena_take(arena, n, sizeof(real))
    for index in range(net.n_directions):
        matrix_room(arena, &net.head[index], width)
        if training:
            matrix_room(arena, &net.head_back[index], width)
    return 0


cdef inline void pack_matrix(
    const real* vector, Matrix* m, Py_ssize_t width, const Member* member
) noexcept nogil:
    cdef Py_ssize_t first, stop
    rows_of(member, matrix_rows(m, width), width, &first, &stop)
    pack(vector, matrix_row_at(m, width) + first, stop - first, m.column_at, m.columns, width,
         m.packed[width > 1] + first * m.columns)


cdef inline void pack_biased(
    const real* vector, Matrix* m, Py_ssize_t width, const Member* member
) noexcept nogil:
    cdef const Py_ssize_t* row_at = matrix_row_at(m, width)
    cdef Py_ssize_t first, stop, r
    pack_matrix(vector, m, width, member)
    rows_of(member, matrix_rows(m, width), width, &first, &stop)
    for r in range(first, stop):
        if row_at[r] >= 0:
            m.bias[width > 1][r] = vector[row_at[r] + m.column_at[m.columns]]


cdef inline void pack_peepholes(const real* vector, Layer* layer, Py_ssize_t width) noexcept nogil:
    """Pack peepholes, each repeated for all sequences."""
    cdef Py_ssize_t g, v, j, lane, H = layer.n_blocks, S = layer.block_size, n = group(layer, width)
    cdef real weight
    for g in range(3):
        for v in range(S):
            for j in range(H):
                weight = vector[layer.peephole_at + (g * H + j) * S + v]
                for lane in range(width):
                    layer.peephole[width > 1][(g * S + v) * n + j * width + lane] = weight


cdef inline void pack_network(
    const real* vector, Net* net, Py_ssize_t width, bint training, const Member* member
) noexcept nogil:
    """Pack the parameters in the order in which chunks of this width use them."""
    cdef Py_ssize_t index
    cdef Layer* layer
    for index in range(net.n_layers):
        layer = &net.layers[index]
        pack_biased(vector, &layer.weights, width, member)
        if training and net.full:
            pack_matrix(vector, &layer.recurrent_back, width, member)
        if training and passes_back(net, layer.level):
            pack_matrix(vector, &layer.input_back, width, member)
        if layer.has_peepholes and member.number == 0:
            pack_peepholes(vector, layer, width)
    for index in range(net.n_directions):
        pack_biased(vector, &net.head[index], width, member)
        if training:
            pack_matrix(vector, &net.head_back[index], width, member)
