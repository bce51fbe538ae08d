"""Rooms: each is the memory for one chunk that is being computed."""

from sklstm._kernels.arena cimport Arena, arena_take
from sklstm._kernels.bundles cimport (
    Bundle, Chunk, History, Memory, Room, bundle_place, draw_masks,
)
from sklstm._kernels.dropout cimport drops
from sklstm._kernels.layout cimport Net, n_levels
from sklstm._kernels.plan cimport (
    GROUP, Place, Plan, block_of, chunks_most, first_bundle, first_place, width_of,
)
from sklstm._kernels.simd cimport LANES, real
from sklstm._kernels.teams cimport Member


cdef struct Rooms:
    Py_ssize_t n
    Chunk* chunks  # one chunk for each room
    real** memory
    Py_ssize_t numbers  # size of each room's memory
    Py_ssize_t most  # bundles of one in a chunk
    bint training
    bint in_spans  # are some sequences trained span by span?
    Py_ssize_t whole  # sequences of up to this number of steps are stored whole
    Py_ssize_t span  # number of stored steps of longer sequences


cdef inline int rooms_new(
    Arena* arena, Rooms* rooms, const Net* net, const Plan* plan, Py_ssize_t largest_batch
) except -1:
    """Make rooms for the longest sequences. The caller sets `training`, `whole` and `span`."""
    cdef Py_ssize_t b, k, most = chunks_most(plan, min(largest_batch, <Py_ssize_t> GROUP))
    cdef Bundle* bundle
    # layers that read both directions at the same position need all steps at once
    rooms.in_spans = (
        rooms.training and plan.places[0].length > rooms.whole
        and (net.n_directions == 1 or n_levels(net) == 1 and not net.return_sequences)
    )
    rooms.most = min(plan.most, largest_batch)
    rooms.n = plan.n_threads
    if rooms.training and rooms.n > 1:
        rooms.n *= 2  # so that a round does not wait for its slowest chunk alone
    if largest_batch <= GROUP:
        rooms.n = min(rooms.n, most)
    if rooms.in_spans:
        rooms.n = max(rooms.n, most)  # a group is one round
    rooms.chunks = <Chunk*> arena_take(arena, rooms.n, sizeof(Chunk))
    rooms.memory = <real**> arena_take(arena, rooms.n, sizeof(real*))
    for k in range(rooms.n):
        rooms.chunks[k].bundles = <Bundle*> arena_take(arena, rooms.most, sizeof(Bundle))
        for b in range(rooms.most):
            bundle = &rooms.chunks[k].bundles[b]
            bundle.layers = <Memory*> arena_take(arena, net.n_layers, sizeof(Memory))
            bundle.d_y = <History*> arena_take(arena, net.n_layers, sizeof(History))
    rooms.numbers = numbers_needed(rooms, net, plan)
    for k in range(rooms.n):
        rooms.memory[k] = <real*> arena_take(arena, rooms.numbers, sizeof(real))
    return 0


cdef inline Py_ssize_t numbers_needed(
    const Rooms* rooms, const Net* net, const Plan* plan
) noexcept nogil:
    """Size of a room for the longest of the places."""
    cdef Py_ssize_t numbers = 0
    cdef Py_ssize_t n, k, span
    for k in range(2 if rooms.in_spans else 1):
        span = rooms.span if k == 1 else 0
        for n in range(1, rooms.most + 1):  # of fewer bundles more steps are read together
            numbers = max(numbers, numbers_of(rooms, net, plan, n, 1, span))
        if plan.has_lanes:
            numbers = max(numbers, numbers_of(rooms, net, plan, 1, LANES, span))
    return numbers


cdef inline Py_ssize_t numbers_of(
    const Rooms* rooms, const Net* net, const Plan* plan, Py_ssize_t n, Py_ssize_t width,
    Py_ssize_t span
) noexcept nogil:
    """Size of a chunk of the n longest bundles."""
    cdef Room room = Room(NULL, 0)
    cdef Bundle* bundle
    cdef Py_ssize_t b
    for b in range(n):
        bundle = &rooms.chunks[0].bundles[b]
        bundle.steps = plan.places[b].length
        if rooms.in_spans and span == 0:
            bundle.steps = min(bundle.steps, rooms.whole)
        bundle_place(&room, net, bundle, width, block_of(plan, n, width), rooms.training, span)
    return room.used


cdef inline bint learns_in_spans(const Rooms* rooms, const Plan* plan) noexcept nogil:
    """True if the longest sequence of the batch is too long to be stored whole."""
    return rooms.in_spans and plan.places[0].length > rooms.whole


cdef inline void fill_bundle(
    const Net* net, const Plan* plan, Bundle* bundle, Py_ssize_t index,
    const char* const* first_steps, const int* symbols, const long long* offsets
) noexcept nogil:
    cdef Py_ssize_t first = first_place(plan, index), lane, width = width_of(plan, index)
    cdef const Place* place
    bundle.count = min(width, plan.first + plan.n - first)
    bundle.steps = plan.places[first].length
    for lane in range(width):
        bundle.length[lane] = 0
        if lane < bundle.count:
            place = &plan.places[first + lane]
            bundle.row[lane] = place.row
            bundle.length[lane] = place.length
            bundle.x[lane] = <const real*> first_steps[place.row]
            bundle.symbols[lane] = symbols + offsets[place.row] * net.n_categorical


cdef inline Chunk* fill_chunk(
    const Rooms* rooms, const Net* net, const Plan* plan, Py_ssize_t index, Py_ssize_t number,
    const char* const* first_steps, const int* symbols, const long long* offsets
) noexcept nogil:
    """Chunk number `index` of the current group, in a room."""
    cdef Chunk* chunk = &rooms.chunks[number]
    cdef Room room = Room(rooms.memory[number], 0)
    cdef Py_ssize_t b, first = first_bundle(plan, index)
    chunk.n = first_bundle(plan, index + 1) - first
    chunk.width = width_of(plan, first)
    chunk.span = rooms.span if learns_in_spans(rooms, plan) else 0
    chunk.block = block_of(plan, chunk.n, chunk.width)
    if chunk.span > 0:
        chunk.block = min(chunk.block, chunk.span)
    for b in range(chunk.n):
        fill_bundle(net, plan, &chunk.bundles[b], first + b, first_steps, symbols, offsets)
        bundle_place(&room, net, &chunk.bundles[b], chunk.width, chunk.block, rooms.training,
                     chunk.span)
        if rooms.training and drops(&net.dropout):
            draw_masks(net, &chunk.bundles[b], chunk.width)
    chunk.again = False
    chunk.steps = chunk.bundles[0].steps
    chunk.member = Member(0, 1)
    return chunk
