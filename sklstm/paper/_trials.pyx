"""Trials of the 1997 experiments: each net of `_lanes.pxd` is one trial.

Each lane has its own random numbers, sequence and phase, and continues without waiting for others.
So the result of a trial does not depend on the other lanes. Sequences are drawn, read, judged and
learned without Python. Weights change at the end of a sequence, or at every step with a target.
"""

from libc.string cimport memset

from sklstm._kernels.arena cimport Arena, arena_free
from sklstm._kernels.arguments cimport require_between, require_shape, require_size, require_there
from sklstm._kernels.signals cimport (
    LOOK, Signals, Watch, begin_call, require_going, stops_alone,
)
from sklstm._kernels.simd cimport LANES, flush_denormals, float_mode, real, restore_float_mode
from sklstm.paper._arguments cimport (
    OUTPUTS_MOST, UNITS_MOST, require_automaton, require_criterion, require_strings, require_task,
)
from sklstm.paper._criterion cimport (
    ABSOLUTE, FINISHED, IDLE, SQUARED, TRAINING, WINDOW_MAX, Criterion, Measure, Trial,
    end_sequence, stops_falling,
)
from sklstm.paper._judgement cimport judge, put_errors, put_targets
from sklstm.paper._draws cimport Random, Ziggurat, seed_random, ziggurat_new
from sklstm.paper._lanes cimport (
    Nets, feed_back, forward, learn, nets_new, outputs, read_net, rest_net, trace, update,
    write_net,
)
from sklstm.paper._tasks cimport (
    ADDING, END, LONG_LAG, MARKED, MULTIPLICATION, NEVER, NOISE_FREE_LAG, RANDOM_LAG, REBER_STREAM,
    STRINGS, TEMPORAL_ORDER, TWO_SEQUENCE, FirstPair, Kind, Sequence, Task, begin, draws_symbols,
    has_target, has_truths, outputs_named, reals, symbol, wanted,
)
from sklstm.paper._weights cimport ABSENT, vecs

constants = {"LANES": LANES, "WINDOW_MAX": WINDOW_MAX, "ABSENT": ABSENT}  # as in _cell.pyx
KINDS = {
    "strings": STRINGS,
    "noise_free_lag": NOISE_FREE_LAG,
    "random_lag": RANDOM_LAG,
    "long_lag": LONG_LAG,
    "two_sequence": TWO_SEQUENCE,
    "adding": ADDING,
    "multiplication": MULTIPLICATION,
    "temporal_order": TEMPORAL_ORDER,
    "reber_stream": REBER_STREAM,
}
FIRST_PAIRS = {"end": END, "marked": MARKED, "never": NEVER}
MEASURES = {"absolute": ABSOLUTE, "squared": SQUARED}
RESETS = {"always": ALWAYS, "success": SUCCESS, "never": NEVER_RESET}

cdef enum Reset:  # when a net is reset before a training sequence
    ALWAYS
    SUCCESS  # if it was right in the sequence before
    NEVER_RESET


cdef class Trials:
    """Up to LANES trials of one row of the paper's tables.

    Parameters
    ----------
    net : _nets.Places
    task : _tasks.Task
    criterion : _criterion.Criterion
    rate : float
        Learning rate.
    rate_decay : float, default=1
        Factor of the learning rate at every step of a sequence.
    update_every_step : bool
        If True, weights change at every step with a target, else at the end of a sequence.
    rest : float
        Activations of cells and gates before the first step.
    plain_error : bool
        If True, equation (19) lacks the derivative of the logistic outputs.
    average : bool
        If True, the rate of an update at the end of a sequence is divided by its number of targets.
    reset : {"always", "success", "never"}
        When a net is reset before a training sequence, see `Reset`. It is always reset before a
        test sequence, and after a test.
    freeze : bool
        If True, nets with a late cell train only its weights once they have it.
    bias_decay : float
        Fraction of the biases of the outputs that each update removes.
    """

    cdef Arena arena
    cdef Task task
    cdef Criterion criterion
    cdef Ziggurat ziggurat
    cdef Trial trials[LANES]
    cdef Nets nets
    cdef Py_ssize_t n_total  # parameters of a net
    cdef bint update_every_step, plain_error, average
    cdef Reset resets
    cdef double rate, rate_decay, rest
    # of the current step
    cdef real* targets  # (outputs, LANES)
    cdef real* truths  # the same without noise
    cdef bint targeted[LANES]
    cdef bint learns[LANES]
    cdef bint ends[LANES]
    cdef Signals signals
    cdef Watch watch
    cdef object keep  # keeps arrays alive that the task points into

    def __cinit__(
        self, net, task, criterion, *, double rate, double rate_decay=1,
        bint update_every_step=False, double rest=0, bint plain_error=False,
        bint average=False, reset="always", bint freeze=False, double bias_decay=0,
    ):
        self.rate, self.rate_decay, self.rest = rate, rate_decay, rest
        self.update_every_step, self.plain_error = update_every_step, plain_error
        self.average, self.resets = average, <Reset> <Py_ssize_t> RESETS[reset]
        self.keep = []
        self.watch = Watch(&self.signals, LOOK, True)
        self.n_total = len(net.trainable)
        self.read_task(task)
        self.read_criterion(criterion)
        nets_new(&self.arena, &self.nets, net, self.task.n_inputs, self.criterion.growth_window > 0)
        self.targets = self.truths = vecs(&self.arena, self.nets.head.rows)
        if has_truths(&self.task):
            self.truths = vecs(&self.arena, self.nets.head.rows)
        if freeze and net.symbols is None:
            raise ValueError("freeze needs symbols")
        self.nets.freeze, self.nets.bias_decay = freeze, <real> bias_decay
        require_between("the number of outputs", self.nets.head.rows, outputs_named(&self.task),
                        UNITS_MOST)
        if self.criterion.tolerance <= 0 or self.task.legal_targets or task.automaton is not None:
            require_between("the number of outputs", self.nets.head.rows, 1, OUTPUTS_MOST)

    def __dealloc__(self):
        arena_free(&self.arena)

    # -- construction

    cdef object kept(self, array):
        self.keep.append(array)
        return array

    cdef int read_task(self, task) except -1:
        cdef const unsigned char[::1] symbols, legal, edge_symbol, edge_target
        cdef const long long[::1] offsets
        cdef Task* t = &self.task
        ziggurat_new(&self.ziggurat)
        t.ziggurat = &self.ziggurat
        t.kind = <Kind> <Py_ssize_t> KINDS[task.kind]
        t.n_inputs, t.every_step, t.length = task.n_inputs, task.every_step, task.length
        t.n_distractors, t.n_informative = task.n_distractors, task.n_informative
        t.noise, t.informative_noise = task.noise, task.informative_noise
        t.target_noise = task.target_noise
        t.first_pair = <FirstPair> <Py_ssize_t> FIRST_PAIRS[task.first_pair]
        t.n_relevant, t.legal_targets = task.n_relevant, task.legal_targets
        t.fixed_order, t.first_tested = task.fixed_order, task.first_tested
        if task.strings is not None:
            symbols, legal = self.kept(task.strings.symbols), self.kept(task.strings.legal)
            offsets = self.kept(task.strings.offsets)
            t.n_strings, t.n_training = len(task.strings.offsets) - 1, task.strings.n_training
            require_strings(symbols, legal, offsets, t)
            t.symbols, t.legal, t.offsets = &symbols[0], &legal[0], &offsets[0]
        if task.automaton is not None:
            edge_symbol = self.kept(task.automaton.symbol)
            edge_target = self.kept(task.automaton.target)
            require_automaton(edge_symbol, edge_target, t)
            t.edge_symbol, t.edge_target = &edge_symbol[0], &edge_target[0]
        return require_task(t)

    cdef int read_criterion(self, criterion) except -1:
        cdef Criterion* c = &self.criterion
        c.cap, c.cap_steps = criterion.cap, criterion.cap_steps
        c.tolerance, c.judge_last = criterion.tolerance, criterion.judge_last
        c.accepted = criterion.accepted
        c.stop_at_error = criterion.stop_at_error
        c.measure = <Measure> <Py_ssize_t> MEASURES[criterion.measure]
        c.window, c.window_wrong = criterion.window, criterion.window_wrong
        c.window_error, c.check = criterion.window_error, criterion.check
        c.n_test, c.test_wrong = criterion.n_test, criterion.test_wrong
        c.test_error = criterion.test_error
        c.n_final, c.final_always = criterion.n_final, criterion.final_always
        c.growth_window, c.growth_gain = criterion.growth_window, criterion.growth_gain
        return require_criterion(c)

    # -- steps

    cdef void feed(self) noexcept nogil:
        """Draw the input of every lane's step."""
        cdef Py_ssize_t lane, f
        cdef double[2] x
        cdef Trial* trial
        cdef Nets* nets = &self.nets
        for lane in range(LANES):
            trial = &self.trials[lane]
            self.targeted[lane] = self.learns[lane] = False
            if trial.phase in (IDLE, FINISHED):
                continue
            if draws_symbols(&self.task):
                nets.symbols.now[lane] = symbol(&self.task, &trial.random, &trial.now)
                for f in range(nets.n_inputs):
                    nets.source[(1 + f) * LANES + lane] = f == nets.symbols.now[lane]
            else:
                x[0] = x[1] = 0
                reals(&self.task, &trial.random, &trial.now, x)
                for f in range(nets.n_inputs):
                    nets.source[(1 + f) * LANES + lane] = <real> x[f]
            self.targeted[lane] = has_target(&self.task, &trial.now)
            self.learns[lane] = self.targeted[lane] and trial.phase == TRAINING
            trial.steps += 1

    cdef void change_weights(self, const bint* now) noexcept nogil:
        """Update lanes with the learning rates of their current steps."""
        cdef Py_ssize_t lane, _t
        cdef double rate
        cdef real[LANES] rates
        for lane in range(LANES):
            rate = self.rate
            if now[lane] and self.rate_decay != 1:
                for _t in range(self.trials[lane].now.t):
                    rate *= self.rate_decay
                    if rate < 1e-30:
                        break
            if now[lane] and self.average and not self.update_every_step:
                rate /= self.trials[lane].n_targets
            rates[lane] = <real> (rate if now[lane] else 0)
        update(&self.nets, now, rates)

    cdef void reset(self, Py_ssize_t lane, bint continues) noexcept nogil:
        """Start the next sequence of a lane, from the present state if it ``continues``."""
        cdef Trial* trial = &self.trials[lane]
        if not continues:
            rest_net(&self.nets, lane, <real> self.rest)
        trial.wrong, trial.error, trial.n_targets = False, 0, 0
        begin(&self.task, &trial.random, &trial.now,
              -1 if trial.phase == TRAINING else trial.n_read)

    cdef void end(self, Py_ssize_t lane) noexcept nogil:
        cdef Trial* trial = &self.trials[lane]
        cdef bint training = trial.phase == TRAINING, continues
        end_sequence(&self.criterion, trial)
        if training and self.criterion.growth_window and trial.grown_at < 0:
            if stops_falling(&self.criterion, trial):
                trial.grown_at = trial.trained
                self.nets.grown[lane] = 1
        # not after a test, whose sequences must not be learned from
        continues = training and trial.phase == TRAINING and (
            self.resets == NEVER_RESET or (self.resets == SUCCESS and trial.wrong)
        )
        self.reset(lane, continues)

    cdef bint step(self) noexcept nogil:
        """One step of every lane; True if a trial has finished."""
        cdef Py_ssize_t lane, K = self.nets.head.rows
        cdef bint target = False, learns = False, end = False, finished = False
        cdef Trial* trial
        self.feed()
        forward(&self.nets)
        trace(&self.nets)
        for lane in range(LANES):
            self.ends[lane] = False
            target, learns = target or self.targeted[lane], learns or self.learns[lane]
        if target:
            outputs(&self.nets)
            put_targets(&self.task, self.trials, self.targeted, K, self.targets, self.truths)
            if learns:
                put_errors(K, self.targets, self.nets.out, self.learns, self.plain_error,
                           self.nets.e)
                learn(&self.nets, self.learns)
            judge(&self.criterion, self.trials, self.targeted, K, self.truths, self.nets.out)
            if learns and self.update_every_step:
                self.change_weights(self.learns)
        feed_back(&self.nets)
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
                self.change_weights(self.learns)
            for lane in range(LANES):
                if self.ends[lane]:
                    self.end(lane)
                    finished = finished or self.trials[lane].phase == FINISHED
        return finished

    # -- interface for Python

    cdef Trial* trial_of(self, Py_ssize_t lane) except NULL:
        require_between("lane", lane, 0, LANES - 1)
        return &self.trials[lane]

    def start(self, Py_ssize_t lane, unsigned long long seed, const real[::1] vector):
        """Start a trial with these parameters (n_total,) and this seed of its sequences."""
        cdef Trial* trial = self.trial_of(lane)
        require_size("vector", vector.shape[0], self.n_total)
        memset(trial, 0, sizeof(Trial))
        write_net(&self.nets, lane, &vector[0])
        seed_random(&trial.random, seed)
        trial.phase, trial.first, trial.grown_at = TRAINING, -1, -1
        self.nets.grown[lane] = self.criterion.growth_window == 0
        self.reset(lane, False)

    def run(self, Py_ssize_t n_steps):
        """Run ``n_steps`` steps, or until a trial finishes; True if one has finished.

        A signal can end the call between two steps. Another `run` continues from there.
        """
        cdef Py_ssize_t _k
        cdef double work = 3.0 * LANES * (self.nets.hidden.size + self.nets.head.size)
        cdef bint finished = False
        cdef float_mode mode
        begin_call(&self.signals, &self.watch)
        with nogil:
            mode = flush_denormals()
            for _k in range(n_steps):
                if finished or stops_alone(&self.watch, work):
                    break
                finished = self.step()
            restore_float_mode(mode)
        require_going(&self.watch)
        return finished

    def vector(self, Py_ssize_t lane, real[::1] vector):
        """Write the parameters of a lane's net into ``vector`` (n_total,)."""
        self.trial_of(lane)
        require_size("vector", vector.shape[0], self.n_total)
        read_net(&self.nets, lane, &vector[0])

    def draw(self, unsigned long long seed, Py_ssize_t n, make):
        """Return the first training sequences of a trial with this seed, as a list of pairs.

        Inputs have shape (T, F), or (T, 1) for symbols. Targets have shape (T, K), with NaN if
        missing. ``make`` is called with a shape and returns an array.
        """
        cdef Random random
        cdef Sequence now
        cdef Py_ssize_t f, k
        cdef double[2] x
        cdef double[:, ::1] inputs, targets
        memset(&now, 0, sizeof(Sequence))
        seed_random(&random, seed)
        pairs = []
        for _ in range(n):
            begin(&self.task, &random, &now, -1)
            inputs = make((now.steps, 1 if draws_symbols(&self.task) else self.task.n_inputs))
            targets = make((now.steps, self.nets.head.rows))
            require_there("inputs", inputs is not None)
            require_there("targets", targets is not None)
            require_shape("inputs", inputs.shape[0], inputs.shape[1], now.steps,
                          1 if draws_symbols(&self.task) else self.task.n_inputs)
            require_shape("targets", targets.shape[0], targets.shape[1], now.steps,
                          self.nets.head.rows)
            pairs.append((inputs.base, targets.base))
            while now.t < now.steps:
                if draws_symbols(&self.task):
                    inputs[now.t, 0] = symbol(&self.task, &random, &now)
                else:
                    reals(&self.task, &random, &now, x)
                    for f in range(self.task.n_inputs):
                        inputs[now.t, f] = x[f]
                for k in range(self.nets.head.rows):
                    targets[now.t, k] = float("nan")
                    if has_target(&self.task, &now):
                        targets[now.t, k] = wanted(&self.task, &now, k, False)
                now.t += 1
        return pairs

    def stop(self, Py_ssize_t lane):
        """Make a lane idle."""
        self.trial_of(lane).phase = IDLE

    def record(self, Py_ssize_t lane):
        """Return the state of a trial."""
        cdef Trial* trial = self.trial_of(lane)
        cdef Py_ssize_t k, n = min(trial.trained, <Py_ssize_t> self.criterion.window)
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
