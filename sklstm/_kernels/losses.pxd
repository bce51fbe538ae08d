"""Loss of one target, and its gradient at the raw outputs z = W_o y + b_o; the penalty.

=============  ============================  =================================================
kind           output                        loss
=============  ============================  =================================================
SQUARED        a = f(z)                      1/2 sum (a - t)^2
ABSOLUTE       a = f(z)                      sum |a - t|
QUANTILE       a = f(in order of z)          sum q (t - a) where t > a, (1 - q) (a - t) elsewhere
POISSON        a = exp(z)                    sum t log(t / a) - t + a, half the deviance
LOG_LOGISTIC   a = 1 / (1 + exp(-z))         -sum t log a + (1 - t) log(1 - a)
LOG_SOFTMAX    softmax(z)                    -log of the target class's probability
PROJECTION     z                             sum t z, whose gradient explains outputs
=============  ============================  =================================================

f is the identity, logistic or tanh. Several quantiles of a target have one output each. The middle
quantile is z itself. The distance from each quantile to the next one outwards is
softplus(z) = log(1 + exp(z)), so quantiles do not cross. The target of LOG_SOFTMAX is the class
number. Numeric targets of NaN are ignored.

To add a loss: add its name and its row here, a case in `error_of_number`, and a line in the table
of _number_losses.py.
"""

from libc.math cimport exp, fabs, log, log1p, tanh

from sklstm._kernels.arguments cimport require_there
from sklstm._kernels.simd cimport real


cdef enum:
    QUANTILES_MAX = 128  # largest number of quantiles of a target


cdef enum LossKind:
    SQUARED
    ABSOLUTE
    QUANTILE
    POISSON
    LOG_LOGISTIC
    LOG_SOFTMAX
    PROJECTION


cdef enum Activation:
    IDENTITY
    LOGISTIC
    TANH


cdef struct Loss:
    LossKind kind
    Activation activation  # for numeric targets
    Py_ssize_t n_quantiles  # number of outputs of a target
    const double* quantiles


cdef inline Loss loss_named(
    str name, str activation, const double[::1] quantiles  # the caller keeps them alive
) except *:
    """The loss of outputs with this activation."""
    cdef Loss loss
    require_there("quantiles", quantiles is not None)
    loss.kind = {
        ("squared_error", False): SQUARED,
        ("absolute_error", False): ABSOLUTE,
        ("quantile", False): QUANTILE,
        ("poisson", False): POISSON,
        ("log_loss", False): LOG_LOGISTIC,
        ("log_loss", True): LOG_SOFTMAX,
        ("projection", False): PROJECTION,
    }[name, activation == "softmax"]
    loss.activation = {"logistic": LOGISTIC, "tanh": TANH}.get(activation, IDENTITY)
    loss.n_quantiles = max(1, quantiles.shape[0])
    loss.quantiles = &quantiles[0] if quantiles.shape[0] > 0 else NULL
    return loss


# ---------------------------------------------------------------------------- numbers


cdef inline double logistic(double z) noexcept nogil:
    return 1 / (1 + exp(-z)) if z > -700 else exp(z)


cdef inline double softplus(double z) noexcept nogil:
    """log(1 + exp(z)), NaN for NaN."""
    return (0 if z < 0 else z) + log1p(exp(-fabs(z)))


cdef inline double activated(Activation activation, double z, double* slope) noexcept nogil:
    """f(z); writes its derivative into `slope`."""
    cdef double a
    if activation == LOGISTIC:
        a = logistic(z)
        slope[0] = a * (1 - a)
        return a
    elif activation == TANH:
        a = tanh(z)
        slope[0] = 1 - a * a
        return a
    elif activation == IDENTITY:
        slope[0] = 1
        return z


cdef inline double error_of_number(
    const Loss* loss, Py_ssize_t q, double z, double target, double* d_z
) noexcept nogil:
    """Loss of one number, the q-th quantile of its target; writes its gradient into `d_z`."""
    cdef double slope = 1, a, level
    if loss.kind == POISSON:
        a = exp(z)
        d_z[0] = a - target
        return a - target + (target * (log(target) - z) if target > 0 else 0)
    a = activated(loss.activation, z, &slope)
    if loss.kind == SQUARED:
        d_z[0] = (a - target) * slope
        return 0.5 * (a - target) * (a - target)
    elif loss.kind == ABSOLUTE:
        d_z[0] = ((a > target) - (a < target)) * slope
        return fabs(a - target)
    elif loss.kind == QUANTILE:
        level = loss.quantiles[q]
        d_z[0] = ((1 - level) * (a > target) - level * (a < target)) * slope
        return max(level * (target - a), (level - 1) * (target - a))


cdef inline double ordered_loss(
    const Loss* loss, Py_ssize_t stride, double target, double weight, real* z
) noexcept nogil:
    """Loss of all quantiles of a target."""
    cdef double[QUANTILES_MAX] value, d_value
    cdef Py_ssize_t q, n = loss.n_quantiles, middle = loss.n_quantiles // 2
    cdef double total = 0, beyond
    value[middle] = z[middle * stride]
    for q in range(middle + 1, n):
        value[q] = value[q - 1] + softplus(z[q * stride])
    for q in range(middle - 1, -1, -1):
        value[q] = value[q + 1] - softplus(z[q * stride])
    for q in range(n):
        total += error_of_number(loss, q, value[q], target, &d_value[q])
    # each z shifts its own quantile and all further outwards; the middle one shifts all
    beyond = 0
    for q in range(n - 1, middle, -1):
        beyond += d_value[q]
        z[q * stride] = <real> (weight * beyond * logistic(z[q * stride]))
    d_value[middle] += beyond
    beyond = 0
    for q in range(middle):
        beyond += d_value[q]
        z[q * stride] = <real> (-weight * beyond * logistic(z[q * stride]))
    z[middle * stride] = <real> (weight * (d_value[middle] + beyond))
    return total


cdef inline double number_loss(
    const Loss* loss, Py_ssize_t K, Py_ssize_t stride, const real* target, double weight, real* z
) noexcept nogil:
    cdef Py_ssize_t k, q, n = loss.n_quantiles
    cdef double d_z, total = 0
    cdef real* own
    for k in range(K // n):
        own = z + k * n * stride
        if target[k] != target[k]:
            for q in range(n):
                own[q * stride] = 0
        elif n > 1:
            total += ordered_loss(loss, stride, target[k], weight, own)
        else:
            total += error_of_number(loss, 0, own[0], target[k], &d_z)
            own[0] = <real> (weight * d_z)
    return weight * total


# ---------------------------------------------------------------------------- labels


cdef inline double logistic_loss(
    Py_ssize_t K, Py_ssize_t stride, const real* target, double weight, real* z
) noexcept nogil:
    cdef Py_ssize_t k
    cdef double a, loss = 0
    for k in range(K):
        a = z[k * stride]
        # -log(1 / (1 + exp(-a))) = max(-a, 0) + log(1 + exp(-|a|))
        loss += (a if a > 0 else 0) - a * target[k] + log1p(exp(-fabs(a)))
        z[k * stride] = <real> (weight * (logistic(a) - target[k]))
    return weight * loss


cdef inline double softmax_loss(
    Py_ssize_t K, Py_ssize_t stride, const real* target, double weight, real* z
) noexcept nogil:
    cdef Py_ssize_t k, label = <Py_ssize_t> target[0]
    cdef double top = z[0], total = 0, at_label = z[label * stride]
    for k in range(1, K):
        # NaN must stay NaN
        if not (z[k * stride] <= top):
            top = z[k * stride]
    for k in range(K):
        total += exp(z[k * stride] - top)
    for k in range(K):
        z[k * stride] = <real> (weight * (exp(z[k * stride] - top) / total - (k == label)))
    return weight * (log(total) + top - at_label)


cdef inline double projection(
    Py_ssize_t K, Py_ssize_t stride, const real* target, double weight, real* z
) noexcept nogil:
    cdef Py_ssize_t k
    cdef double total = 0
    for k in range(K):
        total += <double> target[k] * z[k * stride]
        z[k * stride] = <real> (weight * target[k])
    return weight * total


cdef inline double target_loss(
    const Loss* loss,
    Py_ssize_t K,  # outputs
    Py_ssize_t stride,  # between outputs in z
    const real* target,  # IN     (K / quantiles,), or the class (1,)
    double weight,
    real* z,  # INOUT  raw outputs -> weight times the gradient there
) noexcept nogil:
    """Weighted loss of one target."""
    cdef Py_ssize_t k
    if weight == 0:
        for k in range(K):
            z[k * stride] = 0
        return 0
    if loss.kind == LOG_SOFTMAX:
        return softmax_loss(K, stride, target, weight, z)
    elif loss.kind == LOG_LOGISTIC:
        return logistic_loss(K, stride, target, weight, z)
    elif loss.kind == PROJECTION:
        return projection(K, stride, target, weight, z)
    elif loss.kind in (SQUARED, ABSOLUTE, QUANTILE, POISSON):
        return number_loss(loss, K, stride, target, weight, z)


# ---------------------------------------------------------------------------- penalty


cdef inline double finish_gradient(
    Py_ssize_t n,
    const Py_ssize_t[::1] frozen,  # IN     places that do not train
    const unsigned char* decayed,
    double penalty,
    const real* vector,
    real* d_vector,  # INOUT
) noexcept nogil:
    """Set the gradient of frozen parameters to 0 and add the penalty; return its loss."""
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
