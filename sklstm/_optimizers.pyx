"""One step of SGD and of Adam on the flat vector of parameters, in place and in one pass.

The rules are those of scikit-learn's MLPClassifier. ``scale`` multiplies the gradient (clipping).
Where the gradient and its history are zero, so is the step: untrainable entries stay as they are.
A step returns True if all parameters are finite after it.
"""

from cython cimport floating
from libc.float cimport DBL_MAX, FLT_MAX
from libc.math cimport fabs as fabs64, fabsf as fabs32, sqrt as sqrt64, sqrtf as sqrt32

from sklstm._kernels.simd cimport flush_denormals, float_mode, restore_float_mode


cdef inline floating square_root(floating x) noexcept nogil:
    return sqrt32(x) if floating is float else sqrt64(x)


cdef inline int overflowed(floating x) noexcept nogil:
    """1 for infinity and NaN, in a form that vectorises."""
    if floating is float:
        return not fabs32(x) <= FLT_MAX
    return not fabs64(x) <= DBL_MAX


def sgd_step(
    floating[::1] vector,           # INOUT  (W,)
    floating[::1] velocity,         # INOUT  (W,)
    const floating[::1] d_vector,   # IN     (W,)
    *,
    double learning_rate,
    double momentum,
    bint nesterov,
    double scale,
):
    """v <- m v - rate g, then p <- p + v, or p + m v - rate g with Nesterov's momentum."""
    cdef Py_ssize_t i, n = same_length(vector, velocity, d_vector)
    cdef floating m = <floating> momentum, rate = <floating> learning_rate
    cdef floating factor = <floating> scale, step
    cdef int bad = 0
    cdef float_mode mode
    with nogil:
        mode = flush_denormals()
        for i in range(n):
            step = rate * (factor * d_vector[i])
            velocity[i] = m * velocity[i] - step
            vector[i] += m * velocity[i] - step if nesterov else velocity[i]
            bad |= overflowed(vector[i])
        restore_float_mode(mode)
    return bad == 0


def adam_step(
    floating[::1] vector,           # INOUT  (W,)
    floating[::1] mean,             # INOUT  (W,), of the gradient
    floating[::1] square,           # INOUT  (W,), mean of its square
    const floating[::1] d_vector,   # IN     (W,)
    *,
    double learning_rate,           # bias correction included
    double beta_1,
    double beta_2,
    double epsilon,
    double scale,
):
    """m <- b1 m + (1 - b1) g, v <- b2 v + (1 - b2) g^2, p <- p - rate m / (sqrt(v) + eps)."""
    cdef Py_ssize_t i, n = same_length(vector, mean, d_vector)
    cdef floating keep_1 = <floating> beta_1, take_1 = <floating> (1 - beta_1)
    cdef floating keep_2 = <floating> beta_2, take_2 = <floating> (1 - beta_2)
    cdef floating rate = <floating> learning_rate, eps = <floating> epsilon
    cdef floating factor = <floating> scale, g
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
            bad |= overflowed(vector[i])
        restore_float_mode(mode)
    return bad == 0


def norm(const floating[::1] d_vector):
    """Euclidean norm, summed in double: four partial sums, always in the same order."""
    cdef Py_ssize_t i, n = d_vector.shape[0], whole = n - n % 4
    cdef double a = 0, b = 0, c = 0, d = 0
    with nogil:
        for i in range(0, whole, 4):
            a += <double> d_vector[i] * d_vector[i]
            b += <double> d_vector[i + 1] * d_vector[i + 1]
            c += <double> d_vector[i + 2] * d_vector[i + 2]
            d += <double> d_vector[i + 3] * d_vector[i + 3]
        for i in range(whole, n):
            a += <double> d_vector[i] * d_vector[i]
    return sqrt64((a + b) + (c + d))


cdef Py_ssize_t same_length(
    const floating[::1] a, const floating[::1] b, const floating[::1] c
) except -1:
    if not a.shape[0] == b.shape[0] == c.shape[0]:
        raise ValueError("the parameters, their gradient and its history differ in length")
    return a.shape[0]
