"""Gradient of all weights: the sum of outer(d_z, sources) over the steps of all bundles.

It follows the backward pass of some chunks. The rows are divided into pieces, which threads take.
Each sum runs over the bundles in the order of the batch, so results do not depend on threads or
chunks. A piece is summed in its own table, (rows, columns) in the order of the kernels, and added
to the gradient when the batch has ended.
"""

from libc.string cimport memset

from sklstm._kernels.arena cimport Arena, arena_take
from sklstm._kernels.bundles cimport Bundle, Chunk, cells_at, inputs, slot
from sklstm._kernels.stacks cimport cells_read
from sklstm._kernels.layout cimport Layer, Matrix, Net, group, lead, matrix_rows
from sklstm._kernels.products cimport (
    GRADIENT_COLUMNS, GRADIENT_ROWS, GRADIENT_VECTORS, LANE_ROWS, gradient_lanes_tile,
    gradient_units_tile_of, reals, units_padded, whole_vectors,
)
from sklstm._kernels.signals cimport Watch, stops_alone
from sklstm._kernels.simd cimport LANES, load, real, splat, store, sum_lanes, vec

cdef enum:
    TABLE_MAX = 1 << 17  # largest number of entries of a piece's table, which fits the L2 cache
    ROWS_MIN = 32  # smallest number of rows of a piece, with several threads
    TERMS = 64  # number of steps that stay in the cache while all rows and columns are summed


cdef struct Piece:
    # Rows of a layer, or of the output layer's part for one direction
    Py_ssize_t layer  # number of the layer; n_layers + direction for the output layer
    Py_ssize_t first  # first row, in padded groups
    Py_ssize_t stop
    real* table  # zeros between batches


cdef struct Terms:
    Py_ssize_t n
    reals[TERMS] d_z
    reals[TERMS] x


cdef inline const Matrix* piece_matrix(const Net* net, const Piece* piece) noexcept nogil:
    if piece.layer < net.n_layers:
        return &net.layers[piece.layer].weights
    return &net.head[piece.layer - net.n_layers]


cdef inline Py_ssize_t piece_lead(const Net* net, const Piece* piece) noexcept nogil:
    """Number of entries of a table's row before its first column."""
    return lead(&net.layers[piece.layer], 1) if piece.layer < net.n_layers else 0


cdef inline Py_ssize_t table_columns(const Net* net, const Piece* piece) noexcept nogil:
    """Number of columns of a piece's table: whole vectors, and one for the bias."""
    return whole_vectors(piece_lead(net, piece) + piece_matrix(net, piece).columns) + LANES


cdef inline Py_ssize_t table_size(const Net* net, const Piece* piece) noexcept nogil:
    return (piece.stop - piece.first) * table_columns(net, piece)


cdef inline Py_ssize_t rows_dealt(const Net* net, Py_ssize_t index) noexcept nogil:
    """Number of rows of a layer or, after the layers, of the output layer for one direction."""
    if index < net.n_layers:
        return matrix_rows(&net.layers[index].weights, 1)
    return net.n_outputs


cdef inline Py_ssize_t pieces_new(
    Arena* arena, const Net* net, Py_ssize_t n_threads, Piece** pieces
) except -1:
    """Divide the rows of all weights into pieces; return the number of pieces."""
    cdef Py_ssize_t index, rows, first, size, n = 0
    cdef Piece* piece
    for index in range(net.n_layers + net.n_directions):
        n += rows_dealt(net, index) // LANES + 1
    pieces[0] = <Piece*> arena_take(arena, n, sizeof(Piece))
    n = 0
    for index in range(net.n_layers + net.n_directions):
        rows = rows_dealt(net, index)
        piece = &pieces[0][n]
        piece.layer, piece.first, piece.stop = index, 0, 1
        size = max(1, TABLE_MAX // table_size(net, piece))
        if n_threads > 1:
            size = min(size, rows // (2 * n_threads))
        size = (max(size, <Py_ssize_t> ROWS_MIN) + LANES - 1) // LANES * LANES
        for first in range(0, rows, size):
            piece = &pieces[0][n]
            piece.layer, piece.first, piece.stop = index, first, min(first + size, rows)
            piece.table = <real*> arena_take(arena, table_size(net, piece), sizeof(real))
            n += 1
    return n


cdef inline Py_ssize_t terms_of(
    const Net* net, const Piece* piece, const Chunk* chunk, const Bundle* bundle, Py_ssize_t step,
    Terms* terms
) noexcept nogil:
    """Append steps of a bundle until there are TERMS; return the next step."""
    cdef Py_ssize_t d = piece.layer - net.n_layers, steps = min(bundle.steps, chunk.stop)
    if d >= 0 and not net.return_sequences:
        steps = 1
    while step < steps and terms.n < TERMS:
        if d < 0:
            terms.d_z[terms.n] = slot(&bundle.layers[piece.layer].z, step)
            terms.x[terms.n] = slot(&bundle.layers[piece.layer].u, step)
        else:
            terms.d_z[terms.n] = slot(&bundle.out, step)
            terms.x[terms.n] = cells_read(net, bundle, d, step, chunk.width)
        terms.n += 1
        step += 1
    return step


cdef inline void add_biases(
    const Piece* piece, const Terms* terms, Py_ssize_t width, Py_ssize_t n, Py_ssize_t units,
    Py_ssize_t columns
) noexcept nogil:
    """Add the sums of d_z (gradient of the bias) to the last column."""
    cdef Py_ssize_t row = piece.first, r, i, count = LANES if width == 1 else 1
    cdef Py_ssize_t at
    cdef real* sums
    cdef vec total
    cdef real[LANES] parts
    while row < piece.stop:
        if row % n < units:
            at = row if width == 1 else (row // n * units + row % n) * width
            sums = piece.table + (row + 1 - piece.first) * columns - LANES
            count = min(LANES, piece.stop - row) if width == 1 else 1
            total = splat(0)
            if width == 1:
                for r in range(LANES):
                    parts[r] = sums[r * columns] if r < count else 0
                total = load(parts)
            for i in range(terms.n):
                total = total + load(terms.d_z[i] + at)
            store(parts, total)
            if width > 1:
                parts[0] = sums[0] + sum_lanes(total)
            for r in range(count):
                sums[r * columns] = parts[r]
        row += LANES if width == 1 else 1


cdef inline void add_units(
    const Net* net, const Piece* piece, const Terms* terms
) noexcept nogil:
    cdef const Matrix* m = piece_matrix(net, piece)
    cdef Py_ssize_t columns = table_columns(net, piece), vectors = columns // LANES - 1
    cdef Py_ssize_t v = 0, V, row, R, n = units_padded(m.units, 1)
    cdef real* sums
    while v < vectors:
        V = min(GRADIENT_VECTORS, vectors - v)
        row = piece.first
        while row < piece.stop:
            if row % n >= m.units:
                row += n - row % n  # padding
                continue
            R = GRADIENT_ROWS
            while R > min(piece.stop, row // n * n + n) - row:
                R //= 2
            sums = piece.table + (row - piece.first) * columns + v * LANES
            gradient_units_tile_of(R, V, terms.n, terms.d_z, row, terms.x, v * LANES, sums, columns)
            row += R
        v += V
    add_biases(piece, terms, 1, n, m.units, columns)


cdef inline void add_lanes(
    const Net* net, const Piece* piece, const Terms* terms
) noexcept nogil:
    cdef const Matrix* m = piece_matrix(net, piece)
    cdef Py_ssize_t columns = table_columns(net, piece), first_column = piece_lead(net, piece)
    cdef bint has_ones = piece.layer < net.n_layers
    cdef Py_ssize_t n = units_padded(m.units, 1), row, column = 0, r, c, at, place
    cdef Py_ssize_t[LANE_ROWS] row_at
    cdef Py_ssize_t[GRADIENT_COLUMNS] column_at
    cdef real[LANE_ROWS * GRADIENT_COLUMNS] total
    if not has_ones:
        add_biases(piece, terms, LANES, n, m.units, columns)
    while column < m.columns + has_ones:
        # few enough to stay in the L1 cache while all rows are summed
        for c in range(GRADIENT_COLUMNS):
            column_at[c] = min(column + c, m.columns + has_ones - 1) * LANES
        row = piece.first
        while row < piece.stop:
            if row % n >= m.units:
                row += n - row % n  # padding, which exists in units only
                continue
            for r in range(LANE_ROWS):
                # if the last rows of a group do not fill a tile, the extra sums are not used
                at = min(row + r, piece.stop - 1)
                row_at[r] = (at // n * m.units + min(at % n, m.units - 1)) * LANES
            gradient_lanes_tile(terms.n, terms.d_z, row_at, terms.x, column_at, total)
            for r in range(min(<Py_ssize_t> LANE_ROWS, piece.stop - row)):
                for c in range(min(<Py_ssize_t> GRADIENT_COLUMNS, m.columns + has_ones - column)):
                    place = first_column + column + c
                    if column + c == m.columns:
                        place = columns - LANES
                    piece.table[(row + r - piece.first) * columns + place] += (
                        total[r * GRADIENT_COLUMNS + c]
                    )
            row += LANE_ROWS
        column += GRADIENT_COLUMNS


cdef inline void add_chunk(
    const Net* net, const Piece* piece, const Chunk* chunk, Watch* watch
) noexcept nogil:
    """Continue the sums over the steps of a span of a chunk's bundles, while the call goes on."""
    cdef Terms terms
    cdef Py_ssize_t b, step
    terms.n = 0
    for b in range(chunk.n):
        step = chunk.first
        while True:
            step = terms_of(net, piece, chunk, &chunk.bundles[b], step, &terms)
            if terms.n < TERMS and b < chunk.n - 1:
                break
            if stops_alone(watch, <double> table_size(net, piece) * terms.n * chunk.width):
                return
            if chunk.width > 1:
                add_lanes(net, piece, &terms)
            else:
                add_units(net, piece, &terms)
            if terms.n < TERMS:
                break
            terms.n = 0


cdef inline void put_in_place(const Net* net, const Piece* piece, real* d_vector) noexcept nogil:
    """Add a piece to the gradient of its weights, and set its table to zero."""
    cdef const Matrix* m = piece_matrix(net, piece)
    cdef Py_ssize_t columns = table_columns(net, piece), n = units_padded(m.units, 1), row, k
    cdef const real* table = piece.table + piece_lead(net, piece)
    cdef real* d_row
    for row in range(piece.first, piece.stop):
        if row % n < m.units:
            d_row = d_vector + m.row_at[row // n * m.units + row % n]
            for k in range(m.columns):
                d_row[m.column_at[k]] = table[k]
            if piece.layer <= net.n_layers:  # an output has one bias, not one for each direction
                d_row[m.column_at[m.columns]] = table[columns - LANES - piece_lead(net, piece)]
        table += columns
    memset(piece.table, 0, table_size(net, piece) * sizeof(real))


cdef inline void forget_pieces(const Net* net, const Piece* pieces, Py_ssize_t n) noexcept nogil:
    """Set all tables to zero."""
    cdef Py_ssize_t k
    for k in range(n):
        memset(pieces[k].table, 0, table_size(net, &pieces[k]) * sizeof(real))


cdef inline void add_peepholes(const Net* net, const Chunk* chunk, real* d_vector) noexcept nogil:
    """Continue the sums of the peepholes over a chunk's sequences."""
    cdef const Layer* layer
    cdef Py_ssize_t index, n, g, v, j, b, lane, width = chunk.width
    cdef real* total
    for index in range(net.n_layers):
        layer = &net.layers[index]
        n = group(layer, width)
        for g in range(3 if layer.has_peepholes else 0):
            for v in range(layer.block_size):
                for j in range(layer.n_blocks):
                    total = d_vector + (layer.peephole_at
                                        + (g * layer.n_blocks + j) * layer.block_size + v)
                    for b in range(chunk.n):
                        for lane in range(width):
                            total[0] += chunk.bundles[b].layers[index].d_peephole[
                                (g * layer.block_size + v) * n + j * width + lane]
