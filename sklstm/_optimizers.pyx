"""One step of SGD and of Adam on the flat vector of parameters, in place and in one pass.

The rules are those of scikit-learn's MLPClassifier. ``scale`` multiplies the gradient (clipping).
Where the gradient and its history are zero, so is the step: untrainable entries stay as they are.
A step returns True if all parameters are finite after it. Loops are plain, for the compiler to
make vectors of.
"""

from libc.math cimport sqrt

from sklstm._kernels.simd cimport (
    flush_denormals, float_mode, real, restore_float_mode, square_root,
)

cdef enum:
    SUMS = 16  # of the norm, side by side


def sgd_step(
    real[::1] vector,           # INOUT  (W,)
    real[::1] velocity,         # INOUT  (W,)
    const real[::1] d_vector,   # IN     (W,)
    *,
    double learning_rate,
    double momentum,
    bint nesterov,
    double scale,
):
    """v <- m v - rate g, then p <- p + v, or p + m v - rate g with Nesterov's momentum."""
    cdef Py_ssize_t i, n = same_length(vector, velocity, d_vector)
    cdef real m = <real> momentum, rate = <real> learning_rate
    cdef real factor = <real> scale, step
    cdef int bad = 0
    cdef float_mode mode
    with nogil:
        mode = flush_denormals()
        for i in range(n):
            step = rate * (factor * d_vector[i])
            velocity[i] = m * velocity[i] - step
            vector[i] += m * velocity[i] - step if nesterov else velocity[i]
            bad |= not vector[i] - vector[i] == 0
        restore_float_mode(mode)
    return bad == 0


def adam_step(
    real[::1] vector,           # INOUT  (W,)
    real[::1] mean,             # INOUT  (W,), of the gradient
    real[::1] square,           # INOUT  (W,), mean of its square
    const real[::1] d_vector,   # IN     (W,)
    *,
    double learning_rate,       # bias correction included
    double beta_1,
    double beta_2,
    double epsilon,
    double scale,
):
    """m <- b1 m + (1 - b1) g, v <- b2 v + (1 - b2) g^2, p <- p - rate m / (sqrt(v) + eps)."""
    cdef Py_ssize_t i, n = same_length(vector, mean, d_vector)
    cdef real keep_1 = <real> beta_1, take_1 = <real> (1 - beta_1)
    cdef real keep_2 = <real> beta_2, take_2 = <real> (1 - beta_2)
    cdef real rate = <real> learning_rate, eps = <real> epsilon
    cdef real factor = <real> scale, g
    cdef int bad = 0
    cdef float_mode mode
    same_length(vector, square, d_vector)
    with nogil:
        mode = flush_denormals()
        for i in range(n):
            g = factor * d_vector[i]
            mean[i] = keep_1 * mean[i] + take_1 * g
            square[i] = keep_2 * square[i] + take_2 * (g * g)
            vector[i] -= rate * mean[i] / (square_root(square[i]) + eps)
            bad |= not vector[i] - vector[i] == 0
        restore_float_mode(mode)
    return bad == 0


def norm(const real[::1] d_vector):
    """Euclidean norm, summed in double: partial sums side by side, always in the same order."""
    cdef Py_ssize_t i, n = d_vector.shape[0], rounds = n // SUMS
    cdef double[SUMS] sums
    cdef double total = 0
    cdef int k
    cdef float_mode mode
    with nogil:
        mode = flush_denormals()
        for k in range(SUMS):
            sums[k] = 0
        for i in range(rounds):
            for k in range(SUMS):
                sums[k] += <double> d_vector[i * SUMS + k] * d_vector[i * SUMS + k]
        for i in range(rounds * SUMS, n):
            sums[i % SUMS] += <double> d_vector[i] * d_vector[i]
        for k in range(SUMS):
            total += sums[k]
        restore_float_mode(mode)
    return sqrt(total)


cdef Py_ssize_t same_length(
    const real[::1] a, const real[::1] b, const real[::1] c
) except -1:
    if not a.shape[0] == b.shape[0] == c.shape[0]:
        raise ValueError("the parameters, their gradient and its history differ in length")
    return a.shape[0]
