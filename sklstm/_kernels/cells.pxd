"""One step of the four cells, forward beside backward, element by element.

A group is `n` numbers: one unit of every block (and sequence) worked on together. Every array is
a stack of groups, S is the number of cells per block:

=============  ====================================================================
z              gates, cells, output gate; pre-activations, then activations, then
               after the backward step the gradient at the pre-activations
s, h           (S, n) cell states and their squashed values h(s)
r              (S, n) cell outputs o h(s); "1997": (S + 2, n), input and output gates last
d_r            gradient at r(t), with all that it receives
d_s            (S, n) gradient at s(t) on entry, at s(t-1) on exit
peephole       (3, S, n) weights of input, forget, output gate
=============  ====================================================================

Forward steps overwrite s, h, r and z. Backward steps overwrite z, update d_s and add to
d_peephole. Equation numbers are those of Hochreiter & Schmidhuber (1997), appendix A.1.
"""

from sklstm._kernels.simd cimport LANES, load, real, sigmoid, splat, store, vec, vtanh


cdef enum Cell:
    FORGET
    PAPER  # "1997"
    PEEPHOLE
    COUPLED
    BARE  # of experiments 2a and 2b; only in _trials.pyx, as the next one
    CONTINUAL_CELL  # the forget gate as of Gers et al. (2000)


cdef inline void forward_forget(
    int n, int S, const real* s_prev, real* z, real* s, real* h, real* r
) noexcept nogil:
    cdef int p, e, v, c
    cdef vec i, f, o, g, state, squashed
    for p in range(n // LANES):
        e = p * LANES
        i = sigmoid(load(z + e))
        f = sigmoid(load(z + n + e))
        o = sigmoid(load(z + (2 + S) * n + e))
        for v in range(S):
            c = v * n + e
            g = vtanh(load(z + 2 * n + c))
            # s(t) = f s(t-1) + i g;  y(t) = o tanh(s(t))
            state = f * load(s_prev + c) + i * g
            squashed = vtanh(state)
            store(z + 2 * n + c, g)
            store(s + c, state)
            store(h + c, squashed)
            store(r + c, o * squashed)
        store(z + e, i)
        store(z + n + e, f)
        store(z + (2 + S) * n + e, o)


cdef inline void backward_forget(
    int n, int S, const real* s_prev, const real* h, const real* d_r, real* z, real* d_s
) noexcept nogil:
    cdef int p, e, v, c
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


cdef inline void forward_paper(
    int n, int S, const real* s_prev, real* z, real* s, real* h, real* r
) noexcept nogil:
    cdef int p, e, v, c
    cdef vec i, o, g, state, squashed
    cdef vec half = splat(<real> 0.5)
    for p in range(n // LANES):
        e = p * LANES
        i = sigmoid(load(z + e))  # (7)
        o = sigmoid(load(z + (1 + S) * n + e))  # (8)
        for v in range(S):
            c = v * n + e
            # (9) with g(x) = 2 tanh(x/2) and h(x) = tanh(x/2):
            # s(t) = s(t-1) + i g;  y(t) = o h(s(t))
            g = vtanh(half * load(z + n + c))
            g = g + g
            state = load(s_prev + c) + i * g
            squashed = vtanh(half * state)
            store(z + n + c, g)
            store(s + c, state)
            store(h + c, squashed)
            store(r + c, o * squashed)
        store(z + e, i)
        store(z + (1 + S) * n + e, o)
        # gate activations feed the hidden layer too
        store(r + S * n + e, i)
        store(r + (S + 1) * n + e, o)


cdef inline void backward_paper(
    int n, int S, const real* h, const real* d_r, real* z, real* d_s
) noexcept nogil:
    cdef int p, e, v, c
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


cdef inline void forward_peephole(
    int n, int S, const real* peephole, const real* s_prev, real* z, real* s, real* h, real* r
) noexcept nogil:
    cdef int p, e, v, c
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
            store(h + c, vtanh(state))
        o = sigmoid(o)
        for v in range(S):
            c = v * n + e
            # y(t) = o tanh(s(t))
            store(r + c, o * load(h + c))
        store(z + e, i)
        store(z + n + e, f)
        store(z + (2 + S) * n + e, o)


cdef inline void backward_peephole(
    int n, int S,
    const real* flow,  # IN     (3, S, n) peepholes that errors pass: all, or zeros if truncated
    const real* s_prev, const real* s, const real* h, const real* d_r,
    real* z, real* d_s, real* d_peephole,
) noexcept nogil:
    cdef int p, e, v, c
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


cdef inline void forward_coupled(
    int n, int S, const real* s_prev, real* z, real* s, real* h, real* r
) noexcept nogil:
    cdef int p, e, v, c
    cdef vec i, o, g, state, squashed, before
    for p in range(n // LANES):
        e = p * LANES
        i = sigmoid(load(z + e))
        o = sigmoid(load(z + (1 + S) * n + e))
        for v in range(S):
            c = v * n + e
            g = vtanh(load(z + n + c))
            before = load(s_prev + c)
            # s(t) = (1 - i) s(t-1) + i g;  y(t) = o tanh(s(t))
            state = before + i * (g - before)
            squashed = vtanh(state)
            store(z + n + c, g)
            store(s + c, state)
            store(h + c, squashed)
            store(r + c, o * squashed)
        store(z + e, i)
        store(z + (1 + S) * n + e, o)


cdef inline void backward_coupled(
    int n, int S, const real* s_prev, const real* h, const real* d_r, real* z, real* d_s
) noexcept nogil:
    cdef int p, e, v, c
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


cdef inline void forward_bare(
    int n, int S, real g_width, real g_lowest, const real* s_prev, real* z, real* s, real* h,
    real* r
) noexcept nogil:
    cdef int p, e, v, c
    cdef vec i, g, state
    for p in range(n // LANES):
        e = p * LANES
        i = sigmoid(load(z + e))
        for v in range(S):
            c = v * n + e
            # s(t) = s(t-1) + i g;  y(t) = s(t), with g logistic between two bounds
            g = splat(g_width) * sigmoid(load(z + n + c)) + splat(g_lowest)
            state = load(s_prev + c) + i * g
            store(z + n + c, g)
            store(s + c, state)
            store(h + c, state)
            store(r + c, state)
        store(z + e, i)


cdef inline void forward_continual(
    int n, int S, const real* s_prev, real* z, real* s, real* h, real* r
) noexcept nogil:
    cdef int p, e, v, c
    cdef vec i, f, o, g, state, squashed
    cdef vec half = splat(<real> 0.5)
    for p in range(n // LANES):
        e = p * LANES
        i = sigmoid(load(z + e))
        f = sigmoid(load(z + n + e))
        o = sigmoid(load(z + (2 + S) * n + e))
        for v in range(S):
            c = v * n + e
            # s(t) = f s(t-1) + i g;  y(t) = o h(s(t)), g and h as in 1997
            g = vtanh(half * load(z + 2 * n + c))
            g = g + g
            state = f * load(s_prev + c) + i * g
            squashed = vtanh(half * state)
            store(z + 2 * n + c, g)
            store(s + c, state)
            store(h + c, squashed)
            store(r + c, o * squashed)
        store(z + e, i)
        store(z + n + e, f)
        store(z + (2 + S) * n + e, o)
