"""A network at work on packed sequences: forward, and the truncated and the full gradient.

A batch is cut into chunks: LANES sequences of similar length side by side, and what is left over
one by one. A thread owns a chunk from its first step to its weight gradient. Chunks are dealt into
parts, the unit of parallel work, whose gradients are added in order: the result does not depend
on the number of threads.

Nothing in this module checks its input: see _network.py.
"""

from cython.parallel cimport prange, threadid
from libc.stdlib cimport qsort
from libc.string cimport memset

from sklstm._kernels.arena cimport Arena, arena_free, arena_take
from sklstm._kernels.layers cimport (
    Chunk, History, Memory, Space, backward, forward, slot, spread,
)
from sklstm._kernels.layout cimport (
    Layer, Net, group, matrix_size, network_new, pack_network, pack_room, z_size,
)
from sklstm._kernels.losses cimport (
    LOG_LOGISTIC, LOG_SOFTMAX, SQUARED_IDENTITY, SQUARED_LOGISTIC, SQUARED_TANH, Loss,
    finish_gradient, target_loss,
)
from sklstm._kernels.products cimport (
    CACHE_NUMBERS, COLUMN_BLOCK, GRADIENT_COLUMNS, GRADIENT_ROWS, ROW_TILE, UNIT_TILE, Column,
    Source, rows_padded, units_padded,
)
from sklstm._kernels.simd cimport (
    LANES, flush_denormals, float_mode, load, real, restore_float_mode, sigmoid, store, vec, vexp,
    vtanh,
)

cdef enum:
    PARTS_MAX = 32  # partial gradients of a batch: room for 32 threads
    ALONE_MAX = (LANES + 3) // 4  # so many left-over sequences run one by one, more side by side
    PARALLEL_MIN = 2000000  # multiply-adds below which a second thread costs more than it gives

# What decides which way a computation takes: tests derive from it shapes that take all of them.
constants = {
    "LANES": LANES,
    "PARTS_MAX": PARTS_MAX,
    "ALONE_MAX": ALONE_MAX,
    "PARALLEL_MIN": PARALLEL_MIN,
    "ROW_TILE": ROW_TILE,
    "UNIT_TILE": UNIT_TILE,
    "GRADIENT_ROWS": GRADIENT_ROWS,
    "GRADIENT_COLUMNS": GRADIENT_COLUMNS,
    "COLUMN_BLOCK": COLUMN_BLOCK,
    "CACHE_NUMBERS": CACHE_NUMBERS,
}
losses = {
    ("squared_error", "identity"): SQUARED_IDENTITY,
    ("squared_error", "logistic"): SQUARED_LOGISTIC,
    ("squared_error", "tanh"): SQUARED_TANH,
    ("log_loss", "logistic"): LOG_LOGISTIC,
    ("log_loss", "softmax"): LOG_SOFTMAX,
}


def evaluate(str function, real[::1] x):
    """Put exp, sigmoid or tanh of the numbers x into their place, as the kernels compute them."""
    cdef real[LANES] part
    cdef Py_ssize_t k, n = x.shape[0]
    cdef int lane, which = ("exp", "sigmoid", "tanh").index(function)
    cdef vec value
    for k in range(0, n, LANES):
        for lane in range(LANES):
            part[lane] = x[min(k + lane, n - 1)]
        value = load(part)
        if which == 0:
            value = vexp(value)
        elif which == 1:
            value = sigmoid(value)
        else:
            value = vtanh(value)
        store(part, value)
        for lane in range(min(<Py_ssize_t> LANES, n - k)):
            x[k + lane] = part[lane]


def total_loss(
    real[:, ::1] raw,               # INOUT  (rows, K) outputs -> their gradient
    const real[:, ::1] targets,     # IN     (rows, K) or (rows, 1), see losses.pxd
    const double[::1] weights,      # IN     (rows,)
    *,
    int loss,
):
    """Sum of the weighted losses of rows of raw outputs."""
    cdef Py_ssize_t row
    cdef int K = <int> raw.shape[1]
    cdef double total = 0
    with nogil:
        for row in range(raw.shape[0]):
            total += target_loss(<Loss> loss, K, 1, &targets[row, 0], weights[row], &raw[row, 0])
    return total


cdef struct Place:
    # of a sequence in the order of its batch
    Py_ssize_t length
    Py_ssize_t position
    Py_ssize_t row


cdef int longer_first(const void* a, const void* b) noexcept nogil:
    cdef const Place* left = <const Place*> a
    cdef const Place* right = <const Place*> b
    if left.length != right.length:
        return 1 if left.length < right.length else -1
    return 1 if left.position > right.position else -1


cdef class Session:
    """Work arrays for one network, one set of packed sequences and some threads.

    Parameters
    ----------
    topology : sklstm._topology.Topology
    vector : ndarray (n_total,)
        The parameters, read anew at each call.
    values, offsets : ndarray (N, F), ndarray (n + 1,) of int64
        As in ``sklstm._sequences.Sequences``.
    full, return_sequences : bool
    training : bool
        Whether to keep the history that `gradient` needs.
    largest_batch, n_threads : int
    """

    cdef Net net
    cdef Arena arena
    cdef Space* spaces
    cdef Chunk* chunks
    cdef Place* places
    cdef double* losses
    cdef real* parts
    cdef int n_threads, largest_batch, parts_room
    cdef Py_ssize_t n_total
    cdef double work_per_step
    cdef bint training
    cdef bint packed[2]  # is there room for width 1, width LANES
    cdef const real[::1] vector
    cdef const real[:, ::1] values
    cdef const long long[::1] offsets
    # of learning
    cdef Loss loss
    cdef const real[:, ::1] targets
    cdef const double[::1] weights
    cdef const double[::1] sequence_weights
    cdef const Py_ssize_t[::1] frozen
    cdef const unsigned char[::1] decayed
    cdef real[::1] d_vector
    cdef double alpha
    # of the call under way
    cdef int n_wide, n_chunks, n_parts
    cdef double scale
    cdef real[:, ::1] out

    def __cinit__(
        self, topology, vector, values, offsets, *, bint full, bint return_sequences,
        bint training, int largest_batch, int n_threads,
    ):
        cdef int k
        cdef Py_ssize_t steps_max = 0
        self.vector, self.values, self.offsets = vector, values, offsets
        for k in range(self.offsets.shape[0] - 1):
            steps_max = max(steps_max, self.offsets[k + 1] - self.offsets[k])
        self.training = training
        self.n_total = topology.n_total
        self.largest_batch = max(1, min(largest_batch, <int> (self.offsets.shape[0] - 1)))
        # smaller batches may have more chunks: up to ALONE_MAX sequences one by one
        self.parts_room = min(<int> PARTS_MAX, self.largest_batch // LANES + 1 + ALONE_MAX)
        self.n_threads = max(1, min(n_threads, self.parts_room))
        self.net.full = full
        self.net.return_sequences = return_sequences
        network_new(&self.arena, &self.net, topology)
        self.work_per_step = topology.n_total
        self.build_spaces(steps_max, LANES if self.largest_batch > ALONE_MAX else 1)

    def __dealloc__(self):
        arena_free(&self.arena)

    def learn_from(
        self, targets, weights, sequence_weights, frozen, decayed, d_vector, *,
        int loss, double alpha,
    ):
        """Set what `gradient` learns from; see ``_network.Trainer``."""
        self.targets, self.weights, self.sequence_weights = targets, weights, sequence_weights
        self.frozen, self.decayed, self.d_vector = frozen, decayed, d_vector
        self.loss, self.alpha = <Loss> loss, alpha
        if self.parts == NULL:
            self.parts = <real*> arena_take(
                &self.arena, <double> self.parts_room * self.n_total, sizeof(real)
            )

    cdef void* take(self, double n, size_t size) except NULL:
        return arena_take(&self.arena, n, size)

    cdef int history_new(self, History* history, Py_ssize_t slots, Py_ssize_t size) except -1:
        """Room for some slots: a power of two is a ring, more is everything."""
        history.mask = slots - 1 if slots <= 2 else -1
        history.at = <real*> self.take(<double> slots * spread(size), sizeof(real))
        return 0

    cdef int build_spaces(self, Py_ssize_t steps, int width) except -1:
        """Work arrays of each thread, for chunks of up to this width and so many steps."""
        cdef Net* net = &self.net
        cdef Space* space
        cdef Layer* layer
        cdef Memory* memory
        cdef int thread, index, k, runs = 2, columns = 0, d_s = 0, d_r = 0
        cdef int top = net.n_layers // net.n_directions - 1
        cdef int n
        cdef Py_ssize_t keep, kept_cells
        self.spaces = <Space*> self.take(self.n_threads, sizeof(Space))
        for index in range(net.n_layers):
            layer = &net.layers[index]
            n = group(layer, width)
            d_s = max(d_s, layer.block_size * n)
            d_r = max(d_r, matrix_size(&layer.recurrent_back, width))
            runs = max(runs, 1 + net.n_directions * (layer.n_groups + layer.n_recurrent))
            columns = max(columns, layer.weights.columns + 1)
        columns = max(columns, net.head.columns + 1)
        for thread in range(self.n_threads):
            space = &self.spaces[thread]
            space.layers = <Memory*> self.take(net.n_layers, sizeof(Memory))
            space.d_y = <History*> self.take(net.n_layers, sizeof(History))
            keep = max(steps, 3) if self.training else 1
            if width > 1:
                self.history_new(&space.x, keep, net.n_features * width)
            for index in range(net.n_layers):
                layer = &net.layers[index]
                memory = &space.layers[index]
                n = group(layer, width)
                self.history_new(&memory.z, keep, z_size(layer, width))
                self.history_new(&memory.h, keep, layer.block_size * n)
                self.history_new(&memory.s, keep + 1, layer.block_size * n)
                memory.d_peephole = <real*> self.take(3 * layer.block_size * n, sizeof(real))
                kept_cells = keep + 1
                if layer.level < top or net.return_sequences:
                    kept_cells = max(steps + 1, 3)
                self.history_new(&memory.r, kept_cells, layer.n_recurrent * n)
                if self.training and (layer.level < top or net.return_sequences):
                    if layer.direction == 0:
                        self.history_new(
                            &space.d_y[layer.level], keep,
                            rows_padded(
                                net.n_directions * layer.block_size
                                * units_padded(layer.n_blocks, width), width
                            ) * width,
                        )
            space.d_s = <real*> self.take(d_s, sizeof(real))
            space.d_r = <real*> self.take(d_r, sizeof(real))
            space.read = <real*> self.take(matrix_size(&net.head_back, width), sizeof(real))
            space.d_read = <real*> self.take(matrix_size(&net.head_back, width), sizeof(real))
            self.history_new(
                &space.out, max(steps, 3) if net.return_sequences else 1,
                matrix_size(&net.head, width),
            )
            space.ones = <real*> self.take(width, sizeof(real))
            for k in range(width):
                space.ones[k] = 1
            space.sources = <Source*> self.take(runs, sizeof(Source))
            space.columns = <Column*> self.take(columns, sizeof(Column))
        self.chunks = <Chunk*> self.take(self.n_threads, sizeof(Chunk))
        self.places = <Place*> self.take(self.largest_batch, sizeof(Place))
        self.losses = <double*> self.take(PARTS_MAX, sizeof(double))
        return 0

    # -- a batch as chunks

    cdef void plan(self, int n) noexcept nogil:
        """Cut n sequences into chunks, and chunks into parts."""
        self.n_wide = n // LANES if LANES > 1 else 0
        if LANES > 1 and n % LANES > ALONE_MAX:
            self.n_wide += 1
        self.n_chunks = self.n_wide + max(0, n - self.n_wide * LANES)
        self.n_parts = min(self.n_chunks, <int> PARTS_MAX)

    cdef void arrange(self, const long long* rows, Py_ssize_t first, int n) noexcept nogil:
        """Put the sequences of a batch (n from `first` if rows is NULL) in order, longest first."""
        cdef Py_ssize_t k, row
        cdef bint sorted_already = True
        for k in range(n):
            row = first + k if rows == NULL else rows[k]
            self.places[k].row = row
            self.places[k].position = k
            self.places[k].length = self.offsets[row + 1] - self.offsets[row]
            if k > 0 and self.places[k].length > self.places[k - 1].length:
                sorted_already = False
        if not sorted_already:
            qsort(self.places, n, sizeof(Place), longer_first)

    cdef void fill_chunk(self, Chunk* chunk, int index, int n) noexcept nogil:
        cdef int first, lane
        cdef const Place* place
        if index < self.n_wide:
            first, chunk.width = index * LANES, LANES
            chunk.count = min(<int> LANES, n - first)
        else:
            first, chunk.width = self.n_wide * LANES + index - self.n_wide, 1
            chunk.count = 1
        chunk.steps = self.places[first].length
        for lane in range(chunk.width):
            chunk.length[lane] = 0
            if lane < chunk.count:
                place = &self.places[first + lane]
                chunk.row[lane] = place.row
                chunk.length[lane] = place.length
                chunk.x[lane] = &self.values[self.offsets[place.row], 0]

    cdef int start(self, const long long* rows, Py_ssize_t first, int n) except -1:
        """Order a batch, cut it, and pack the parameters."""
        cdef int wide
        self.arrange(rows, first, n)
        self.plan(n)
        for wide in range(2):
            if (self.n_wide if wide else self.n_chunks - self.n_wide) == 0:
                continue
            if not self.packed[wide]:
                pack_room(&self.arena, &self.net, LANES if wide else 1, self.training)
                self.packed[wide] = True
            with nogil:
                pack_network(&self.vector[0], &self.net, LANES if wide else 1, self.training)
        return 0

    cdef int threads(self, int n, double work_factor) noexcept nogil:
        """Threads worth waking for the batch; the result is the same."""
        cdef double work = 0
        cdef int k
        for k in range(n):
            work += self.places[k].length
        if work * work_factor * self.work_per_step < PARALLEL_MIN:
            return 1
        return min(self.n_threads, self.n_parts)

    # -- forward

    cdef void output_chunk(self, int index, int n, int thread) noexcept nogil:
        cdef Space* space = &self.spaces[thread]
        cdef Chunk* chunk = &self.chunks[thread]
        cdef int lane, t, k, K = self.net.n_outputs
        cdef Py_ssize_t row
        cdef const real* z
        cdef float_mode mode = flush_denormals()
        self.fill_chunk(chunk, index, n)
        forward(&self.net, space, chunk)
        for lane in range(chunk.count):
            row = chunk.row[lane]
            if self.net.return_sequences:
                row = self.offsets[row]
            for t in range(chunk.length[lane] if self.net.return_sequences else 1):
                z = slot(&space.out, t, matrix_size(&self.net.head, chunk.width))
                for k in range(K):
                    self.out[row + t, k] = z[k * chunk.width + lane]
        restore_float_mode(mode)

    def output(self, real[:, ::1] out):
        """Raw outputs of all sequences into ``out``, (n, K) or, per step, (N, K)."""
        cdef Py_ssize_t n = self.offsets.shape[0] - 1, first
        cdef int index, count, n_threads
        self.out = out
        for first in range(0, n, self.largest_batch):
            count = min(<Py_ssize_t> self.largest_batch, n - first)
            self.start(NULL, first, count)
            with nogil:
                n_threads = self.threads(count, 1)
                if n_threads == 1:
                    for index in range(self.n_chunks):
                        self.output_chunk(index, count, 0)
                else:
                    for index in prange(self.n_chunks, num_threads=n_threads,
                                        schedule="dynamic", chunksize=1):
                        self.output_chunk(index, count, threadid())

    # -- gradient

    cdef double loss_of(self, Space* space, const Chunk* chunk) noexcept nogil:
        """Loss of a chunk; its raw outputs become their gradient."""
        cdef int lane, t, k, width = chunk.width, K = self.net.n_outputs
        cdef int steps = chunk.steps if self.net.return_sequences else 1
        cdef int size = matrix_size(&self.net.head, width)
        cdef Py_ssize_t row
        cdef real* z
        cdef double loss = 0
        for t in range(steps):
            z = slot(&space.out, t, size)
            for lane in range(width):
                if lane < chunk.count and (t == 0 or t < chunk.length[lane]):
                    row = chunk.row[lane]
                    if self.net.return_sequences:
                        row = self.offsets[row] + t
                    loss += target_loss(self.loss, K, width, &self.targets[row, 0],
                                        self.weights[row] * self.scale, z + lane)
                else:
                    for k in range(K):
                        z[k * width + lane] = 0
        return loss

    cdef void learn_part(self, int part, int n, int thread) noexcept nogil:
        """Add the gradient of one part's chunks to that part's."""
        cdef Space* space = &self.spaces[thread]
        cdef Chunk* chunk = &self.chunks[thread]
        cdef real* d_vector = self.parts + part * self.n_total
        cdef int index
        cdef float_mode mode = flush_denormals()
        memset(d_vector, 0, self.n_total * sizeof(real))
        self.losses[part] = 0
        for index in range(part * self.n_chunks // self.n_parts,
                           (part + 1) * self.n_chunks // self.n_parts):
            self.fill_chunk(chunk, index, n)
            forward(&self.net, space, chunk)
            self.losses[part] += self.loss_of(space, chunk)
            backward(&self.net, space, chunk, d_vector)
        restore_float_mode(mode)

    cdef double combine(self, double penalty) noexcept nogil:
        """Add the parts in order, and the penalty on weights; return the loss."""
        cdef Py_ssize_t p
        cdef int part
        cdef real total
        cdef double loss = 0
        cdef float_mode mode = flush_denormals()
        for part in range(self.n_parts):
            loss += self.losses[part]
        for p in range(self.n_total):
            total = self.parts[p]
            for part in range(1, self.n_parts):
                total += self.parts[part * self.n_total + p]
            self.d_vector[p] = total
        loss += finish_gradient(self.n_total, self.frozen, &self.decayed[0], penalty,
                                &self.vector[0], &self.d_vector[0])
        restore_float_mode(mode)
        return loss

    def gradient(self, const long long[::1] rows):
        """Loss of the batch made of these sequences, None if it has no weight.

        Writes the gradient into the ``d_vector`` that `learn_from` was given.
        """
        cdef int part, n_threads, n = rows.shape[0]
        cdef Py_ssize_t k
        cdef double weight = 0, loss
        for k in range(n):
            weight += self.sequence_weights[rows[k]]
        if not weight > 0:
            return None
        self.scale = 1.0 / n
        self.start(&rows[0], 0, n)
        with nogil:
            n_threads = self.threads(n, 3)
            if n_threads == 1:
                for part in range(self.n_parts):
                    self.learn_part(part, n, 0)
            else:
                for part in prange(self.n_parts, num_threads=n_threads,
                                   schedule="dynamic", chunksize=1):
                    self.learn_part(part, n, threadid())
            loss = self.combine(self.alpha / weight)
        return loss
