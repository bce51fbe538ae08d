"""Names of the cells, and one switch for each operation on them.

Batches, streams, trials and `inspection` call these functions for the forward step, the backward
step, the errors at one step, and the slopes of the states. The implementations, and the order of
all arrays, are in steps.pxd.
"""

from sklstm._kernels.simd cimport real
from sklstm._kernels.steps cimport (
    backward_coupled, backward_forget, backward_paper, backward_peephole, double_all,
    errors_gated, forward_bare, forward_coupled, forward_forget, forward_paper, forward_peephole,
    slopes_bare, slopes_coupled, slopes_forget, slopes_paper,
)


cdef enum Cell:
    FORGET
    PAPER  # "1997"
    PEEPHOLE
    COUPLED
    # cells of the paper's experiments
    CONTINUAL  # with the forget gate of Gers et al. (2000): FORGET with g and h of 1997
    BARE  # experiments 2a and 2b: a state with an input gate, g in [0, 1]
    CENTRED  # the same with g in [-2, 2]
    SWAPPED  # PAPER with g in [-1, 1] and h in [-2, 2], as Table 10 prints them


cdef inline int cell_named(str name) except -1:
    """The number of a cell."""
    return {
        "forget": FORGET, "1997": PAPER, "peephole": PEEPHOLE, "coupled": COUPLED,
        "continual": CONTINUAL, "bare": BARE, "centred": CENTRED,
        "swapped": SWAPPED,
    }[name]


cdef inline Py_ssize_t gates_before(Cell cell) noexcept nogil:
    """Number of gates whose rows are before those of the cells: input, forget."""
    return 2 if cell == FORGET or cell == PEEPHOLE or cell == CONTINUAL else 1


cdef inline Py_ssize_t gates_after(Cell cell) noexcept nogil:
    """Number of gates whose rows are after those of the cells: output."""
    return 0 if cell == BARE or cell == CENTRED else 1


cdef inline bint keeps_states(Cell cell) noexcept nogil:
    """True if s(t-1) is a term of s(t) with factor 1."""
    return cell == PAPER or cell == SWAPPED or cell == BARE or cell == CENTRED


cdef inline Py_ssize_t gates_fed(Cell cell) noexcept nogil:
    """Number of gates whose activations are recurrent sources."""
    return 2 if cell == PAPER or cell == SWAPPED else 0


cdef inline void forward_cell(
    Cell cell, Py_ssize_t n, Py_ssize_t S, const real* peephole, const real* s_prev,
    real* z, real* s, real* h, real* r,
) noexcept nogil:
    """Forward step: replaces pre-activations z by activations, and writes s, h and r."""
    if cell == FORGET:
        forward_forget(n, S, 1, s_prev, z, s, h, r)
    elif cell == PAPER:
        forward_paper(n, S, 2, s_prev, z, s, h, r)
    elif cell == SWAPPED:
        # h keeps half of its values, so that 1 - h^2 remains its slope
        forward_paper(n, S, 1, s_prev, z, s, h, r)
        double_all(S * n, r)
    elif cell == PEEPHOLE:
        forward_peephole(n, S, peephole, s_prev, z, s, h, r)
    elif cell == COUPLED:
        forward_coupled(n, S, s_prev, z, s, h, r)
    elif cell == CONTINUAL:
        forward_forget(n, S, 2, s_prev, z, s, h, r)
    elif cell == BARE:
        forward_bare(n, S, 1, 0, s_prev, z, s, h, r)
    elif cell == CENTRED:
        forward_bare(n, S, 4, -2, s_prev, z, s, h, r)


cdef inline void backward_cell(
    Cell cell, Py_ssize_t n, Py_ssize_t S, const real* flow, const real* s_prev, const real* s,
    const real* h,
    const real* d_r, real* z, real* d_s, real* d_peephole,
) noexcept nogil:
    """Backward step, for the cells of the estimators. The other cells learn forward in time."""
    if cell == FORGET:
        backward_forget(n, S, s_prev, h, d_r, z, d_s)
    elif cell == PAPER:
        backward_paper(n, S, h, d_r, z, d_s)
    elif cell == PEEPHOLE:
        backward_peephole(n, S, flow, s_prev, s, h, d_r, z, d_s, d_peephole)
    elif cell == COUPLED:
        backward_coupled(n, S, s_prev, h, d_r, z, d_s)


cdef inline void errors_of_cell(
    Cell cell, Py_ssize_t n, Py_ssize_t S, const real* z, const real* h,
    const real* d_r,  # IN     (S, n) at the cells' outputs
    real* d_s,  # OUT    (S, n)
    real* d_o,  # OUT    (n,) at the output gates' pre-activations
) noexcept nogil:
    """Errors at the states and output gates, from errors at the outputs of this step only."""
    cdef Py_ssize_t k
    if cell == FORGET or cell == PEEPHOLE:
        errors_gated(n, S, 1, 2 + S, z, h, d_r, d_s, d_o)
    elif cell == COUPLED:
        errors_gated(n, S, 1, 1 + S, z, h, d_r, d_s, d_o)
    elif cell == PAPER:
        errors_gated(n, S, 2, 1 + S, z, h, d_r, d_s, d_o)
    elif cell == CONTINUAL:
        errors_gated(n, S, 2, 2 + S, z, h, d_r, d_s, d_o)
    elif cell == SWAPPED:
        errors_gated(n, S, 2, 1 + S, z, h, d_r, d_s, d_o)
        double_all(S * n, d_s)
        double_all(n, d_o)
    elif cell == BARE or cell == CENTRED:
        # y(t) = s(t)
        for k in range(S * n):
            d_s[k] = d_r[k]


cdef inline void slopes_of_cell(
    Cell cell, Py_ssize_t n, Py_ssize_t S, const real* s_prev, const real* z, real* slopes
) noexcept nogil:
    """Derivatives of s(t) with constant recurrent sources: by s(t-1), then by the pre-activations
    of the input gate, of the forget gate (if there is one), and of the cell."""
    if cell == FORGET or cell == PEEPHOLE:
        slopes_forget(n, S, 1, s_prev, z, slopes)
    elif cell == PAPER:
        slopes_paper(n, S, 2, s_prev, z, slopes)
    elif cell == SWAPPED:
        slopes_paper(n, S, 1, s_prev, z, slopes)
    elif cell == COUPLED:
        slopes_coupled(n, S, s_prev, z, slopes)
    elif cell == CONTINUAL:
        slopes_forget(n, S, 2, s_prev, z, slopes)
    elif cell == BARE:
        slopes_bare(n, S, 1, 0, s_prev, z, slopes)
    elif cell == CENTRED:
        slopes_bare(n, S, 4, -2, s_prev, z, slopes)
