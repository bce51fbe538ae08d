"""The two products of a layer, each in two layouts. Most of the computing time is spent here.

width = 1
    *Units*: lanes are units of one sequence. Groups of units are padded to whole vectors. Several
    sequences are computed together, so that they share each weight that is loaded.
width = LANES
    *Lanes*: lanes are sequences. Unit j of sequence l is at j * width + l, without padding.

Weights are packed in tiles of rows: tile by tile, and for each source the weights of the tile's
rows. Sums that start from a bias (forward) run over the sources in the same order in both layouts,
so the outputs of a sequence are bit-identical in both, with any other sequences. The tiles are in
tiles.h.
"""

from sklstm._kernels.simd cimport LANES, real
from sklstm._kernels.teams cimport Member, part


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
        Py_ssize_t runs
        Py_ssize_t count
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


cdef inline Py_ssize_t whole_vectors(Py_ssize_t units) noexcept nogil:
    """Number of units with padding to whole vectors."""
    return (units + LANES - 1) // LANES * LANES


cdef inline Py_ssize_t units_padded(Py_ssize_t units, Py_ssize_t width) noexcept nogil:
    """Size of a group of units."""
    return units if width > 1 else whole_vectors(units)


cdef inline Py_ssize_t rows_padded(Py_ssize_t rows, Py_ssize_t width) noexcept nogil:
    """Number of rows that `product` writes for `rows` rows: whole tiles."""
    return (rows + ROW_TILE - 1) // ROW_TILE * ROW_TILE if width > 1 else whole_vectors(rows)


cdef inline Py_ssize_t tile_rows(Py_ssize_t rows_left, Py_ssize_t width) noexcept nogil:
    """Number of rows of the next packed tile."""
    return ROW_TILE if width > 1 else min(TILE_VECTORS * LANES, whole_vectors(rows_left))


cdef inline void rows_of(
    const Member* member, Py_ssize_t rows, Py_ssize_t width, Py_ssize_t* first, Py_ssize_t* stop
) noexcept nogil:
    """The rows of a member of a team: whole tiles."""
    cdef Py_ssize_t tile = ROW_TILE if width > 1 else TILE_VECTORS * LANES, n_tiles
    if member.of == 1:  # no division
        first[0], stop[0] = 0, rows
        return
    n_tiles = (rows + tile - 1) // tile
    first[0] = part(n_tiles, member.number, member.of) * tile
    stop[0] = min(part(n_tiles, member.number + 1, member.of) * tile, rows)


cdef inline void pack(
    const real* matrix,
    const Py_ssize_t* row_at,  # places of the rows, -1 for padding
    Py_ssize_t rows,
    const Py_ssize_t* column_at,  # places of the columns, relative to the row's
    Py_ssize_t columns,
    Py_ssize_t width,
    real* packed,  # OUT    rows_padded(rows, width) * columns, zero where there is padding
) noexcept nogil:
    """Pack a matrix in the order in which `product` reads it."""
    cdef reals[TILE_MAX * LANES + ROW_TILE] source
    cdef int[TILE_MAX * LANES + ROW_TILE] place
    cdef Py_ssize_t row = 0, size, count, r, k, i
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
    Py_ssize_t first,  # row: 0, or the first of a tile in units
    Py_ssize_t stop,  # the row behind the last: all, or the first of another tile
    Py_ssize_t columns,  # of the packed matrix
    Py_ssize_t begin,  # column of the first source
    Py_ssize_t width,
    const real* packed,  # IN     from `pack`
    const Runs* sources,
    Py_ssize_t n,  # sequences in units; in lanes one bundle
    const reals* x,  # IN     (n,) the first source of each
    Start start,
    const real* bias,  # IN     (rows_padded,) if FROM_BIAS
    real** z,  # OUT    (n,) (rows_padded, width) each
) noexcept nogil:
    """z = start + matrix @ sources, for the rows from `first` to `stop`.

    With `begin` and FROM_OUTPUT it continues sums over the columns from `begin`.
    """
    cdef Py_ssize_t row = first, size, V, group
    cdef Py_ssize_t groups = (n + TILE_SEQUENCES - 1) // TILE_SEQUENCES, b, c
    cdef Py_ssize_t n_sources = sources.runs * sources.count
    cdef Py_ssize_t tile, ask
    cdef const real* w = packed + first * columns
    cdef const real* at
    cdef const real* ahead
    if width > 1:
        while row < stop:
            rows_tile(w + begin * ROW_TILE, sources, x[0], start, bias + row, z[0] + row * width)
            w += ROW_TILE * columns
            row += ROW_TILE
        return
    while row < stop:
        size = tile_rows(stop - row, 1)
        V = size // LANES
        if V == TILE_VECTORS and n <= TILE_SEQUENCES // 2 and stop - row >= TILE_MAX * LANES:
            V = TILE_MAX
        tile = V * LANES * columns
        at = w + begin * size
        ahead, ask = at + AHEAD * size, size
        if groups > 1:
            # each group of sequences prefetches its share of the next tile; after the last tile,
            # the first one follows at the next step
            ahead, ask = at + tile, size // groups
            if row + V * LANES >= stop:
                ahead = packed + first * columns + begin * size
        for group in range(groups):
            b, c = part(n, group, groups), part(n, group + 1, groups)
            units_tile_of(V, c - b, at, size * columns, ahead, ask, sources, x + b, start, bias,
                          z + b, row)
            if groups > 1:
                ahead += V * LANES * n_sources // groups
        w += tile
        row += V * LANES
