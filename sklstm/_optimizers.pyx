"""One step of SGD and of Adam on the flat vector of parameters, in place and in one pass.

The rules are those of scikit-learn's MLPClassifier. If the gradient of a parameter and its history
are zero, the parameter does not change; this keeps untrainable entries constant. If a step would
make parameters infinite or NaN, it changes nothing and returns False. Loops are simple, so that the
compiler can vectorise them.

The table of categories follows the dense parameters. Its gradient has one row for each category
that the batch has read. Momentum, the running means of Adam and the penalty change the other rows
too. SGD without momentum and penalty does not touch them.
"""

import numpy as np

from libc.math cimport INFINITY, sqrt
from libc.string cimport memcpy, memset

from sklstm._kernels.arguments cimport require_between, require_size
from sklstm._kernels.gates cimport gate_close, gate_of, gate_open, gate_t
from sklstm._kernels.network_arguments cimport require_gradient
from sklstm._kernels.simd cimport (
    flush_denormals, float_mode, real, restore_float_mode, square_root,
)

cdef enum:
    SUMS = 16  # parallel partial sums of the norm


cdef double norm_of(const real* x, Py_ssize_t n) noexcept nogil:
    """Euclidean norm, summed in double precision with partial sums in a fixed order."""
    cdef Py_ssize_t i, rounds = n // SUMS
    cdef double[SUMS] sums
    cdef double total = 0
    cdef int k
    for k in range(SUMS):
        sums[k] = 0
    for i in range(rounds):
        for k in range(SUMS):
            sums[k] += <double> x[i * SUMS + k] * x[i * SUMS + k]
    for i in range(rounds * SUMS, n):
        sums[i % SUMS] += <double> x[i] * x[i]
    for k in range(SUMS):
        total += sums[k]
    return sqrt(total)


def norm(const real[::1] x):
    """Euclidean norm."""
    cdef double found
    cdef float_mode mode
    if x.shape[0] == 0:
        return 0.0
    with nogil:
        mode = flush_denormals()
        found = norm_of(&x[0], x.shape[0])
        restore_float_mode(mode)
    return found


cdef class Steps:
    """Steps of parameters along the current ``Gradient``."""

    cdef real[::1] vector
    cdef double clip_norm  # infinite: no clipping
    cdef real factor  # factor of the gradient in the current step
    cdef real rate
    # the gradient
    cdef const real[::1] dense, penalty
    cdef const real[:, ::1] rows
    cdef const int[::1] read, row_of, n_read
    cdef Py_ssize_t n_dense, width  # of a row of the table
    cdef const real[::1] zeros  # gradient of a row that was not read
    # copies of what the last step has changed
    cdef real[::1] old_dense, old_rows
    cdef int[::1] moved  # rows; all of them if n_moved is negative
    cdef int n_moved
    cdef bint has_moved
    cdef gate_t* gate  # in front of the parameters
    cdef object gate_holder

    def __cinit__(self):
        self.vector = None

    cdef int bind(self, real[::1] vector, gradient, clip_norm, gate) except -1:
        cdef Py_ssize_t n_dense = len(gradient.dense), n_categories = len(gradient.row_of)
        cdef Py_ssize_t _room, width
        _room, width = gradient.rows.shape  # checks that there are two; a tuple index would not
        require_between("the length of the gradient", n_dense, 1, vector.shape[0])
        require_gradient(gradient, n_dense, n_categories, width)
        require_size("the vector", vector.shape[0], n_dense + n_categories * width)
        self.clip_norm = float("inf") if clip_norm is None else clip_norm
        self.dense, self.penalty, self.rows = gradient.dense, gradient.penalty, gradient.rows
        self.read, self.row_of, self.n_read = gradient.read, gradient.row_of, gradient.n_read
        self.n_dense, self.width = n_dense, width
        self.zeros = np.zeros_like(gradient.rows, shape=self.width)
        self.moved = np.empty_like(gradient.read)
        self.old_dense = np.empty_like(gradient.dense)
        n_rows = len(gradient.row_of if self.moves_all() else gradient.read)
        self.old_rows = np.empty_like(gradient.rows, shape=n_rows * self.width)
        self.vector, self.gate, self.gate_holder = vector, gate_of(gate), gate
        return 0

    cdef bint moves_all(self) noexcept nogil:
        """True if a step changes rows of the table that were not read."""
        return True

    cdef bint move(self, Py_ssize_t at, Py_ssize_t n, const real* g, real penalty) noexcept nogil:
        """Update n parameters by their gradient g and the penalty. True if they are finite."""
        return False

    cdef const real* d_row(self, Py_ssize_t k) noexcept nogil:
        """Gradient of row k of the table, without the penalty."""
        return &self.zeros[0] if self.row_of[k] < 0 else &self.rows[self.row_of[k], 0]

    cdef double scale(self) noexcept nogil:
        """Factor that makes the norm of the gradient at most ``clip_norm``."""
        cdef double length
        if self.clip_norm == INFINITY:
            return 1
        length = norm_of(&self.dense[0], self.n_dense)
        if self.row_of.shape[0] > 0:
            length = sqrt(length * length + self.square_of_rows())
        return self.clip_norm / length if length > self.clip_norm else 1

    cdef double square_of_rows(self) noexcept nogil:
        """Sum of the squares of the gradient of the table."""
        cdef Py_ssize_t k, i
        cdef double total = 0, slope
        cdef const real* g
        cdef const real* p
        if self.penalty[0] == 0:
            if self.n_read[0] > 0:
                total = norm_of(&self.rows[0, 0], self.n_read[0] * self.width)
            return total * total
        for k in range(self.row_of.shape[0]):
            g, p = self.d_row(k), &self.vector[self.n_dense + k * self.width]
            for i in range(self.width):
                slope = g[i] + self.penalty[0] * p[i]
                total += slope * slope
        return total

    cdef void copy_rows(self, bint back) noexcept nogil:
        """Save the rows that the step changes, or restore them."""
        cdef Py_ssize_t size = self.width * sizeof(real)
        cdef int k
        cdef real* row
        if self.n_moved < 0 and self.row_of.shape[0] > 0:
            row = &self.vector[self.n_dense]
            size *= self.row_of.shape[0]
            memcpy(row if back else &self.old_rows[0], &self.old_rows[0] if back else row, size)
        for k in range(self.n_moved):
            row = &self.vector[self.n_dense + self.moved[k] * self.width]
            if back:
                memcpy(row, &self.old_rows[k * self.width], size)
            else:
                memcpy(&self.old_rows[k * self.width], row, size)

    cdef void keep(self) noexcept nogil:
        """Save everything that the step changes."""
        memcpy(&self.old_dense[0], &self.vector[0], self.n_dense * sizeof(real))
        self.n_moved = -1 if self.moves_all() else self.n_read[0]
        if self.n_moved > 0:
            memcpy(&self.moved[0], &self.read[0], self.n_moved * sizeof(int))
        self.copy_rows(False)
        self.has_moved = True

    cdef void bring_back(self) noexcept nogil:
        memcpy(&self.vector[0], &self.old_dense[0], self.n_dense * sizeof(real))
        self.copy_rows(True)

    def undo(self):
        """Restore the parameters from before the last step, if there was one."""
        if self.has_moved:
            self.bring_back()

    def step(self, double learning_rate):
        """Update all parameters. True if they are finite, else the update is undone."""
        cdef Py_ssize_t k
        cdef bint good
        cdef float_mode mode
        if self.vector is None:
            raise TypeError("Use SgdSteps or AdamSteps.")
        require_between("n_read", self.n_read[0], 0, self.read.shape[0])
        if self.moves_all() and self.old_rows.shape[0] < self.row_of.shape[0] * self.width:
            self.old_rows = np.empty(self.row_of.shape[0] * self.width, self.old_rows.base.dtype)
        with nogil:
            mode = flush_denormals()
            self.rate, self.factor = <real> learning_rate, <real> self.scale()
            self.keep()
            gate_close(self.gate)
            good = self.move(0, self.n_dense, &self.dense[0], 0)
            if self.moves_all():
                for k in range(self.row_of.shape[0]):
                    good &= self.move(self.n_dense + k * self.width, self.width, self.d_row(k),
                                      self.penalty[0])
            else:
                for k in range(self.n_read[0]):
                    good &= self.move(self.n_dense + self.read[k] * self.width, self.width,
                                      &self.rows[k, 0], 0)
            if not good:
                self.bring_back()
            gate_open(self.gate)
            restore_float_mode(mode)
        return good


cdef class SgdSteps(Steps):
    """v <- m v - rate g, then p <- p + v, or p + m v - rate g with Nesterov's momentum."""

    cdef real[::1] velocity, none
    cdef real momentum
    cdef bint nesterov

    def __cinit__(
        self,
        real[::1] vector,    # INOUT  (W,)
        real[::1] velocity,  # INOUT  (W,)
        gradient,            # IN     sklstm._gradient.Gradient
        *,
        double momentum,
        bint nesterov,
        clip_norm,
        gate=None,
    ):
        require_size("the velocity", velocity.shape[0], vector.shape[0])
        self.velocity, self.momentum, self.nesterov = velocity, <real> momentum, nesterov
        self.bind(vector, gradient, clip_norm, gate)
        self.none = np.zeros_like(gradient.rows, shape=self.width)

    cdef bint moves_all(self) noexcept nogil:
        return self.momentum != 0 or self.penalty[0] != 0

    cdef bint move(self, Py_ssize_t at, Py_ssize_t n, const real* g, real penalty) noexcept nogil:
        cdef Py_ssize_t i
        cdef real m = self.momentum, rate = self.rate, factor = self.factor, step
        cdef real* p = &self.vector[at]
        cdef real* v = &self.velocity[at]
        cdef int bad = 0
        if at > 0 and not self.moves_all():
            v = &self.none[0]
            memset(v, 0, n * sizeof(real))
        for i in range(n):
            step = rate * (factor * (g[i] + penalty * p[i]))
            v[i] = m * v[i] - step
            p[i] += m * v[i] - step if self.nesterov else v[i]
            bad |= not p[i] - p[i] == 0
        return bad == 0


cdef class AdamSteps(Steps):
    """m <- b1 m + (1 - b1) g, v <- b2 v + (1 - b2) g^2, p <- p - rate m / (sqrt(v) + eps).

    The correction of the means, which begin at zero, is part of the rate.
    """

    cdef real[::1] mean, square
    cdef double beta_1, beta_2
    cdef real epsilon

    def __cinit__(
        self,
        real[::1] vector,    # INOUT  (W,)
        real[::1] mean,      # INOUT  (W,), of the gradient
        real[::1] square,    # INOUT  (W,), mean of its square
        gradient,            # IN     sklstm._gradient.Gradient
        *,
        double beta_1,
        double beta_2,
        double epsilon,
        clip_norm,
        gate=None,
    ):
        require_size("the mean", mean.shape[0], vector.shape[0])
        require_size("the mean of squares", square.shape[0], vector.shape[0])
        self.bind(vector, gradient, clip_norm, gate)
        self.mean, self.square = mean, square
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, <real> epsilon

    cdef bint move(self, Py_ssize_t at, Py_ssize_t n, const real* g, real penalty) noexcept nogil:
        cdef Py_ssize_t i
        cdef real keep_1 = <real> self.beta_1, take_1 = <real> (1 - self.beta_1)
        cdef real keep_2 = <real> self.beta_2, take_2 = <real> (1 - self.beta_2)
        cdef real rate = self.rate, eps = self.epsilon, factor = self.factor, slope
        cdef real* p = &self.vector[at]
        cdef real* m = &self.mean[at]
        cdef real* v = &self.square[at]
        cdef int bad = 0
        for i in range(n):
            slope = factor * (g[i] + penalty * p[i])
            m[i] = keep_1 * m[i] + take_1 * slope
            v[i] = keep_2 * v[i] + take_2 * (slope * slope)
            p[i] -= rate * m[i] / (square_root(v[i]) + eps)
            # the history must be finite too, or the parameter would never change again
            bad |= not (p[i] - p[i]) + (v[i] - v[i]) == 0
        return bad == 0
