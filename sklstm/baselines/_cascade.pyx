"""Self-recurrent units: values forward in time, errors backward.

    V(t) = tanh(net(t) + w_s V(t-1)),   V = 0 before each sequence

The derivative of sum_t e(t) V(t) with respect to net(t) is
    d_net(t) = (1 - V(t)^2) (e(t) + w_s d_net(t+1)),
so that dw_i = sum_t d_net(t) I_i(t) and dw_s = sum_t d_net(t) V(t-1). Fahlman carries dV/dw forward
in time instead. No weight changes in between, so both compute the same sum.
"""

from libc.math cimport tanh

from sklstm._kernels.arguments cimport require_offsets, require_shape, require_size
from sklstm._kernels.signals cimport (
    LOOK, Signals, Watch, begin_call, require_going, stops_alone,
)

cdef enum:
    TANH = 20  # cost in multiply-adds, roughly


def run_units(
    double[:, ::1] net,  # IN (steps, units), OUT the values
    const double[::1] w_self,
    const long long[::1] offsets,
):
    """Turn net inputs from other sources into values, in place."""
    cdef Py_ssize_t i, t, u
    cdef Signals signals
    cdef Watch watch = Watch(&signals, LOOK, True)
    require_size("w_self", w_self.shape[0], net.shape[1])
    require_offsets("offsets", offsets, net.shape[0])
    signals.due = 0
    begin_call(&signals, &watch)
    with nogil:
        for i in range(offsets.shape[0] - 1):
            for t in range(offsets[i], offsets[i + 1]):
                if stops_alone(&watch, TANH * net.shape[1]):
                    break
                for u in range(net.shape[1]):
                    if t > offsets[i]:
                        net[t, u] += w_self[u] * net[t - 1, u]
                    net[t, u] = tanh(net[t, u])
    require_going(&watch)


def run_back(
    double[:, ::1] error,  # IN e(t) (steps, units), OUT d_net(t)
    const double[:, ::1] values,
    const double[::1] w_self,
    const long long[::1] offsets,
    double[::1] d_w_self,  # OUT (units,)
):
    """Turn derivatives with respect to values into those with respect to net inputs, in place."""
    cdef Py_ssize_t i, t, u, U = error.shape[1]
    cdef Signals signals
    cdef Watch watch = Watch(&signals, LOOK, True)
    require_shape("values", values.shape[0], values.shape[1], error.shape[0], U)
    require_size("w_self", w_self.shape[0], U)
    require_size("d_w_self", d_w_self.shape[0], U)
    require_offsets("offsets", offsets, error.shape[0])
    signals.due = 0
    begin_call(&signals, &watch)
    with nogil:
        for u in range(error.shape[1]):
            d_w_self[u] = 0
        for i in range(offsets.shape[0] - 1):
            for t in range(offsets[i + 1] - 1, offsets[i] - 1, -1):
                if stops_alone(&watch, U):
                    break
                for u in range(error.shape[1]):
                    if t + 1 < offsets[i + 1]:
                        error[t, u] += w_self[u] * error[t + 1, u]
                    error[t, u] *= 1 - values[t, u] * values[t, u]
                    if t > offsets[i]:
                        d_w_self[u] += error[t, u] * values[t - 1, u]
    require_going(&watch)
