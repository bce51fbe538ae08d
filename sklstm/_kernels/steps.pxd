"""One step of every cell, element by element: forward, backward, and slopes of its states.

A group is `n` numbers: one unit of every block (and sequence) that is computed together. Every
array is a stack of groups. S is the number of cells per block:

=============  ====================================================================
z              gates, cells, output gate; pre-activations, then activations, then
               after the backward step the gradient at the pre-activations
s, h           (S, n) cell states and their squashed values h(s)
r              (S, n) cell outputs o h(s); "1997": (S + 2, n), input and output gates last
d_r            gradient at r(t), with all that it receives
d_s            (S, n) gradient at s(t) on entry, at s(t-1) on exit
peephole       (3, S, n) weights of input, forget, output gate
slopes         (gates before the cells + 2, S, n) derivatives of s(t) by s(t-1), then by the
               pre-activations of the input gate, the forget gate if there is one, and the cell
=============  ====================================================================

Forward steps overwrite s, h, r and z. Backward steps overwrite z, update d_s and add to
d_peephole. Equation numbers refer to Hochreiter & Schmidhuber (1997), appendix A.1. cells.pxd
selects the step for each cell.
"""

from sklstm._kernels.simd cimport LANES, load, real, sigmoid, splat, store, vec, vtanh


# ---------------------------------------------------------------------------- outputs, gated


cdef inline void put_out(
    Py_ssize_t n, Py_ssize_t S,
    real width,  # h(x) = tanh(x / width)
    const real* gate, const real* s, real* h, real* r,
) noexcept nogil:
    """y(t) = o h(s(t)), after all states are computed, so that operations are independent."""
    cdef Py_ssize_t p, e, v, c
    cdef vec squashed, narrow = splat(1 / width)
    for v in range(S):
        for p in range(n // LANES):
            e = p * LANES
            c = v * n + e
            squashed = vtanh(narrow * load(s + c))
            store(h + c, squashed)
            store(r + c, load(gate + e) * squashed)


cdef inline void double_all(Py_ssize_t n, real* x) noexcept nogil:
    cdef Py_ssize_t k
    for k in range(n):
        x[k] = 2 * x[k]


# ---------------------------------------------------------------------------- forget, continual


cdef inline void forward_forget(
    Py_ssize_t n, Py_ssize_t S,
    real width,  # g(x) = width tanh(x / width), h(x) = tanh(x / width)
    const real* s_prev, real* z, real* s, real* h, real* r,
) noexcept nogil:
    cdef Py_ssize_t p, e, v, c
    cdef vec i, f, g
    cdef vec wide = splat(width), narrow = splat(1 / width)
    for p in range(n // LANES):
        e = p * LANES
        i = sigmoid(load(z + e))
        f = sigmoid(load(z + n + e))
        for v in range(S):
            c = v * n + e
            g = wide * vtanh(narrow * load(z + 2 * n + c))
            # s(t) = f s(t-1) + i g
            store(z + 2 * n + c, g)
            store(s + c, f * load(s_prev + c) + i * g)
        store(z + e, i)
        store(z + n + e, f)
        store(z + (2 + S) * n + e, sigmoid(load(z + (2 + S) * n + e)))
    put_out(n, S, width, z + (2 + S) * n, s, h, r)


cdef inline void backward_forget(
    Py_ssize_t n, Py_ssize_t S, const real* s_prev, const real* h, const real* d_r, real* z,
    real* d_s
) noexcept nogil:
    cdef Py_ssize_t p, e, v, c
    cdef vec i, f, o, g, squashed, d_y, d_state, d_i, d_f, d_o
    cdef vec one = splat(1)
    for p in range(n // LANES):
        e = p * LANES
        i, f, o = load(z + e), load(z + n + e), load(z + (2 + S) * n + e)
        d_i = d_f = d_o = splat(0)
        for v in range(S):
            c = v * n + e
            g, squashed, d_y = load(z + 2 * n + c), load(h + c), load(d_r + c)
            # y(t) = o tanh(s(t))
            d_o = d_o + d_y * squashed
            d_state = load(d_s + c) + d_y * o * (one - squashed * squashed)
            # s(t) = f s(t-1) + i g
            d_i = d_i + d_state * g
            d_f = d_f + d_state * load(s_prev + c)
            store(z + 2 * n + c, d_state * i * (one - g * g))
            store(d_s + c, d_state * f)
        store(z + e, d_i * i * (one - i))
        store(z + n + e, d_f * f * (one - f))
        store(z + (2 + S) * n + e, d_o * o * (one - o))


cdef inline void slopes_forget(
    Py_ssize_t n, Py_ssize_t S, real width, const real* s_prev, const real* z, real* slopes
) noexcept nogil:
    cdef Py_ssize_t p, e, v, c
    cdef vec i, f, g
    cdef vec one = splat(1), narrow = splat(1 / width)
    for p in range(n // LANES):
        e = p * LANES
        i, f = load(z + e), load(z + n + e)
        for v in range(S):
            c = v * n + e
            # s(t) = f s(t-1) + i g
            g = load(z + 2 * n + c)
            store(slopes + c, f)
            store(slopes + S * n + c, g * i * (one - i))
            store(slopes + 2 * S * n + c, load(s_prev + c) * f * (one - f))
            g = narrow * g
            store(slopes + 3 * S * n + c, i * (one - g * g))


# ---------------------------------------------------------------------------- 1997


cdef inline void forward_paper(
    Py_ssize_t n, Py_ssize_t S,
    real span,  # g(x) = span tanh(x/2)
    const real* s_prev, real* z, real* s, real* h, real* r
) noexcept nogil:
    cdef Py_ssize_t p, e, v, c
    cdef vec i, o, g
    cdef vec half = splat(<real> 0.5), wide = splat(span)
    for p in range(n // LANES):
        e = p * LANES
        i = sigmoid(load(z + e))  # (7)
        o = sigmoid(load(z + (1 + S) * n + e))  # (8)
        for v in range(S):
            c = v * n + e
            # (9): s(t) = s(t-1) + i g
            g = wide * vtanh(half * load(z + n + c))
            store(z + n + c, g)
            store(s + c, load(s_prev + c) + i * g)
        store(z + e, i)
        store(z + (1 + S) * n + e, o)
        # gate activations are recurrent sources too
        store(r + S * n + e, i)
        store(r + (S + 1) * n + e, o)
    put_out(n, S, 2, z + (1 + S) * n, s, h, r)


cdef inline void backward_paper(
    Py_ssize_t n, Py_ssize_t S, const real* h, const real* d_r, real* z, real* d_s
) noexcept nogil:
    cdef Py_ssize_t p, e, v, c
    cdef vec i, o, g, squashed, d_y, d_state, d_i, d_o
    cdef vec one = splat(1), half = splat(<real> 0.5), quarter = splat(<real> 0.25)
    for p in range(n // LANES):
        e = p * LANES
        i, o = load(z + e), load(z + (1 + S) * n + e)
        d_i, d_o = load(d_r + S * n + e), load(d_r + (S + 1) * n + e)
        for v in range(S):
            c = v * n + e
            g, squashed, d_y = load(z + n + c), load(h + c), load(d_r + c)
            # y(t) = o h(s(t)), h' = (1 - h^2) / 2: (21), (23)
            d_o = d_o + d_y * squashed
            d_state = load(d_s + c) + d_y * o * half * (one - squashed * squashed)
            # s(t) = s(t-1) + i g, g' = 1 - g^2 / 4: (26), (28)
            d_i = d_i + d_state * g
            store(z + n + c, d_state * i * (one - quarter * g * g))
            store(d_s + c, d_state)
        store(z + e, d_i * i * (one - i))
        store(z + (1 + S) * n + e, d_o * o * (one - o))


cdef inline void slopes_paper(
    Py_ssize_t n, Py_ssize_t S, real span, const real* s_prev, const real* z, real* slopes
) noexcept nogil:
    cdef Py_ssize_t p, e, v, c
    cdef vec i, g
    cdef vec one = splat(1)
    # g' = span / 2 - g^2 / (2 span)
    cdef vec steepest = splat(span / 2), bend = splat(1 / (2 * span))
    for p in range(n // LANES):
        e = p * LANES
        i = load(z + e)
        for v in range(S):
            c = v * n + e
            # s(t) = s(t-1) + i g: (25), (27)
            g = load(z + n + c)
            store(slopes + c, one)
            store(slopes + S * n + c, g * i * (one - i))
            store(slopes + 2 * S * n + c, i * (steepest - bend * g * g))


# ---------------------------------------------------------------------------- peephole


cdef inline void forward_peephole(
    Py_ssize_t n, Py_ssize_t S, const real* peephole, const real* s_prev, real* z, real* s, real* h,
    real* r
) noexcept nogil:
    cdef Py_ssize_t p, e, v, c
    cdef vec i, f, o, g, state
    for p in range(n // LANES):
        e = p * LANES
        i, f, o = load(z + e), load(z + n + e), load(z + (2 + S) * n + e)
        for v in range(S):
            c = v * n + e
            # input and forget gate see s(t-1), the output gate sees s(t)
            i = i + load(peephole + c) * load(s_prev + c)
            f = f + load(peephole + S * n + c) * load(s_prev + c)
        i, f = sigmoid(i), sigmoid(f)
        for v in range(S):
            c = v * n + e
            g = vtanh(load(z + 2 * n + c))
            # s(t) = f s(t-1) + i g
            state = f * load(s_prev + c) + i * g
            o = o + load(peephole + 2 * S * n + c) * state
            store(z + 2 * n + c, g)
            store(s + c, state)
        store(z + e, i)
        store(z + n + e, f)
        store(z + (2 + S) * n + e, sigmoid(o))
    put_out(n, S, 1, z + (2 + S) * n, s, h, r)


cdef inline void backward_peephole(
    Py_ssize_t n, Py_ssize_t S,
    const real* flow,  # IN     (3, S, n) peepholes that errors pass: all, or zeros if truncated
    const real* s_prev, const real* s, const real* h, const real* d_r,
    real* z, real* d_s, real* d_peephole,
) noexcept nogil:
    cdef Py_ssize_t p, e, v, c
    cdef vec i, f, o, g, squashed, d_y, d_state, d_i, d_f, d_o, before
    cdef vec one = splat(1)
    for p in range(n // LANES):
        e = p * LANES
        i, f, o = load(z + e), load(z + n + e), load(z + (2 + S) * n + e)
        d_i = d_f = d_o = splat(0)
        for v in range(S):
            # y(t) = o tanh(s(t))
            d_o = d_o + load(d_r + v * n + e) * load(h + v * n + e)
        d_o = d_o * o * (one - o)
        for v in range(S):
            c = v * n + e
            g, squashed, d_y = load(z + 2 * n + c), load(h + c), load(d_r + c)
            before = load(s_prev + c)
            d_state = load(d_s + c) + d_y * o * (one - squashed * squashed)
            # z_o = ... + p_o s(t)
            d_state = d_state + d_o * load(flow + 2 * S * n + c)
            store(d_peephole + 2 * S * n + c,
                  load(d_peephole + 2 * S * n + c) + d_o * load(s + c))
            # s(t) = f s(t-1) + i g
            d_i = d_i + d_state * g
            d_f = d_f + d_state * before
            store(z + 2 * n + c, d_state * i * (one - g * g))
            store(d_s + c, d_state * f)
        d_i, d_f = d_i * i * (one - i), d_f * f * (one - f)
        for v in range(S):
            c = v * n + e
            before = load(s_prev + c)
            # z_i = ... + p_i s(t-1);  z_f = ... + p_f s(t-1)
            store(d_s + c, load(d_s + c) + d_i * load(flow + c) + d_f * load(flow + S * n + c))
            store(d_peephole + c, load(d_peephole + c) + d_i * before)
            store(d_peephole + S * n + c, load(d_peephole + S * n + c) + d_f * before)
        store(z + e, d_i)
        store(z + n + e, d_f)
        store(z + (2 + S) * n + e, d_o)


# ---------------------------------------------------------------------------- coupled


cdef inline void forward_coupled(
    Py_ssize_t n, Py_ssize_t S, const real* s_prev, real* z, real* s, real* h, real* r
) noexcept nogil:
    cdef Py_ssize_t p, e, v, c
    cdef vec i, g, before
    for p in range(n // LANES):
        e = p * LANES
        i = sigmoid(load(z + e))
        for v in range(S):
            c = v * n + e
            g = vtanh(load(z + n + c))
            before = load(s_prev + c)
            # s(t) = (1 - i) s(t-1) + i g
            store(z + n + c, g)
            store(s + c, before + i * (g - before))
        store(z + e, i)
        store(z + (1 + S) * n + e, sigmoid(load(z + (1 + S) * n + e)))
    put_out(n, S, 1, z + (1 + S) * n, s, h, r)


cdef inline void backward_coupled(
    Py_ssize_t n, Py_ssize_t S, const real* s_prev, const real* h, const real* d_r, real* z,
    real* d_s
) noexcept nogil:
    cdef Py_ssize_t p, e, v, c
    cdef vec i, o, g, squashed, d_y, d_state, d_i, d_o
    cdef vec one = splat(1)
    for p in range(n // LANES):
        e = p * LANES
        i, o = load(z + e), load(z + (1 + S) * n + e)
        d_i = d_o = splat(0)
        for v in range(S):
            c = v * n + e
            g, squashed, d_y = load(z + n + c), load(h + c), load(d_r + c)
            # y(t) = o tanh(s(t))
            d_o = d_o + d_y * squashed
            d_state = load(d_s + c) + d_y * o * (one - squashed * squashed)
            # s(t) = (1 - i) s(t-1) + i g
            d_i = d_i + d_state * (g - load(s_prev + c))
            store(z + n + c, d_state * i * (one - g * g))
            store(d_s + c, d_state * (one - i))
        store(z + e, d_i * i * (one - i))
        store(z + (1 + S) * n + e, d_o * o * (one - o))


cdef inline void slopes_coupled(
    Py_ssize_t n, Py_ssize_t S, const real* s_prev, const real* z, real* slopes
) noexcept nogil:
    cdef Py_ssize_t p, e, v, c
    cdef vec i, g
    cdef vec one = splat(1)
    for p in range(n // LANES):
        e = p * LANES
        i = load(z + e)
        for v in range(S):
            c = v * n + e
            # s(t) = (1 - i) s(t-1) + i g
            g = load(z + n + c)
            store(slopes + c, one - i)
            store(slopes + S * n + c, (g - load(s_prev + c)) * i * (one - i))
            store(slopes + 2 * S * n + c, i * (one - g * g))


# ---------------------------------------------------------------------------- bare, centred


cdef inline void forward_bare(
    Py_ssize_t n, Py_ssize_t S, real width, real lowest, const real* s_prev, real* z, real* s,
    real* h, real* r
) noexcept nogil:
    cdef Py_ssize_t p, e, v, c
    cdef vec i, g, state
    for p in range(n // LANES):
        e = p * LANES
        i = sigmoid(load(z + e))
        for v in range(S):
            c = v * n + e
            # s(t) = s(t-1) + i g;  y(t) = s(t), with g logistic between two bounds
            g = splat(width) * sigmoid(load(z + n + c)) + splat(lowest)
            state = load(s_prev + c) + i * g
            store(z + n + c, g)
            store(s + c, state)
            store(h + c, state)
            store(r + c, state)
        store(z + e, i)


cdef inline void slopes_bare(
    Py_ssize_t n, Py_ssize_t S, real width, real lowest, const real* s_prev, const real* z,
    real* slopes
) noexcept nogil:
    cdef Py_ssize_t p, e, v, c
    cdef vec i, g, a
    cdef vec one = splat(1)
    for p in range(n // LANES):
        e = p * LANES
        i = load(z + e)
        for v in range(S):
            c = v * n + e
            # s(t) = s(t-1) + i g, with g = width a + lowest and a logistic
            g = load(z + n + c)
            a = (g - splat(lowest)) / splat(width)
            store(slopes + c, one)
            store(slopes + S * n + c, g * i * (one - i))
            store(slopes + 2 * S * n + c, i * splat(width) * a * (one - a))


# ---------------------------------------------------------------------------- errors at a step


cdef inline void errors_gated(
    Py_ssize_t n, Py_ssize_t S,
    real width,  # h(x) = tanh(x / width)
    Py_ssize_t out_row,  # group of the output gate in z
    const real* z, const real* h, const real* d_r, real* d_s, real* d_o,
) noexcept nogil:
    cdef Py_ssize_t p, e, v, c
    cdef vec o, squashed, d_y, d_gate
    cdef vec one = splat(1), narrow = splat(1 / width)
    for p in range(n // LANES):
        e = p * LANES
        o, d_gate = load(z + out_row * n + e), splat(0)
        for v in range(S):
            c = v * n + e
            d_y, squashed = load(d_r + c), load(h + c)
            # y(t) = o h(s(t)): (21), (23)
            d_gate = d_gate + d_y * squashed
            store(d_s + c, d_y * o * (one - squashed * squashed) * narrow)
        store(d_o + e, d_gate * o * (one - o))
