"""The three products of a layer, each in two layouts; here the arithmetic of the package is done.

A group of `width` sequences is worked on together. Unit j of sequence l lies at j * width + l.

* width = LANES: a vector holds one unit of LANES sequences. A weight is broadcast.
* width = 1: a vector holds LANES units of one sequence. A source is broadcast.

Weights come packed in tiles of some rows: tile by tile, for each source the weights of the tile's
rows. Sums with a bias (forward) run over the sources in the same order in both layouts, so that a
sequence gives the same bits alone and in company; without (backward), a tile of few rows runs
several sums side by side. Outputs are overwritten, but for the gradient, which is added to.
"""

from sklstm._kernels.simd cimport (
    LANES, SUMS_AT_ONCE, load, prefetch, real, splat, store, store_sums, vec,
)

cdef enum:
    ROW_TILE = 8  # rows of a tile if width = LANES: eight sums stay in registers
    UNIT_TILE = 8  # vectors of rows in the largest tile if width = 1
    GRADIENT_ROWS = 4  # a tile of the gradient: 4 x 6 sums in registers
    GRADIENT_COLUMNS = 6
    COLUMN_BLOCK = 96  # columns whose history stays in the cache while all rows pass
    CACHE_NUMBERS = 131072  # history of one column block, in numbers


ctypedef const real* reals


cdef struct Source:
    # a run of numbers that feed a product at one step, such as the inputs or the cells
    const real* at  # unit u of it lies at u * width
    int count


cdef struct Column:
    # one source over time
    const real* at  # its value at step 0
    Py_ssize_t stride  # from step to step


cdef inline int units_padded(int units, int width) noexcept nogil:
    """Room for a group of units: whole vectors."""
    return units if width > 1 else (units + LANES - 1) // LANES * LANES


cdef inline void rows_tile(
    const real* weights,  # IN     packed (sources, 8)
    const real* bias,  # IN     (8,) or NULL
    const Source* sources,
    int n_sources,
    real* z,  # OUT    (8, LANES)
) noexcept nogil:
    """z = weights @ sources + bias for eight rows, LANES sequences."""
    cdef vec[ROW_TILE] total
    cdef vec x
    cdef int r, s, k
    cdef const real* at
    for r in range(ROW_TILE):
        total[r] = splat(bias[r]) if bias != NULL else splat(0)
    for s in range(n_sources):
        at = sources[s].at
        for k in range(sources[s].count):
            x = load(at + k * LANES)
            for r in range(ROW_TILE):
                total[r] = total[r] + splat(weights[r]) * x
            weights += ROW_TILE
    for r in range(ROW_TILE):
        store(z + r * LANES, total[r])


cdef inline void units_tile(
    int n,  # vectors of rows: a constant, so that the sums are registers
    int ways,  # sums side by side for each, another constant
    const real* weights,  # IN     packed (sources, n * LANES)
    const real* bias,  # IN     (n * LANES,) or NULL
    const Source* sources,
    int n_sources,
    real* z,  # OUT    (n * LANES,)
) noexcept nogil:
    """z = weights @ sources + bias for n vectors of rows, one sequence."""
    cdef vec[UNIT_TILE] total
    cdef vec x
    cdef int v, w, s, k, q
    cdef const real* at
    for v in range(n):
        total[v] = load(bias + v * LANES) if bias != NULL else splat(0)
    for v in range(n, n * ways):
        total[v] = splat(0)
    for s in range(n_sources):
        at = sources[s].at
        for q in range(sources[s].count // ways):
            for w in range(ways):
                x = splat(at[q * ways + w])
                for v in range(n):
                    total[w * n + v] = (
                        total[w * n + v] + load(weights + (w * n + v) * LANES) * x
                    )
            weights += ways * n * LANES
        for k in range(sources[s].count // ways * ways, sources[s].count):
            x = splat(at[k])
            for v in range(n):
                total[v] = total[v] + load(weights + v * LANES) * x
            weights += n * LANES
    for w in range(1, ways):
        for v in range(n):
            total[v] = total[v] + total[w * n + v]
    for v in range(n):
        store(z + v * LANES, total[v])


cdef inline int units_tile_size(int n_vectors) noexcept nogil:
    """Vectors of the next tile if so many are left."""
    return UNIT_TILE if n_vectors >= UNIT_TILE else 4 if n_vectors > 2 else n_vectors


cdef inline int rows_padded(int rows, int width) noexcept nogil:
    """Rows that `product` writes when asked for `rows` of them: whole tiles."""
    cdef int vectors, padded = 0
    if width > 1:
        return (rows + ROW_TILE - 1) // ROW_TILE * ROW_TILE
    vectors = (rows + LANES - 1) // LANES
    while padded < vectors:
        padded += units_tile_size(vectors - padded)
    return padded * LANES


cdef inline int tile_rows(int rows_left, int width) noexcept nogil:
    """Rows of the next tile."""
    if width > 1:
        return ROW_TILE
    return LANES * units_tile_size((rows_left + LANES - 1) // LANES)


cdef inline void pack(
    const real* matrix,
    const Py_ssize_t* row_at,  # places of the rows, -1 for padding
    int rows,
    const Py_ssize_t* column_at,  # places of the columns, relative to the row's
    int columns,
    int width,
    real* packed,  # OUT    rows_padded(rows, width) * columns
) noexcept nogil:
    """Bring a matrix into the order in which `product` reads it."""
    cdef int row = 0, size, r, k
    while row < rows:
        size = tile_rows(rows - row, width)
        for k in range(columns):
            for r in range(row, row + size):
                if r < rows and row_at[r] >= 0:
                    packed[0] = matrix[row_at[r] + column_at[k]]
                else:
                    packed[0] = 0
                packed += 1
        row += size


cdef inline void product(
    int rows,
    int columns,
    int width,
    const real* packed,  # IN     from `pack`
    const real* bias,  # IN     (rows_padded,) or NULL
    const Source* sources,  # IN     `columns` numbers in all, times `width`
    int n_sources,
    real* z,  # OUT    (rows_padded, width)
) noexcept nogil:
    """z = matrix @ sources + bias."""
    cdef int row = 0, size
    while row < rows:
        size = tile_rows(rows - row, width)
        if width > 1:
            rows_tile(packed, bias, sources, n_sources, z)
        elif size == UNIT_TILE * LANES:
            units_tile(UNIT_TILE, 1, packed, bias, sources, n_sources, z)
        elif size == 4 * LANES:
            units_tile(4, 1, packed, bias, sources, n_sources, z)
        elif size == 2 * LANES:
            if bias != NULL:
                units_tile(2, 1, packed, bias, sources, n_sources, z)
            else:
                units_tile(2, 4, packed, bias, sources, n_sources, z)
        elif bias != NULL:
            units_tile(1, 1, packed, bias, sources, n_sources, z)
        else:
            units_tile(1, 8, packed, bias, sources, n_sources, z)
        packed += size * columns
        z += size * width
        if bias != NULL:
            bias += size
        row += size


cdef inline void gradient_rows_tile(
    int steps,
    const reals* d_z,  # IN     GRADIENT_ROWS rows at their first step
    Py_ssize_t d_z_stride,
    const Column* columns,  # IN     GRADIENT_COLUMNS of them
    int first,  # step
    const real* ahead,  # a row that comes next, to have it in the cache by then
    real* total,  # OUT    (GRADIENT_ROWS, GRADIENT_COLUMNS)
) noexcept nogil:
    """total = sum over steps and lanes of d_z times source."""
    cdef vec[GRADIENT_ROWS * GRADIENT_COLUMNS] sums
    cdef reals[GRADIENT_COLUMNS] at
    cdef vec[GRADIENT_COLUMNS] x
    cdef vec d
    cdef int r, k, t
    # the first step sets the sums, the others add to them
    for k in range(GRADIENT_COLUMNS):
        at[k] = columns[k].at + first * columns[k].stride
        x[k] = load(at[k])
        at[k] += columns[k].stride
    for r in range(GRADIENT_ROWS):
        d = load(d_z[r] + first * d_z_stride)
        for k in range(GRADIENT_COLUMNS):
            sums[r * GRADIENT_COLUMNS + k] = d * x[k]
    for t in range(first + 1, first + steps):
        for k in range(GRADIENT_COLUMNS):
            x[k] = load(at[k])
            at[k] += columns[k].stride
        prefetch(ahead + t * d_z_stride)
        for r in range(GRADIENT_ROWS):
            d = load(d_z[r] + t * d_z_stride)
            for k in range(GRADIENT_COLUMNS):
                sums[r * GRADIENT_COLUMNS + k] = sums[r * GRADIENT_COLUMNS + k] + d * x[k]
    for r in range(GRADIENT_ROWS * GRADIENT_COLUMNS // SUMS_AT_ONCE):
        store_sums(total + r * SUMS_AT_ONCE, &sums[r * SUMS_AT_ONCE])


cdef inline void gradient_units_tile(
    int steps,
    const reals* d_z,  # IN     GRADIENT_ROWS vectors of rows at their first step
    Py_ssize_t d_z_stride,
    const Column* columns,  # IN     GRADIENT_COLUMNS of them
    int first,
    real* total,  # OUT    (GRADIENT_ROWS, GRADIENT_COLUMNS, LANES)
) noexcept nogil:
    """total = sum over steps of d_z times source, LANES rows in a vector."""
    cdef vec[GRADIENT_ROWS * GRADIENT_COLUMNS] sums
    cdef reals[GRADIENT_COLUMNS] at
    cdef vec[GRADIENT_ROWS] d
    cdef vec x
    cdef int r, k, t
    for r in range(GRADIENT_ROWS * GRADIENT_COLUMNS):
        sums[r] = splat(0)
    for k in range(GRADIENT_COLUMNS):
        at[k] = columns[k].at + first * columns[k].stride
    for t in range(steps):
        for r in range(GRADIENT_ROWS):
            d[r] = load(d_z[r] + (first + t) * d_z_stride)
        for k in range(GRADIENT_COLUMNS):
            x = splat(at[k][0])
            at[k] += columns[k].stride
            for r in range(GRADIENT_ROWS):
                sums[r * GRADIENT_COLUMNS + k] = sums[r * GRADIENT_COLUMNS + k] + d[r] * x
    for r in range(GRADIENT_ROWS * GRADIENT_COLUMNS):
        store(total + r * LANES, sums[r])


cdef inline void add_gradient(
    int steps,
    int rows,  # numbers of d_z per step and sequence, padding included
    int width,
    const real* d_z,  # IN     (steps, >= rows, width)
    Py_ssize_t d_z_stride,
    const Column* columns,  # IN
    int n_columns,
    const Py_ssize_t* row_at,  # places of the rows, -1 for padding
    const Py_ssize_t* column_at,
    real* d_matrix,  # INOUT
) noexcept nogil:
    """d_matrix += sum over steps of outer(d_z, sources), the whole history of a layer at once."""
    cdef reals[GRADIENT_ROWS] d
    cdef Column[GRADIENT_COLUMNS] tile
    cdef real[GRADIENT_ROWS * GRADIENT_COLUMNS * LANES] total
    cdef real* d_row
    cdef int row, column, block, block_stop, first = 0, span, r, k, lane, at, count
    cdef int lanes = 1 if width > 1 else LANES  # rows in a vector
    cdef int spans = 1 + steps * width * min(n_columns, <int> COLUMN_BLOCK) // CACHE_NUMBERS
    cdef int span_max = (steps + spans - 1) // spans
    while first < steps:
        span = min(span_max, steps - first)
        block = 0
        while block < n_columns:
            block_stop = min(block + <int> COLUMN_BLOCK, n_columns)
            row = 0
            while row < rows:
                for r in range(GRADIENT_ROWS):
                    # a tile that is not full repeats its last row; the copies are dropped below
                    at = min(row + r * lanes, rows - lanes)
                    d[r] = d_z + at * width
                column = block
                while column < block_stop:
                    for k in range(GRADIENT_COLUMNS):
                        tile[k] = columns[min(column + k, n_columns - 1)]
                    if width > 1:
                        # each of the first tiles of columns fetches one of the next rows
                        k = (column - block) // GRADIENT_COLUMNS % GRADIENT_ROWS
                        at = min(row + GRADIENT_ROWS + k, rows - 1)
                        gradient_rows_tile(span, d, d_z_stride, tile, first, d_z + at * width,
                                           total)
                    else:
                        gradient_units_tile(span, d, d_z_stride, tile, first, total)
                    count = min(<int> GRADIENT_COLUMNS, block_stop - column)
                    for r in range(min(<int> GRADIENT_ROWS, (rows - row + lanes - 1) // lanes)):
                        for lane in range(lanes):
                            if row_at[row + r * lanes + lane] < 0:
                                continue
                            d_row = d_matrix + row_at[row + r * lanes + lane]
                            for k in range(count):
                                d_row[column_at[column + k]] += (
                                    total[(r * GRADIENT_COLUMNS + k) * lanes + lane]
                                )
                    column += GRADIENT_COLUMNS
                row += GRADIENT_ROWS * lanes
            block = block_stop
        first += span
