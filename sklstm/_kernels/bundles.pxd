"""Memory of a network for the sequences that it reads: bundles, and chunks of bundles.

A bundle is one sequence (units) or LANES sequences side by side (lanes). A chunk is several
bundles, the longest first, that one thread computes together. Every array of a step is
(numbers, width). Step k of a layer is the k-th step that it reads; a reverse layer begins at the
end of the sequence.

For long sequences, training stores one span of steps, and for the other spans only their initial
states. The backward pass computes these spans again, with bit-identical results.
"""

from libc.string cimport memset

from sklstm._kernels.dropout cimport draw_mask, drops, stream_of
from sklstm._kernels.layout cimport (
    HIGHEST, Layer, Net, group, lead, matrix_size, n_levels,
)
from sklstm._kernels.signals cimport Watch
from sklstm._kernels.simd cimport LANES, integer, real
from sklstm._kernels.teams cimport Member


cdef enum:
    WHOLE = 1024  # training stores all steps of sequences of up to this length,
    SPAN = 256  # and this number of steps of longer ones (a power of two)

cdef extern from *:
    """
    #define SKLSTM_TOO_MUCH ((Py_ssize_t) 1 << (sizeof(Py_ssize_t) == 8 ? 44 : 29))
    """
    const Py_ssize_t TOO_MUCH "SKLSTM_TOO_MUCH"


cdef struct History:
    # One array for each step. mask: -1 stores all steps, else the last mask + 1 (a power of two).
    real* at
    Py_ssize_t stride
    Py_ssize_t mask


cdef struct Memory:
    # Memory of one layer for one bundle
    History z  # (rows, width)
    History s  # (S, n) state before step k
    History h  # (S, n)
    History u  # sources of step k: inputs, recurrent sources; in lanes also a constant 1
    real* begin  # start of each span: (S, n) state and (n_recurrent, H, width) recurrent sources
    real* r  # (n_recurrent, n) where groups are padded, else NULL: r(t) is written among sources
    # with dropout
    real* mask  # (S, n) factors of the cells that other layers read; NULL without dropout
    real* recurrent_mask  # (n_recurrent, n) factors of r
    History y  # (S, H, width) outputs that other layers read
    real* d_s
    real* d_r
    real* d_peephole  # (3, S, n)


cdef struct Bundle:
    Py_ssize_t count  # number of sequences
    Py_ssize_t steps  # number of steps of the longest, which is the first
    const real* x[LANES]
    const int* symbols[LANES]
    Py_ssize_t length[LANES]
    Py_ssize_t row[LANES]
    Memory* layers
    History* d_y  # of each level: gradient at its cells, (directions, S, n)
    History d_x  # gradient at the features, if they are explained
    History out  # raw outputs, then their gradient
    real* read  # (directions, S, H, width) cells that the output layer reads at the last step
    real* d_read  # (directions, S, n)
    integer* highest  # (directions, S, n) steps of the maximum, with pooling="max"
    double loss


cdef struct Chunk:
    Py_ssize_t width
    Py_ssize_t n
    Py_ssize_t steps  # of the longest
    Py_ssize_t block  # number of steps whose inputs are read together, a power of two
    Py_ssize_t span  # number of steps that are stored; 0 stores all
    Py_ssize_t first  # first step of the current span
    Py_ssize_t stop
    bint again  # is the span computed a second time, after its outputs are known?
    Bundle* bundles
    Member member  # member of the team that works on it
    Watch* watch  # watch of this member


cdef struct Room:
    # Memory that is allocated in pieces; if `at` is NULL it is only measured.
    real* at
    Py_ssize_t used


cdef inline real* room_take(Room* room, Py_ssize_t n, Py_ssize_t size) noexcept nogil:
    """Memory for n times `size` numbers, aligned to vectors."""
    cdef real* piece = NULL if room.at == NULL else room.at + room.used
    if <double> n * size >= TOO_MUCH - <double> room.used:
        room.used = TOO_MUCH  # which no arena takes
    else:
        room.used += (n * size + LANES - 1) // LANES * LANES
    return piece


cdef inline void history_new(
    Room* room, History* history, Py_ssize_t slots, Py_ssize_t size, bint ring
) noexcept nogil:
    """Memory for slots: one per step or, in a ring, one for each of the last steps."""
    # an odd number of vectors, so that the steps of one unit use many sets of the cache
    history.stride = ((size + LANES - 1) // LANES | 1) * LANES
    history.mask = slots - 1 if ring else -1
    history.at = room_take(room, slots, history.stride)


cdef inline real* slot(const History* history, Py_ssize_t step) noexcept nogil:
    return history.at + (step & history.mask) * history.stride


cdef inline Py_ssize_t step_at(
    const Layer* layer, const Bundle* bundle, Py_ssize_t t
) noexcept nogil:
    """The number of the step at which a layer reads position t of the sequence."""
    return bundle.steps - 1 - t if layer.reverse else t


cdef inline real* inputs(
    const Layer* layer, const Bundle* bundle, Py_ssize_t index, Py_ssize_t step, Py_ssize_t width
) noexcept nogil:
    """Sources of a step, the inputs first."""
    return slot(&bundle.layers[index].u, step) + lead(layer, width)


cdef inline real* recurrent(
    const Layer* layer, const Bundle* bundle, Py_ssize_t index, Py_ssize_t step, Py_ssize_t width
) noexcept nogil:
    """Recurrent sources of a step: the outputs of the previous step, cells first."""
    return inputs(layer, bundle, index, step, width) + layer.n_inputs * width


cdef inline real* cells_at(
    const Net* net, const Bundle* bundle, Py_ssize_t index, Py_ssize_t t, Py_ssize_t width
) noexcept nogil:
    """Outputs of a layer's cells at position t that other layers read, (S, H, width)."""
    cdef const Layer* layer = &net.layers[index]
    cdef Py_ssize_t step = step_at(layer, bundle, t)
    if bundle.layers[index].mask != NULL:
        return slot(&bundle.layers[index].y, step)
    return recurrent(layer, bundle, index, step + 1, width)


cdef inline Py_ssize_t begin_size(const Layer* layer, Py_ssize_t width) noexcept nogil:
    """Size of the initial state of a span of a layer, in whole vectors."""
    cdef Py_ssize_t size = layer.block_size * group(layer, width)
    size += layer.n_recurrent * layer.n_blocks * width
    return (size + LANES - 1) // LANES * LANES


cdef inline void bundle_place(
    Room* room, const Net* net, Bundle* bundle, Py_ssize_t width, Py_ssize_t block, bint training,
    Py_ssize_t span
) noexcept nogil:
    """Allocate the memory of a bundle, from its number of steps and of stored steps."""
    cdef const Layer* layer
    cdef Memory* memory
    # number of slots: `kept` for arrays of a step, `between` for arrays between steps
    cdef Py_ssize_t n, S, T = bundle.steps, kept = max(T, 1), between = T + 1, outside
    cdef Py_ssize_t index, top = n_levels(net) - 1
    cdef bint everywhere, ring = span > 0 or not training
    cdef bint with_dropout = training and drops(&net.dropout)
    if span > 0:
        kept, between = span, 2 * span
    elif not training:
        kept, between = block, 2 * block
    for index in range(net.n_layers):
        layer, memory = &net.layers[index], &bundle.layers[index]
        n, S = group(layer, width), layer.block_size
        everywhere = layer.level < top or net.return_sequences  # are outputs read at all steps?
        outside = T + 1 if everywhere and not training else between
        history_new(room, &memory.z, kept, matrix_size(&layer.weights, width), ring)
        history_new(room, &memory.s, between, S * n, ring)
        history_new(room, &memory.h, kept, S * n, ring)
        history_new(room, &memory.u, outside, lead(layer, width)
                    + (layer.weights.columns + (1 if width > 1 else 0)) * width,
                    ring and outside == between)
        memory.begin = NULL
        if span > 0:
            memory.begin = room_take(room, (T + span - 1) // span, begin_size(layer, width))
        memory.r = memory.mask = NULL
        if n != layer.n_blocks * width or with_dropout:
            memory.r = room_take(room, 1, layer.n_recurrent * n)
        if with_dropout:
            memory.mask = room_take(room, 1, S * n)
            memory.recurrent_mask = room_take(room, 1, layer.n_recurrent * n)
            history_new(room, &memory.y, kept, S * layer.n_blocks * width, ring)
        if training:
            memory.d_s = room_take(room, 1, S * n)
            memory.d_r = room_take(room, 1, matrix_size(&layer.recurrent_back, width))
            if layer.has_peepholes:
                memory.d_peephole = room_take(room, 1, 3 * S * n)
            if everywhere and layer.direction == 0:
                history_new(room, &bundle.d_y[layer.level], kept, net.n_directions * S * n
                            + ((1 if width == 1 else width) * 8), ring)
    if training and net.explains:
        history_new(room, &bundle.d_x, kept, matrix_size(&net.layers[0].input_back, width), ring)
    layer = &net.layers[net.n_layers - 1]
    n, S = group(layer, width), layer.block_size
    history_new(room, &bundle.out, max(T, 1) if net.return_sequences else 1,
                matrix_size(&net.head[0], width), not net.return_sequences)
    bundle.read = room_take(room, 1, net.n_directions * S * n + LANES)
    if net.pooling == HIGHEST:
        bundle.highest = <integer*> room_take(room, 1, net.n_directions * S * n)
    if training:
        bundle.d_read = room_take(room, 1, net.n_directions * S * n + 8 * width)


cdef inline void draw_masks(const Net* net, const Bundle* bundle, Py_ssize_t width) noexcept nogil:
    """Draw the dropout masks of the sequences of a bundle."""
    cdef const Layer* layer
    cdef const Memory* memory
    cdef Py_ssize_t index, lane, n, H
    for index in range(net.n_layers):
        layer, memory = &net.layers[index], &bundle.layers[index]
        n, H = group(layer, width), layer.n_blocks
        memset(memory.mask, 0, layer.block_size * n * sizeof(real))
        memset(memory.recurrent_mask, 0, layer.n_recurrent * n * sizeof(real))
        for lane in range(bundle.count):
            draw_mask(stream_of(&net.dropout, bundle.row[lane], index, False), net.dropout.rate,
                      layer.block_size, H, n, width, lane, memory.mask)
            draw_mask(stream_of(&net.dropout, bundle.row[lane], index, True),
                      net.dropout.recurrent_rate, layer.n_recurrent, H, n, width, lane,
                      memory.recurrent_mask)
