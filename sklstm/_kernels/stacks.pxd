"""Forward and backward pass of a chunk through all layers and the output layer, span by span.

All members of a team call these functions. After a `wait` they can read what the others wrote.
"""

from libc.string cimport memcpy

from sklstm._kernels.bundles cimport Bundle, Chunk, begin_size, cells_at, recurrent, slot
from sklstm._kernels.layers cimport (
    CHUNK_MAX, backward_inputs, backward_layer, ends, forward_layer, multiply, n_reading,
)
from sklstm._kernels.layout cimport Layer, Net, group, n_levels, passes_back
from sklstm._kernels.pooling cimport begin_pool, begin_pool_back, end_pool
from sklstm._kernels.products cimport FROM_BIAS, FROM_OUTPUT, FROM_ZERO, reals, reals_out
from sklstm._kernels.signals cimport is_over
from sklstm._kernels.simd cimport real
from sklstm._kernels.teams cimport does, wait


# ---------------------------------------------------------------------------- outputs


cdef inline const real* cells_read(
    const Net* net, const Bundle* bundle, Py_ssize_t d, Py_ssize_t t, Py_ssize_t width
) noexcept nogil:
    """Cells that the output layer reads from one direction: at position t, or at the last step."""
    cdef const Layer* layer = &net.layers[net.n_layers - net.n_directions + d]
    if net.return_sequences:
        return cells_at(net, bundle, net.n_layers - net.n_directions + d, t, width)
    return bundle.read + d * layer.block_size * layer.n_blocks * width


cdef inline void read_out(const Net* net, const Chunk* chunk, Py_ssize_t t) noexcept nogil:
    """Raw outputs at position t or, with one output per sequence, at the last step."""
    cdef Py_ssize_t d, b, count = n_reading(chunk, t)
    cdef reals[CHUNK_MAX] x
    cdef reals_out[CHUNK_MAX] out
    for d in range(net.n_directions):
        if ends(chunk, &net.head[d], count):
            return
        for b in range(count):
            x[b] = cells_read(net, &chunk.bundles[b], d, t, chunk.width)
            out[b] = slot(&chunk.bundles[b].out, t)
        multiply(chunk, &net.head[d], count, x, FROM_BIAS if d == 0 else FROM_OUTPUT, out)


cdef inline void read_back(const Net* net, const Chunk* chunk, Py_ssize_t t) noexcept nogil:
    """Backward pass of `read_out`: gradient at the cells from that at the raw outputs."""
    cdef const Layer* last = &net.layers[net.n_layers - 1]
    cdef Py_ssize_t d, b, count = n_reading(chunk, t)
    cdef Py_ssize_t size = last.block_size * group(last, chunk.width)
    cdef Bundle* bundle
    cdef reals[CHUNK_MAX] d_out
    cdef reals_out[CHUNK_MAX] d_y
    for d in range(net.n_directions):
        if ends(chunk, &net.head_back[d], count):
            return
        for b in range(count):
            bundle = &chunk.bundles[b]
            d_out[b] = slot(&bundle.out, t)
            d_y[b] = bundle.d_read
            if net.return_sequences:
                d_y[b] = slot(&bundle.d_y[last.level], t)
            d_y[b] += d * size
        multiply(chunk, &net.head_back[d], count, d_out, FROM_ZERO, d_y)


# ---------------------------------------------------------------------------- spans of steps


cdef inline Py_ssize_t n_spans(const Chunk* chunk) noexcept nogil:
    return 1 if chunk.span == 0 else (chunk.steps + chunk.span - 1) // chunk.span


cdef inline void enter_span(Chunk* chunk, Py_ssize_t number) noexcept nogil:
    """Select a span; it is empty if the chunk has fewer spans."""
    chunk.first = min(number * chunk.span, chunk.steps)
    chunk.stop = chunk.steps if chunk.span == 0 else min(chunk.first + chunk.span, chunk.steps)


cdef inline void copy_begin(const Net* net, const Chunk* chunk, bint back) noexcept nogil:
    """Store the initial state of the span or, in the backward pass, restore it."""
    cdef const Layer* layer
    cdef const Bundle* bundle
    cdef Py_ssize_t index, b, width = chunk.width
    cdef Py_ssize_t states, others
    cdef real* kept
    cdef real* s
    cdef real* r
    for b in range(n_reading(chunk, chunk.first)):
        bundle = &chunk.bundles[b]
        for index in range(net.n_layers if does(&chunk.member, b) else 0):
            layer = &net.layers[index]
            states = layer.block_size * group(layer, width)
            others = layer.n_recurrent * layer.n_blocks * width
            kept = bundle.layers[index].begin
            kept += chunk.first // chunk.span * begin_size(layer, width)
            s = slot(&bundle.layers[index].s, chunk.first)
            r = recurrent(layer, bundle, index, chunk.first, width)
            memcpy(s if back else kept, kept if back else s, states * sizeof(real))
            kept += states
            memcpy(r if back else kept, kept if back else r, others * sizeof(real))


# ---------------------------------------------------------------------------- a network


cdef inline void forward_span(const Net* net, const Chunk* chunk) noexcept nogil:
    cdef Py_ssize_t index
    for index in range(net.n_layers):
        if not is_over(chunk.watch):
            forward_layer(net, chunk, index)


cdef inline void forward(const Net* net, Chunk* chunk) noexcept nogil:
    """Raw outputs of a chunk, at the last step or at every step. It ends in the last span.

    This function and all below return early if the call is over.
    """
    cdef Py_ssize_t b, t, number
    chunk.again = False
    for b in range(chunk.n if not net.return_sequences else 0):
        if does(&chunk.member, b):
            begin_pool(net, &chunk.bundles[b], chunk.width)
    for number in range(n_spans(chunk)):
        enter_span(chunk, number)
        if number > 0:
            copy_begin(net, chunk, False)
        forward_span(net, chunk)
        for t in range(chunk.first, chunk.stop if net.return_sequences else chunk.first):
            if is_over(chunk.watch):
                return
            read_out(net, chunk, t)
        if is_over(chunk.watch):
            return
    if not net.return_sequences:
        for b in range(chunk.n):
            if does(&chunk.member, b):
                end_pool(net, &chunk.bundles[b], chunk.width)
        wait(&chunk.member)
        read_out(net, chunk, 0)
    wait(&chunk.member)


cdef inline void repeat_span(const Net* net, Chunk* chunk, Py_ssize_t number) noexcept nogil:
    """Enter a span and compute its steps again, without changing the raw outputs."""
    enter_span(chunk, number)
    if number > 0:
        copy_begin(net, chunk, True)
    chunk.again = True
    forward_span(net, chunk)


cdef inline void backward_span(const Net* net, const Chunk* chunk) noexcept nogil:
    """Gradient at the pre-activations of a span from the gradient at the raw outputs.

    The spans of a chunk follow in order, the last one first.
    """
    cdef Py_ssize_t t, d, level, b
    for t in range(chunk.first, chunk.stop if net.return_sequences else chunk.first):
        if is_over(chunk.watch):
            return
        read_back(net, chunk, t)
    if is_over(chunk.watch):
        return
    if not net.return_sequences and chunk.stop == chunk.steps:
        read_back(net, chunk, 0)
        wait(&chunk.member)
        for b in range(chunk.n):
            if does(&chunk.member, b):
                begin_pool_back(net, &chunk.bundles[b], chunk.width)
    wait(&chunk.member)
    for level in range(n_levels(net) - 1, -1, -1):
        for d in range(net.n_directions):
            if is_over(chunk.watch):
                return
            backward_layer(net, chunk, level * net.n_directions + d)
        for d in range(net.n_directions if passes_back(net, level) else 0):
            if is_over(chunk.watch):
                return
            backward_inputs(net, chunk, level * net.n_directions + d)
