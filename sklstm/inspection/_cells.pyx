"""One step of a cell as the kernels compute it, in float64; arrays as in steps.pxd, (groups, n)."""

from sklstm._kernels.cells cimport (
    Cell, backward_cell, cell_named, errors_of_cell, forward_cell,
)
from sklstm._kernels.simd cimport real


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
    forward_cell(<Cell> cell_named(cell), <int> s.shape[1], <int> s.shape[0], &peephole[0, 0],
                 &s_before[0, 0], &z[0, 0], &s[0, 0], &h[0, 0], &r[0, 0])


def errors(
    str cell,
    const real[:, ::1] z,    # IN     activations
    const real[:, ::1] h,    # IN     (S, n)
    const real[:, ::1] d_r,  # IN
    real[:, ::1] d_s,        # OUT    (S, n)
    real[:, ::1] d_o,        # OUT    (1, n)
):
    """What errors at the outputs of this step are at its states and output gates."""
    errors_of_cell(<Cell> cell_named(cell), <int> h.shape[1], <int> h.shape[0], &z[0, 0],
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
    """Undo one step."""
    backward_cell(<Cell> cell_named(cell), <int> s.shape[1], <int> s.shape[0], &flow[0, 0],
                  &s_before[0, 0], &s[0, 0], &h[0, 0], &d_r[0, 0], &z[0, 0], &d_s[0, 0],
                  &d_peephole[0, 0])
