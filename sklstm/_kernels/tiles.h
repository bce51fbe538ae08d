/* Register tiles: the innermost loops of all products.
 *
 * Sums stay in registers while a tile walks over its sources. Sizes are constants of each call, so
 * that the compiler unrolls; they are chosen so that sums, operands and nothing else fill the
 * registers. Numbers are in units (lanes are units of one sequence) or in lanes (lanes are
 * sequences), as products.pxd says.
 */
#ifndef SKLSTM_TILES_H
#define SKLSTM_TILES_H

#include "simd.h"
#include <stddef.h>

#if defined(__GNUC__) || defined(__clang__)
#define SKLSTM_APART static __attribute__((noinline, unused))
#else
#define SKLSTM_APART static
#endif

#if defined(__AVX512F__) || defined(__aarch64__)
#define SKLSTM_32_REGISTERS
enum {                    /* of 32 registers */
    TILE_VECTORS = 4,     /* vectors of rows, and */
    TILE_SEQUENCES = 6,   /* sequences, of a product in units: 24 sums */
    GRADIENT_ROWS = 8,    /* rows, and */
    GRADIENT_VECTORS = 3, /* vectors of columns, of the gradient in units: 24 sums */
    GRADIENT_COLUMNS = 6  /* columns, for half as many rows, of the gradient in lanes */
};
#else
enum { /* of 16 */
    TILE_VECTORS = 2,
    TILE_SEQUENCES = 6,
    GRADIENT_ROWS = 4,
    GRADIENT_VECTORS = 3,
    GRADIENT_COLUMNS = 6
};
#endif
enum {
    AHEAD = 8,                   /* sources whose weights are asked for before they are used */
    TILE_MAX = 2 * TILE_VECTORS, /* vectors, where few sequences leave room for two packed tiles */
    ROW_TILE = 8,                /* rows of a product in lanes */
    LANE_ROWS = GRADIENT_ROWS / 2
};

/* Sources of a product: `runs` runs of `count` numbers, `stride` apart, the same for all. */
typedef struct {
    ptrdiff_t runs;
    ptrdiff_t count;
    ptrdiff_t stride;
} Runs;

typedef enum { FROM_ZERO, FROM_BIAS, FROM_OUTPUT } Start;

/* z[q] = start + W x[q] for V vectors of rows and Q sequences, with `ways` sums side by side for
 * each. */
SKLSTM_INLINE void units_tile(
    const int V, const int Q, const int ways,
    const real *w,       /* (sources, TILE_VECTORS, LANES), and the same once more if V is more */
    ptrdiff_t next,      /* to there */
    const real *ahead,   /* weights that are needed later: V vectors of them are asked for */
    ptrdiff_t ask,       /* at each source, and then as many numbers further on */
    const Runs *sources,
    const real *const *x, /* (Q,) */
    Start start, const real *bias, real *const *z, ptrdiff_t row) {
    const int stored = V < TILE_VECTORS ? V : TILE_VECTORS; /* vectors of a packed source */
    vec sum[TILE_MAX * TILE_SEQUENCES];
    SKLSTM_UNROLL
    for (int q = 0; q < Q; q++) {
        SKLSTM_UNROLL
        for (int v = 0; v < V; v++)
            sum[q * V + v] = start == FROM_BIAS     ? load(bias + row + v * LANES)
                             : start == FROM_OUTPUT ? load(z[q] + row + v * LANES)
                                                    : splat(0);
    }
    SKLSTM_UNROLL
    for (int i = V * Q; i < V * Q * ways; i++) sum[i] = splat(0);
    for (ptrdiff_t run = 0; run < sources->runs; run++) {
        const real *at[TILE_SEQUENCES];
        ptrdiff_t k = 0, count = sources->count;
        SKLSTM_UNROLL
        for (int q = 0; q < Q; q++) at[q] = x[q] + run * sources->stride;
        for (; k + ways <= count; k += ways) {
            SKLSTM_UNROLL
            for (int way = 0; way < ways; way++) {
                vec weight[TILE_MAX];
                /* the next weights are on their way while these are used */
                SKLSTM_UNROLL
                for (int v = 0; v < V; v++)
                    prefetch(ahead + (v / TILE_VECTORS) * next + (v % TILE_VECTORS) * LANES);
                ahead += ask;
                SKLSTM_UNROLL
                for (int v = 0; v < V; v++)
                    weight[v] = load(w + (v / TILE_VECTORS) * next + (v % TILE_VECTORS) * LANES);
                w += stored * LANES;
                SKLSTM_UNROLL
                for (int q = 0; q < Q; q++) {
                    vec source = splat(at[q][k + way]);
                    SKLSTM_UNROLL
                    for (int v = 0; v < V; v++)
                        sum[(way * Q + q) * V + v] = sum[(way * Q + q) * V + v] + weight[v] * source;
                }
            }
        }
        for (; k < count; k++) { /* what is left of the ways: none where there is one */
            SKLSTM_UNROLL
            for (int q = 0; q < Q; q++) {
                vec source = splat(at[q][k]);
                SKLSTM_UNROLL
                for (int v = 0; v < V; v++)
                    sum[q * V + v] =
                        sum[q * V + v] +
                        load(w + (v / TILE_VECTORS) * next + (v % TILE_VECTORS) * LANES) * source;
            }
            w += stored * LANES;
        }
    }
    SKLSTM_UNROLL
    for (int way = 1; way < ways; way++) {
        SKLSTM_UNROLL
        for (int i = 0; i < V * Q; i++) sum[i] = sum[i] + sum[way * V * Q + i];
    }
    SKLSTM_UNROLL
    for (int q = 0; q < Q; q++) {
        SKLSTM_UNROLL
        for (int v = 0; v < V; v++) store(z[q] + row + v * LANES, sum[q * V + v]);
    }
}

/* Each size is a function of its own, so that its pointers find registers. */
#define TILE(V, Q, WAYS)                                                                       \
    SKLSTM_APART void units_tile_##V##_##Q##_##WAYS(                                           \
        const real *w, ptrdiff_t next, const real *ahead, ptrdiff_t ask, const Runs *sources,  \
        const real *const *x, Start start, const real *bias, real *const *z, ptrdiff_t row) {  \
        units_tile(V, Q, WAYS, w, next, ahead, ask, sources, x, start, bias, z, row);          \
    }
#define FEW(DO, V, WAYS) DO(V, 1, WAYS) DO(V, 2, WAYS) DO(V, 3, WAYS)
#define ALL(DO, V, WAYS) FEW(DO, V, WAYS) DO(V, 4, WAYS) DO(V, 5, WAYS) DO(V, 6, WAYS)
#ifdef SKLSTM_32_REGISTERS
#define ABREAST(DO) ALL(DO, 1, 4) ALL(DO, 2, 2)
#define ONE_BY_ONE(DO) ALL(DO, 1, 1) ALL(DO, 2, 1) ALL(DO, 3, 1) ALL(DO, 4, 1) FEW(DO, 8, 1)
#else
#define ABREAST(DO) ALL(DO, 1, 2)
#define ONE_BY_ONE(DO) ALL(DO, 1, 1) ALL(DO, 2, 1) FEW(DO, 4, 1)
#endif
ABREAST(TILE)
ONE_BY_ONE(TILE)

/* The tile for V vectors and Q sequences. Where vectors are few, several sums side by side keep the
 * multipliers busy: how many depends on V alone, so that a sequence gives the same bits with any
 * others beside it; from a bias (forward) it is always one, the order of the lanes. */
SKLSTM_INLINE void units_tile_of(int V, int Q, const real *w, ptrdiff_t next, const real *ahead,
                                 ptrdiff_t ask, const Runs *sources, const real *const *x,
                                 Start start, const real *bias, real *const *z, ptrdiff_t row) {
#define CASE(V, Q, WAYS)                                                                       \
    case V * 8 + Q:                                                                            \
        units_tile_##V##_##Q##_##WAYS(w, next, ahead, ask, sources, x, start, bias, z, row);   \
        return;
    if (start == FROM_ZERO) switch (V * 8 + Q) { ABREAST(CASE) }
    switch (V * 8 + Q) { ONE_BY_ONE(CASE) }
#undef TILE
#undef FEW
#undef ALL
#undef ABREAST
#undef ONE_BY_ONE
#undef CASE
}

/* z = start + W x for ROW_TILE rows of LANES sequences. */
SKLSTM_INLINE void rows_tile(const real *w /* (sources, ROW_TILE) */, const Runs *sources,
                             const real *x, Start start, const real *bias, real *z) {
    vec sum[ROW_TILE];
    SKLSTM_UNROLL
    for (int r = 0; r < ROW_TILE; r++)
        sum[r] = start == FROM_BIAS     ? splat(bias[r])
                 : start == FROM_OUTPUT ? load(z + r * LANES)
                                        : splat(0);
    for (ptrdiff_t run = 0; run < sources->runs; run++) {
        const real *at = x + run * sources->stride;
        for (ptrdiff_t k = 0; k < sources->count; k++) {
            vec source = load(at + k * LANES);
            SKLSTM_UNROLL
            for (int r = 0; r < ROW_TILE; r++) sum[r] = sum[r] + splat(w[r]) * source;
            w += ROW_TILE;
        }
    }
    SKLSTM_UNROLL
    for (int r = 0; r < ROW_TILE; r++) store(z + r * LANES, sum[r]);
}

/* d_w += sum over terms of d_z times source, for R rows and V vectors of columns. */
SKLSTM_INLINE void gradient_units_tile(
    const int R, const int V, int terms,
    const real *const *d_z, ptrdiff_t row, /* rows side by side */
    const real *const *x, ptrdiff_t column,
    real *d_w, ptrdiff_t stride) {
    vec sum[GRADIENT_ROWS * GRADIENT_VECTORS];
    SKLSTM_UNROLL
    for (int r = 0; r < R; r++) {
        SKLSTM_UNROLL
        for (int v = 0; v < V; v++) sum[r * V + v] = load(d_w + r * stride + v * LANES);
    }
    for (int i = 0; i < terms; i++) {
        const real *d = d_z[i] + row, *at = x[i] + column;
        vec source[GRADIENT_VECTORS];
        SKLSTM_UNROLL
        for (int v = 0; v < V; v++) source[v] = load(at + v * LANES);
        SKLSTM_UNROLL
        for (int r = 0; r < R; r++) {
            vec error = splat(d[r]);
            SKLSTM_UNROLL
            for (int v = 0; v < V; v++) sum[r * V + v] = sum[r * V + v] + error * source[v];
        }
    }
    SKLSTM_UNROLL
    for (int r = 0; r < R; r++) {
        SKLSTM_UNROLL
        for (int v = 0; v < V; v++) store(d_w + r * stride + v * LANES, sum[r * V + v]);
    }
}

SKLSTM_APART void gradient_units_tile_of(int R, int V, int terms, const real *const *d_z, ptrdiff_t row,
                                   const real *const *x, ptrdiff_t column, real *d_w,
                                   ptrdiff_t stride) {
#define CASE(R, V)                                                                             \
    case R * 4 + V:                                                                            \
        gradient_units_tile(R, V, terms, d_z, row, x, column, d_w, stride);                    \
        return;
#define ALL_VECTORS(R) CASE(R, 1) CASE(R, 2) CASE(R, 3)
    switch (R * 4 + V) {
#ifdef SKLSTM_32_REGISTERS
        ALL_VECTORS(8)
#endif
        ALL_VECTORS(4) ALL_VECTORS(2) ALL_VECTORS(1)
    }
#undef CASE
#undef ALL_VECTORS
}

/* The same in lanes, for LANE_ROWS rows and GRADIENT_COLUMNS columns; sums over lanes are stored. */
SKLSTM_INLINE void gradient_lanes_tile(
    int terms,
    const real *const *d_z, const ptrdiff_t *row,   /* (LANE_ROWS,) */
    const real *const *x, const ptrdiff_t *column,  /* (GRADIENT_COLUMNS,) */
    real *total /* (LANE_ROWS, GRADIENT_COLUMNS) */) {
    vec sum[LANE_ROWS * GRADIENT_COLUMNS];
    SKLSTM_UNROLL
    for (int i = 0; i < LANE_ROWS * GRADIENT_COLUMNS; i++) sum[i] = splat(0);
    for (int i = 0; i < terms; i++) {
        vec source[GRADIENT_COLUMNS];
        SKLSTM_UNROLL
        for (int c = 0; c < GRADIENT_COLUMNS; c++) source[c] = load(x[i] + column[c]);
        SKLSTM_UNROLL
        for (int r = 0; r < LANE_ROWS; r++) {
            vec error = load(d_z[i] + row[r]);
            SKLSTM_UNROLL
            for (int c = 0; c < GRADIENT_COLUMNS; c++)
                sum[r * GRADIENT_COLUMNS + c] = sum[r * GRADIENT_COLUMNS + c] + error * source[c];
        }
    }
    SKLSTM_UNROLL
    for (int i = 0; i < LANE_ROWS * GRADIENT_COLUMNS / SUMS_AT_ONCE; i++)
        store_sums(total + i * SUMS_AT_ONCE, &sum[i * SUMS_AT_ONCE]);
}

#endif
