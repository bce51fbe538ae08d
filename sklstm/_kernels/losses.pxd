"""Loss of one target, and its gradient at the raw outputs z = W_o y + b_o; the penalty.

======================  =======================  ====================================
kind                    output                   loss
======================  =======================  ====================================
SQUARED_IDENTITY        z                        1/2 sum (z - t)^2
SQUARED_LOGISTIC        a = 1 / (1 + exp(-z))    1/2 sum (a - t)^2
SQUARED_TANH            a = tanh(z)              1/2 sum (a - t)^2
LOG_LOGISTIC            a = 1 / (1 + exp(-z))    -sum t log a + (1 - t) log(1 - a)
LOG_SOFTMAX             softmax(z)               -log of the target class's probability
======================  =======================  ====================================

The target of LOG_SOFTMAX is the number of the class. A squared-error target of NaN is no target.
"""

from libc.math cimport exp, fabs, log, log1p, tanh

from sklstm._kernels.simd cimport real


cdef enum Loss:
    SQUARED_IDENTITY
    SQUARED_LOGISTIC
    SQUARED_TANH
    LOG_LOGISTIC
    LOG_SOFTMAX


cdef inline double logistic(double z) noexcept nogil:
    return 1 / (1 + exp(-z)) if z > -700 else exp(z)


cdef inline double squared_loss(
    Loss kind, int K, int stride, const real* target, double weight, real* z
) noexcept nogil:
    cdef int k
    cdef double a, error, slope, loss = 0
    for k in range(K):
        if target[k] != target[k]:
            z[k * stride] = 0
            continue
        if kind == SQUARED_IDENTITY:
            a = z[k * stride]
            slope = 1
        elif kind == SQUARED_LOGISTIC:
            a = logistic(z[k * stride])
            slope = a * (1 - a)
        elif kind == SQUARED_TANH:
            a = tanh(z[k * stride])
            slope = 1 - a * a
        error = a - target[k]
        loss += 0.5 * error * error
        z[k * stride] = <real> (weight * error * slope)
    return weight * loss


cdef inline double logistic_loss(
    int K, int stride, const real* target, double weight, real* z
) noexcept nogil:
    cdef int k
    cdef double a, loss = 0
    for k in range(K):
        a = z[k * stride]
        # -log(1 / (1 + exp(-a))) = max(-a, 0) + log(1 + exp(-|a|))
        loss += (a if a > 0 else 0) - a * target[k] + log1p(exp(-fabs(a)))
        z[k * stride] = <real> (weight * (logistic(a) - target[k]))
    return weight * loss


cdef inline double softmax_loss(
    int K, int stride, const real* target, double weight, real* z
) noexcept nogil:
    cdef int k, label = <int> target[0]
    cdef double top = z[0], total = 0, at_label = z[label * stride]
    for k in range(1, K):
        # a NaN stays in sight
        if not (z[k * stride] <= top):
            top = z[k * stride]
    for k in range(K):
        total += exp(z[k * stride] - top)
    for k in range(K):
        z[k * stride] = <real> (weight * (exp(z[k * stride] - top) / total - (k == label)))
    return weight * (log(total) + top - at_label)


cdef inline double target_loss(
    Loss kind,
    int K,  # outputs
    int stride,  # between outputs in z
    const real* target,  # IN     (K,), or the class (1,)
    double weight,
    real* z,  # INOUT  raw outputs -> weight times the gradient there
) noexcept nogil:
    """Weighted loss of one target."""
    cdef int k
    if weight == 0:
        for k in range(K):
            z[k * stride] = 0
        return 0
    if kind == LOG_SOFTMAX:
        return softmax_loss(K, stride, target, weight, z)
    elif kind == LOG_LOGISTIC:
        return logistic_loss(K, stride, target, weight, z)
    elif kind in (SQUARED_IDENTITY, SQUARED_LOGISTIC, SQUARED_TANH):
        return squared_loss(kind, K, stride, target, weight, z)


cdef inline double finish_gradient(
    Py_ssize_t n,
    const Py_ssize_t[::1] frozen,  # IN     places that do not train
    const unsigned char* decayed,
    double penalty,
    const real* vector,
    real* d_vector,  # INOUT
) noexcept nogil:
    """Silence what does not train, add the penalty on weights; return its loss."""
    cdef Py_ssize_t p
    cdef double square = 0
    for p in range(frozen.shape[0]):
        d_vector[frozen[p]] = 0
    if penalty == 0:
        return 0
    for p in range(n):
        if decayed[p]:
            square += <double> vector[p] * vector[p]
            d_vector[p] += <real> (penalty * vector[p])
    return penalty * square / 2
