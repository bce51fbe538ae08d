"""One step of a cell by the kernels, in float64. Arrays are (groups, n), as in steps.pxd."""

from sklstm._kernels.arguments cimport require_between, require_shape
from sklstm._kernels.cells cimport (
    Cell, backward_cell, cell_named, errors_of_cell, forward_cell, gates_after, gates_before,
    gates_fed,
)
from sklstm._kernels.simd cimport real


cdef Cell sized(
    str cell, const real[:, ::1] s, const real[:, ::1] z, const real[:, ::1] h
) except *:
    """The cell of this name, after a check of the sizes of its arrays."""
    cdef Cell found = <Cell> cell_named(cell)
    cdef Py_ssize_t S = s.shape[0], n = s.shape[1]
    require_between("the number of states", min(S, n), 1, 1 << 30)
    require_shape("z", z.shape[0], z.shape[1], gates_before(found) + S + gates_after(found), n)
    require_shape("h", h.shape[0], h.shape[1], S, n)
    return found


def forward(
    str cell,
    const real[:, ::1] peephole,  # IN     (3 S, n), zeros if the cell has none
    const real[:, ::1] s_before,  # IN     (S, n)
    real[:, ::1] z,               # INOUT  pre-activations -> activations
    real[:, ::1] s,               # OUT    (S, n)
    real[:, ::1] h,               # OUT    (S, n)
    real[:, ::1] r,               # OUT
):
    """One step forward."""
    cdef Cell found = sized(cell, s, z, h)
    cdef Py_ssize_t S = s.shape[0], n = s.shape[1]
    require_shape("peephole", peephole.shape[0], peephole.shape[1], 3 * S, n)
    require_shape("s_before", s_before.shape[0], s_before.shape[1], S, n)
    require_shape("r", r.shape[0], r.shape[1], S + gates_fed(found), n)
    forward_cell(found, n, S, &peephole[0, 0],
                 &s_before[0, 0], &z[0, 0], &s[0, 0], &h[0, 0], &r[0, 0])


def errors(
    str cell,
    const real[:, ::1] z,    # IN     activations
    const real[:, ::1] h,    # IN     (S, n)
    const real[:, ::1] d_r,  # IN
    real[:, ::1] d_s,        # OUT    (S, n)
    real[:, ::1] d_o,        # OUT    (1, n)
):
    """Errors at the states and output gates of a step, from errors at its outputs."""
    cdef Cell found = sized(cell, h, z, h)
    cdef Py_ssize_t S = h.shape[0], n = h.shape[1]
    require_between("rows of d_r", d_r.shape[0], S, S + gates_fed(found))
    require_shape("d_r", d_r.shape[0], d_r.shape[1], d_r.shape[0], n)
    require_shape("d_s", d_s.shape[0], d_s.shape[1], S, n)
    require_shape("d_o", d_o.shape[0], d_o.shape[1], 1, n)
    errors_of_cell(found, n, S, &z[0, 0],
                   &h[0, 0], &d_r[0, 0], &d_s[0, 0], &d_o[0, 0])


def backward(
    str cell,
    const real[:, ::1] flow,      # IN     (3 S, n) peepholes that errors pass, zeros if none
    const real[:, ::1] s_before,  # IN     (S, n)
    const real[:, ::1] s,         # IN     (S, n)
    const real[:, ::1] h,         # IN     (S, n)
    const real[:, ::1] d_r,       # IN
    real[:, ::1] z,               # INOUT  activations -> gradient at the pre-activations
    real[:, ::1] d_s,             # INOUT  (S, n) at s(t) -> at s(t-1)
    real[:, ::1] d_peephole,      # INOUT  (3 S, n)
):
    """One step backward."""
    cdef Cell found = sized(cell, s, z, h)
    cdef Py_ssize_t S = s.shape[0], n = s.shape[1]
    require_shape("flow", flow.shape[0], flow.shape[1], 3 * S, n)
    require_shape("s_before", s_before.shape[0], s_before.shape[1], S, n)
    require_shape("d_r", d_r.shape[0], d_r.shape[1], S + gates_fed(found), n)
    require_shape("d_s", d_s.shape[0], d_s.shape[1], S, n)
    require_shape("d_peephole", d_peephole.shape[0], d_peephole.shape[1], 3 * S, n)
    backward_cell(found, n, S, &flow[0, 0],
                  &s_before[0, 0], &s[0, 0], &h[0, 0], &d_r[0, 0], &z[0, 0], &d_s[0, 0],
                  &d_peephole[0, 0])
