"""Interface of the kernels for batches: a network on sequences, forward and backward.

The sequences of a batch are grouped into bundles: LANES sequences of similar length side by side if
the network is small, else one sequence per bundle. Training works in rounds. In each round, threads
take chunks of bundles and compute them from the first step to the gradient at all pre-activations.
Then threads take rows of the weights and continue the sums of their gradients. No sum depends on
the chunk or round of a sequence, so results do not depend on the number of threads.

Arguments on which loops rely are checked here (arguments.pxd). The user's input is checked before,
in Python.
"""

from cython.parallel cimport parallel, threadid
from libc.string cimport memcmp, memcpy, memset

from sklstm._addresses cimport Addresses, run_of
from sklstm._kernels.arena cimport Arena, arena_free, arena_take
from sklstm._kernels.arguments cimport (
    SMALL_MOST, require_between, require_places, require_shape, require_size, require_symbols,
)
from sklstm._kernels.bundles cimport SPAN, WHOLE, Bundle, Chunk, slot
from sklstm._kernels.dropout cimport Dropout, mixed
from sklstm._kernels.gradients cimport (
    ROWS_MIN, TABLE_MAX, TERMS, Piece, add_chunk, add_peepholes, forget_pieces, pieces_new,
    put_in_place,
)
from sklstm._kernels.layers cimport CHUNK_MAX
from sklstm._kernels.layout cimport HIGHEST, Net, network_new, pack_network, pack_room
from sklstm._kernels.losses cimport (
    QUANTILES_MAX, Loss, finish_gradient, loss_named, target_loss,
)
from sklstm._kernels.network_arguments cimport (
    require_gradient, require_loss, require_parameters, require_targets, require_topology,
    require_trained,
)
from sklstm._kernels.pace cimport (
    FAR, LOOKS, NEXT_LOOK, PARALLEL_MIN, SHARE, Pace, keep_pace, threads_now,
)
from sklstm._kernels.plan cimport (
    ALONE_MAX, BYTES_FEW, BYTES_MANY, CHUNK_MIDDLE, GROUP, NARROW, SMALL, Place, Plan, arrange,
    arrange_longest, cut, plan_new,
)
from sklstm._kernels.products cimport (
    GRADIENT_COLUMNS, GRADIENT_ROWS, GRADIENT_VECTORS, ROW_TILE, TILE_MAX, TILE_SEQUENCES,
    TILE_VECTORS,
)
from sklstm._kernels.rooms cimport Rooms, fill_chunk, learns_in_spans, numbers_needed, rooms_new
from sklstm._kernels.signals cimport (
    LOOK, Deal, Signals, Watch, atomic_count, begin_call, begin_deal, end_deal, is_over,
    require_going, stops_alone,
)
from sklstm._kernels.simd cimport (
    LANES, flush_denormals, float_mode, load, real, restore_float_mode, sigmoid, splat, store,
    sum_lanes, vec, vexp, vtanh,
)
from sklstm._kernels.stacks cimport backward_span, enter_span, forward, n_spans, repeat_span
from sklstm._kernels.symbols cimport Read, find_read, give_symbols, penalize_table
from sklstm._kernels.teams cimport Member, does, sklstm_team_size, wait
from sklstm._kernels.threads cimport seconds_now, threads_here
from sklstm._kernels.views cimport first_int, first_real, ints_at

cdef enum:
    PACK_MIN = 1 << 16  # number of parameters from which several threads pack faster than one
    WHOLE_MOST = 1 << 30  # largest number of steps that are stored whole
    PLACES_MOST = 0xFFFFFFFE  # largest number of steps, if the step of a maximum has 32 bits

# Constants that select the path of a computation; tests derive shapes for all paths from them.
constants = {
    "LANES": LANES,
    "ALONE_MAX": ALONE_MAX,
    "SMALL": SMALL,
    "NARROW": NARROW,
    "CHUNK_MIDDLE": CHUNK_MIDDLE,
    "CHUNK_MAX": CHUNK_MAX,
    "GROUP": GROUP,
    "WHOLE": WHOLE,
    "SPAN": SPAN,
    "TERMS": TERMS,
    "ROWS_MIN": ROWS_MIN,
    "PACK_MIN": PACK_MIN,
    "TABLE_MAX": TABLE_MAX,
    "BYTES_FEW": BYTES_FEW,
    "BYTES_MANY": BYTES_MANY,
    "PARALLEL_MIN": PARALLEL_MIN,
    "LOOKS": LOOKS,
    "FAR": FAR,
    "NEXT_LOOK": NEXT_LOOK,
    "SHARE": SHARE,
    "QUANTILES_MAX": QUANTILES_MAX,
    "ROW_TILE": ROW_TILE,
    "TILE_MAX": TILE_MAX,
    "TILE_SEQUENCES": TILE_SEQUENCES,
    "TILE_VECTORS": TILE_VECTORS,
    "GRADIENT_ROWS": GRADIENT_ROWS,
    "GRADIENT_VECTORS": GRADIENT_VECTORS,
    "GRADIENT_COLUMNS": GRADIENT_COLUMNS,
}


def evaluate(str function, real[::1] x):
    """Replace the numbers x by exp, sigmoid or tanh, as the kernels compute them."""
    cdef real[LANES] part
    cdef Py_ssize_t k, n = x.shape[0]
    cdef Py_ssize_t lane, which = ("exp", "sigmoid", "tanh").index(function)
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


cdef inline bint are_finite(const real* x, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t k = 0
    cdef vec total = splat(0)
    cdef real rest = 0
    while k + LANES <= n:
        # 0, or NaN
        total = total + load(x + k) * splat(0)
        k += LANES
    while k < n:
        rest += x[k] * 0
        k += 1
    return rest + sum_lanes(total) == 0


def all_finite(const real[:, ::1] values):
    """True if all of the (N, F) values are finite."""
    cdef Py_ssize_t n = values.shape[0] * values.shape[1]
    cdef float_mode mode
    cdef bint found
    if n == 0:
        return True
    with nogil:
        mode = flush_denormals()
        found = are_finite(&values[0, 0], n)
        restore_float_mode(mode)
    return found


def first_not_finite(Addresses sequences):
    """Number of the first sequence with a value that is not finite, or their number if none has."""
    cdef Py_ssize_t k = 0, stop
    cdef float_mode mode
    require_precision(sequences)
    with nogil:
        mode = flush_denormals()
        while k < sequences.n:
            stop = run_of(sequences, k, sequences.n)
            if not finite_between(sequences, k, stop):
                while k < stop - 1 and finite_between(sequences, k, k + 1):
                    k += 1
                break
            k = stop
        restore_float_mode(mode)
    return k


cdef inline bint finite_between(
    Addresses sequences, Py_ssize_t first, Py_ssize_t stop
) noexcept nogil:
    """True if all values of sequences that follow one another in memory are finite."""
    cdef Py_ssize_t n_steps = <Py_ssize_t> (sequences.ends[stop] - sequences.ends[first])
    return are_finite(<const real*> sequences.first[first], n_steps * sequences.n_columns)


cdef int require_precision(Addresses sequences) except -1:
    if sequences.size != sizeof(real):
        raise ValueError(
            f"the sequences have numbers of {sequences.size} bytes, but must have {sizeof(real)}."
        )
    return 0


def total_loss(
    real[:, ::1] raw,               # INOUT  (rows, K) outputs -> their gradient
    const real[:, ::1] targets,     # IN     (rows, K) or (rows, 1), see losses.pxd
    const double[::1] weights,      # IN     (rows,)
    objective,
):
    """Sum of the weighted losses of rows of raw outputs."""
    cdef Py_ssize_t row
    cdef Py_ssize_t K = raw.shape[1]
    cdef double total = 0
    cdef float_mode mode
    cdef const double[::1] quantiles = objective.quantiles
    cdef Loss loss = loss_named(objective.loss, objective.activation, quantiles)
    cdef Signals signals
    cdef Watch watch = Watch(&signals, LOOK, True)
    signals.due = 0
    require_loss(&loss, K)
    require_targets(&loss, K, targets, weights, raw.shape[0])
    begin_call(&signals, &watch)
    with nogil:
        mode = flush_denormals()
        for row in range(raw.shape[0]):
            if stops_alone(&watch, 10 * K):
                break
            total += target_loss(&loss, K, 1, &targets[row, 0], weights[row], &raw[row, 0])
        restore_float_mode(mode)
    require_going(&watch)
    return total


def penalize(
    const real[::1] vector,          # IN     (n_total,) the parameters
    found,                           # INOUT  their ``Gradient``, without a penalty
    const Py_ssize_t[::1] frozen,    # IN     places that do not train
    const unsigned char[::1] decayed,
    double penalty,
    double loss,
):
    """Add the L2 penalty to a gradient, as `Session.gradient` does; return ``loss`` with it."""
    cdef Py_ssize_t n = decayed.shape[0], n_total = vector.shape[0]
    cdef real[::1] dense = found.dense, factor = found.penalty
    cdef float_mode mode
    require_between("the number of dense parameters", n, 1, n_total)
    require_trained(frozen, decayed, n)
    require_gradient(found, n, len(found.row_of), found.rows.shape[1])
    require_size("the parameters", n_total, n + found.row_of.size * found.rows.shape[1])
    with nogil:
        mode = flush_denormals()
        loss += finish_gradient(n, frozen, &decayed[0], penalty, &vector[0], &dense[0])
        loss += penalize_table(&vector[0] + n, n_total - n, penalty, &factor[0])
        restore_float_mode(mode)
    return loss


def threads_chosen(
    const double[::1] alone,     # IN  (calls,) seconds of a call with one thread
    const double[::1] together,  # IN  (calls,) and with all
    Py_ssize_t n_threads,
):
    """Number of threads that each call of a session would use if calls took these times."""
    cdef Pace pace
    cdef Py_ssize_t k
    cdef Py_ssize_t n
    require_size("together", together.shape[0], alone.shape[0])
    memset(&pace, 0, sizeof(Pace))
    pace.most = n_threads
    chosen = []
    for k in range(alone.shape[0]):
        n = threads_now(&pace, PARALLEL_MIN)
        keep_pace(&pace, n, PARALLEL_MIN, alone[k] if n == 1 else together[k])
        chosen.append(n)
    return chosen


cdef class Kept:
    """The measured speed of this kind of work, shared by sessions."""

    cdef Pace pace


cdef dict paces = {}


cdef Kept pace_of(tuple work):
    """The speed of this kind of work; threads that ask at once get the same."""
    cdef Kept found = paces.get(work)
    if found is None:
        if len(paces) >= 1000:
            paces.clear()
        found = paces.setdefault(work, Kept())
    return found


cdef class Session:
    """Work arrays for one network, one set of sequences and some threads.

    Parameters
    ----------
    topology : sklstm._topology.Topology
    vector : ndarray (n_total,)
        The parameters, which are read again at each call.
    addresses, symbols : Addresses, ndarray (N, C) of int32
        As in ``sklstm._sequences.Sequences``.
    full, return_sequences : bool
    training : bool
        If True, the history that `gradient` needs is stored.
    largest_batch, n_threads : int
    explains : bool
        If True, `explain` can be called.
    dropout, recurrent_dropout : float
        In training.
    whole, span : int
        Steps whose history is stored: all steps of sequences of up to `whole` steps, and one span
        at a time of longer ones. `span` is a power of two.
    """

    cdef Net net
    cdef Arena arena
    cdef Rooms rooms  # one for each thread, or two for training
    cdef Plan plan
    cdef Piece* pieces
    cdef Py_ssize_t n_threads, largest_batch, n_pieces
    cdef Kept kept
    cdef Py_ssize_t n_dense, n_total, n_categories
    cdef Py_ssize_t n_sequences
    cdef bint has_room[2]  # is the memory for packed parameters allocated (in units, in lanes)?
    cdef bint packed[2]  # are the packed parameters those in `known`?
    cdef real* known  # without training: the parameters that were packed last
    cdef const real[::1] vector
    cdef Addresses addresses
    cdef const int[:, ::1] symbols
    cdef const long long* offsets  # of the addresses
    # of learning
    cdef Loss loss
    cdef const double[::1] quantiles
    cdef const real[:, ::1] targets
    cdef const double[::1] weights
    cdef const double[::1] sequence_weights
    cdef const Py_ssize_t[::1] frozen
    cdef const unsigned char[::1] decayed
    cdef real[::1] d_dense
    cdef Read read
    cdef int[::1] n_read
    cdef tuple pointed_to  # the arrays that `read` points into
    cdef double alpha
    # of the current call
    cdef Signals signals
    cdef Watch watch  # of the calling thread
    cdef Deal deal
    cdef double scale
    cdef real[:, ::1] out

    def __cinit__(
        self, topology, const real[::1] vector, Addresses addresses,
        const int[:, ::1] symbols, *, bint full, bint return_sequences, Py_ssize_t largest_batch,
        Py_ssize_t n_threads, bint training=False, bint explains=False, double dropout=0,
        double recurrent_dropout=0, Py_ssize_t whole=WHOLE, Py_ssize_t span=SPAN,
    ):
        cdef Py_ssize_t n, n_places
        self.vector = None
        self.d_dense = None
        self.watch = Watch(&self.signals, LOOK, True)
        require_topology(topology)
        require_between("whole", whole, 1, WHOLE_MOST)
        require_between("span", span, 1, WHOLE_MOST)
        require_between("span & (span - 1)", span & (span - 1), 0, 0)
        self.net.full = full
        self.net.return_sequences, self.net.explains = return_sequences, explains
        self.net.dropout = Dropout(dropout, recurrent_dropout, 0, 0)
        network_new(&self.arena, &self.net, topology)
        self.n_dense, self.n_total = topology.n_dense, topology.n_total
        self.n_categories = topology.n_categories
        self.take(vector, addresses, symbols)
        self.n_sequences = n = addresses.n
        self.rooms.training = training
        self.rooms.whole, self.rooms.span = whole, span
        self.largest_batch = max(1, min(largest_batch, n))
        n_steps = self.largest_batch * symbols.shape[0] // max(n, 1)  # estimated steps of a batch
        plan_new(&self.plan, &self.net)
        if self.plan.shared_most == 0:  # one thread computes a whole sequence
            n_threads = min(n_threads, self.largest_batch)
        self.n_threads = self.plan.n_threads = max(1, min(n_threads, <Py_ssize_t> SMALL_MOST))
        n_places = max(self.largest_batch, min(n, <Py_ssize_t> CHUNK_MAX))
        self.plan.places = <Place*> arena_take(&self.arena, n_places, sizeof(Place))
        if not training:
            self.known = <real*> arena_take(&self.arena, self.n_dense, sizeof(real))
        if n > 0:
            self.find_longest()
            rooms_new(&self.arena, &self.rooms, &self.net, &self.plan, self.largest_batch)
        if training:
            self.n_pieces = pieces_new(&self.arena, &self.net, self.n_threads, &self.pieces)
        self.kept = pace_of((self.n_dense, full, training, self.n_threads, n_steps.bit_length()))
        self.kept.pace.most = self.n_threads
        if self.plan.shared_most == 0:
            self.kept.pace.most = min(self.n_threads, max(self.rooms.n, self.n_pieces))

    def __dealloc__(self):
        arena_free(&self.arena)

    cdef int take(
        self, const real[::1] vector, Addresses addresses, const int[:, ::1] symbols
    ) except -1:
        """Use these numbers and sequences, after checking that they match the network."""
        cdef Py_ssize_t N = addresses.shape[0]
        require_parameters(vector, self.n_total)
        require_precision(addresses)
        require_size("a step", addresses.n_columns, self.net.n_features)
        require_shape("symbols", symbols.shape[0], symbols.shape[1], N, self.net.n_categorical)
        require_symbols(symbols, self.n_categories)
        self.vector, self.symbols = vector, symbols
        self.addresses, self.offsets = addresses, addresses.ends
        self.net.table = &self.vector[0] + self.n_dense
        return 0

    cdef int find_longest(self) except -1:
        """Find the longest sequences, on which the size of the rooms depends."""
        cdef Py_ssize_t n = self.n_sequences
        arrange_longest(&self.plan, self.offsets, n, min(n, <Py_ssize_t> CHUNK_MAX))
        if self.net.pooling == HIGHEST and sizeof(real) == 4:  # places have the size of numbers
            require_between("the length of a sequence", self.plan.places[0].length, 1, PLACES_MOST)
        return 0

    def renew(self, const real[::1] vector, Addresses addresses, const int[:, ::1] symbols):
        """Use other parameters and sequences; False if the work arrays are too small for them.

        For sessions without training.
        """
        if self.rooms.training or addresses.n != self.n_sequences:
            return False
        self.take(vector, addresses, symbols)
        self.find_longest()
        if numbers_needed(&self.rooms, &self.net, &self.plan) <= self.rooms.numbers:
            return True
        self.rest()
        return False

    def rest(self):
        """Release the caller's arrays; return the number of bytes that are kept."""
        self.vector = None
        self.addresses, self.offsets = None, NULL
        self.symbols = None
        self.out = None
        return self.arena.n_bytes

    cdef int require_ready(self, bint to_learn) except -1:
        """Raise an error if there are no sequences or, for training, no targets."""
        if self.vector is None or to_learn and self.d_dense is None:
            raise RuntimeError("This session has nothing to work on: call renew or learn_from.")
        return 0

    cdef int require_batch(self, const long long[::1] rows) except -1:
        require_between("the size of a batch", rows.shape[0], 1, self.largest_batch)
        return require_places("rows", rows, 0, self.n_sequences)

    def learn_from(
        self, const real[:, ::1] targets, const double[::1] weights,
        const double[::1] sequence_weights, const Py_ssize_t[::1] frozen,
        const unsigned char[::1] decayed, found, *, objective, double alpha,
    ):
        """Set the targets of `gradient`, and the ``Gradient`` that it writes; see _network.py."""
        cdef const double[::1] quantiles = objective.quantiles
        cdef Loss loss = loss_named(objective.loss, objective.activation, quantiles)
        cdef Py_ssize_t K = self.net.n_outputs
        self.require_ready(False)
        if not self.rooms.training and self.n_sequences > 0:
            raise ValueError("This session keeps no history to learn from.")
        require_loss(&loss, K)
        require_targets(&loss, K, targets, weights, self.symbols.shape[0]
                        if self.net.return_sequences else self.n_sequences)
        require_size("sequence_weights", sequence_weights.shape[0], self.n_sequences)
        require_trained(frozen, decayed, self.n_dense)
        require_gradient(found, self.n_dense, self.n_categories, self.net.n_weights)
        cdef real[:, ::1] d_rows = found.rows
        cdef int[::1] row_of = found.row_of, read = found.read
        cdef real[::1] penalty = found.penalty
        self.n_read, self.pointed_to = found.n_read, (d_rows, row_of, read, penalty)
        self.read = Read(self.n_read[0], 0, NULL, NULL, NULL, &penalty[0])
        if self.net.n_categorical > 0:
            self.read.row_of, self.read.symbols = first_int(row_of), first_int(read)
            self.read.d_rows, self.read.room = first_real(d_rows), read.shape[0]
        self.targets, self.weights, self.sequence_weights = targets, weights, sequence_weights
        self.frozen, self.decayed, self.d_dense = frozen, decayed, found.dense
        self.alpha, self.quantiles, self.loss = alpha, quantiles, loss

    def begin_epoch(
        self, unsigned long long seed, unsigned long long epoch, unsigned long long first=0
    ):
        """Set the dropout masks of an epoch.

        ``first`` is the number of the first sequence if the sequences are a part of others.
        """
        self.net.dropout.key, self.net.dropout.first = mixed(seed ^ mixed(epoch)), first

    # -- which thread checks for signals

    cdef Watch* watch_of(self, Member member, Py_ssize_t thread, Watch* own) noexcept nogil:
        """The watch of a thread: the calling thread's continues, those of others begin anew."""
        own[0] = Watch(&self.signals, LOOK, member.of > 1 and member.number == 0)
        return &self.watch if member.of == 1 and thread == 0 else own

    cdef void leave(self, Py_ssize_t thread, Py_ssize_t of) noexcept nogil:
        """Called by each thread that has no work left."""
        cdef Watch own
        end_deal(&self.deal, of, self.watch_of(Member(0, 1), thread, &own))

    # -- a batch

    cdef Chunk* chunk_in(self, Py_ssize_t room, Py_ssize_t index) noexcept nogil:
        """Chunk number `index` of the current group, in a room."""
        return fill_chunk(&self.rooms, &self.net, &self.plan, index, room,
                          self.addresses.first, ints_at(self.symbols, 0), self.offsets)

    cdef bint in_spans(self) noexcept nogil:
        return learns_in_spans(&self.rooms, &self.plan)

    cdef int start(self, const long long* rows, Py_ssize_t first, Py_ssize_t n) except -1:
        """Sort a batch, divide it, and allocate memory for the packed parameters."""
        cdef Py_ssize_t wide
        arrange(&self.plan, self.offsets, rows, first, n)
        cut(&self.plan, 0, n)
        for wide in range(2):
            if self.uses(wide) and not self.has_room[wide]:
                pack_room(&self.arena, &self.net, LANES if wide else 1, self.rooms.training)
                self.has_room[wide] = True
        return 0

    cdef bint uses(self, bint wide) noexcept nogil:
        """True if the batch has bundles of this layout (in units or in lanes)."""
        if self.plan.has_lanes and self.in_spans():
            return True  # one of its groups may have some
        return (self.plan.n_wide if wide else self.plan.n_alone) > 0

    cdef void pack_share(self, Member member) noexcept nogil:
        """Pack the part of the parameters that belongs to a member of a team."""
        cdef Py_ssize_t wide
        for wide in range(2):
            if self.uses(wide) and not self.packed[wide]:
                pack_network(&self.vector[0], &self.net, LANES if wide else 1, self.rooms.training,
                             &member)

    cdef void pack(self, Py_ssize_t n_threads) noexcept nogil:
        """Pack the parameters unless the same ones are packed already."""
        cdef Py_ssize_t wide
        cdef Py_ssize_t n_bytes = self.n_dense * sizeof(real)
        if self.rooms.training:
            self.packed[0] = self.packed[1] = False
        elif memcmp(self.known, &self.vector[0], n_bytes) != 0:
            memcpy(self.known, &self.vector[0], n_bytes)
            self.packed[0] = self.packed[1] = False
        if n_threads == 1 or self.n_dense < <Py_ssize_t>PACK_MIN:
            self.pack_share(Member(0, 1))
        else:
            with parallel(num_threads=n_threads):
                self.pack_share(Member(threadid(), sklstm_team_size()))
        for wide in range(2):
            self.packed[wide] = self.packed[wide] or self.uses(wide)

    cdef double work(self, Py_ssize_t n) noexcept nogil:
        """Multiply-adds of a forward pass of the batch."""
        cdef double steps = 0
        cdef Py_ssize_t k
        for k in range(n):
            steps += self.plan.places[k].length
        return steps * self.n_dense

    def plan_of(self, const long long[::1] rows):
        """Chunks and pieces into which `gradient` divides this batch, for tests.

        Returns
        -------
        rounds : list of lists
            The chunks of each round: their width, and the number of steps of each bundle.
        pieces : list of tuples
            Layer, first row and end row of each piece of the weights.
        """
        cdef Py_ssize_t first, index, n
        cdef const Chunk* chunk
        cdef const Piece* piece
        self.require_ready(False)
        self.require_batch(rows)
        n = rows.shape[0]
        arrange(&self.plan, self.offsets, &rows[0], 0, n)
        cut(&self.plan, 0, n)
        rounds, pieces = [], []
        for first in range(0, self.plan.n_chunks, self.rooms.n):
            chunks = []
            for index in range(first, min(first + self.rooms.n, self.plan.n_chunks)):
                chunk = self.chunk_in(index - first, index)
                chunks.append((chunk.width, [chunk.bundles[b].steps for b in range(chunk.n)]))
            rounds.append(chunks)
        for index in range(self.n_pieces):
            piece = &self.pieces[index]
            pieces.append((piece.layer, piece.first, piece.stop))
        return rounds, pieces

    # -- forward

    cdef void output_share(
        self, const Chunk* chunk, Member member, Py_ssize_t thread
    ) noexcept nogil:
        """The part of a team member in computing the outputs of a chunk."""
        cdef Chunk mine = chunk[0]
        cdef const Bundle* bundle
        cdef Py_ssize_t b, lane, t, k, K = self.net.n_outputs
        cdef Py_ssize_t row
        cdef const real* z
        cdef Watch own
        cdef float_mode mode = flush_denormals()
        mine.member, mine.watch = member, self.watch_of(member, thread, &own)
        forward(&self.net, &mine)
        for b in range(mine.n if member.number == 0 and not is_over(mine.watch) else 0):
            bundle = &mine.bundles[b]
            for lane in range(bundle.count):
                row = bundle.row[lane]
                if self.net.return_sequences:
                    row = self.offsets[row]
                for t in range(bundle.length[lane] if self.net.return_sequences else 1):
                    z = slot(&bundle.out, t)
                    for k in range(K):
                        self.out[row + t, k] = z[k * mine.width + lane]
        restore_float_mode(mode)

    cdef void output_chunk(
        self, Py_ssize_t index, Py_ssize_t thread, Py_ssize_t team
    ) noexcept nogil:
        """Compute a chunk in the room of a thread, or by a team in the first room."""
        cdef const Chunk* chunk = self.chunk_in(thread, index)
        if team == 1:
            self.output_share(chunk, Member(0, 1), thread)
        else:
            with parallel(num_threads=team):
                self.output_share(chunk, Member(threadid(), sklstm_team_size()), 0)

    cdef void output_chunks(self, Py_ssize_t thread, Py_ssize_t of) noexcept nogil:
        """Compute chunks, in one of several threads, until none is left."""
        cdef Py_ssize_t index = atomic_count(&self.deal.next)
        while index < self.plan.n_chunks and not is_over(&self.watch):
            self.output_chunk(index, thread, 1)
            index = atomic_count(&self.deal.next)
        self.leave(thread, of)

    def output(self, real[:, ::1] out):
        """Raw outputs of all sequences into ``out``, (n, K) or, per step, (N, K)."""
        cdef Py_ssize_t n = self.n_sequences, first
        cdef Py_ssize_t index, count, n_threads, apart
        cdef double work, start
        self.require_ready(False)
        require_shape("out", out.shape[0], out.shape[1],
                      self.symbols.shape[0] if self.net.return_sequences else n, self.net.n_outputs)
        self.out = out
        begin_call(&self.signals, &self.watch)
        for first in range(0, n, self.largest_batch):
            count = min(self.largest_batch, n - first)
            self.start(NULL, first, count)
            with nogil:
                work = self.work(count)
                start = seconds_now()
                n_threads = threads_now(&self.kept.pace, work)
                self.pack(n_threads)
                # a smaller batch may have more chunks than the largest batch, and than rooms
                apart = 1 if self.plan.shared else min(self.rooms.n, n_threads)
                if apart == 1:
                    for index in range(self.plan.n_chunks):
                        if not is_over(&self.watch):
                            self.output_chunk(index, 0, n_threads if self.plan.shared else 1)
                else:
                    begin_deal(&self.deal, work)
                    with parallel(num_threads=apart):
                        self.output_chunks(threadid(), sklstm_team_size())
                if not is_over(&self.watch):
                    keep_pace(&self.kept.pace, n_threads, work, seconds_now() - start)
            require_going(&self.watch)

    # -- gradient

    cdef double loss_of(self, Bundle* bundle, Py_ssize_t width) noexcept nogil:
        """Loss of a bundle; its raw outputs are replaced by their gradient."""
        cdef Py_ssize_t lane, t, k, K = self.net.n_outputs
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
                    loss += target_loss(&self.loss, K, width, &self.targets[row, 0],
                                        self.weights[row] * self.scale, z + lane)
                else:
                    for k in range(K):
                        z[k * width + lane] = 0
        return loss

    cdef void learn_share(
        self, const Chunk* chunk, Member member, Py_ssize_t thread, Py_ssize_t number, bint top
    ) noexcept nogil:
        """The part of a team member in a span of a chunk."""
        cdef Chunk mine = chunk[0]
        cdef Py_ssize_t b
        cdef Watch own
        cdef float_mode mode = flush_denormals()
        mine.member, mine.watch = member, self.watch_of(member, thread, &own)
        if top:
            forward(&self.net, &mine)
            for b in range(mine.n if not is_over(mine.watch) else 0):
                if does(&member, b):
                    mine.bundles[b].loss = self.loss_of(&mine.bundles[b], mine.width)
            wait(&member)
        if number < n_spans(&mine) - 1:
            repeat_span(&self.net, &mine, number)
        else:
            enter_span(&mine, number)
        backward_span(&self.net, &mine)
        restore_float_mode(mode)

    cdef void learn_span(
        self, Py_ssize_t index, Py_ssize_t room, Py_ssize_t thread, Py_ssize_t team,
        Py_ssize_t number, bint top
    ) noexcept nogil:
        """Compute the gradient at the pre-activations of a span of a chunk, from the top layer."""
        cdef Chunk* chunk = &self.rooms.chunks[room]
        if is_over(&self.watch):
            return
        if top:
            self.chunk_in(room, index)
        if team == 1:
            self.learn_share(chunk, Member(0, 1), thread, number, top)
        else:
            with parallel(num_threads=team):
                self.learn_share(chunk, Member(threadid(), sklstm_team_size()), 0, number, top)
        enter_span(chunk, number)

    cdef void learn_spans(
        self, Py_ssize_t first, Py_ssize_t count, Py_ssize_t number, bint top, Py_ssize_t thread,
        Py_ssize_t of
    ) noexcept nogil:
        """Compute a span of each chunk, in one of several threads, until none is left."""
        cdef Py_ssize_t room = atomic_count(&self.deal.next)
        while room < count:
            self.learn_span(first + room, room, thread, 1, number, top)
            room = atomic_count(&self.deal.next)
        self.leave(thread, of)

    cdef void learn_piece(
        self, Py_ssize_t index, Py_ssize_t count, bint last, Py_ssize_t thread
    ) noexcept nogil:
        """Add the spans of the chunks in the first rooms to the gradient of some rows."""
        cdef Piece* piece = &self.pieces[index]
        cdef Py_ssize_t room
        cdef Watch own
        cdef Watch* watch = self.watch_of(Member(0, 1), thread, &own)
        cdef float_mode mode = flush_denormals()
        for room in range(count if not is_over(watch) else 0):
            add_chunk(&self.net, piece, &self.rooms.chunks[room], watch)
            if self.net.n_categorical > 0 and piece.layer < self.net.n_directions:
                give_symbols(&self.net, piece.layer, &self.rooms.chunks[room], piece.first,
                             piece.stop, &self.read, watch)
        if last:
            put_in_place(&self.net, piece, &self.d_dense[0])
        restore_float_mode(mode)

    cdef void learn_pieces(
        self, Py_ssize_t count, bint last, Py_ssize_t thread, Py_ssize_t of
    ) noexcept nogil:
        """Sum pieces, in one of several threads, until none is left."""
        cdef Py_ssize_t index = atomic_count(&self.deal.next)
        while index < self.n_pieces:
            self.learn_piece(index, count, last, thread)
            index = atomic_count(&self.deal.next)
        self.leave(thread, of)

    cdef double learn_round(
        self, Py_ssize_t first, Py_ssize_t n_threads, bint last, double loss, double work
    ) noexcept nogil:
        """Compute one round of chunks; return the loss plus that of these chunks."""
        cdef Py_ssize_t count = min(self.rooms.n, self.plan.n_chunks - first), room, index, b
        cdef Py_ssize_t number, top = 0, apart = 1 if self.plan.shared else n_threads
        cdef float_mode mode
        if self.in_spans():
            top = (self.plan.places[self.plan.first].length - 1) // self.rooms.span
        last = last and first + count == self.plan.n_chunks
        for number in range(top, -1, -1):
            if apart == 1:
                for room in range(count):
                    self.learn_span(first + room, room, 0, n_threads if self.plan.shared else 1,
                                    number, number == top)
            else:
                # the forward pass of all spans ends with the last span
                begin_deal(&self.deal, work / (1 if number == top else top + 1))
                with parallel(num_threads=apart):
                    self.learn_spans(first, count, number, number == top, threadid(),
                                     sklstm_team_size())
            if n_threads == 1:
                for index in range(self.n_pieces):
                    self.learn_piece(index, count, last and number == 0, 0)
            else:
                begin_deal(&self.deal, work / (top + 1))
                with parallel(num_threads=n_threads):
                    self.learn_pieces(count, last and number == 0, threadid(), sklstm_team_size())
            if is_over(&self.watch) or stops_alone(&self.watch, LOOK // 16):
                return loss
        mode = flush_denormals()
        for room in range(count):
            add_peepholes(&self.net, &self.rooms.chunks[room], &self.d_dense[0])
            for b in range(self.rooms.chunks[room].n):
                loss = loss + self.rooms.chunks[room].bundles[b].loss
        restore_float_mode(mode)
        return loss

    def gradient(self, const long long[::1] rows, of=None):
        """Loss of the batch of these sequences, or None if its weight is zero.

        The sum over the sequences is divided by ``of``: the number of sequences of a larger batch
        to which they belong. None is their own number. The gradient is written into the
        ``Gradient`` of `learn_from`.
        """
        cdef Py_ssize_t n_threads, first, n, done = 0, size
        cdef Py_ssize_t k
        cdef double weight = 0, loss = 0, penalty, work, start, dealt
        cdef float_mode mode
        cdef bint has_room = True
        self.require_ready(True)
        self.require_batch(rows)
        n = size = rows.shape[0]
        for k in range(n):
            weight += self.sequence_weights[rows[k]]
        if not weight > 0:
            return None
        self.scale = 1.0 / (n if of is None else of)
        penalty = self.alpha / weight  # before denormal numbers are flushed to zero
        begin_call(&self.signals, &self.watch)
        self.start(&rows[0], 0, n)
        if self.net.n_categorical > 0:
            with nogil:
                has_room = find_read(&self.net, ints_at(self.symbols, 0), self.offsets,
                                     &rows[0], n, &self.read)
            self.n_read[0] = self.read.n
        if not has_room:
            raise ValueError(f"a batch reads more than the {self.read.room} categories "
                             "that its gradient has room for.")
        with nogil:
            work = 3 * self.work(n)
            start = seconds_now()
            n_threads = threads_now(&self.kept.pace, work)
            self.pack(n_threads)
            memset(&self.d_dense[0], 0, self.n_dense * sizeof(real))
            if self.in_spans():
                size = GROUP
            while done < n and not is_over(&self.watch):
                cut(&self.plan, done, min(size, n - done))
                done += self.plan.n
                first = 0
                # estimate for a round
                dealt = work * self.plan.n / n * self.rooms.n / self.plan.n_chunks
                while first < self.plan.n_chunks and not is_over(&self.watch):
                    loss = self.learn_round(first, n_threads, done == n, loss, dealt)
                    first += self.rooms.n
            mode = flush_denormals()
            loss += finish_gradient(self.n_dense, self.frozen, &self.decayed[0], penalty,
                                    &self.vector[0], &self.d_dense[0])
            loss += penalize_table(self.net.table, self.n_total - self.n_dense, penalty,
                                   self.read.penalty)
            restore_float_mode(mode)
            if is_over(&self.watch):
                forget_pieces(&self.net, self.pieces, self.n_pieces)
            else:
                keep_pace(&self.kept.pace, n_threads, work, seconds_now() - start)
        require_going(&self.watch)
        return loss

    # -- gradient at the features

    cdef void put_features(self, const Chunk* chunk) noexcept nogil:
        """Write the gradient at the features of a span."""
        cdef const Bundle* bundle
        cdef const real* d_x
        cdef Py_ssize_t b, lane, t, f
        cdef Py_ssize_t row
        for b in range(chunk.n):
            bundle = &chunk.bundles[b]
            for lane in range(bundle.count):
                for t in range(chunk.first, min(chunk.stop, bundle.length[lane])):
                    d_x = slot(&bundle.d_x, t)
                    row = self.offsets[bundle.row[lane]] + t
                    for f in range(self.net.n_features):
                        self.out[row, f] = d_x[f * chunk.width + lane]

    cdef void explain_chunk(self, Py_ssize_t index, Py_ssize_t thread) noexcept nogil:
        cdef Py_ssize_t number, top
        cdef Chunk* chunk = self.chunk_in(thread, index)
        top = n_spans(chunk) - 1
        for number in range(top, -1, -1):
            self.learn_span(index, thread, thread, 1, number, number == top)
            self.put_features(chunk)

    cdef void explain_chunks(self, Py_ssize_t thread, Py_ssize_t of) noexcept nogil:
        """Compute chunks, in one of several threads, until none is left."""
        cdef Py_ssize_t index = atomic_count(&self.deal.next)
        while index < self.plan.n_chunks and not is_over(&self.watch):
            self.explain_chunk(index, thread)
            index = atomic_count(&self.deal.next)
        self.leave(thread, of)

    def explain(self, real[:, ::1] d_x):
        """Gradient (N, F) of the objective of `learn_from` at all features, summed over targets."""
        cdef Py_ssize_t n = self.n_sequences, first
        cdef Py_ssize_t count, done, size
        cdef Py_ssize_t apart = threads_here(min(self.rooms.n, self.n_threads))
        self.require_ready(True)
        if not self.net.explains:
            raise ValueError("This session was not made to explain.")
        require_shape("d_x", d_x.shape[0], d_x.shape[1], self.symbols.shape[0],
                      self.net.n_features)
        self.out, self.scale = d_x, 1
        begin_call(&self.signals, &self.watch)
        for first in range(0, n, self.largest_batch):
            count, done = min(self.largest_batch, n - first), 0
            self.start(NULL, first, count)
            size = GROUP if self.in_spans() else count
            with nogil:
                self.pack(1)
                while done < count and not is_over(&self.watch):
                    cut(&self.plan, done, min(size, count - done))
                    done += self.plan.n
                    begin_deal(&self.deal, 3 * self.work(count))
                    with parallel(num_threads=apart):
                        self.explain_chunks(threadid(), sklstm_team_size())
            require_going(&self.watch)
