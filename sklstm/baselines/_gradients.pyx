"""Simple recurrent nets: forward pass, three gradients, and plain gradient descent.

Sources of a step are the units of the previous step, a constant 1 (with biases), and the inputs.
All units u at once:    y_u(t) = f(sum_s w[s, u] y_s),   y_s = y(t-1), 1, x(t).
Layered, outputs k:     y_k(t) = f(sum_s o[s, k] y_s),   y_s = y(t), 1, x(t) if there are shortcuts.
Fully recurrent:        the last units are the outputs, and there is no second matrix.

A matrix has a row per source, and inputs are passed as their non-zero elements (`Entries`). So a
step of one-hot inputs reads one row of weights and costs the same for any number of features. All
numbers have double precision. The loss is half the squared error times the weight of the step, and
the prefix `d_` means its gradient with respect to a variable.
"""

from libc.math cimport isnan
from libc.string cimport memset

from sklstm._kernels.arguments cimport area, require_between, require_places, require_size
from sklstm._kernels.signals cimport (
    LOOK, Signals, Watch, begin_call, is_over, require_going, stops_alone,
)
from sklstm._kernels.simd cimport float_mode, flush_denormals, restore_float_mode
from sklstm.baselines._arithmetic cimport (
    Activation,
    Entries,
    IDENTITY,
    LOGISTIC,
    TANH,
    activate,
    add_outer,
    add_scaled,
    descend,
    descend_rows,
    dot,
    propagate,
    slope,
    weighted_sum,
)
from sklstm.baselines._entries cimport Steps

import numpy as np

cdef enum Gradient:
    BPTT  # backward through the whole sequence
    RTRL  # forward in time, with the sensitivities of all units to all weights
    ELMAN  # one step: units of the previous step count as constants

GRADIENTS = {"bptt": BPTT, "rtrl": RTRL, "elman": ELMAN}

ACTIVATIONS = {"identity": IDENTITY, "logistic": LOGISTIC, "tanh": TANH}


cdef class Recurrent:
    """A net and its work arrays. It shares ``vector``.

    Parameters
    ----------
    vector : ndarray of shape (W,)
        The matrix of the units, then, if layered, that of the outputs, with rows in the order
        units, bias, inputs.
    fully : bool
        If True, all units and outputs read all units and outputs of the previous step. If False,
        outputs read the hidden units of the same step, and no unit reads the outputs.
    shortcuts : bool
        If True, outputs also read the inputs. Layered nets only.
    """

    cdef double[::1] vector, d_vector
    cdef Py_ssize_t n_features, n_hidden, n_outputs, n_units, n_weights, n_dense
    cdef bint layered, shortcuts, bias
    cdef Activation out_activation
    cdef double* w
    cdef double* d_w
    cdef double* o
    cdef double* d_o
    # Work: history of units and errors, rows of units and of outputs, sensitivities dy_j/dw.
    cdef double[::1] y, e, net, d_net, raw, out, error, sensitivities
    cdef double* p
    cdef double* p_next
    cdef Signals signals
    cdef Watch watch
    cdef readonly object gradient_vector  # result of ``gradient``

    def __cinit__(
        self,
        double[::1] vector,
        *,
        Py_ssize_t n_features,
        Py_ssize_t n_hidden,
        Py_ssize_t n_outputs,
        bint fully,
        bint shortcuts,
        bint bias,
        str out_activation,
    ):
        cdef Py_ssize_t n_readout = 0, most = vector.shape[0]  # each needs at least one weight
        require_between("n_features", n_features, 0, most)
        require_between("n_hidden", n_hidden, 0 if fully else 1, most)
        require_between("n_outputs", n_outputs, 1, most)
        self.n_features, self.n_hidden, self.n_outputs = n_features, n_hidden, n_outputs
        self.layered, self.shortcuts, self.bias = not fully, shortcuts, bias
        self.n_units = n_hidden + (n_outputs if fully else 0)
        self.n_dense = self.n_units + bias
        self.n_weights = area(self.n_dense + n_features, self.n_units)
        if self.layered:
            n_readout = area(self.n_dense + (n_features if shortcuts else 0), n_outputs)
        require_size("the vector of weights", vector.shape[0], self.n_weights + n_readout)
        self.vector = vector
        self.gradient_vector = np.zeros(vector.shape[0])
        self.d_vector = self.gradient_vector
        self.out_activation = ACTIVATIONS[out_activation]
        self.w, self.d_w = &self.vector[0], &self.d_vector[0]
        self.o, self.d_o = self.w + self.n_weights, self.d_w + self.n_weights
        self.watch = Watch(&self.signals, LOOK, True)
        self.net, self.d_net = np.empty(self.n_units), np.empty(self.n_units)
        self.raw, self.out = np.empty(n_outputs), np.empty(n_outputs)
        self.error = np.empty(n_outputs)
        self.take_room(1)

    cdef int take_room(self, Py_ssize_t n_steps) except -1:
        """Allocate the history of this many steps, with zeros before the first."""
        self.y = np.zeros(area(n_steps + 1, self.n_units))
        self.e = np.empty(area(n_steps, self.n_units))
        return 0

    # -- one step

    cdef void step(self, const double* before, double* y, const Entries* inputs) noexcept nogil:
        """From units of the previous step to units, raw outputs and outputs."""
        cdef Py_ssize_t H = self.n_hidden, n = self.n_units
        weighted_sum(&self.net[0], self.w, n, before, n, self.bias, inputs)
        activate(y, &self.net[0], H, LOGISTIC)
        if self.layered:
            weighted_sum(
                &self.raw[0],
                self.o,
                self.n_outputs,
                y,
                n,
                self.bias,
                inputs if self.shortcuts else NULL,
            )
            activate(&self.out[0], &self.raw[0], self.n_outputs, self.out_activation)
        else:
            activate(y + H, &self.net[0] + H, self.n_outputs, self.out_activation)

    cdef inline const double* outputs(self, const double* y) noexcept nogil:
        if self.layered:
            return &self.out[0]
        return y + self.n_hidden

    cdef double learn_outputs(
        self,
        const double* y,
        const double* target,
        double weight,
        const Entries* inputs,
        double* e,  # OUT: gradient of this step's loss at the units
    ) noexcept nogil:
        """Loss of the step, and its gradient with respect to output weights and units."""
        cdef Py_ssize_t k, j, K = self.n_outputs
        cdef const double* out = self.outputs(y)
        cdef double* error = &self.error[0]
        cdef double loss = 0, difference
        for k in range(K):
            difference = 0 if isnan(target[k]) else out[k] - target[k]
            loss += 0.5 * weight * difference * difference
            error[k] = weight * difference
        if not self.layered:
            memset(e, 0, self.n_hidden * sizeof(double))
            for k in range(K):
                e[self.n_hidden + k] = error[k]
            return loss
        for k in range(K):
            error[k] *= slope(out[k], self.out_activation)
        add_outer(
            self.d_o, error, K, y, self.n_units, self.bias, inputs if self.shortcuts else NULL
        )
        for j in range(self.n_units):
            e[j] = dot(self.o + j * K, error, K)
        return loss

    cdef inline double unit_slope(self, Py_ssize_t j, double y) noexcept nogil:
        return slope(y, LOGISTIC if j < self.n_hidden else self.out_activation)

    # -- gradients with respect to the weights of the units

    cdef void one_step(
        self, const double* before, const double* y, const double* e, const Entries* inputs
    ) noexcept nogil:
        """d_w[s, u] += d_net_u y_s with d_net_u = f'_u e_u."""
        cdef Py_ssize_t j, n = self.n_units
        cdef double* d_net = &self.d_net[0]
        for j in range(n):
            d_net[j] = self.unit_slope(j, y[j]) * e[j]
        add_outer(self.d_w, d_net, n, before, n, self.bias, inputs)

    cdef void back_through_time(self, Steps steps, Py_ssize_t start, Py_ssize_t T) noexcept nogil:
        """d_net_u(t) = f'_u (e_u(t) + sum_v w[u, v] d_net_v(t+1)), then as in one_step.

        Like all functions below, it returns early if a signal ends the call.
        """
        cdef Py_ssize_t t, j, n = self.n_units
        cdef Entries inputs
        cdef double* e
        for t in range(T - 1, -1, -1):
            if stops_alone(&self.watch, 2.0 * self.vector.shape[0]):
                return
            e = &self.e[0] + t * n
            if t < T - 1:
                for j in range(n):
                    e[j] += dot(self.w + j * n, &self.d_net[0], n)
            inputs = steps.at(start + t)
            self.one_step(&self.y[0] + t * n, &self.y[0] + (t + 1) * n, e, &inputs)

    cdef void advance_sensitivities(
        self, const double* before, const double* y, const Entries* inputs
    ) noexcept nogil:
        """p[j; s, u] = dy_j/dw[s, u]: p(t) = f'_j (sum_l w[l, j] p[l; s, u](t-1) + (j = u) y_s)."""
        cdef Py_ssize_t i, j, n = self.n_units, W = self.n_weights
        cdef double* p
        cdef double* f = &self.d_net[0]
        for j in range(n):
            f[j] = self.unit_slope(j, y[j])
        propagate(self.p_next, self.p, self.w, f, n, W)
        self.p, self.p_next = self.p_next, self.p
        for j in range(n):
            p = self.p + j * W + j
            for i in range(n):
                p[i * n] += f[j] * before[i]
            if self.bias:
                p[n * n] += f[j]
            for i in range(inputs.n):
                p[(self.n_dense + inputs.index[i]) * n] += f[j] * inputs.value[i]

    # -- sequences

    cdef double sequence(
        self,
        Steps steps,
        Py_ssize_t start,
        Py_ssize_t T,
        const double* targets,  # of the first step, or of the sequence
        const double* weights,
        bint per_step,
        Gradient gradient,
        double rate,  # if above 0, descend at every step
    ) noexcept nogil:
        """Loss of a sequence. Adds its gradient to d_vector, or descends at every step."""
        cdef Py_ssize_t t, j, n = self.n_units, row
        cdef double loss = 0, work = 4.0 * self.vector.shape[0]
        cdef double* before
        cdef double* y
        cdef double* e
        cdef Entries inputs
        memset(&self.y[0], 0, n * sizeof(double))
        if gradient == RTRL:
            memset(self.p, 0, n * self.n_weights * sizeof(double))
            work += <double> n * n * self.n_weights
        for t in range(T):
            if stops_alone(&self.watch, work):
                return loss
            # Only BPTT needs the history of more than two steps.
            before = &self.y[0] + (t if gradient == BPTT else t & 1) * n
            y = &self.y[0] + (t + 1 if gradient == BPTT else (t + 1) & 1) * n
            e = &self.e[0] + (t if gradient == BPTT else 0) * n
            inputs = steps.at(start + t)
            self.step(before, y, &inputs)
            if gradient == RTRL:
                self.advance_sensitivities(before, y, &inputs)
            row = t if per_step else 0
            if (not per_step and t < T - 1) or weights[row] == 0:
                memset(e, 0, n * sizeof(double))
                continue
            loss += self.learn_outputs(
                y, targets + row * self.n_outputs, weights[row], &inputs, e
            )
            if gradient == RTRL:
                for j in range(n):
                    add_scaled(self.d_w, e[j], self.p + j * self.n_weights, self.n_weights)
            elif gradient == ELMAN:
                self.one_step(before, y, e, &inputs)
            if rate > 0:
                self.descend_step(rate, gradient, &inputs)
        if gradient == BPTT:
            self.back_through_time(steps, start, T)
        return loss

    cdef void descend_step(
        self, double rate, Gradient gradient, const Entries* inputs
    ) noexcept nogil:
        """Descend along the gradient of one time step, in the rows that have one."""
        if gradient == RTRL:
            descend(self.w, self.d_w, rate, self.n_weights)
        else:
            descend_rows(self.w, self.d_w, rate, self.n_units, self.n_dense, inputs)
        if self.layered:
            descend_rows(
                self.o,
                self.d_o,
                rate,
                self.n_outputs,
                self.n_dense,
                inputs if self.shortcuts else NULL,
            )

    cdef double learn_or_sum(
        self,
        Steps steps,
        const double[:, ::1] targets,
        const double[::1] weights,
        const long long[::1] order,
        bint per_step,
        str gradient,
        double rate,
        bint every_step,
    ):
        cdef Gradient kind = GRADIENTS[gradient]
        cdef const long long[::1] offsets = steps.offsets
        cdef Py_ssize_t i, k, row, longest = np.diff(offsets).max(initial=1)
        cdef double loss = 0
        cdef float_mode mode
        steps.require_fit(self.n_features, self.n_outputs, targets, weights, per_step)
        require_places("order", order, 0, steps.n_rows(False))
        if self.y.shape[0] < (longest + 1) * self.n_units and kind == BPTT:
            self.take_room(longest)
        if kind == RTRL and self.p == NULL:
            try:
                self.sensitivities = np.empty(area(2 * self.n_units, self.n_weights))
            except MemoryError:
                raise MemoryError(
                    f"gradient='rtrl' needs {self.n_units * self.n_weights * 16 / 2**30:.3g} GiB "
                    f"for the derivatives of {self.n_units} units with respect to "
                    f"{self.n_weights} weights. Use gradient='bptt' or fewer units."
                ) from None
            self.p = &self.sensitivities[0]
            self.p_next = self.p + self.n_units * self.n_weights
        self.gradient_vector[:] = 0
        begin_call(&self.signals, &self.watch)
        with nogil:
            mode = flush_denormals()  # errors and sensitivities fade into denormal numbers
            for i in range(order.shape[0]):
                k = order[i]
                row = offsets[k] if per_step else k
                loss += self.sequence(
                    steps,
                    offsets[k],
                    offsets[k + 1] - offsets[k],
                    &targets[row, 0],
                    &weights[row],
                    per_step,
                    kind,
                    rate if every_step else 0,
                )
                if is_over(&self.watch):
                    break
                if rate > 0 and not every_step:
                    descend(self.w, self.d_w, rate, self.vector.shape[0])
            restore_float_mode(mode)
        require_going(&self.watch)
        return loss

    # -- interface for Python

    def learn(
        self,
        Steps steps,
        const double[:, ::1] targets,  # (n, K), or (N, K) per step; NaN is ignored
        const double[::1] weights,  # (n,) or (N,)
        const long long[::1] order,
        *,
        bint per_step,
        str gradient,
        double rate,
        bint every_step,
    ):
        """Descend along the gradient of each sequence (or step); return the sum of the losses."""
        return self.learn_or_sum(
            steps, targets, weights, order, per_step, gradient, rate, every_step
        )

    def gradient(
        self,
        Steps steps,
        const double[:, ::1] targets,
        const double[::1] weights,
        const long long[::1] order,
        *,
        bint per_step,
        str gradient,
    ):
        """Return the sum of the losses; ``gradient_vector`` then has the sum of their gradients."""
        return self.learn_or_sum(steps, targets, weights, order, per_step, gradient, 0, False)

    def output(self, Steps steps, double[:, ::1] out, *, bint per_step):
        """Write raw outputs to ``out``, of shape (n, K) or (N, K)."""
        cdef const long long[::1] offsets = steps.offsets
        cdef Py_ssize_t k, t, start, n = self.n_units, H = self.n_hidden, j, row
        cdef Py_ssize_t n_sequences = offsets.shape[0] - 1
        cdef const double* raw
        cdef Entries inputs
        steps.require_out(self.n_features, self.n_outputs, out, per_step)
        raw = &self.raw[0] if self.layered else &self.net[0] + H
        begin_call(&self.signals, &self.watch)
        with nogil:
            for k in range(n_sequences):
                memset(&self.y[0], 0, n * sizeof(double))
                start = offsets[k]
                for t in range(offsets[k + 1] - start):
                    if stops_alone(&self.watch, self.vector.shape[0]):
                        break
                    inputs = steps.at(start + t)
                    self.step(
                        &self.y[0] + (t & 1) * n, &self.y[0] + ((t + 1) & 1) * n, &inputs
                    )
                    if per_step or start + t == offsets[k + 1] - 1:
                        row = start + t if per_step else k
                        for j in range(self.n_outputs):
                            out[row, j] = raw[j]
        require_going(&self.watch)
