"""The neural sequence chunker: two recurrent nets that learn at every step.

The automatizer A reads every input, the chunker C only those that A did not predict. At step t:

1. If x(t) is unexpected (the first input of a sequence always is), C learns to predict it from the
   input that it read last. C then reads x(t), which updates its hidden units. Otherwise C is idle.
2. A reads x(t) and learns three things: targets d(t), the next input x(t+1), and the state of C.

Both nets, hidden units a and outputs o, f logistic:
    a(t) = f(sum_s w[s] y_s),   y_s = a(t-1), 1, x(t)
    o(t) = g(sum_s v[s] y_s),   y_s = a(t), 1, x(t)
Both learn by back-propagation through the last n_steps steps that the net itself has read.
Rows of matrices are sources, as in _gradients.pyx, so that a one-hot step costs O(n_outputs).
"""

from cpython.pyport cimport PY_SSIZE_T_MAX
from libc.math cimport fabs, isnan

from sklstm._kernels.arguments cimport area, require_between, require_places, require_size
from sklstm._kernels.signals cimport (
    LOOK, Signals, Watch, begin_call, is_over, require_going, stops_alone,
)
from sklstm.baselines._arithmetic cimport (
    Activation,
    Entries,
    LOGISTIC,
    activate,
    add_outer,
    descend_rows,
    dot,
    slope,
    weighted_sum,
)
from sklstm.baselines._entries cimport Steps

import numpy as np

from sklstm.baselines._gradients import ACTIVATIONS


cdef class ChunkerNet:
    """One of the two nets, and the steps of a sequence that it has read; shares ``vector``."""

    cdef double[::1] vector, d_vector, history, net, out, error, d_hidden
    cdef long long[::1] seen  # numbers of the steps that the net has read
    cdef Py_ssize_t n_features, n_hidden, n_outputs, n_plain, n_dense, n_steps, time
    cdef bint bias, shortcuts
    cdef Activation activation
    cdef double* w
    cdef double* d_w
    cdef double* v
    cdef double* d_v

    def __cinit__(
        self,
        double[::1] vector,
        Py_ssize_t n_features,
        Py_ssize_t n_hidden,
        Py_ssize_t n_outputs,
        Py_ssize_t n_plain,
        bint bias,
        activation,
        Py_ssize_t n_steps,
        bint shortcuts,
    ):
        """The first ``n_plain`` outputs use ``activation``, the others are logistic."""
        cdef Py_ssize_t most = vector.shape[0]  # each needs at least one weight
        require_between("n_features", n_features, 0, most)
        require_between("n_hidden", n_hidden, 1, most)
        require_between("n_outputs", n_outputs, 1, most)
        require_between("n_plain", n_plain, 0, n_outputs)
        require_between("n_steps", n_steps, 0, PY_SSIZE_T_MAX)
        self.n_features = n_features
        self.n_hidden, self.n_outputs, self.n_plain = n_hidden, n_outputs, n_plain
        self.bias, self.shortcuts, self.n_dense = bias, shortcuts, n_hidden + bias
        self.activation, self.n_steps = ACTIVATIONS[activation], n_steps
        cdef Py_ssize_t n_sources = self.n_dense + n_features
        cdef Py_ssize_t n_readout = n_sources if shortcuts else self.n_dense
        require_size("the vector of weights", vector.shape[0],
                     area(n_sources, n_hidden) + area(n_readout, n_outputs))
        self.vector, self.d_vector = vector, np.zeros(vector.shape[0])
        self.w, self.v = &vector[0], &vector[0] + n_sources * n_hidden
        self.d_w = &self.d_vector[0]
        self.d_v = self.d_w + n_sources * n_hidden
        self.net, self.d_hidden = np.zeros(n_hidden), np.zeros(n_hidden)
        self.out, self.error = np.zeros(n_outputs), np.zeros(n_outputs)
        self.reserve(1)

    cdef int reserve(self, Py_ssize_t length) except -1:
        """Allocate the history of a sequence of this length."""
        self.history = np.zeros(area(length + 1, self.n_hidden))
        self.seen = np.zeros(length + 1, dtype=np.int64)
        self.time = 0
        return 0

    cdef double* hidden(self) noexcept nogil:
        return &self.history[0] + self.time * self.n_hidden

    cdef void see(self, Steps steps, Py_ssize_t step) noexcept nogil:
        """Read one step: hidden units, then raw outputs."""
        cdef Entries inputs = steps.at(step)
        cdef double* before = self.hidden()
        self.time += 1
        self.seen[self.time] = step
        weighted_sum(
            &self.net[0], self.w, self.n_hidden, before, self.n_hidden, self.bias, &inputs
        )
        activate(self.hidden(), &self.net[0], self.n_hidden, LOGISTIC)
        weighted_sum(
            &self.out[0],
            self.v,
            self.n_outputs,
            self.hidden(),
            self.n_hidden,
            self.bias,
            &inputs if self.shortcuts else NULL,
        )

    cdef void squash(self) noexcept nogil:
        activate(&self.out[0], &self.out[0], self.n_plain, self.activation)
        activate(
            &self.out[0] + self.n_plain,
            &self.out[0] + self.n_plain,
            self.n_outputs - self.n_plain,
            LOGISTIC,
        )

    cdef void learn(self, Steps steps, double rate, bint keep_gradient) noexcept nogil:
        """One step of gradient descent, with dE/do = ``error``.

        With ``keep_gradient`` no weight changes, and the gradient stays in ``d_vector``.
        """
        cdef Py_ssize_t k, j, n = self.n_hidden, K = self.n_outputs, last = self.time
        cdef Py_ssize_t first = max(last - self.n_steps, 0)
        cdef Entries inputs = steps.at(self.seen[last])
        cdef Entries* to_outputs = &inputs if self.shortcuts else NULL
        cdef double* y = self.hidden()
        cdef double* d = &self.error[0]
        for k in range(K):
            d[k] *= slope(self.out[k], self.activation if k < self.n_plain else LOGISTIC)
        for j in range(n):
            self.d_hidden[j] = dot(self.v + j * K, d, K)
        add_outer(self.d_v, d, K, y, n, self.bias, to_outputs)
        if not keep_gradient:
            descend_rows(self.v, self.d_v, rate, K, self.n_dense, to_outputs)
        for k in range(last, first, -1):
            for j in range(n):
                self.net[j] = self.d_hidden[j] * slope(y[j], LOGISTIC)
            for j in range(n):
                self.d_hidden[j] = dot(self.w + j * n, &self.net[0], n)
            inputs = steps.at(self.seen[k])
            y = y - n
            add_outer(self.d_w, &self.net[0], n, y, n, self.bias, &inputs)
        if not keep_gradient:
            for k in range(last, first, -1):
                inputs = steps.at(self.seen[k])
                descend_rows(self.w, self.d_w, rate, n, self.n_dense, &inputs)


cdef class Chunker:
    """Both nets. Outputs of A: targets, next input unless it is the target, state of C.

    Parameters
    ----------
    vector : ndarray of shape (W,)
        Weights of A, then those of C. Each has the matrix of the hidden units, then that of the
        outputs, with rows in the order hidden units, bias, inputs.
    shared : bool
        True if the targets are the next inputs.
    chunker_shortcuts : bool
        True if the outputs of C read its inputs. The outputs of A always do.
    """

    cdef ChunkerNet automatizer, chunker
    cdef Signals signals
    cdef Watch watch
    cdef double work  # multiply-adds of a step, roughly
    cdef Py_ssize_t n_targets, n_features, n_hidden, n_inputs_at
    cdef bint shared
    cdef double threshold
    cdef double[::1] wanted  # the next input
    cdef readonly Py_ssize_t n_surprises  # inputs that C has read or learned to predict

    def __cinit__(
        self,
        double[::1] vector,
        *,
        n_features,
        n_hidden,
        n_outputs,
        shared,
        bias,
        out_activation,
        n_steps,
        threshold,
        chunker_shortcuts,
    ):
        if shared and n_outputs != n_features:
            raise ValueError(f"{n_outputs} targets are not the next {n_features} inputs.")
        n_main = n_outputs + (0 if shared else n_features)
        n_sources = n_hidden + bias + n_features
        size = n_sources * (2 * n_hidden + n_main)
        if min(n_features, n_hidden, n_outputs, vector.shape[0] - size) < 1:
            raise ValueError(f"{vector.shape[0]} weights do not make both nets.")
        common = bias, out_activation, n_steps
        self.automatizer = ChunkerNet(
            vector[:size], n_features, n_hidden, n_main + n_hidden, n_main, *common, True
        )
        self.chunker = ChunkerNet(
            vector[size:],
            n_features,
            n_hidden,
            n_features,
            n_features,
            *common,
            chunker_shortcuts,
        )
        self.n_targets, self.n_features, self.n_hidden = n_outputs, n_features, n_hidden
        self.n_inputs_at = 0 if shared else n_outputs
        self.shared, self.threshold = shared, threshold
        self.wanted = np.zeros(n_features)
        self.n_surprises = 0
        self.watch = Watch(&self.signals, LOOK, True)
        self.work = vector.shape[0] * (2.0 + n_steps)

    def learn(
        self,
        Steps steps,
        const double[:, ::1] targets,
        const double[::1] weights,
        const long long[::1] order,
        *,
        bint per_step,
        double rate,
    ):
        """Learn from these sequences in order; return the sum of half the squared errors."""
        cdef Py_ssize_t i
        cdef double loss = 0
        cdef ChunkerNet A = self.automatizer, C = self.chunker
        self.require_fit(steps, targets, weights, per_step)
        require_places("order", order, 0, steps.n_rows(False))
        self.n_surprises = 0
        begin_call(&self.signals, &self.watch)
        with nogil:
            for i in range(order.shape[0]):
                if is_over(&self.watch):
                    break
                loss += self.sequence(
                    A, C, steps, targets, weights, order[i], per_step, rate, -1
                )
        require_going(&self.watch)
        return loss

    def gradient(
        self,
        Steps steps,
        const double[:, ::1] targets,
        const double[::1] weights,
        Py_ssize_t sequence,
        Py_ssize_t step,
        *,
        bint per_step,
    ):
        """Return the gradients of A and C at one step of a sequence, without an update.

        Only errors at that step count.
        """
        self.require_fit(steps, targets, weights, per_step)
        require_between("sequence", sequence, 0, steps.n_rows(False) - 1)
        nets = self.automatizer, self.chunker
        for net in nets:
            np.asarray((<ChunkerNet>net).d_vector)[:] = 0
        begin_call(&self.signals, &self.watch)
        self.sequence(
            self.automatizer, self.chunker, steps, targets, weights, sequence, per_step, 0.0, step
        )
        try:
            require_going(&self.watch)
            return [np.array((<ChunkerNet>net).d_vector) for net in nets]
        finally:
            for net in nets:
                np.asarray((<ChunkerNet>net).d_vector)[:] = 0

    def output(self, Steps steps, double[:, ::1] out, *, bint per_step):
        """Write the raw outputs of A for the targets to ``out``; C is not needed."""
        cdef Py_ssize_t i, t, k, row = 0
        cdef ChunkerNet A = self.automatizer
        steps.require_out(self.n_features, self.n_targets, out, per_step)
        self.reserve(steps)
        begin_call(&self.signals, &self.watch)
        with nogil:
            for i in range(steps.offsets.shape[0] - 1):
                A.time = 0
                for t in range(steps.offsets[i], steps.offsets[i + 1]):
                    if stops_alone(&self.watch, self.work):
                        break
                    A.see(steps, t)
                    if per_step or t == steps.offsets[i + 1] - 1:
                        for k in range(self.n_targets):
                            out[row, k] = A.out[k]
                        row += 1
        require_going(&self.watch)

    cdef int require_fit(
        self, Steps steps, const double[:, ::1] targets, const double[::1] weights, bint per_step
    ) except -1:
        steps.require_fit(self.n_features, self.n_targets, targets, weights, per_step)
        if self.shared and not per_step:
            raise ValueError("targets that are the next inputs need per_step=True.")
        return self.reserve(steps)

    cdef int reserve(self, Steps steps) except -1:
        longest = int(np.diff(steps.offsets).max(initial=0))
        if longest + 1 > self.automatizer.seen.shape[0]:
            self.automatizer.reserve(longest)
            self.chunker.reserve(longest)
        return 0

    cdef double sequence(
        self,
        ChunkerNet A,
        ChunkerNet C,
        Steps steps,
        const double[:, ::1] targets,
        const double[::1] weights,
        Py_ssize_t i,
        bint per_step,
        double rate,
        Py_ssize_t only,  # -1, or the step whose gradient is kept
    ) noexcept nogil:
        cdef Py_ssize_t begin = steps.offsets[i], end = steps.offsets[i + 1], t, k, row
        cdef double loss = 0, error, weight
        cdef bint learns, keeps, unexpected = True, has_next
        A.time = C.time = 0
        for t in range(begin, end):
            if stops_alone(&self.watch, self.work):
                return loss
            keeps = t - begin == only
            learns = only < 0 or keeps
            if unexpected:
                self.n_surprises += 1
                if t > begin and learns:  # wanted is x(t) here
                    self.teach(C, steps, rate, keeps)
                C.see(steps, t)
                C.squash()
            A.see(steps, t)
            A.squash()
            for k in range(A.n_outputs):
                A.error[k] = 0
            # (i) targets
            row = t if per_step else i
            if per_step or t == end - 1:
                weight = weights[row]
                for k in range(self.n_targets):
                    if weight != 0 and not isnan(targets[row, k]):
                        error = A.out[k] - targets[row, k]
                        loss += weight * error * error / 2
                        A.error[k] += weight * error
            # (ii) the next input
            has_next = self.next_input(steps, targets, weights, t, end)
            unexpected = False
            if has_next:
                for k in range(self.n_features):
                    error = A.out[self.n_inputs_at + k] - self.wanted[k]
                    if fabs(error) > self.threshold:
                        unexpected = True
                    if not self.shared:
                        A.error[self.n_inputs_at + k] += error
            # (iii) the state of C
            for k in range(self.n_hidden):
                A.error[A.n_plain + k] = A.out[A.n_plain + k] - C.hidden()[k]
            if learns:
                A.learn(steps, rate, keeps)
            if keeps:
                return loss
        if unexpected and only < 0:  # the last step's target is an input that X does not contain
            self.n_surprises += 1
            self.teach(C, steps, rate, False)
        return loss

    cdef bint next_input(
        self,
        Steps steps,
        const double[:, ::1] targets,
        const double[::1] weights,
        Py_ssize_t t,
        Py_ssize_t end,
    ) noexcept nogil:
        """Write x(t + 1) to ``wanted``; False if it is unknown."""
        cdef Py_ssize_t k
        cdef Entries entries
        if self.shared:
            for k in range(self.n_features):
                if weights[t] == 0 or isnan(targets[t, k]):
                    return False
                self.wanted[k] = targets[t, k]
            return True
        if t + 1 == end:
            return False
        for k in range(self.n_features):
            self.wanted[k] = 0
        entries = steps.at(t + 1)
        for k in range(entries.n):
            self.wanted[entries.index[k]] = entries.value[k]
        return True

    cdef void teach(self, ChunkerNet C, Steps steps, double rate, bint keeps) noexcept nogil:
        """C learns to predict ``wanted`` from the inputs it has read."""
        cdef Py_ssize_t k
        for k in range(self.n_features):
            C.error[k] = C.out[k] - self.wanted[k]
        C.learn(steps, rate, keeps)
