"""Arithmetic of the baselines: matrices with a row per source, gradient descent, activations."""

from libc.math cimport exp, tanh
from libc.string cimport memset


cdef enum Activation:
    IDENTITY
    LOGISTIC
    TANH


cdef struct Entries:
    # Non-zero inputs of one step.
    Py_ssize_t n
    const long long* index
    const double* value


# ------------------------------------------------------------------------------- matrices of rows


cdef inline void add_scaled(double* out, double a, const double* row, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        out[i] += a * row[i]


cdef inline double dot(const double* a, const double* b, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    cdef double total = 0
    for i in range(n):
        total += a[i] * b[i]
    return total


cdef inline void weighted_sum(
    double* net,  # OUT (width,)
    const double* weights,
    Py_ssize_t width,
    const double* units,
    Py_ssize_t n_units,
    bint bias,
    const Entries* inputs,  # NULL if not connected
) noexcept nogil:
    """net = sum over sources of value times row."""
    cdef Py_ssize_t i
    memset(net, 0, width * sizeof(double))
    for i in range(n_units):
        add_scaled(net, units[i], weights + i * width, width)
    weights += n_units * width
    if bias:
        add_scaled(net, 1, weights, width)
        weights += width
    if inputs != NULL:
        for i in range(inputs.n):
            add_scaled(net, inputs.value[i], weights + inputs.index[i] * width, width)


cdef inline void add_outer(
    double* d_weights,  # INOUT
    const double* d_net,
    Py_ssize_t width,
    const double* units,
    Py_ssize_t n_units,
    bint bias,
    const Entries* inputs,
) noexcept nogil:
    """Backward pass of weighted_sum: add value times d_net to the row of each source."""
    cdef Py_ssize_t i
    for i in range(n_units):
        add_scaled(d_weights + i * width, units[i], d_net, width)
    d_weights += n_units * width
    if bias:
        add_scaled(d_weights, 1, d_net, width)
        d_weights += width
    if inputs != NULL:
        for i in range(inputs.n):
            add_scaled(d_weights + inputs.index[i] * width, inputs.value[i], d_net, width)


cdef inline void descend(
    double* weights, double* d_weights, double rate, Py_ssize_t n
) noexcept nogil:
    """One step of gradient descent. Sets the gradient to zero."""
    cdef Py_ssize_t i
    for i in range(n):
        weights[i] -= rate * d_weights[i]
        d_weights[i] = 0


cdef inline void descend_rows(
    double* weights,
    double* d_weights,
    double rate,
    Py_ssize_t width,
    Py_ssize_t n_dense,  # rows of units and bias
    const Entries* inputs,
) noexcept nogil:
    """The same for the rows that add_outer has changed."""
    cdef Py_ssize_t i, row
    descend(weights, d_weights, rate, n_dense * width)
    if inputs != NULL:
        for i in range(inputs.n):
            row = (n_dense + inputs.index[i]) * width
            descend(weights + row, d_weights + row, rate, width)


# ------------------------------------------------------------------------------- sensitivities


cdef inline void propagate(
    double* p_next,  # OUT (n, W)
    const double* p,  # IN (n, W)
    const double* w,  # IN (n, n): from, to
    const double* f,  # IN (n,)
    Py_ssize_t n,
    Py_ssize_t W,
) noexcept nogil:
    """p_next[j] = f_j sum_k w[k, j] p[k].

    It works on blocks of columns that fit into the first-level cache, and on four rows at a time to
    store each sum less often.
    """
    cdef Py_ssize_t i, j, k, start, width, whole = n - n % 4
    cdef const double* p0
    cdef const double* p1
    cdef const double* p2
    cdef const double* p3
    cdef double a0, a1, a2, a3
    cdef double* out
    for start in range(0, W, 128):
        width = min(W - start, 128)
        for j in range(n):
            out = p_next + j * W + start
            memset(out, 0, width * sizeof(double))
            for k in range(0, whole, 4):
                a0, a1 = f[j] * w[k * n + j], f[j] * w[(k + 1) * n + j]
                a2, a3 = f[j] * w[(k + 2) * n + j], f[j] * w[(k + 3) * n + j]
                p0 = p + k * W + start
                p1, p2, p3 = p0 + W, p0 + 2 * W, p0 + 3 * W
                for i in range(width):
                    out[i] += (a0 * p0[i] + a1 * p1[i]) + (a2 * p2[i] + a3 * p3[i])
            for k in range(whole, n):
                add_scaled(out, f[j] * w[k * n + j], p + k * W + start, width)


# --------------------------------------------------------------------------------- activations


cdef inline void activate(
    double* y, const double* net, Py_ssize_t n, Activation activation
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        if activation == LOGISTIC:
            y[i] = 1 / (1 + exp(-net[i]))
        elif activation == TANH:
            y[i] = tanh(net[i])
        elif activation == IDENTITY:
            y[i] = net[i]


cdef inline double slope(double y, Activation activation) noexcept nogil:
    """f'(net), computed from y = f(net)."""
    if activation == LOGISTIC:
        return y * (1 - y)
    elif activation == TANH:
        return 1 - y * y
    elif activation == IDENTITY:
        return 1
