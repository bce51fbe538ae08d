"""The weights of nets in lanes: a matrix of each net side by side, and columns of symbols.

``w`` is in the order in which products read it. ``place`` maps each number to its place in the
vector of parameters of a net. ``d_w`` sums the changes of ``w``.
"""

from libc.string cimport memcpy

from sklstm._kernels.arena cimport Arena, arena_take
from sklstm._kernels.simd cimport LANES, load, real, splat, store, vec


cdef enum:
    TILE = 4  # rows whose sums stay in registers
    ABSENT = -1  # place of a missing weight


cdef struct Weights:
    # A matrix of each net.
    Py_ssize_t rows
    Py_ssize_t columns
    Py_ssize_t size  # of one net, with rows padded to tiles
    real* w  # (tiles, columns, TILE, LANES)
    real* d_w
    real* trains  # (size,) 1 if a weight is trained
    Py_ssize_t* place  # (size,) or ABSENT


cdef struct Symbols:
    # Columns of symbols, and their traces, contiguous for each lane.
    Py_ssize_t n  # 0 for numeric inputs
    Py_ssize_t rows
    Py_ssize_t n_traces
    Py_ssize_t size  # of one net
    real* w  # (LANES, n, rows)
    real* d_w
    real* traces  # (LANES, n, n_traces)
    real* trains  # (size,)
    Py_ssize_t* place  # (size,)
    Py_ssize_t now[LANES]  # current symbol of each lane


cdef inline Py_ssize_t padded(Py_ssize_t rows) noexcept nogil:
    return (rows + TILE - 1) // TILE * TILE


cdef inline Py_ssize_t at(const Weights* m, Py_ssize_t row, Py_ssize_t column) noexcept nogil:
    """Index of a weight in ``w``."""
    return (row // TILE * m.columns + column) * TILE + row % TILE


cdef inline real* of_symbol(
    const Symbols* symbols, real* array, Py_ssize_t rows, Py_ssize_t lane, Py_ssize_t symbol
) noexcept nogil:
    """The column of a symbol in a lane."""
    return array + (lane * symbols.n + symbol) * rows


# ----------------------------------------------------------------------------- construction


cdef inline real* vecs(Arena* arena, double n) except NULL:
    return <real*> arena_take(arena, n * LANES, sizeof(real))


cdef inline real* trained(
    Arena* arena, const Py_ssize_t* place, Py_ssize_t size, trainable
) except NULL:
    """1 for each trained weight, 0 for other and missing ones."""
    cdef const unsigned char[::1] trains = trainable.view("u1")
    cdef real* found = <real*> arena_take(arena, size, sizeof(real))
    cdef Py_ssize_t k
    for k in range(size):
        found[k] = 1 if place[k] != ABSENT and trains[place[k]] else 0
    return found


cdef inline int weights_new(Arena* arena, Weights* m, table, trainable) except -1:
    cdef const Py_ssize_t[:, ::1] places = table
    cdef Py_ssize_t row, column
    cdef Py_ssize_t k
    m.rows, m.columns = places.shape[0], places.shape[1]
    m.size = padded(m.rows) * m.columns
    m.w, m.d_w = vecs(arena, m.size), vecs(arena, m.size)
    m.place = <Py_ssize_t*> arena_take(arena, m.size, sizeof(Py_ssize_t))
    for k in range(m.size):
        m.place[k] = ABSENT
    for row in range(m.rows):
        for column in range(m.columns):
            m.place[at(m, row, column)] = places[row, column]
    m.trains = trained(arena, m.place, m.size, trainable)
    return 0


cdef inline int symbols_new(
    Arena* arena, Symbols* symbols, Py_ssize_t n_traces, table, trainable
) except -1:
    cdef const Py_ssize_t[:, ::1] places = table
    cdef Py_ssize_t n = places.shape[0], rows = places.shape[1]
    symbols.n, symbols.rows, symbols.n_traces = n, rows, n_traces
    symbols.size = n * rows
    symbols.w, symbols.d_w = vecs(arena, symbols.size), vecs(arena, symbols.size)
    symbols.traces = vecs(arena, <double> n * n_traces)
    symbols.place = <Py_ssize_t*> arena_take(arena, symbols.size, sizeof(Py_ssize_t))
    memcpy(symbols.place, &places[0, 0], symbols.size * sizeof(Py_ssize_t))
    symbols.trains = trained(arena, symbols.place, symbols.size, trainable)
    return 0


# ---------------------------------------------------------------------------- from and to vectors


cdef inline void weights_write(Weights* m, Py_ssize_t lane, const real* vector) noexcept nogil:
    """Set the weights of a net, and its changes to 0."""
    cdef Py_ssize_t k
    for k in range(m.size):
        m.w[k * LANES + lane] = vector[m.place[k]] if m.place[k] != ABSENT else 0
        m.d_w[k * LANES + lane] = 0


cdef inline void weights_read(const Weights* m, Py_ssize_t lane, real* vector) noexcept nogil:
    cdef Py_ssize_t k
    for k in range(m.size):
        if m.place[k] != ABSENT:
            vector[m.place[k]] = m.w[k * LANES + lane]


cdef inline void symbols_write(
    Symbols* symbols, Py_ssize_t lane, const real* vector
) noexcept nogil:
    cdef real* w = of_symbol(symbols, symbols.w, symbols.rows, lane, 0)
    cdef real* d_w = of_symbol(symbols, symbols.d_w, symbols.rows, lane, 0)
    cdef Py_ssize_t k
    for k in range(symbols.size):
        w[k] = vector[symbols.place[k]] if symbols.place[k] != ABSENT else 0
        d_w[k] = 0


cdef inline void symbols_read(const Symbols* symbols, Py_ssize_t lane, real* vector) noexcept nogil:
    cdef const real* w = of_symbol(symbols, symbols.w, symbols.rows, lane, 0)
    cdef Py_ssize_t k
    for k in range(symbols.size):
        if symbols.place[k] != ABSENT:
            vector[symbols.place[k]] = w[k]


# ---------------------------------------------------------------------------------- arithmetic


cdef inline void product_of_each(const Weights* m, const real* x, real* z) noexcept nogil:
    """z = W x in every lane."""
    cdef Py_ssize_t _tile, column, n = m.columns
    cdef const real* w = m.w
    cdef vec a, b, c, d, source
    for _tile in range(padded(m.rows) // TILE):
        a = b = c = d = splat(0)
        for column in range(n):
            source = load(x + column * LANES)
            a = a + load(w) * source
            b = b + load(w + LANES) * source
            c = c + load(w + 2 * LANES) * source
            d = d + load(w + 3 * LANES) * source
            w += TILE * LANES
        store(z, a)
        store(z + LANES, b)
        store(z + 2 * LANES, c)
        store(z + 3 * LANES, d)
        z += TILE * LANES


cdef inline void add_row(
    const Weights* m, Py_ssize_t row, vec factor, const real* x
) noexcept nogil:
    """d_W[row] += factor x."""
    cdef real* d = m.d_w + at(m, row, 0) * LANES
    cdef Py_ssize_t column
    for column in range(m.columns):
        store(d + column * TILE * LANES,
              load(d + column * TILE * LANES) + factor * load(x + column * LANES))


cdef inline void add_symbols(
    const Symbols* symbols, Py_ssize_t first, Py_ssize_t rows, real* z
) noexcept nogil:
    """z += the columns of the lanes' symbols, from row `first` of them."""
    cdef Py_ssize_t lane, row
    cdef const real* column
    for lane in range(LANES):
        column = of_symbol(symbols, symbols.w, symbols.rows, lane, symbols.now[lane]) + first
        for row in range(rows):
            z[row * LANES + lane] += column[row]


cdef inline void weights_update(Weights* m, vec rate, vec kept) noexcept nogil:
    """(22): add d_W times the rate of each lane. Lanes in ``kept`` keep their d_W."""
    cdef Py_ssize_t k
    for k in range(m.size):
        store(m.w + k * LANES, load(m.w + k * LANES)
              + splat(m.trains[k]) * rate * load(m.d_w + k * LANES))
        store(m.d_w + k * LANES, kept * load(m.d_w + k * LANES))


cdef inline void symbols_update(Symbols* symbols, Py_ssize_t lane, real rate) noexcept nogil:
    """The same for one lane."""
    cdef real* w = of_symbol(symbols, symbols.w, symbols.rows, lane, 0)
    cdef real* d_w = of_symbol(symbols, symbols.d_w, symbols.rows, lane, 0)
    cdef Py_ssize_t k
    for k in range(symbols.size):
        w[k] += rate * symbols.trains[k] * d_w[k]
        d_w[k] = 0
