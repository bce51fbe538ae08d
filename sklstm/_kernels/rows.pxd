"""Products with rows of weights in the public flat vector, without packing."""

from libc.string cimport memset

from sklstm._kernels.layout cimport Layer
from sklstm._kernels.products cimport reals, whole_vectors
from sklstm._kernels.simd cimport (
    LANES, SUMS_AT_ONCE, flush_denormals, float_mode, load, real, restore_float_mode, splat,
    store_sums, sum_lanes, vec,
)


cdef inline real dot(const real* a, const real* b, Py_ssize_t n) noexcept nogil:
    """Sum of products, for any n."""
    cdef vec total = splat(0)
    cdef real rest = 0
    cdef Py_ssize_t k, p
    for p in range(n // LANES):
        total = total + load(a + p * LANES) * load(b + p * LANES)
    for k in range(n // LANES * LANES, n):
        rest += a[k] * b[k]
    return sum_lanes(total) + rest


cdef inline void dots(const reals* a, const real* b, Py_ssize_t n, real* sums) noexcept nogil:
    """SUMS_AT_ONCE sums of products. They read up to whole vectors, so b must be zero after the
    first n numbers."""
    cdef vec[SUMS_AT_ONCE] total
    cdef vec x
    cdef Py_ssize_t r, p
    for r in range(SUMS_AT_ONCE):
        total[r] = splat(0)
    for p in range(whole_vectors(n) // LANES):
        x = load(b + p * LANES)
        for r in range(SUMS_AT_ONCE):
            total[r] = total[r] + load(a[r] + p * LANES) * x
    store_sums(sums, total)


cdef inline void multiply_rows(
    const real* vector, Py_ssize_t n_total, const Layer* layer, Py_ssize_t first, Py_ssize_t stop,
    const real* source,  # IN     whole vectors, zeros behind the last
    real* z,
) noexcept nogil:
    """z = W source for some rows of a layer; may run on any thread."""
    cdef Py_ssize_t row = first, r, K = layer.weights.columns + 1
    cdef const Py_ssize_t* row_at = layer.weights.padded_row_at
    cdef Py_ssize_t safe = n_total - whole_vectors(K)  # where a row may be read beyond
    cdef reals[SUMS_AT_ONCE] weights
    cdef float_mode mode = flush_denormals()
    while row < stop:
        if row_at[row] < 0:  # padding, up to the end of the group
            memset(z + row, 0, SUMS_AT_ONCE * sizeof(real))
            row += SUMS_AT_ONCE
            continue
        for r in range(SUMS_AT_ONCE):
            weights[r] = &vector[max(0, min(row_at[row + r], safe))]
        if safe >= 0:
            dots(weights, source, K, z + row)
        for r in range(SUMS_AT_ONCE):
            if row_at[row + r] < 0:
                z[row + r] = 0
            elif row_at[row + r] > safe:
                z[row + r] = dot(&vector[row_at[row + r]], source, K)
        row += SUMS_AT_ONCE
    restore_float_mode(mode)
