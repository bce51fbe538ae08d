"""The two products of a layer, each in two layouts; here the arithmetic of the package is done.

width = 1
    *Units*: lanes are units of one sequence, whose numbers lie by themselves. Groups of units are
    padded to whole vectors. Some sequences are worked on together, and share each weight that is
    loaded.
width = LANES
    *Lanes*: lanes are sequences. Unit j of sequence l lies at j * width + l, without padding.

Weights come packed in tiles of some rows: tile by tile, for each source the weights of the tile's
rows. Sums from a bias (forward) run over the sources in the same order in both layouts, so that a
sequence gives the same bits in either, and in any company. The tiles are in tiles.h.
"""

from sklstm._kernels.simd cimport LANES, real


ctypedef const real* reals
ctypedef real* reals_out


cdef extern from "tiles.h" nogil:
    enum:
        TILE_VECTORS
        TILE_MAX
        TILE_SEQUENCES
        AHEAD
        ROW_TILE
        GRADIENT_ROWS
        GRADIENT_VECTORS
        GRADIENT_COLUMNS
        LANE_ROWS
    ctypedef struct Runs:
        # Sources of a product: runs of `count` numbers, `stride` apart (times width)
        int runs
        int count
        Py_ssize_t stride
    ctypedef enum Start:
        FROM_ZERO
        FROM_BIAS
        FROM_OUTPUT
    void units_tile_of(
        int V, int Q, const real* w, Py_ssize_t next, const real* ahead, Py_ssize_t ask,
        const Runs* sources, const reals* x, Start start, const real* bias, real** z,
        Py_ssize_t row)
    void rows_tile(
        const real* w, const Runs* sources, const real* x, Start start, const real* bias, real* z)
    void gradient_units_tile_of(
        int R, int V, int terms, const reals* d_z, Py_ssize_t row, const reals* x,
        Py_ssize_t column, real* d_w, Py_ssize_t stride)
    void gradient_lanes_tile(
        int terms, const reals* d_z, const Py_ssize_t* row, const reals* x,
        const Py_ssize_t* column, real* total)


cdef inline int whole_vectors(int units) noexcept nogil:
    """Units, with padding up to whole vectors."""
    return (units + LANES - 1) // LANES * LANES


cdef inline int units_padded(int units, int width) noexcept nogil:
    """Room for a group of units."""
    return units if width > 1 else whole_vectors(units)


cdef inline int rows_padded(int rows, int width) noexcept nogil:
    """Rows that `product` writes when asked for `rows` of them: whole tiles."""
    return (rows + ROW_TILE - 1) // ROW_TILE * ROW_TILE if width > 1 else whole_vectors(rows)


cdef inline int tile_rows(int rows_left, int width) noexcept nogil:
    """Rows of the next packed tile."""
    return ROW_TILE if width > 1 else min(TILE_VECTORS * LANES, whole_vectors(rows_left))


cdef inline void pack(
    const real* matrix,
    const Py_ssize_t* row_at,  # places of the rows, -1 for padding
    int rows,
    const Py_ssize_t* column_at,  # places of the columns, relative to the row's
    int columns,
    int width,
    real* packed,  # OUT    rows_padded(rows, width) * columns, zero where there is padding
) noexcept nogil:
    """Bring a matrix into the order in which `product` reads it."""
    cdef reals[TILE_MAX * LANES + ROW_TILE] source
    cdef int[TILE_MAX * LANES + ROW_TILE] place
    cdef int row = 0, size, count, r, k, i
    while row < rows:
        size = tile_rows(rows - row, width)
        count = 0
        for r in range(row, min(row + size, rows)):
            if row_at[r] >= 0:
                source[count] = matrix + row_at[r]
                place[count] = r - row
                count += 1
        for k in range(columns):
            for i in range(count):
                packed[place[i]] = source[i][column_at[k]]
            packed += size
        row += size


cdef inline void product(
    int rows,
    int columns,
    int width,
    const real* packed,  # IN     from `pack`
    const Runs* sources,
    int n,  # sequences in units; in lanes one bundle
    const reals* x,  # IN     (n,) the first source of each
    Start start,
    const real* bias,  # IN     (rows_padded,) if FROM_BIAS
    real** z,  # OUT    (n,) (rows_padded, width) each
) noexcept nogil:
    """z = start + matrix @ sources."""
    cdef int row = 0, size, V, part, parts, first, stop
    cdef Py_ssize_t ask, tile
    cdef const real* ahead
    cdef const real* w = packed
    if width > 1:
        while row < rows:
            rows_tile(w, sources, x[0], start, bias + row, z[0] + row * width)
            w += ROW_TILE * columns
            row += ROW_TILE
        return
    parts = (n + TILE_SEQUENCES - 1) // TILE_SEQUENCES
    while row < rows:
        size = tile_rows(rows - row, 1)
        V = size // LANES
        if V == TILE_VECTORS and n <= TILE_SEQUENCES // 2 and rows - row >= TILE_MAX * LANES:
            V = TILE_MAX
        ahead, ask, tile = w + AHEAD * size, size, V * LANES * columns
        if parts > 1:
            # the next tile's weights come bit by bit, so that no part waits for them; a step follows
            ahead, ask = (w + tile if row + V * LANES < rows else packed), size // parts
        for part in range(parts):
            first, stop = part * n // parts, (part + 1) * n // parts
            units_tile_of(V, stop - first, w, size * columns, ahead, ask, sources,
                          x + first, start, bias, z + first, row)
            ahead += tile // parts if parts > 1 else 0
        w += tile
        row += V * LANES
