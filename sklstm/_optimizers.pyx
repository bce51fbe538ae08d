"""One step of SGD and of Adam on the flat vector of parameters, in place and in one pass.

The rules are those of scikit-learn's MLPClassifier. Where the gradient and its history are zero, so
is the step: untrainable entries stay as they are. A step that would not leave all parameters finite
leaves them as they were, and returns False. Loops are plain, for the compiler to make vectors of.
"""

from libc.math cimport INFINITY, sqrt
from libc.string cimport memcpy

from sklstm._kernels.simd cimport (
    flush_denormals, float_mode, real, restore_float_mode, square_root,
)

cdef enum:
    SUMS = 16  # of the norm, side by side


cdef double norm_of(const real* x, Py_ssize_t n) noexcept nogil:
    """Euclidean norm, summed in double: partial sums side by side, always in the same order."""
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
    with nogil:
        mode = flush_denormals()
        found = norm_of(&x[0], x.shape[0])
        restore_float_mode(mode)
    return found


cdef class Steps:
    """Steps of some parameters along the gradient that stands in ``d_vector`` each time."""

    cdef real[::1] vector, d_vector, before
    cdef double clip_norm  # infinite: never

    cdef int bind(self, real[::1] vector, real[::1] d_vector, before, clip_norm) except -1:
        self.vector, self.d_vector, self.before = vector, d_vector, before
        self.clip_norm = float("inf") if clip_norm is None else clip_norm
        same_length(vector, d_vector, self.before)
        return 0

    cdef double scale(self) noexcept nogil:
        """What to multiply the gradient by so that its norm is at most ``clip_norm``."""
        cdef double length
        if self.clip_norm == INFINITY:
            return 1
        length = norm_of(&self.d_vector[0], self.d_vector.shape[0])
        return self.clip_norm / length if length > self.clip_norm else 1

    cdef bint end(self, bint good) noexcept nogil:
        if not good:
            memcpy(&self.vector[0], &self.before[0], self.vector.shape[0] * sizeof(real))
        return good


cdef class SgdSteps(Steps):
    """v <- m v - rate g, then p <- p + v, or p + m v - rate g with Nesterov's momentum."""

    cdef real[::1] velocity
    cdef real momentum
    cdef bint nesterov

    def __cinit__(
        self,
        real[::1] vector,    # INOUT  (W,)
        real[::1] velocity,  # INOUT  (W,)
        real[::1] d_vector,  # IN     (W,)
        real[::1] before,    # OUT    (W,) the parameters before the last step
        *,
        double momentum,
        bint nesterov,
        clip_norm,
    ):
        self.bind(vector, d_vector, before, clip_norm)
        same_length(vector, velocity, d_vector)
        self.velocity, self.momentum, self.nesterov = velocity, <real> momentum, nesterov

    def step(self, double learning_rate):
        cdef Py_ssize_t i, n = self.vector.shape[0]
        cdef real m = self.momentum, rate = <real> learning_rate, factor, step
        cdef real* p = &self.vector[0]
        cdef real* v = &self.velocity[0]
        cdef const real* g = &self.d_vector[0]
        cdef int bad = 0
        cdef float_mode mode
        with nogil:
            mode = flush_denormals()
            factor = <real> self.scale()
            memcpy(&self.before[0], p, n * sizeof(real))
            for i in range(n):
                step = rate * (factor * g[i])
                v[i] = m * v[i] - step
                p[i] += m * v[i] - step if self.nesterov else v[i]
                bad |= not p[i] - p[i] == 0
            restore_float_mode(mode)
        return self.end(bad == 0)


cdef class AdamSteps(Steps):
    """m <- b1 m + (1 - b1) g, v <- b2 v + (1 - b2) g^2, p <- p - rate m / (sqrt(v) + eps)."""

    cdef real[::1] mean, square
    cdef double beta_1, beta_2
    cdef real epsilon

    def __cinit__(
        self,
        real[::1] vector,    # INOUT  (W,)
        real[::1] mean,      # INOUT  (W,), of the gradient
        real[::1] square,    # INOUT  (W,), mean of its square
        real[::1] d_vector,  # IN     (W,)
        real[::1] before,    # OUT    (W,) the parameters before the last step
        *,
        double beta_1,
        double beta_2,
        double epsilon,
        clip_norm,
    ):
        self.bind(vector, d_vector, before, clip_norm)
        same_length(vector, mean, square)
        self.mean, self.square = mean, square
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, <real> epsilon

    def step(self, double learning_rate):
        """The correction of the means, which begin at zero, is part of the rate."""
        cdef Py_ssize_t i, n = self.vector.shape[0]
        cdef real keep_1 = <real> self.beta_1, take_1 = <real> (1 - self.beta_1)
        cdef real keep_2 = <real> self.beta_2, take_2 = <real> (1 - self.beta_2)
        cdef real rate = <real> learning_rate, eps = self.epsilon, factor, slope
        cdef real* p = &self.vector[0]
        cdef real* m = &self.mean[0]
        cdef real* v = &self.square[0]
        cdef const real* g = &self.d_vector[0]
        cdef int bad = 0
        cdef float_mode mode
        with nogil:
            mode = flush_denormals()
            factor = <real> self.scale()
            memcpy(&self.before[0], p, n * sizeof(real))
            for i in range(n):
                slope = factor * g[i]
                m[i] = keep_1 * m[i] + take_1 * slope
                v[i] = keep_2 * v[i] + take_2 * (slope * slope)
                p[i] -= rate * m[i] / (square_root(v[i]) + eps)
                bad |= not p[i] - p[i] == 0
            restore_float_mode(mode)
        return self.end(bad == 0)


cdef Py_ssize_t same_length(
    const real[::1] a, const real[::1] b, const real[::1] c
) except -1:
    if not a.shape[0] == b.shape[0] == c.shape[0]:
        raise ValueError("the parameters, their gradient and its history differ in length")
    return a.shape[0]
