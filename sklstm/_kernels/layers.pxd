"""Forward and backward pass of a chunk through a layer of a network.

All members of a team call these functions. After a `wait` they can read what the others wrote.
"""

from libc.string cimport memcpy, memset

from sklstm._kernels.bundles cimport (
    Bundle, Chunk, Memory, cells_at, inputs, recurrent, slot, step_at,
)
from sklstm._kernels.cells cimport backward_cell, forward_cell
from sklstm._kernels.layout cimport (
    Layer, Matrix, Net, group, matrix_rows, matrix_runs, n_levels,
)
from sklstm._kernels.pooling cimport pool, receive_pooled
from sklstm._kernels.products cimport (
    FROM_BIAS, FROM_OUTPUT, FROM_ZERO, Runs, Start, product, reals, reals_out, rows_of,
)
from sklstm._kernels.signals cimport stops
from sklstm._kernels.simd cimport LANES, load, real, splat, store, turn
from sklstm._kernels.symbols cimport ask_for_symbols, begin_sums
from sklstm._kernels.teams cimport Member, does, wait

cdef enum:
    CHUNK_MAX = 32  # largest number of bundles that share one reading of the weights


cdef inline void multiply(
    const Chunk* chunk, const Matrix* m, Py_ssize_t n, const reals* x, Start start, real** z
) noexcept nogil:
    """z = start + matrix @ x for n steps. The members of a team compute tiles of rows."""
    cdef Runs sources = matrix_runs(m, chunk.width)
    multiply_columns(chunk, m, 0, &sources, n, x, start, z)


cdef inline void multiply_columns(
    const Chunk* chunk, const Matrix* m, Py_ssize_t begin, const Runs* sources, Py_ssize_t n,
    const reals* x,
    Start start, real** z
) noexcept nogil:
    """The same product, for these sources, which begin at column `begin`."""
    cdef Py_ssize_t width = chunk.width, wide = width > 1, first, stop
    rows_of(&chunk.member, matrix_rows(m, width), width, &first, &stop)
    product(first, stop, m.columns, begin, width, m.packed[wide], sources, n, x, start,
            m.bias[wide], z)


cdef inline Py_ssize_t n_reading(const Chunk* chunk, Py_ssize_t step) noexcept nogil:
    """Number of bundles that have this step."""
    cdef Py_ssize_t n = 0
    while n < chunk.n and chunk.bundles[n].steps > step:
        n += 1
    return n


cdef inline bint ends(const Chunk* chunk, const Matrix* m, Py_ssize_t n) noexcept nogil:
    """True if the call must end; asked before n bundles are multiplied by a matrix."""
    return stops(chunk.watch, &chunk.member,
                 <double> m.columns * matrix_rows(m, chunk.width) * chunk.width * n)


# ---------------------------------------------------------------------------- lanes


cdef inline void silence_ended(
    const Bundle* bundle, Py_ssize_t width, Py_ssize_t t, Py_ssize_t units, real* at
) noexcept nogil:
    """Set the units of sequences without a position t to zero."""
    cdef Py_ssize_t u, lane
    for lane in range(width):
        if t >= bundle.length[lane]:
            for u in range(units):
                at[u * width + lane] = 0


cdef inline void gather(
    const Bundle* bundle, Py_ssize_t width, Py_ssize_t t, Py_ssize_t n_features, real* x
) noexcept nogil:
    """Features at position t, side by side; zeros for sequences that have ended."""
    cdef Py_ssize_t lane, f = 0
    cdef reals[LANES] row
    if width == 1:
        memcpy(x, bundle.x[0] + t * n_features, n_features * sizeof(real))
        return
    for lane in range(width):
        row[lane] = NULL
        if t < bundle.length[lane]:
            row[lane] = bundle.x[lane] + t * n_features
    while f + LANES <= n_features:
        turn(row, f, x + f * width)
        f += LANES
    for lane in range(width):
        for f in range(n_features // LANES * LANES, n_features):
            x[f * width + lane] = 0 if row[lane] == NULL else row[lane][f]


# ---------------------------------------------------------------------------- a layer


cdef inline void read_inputs(
    const Net* net, const Layer* layer, const Bundle* bundle, Py_ssize_t width, Py_ssize_t t,
    real* x
) noexcept nogil:
    """Inputs of a layer at position t: features, or the cells below."""
    cdef Py_ssize_t d, below, size
    if layer.level == 0:
        gather(bundle, width, t, net.n_features, x)
        return
    size = layer.n_inputs // net.n_directions * width
    for d in range(net.n_directions):
        below = (layer.level - 1) * net.n_directions + d
        memcpy(x + d * size, cells_at(net, bundle, below, t, width), size * sizeof(real))


cdef inline void multiply_numbers(
    Py_ssize_t n, const real* a, const real* b, real* c
) noexcept nogil:
    """c = a b, element by element."""
    cdef Py_ssize_t k = 0
    while k + LANES <= n:
        store(c + k, load(a + k) * load(b + k))
        k += LANES
    while k < n:
        c[k] = a[k] * b[k]
        k += 1


cdef inline void put_apart(
    const Layer* layer, const Memory* memory, Py_ssize_t step, Py_ssize_t width, real* after
) noexcept nogil:
    """Write r(t), from padded groups, for the layer itself and, with dropout, for other layers."""
    cdef Py_ssize_t n = group(layer, width), size = layer.n_blocks * width, g
    cdef real* y
    if memory.mask == NULL:
        for g in range(layer.n_recurrent):
            memcpy(after + g * size, memory.r + g * n, size * sizeof(real))
        return
    y = slot(&memory.y, step)
    for g in range(layer.block_size):
        multiply_numbers(size, memory.r + g * n, memory.mask + g * n, y + g * size)
    for g in range(layer.n_recurrent):
        multiply_numbers(size, memory.r + g * n, memory.recurrent_mask + g * n, after + g * size)


cdef inline void finish_step(
    const Layer* layer, const Bundle* bundle, Py_ssize_t index, Py_ssize_t step, Py_ssize_t width,
    real* z
) noexcept nogil:
    """Compute the outputs of a step from its pre-activations; ended sequences output zero."""
    cdef const Memory* memory = &bundle.layers[index]
    cdef Py_ssize_t wide = width > 1, S = layer.block_size, t = step_at(layer, bundle, step)
    cdef real* s = slot(&memory.s, step + 1)
    cdef real* after = recurrent(layer, bundle, index, step + 1, width)
    forward_cell(layer.cell, group(layer, width), S, layer.peephole[wide], slot(&memory.s, step),
                 z, s, slot(&memory.h, step), after if memory.r == NULL else memory.r)
    if memory.r != NULL:
        put_apart(layer, memory, step, width, after)
    if layer.reverse and t >= bundle.length[width - 1]:
        silence_ended(bundle, width, t, S * layer.n_blocks, s)
        silence_ended(bundle, width, t, layer.n_recurrent * layer.n_blocks, after)
        if memory.mask != NULL:
            silence_ended(bundle, width, t, S * layer.n_blocks, slot(&memory.y, step))


cdef inline bint reads_symbols(const Net* net, const Layer* layer) noexcept nogil:
    return layer.level == 0 and net.n_categorical > 0


cdef inline Py_ssize_t read_block(
    const Net* net, const Chunk* chunk, Py_ssize_t index, Py_ssize_t first, Py_ssize_t stop,
    reals* x, reals_out* z
) noexcept nogil:
    """Read the inputs of several steps; return the number of steps.

    Symbols are added to the sums directly.
    """
    cdef const Layer* layer = &net.layers[index]
    cdef Py_ssize_t width = chunk.width, step, t, b, n = 0
    cdef const Bundle* bundle
    cdef real* sources
    for step in range(first, stop):
        for b in range(n_reading(chunk, step)):
            bundle = &chunk.bundles[b]
            sources = inputs(layer, bundle, index, step, width)
            x[n], z[n] = sources, slot(&bundle.layers[index].z, step)
            if does(&chunk.member, b):
                t = step_at(layer, bundle, step)
                read_inputs(net, layer, bundle, width, t, sources)
                if reads_symbols(net, layer):
                    begin_sums(net, layer, bundle, width, t, z[n])
                    if step + stop - first < bundle.steps:
                        t = step_at(layer, bundle, step + stop - first)
                        ask_for_symbols(net, layer, bundle, width, t)
                if width > 1:
                    store(sources + layer.weights.columns * LANES, splat(1))
            n += 1
    wait(&chunk.member)
    return n


cdef inline void forward_layer(const Net* net, const Chunk* chunk, Py_ssize_t index) noexcept nogil:
    """The steps of a span of a layer; the first begins with a zero state."""
    cdef const Layer* layer = &net.layers[index]
    cdef const Member* member = &chunk.member
    cdef const Matrix* m = &layer.weights
    cdef Py_ssize_t width = chunk.width, n = group(layer, width), S = layer.block_size
    cdef Py_ssize_t H = layer.n_blocks, F = layer.n_inputs, step, b, count
    cdef bint is_read = (
        layer.level == n_levels(net) - 1 and not net.return_sequences and not chunk.again
    )
    cdef Runs before = Runs(1, F, 0), after = Runs(1, m.columns - F, 0)
    cdef Start start = FROM_OUTPUT if reads_symbols(net, layer) else FROM_BIAS
    cdef const Bundle* bundle
    cdef reals[CHUNK_MAX] x
    cdef reals_out[CHUNK_MAX] z
    for b in range(chunk.n if chunk.first == 0 else 0):
        if does(member, b):
            bundle = &chunk.bundles[b]
            memset(slot(&bundle.layers[index].s, 0), 0, S * n * sizeof(real))
            memset(recurrent(layer, bundle, index, 0, width), 0,
                   layer.n_recurrent * H * width * sizeof(real))
    for step in range(chunk.first, chunk.stop):
        if ends(chunk, m, n_reading(chunk, step)):
            return
        if step & (chunk.block - 1) == 0:
            # several steps at once if sequences are few, so that they share a reading of weights
            count = read_block(net, chunk, index, step, min(step + chunk.block, chunk.stop), x, z)
            if chunk.block > 1:
                multiply_columns(chunk, m, 0, &before, count, x, start, z)
        count = n_reading(chunk, step)
        if chunk.block == 1:
            multiply(chunk, m, count, x, start, z)
        else:
            for b in range(count):
                bundle = &chunk.bundles[b]
                x[b] = recurrent(layer, bundle, index, step, width)
                z[b] = slot(&bundle.layers[index].z, step)
            multiply_columns(chunk, m, F, &after, count, x, FROM_OUTPUT, z)
        wait(member)
        for b in range(count):
            if does(member, b):
                bundle = &chunk.bundles[b]
                finish_step(layer, bundle, index, step, width, z[b])
                if is_read:
                    pool(net, layer, bundle, index, step_at(layer, bundle, step), width)
        wait(member)


cdef inline void receive(
    const Net* net, const Layer* layer, const Bundle* bundle, const real* mask, Py_ssize_t width,
    Py_ssize_t t,
    real* d_r
) noexcept nogil:
    """Add the gradient at the cells from the layer above."""
    cdef Py_ssize_t size = layer.block_size * group(layer, width), u
    cdef const real* received
    if layer.level == n_levels(net) - 1 and not net.return_sequences:
        receive_pooled(net, layer, bundle, t, width, d_r)
        return
    received = slot(&bundle.d_y[layer.level], t) + layer.direction * size
    if mask == NULL:
        for u in range(size // LANES):
            store(d_r + u * LANES, load(d_r + u * LANES) + load(received + u * LANES))
        return
    for u in range(size // LANES):
        store(d_r + u * LANES,
              load(d_r + u * LANES) + load(received + u * LANES) * load(mask + u * LANES))


cdef inline void begin_step_back(
    const Net* net, const Layer* layer, const Bundle* bundle, Py_ssize_t index, Py_ssize_t step,
    Py_ssize_t width,
    real* z
) noexcept nogil:
    """Backward pass of `finish_step`: z becomes the gradient at the step's pre-activations."""
    cdef const Memory* memory = &bundle.layers[index]
    cdef Py_ssize_t wide = width > 1, n = group(layer, width), S = layer.block_size
    cdef Py_ssize_t H = layer.n_blocks
    cdef Py_ssize_t t = step_at(layer, bundle, step), p
    if layer.reverse and t >= bundle.length[width - 1]:
        silence_ended(bundle, width, t, S * H, memory.d_s)
        silence_ended(bundle, width, t, layer.n_recurrent * H, memory.d_r)
    if memory.mask != NULL:
        for p in range(layer.n_recurrent * n // LANES):
            store(memory.d_r + p * LANES,
                  load(memory.d_r + p * LANES) * load(memory.recurrent_mask + p * LANES))
    receive(net, layer, bundle, memory.mask, width, t, memory.d_r)
    backward_cell(layer.cell, n, S, layer.flow[wide], slot(&memory.s, step),
                  slot(&memory.s, step + 1), slot(&memory.h, step), memory.d_r, z, memory.d_s,
                  memory.d_peephole)
    if not net.full:
        # truncated: r(t-1) is a constant
        memset(memory.d_r, 0, layer.n_recurrent * n * sizeof(real))


cdef inline void backward_layer(
    const Net* net, const Chunk* chunk, Py_ssize_t index
) noexcept nogil:
    """Backward pass of `forward_layer`: z becomes the gradient at all pre-activations of a span."""
    cdef const Layer* layer = &net.layers[index]
    cdef const Member* member = &chunk.member
    cdef Py_ssize_t width = chunk.width, n = group(layer, width), S = layer.block_size, step, b
    cdef Py_ssize_t count
    cdef const Memory* memory
    cdef real* d_z
    cdef reals[CHUNK_MAX] z
    cdef reals_out[CHUNK_MAX] d_r
    for b in range(chunk.n):
        memory = &chunk.bundles[b].layers[index]
        d_r[b] = memory.d_r
        if chunk.stop == chunk.steps and does(member, b):
            memset(memory.d_s, 0, S * n * sizeof(real))
            memset(memory.d_r, 0, layer.n_recurrent * n * sizeof(real))
            if layer.has_peepholes:
                memset(memory.d_peephole, 0, 3 * S * n * sizeof(real))
    for step in range(chunk.stop - 1, chunk.first - 1, -1):
        count = n_reading(chunk, step)
        if ends(chunk, &layer.recurrent_back, count):
            return
        for b in range(count):
            d_z = slot(&chunk.bundles[b].layers[index].z, step)
            z[b] = d_z
            if does(member, b):
                begin_step_back(net, layer, &chunk.bundles[b], index, step, width, d_z)
        if net.full and step > 0:
            wait(member)
            multiply(chunk, &layer.recurrent_back, count, z, FROM_ZERO, d_r)
            wait(member)
    wait(member)


cdef inline real* below(const Bundle* bundle, Py_ssize_t level, Py_ssize_t t) noexcept nogil:
    """Gradient at the inputs of a level at position t."""
    return slot(&bundle.d_x, t) if level == 0 else slot(&bundle.d_y[level - 1], t)


cdef inline void backward_inputs(
    const Net* net, const Chunk* chunk, Py_ssize_t index
) noexcept nogil:
    """Gradient at the cells (or features) below a layer, added to that of the other direction."""
    cdef const Layer* layer = &net.layers[index]
    cdef Py_ssize_t t, b, count = 0
    cdef const Bundle* bundle
    cdef reals[CHUNK_MAX] z
    cdef reals_out[CHUNK_MAX] d_y
    for t in range(chunk.first, chunk.stop):
        if ends(chunk, &layer.input_back, n_reading(chunk, t)):
            return
        for b in range(n_reading(chunk, t)):
            bundle = &chunk.bundles[b]
            z[count] = slot(&bundle.layers[index].z, step_at(layer, bundle, t))
            d_y[count] = below(bundle, layer.level, t)
            count += 1
        if (t + 1) & (chunk.block - 1) == 0 or t == chunk.stop - 1:
            multiply(chunk, &layer.input_back, count, z,
                     FROM_ZERO if layer.direction == 0 else FROM_OUTPUT, d_y)
            count = 0
    wait(&chunk.member)
