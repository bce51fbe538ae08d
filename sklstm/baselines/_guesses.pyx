"""Search for a weight vector that is right about all sequences.

At every step the hidden units read the inputs, a constant 1, and all units of the previous step.
The outputs then read the inputs, the 1, the hidden units of this step and the outputs of the
previous step. The matrix has a row per source and a column per unit, hidden units first. Units that
are not connected have the weight 0.
"""

from libc.math cimport fabs, isnan
from libc.string cimport memset

from sklstm._kernels.arguments cimport area, require_between, require_places, require_size
from sklstm._kernels.signals cimport (
    LOOK, Signals, Watch, begin_call, is_over, require_going, stops_alone,
)
from sklstm.baselines._arithmetic cimport LOGISTIC, Activation, Entries, activate, add_scaled
from sklstm.baselines._entries cimport Steps

import numpy as np

from sklstm.baselines._gradients import ACTIVATIONS

cdef enum:
    SIZE_MOST = 1 << 30  # so that sums of a few sizes cannot overflow before area() checks them


cdef class Guesses:
    """A net whose weights are replaced as a whole.

    Parameters
    ----------
    places : ndarray of shape (W,), int64
        Index of each weight of a vector in the flat matrix (units, 1, inputs) by units.
    """

    cdef Py_ssize_t n_features, n_hidden, n_outputs, n_units
    cdef Activation out_activation
    cdef const long long[::1] places
    cdef double[::1] matrix, y, net
    cdef Signals signals
    cdef Watch watch

    def __cinit__(
        self,
        const long long[::1] places,
        *,
        Py_ssize_t n_features,
        Py_ssize_t n_hidden,
        Py_ssize_t n_outputs,
        str out_activation,
    ):
        require_between("n_features", n_features, 0, SIZE_MOST)
        require_between("n_hidden", n_hidden, 0, SIZE_MOST)
        require_between("n_outputs", n_outputs, 1, SIZE_MOST)
        self.n_features, self.n_hidden, self.n_outputs = n_features, n_hidden, n_outputs
        self.n_units = n_hidden + n_outputs
        self.watch = Watch(&self.signals, LOOK, True)
        self.out_activation = ACTIVATIONS[out_activation]
        self.matrix = np.zeros(area(self.n_units + 1 + n_features, self.n_units))
        require_places("places", places, 0, self.matrix.shape[0])
        self.places = places
        self.y, self.net = np.empty(self.n_units), np.empty(self.n_units)

    cdef void take(self, const double* vector) noexcept nogil:
        cdef Py_ssize_t i
        for i in range(self.places.shape[0]):
            self.matrix[self.places[i]] = vector[i]

    cdef void step(self, const Entries* inputs) noexcept nogil:
        """From y(t-1) to y(t). The end of ``net`` then contains the raw outputs."""
        cdef Py_ssize_t i, H = self.n_hidden, K = self.n_outputs, n = self.n_units
        cdef double* net = &self.net[0]
        cdef double* y = &self.y[0]
        cdef const double* row = &self.matrix[0]
        memset(net, 0, n * sizeof(double))
        for i in range(H):
            add_scaled(net, y[i], row + i * n, H)
        for i in range(H, n):
            add_scaled(net, y[i], row + i * n, n)
        add_scaled(net, 1, row + n * n, n)
        for i in range(inputs.n):
            add_scaled(net, inputs.value[i], row + (n + 1 + inputs.index[i]) * n, n)
        activate(y, net, H, LOGISTIC)
        for i in range(H):
            add_scaled(net + H, y[i], row + i * n + H, K)
        activate(y + H, net + H, K, self.out_activation)

    cdef bint is_right(self, const double* target, double tolerance) noexcept nogil:
        cdef Py_ssize_t k
        for k in range(self.n_outputs):
            # written so that a NaN output counts as wrong
            if not (isnan(target[k]) or fabs(self.y[self.n_hidden + k] - target[k]) < tolerance):
                return False
        return True

    cdef Py_ssize_t leading(
        self,
        Steps steps,
        const double[:, ::1] targets,
        const double[::1] weights,
        bint per_step,
        double tolerance,
    ) noexcept nogil:
        """Number of right sequences before the first wrong one."""
        cdef Py_ssize_t k, t, row, n_sequences = steps.offsets.shape[0] - 1
        cdef Entries inputs
        for k in range(n_sequences):
            memset(&self.y[0], 0, self.n_units * sizeof(double))
            for t in range(steps.offsets[k], steps.offsets[k + 1]):
                if stops_alone(&self.watch, self.matrix.shape[0]):
                    return k
                inputs = steps.at(t)
                self.step(&inputs)
                row = t if per_step else k
                if (per_step or t == steps.offsets[k + 1] - 1) and weights[row] > 0:
                    if not self.is_right(&targets[row, 0], tolerance):
                        return k
        return n_sequences

    def search(
        self,
        const double[:, ::1] candidates,  # (trials, W)
        Steps steps,
        const double[:, ::1] targets,  # (n, K), or (N, K) per step; NaN is ignored
        const double[::1] weights,  # (n,) or (N,); targets of weight 0 are ignored
        *,
        bint per_step,
        double tolerance,
    ):
        """Try candidates until one is right about all sequences.

        Returns the number of trials, the index of the best candidate, and the number of sequences
        that it gets right before the first wrong one.
        """
        cdef Py_ssize_t trial = 0, best = 0, right, most = -1
        cdef Py_ssize_t n_sequences = steps.offsets.shape[0] - 1
        require_size("a vector of weights", candidates.shape[1], self.places.shape[0])
        steps.require_fit(self.n_features, self.n_outputs, targets, weights, per_step)
        begin_call(&self.signals, &self.watch)
        with nogil:
            while trial < candidates.shape[0] and most < n_sequences and not is_over(&self.watch):
                self.take(&candidates[trial, 0] if candidates.shape[1] > 0 else NULL)
                right = self.leading(steps, targets, weights, per_step, tolerance)
                if right > most:
                    best, most = trial, right
                trial += 1
        require_going(&self.watch)
        return trial, best, most

    def output(
        self, const double[::1] vector, Steps steps, double[:, ::1] out, *, bint per_step
    ):
        """Write raw outputs to ``out``, of shape (n, K) or (N, K)."""
        cdef Py_ssize_t k, t, j, row
        require_size("the vector of weights", vector.shape[0], self.places.shape[0])
        steps.require_out(self.n_features, self.n_outputs, out, per_step)
        begin_call(&self.signals, &self.watch)
        with nogil:
            self.take(&vector[0] if vector.shape[0] > 0 else NULL)
            for k in range(steps.offsets.shape[0] - 1):
                memset(&self.y[0], 0, self.n_units * sizeof(double))
                for t in range(steps.offsets[k], steps.offsets[k + 1]):
                    if stops_alone(&self.watch, self.matrix.shape[0]):
                        break
                    inputs = steps.at(t)
                    self.step(&inputs)
                    if per_step or t == steps.offsets[k + 1] - 1:
                        row = t if per_step else k
                        for j in range(self.n_outputs):
                            out[row, j] = self.net[self.n_hidden + j]
        require_going(&self.watch)
