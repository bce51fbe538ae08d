"""Trials of the 1997 experiments: many nets of one shape side by side, one in each lane.

A lane is a net with its own parameters, its own random numbers and its own sequence, and takes no
notice of its neighbours: a trial gives the same numbers in any company. Sequences are drawn, read
and learned from without Python.

Learning is the truncated gradient forward in time, equations (19) to (28): for each cell and each
source of its input gate, forget gate and own input a trace, the derivative of the cell state with
recurrent inputs held constant. What a sequence asks for is summed in d_ arrays and added to the
weights at its end, or at every step that has a target.

A step can give its input as numbers or as a symbol. A symbol stands for a one-hot vector: only its
column of weights and traces is touched, so that a step costs the same with 7 symbols and with 1004.
It needs a cell whose traces do not decay.

Everything is (rows or columns, LANES). Rows of z are in the order of cells.pxd: gates before the
cells, cells, output gate. Columns of the hidden rows are a constant 1, the inputs (unless symbols)
and the recurrent sources; columns of the output rows a constant 1, the inputs (with shortcuts,
unless symbols) and the cells. ``weights`` lie in tiles of four rows.
"""

from libc.math cimport fabs
from libc.string cimport memcpy, memset

from sklstm._kernels.arena cimport Arena, arena_free, arena_take
from sklstm._kernels.cells cimport (
    Cell, cell_named, errors_of_cell, forward_cell, gates_after, gates_before, gates_fed,
    slopes_of_cell,
)
from sklstm.paper._draws cimport Random, Ziggurat, seed_random, ziggurat_new
from sklstm.paper._criterion cimport (
    ABSOLUTE, FINISHED, IDLE, SQUARED, TRAINING, WINDOW_MAX, Criterion, Measure, Trial,
    end_sequence, stops_falling,
)
from sklstm._kernels.simd cimport (
    LANES, flush_denormals, float_mode, load, real, restore_float_mode, sigmoid, splat, store, vec,
)
from sklstm.paper._tasks cimport (
    ADDING, CONTINUAL, END, LONG_LAG, MARKED, MULTIPLICATION, NEVER, NOISE_FREE_LAG, RANDOM_LAG,
    STRINGS, TEMPORAL_ORDER, TWO_SEQUENCE, FirstPair, Kind, Sequence, Task, begin, has_target,
    reals, symbol, wanted,
)

cdef enum:
    TILE = 4  # rows whose sums stay in registers

lanes = LANES
KINDS = {
    "strings": STRINGS,
    "noise_free_lag": NOISE_FREE_LAG,
    "random_lag": RANDOM_LAG,
    "long_lag": LONG_LAG,
    "two_sequence": TWO_SEQUENCE,
    "adding": ADDING,
    "multiplication": MULTIPLICATION,
    "temporal_order": TEMPORAL_ORDER,
    "continual": CONTINUAL,
}
FIRST_PAIRS = {"end": END, "marked": MARKED, "never": NEVER}
MEASURES = {"absolute": ABSOLUTE, "squared": SQUARED}


cdef struct Matrix:
    int rows
    int columns
    real* weights  # (tiles, columns, TILE, LANES)
    real* d_weights
    const Py_ssize_t* place  # (rows, columns) in the vector of parameters, -1 if absent


cdef inline Py_ssize_t at(const Matrix* m, int row, int column) noexcept nogil:
    return ((row // TILE * m.columns + column) * TILE + row % TILE) * LANES


cdef inline int padded(int rows) noexcept nogil:
    return (rows + TILE - 1) // TILE * TILE


cdef inline void product_of_each(const Matrix* m, const real* x, real* z) noexcept nogil:
    """z = W x in every lane."""
    cdef int _tile, column, n = m.columns
    cdef const real* w = m.weights
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


cdef inline void add_row(const Matrix* m, int row, vec factor, const real* x) noexcept nogil:
    """d_W[row] += factor x."""
    cdef real* d = m.d_weights + at(m, row, 0)
    cdef int column
    for column in range(m.columns):
        store(d + column * TILE * LANES,
              load(d + column * TILE * LANES) + factor * load(x + column * LANES))


cdef class Trials:
    """Up to LANES trials of one row of the paper's tables.

    Parameters
    ----------
    net : _nets.Places
    task : _tasks.Task
    criterion : _criterion.Criterion
    rate : float
        Learning rate. With ``rate_decay`` it falls by this factor with every step of a sequence.
    update_every_step : bool
        Change the weights at every step that has a target, else at the end of a sequence.
    rest : float
        Activations of cells and gates before the first step.
    plain_error : bool
        Leave out the derivative of the logistic outputs, against equation (19).
    """

    cdef Arena arena
    cdef Task task
    cdef Criterion criterion
    cdef Ziggurat ziggurat
    cdef Trial trials[LANES]
    cdef Matrix hidden, head
    cdef Cell cell
    cdef int n_blocks, block_size, n_cells, n_before, n_after
    cdef int n_inputs, n_recurrent, n_fed, symbol_rows
    cdef bint shortcuts, update_every_step, plain_error
    cdef double rate, rate_decay, rest
    # of the present step
    cdef real* source  # (columns,) 1, x(t), r(t-1)
    cdef real* read  # (columns,) 1, x(t), y(t)
    cdef real* z
    cdef real* s
    cdef real* s_before
    cdef real* h
    cdef real* r
    cdef real* out
    cdef real* e  # errors of the outputs (19)
    cdef real* d_y
    cdef real* d_s  # (23)
    cdef real* d_o  # (21)
    cdef real* slopes  # (1 + traced, cells) what a trace keeps, and gains per source
    cdef real* traces  # (traced, cells, columns)
    cdef real* grown  # 1, or 0 while the net has no cells
    cdef real* mask
    cdef real* rates
    # of symbols: (LANES, n_symbols, rows)
    cdef int lane_symbol[LANES]
    cdef bint targeted[LANES]
    cdef bint learns[LANES]
    cdef bint ends[LANES]
    cdef real* symbol_weights
    cdef real* d_symbol_weights
    cdef real* symbol_traces  # (LANES, n_symbols, traced * cells)
    cdef real* factors  # 1 where a weight trains, as `hidden`, `head`, `symbols`
    cdef object keep  # arrays that pointers point into
    cdef Py_ssize_t n_total
    cdef const Py_ssize_t[:, ::1] symbol_place

    def __cinit__(
        self, net, task, criterion, *, double rate, double rate_decay=1,
        bint update_every_step=False, double rest=0, bint plain_error=False,
    ):
        cdef int S, b, M, K, n_traced, F, k
        self.rate, self.rate_decay, self.rest = rate, rate_decay, rest
        self.update_every_step, self.plain_error = update_every_step, plain_error
        self.keep = []
        self.read_task(task)
        self.read_criterion(criterion)
        self.cell = <Cell> cell_named(net.cell)
        self.n_blocks, self.block_size = b, S = net.n_blocks, net.block_size
        self.n_cells = S * b
        self.n_before, self.n_after = gates_before(self.cell), gates_after(self.cell)
        self.shortcuts = net.shortcuts
        self.n_fed = net.n_recurrent * b
        self.n_recurrent = (S + gates_fed(self.cell)) * b
        self.n_inputs = F = 0 if self.task.n_symbols else self.task.n_inputs
        self.matrix_new(&self.hidden, net.hidden)
        self.matrix_new(&self.head, net.head)
        M, K = self.hidden.rows, self.head.rows
        self.symbol_rows = M + K if self.shortcuts else M
        n_traced = self.n_before + 1
        self.n_total = len(net.trainable)
        self.source = self.vecs(1 + F + max(self.n_recurrent, self.n_fed))
        for k in range(LANES):
            self.source[k] = 1
        self.read = self.vecs(1 + F + self.n_cells)
        self.z, self.out = self.vecs(padded(M)), self.vecs(padded(K))
        self.s, self.s_before = self.vecs(self.n_cells), self.vecs(self.n_cells)
        self.h, self.r = self.vecs(self.n_cells), self.vecs(self.n_recurrent)
        self.e, self.d_y = self.vecs(K), self.vecs(self.n_recurrent)
        self.d_s, self.d_o = self.vecs(self.n_cells), self.vecs(b)
        self.slopes = self.vecs((n_traced + 1) * self.n_cells)
        self.traces = self.vecs(n_traced * self.n_cells * self.hidden.columns)
        self.grown, self.mask, self.rates = self.vecs(1), self.vecs(1), self.vecs(1)
        if self.task.n_symbols:
            if self.n_before == 2:
                raise ValueError("symbols need a cell whose traces do not decay")
            self.symbol_place = self.kept(net.symbols)
            self.symbol_weights = self.vecs(self.task.n_symbols * self.symbol_rows)
            self.d_symbol_weights = self.vecs(self.task.n_symbols * self.symbol_rows)
            self.symbol_traces = self.vecs(self.task.n_symbols * n_traced * self.n_cells)
        self.make_factors(net.trainable)

    def __dealloc__(self):
        arena_free(&self.arena)

    # -- construction

    cdef real* vecs(self, double n) except NULL:
        return <real*> arena_take(&self.arena, n * LANES, sizeof(real))

    cdef object kept(self, array):
        self.keep.append(array)
        return array

    cdef int matrix_new(self, Matrix* m, array) except -1:
        cdef const Py_ssize_t[:, ::1] place = self.kept(array)
        m.rows, m.columns = place.shape[0], place.shape[1]
        m.place = &place[0, 0]
        m.weights = self.vecs(padded(m.rows) * m.columns)
        m.d_weights = self.vecs(padded(m.rows) * m.columns)
        return 0

    cdef int read_task(self, task) except -1:
        cdef const unsigned char[::1] symbols, legal, edge_symbol, edge_target
        cdef const long long[::1] offsets
        cdef Task* t = &self.task
        ziggurat_new(&self.ziggurat)
        t.ziggurat = &self.ziggurat
        t.kind = <Kind> <int> KINDS[task.kind]
        t.n_inputs, t.n_symbols = task.n_inputs, task.n_symbols
        t.every_step, t.length = task.every_step, task.length
        t.n_distractors, t.n_informative = task.n_distractors, task.n_informative
        t.noise, t.informative_noise = task.noise, task.informative_noise
        t.target_noise = task.target_noise
        t.first_pair = <FirstPair> <int> FIRST_PAIRS[task.first_pair]
        t.n_relevant, t.legal_targets = task.n_relevant, task.legal_targets
        if task.strings is not None:
            symbols, legal = self.kept(task.strings.symbols), self.kept(task.strings.legal)
            offsets = self.kept(task.strings.offsets)
            t.symbols, t.legal, t.offsets = &symbols[0], &legal[0], &offsets[0]
            t.n_strings, t.n_training = offsets.shape[0] - 1, task.strings.n_training
        if task.automaton is not None:
            edge_symbol = self.kept(task.automaton.symbol)
            edge_target = self.kept(task.automaton.target)
            t.edge_symbol, t.edge_target = &edge_symbol[0], &edge_target[0]
        return 0

    cdef int read_criterion(self, criterion) except -1:
        cdef Criterion* c = &self.criterion
        c.cap, c.cap_steps = criterion.cap, criterion.cap_steps
        c.tolerance, c.judge_last = criterion.tolerance, criterion.judge_last
        c.stop_at_error = criterion.stop_at_error
        c.measure = <Measure> <int> MEASURES[criterion.measure]
        c.window, c.window_wrong = criterion.window, criterion.window_wrong
        if not 1 <= c.window <= WINDOW_MAX:
            raise ValueError(f"window must be between 1 and {WINDOW_MAX}, got {c.window}")
        c.window_error, c.check = criterion.window_error, criterion.check
        c.n_test, c.test_wrong = criterion.n_test, criterion.test_wrong
        c.test_error = criterion.test_error
        c.n_final, c.final_always = criterion.n_final, criterion.final_always
        c.growth_window, c.growth_gain = criterion.growth_window, criterion.growth_gain
        return 0

    cdef int make_factors(self, trainable) except -1:
        """Which weights train, in the order of the matrices, for all lanes the same."""
        cdef Py_ssize_t k, n = self.n_weights(), p
        cdef const unsigned char[::1] trains = trainable.astype("u1")
        self.factors = <real*> arena_take(&self.arena, n, sizeof(real))
        for k in range(n):
            p = self.place_of(k)
            self.factors[k] = 1 if p >= 0 and trains[p] else 0
        return 0

    cdef Py_ssize_t n_weights(self) noexcept:
        """Of one net, padding included."""
        return (padded(self.hidden.rows) * self.hidden.columns
                + padded(self.head.rows) * self.head.columns
                + self.task.n_symbols * self.symbol_rows)

    cdef Py_ssize_t place_in(self, const Matrix* m, Py_ssize_t k) noexcept:
        cdef Py_ssize_t row = k // (m.columns * TILE) * TILE + k % TILE
        return m.place[row * m.columns + k // TILE % m.columns] if row < m.rows else -1

    cdef Py_ssize_t place_of(self, Py_ssize_t k) noexcept:
        """Where in a net's vector its weight number k is."""
        cdef Py_ssize_t n = padded(self.hidden.rows) * self.hidden.columns
        if k < n:
            return self.place_in(&self.hidden, k)
        k -= n
        n = padded(self.head.rows) * self.head.columns
        if k < n:
            return self.place_in(&self.head, k)
        k -= n
        return self.symbol_place[k // self.symbol_rows, k % self.symbol_rows]

    cdef real* weight(self, Py_ssize_t k, int lane) noexcept:
        """A net's weight number k."""
        cdef Py_ssize_t n = padded(self.hidden.rows) * self.hidden.columns
        if k < n:
            return self.hidden.weights + k * LANES + lane
        k -= n
        n = padded(self.head.rows) * self.head.columns
        if k < n:
            return self.head.weights + k * LANES + lane
        return self.symbol_column(self.symbol_weights, self.symbol_rows, lane, 0) + k - n

    # -- forward

    cdef inline real* symbol_column(
        self, real* array, int rows, int lane, int which
    ) noexcept nogil:
        return array + (<Py_ssize_t> lane * self.task.n_symbols + which) * rows

    cdef void feed(self) noexcept nogil:
        """Draw the input of every lane's step."""
        cdef int lane, f
        cdef double[2] x
        cdef Trial* trial
        for lane in range(LANES):
            trial = &self.trials[lane]
            self.targeted[lane] = self.learns[lane] = False
            if trial.phase in (IDLE, FINISHED):
                continue
            if self.task.n_symbols:
                self.lane_symbol[lane] = symbol(&self.task, &trial.random, &trial.now)
            elif self.task.n_inputs > 2:
                self.lane_symbol[lane] = f = symbol(&self.task, &trial.random, &trial.now)
                for f in range(self.n_inputs):
                    self.source[(1 + f) * LANES + lane] = f == self.lane_symbol[lane]
            else:
                x[0] = x[1] = 0
                reals(&self.task, &trial.random, &trial.now, x)
                for f in range(self.n_inputs):
                    self.source[(1 + f) * LANES + lane] = <real> x[f]
            self.targeted[lane] = has_target(&self.task, &trial.now)
            self.learns[lane] = self.targeted[lane] and trial.phase == TRAINING
            trial.steps += 1

    cdef void add_symbols(self, int first, int rows, real* z) noexcept nogil:
        """z += the columns of the lanes' symbols, from row `first` of them."""
        cdef int lane, row
        cdef const real* column
        for lane in range(LANES):
            column = self.symbol_column(
                self.symbol_weights, self.symbol_rows, lane, self.lane_symbol[lane]) + first
            for row in range(rows):
                z[row * LANES + lane] += column[row]

    cdef void forward(self) noexcept nogil:
        cdef int n = self.n_blocks * LANES, S = self.block_size, c
        product_of_each(&self.hidden, self.source, self.z)
        if self.task.n_symbols:
            self.add_symbols(0, self.hidden.rows, self.z)
        self.s, self.s_before = self.s_before, self.s
        # no net here has peepholes
        forward_cell(self.cell, n, S, NULL, self.s_before, self.z, self.s, self.h, self.r)
        if self.criterion.growth_window:
            for c in range(self.n_cells):
                store(self.r + c * LANES, load(self.r + c * LANES) * load(self.grown))

    cdef void outputs(self) noexcept nogil:
        """Logistic outputs, equation (3)."""
        cdef int k, K = self.head.rows, F = self.n_inputs if self.shortcuts else 0
        memcpy(self.read, self.source, (1 + F) * LANES * sizeof(real))
        memcpy(self.read + (1 + F) * LANES, self.r, self.n_cells * LANES * sizeof(real))
        product_of_each(&self.head, self.read, self.out)
        if self.shortcuts and self.task.n_symbols:
            self.add_symbols(self.hidden.rows, K, self.out)
        for k in range(K):
            store(self.out + k * LANES, sigmoid(load(self.out + k * LANES)))

    # -- the truncated gradient, forward in time

    cdef void trace(self) noexcept nogil:
        """Carry the traces of all cells over the step just made: (25), (27)."""
        cdef int lane, k, column, N = self.hidden.columns, n = (self.n_before + 1) * self.n_cells
        cdef const real* gained = self.slopes + self.n_cells * LANES
        cdef vec keep, slope
        cdef real* trace = self.traces
        cdef real* of_symbol
        slopes_of_cell(self.cell, self.n_blocks * LANES, self.block_size, self.s_before, self.z,
                       self.slopes)
        for k in range(n):
            keep = load(self.slopes + k % self.n_cells * LANES)
            slope = load(gained + k * LANES)
            for column in range(N):
                store(trace, keep * load(trace) + slope * load(self.source + column * LANES))
                trace += LANES
        if self.task.n_symbols:
            for lane in range(LANES):
                of_symbol = self.symbol_column(self.symbol_traces, n, lane, self.lane_symbol[lane])
                for k in range(n):
                    of_symbol[k] += gained[k * LANES + lane]

    cdef void output_errors(self) noexcept nogil:
        """(19), 0 in lanes that do not learn now."""
        cdef int k, lane
        cdef double y
        for k in range(self.head.rows):
            for lane in range(LANES):
                self.e[k * LANES + lane] = 0
                if self.learns[lane]:
                    y = self.out[k * LANES + lane]
                    self.e[k * LANES + lane] = <real> (
                        (wanted(&self.task, &self.trials[lane].now, k, False) - y)
                        * (1 if self.plain_error else y * (1 - y)))

    cdef void learn(self) noexcept nogil:
        """Add what the errors at this step ask for to the d_ arrays."""
        cdef int j, c, q, k, row, first = self.head.columns - self.n_cells
        cdef int out_row = (self.n_before + self.block_size) * self.n_blocks
        cdef vec d_y, d_s
        self.output_errors()
        for c in range(self.n_cells):
            d_y = splat(0)
            for k in range(self.head.rows):
                d_y = d_y + (load(self.head.weights + at(&self.head, k, first + c))
                             * load(self.e + k * LANES))
            store(self.d_y + c * LANES, d_y)
        for k in range(self.head.rows):
            add_row(&self.head, k, load(self.e + k * LANES), self.read)
        errors_of_cell(self.cell, self.n_blocks * LANES, self.block_size, self.z, self.h, self.d_y,
                       self.d_s, self.d_o)  # (21), (23)
        for c in range(self.n_cells):
            d_s = load(self.d_s + c * LANES)
            if self.criterion.growth_window:
                d_s = d_s * load(self.grown)
                store(self.d_s + c * LANES, d_s)
            for q in range(self.n_before + 1):  # (26), (28)
                row = q * self.n_blocks + (c % self.n_blocks if q < self.n_before else c)
                add_row(&self.hidden, row, d_s,
                        self.traces + (q * self.n_cells + c) * self.hidden.columns * LANES)
        for j in range(self.n_after * self.n_blocks):
            add_row(&self.hidden, out_row + j, load(self.d_o + j * LANES), self.source)
        if self.task.n_symbols:
            for k in range(LANES):
                if self.learns[k]:
                    self.learn_symbols(k)

    cdef void learn_symbols(self, int lane) noexcept nogil:
        """The same for the columns of one lane's symbols."""
        cdef int which, c, q, j, k, row, n = (self.n_before + 1) * self.n_cells
        cdef int out_row = (self.n_before + self.block_size) * self.n_blocks
        cdef real* d
        cdef const real* trace
        cdef real d_s
        for which in range(self.task.n_symbols):
            d = self.symbol_column(self.d_symbol_weights, self.symbol_rows, lane, which)
            trace = self.symbol_column(self.symbol_traces, n, lane, which)
            for c in range(self.n_cells):
                j, d_s = c % self.n_blocks, self.d_s[c * LANES + lane]
                for q in range(self.n_before + 1):
                    row = q * self.n_blocks + (j if q < self.n_before else c)
                    d[row] += d_s * trace[q * self.n_cells + c]
        d = self.symbol_column(
            self.d_symbol_weights, self.symbol_rows, lane, self.lane_symbol[lane])
        for j in range(self.n_after * self.n_blocks):
            d[out_row + j] += self.d_o[j * LANES + lane]
        if self.shortcuts:
            for k in range(self.head.rows):
                d[self.hidden.rows + k] += self.e[k * LANES + lane]

    cdef void move(self, Matrix* m, const real* factors) noexcept nogil:
        """(22): add d_W times the rate of each lane, and forget d_W where it was used."""
        cdef Py_ssize_t k
        cdef vec rate = load(self.rates), kept = splat(1) - load(self.mask)
        for k in range(padded(m.rows) * m.columns):
            store(m.weights + k * LANES, load(m.weights + k * LANES)
                  + splat(factors[k]) * rate * load(m.d_weights + k * LANES))
            store(m.d_weights + k * LANES, kept * load(m.d_weights + k * LANES))

    cdef void update(self, const bint* now) noexcept nogil:
        """Change the weights of some lanes."""
        cdef int lane, _t
        cdef Py_ssize_t k, n, n_hidden = padded(self.hidden.rows) * self.hidden.columns
        cdef Py_ssize_t n_head = padded(self.head.rows) * self.head.columns
        cdef real* w
        cdef real* d
        cdef const real* factors = self.factors + n_hidden + n_head
        cdef double rate
        for lane in range(LANES):
            self.mask[lane] = now[lane]
            rate = self.rate
            if now[lane] and self.rate_decay != 1:
                for _t in range(self.trials[lane].now.t):
                    rate *= self.rate_decay
                    if rate < 1e-30:
                        break
            self.rates[lane] = <real> (rate if now[lane] else 0)
        self.move(&self.hidden, self.factors)
        self.move(&self.head, self.factors + n_hidden)
        n = self.task.n_symbols * self.symbol_rows
        for lane in range(LANES if n else 0):
            if now[lane]:
                w = self.symbol_column(self.symbol_weights, self.symbol_rows, lane, 0)
                d = self.symbol_column(self.d_symbol_weights, self.symbol_rows, lane, 0)
                for k in range(n):
                    w[k] += self.rates[lane] * factors[k] * d[k]
                    d[k] = 0

    # -- sequences

    cdef bint right(self, const Trial* trial, int lane) noexcept nogil:
        """Whether the outputs of this step are right."""
        cdef int k
        cdef double y, lowest_legal = 2, highest_other = -1
        for k in range(self.head.rows):
            y = self.out[k * LANES + lane]
            if self.criterion.tolerance > 0:
                # NaN is wrong
                if not fabs(wanted(&self.task, &trial.now, k, True) - y) < self.criterion.tolerance:
                    return False
            elif trial.now.legal >> k & 1:
                lowest_legal = y if not y >= lowest_legal else lowest_legal
            else:
                highest_other = y if not y <= highest_other else highest_other
        # without a tolerance: the symbols that may follow are the most active ones
        return self.criterion.tolerance > 0 or lowest_legal > highest_other

    cdef void judge(self, int lane) noexcept nogil:
        cdef Trial* trial = &self.trials[lane]
        cdef int k, K = self.head.rows
        cdef double error, total = 0
        for k in range(K):
            error = wanted(&self.task, &trial.now, k, True) - self.out[k * LANES + lane]
            if self.criterion.measure == ABSOLUTE:
                total += fabs(error) / K
            else:
                total += error * error
        trial.error += total
        trial.n_targets += 1
        if not self.criterion.judge_last or trial.now.t == trial.now.steps - 1:
            if not self.right(trial, lane):
                trial.wrong = True

    cdef void reset(self, int lane) noexcept nogil:
        """Zero state and traces of a lane, and start its next sequence."""
        cdef Trial* trial = &self.trials[lane]
        cdef int k, n = (self.n_before + 1) * self.n_cells
        for k in range(self.n_cells):
            self.s[k * LANES + lane] = 0
        for k in range(self.n_fed):
            self.source[(1 + self.n_inputs + k) * LANES + lane] = <real> self.rest
        for k in range(n * self.hidden.columns):
            self.traces[k * LANES + lane] = 0
        if self.task.n_symbols:
            memset(self.symbol_column(self.symbol_traces, n, lane, 0), 0,
                   self.task.n_symbols * n * sizeof(real))
        trial.wrong, trial.error, trial.n_targets = False, 0, 0
        begin(&self.task, &trial.random, &trial.now,
              -1 if trial.phase == TRAINING else trial.n_read)

    cdef void end(self, int lane) noexcept nogil:
        cdef Trial* trial = &self.trials[lane]
        cdef bint training = trial.phase == TRAINING
        end_sequence(&self.criterion, trial)
        if training and self.criterion.growth_window and trial.grown_at < 0:
            if stops_falling(&self.criterion, trial):
                trial.grown_at = trial.trained
                self.grown[lane] = 1
        self.reset(lane)

    cdef bint step(self) noexcept nogil:
        """One step of every lane; whether a trial has finished."""
        cdef int lane
        cdef bint target = False, learns = False, end = False, finished = False
        cdef Trial* trial
        self.feed()
        self.forward()
        self.trace()
        for lane in range(LANES):
            self.ends[lane] = False
            target, learns = target or self.targeted[lane], learns or self.learns[lane]
        if target:
            self.outputs()
            if learns:
                self.learn()
            for lane in range(LANES):
                if self.targeted[lane]:
                    self.judge(lane)
            if learns and self.update_every_step:
                self.update(self.learns)
        # the sources of the next step
        memcpy(self.source + (1 + self.n_inputs) * LANES, self.r,
               self.n_fed * LANES * sizeof(real))
        for lane in range(LANES):
            trial = &self.trials[lane]
            if trial.phase in (IDLE, FINISHED):
                continue
            if trial.now.t == trial.now.steps - 1 or (
                self.criterion.stop_at_error and trial.wrong
            ):
                self.ends[lane] = end = True
            else:
                trial.now.t += 1
        if end:
            for lane in range(LANES):
                self.learns[lane] = self.ends[lane] and self.trials[lane].phase == TRAINING
            if not self.update_every_step:
                self.update(self.learns)
            for lane in range(LANES):
                if self.ends[lane]:
                    self.end(lane)
                    finished = finished or self.trials[lane].phase == FINISHED
        return finished

    # -- doors

    def start(self, int lane, unsigned long long seed, const real[::1] vector):
        """Begin a trial: a net with these parameters (n_total,), sequences from this seed."""
        cdef Trial* trial = &self.trials[lane]
        cdef Py_ssize_t k, p
        memset(trial, 0, sizeof(Trial))
        for k in range(self.n_weights()):
            p = self.place_of(k)
            self.weight(k, lane)[0] = vector[p] if p >= 0 else 0
        for k in range(padded(self.hidden.rows) * self.hidden.columns):
            self.hidden.d_weights[k * LANES + lane] = 0
        for k in range(padded(self.head.rows) * self.head.columns):
            self.head.d_weights[k * LANES + lane] = 0
        for k in range(self.task.n_symbols * self.symbol_rows):
            self.symbol_column(self.d_symbol_weights, self.symbol_rows, lane, 0)[k] = 0
        seed_random(&trial.random, seed)
        trial.phase, trial.first, trial.grown_at = TRAINING, -1, -1
        self.grown[lane] = self.criterion.growth_window == 0
        self.reset(lane)

    def run(self, Py_ssize_t n_steps):
        """Go so many steps, or until a trial finishes; whether one has."""
        cdef Py_ssize_t _k
        cdef bint finished = False
        cdef float_mode mode
        with nogil:
            mode = flush_denormals()
            for _k in range(n_steps):
                finished = self.step()
                if finished:
                    break
            restore_float_mode(mode)
        return finished

    def vector(self, int lane, real[::1] vector):
        """Write the parameters of a lane's net into ``vector`` (n_total,)."""
        cdef Py_ssize_t k, p
        for k in range(self.n_weights()):
            p = self.place_of(k)
            if p >= 0:
                vector[p] = self.weight(k, lane)[0]

    def draw(self, unsigned long long seed, int n, make):
        """The first training sequences of a trial with this seed, as a list of pairs.

        Inputs are (T, F), or (T, 1) symbols; targets (T, K), NaN where there is none. ``make`` of a
        shape gives an array.
        """
        cdef Random random
        cdef Sequence now
        cdef int f, k
        cdef double[2] x
        cdef double[:, ::1] inputs, targets
        seed_random(&random, seed)
        pairs = []
        for _ in range(n):
            begin(&self.task, &random, &now, -1)
            inputs = make((now.steps, self.n_inputs if self.n_inputs in (1, 2) else 1))
            targets = make((now.steps, self.head.rows))
            pairs.append((inputs.base, targets.base))
            while now.t < now.steps:
                if self.task.n_symbols or self.task.n_inputs > 2:
                    inputs[now.t, 0] = symbol(&self.task, &random, &now)
                else:
                    reals(&self.task, &random, &now, x)
                    for f in range(self.n_inputs):
                        inputs[now.t, f] = x[f]
                for k in range(self.head.rows):
                    targets[now.t, k] = float("nan")
                    if has_target(&self.task, &now):
                        targets[now.t, k] = wanted(&self.task, &now, k, False)
                now.t += 1
        return pairs

    def stop(self, int lane):
        """Leave a lane empty."""
        self.trials[lane].phase = IDLE

    def record(self, int lane):
        """Where a trial is."""
        cdef Trial* trial = &self.trials[lane]
        cdef int k, n = min(trial.trained, <Py_ssize_t> self.criterion.window)
        cdef double recent = 0
        for k in range(n):
            recent += trial.recent_error[k]
        return {
            "finished": trial.phase == FINISHED,
            "success": bool(trial.success),
            "sequences": trial.trained,
            "first": trial.first,
            "grown_at": trial.grown_at,
            "steps": trial.steps,
            "tests": trial.n_tests,
            "recent_error": recent / n if n else float("nan"),
            "recent_wrong": trial.n_recent_wrong,
            "n_final": trial.n_read,
            "final_wrong": trial.n_wrong,
            "final_error": trial.sum_error / trial.n_read if trial.n_read else float("nan"),
            "final_length": trial.sum_steps / trial.n_read if trial.n_read else float("nan"),
        }
