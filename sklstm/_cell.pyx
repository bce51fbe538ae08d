"""The door for batches: a network at work on packed sequences, forward and backward.

The sequences of a batch become bundles: LANES of similar length side by side where the net is
small, else each by itself. Chunks of bundles are dealt to threads, which take them from the first
step to the gradient at all pre-activations; then the rows of all weights are dealt. No sum depends
on which chunk a sequence is in: the result does not depend on the number of threads.

Nothing in this module checks its input: see _network.py.
"""

from cython.parallel cimport prange, threadid
from libc.stdlib cimport qsort

from sklstm._kernels.arena cimport Arena, arena_free, arena_take
from sklstm._kernels.bundles cimport (
    Bundle, Chunk, History, Memory, Room, bundle_place, slot,
)
from sklstm._kernels.gradients cimport (
    TERMS, Piece, peephole_gradient, piece_gradient, table_size,
)
from sklstm._kernels.layers cimport CHUNK_MAX, backward, forward
from sklstm._kernels.layout cimport (
    Matrix, Net, matrix_rows, network_new, pack_network, pack_room,
)
from sklstm._kernels.losses cimport (
    LOG_LOGISTIC, LOG_SOFTMAX, SQUARED_IDENTITY, SQUARED_LOGISTIC, SQUARED_TANH, Loss,
    finish_gradient, target_loss,
)
from sklstm._kernels.products cimport (
    GRADIENT_COLUMNS, GRADIENT_ROWS, GRADIENT_VECTORS, ROW_TILE, TILE_MAX, TILE_SEQUENCES,
    TILE_VECTORS,
)
from sklstm._kernels.simd cimport (
    LANES, flush_denormals, float_mode, load, real, restore_float_mode, sigmoid, store, vec, vexp,
    vtanh,
)

cdef enum:
    ALONE_MAX = LANES // 2  # of a small net: up to so many left-over sequences are in units
    SMALL = 2 * LANES  # layers of fewer blocks have their sequences in lanes
    NUMBERS_FEW = 1 << 18  # weights of a layer that the second-level cache holds
    NUMBERS_MANY = 1 << 20  # and that it cannot hold
    PARALLEL_MIN = 2000000  # multiply-adds below which a second thread costs more than it gives
    TABLE_MAX = 1 << 17  # numbers of a piece's table, which the second-level cache holds

# What decides which way a computation takes: tests derive from it shapes that take all of them.
constants = {
    "LANES": LANES,
    "ALONE_MAX": ALONE_MAX,
    "SMALL": SMALL,
    "CHUNK_MAX": CHUNK_MAX,
    "TERMS": TERMS,
    "TABLE_MAX": TABLE_MAX,
    "NUMBERS_FEW": NUMBERS_FEW,
    "NUMBERS_MANY": NUMBERS_MANY,
    "PARALLEL_MIN": PARALLEL_MIN,
    "ROW_TILE": ROW_TILE,
    "TILE_MAX": TILE_MAX,
    "TILE_SEQUENCES": TILE_SEQUENCES,
    "TILE_VECTORS": TILE_VECTORS,
    "GRADIENT_ROWS": GRADIENT_ROWS,
    "GRADIENT_VECTORS": GRADIENT_VECTORS,
    "GRADIENT_COLUMNS": GRADIENT_COLUMNS,
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
    cdef float_mode mode
    with nogil:
        mode = flush_denormals()
        for row in range(raw.shape[0]):
            total += target_loss(<Loss> loss, K, 1, &targets[row, 0], weights[row], &raw[row, 0])
        restore_float_mode(mode)
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
    cdef Bundle* bundles  # of a batch if training, else CHUNK_MAX of each thread
    cdef Chunk* chunks
    cdef Place* places
    cdef Piece* pieces
    cdef real** rooms  # of a batch if training, else of each thread
    cdef real** tables  # of each thread
    cdef int n_threads, largest_batch, n_pieces, bundles_of_room
    cdef Py_ssize_t n_total
    cdef bint training
    cdef bint packed[2]  # is there room for units, for lanes
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
    cdef int n_wide, n_alone, n_chunks, chunk_size
    cdef double scale
    cdef real[:, ::1] out

    def __cinit__(
        self, topology, vector, values, offsets, *, bint full, bint return_sequences,
        bint training, int largest_batch, int n_threads,
    ):
        cdef int n = <int> (offsets.shape[0] - 1)
        self.vector, self.values, self.offsets = vector, values, offsets
        self.training = training
        self.n_total = topology.n_total
        self.largest_batch = max(1, min(largest_batch, n))
        self.n_threads = max(1, min(n_threads, self.largest_batch))
        self.net.full = full
        self.net.return_sequences = return_sequences
        network_new(&self.arena, &self.net, topology)
        self.places = <Place*> self.take(max(n, 1), sizeof(Place))
        self.new_rooms(n)
        if training:
            self.new_pieces()

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

    cdef void* take(self, double n, size_t size) except NULL:
        return arena_take(&self.arena, n, size)

    # -- room

    cdef int new_rooms(self, int n) except -1:
        """Room for the longest sequences: of a batch to train, else of a chunk in each thread."""
        cdef int b, thread, n_rooms, n_wide = 0, n_alone = self.largest_batch
        cdef Room room
        cdef Bundle* bundle
        if self.has_lanes():
            n_wide = (n_alone + LANES - 1) // LANES
            n_alone = min(n_alone, <int> ALONE_MAX)
        if not self.training:
            n_wide, n_alone = min(n_wide, 1), min(n_alone, <int> CHUNK_MAX)
        n_rooms = 1 if self.training else self.n_threads
        self.bundles_of_room = n_wide + n_alone
        self.bundles = <Bundle*> self.take(self.bundles_of_room * n_rooms, sizeof(Bundle))
        self.chunks = <Chunk*> self.take(
            self.largest_batch if self.training else n_rooms, sizeof(Chunk))
        self.rooms = <real**> self.take(n_rooms, sizeof(real*))
        for b in range(self.bundles_of_room * n_rooms):
            bundle = &self.bundles[b]
            bundle.layers = <Memory*> self.take(self.net.n_layers, sizeof(Memory))
            bundle.d_y = <History*> self.take(self.net.n_layers, sizeof(History))
        self.arrange(NULL, 0, n)
        room.at, room.used = NULL, 0
        for b in range(self.bundles_of_room if n > 0 else 0):
            bundle = &self.bundles[b]
            bundle.steps = self.places[b * LANES if b < n_wide else b - n_wide].length
            bundle_place(&room, &self.net, bundle, LANES if b < n_wide else 1, self.training)
        for thread in range(n_rooms):
            self.rooms[thread] = <real*> self.take(room.used, sizeof(real))
        return 0

    cdef int new_pieces(self) except -1:
        """Deal the rows of all weights into pieces."""
        cdef int index, rows, first, size, n = 0, thread
        cdef Piece piece
        cdef Py_ssize_t largest = 1
        cdef Net* net = &self.net
        for index in range(net.n_layers):
            n += matrix_rows(&net.layers[index].weights, 1) // LANES + 1
        self.pieces = <Piece*> self.take(n + net.n_directions, sizeof(Piece))
        for index in range(net.n_layers + net.n_directions):
            piece.layer, piece.first = index, 0
            rows = net.n_outputs
            if index < net.n_layers:
                rows = matrix_rows(&net.layers[index].weights, 1)
            piece.stop = 1
            size = <int> max(1, TABLE_MAX // table_size(net, &piece))
            if self.n_threads > 1:
                size = min(size, rows // (2 * self.n_threads))
            size = (max(size, 64) + LANES - 1) // LANES * LANES
            for first in range(0, rows, size):
                piece.first, piece.stop = first, min(first + size, rows)
                self.pieces[self.n_pieces] = piece
                self.n_pieces += 1
                largest = max(largest, table_size(net, &piece))
        self.tables = <real**> self.take(self.n_threads, sizeof(real*))
        for thread in range(self.n_threads):
            self.tables[thread] = <real*> self.take(largest, sizeof(real))
        return 0

    # -- a batch as chunks of bundles

    cdef int width(self, int bundle) noexcept nogil:
        return LANES if bundle < self.n_wide else 1

    cdef bint has_lanes(self) noexcept nogil:
        """Is the net so small that lanes are sequences?"""
        cdef int index, largest = 0
        for index in range(self.net.n_layers):
            largest = max(largest, self.net.layers[index].n_blocks)
        return LANES > 1 and largest < SMALL

    cdef void plan(self, int n) noexcept nogil:
        """Cut n sequences into bundles, and bundles into chunks."""
        cdef int index, most
        cdef Py_ssize_t numbers = 0
        cdef const Matrix* m
        self.n_wide = 0
        if self.has_lanes():
            self.n_wide = n // LANES
            if n % LANES > ALONE_MAX:
                self.n_wide += 1
        self.n_alone = max(0, n - self.n_wide * LANES)
        for index in range(self.net.n_layers):
            m = &self.net.layers[index].weights
            numbers = max(numbers, <Py_ssize_t> matrix_rows(m, 1) * m.columns)
        most = 8 if numbers <= NUMBERS_FEW else 16 if numbers <= NUMBERS_MANY else CHUNK_MAX
        self.chunk_size = max(1, min(most, (self.n_alone + self.n_threads - 1) // self.n_threads))
        self.n_chunks = self.n_wide + (self.n_alone + self.chunk_size - 1) // self.chunk_size

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

    cdef void fill_bundle(self, Bundle* bundle, int index, int n) noexcept nogil:
        cdef int first = index * LANES, lane, width = self.width(index)
        cdef const Place* place
        bundle.count = 1
        if width > 1:
            bundle.count = min(<int> LANES, n - first)
        else:
            first = self.n_wide * LANES + index - self.n_wide
        bundle.steps = self.places[first].length
        for lane in range(width):
            bundle.length[lane] = 0
            if lane < bundle.count:
                place = &self.places[first + lane]
                bundle.row[lane] = place.row
                bundle.length[lane] = place.length
                bundle.x[lane] = &self.values[self.offsets[place.row], 0]

    cdef void fill_chunk(
        self, Chunk* chunk, int index, Bundle* bundles, int first, Room* room, int n
    ) noexcept nogil:
        """Chunk number `index`, whose first bundle has the number `first`."""
        cdef int b
        chunk.bundles = bundles
        chunk.width = self.width(first)
        chunk.n = 1 if chunk.width > 1 else min(
            self.chunk_size, self.n_wide + self.n_alone - first)
        for b in range(chunk.n):
            self.fill_bundle(&bundles[b], first + b, n)
            bundle_place(room, &self.net, &bundles[b], chunk.width, self.training)
        chunk.steps = bundles[0].steps

    cdef int first_bundle(self, int chunk) noexcept nogil:
        if chunk < self.n_wide:
            return chunk
        return self.n_wide + (chunk - self.n_wide) * self.chunk_size

    cdef int start(self, const long long* rows, Py_ssize_t first, int n) except -1:
        """Order a batch, cut it, and pack the parameters."""
        cdef int wide
        self.arrange(rows, first, n)
        self.plan(n)
        for wide in range(2):
            if (self.n_wide if wide else self.n_alone) == 0:
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
        if work * work_factor * self.n_total < PARALLEL_MIN:
            return 1
        return min(self.n_threads, max(self.n_chunks, self.n_pieces))

    # -- forward

    cdef void output_chunk(self, int index, int n, int thread) noexcept nogil:
        cdef Chunk* chunk = &self.chunks[thread]
        cdef Bundle* bundle
        cdef Room room
        cdef int b, lane, t, k, K = self.net.n_outputs
        cdef Py_ssize_t row
        cdef const real* z
        cdef float_mode mode = flush_denormals()
        room.at, room.used = self.rooms[thread], 0
        self.fill_chunk(chunk, index, &self.bundles[thread * self.bundles_of_room],
                        self.first_bundle(index), &room, n)
        forward(&self.net, chunk)
        for b in range(chunk.n):
            bundle = &chunk.bundles[b]
            for lane in range(bundle.count):
                row = bundle.row[lane]
                if self.net.return_sequences:
                    row = self.offsets[row]
                for t in range(bundle.length[lane] if self.net.return_sequences else 1):
                    z = slot(&bundle.out, t)
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

    cdef double loss_of(self, Bundle* bundle, int width) noexcept nogil:
        """Loss of a bundle; its raw outputs become their gradient."""
        cdef int lane, t, k, K = self.net.n_outputs
        cdef Py_ssize_t row
        cdef real* z
        cdef double loss = 0
        for t in range(bundle.steps if self.net.return_sequences else 1):
            z = slot(&bundle.out, t)
            for lane in range(width):
                if lane < bundle.count and (t == 0 or t < bundle.length[lane]):
                    row = bundle.row[lane]
                    if self.net.return_sequences:
                        row = self.offsets[row] + t
                    loss += target_loss(self.loss, K, width, &self.targets[row, 0],
                                        self.weights[row] * self.scale, z + lane)
                else:
                    for k in range(K):
                        z[k * width + lane] = 0
        return loss

    cdef void learn_chunk(self, int index) noexcept nogil:
        """Bring a chunk to the gradient at its pre-activations."""
        cdef Chunk* chunk = &self.chunks[index]
        cdef int b
        cdef float_mode mode = flush_denormals()
        forward(&self.net, chunk)
        for b in range(chunk.n):
            chunk.bundles[b].loss = self.loss_of(&chunk.bundles[b], chunk.width)
        backward(&self.net, chunk)
        restore_float_mode(mode)

    cdef void learn_piece(self, int index, int thread) noexcept nogil:
        cdef float_mode mode = flush_denormals()
        piece_gradient(&self.net, &self.pieces[index], self.bundles, self.n_wide, self.n_alone,
                       self.tables[thread], &self.d_vector[0])
        restore_float_mode(mode)

    cdef double finish(self, double penalty) noexcept nogil:
        """What no thread has done: peepholes, the penalty on weights; return the loss."""
        cdef int b, index
        cdef double loss = 0
        cdef float_mode mode = flush_denormals()
        for b in range(self.n_wide + self.n_alone):
            loss += self.bundles[b].loss
        for index in range(self.net.n_layers):
            if self.net.layers[index].has_peepholes:
                peephole_gradient(&self.net, index, self.bundles, self.n_wide, self.n_alone,
                                  &self.d_vector[0])
        loss += finish_gradient(self.n_total, self.frozen, &self.decayed[0], penalty,
                                &self.vector[0], &self.d_vector[0])
        restore_float_mode(mode)
        return loss

    def gradient(self, const long long[::1] rows):
        """Loss of the batch made of these sequences, None if it has no weight.

        Writes the gradient into the ``d_vector`` that `learn_from` was given.
        """
        cdef int index, n_threads, first, n = rows.shape[0]
        cdef Py_ssize_t k
        cdef double weight = 0, loss
        cdef Room room
        for k in range(n):
            weight += self.sequence_weights[rows[k]]
        if not weight > 0:
            return None
        self.scale = 1.0 / n
        self.start(&rows[0], 0, n)
        with nogil:
            n_threads = self.threads(n, 3)
            room.at, room.used = self.rooms[0], 0
            for index in range(self.n_chunks):
                first = self.first_bundle(index)
                self.fill_chunk(&self.chunks[index], index, &self.bundles[first], first, &room, n)
            if n_threads == 1:
                for index in range(self.n_chunks):
                    self.learn_chunk(index)
                for index in range(self.n_pieces):
                    self.learn_piece(index, 0)
            else:
                for index in prange(self.n_chunks, num_threads=n_threads,
                                    schedule="dynamic", chunksize=1):
                    self.learn_chunk(index)
                for index in prange(self.n_pieces, num_threads=n_threads,
                                    schedule="dynamic", chunksize=1):
                    self.learn_piece(index, threadid())
            loss = self.finish(self.alpha / weight)
        return loss
