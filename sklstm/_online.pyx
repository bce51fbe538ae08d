"""One step of a network at a time, with the paper's truncated gradient computed forward in time.

Time and memory per step are proportional to the number of weights. Parameters are read row by row
from the public array.
"""

import numpy as np

from cython.parallel cimport prange
from libc.math cimport isfinite
from libc.string cimport memcpy, memset

from sklstm._kernels.arena cimport Arena, arena_free, arena_take
from sklstm._kernels.arguments cimport (
    require_aligned, require_reals, require_shape, require_size, require_symbols,
)
from sklstm._kernels.cells cimport errors_of_cell, forward_cell
from sklstm._kernels.gates cimport gate_enter, gate_leave, gate_of, gate_t
from sklstm._kernels.layout cimport (
    HIGHEST, LAST, MEAN, Layer, Net, group, matrix_rows, matrix_size, network_new, pack_peepholes,
    pack_room,
)
from sklstm._kernels.losses cimport Loss, finish_gradient, loss_named, target_loss
from sklstm._kernels.network_arguments cimport (
    n_targets, require_gradient, require_loss, require_parameters, require_target, require_targets,
    require_topology, require_trained,
)
from sklstm._kernels.products cimport whole_vectors
from sklstm._kernels.remembered cimport Part, forget_parts, keep_parts, kept_numbers
from sklstm._kernels.rows cimport dot, multiply_rows
from sklstm._kernels.saved cimport check_part, refuse, restore_part, saved_part
from sklstm._kernels.saved_symbols cimport checked_symbols, restore_symbols, save_symbols
from sklstm._kernels.signals cimport (
    LOOK, STEP, Signals, Watch, atomic_count, atomic_number, atomic_write, begin_call,
    require_going, stops_alone,
)
from sklstm._kernels.simd cimport LANES, flush_denormals, float_mode, real, restore_float_mode
from sklstm._kernels.symbol_traces cimport (
    Past, add_symbols, begin_section, end_section, forget_symbols, learn_pooled_symbols,
    learn_symbols, pool_symbols, pooled_size, take_step, traces_size,
)
from sklstm._kernels.symbols cimport Read, penalize_table
from sklstm._kernels.threads cimport threads_here
from sklstm._kernels.traces cimport (
    WAITING, Unit, add, learn_blocks, learn_pooled_blocks, make_wait, own_errors, pool_blocks,
    slopes_size, trace_blocks, traces_of,
)
from sklstm._kernels.views cimport first_int, first_real, ints_at, reals_at

cdef enum:
    PARALLEL_MIN = 400000  # multiply-adds of a step from which two threads are faster than one
    COUNT = 1 << 20

constants = {"LANES": LANES, "PARALLEL_MIN": PARALLEL_MIN, "WAITING": WAITING}  # as in _cell.pyx


cdef inline Py_ssize_t first_of(Py_ssize_t part, Py_ssize_t n, Py_ssize_t parts) noexcept nogil:
    """The first of n items in one of several parts of nearly equal size."""
    return part * n // parts


cdef class Online:
    """State and traces of one stream.

    Parameters
    ----------
    topology : sklstm._topology.Topology
        A network of one direction.
    vector : ndarray (n_total,)
        The parameters, which are read at every step.
    frozen, decayed : ndarray of int64, ndarray (n_total,) of uint8
        Attributes of ``Topology``.
    found : sklstm._gradient.Gradient
        Output of `gradient`. It belongs to this stream.
    objective : sklstm._outputs.Objective
        Loss and output function of `gradient`.
    learns : bool
        If True, traces are computed; only for one hidden layer.
    """

    cdef Net net
    cdef Arena arena
    cdef Unit* units
    cdef Part* parts
    cdef Py_ssize_t n_parts
    cdef real* kept  # memory for the state, without traces
    cdef const Py_ssize_t[::1] frozen
    cdef real[::1] d_dense
    cdef Read symbols_read  # symbols read since the last reset, without those that have faded
    cdef Past past
    cdef tuple pointed_to  # the arrays that `symbols_read` points into
    cdef int[::1] n_read
    cdef const unsigned char[::1] decayed
    cdef real* read  # (cells + 1,) cells of the last layer in the order of the output weights, 1
    # maximum or sum, over the steps, of the cells that the output layer reads; and the number of
    # steps, as remainder and quotient of a division by COUNT, because float32 counts only that far
    cdef real* pooled
    cdef real* out  # (K,)
    cdef real* d_out
    cdef real* d_y
    cdef Loss loss
    cdef const double[::1] quantiles
    cdef bint learns
    cdef Py_ssize_t n_waiting  # steps that the traces do not include yet
    cdef Signals signals
    cdef Watch watch
    cdef double work  # estimated multiply-adds of a step
    cdef float_mode mode  # of the calling thread; new threads inherit it
    cdef readonly bint parallel  # large enough for several threads
    cdef Py_ssize_t threads
    cdef Py_ssize_t n_total, n_dense, n_categories
    cdef const real[::1] vector
    cdef gate_t* gate  # in front of the parameters
    cdef atomic_number busy  # calls at work, with those that were refused meanwhile
    cdef object gate_holder

    def __cinit__(
        self, topology, const real[::1] vector, const Py_ssize_t[::1] frozen,
        const unsigned char[::1] decayed, found, objective, *, bint learns, gate=None
    ):
        cdef Py_ssize_t index, cells, rows, largest = 0
        cdef Py_ssize_t K
        cdef Layer* layer
        cdef Unit* unit
        require_topology(topology)
        self.learns, self.threads = learns, 1
        self.gate, self.gate_holder = gate_of(gate), gate
        self.watch = Watch(&self.signals, LOOK, True)
        self.n_total, self.n_dense = topology.n_total, topology.n_dense
        self.n_categories = topology.n_categories
        self.parallel = self.n_dense > PARALLEL_MIN
        self.work = <double> self.n_dense * (3 if learns else 1)
        network_new(&self.arena, &self.net, topology)
        if self.net.n_directions > 1 or learns and self.net.n_layers > 1:
            raise ValueError("A stream has one direction and, to learn, one hidden layer.")
        require_parameters(vector, self.n_total)
        require_trained(frozen, decayed, self.n_dense)
        require_gradient(found, self.n_dense, self.n_categories, self.net.n_weights)
        self.vector = vector
        self.net.table = &self.vector[0] + self.n_dense
        self.quantiles = objective.quantiles
        self.loss = loss_named(objective.loss, objective.activation, self.quantiles)
        require_loss(&self.loss, self.net.n_outputs)
        pack_room(&self.arena, &self.net, 1, False)
        self.units = <Unit*> self.take(self.net.n_layers, sizeof(Unit))
        self.parts = <Part*> self.take(9 * self.net.n_layers + 3, sizeof(Part))
        self.frozen, self.decayed, self.d_dense = frozen, decayed, found.dense
        self.bind_symbols(found)
        for index in range(self.net.n_layers):
            layer, unit = &self.net.layers[index], &self.units[index]
            K, cells = layer.weights.columns + 1, layer.n_blocks * layer.block_size
            largest = max(largest, cells)
            unit.source = self.numbers(whole_vectors(K))
            unit.source[K - 1] = 1
            self.remember(unit.source, 1, K - 1, K)
            unit.z = self.units_of(layer, matrix_size(&layer.weights, 1), layer.n_groups)
            unit.s = self.units_of(layer, 0, layer.block_size)
            unit.h = self.units_of(layer, 0, layer.block_size)
            unit.r = self.units_of(layer, 0, layer.n_recurrent)
            unit.s_before = self.groups(layer, layer.block_size)
            if learns:
                rows = traces_of(layer) * cells
                unit.traces = self.numbers(<double> rows * whole_vectors(K))
                self.remember(unit.traces, rows, K, whole_vectors(K), True)
                unit.peephole_traces = self.numbers(2 * cells * layer.block_size)
                self.remember(unit.peephole_traces, 1, 2 * cells * layer.block_size, 0, True)
                unit.slopes = self.numbers(<double> WAITING * slopes_size(layer))
                unit.sources = self.numbers(WAITING * whole_vectors(K))
                if layer.has_peepholes:
                    unit.states = self.groups(layer, WAITING * layer.block_size)
                unit.d_r = self.groups(layer, layer.n_recurrent)
                unit.d_s = self.groups(layer, layer.block_size)
                unit.d_o = self.groups(layer, 1)
            if learns and self.net.pooling != LAST:
                rows = cells * (traces_of(layer) + 1)
                unit.pooled = self.numbers(<double> rows * whole_vectors(K))
                self.remember(unit.pooled, rows, K, whole_vectors(K), True)
                unit.pooled_peepholes = self.numbers(3 * cells * layer.block_size)
                self.remember(unit.pooled_peepholes, 1, 3 * cells * layer.block_size, 0, True)
                unit.is_highest = <unsigned char*> self.take(cells, 1)
                unit.own_s = self.groups(layer, layer.block_size)
                unit.own_o = self.groups(layer, layer.block_size)
        self.read = self.numbers(largest + 1)
        self.remember(self.read, 1, largest + 1, 0)
        self.pooled = self.numbers(self.net.head.columns + 2)
        self.remember(self.pooled, 1, self.net.head.columns + 2, 0)
        self.out = self.numbers(self.net.n_outputs)
        self.remember(self.out, 1, self.net.n_outputs, 0)
        self.d_out = self.numbers(self.net.n_outputs)
        self.d_y = self.numbers(self.net.head.columns)
        self.kept = self.numbers(kept_numbers(self.parts, self.n_parts))

    def __dealloc__(self):
        arena_free(&self.arena)

    cdef int bind_symbols(self, found) except -1:
        cdef real[:, ::1] d_rows = found.rows
        cdef int[::1] row_of = found.row_of, read = found.read
        cdef real[::1] penalty = found.penalty
        cdef const Layer* layer = &self.net.layers[0]
        cdef Py_ssize_t C = self.net.n_categorical, room = row_of.shape[0]
        self.n_read, self.pointed_to = found.n_read, (d_rows, row_of, read, penalty)
        self.symbols_read = Read(0, room, NULL, NULL, NULL, &penalty[0])
        if C == 0 or not self.learns:
            return 0
        require_size("read", read.shape[0], room)
        self.symbols_read.row_of, self.symbols_read.symbols = first_int(row_of), first_int(read)
        self.symbols_read.d_rows = first_real(d_rows)
        self.past.now = <int*> self.take(C, sizeof(int))
        self.past.waiting = <int*> self.take(C * WAITING, sizeof(int))
        # the system provides this memory only when symbols need it
        self.past.when = <unsigned int*> self.take(room, sizeof(unsigned int))
        self.past.highest = self.numbers(room)
        self.past.slopes = self.numbers(<double> WAITING * slopes_size(layer))
        self.past.keep = self.groups(layer, layer.block_size)
        self.past.current = self.numbers(traces_size(layer))
        begin_section(layer, &self.past)
        self.past.traces = self.numbers(<double> room * traces_size(layer))
        if self.net.pooling != LAST:
            self.past.pooled = self.numbers(<double> room * pooled_size(layer))
        return 0

    cdef void* take(self, double n, size_t size) except NULL:
        return arena_take(&self.arena, n, size)

    cdef real* numbers(self, double n) except NULL:
        return <real*> self.take(n, sizeof(real))

    cdef real* groups(self, const Layer* layer, Py_ssize_t n) except NULL:
        return self.numbers(<double> n * group(layer, 1))

    cdef void remember(
        self, real* at, Py_ssize_t groups, Py_ssize_t units, Py_ssize_t stride, bint of_traces=False
    ) noexcept:
        self.parts[self.n_parts] = Part(at, groups, units, stride, of_traces)
        self.n_parts += 1

    cdef real* units_of(self, const Layer* layer, Py_ssize_t size, Py_ssize_t groups) except NULL:
        """Memory for groups of units that is part of the state."""
        cdef real* at = self.numbers(max(size, groups * group(layer, 1)))
        self.remember(at, groups, layer.n_blocks, group(layer, 1))
        return at

    # -- forward

    cdef void multiply(
        self, const Layer* layer, Unit* unit, Py_ssize_t first, Py_ssize_t stop
    ) noexcept nogil:
        multiply_rows(&self.vector[0], self.n_total, layer, first, stop, unit.source, unit.z)

    cdef void forward_layer(
        self, Py_ssize_t index, const real* x, const int* symbols
    ) noexcept nogil:
        """One step of a layer with the input x; the first layer also reads the symbols."""
        cdef Layer* layer = &self.net.layers[index]
        cdef Unit* unit = &self.units[index]
        cdef Py_ssize_t H = layer.n_blocks, S = layer.block_size, n = group(layer, 1)
        cdef Py_ssize_t F = layer.weights.columns - layer.n_recurrent * H
        cdef Py_ssize_t rows = matrix_rows(&layer.weights, 1), g, j
        memcpy(unit.source, x, F * sizeof(real))
        for g in range(layer.n_recurrent):
            for j in range(H):
                unit.source[layer.weights.column_at[F + g * H + j]] = unit.r[g * n + j]
        if self.parallel:
            restore_float_mode(self.mode)
            self.threads = threads_here(self.threads)
            for g in prange(layer.n_groups, num_threads=self.threads, schedule="static"):
                self.multiply(layer, unit, g * n, (g + 1) * n)
            flush_denormals()
        else:
            self.multiply(layer, unit, 0, rows)
        if index == 0:
            add_symbols(&self.net, layer, symbols, unit.z)
        memcpy(unit.s_before, unit.s, S * n * sizeof(real))
        if layer.has_peepholes:
            pack_peepholes(&self.vector[0], layer, 1)
        forward_cell(layer.cell, n, S, layer.peephole[0], unit.s_before,
                     unit.z, unit.s, unit.h, unit.r)

    cdef void read_cells(self, Py_ssize_t index, real* cells) noexcept nogil:
        """Cells of a layer in the order of the weights that read them."""
        cdef Layer* layer = &self.net.layers[index]
        cdef Py_ssize_t v, j
        for v in range(layer.block_size):
            for j in range(layer.n_blocks):
                cells[j * layer.block_size + v] = self.units[index].r[v * group(layer, 1) + j]

    cdef double n_steps(self) noexcept nogil:
        """Number of steps that are pooled."""
        cdef const real* count = self.pooled + self.net.head.columns
        return count[0] + <double> count[1] * COUNT

    cdef void pool(self) noexcept nogil:
        """Compute what the output layer reads, from the cells at this step, into `read`."""
        cdef Py_ssize_t k, n = self.net.head.columns
        cdef real* count = self.pooled + n
        cdef bint first = self.n_steps() == 0, higher
        count[0] += 1
        if count[0] == COUNT:
            count[0], count[1] = 0, count[1] + 1
        for k in range(n):
            if self.net.pooling == HIGHEST:
                higher = first or self.read[k] > self.pooled[k]
                if higher:
                    self.pooled[k] = self.read[k]
                if self.learns:
                    self.units[0].is_highest[k] = higher
                self.read[k] = self.pooled[k]
            elif self.net.pooling == MEAN:
                self.pooled[k] += self.read[k]
                self.read[k] = <real> (self.pooled[k] / self.n_steps())

    cdef void forward(self, const real* x, const int* symbols) noexcept nogil:
        cdef Py_ssize_t index, k, width = self.net.head.columns + 1
        for index in range(self.net.n_layers):
            self.forward_layer(index, x, symbols)
            # `read` has the cells of the layer: the input of the next layer, at last of the output
            self.read_cells(index, self.read)
            x = self.read
        if self.net.pooling != LAST:
            self.pool()
        self.read[width - 1] = 1
        for k in range(self.net.n_outputs):
            self.out[k] = dot(&self.vector[self.net.head.row_at[k]], self.read, width)

    # -- the truncated gradient, forward in time

    cdef void trace_some(self, Py_ssize_t first, Py_ssize_t stop) noexcept nogil:
        trace_blocks(&self.net.layers[0], &self.units[0], self.n_waiting, first, stop)
        if self.net.pooling != LAST:
            pool_blocks(&self.net.layers[0], &self.units[0], self.net.pooling, first, stop)

    cdef void carry_traces(self) noexcept nogil:
        """Update all traces with the waiting steps."""
        cdef Py_ssize_t part, H = self.net.layers[0].n_blocks
        if self.n_waiting > 0 and self.parallel:
            restore_float_mode(self.mode)
            self.threads = threads_here(self.threads)
            for part in prange(self.threads, num_threads=self.threads, schedule="static"):
                self.trace_some(first_of(part, H, self.threads),
                                first_of(part + 1, H, self.threads))
            flush_denormals()
        elif self.n_waiting > 0:
            self.trace_some(0, H)
        self.n_waiting = 0

    cdef void trace(self, const int* symbols) noexcept nogil:
        """Store the current step for the traces."""
        cdef Layer* layer = &self.net.layers[0]
        cdef Unit* unit = &self.units[0]
        make_wait(layer, unit, self.n_waiting)
        if self.net.pooling != LAST:
            own_errors(layer, unit)
        if self.net.n_categorical > 0:
            take_step(&self.net, layer, unit.slopes + self.n_waiting * slopes_size(layer), symbols,
                      &self.symbols_read, &self.past)
            if self.net.pooling != LAST or self.past.n_waiting == WAITING:
                end_section(layer, &self.symbols_read, &self.past)
            if self.net.pooling != LAST:
                pool_symbols(&self.net, layer, unit, &self.symbols_read, &self.past)
        self.n_waiting += 1
        if self.net.pooling != LAST or self.n_waiting == WAITING:
            self.carry_traces()

    cdef void learn_some(self, Py_ssize_t first, Py_ssize_t stop, real* d_vector) noexcept nogil:
        if self.net.pooling == LAST:
            learn_blocks(&self.net.layers[0], &self.units[0], first, stop, d_vector)
        else:
            learn_pooled_blocks(&self.net.layers[0], &self.units[0], self.d_y, first, stop,
                                d_vector)

    cdef void cell_errors(self) noexcept nogil:
        """Errors at the states and output gates (21), (23), from those at the cells, d_y."""
        cdef Layer* layer = &self.net.layers[0]
        cdef Unit* unit = &self.units[0]
        cdef Py_ssize_t S = layer.block_size, n = group(layer, 1), v, j
        for v in range(S):
            for j in range(layer.n_blocks):
                unit.d_r[v * n + j] = self.d_y[j * S + v]
        errors_of_cell(layer.cell, n, S, unit.z, unit.h, unit.d_r, unit.d_s, unit.d_o)

    cdef double learn_target(
        self, const real* target, double weight, double penalty
    ) noexcept nogil:
        """Weighted loss of a target at the last step, and the penalty; their gradient."""
        cdef Py_ssize_t part, k, K = self.net.n_outputs, cells = self.net.head.columns
        cdef Py_ssize_t H = self.net.layers[0].n_blocks
        cdef double found
        cdef const real* row
        cdef real* d_vector = &self.d_dense[0]
        self.carry_traces()
        memset(d_vector, 0, self.n_dense * sizeof(real))
        memcpy(self.d_out, self.out, K * sizeof(real))
        found = target_loss(&self.loss, K, 1, target, weight, self.d_out)
        memset(self.d_y, 0, cells * sizeof(real))
        for k in range(K):
            row = &self.vector[self.net.head.row_at[k]]
            add(self.d_out[k], row, cells, self.d_y)
            add(self.d_out[k], self.read, cells + 1, d_vector + self.net.head.row_at[k])
        if self.net.pooling == LAST:
            self.cell_errors()
        elif self.net.pooling == MEAN:
            for k in range(cells):
                self.d_y[k] /= <real> self.n_steps()
        if self.parallel:
            restore_float_mode(self.mode)
            self.threads = threads_here(self.threads)
            for part in prange(self.threads, num_threads=self.threads, schedule="static"):
                self.learn_some(first_of(part, H, self.threads),
                                first_of(part + 1, H, self.threads), d_vector)
            flush_denormals()
        else:
            self.learn_some(0, H, d_vector)
        self.n_read[0] = self.symbols_read.n
        if self.net.n_categorical > 0 and self.net.pooling == LAST:
            learn_symbols(&self.net, &self.net.layers[0], &self.units[0], &self.symbols_read,
                          &self.past)
        elif self.net.n_categorical > 0:
            learn_pooled_symbols(&self.net, &self.net.layers[0], &self.units[0], self.d_y,
                                 &self.symbols_read, &self.past)
        found += finish_gradient(self.n_dense, self.frozen, &self.decayed[0], penalty,
                                 &self.vector[0], d_vector)
        return found + penalize_table(self.net.table, self.n_total - self.n_dense, penalty,
                                      self.symbols_read.penalty)

    # -- calls from Python

    @property
    def n_threads(self):
        """Number of threads of the next call; the result does not depend on it."""
        return self.threads

    @n_threads.setter
    def n_threads(self, Py_ssize_t n):
        self.threads = max(1, n)

    cdef int require_learning(self) except -1:
        if not self.learns:
            raise ValueError("This stream keeps no traces to learn by.")
        return 0

    cdef int require_step(self, const int[::1] symbols) except -1:
        """Raise an error unless there is a symbol, or -1, for each categorical feature."""
        cdef Py_ssize_t c, n = 0 if symbols is None else symbols.shape[0]
        require_size("symbols", n, self.net.n_categorical)
        for c in range(n):
            if not -1 <= symbols[c] < self.n_categories:
                raise ValueError(f"symbols must be from -1 to {self.n_categories - 1}, "
                                 f"got {symbols[c]}.")
        return 0

    cdef int require_steps(
        self, const real[:, ::1] X, const int[:, ::1] symbols, const real[:, ::1] out
    ) except -1:
        cdef Py_ssize_t T = X.shape[0]
        require_shape("X", T, X.shape[1], T, self.net.n_features)
        require_reals("X", X)
        require_shape("symbols", symbols.shape[0], symbols.shape[1], T, self.net.n_categorical)
        require_symbols(symbols, self.n_categories)
        return require_shape("out", out.shape[0], out.shape[1], T, self.net.n_outputs)

    cdef int begin(self) except -1:
        """Raise an error if another call is running, because both would write the same arrays."""
        if atomic_count(&self.busy) > 0:
            raise RuntimeError(
                "This stream is at work in another thread, or in a call that a signal has "
                "interrupted. Open one stream for each thread with stream()."
            )
        return 0

    def step(self, row, const int[::1] symbols=None):
        """Feed one time step (and its symbols, with categorical features); see `output`.

        It does nothing and returns None if the row is not a contiguous array of F numbers of this
        precision, or False if some are not finite.
        """
        cdef const real[::1] x
        cdef const real* features = NULL
        cdef const int* now = NULL
        cdef Py_ssize_t k
        try:
            x = row
        except (TypeError, ValueError):
            return None
        if x.shape[0] != self.net.n_features:
            return None
        if x.shape[0] > 0:
            features = &x[0]
        if <size_t> features % sizeof(real) != 0:
            return None
        for k in range(x.shape[0]):
            if not isfinite(x[k]):
                return False
        self.require_step(symbols)
        if self.net.n_categorical > 0:
            now = &symbols[0]
        self.begin()
        with nogil:
            self.mode = flush_denormals()
            gate_enter(self.gate)
            self.forward(features, now)
            if self.learns:
                self.trace(now)
            gate_leave(self.gate)
            restore_float_mode(self.mode)
        atomic_write(&self.busy, 0)
        return True

    def peek(self, const real[::1] x, const int[::1] symbols):
        """The raw output after `step`, without feeding the step; see `output`."""
        cdef const real* features = NULL
        cdef const int* now = NULL
        require_size("x", x.shape[0], self.net.n_features)
        self.require_step(symbols)
        if x.shape[0] > 0:
            features = &x[0]
            require_aligned("x", features, sizeof(real))
        if symbols.shape[0] > 0:
            now = &symbols[0]
        self.begin()
        with nogil:
            self.mode = flush_denormals()
            keep_parts(self.parts, self.n_parts, self.kept, False)
            gate_enter(self.gate)
            self.forward(features, now)
            gate_leave(self.gate)
            restore_float_mode(self.mode)
        found = self.output()
        keep_parts(self.parts, self.n_parts, self.kept, True)
        atomic_write(&self.busy, 0)
        return found

    cdef void advance(self, const real* x, const int* symbols, real* out) noexcept nogil:
        self.forward(x, symbols)
        if self.learns:
            self.trace(symbols)
        memcpy(out, self.out, self.net.n_outputs * sizeof(real))

    def steps(
        self,
        const real[:, ::1] X,       # IN     (T, F), finite
        const int[:, ::1] symbols,  # IN     (T, C)
        real[:, ::1] out,           # OUT    (T, K) raw outputs
    ):
        """Feed several time steps, or none if a signal ends the call."""
        cdef Py_ssize_t t, T = X.shape[0]
        self.require_steps(X, symbols, out)
        begin_call(&self.signals, &self.watch)
        before = None
        if T * (self.work + STEP) >= self.watch.left:  # a signal may end this call
            before = self.save(self.room_for)
        self.begin()
        with nogil:
            self.mode = flush_denormals()
            for t in range(T):
                if stops_alone(&self.watch, self.work):
                    break
                gate_enter(self.gate)
                self.advance(reals_at(X, t), ints_at(symbols, t), &out[t, 0])
                gate_leave(self.gate)
            restore_float_mode(self.mode)
        atomic_write(&self.busy, 0)
        try:
            require_going(&self.watch)
        except BaseException:
            self.restore(before)
            raise

    def learn_steps(
        self,
        const real[:, ::1] X,        # IN     (T, F), finite
        const int[:, ::1] symbols,   # IN     (T, C)
        const real[:, ::1] targets,  # IN     (T, targets)
        const double[::1] weights,   # IN     (T,)
        # computed by the caller, because denormal weights are flushed to zero here
        const unsigned char[::1] has_target,  # IN     (T,)
        const double[::1] penalties,          # IN     (T,) as in `gradient`, at each target
        move,    # () -> bool: updates the parameters; False if the result is not finite
        failed,  # (step, loss is finite): called if nothing was learned
        real[:, ::1] out,            # OUT    (T, K) raw outputs, before learning
        double[::1] losses,          # OUT    (T,), only where there is a target
    ):
        """Feed several time steps, and learn at those that have a target.

        A signal may end the call between two steps. The steps and updates before it remain.
        """
        cdef Py_ssize_t t, T = X.shape[0]
        cdef double found = 0
        self.require_learning()
        self.require_steps(X, symbols, out)
        require_targets(&self.loss, self.net.n_outputs, targets, weights, T)
        require_size("has_target", has_target.shape[0], T)
        require_size("penalties", penalties.shape[0], T)
        require_size("losses", losses.shape[0], T)
        begin_call(&self.signals, &self.watch)
        for t in range(T):
            if stops_alone(&self.watch, 2 * self.work):
                break
            self.begin()
            with nogil:
                self.mode = flush_denormals()
                self.advance(reals_at(X, t), ints_at(symbols, t), &out[t, 0])
                if has_target[t]:
                    found = self.learn_target(&targets[t, 0], weights[t], penalties[t])
                restore_float_mode(self.mode)
            atomic_write(&self.busy, 0)
            if has_target[t]:
                losses[t] = found
                if not isfinite(found) or not move():
                    failed(t, isfinite(found))
        require_going(&self.watch)

    def output(self):
        """Raw output of the last step: a float, or a list of several."""
        cdef Py_ssize_t k
        if self.net.n_outputs == 1:
            return self.out[0]
        return [self.out[k] for k in range(self.net.n_outputs)]

    def gradient(self, const real[::1] target, double weight, double penalty):
        """Weighted loss of a target at the last step. Writes its gradient into the ``Gradient``."""
        cdef double found
        self.require_learning()
        require_size("a target", target.shape[0], n_targets(&self.loss, self.net.n_outputs))
        require_target(&self.loss, self.net.n_outputs, &target[0], weight)
        self.begin()
        with nogil:
            self.mode = flush_denormals()
            found = self.learn_target(&target[0], weight, penalty)
            restore_float_mode(self.mode)
        atomic_write(&self.busy, 0)
        return found

    # -- the state, for files

    def room_for(self, n):
        """An array of n numbers of the stream's precision."""
        return np.empty(n, np.asarray(self.vector).dtype)

    def reset(self):
        """Set state and traces to zero."""
        self.begin()
        self.n_waiting = 0
        forget_parts(self.parts, self.n_parts)
        if self.past.now != NULL:
            forget_symbols(&self.net, &self.symbols_read, &self.past)
        atomic_write(&self.busy, 0)

    def save(self, make):
        """State and traces as flat arrays, each made by ``make(n)``, then the state of symbols."""
        cdef Py_ssize_t k
        self.begin()
        with nogil:
            self.mode = flush_denormals()
            self.carry_traces()
            restore_float_mode(self.mode)
        atomic_write(&self.busy, 0)
        saved = [saved_part(&self.parts[k], make) for k in range(self.n_parts)]
        if self.past.now != NULL:
            saved += save_symbols(&self.net, &self.symbols_read, &self.past, make)
        return saved

    def restore(self, saved):
        """Restore what `save` returned, or raise an error if it does not match this stream."""
        cdef Py_ssize_t k, n = self.n_parts
        cdef list parts = list(saved[:n])
        cdef list symbols = list(saved[n:])
        if self.past.now != NULL:
            symbols = checked_symbols(&self.net, &self.past, self.n_categories, symbols)
        elif symbols:
            refuse()
        if len(parts) < n:
            refuse()
        for k in range(n):
            check_part(&self.parts[k], parts[k])
        self.begin()
        atomic_write(&self.busy, 0)
        for k in range(n):
            restore_part(&self.parts[k], parts[k])
        self.n_waiting = 0
        if self.past.now != NULL:
            restore_symbols(&self.net, &self.symbols_read, &self.past, symbols)
