/* Vectors of the machine, and exp, sigmoid and tanh on them.
 *
 * A kernel module is compiled once for each precision (-DSKLSTM_REAL=float or double) and each
 * instruction set. `real` is its number, `vec` is LANES of them side by side; + - * / work on both.
 * With GCC and Clang `vec` is their generic vector type, as wide as the instruction set that the
 * file is compiled for. Any other compiler, or -DSKLSTM_SCALAR, gets LANES = 1 and `vec` = `real`.
 */
#ifndef SKLSTM_SIMD_H
#define SKLSTM_SIMD_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifndef SKLSTM_REAL
#define SKLSTM_REAL double
#endif
#ifdef SKLSTM_FLOAT
typedef uint32_t integer;
#else
typedef uint64_t integer;
#endif
typedef SKLSTM_REAL real;

#if defined(__GNUC__) && !defined(__clang__)
#define SKLSTM_UNROLL _Pragma("GCC unroll 32")
#elif defined(__clang__)
#define SKLSTM_UNROLL _Pragma("clang loop unroll(full)")
#else
#define SKLSTM_UNROLL
#endif

/* Clang for Windows with the options of MSVC defines __clang__ without __GNUC__. */
#if (defined(__GNUC__) || defined(__clang__)) && !defined(SKLSTM_SCALAR)
#if defined(__AVX512F__)
#define SKLSTM_VECTOR_BYTES 64
#elif defined(__AVX2__)
#define SKLSTM_VECTOR_BYTES 32
#else
#define SKLSTM_VECTOR_BYTES 16
#endif
#define SKLSTM_INLINE static inline __attribute__((always_inline, unused))
typedef real vec __attribute__((vector_size(SKLSTM_VECTOR_BYTES)));
typedef integer ivec __attribute__((vector_size(SKLSTM_VECTOR_BYTES)));
/* the same vector, aligned only to a real */
typedef real vec_anywhere
    __attribute__((vector_size(SKLSTM_VECTOR_BYTES), aligned(sizeof(real)), may_alias));
enum { LANES = SKLSTM_VECTOR_BYTES / sizeof(real) };

SKLSTM_INLINE vec load(const real *p) { return *(const vec_anywhere *)p; }
SKLSTM_INLINE void store(real *p, vec x) { *(vec_anywhere *)p = x; }
SKLSTM_INLINE vec splat(real x) { return x - (vec){0}; }
SKLSTM_INLINE ivec bits_of(vec x) { return (ivec)x; }
SKLSTM_INLINE vec of_bits(ivec x) { return (vec)x; }
SKLSTM_INLINE ivec above(vec a, vec b, int or_equal) {
    return or_equal ? (ivec)(a >= b) : (ivec)(a > b);
}
SKLSTM_INLINE ivec same(ivec a, ivec b) { return (ivec)(a == b); }
SKLSTM_INLINE ivec isplat(integer x) { return x - (ivec){0}; }
/* NaN stays NaN, because it fails both comparisons. */
SKLSTM_INLINE vec clamp(vec x, real low, real high) {
    ivec under = (ivec)(x < splat(low)), over = (ivec)(x > splat(high));
    return of_bits((under & bits_of(splat(low))) | (over & bits_of(splat(high))) |
                   (~(under | over) & bits_of(x)));
}
/* The order of additions is fixed: the upper half is added to the lower until one is left. */
#define SKLSTM_HALVE(whole, bytes)                                                      \
    typedef real half_of_##whole __attribute__((vector_size(bytes)));                   \
    SKLSTM_INLINE half_of_##whole halve_##whole(whole x) {                              \
        union { whole all; half_of_##whole half[2]; } both = {x};                       \
        return both.half[0] + both.half[1];                                             \
    }
typedef real vec64 __attribute__((vector_size(64)));
typedef real vec32 __attribute__((vector_size(32)));
typedef real vec16 __attribute__((vector_size(16)));
#if SKLSTM_VECTOR_BYTES == 64
SKLSTM_HALVE(vec64, 32)
#define SKLSTM_TO_16(x) halve_vec32(halve_vec64(x))
#endif
#if SKLSTM_VECTOR_BYTES >= 32
SKLSTM_HALVE(vec32, 16)
#endif
#if SKLSTM_VECTOR_BYTES == 32
#define SKLSTM_TO_16(x) halve_vec32(x)
#elif SKLSTM_VECTOR_BYTES == 16
#define SKLSTM_TO_16(x) (x)
#endif
SKLSTM_INLINE real sum_lanes(vec x) {
    vec16 y = SKLSTM_TO_16(x);
#ifdef SKLSTM_FLOAT
    return (y[0] + y[2]) + (y[1] + y[3]);
#else
    return y[0] + y[1];
#endif
}
/* The same for SUMS_AT_ONCE vectors, whose sums are stored side by side. */
#if defined(__clang__)
#define SKLSTM_PICK(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SKLSTM_PICK(a, b, ...) __builtin_shuffle(a, b, (pick16){__VA_ARGS__})
#endif
typedef integer pick16 __attribute__((vector_size(16)));
typedef real vec16_anywhere __attribute__((vector_size(16), aligned(sizeof(real)), may_alias));
enum { SUMS_AT_ONCE = 16 / sizeof(real) };
SKLSTM_INLINE void store_sums(real *p, const vec *x) {
    vec16 a = SKLSTM_TO_16(x[0]), b = SKLSTM_TO_16(x[1]);
#ifdef SKLSTM_FLOAT
    vec16 c = SKLSTM_TO_16(x[2]), d = SKLSTM_TO_16(x[3]);
    vec16 ab = SKLSTM_PICK(a, b, 0, 4, 1, 5) + SKLSTM_PICK(a, b, 2, 6, 3, 7);
    vec16 cd = SKLSTM_PICK(c, d, 0, 4, 1, 5) + SKLSTM_PICK(c, d, 2, 6, 3, 7);
    *(vec16_anywhere *)p = SKLSTM_PICK(ab, cd, 0, 1, 4, 5) + SKLSTM_PICK(ab, cd, 2, 3, 6, 7);
#else
    *(vec16_anywhere *)p = SKLSTM_PICK(a, b, 0, 2) + SKLSTM_PICK(a, b, 1, 3);
#endif
}
#else
#if defined(__GNUC__) || defined(__clang__)
#define SKLSTM_INLINE static inline __attribute__((unused))
#else
#define SKLSTM_INLINE static inline
#endif
typedef real vec;
typedef integer ivec;
enum { LANES = 1 };

SKLSTM_INLINE vec load(const real *p) { return *p; }
SKLSTM_INLINE void store(real *p, vec x) { *p = x; }
SKLSTM_INLINE vec splat(real x) { return x; }
SKLSTM_INLINE ivec bits_of(vec x) { ivec b; memcpy(&b, &x, sizeof b); return b; }
SKLSTM_INLINE vec of_bits(ivec b) { vec x; memcpy(&x, &b, sizeof x); return x; }
SKLSTM_INLINE ivec above(vec a, vec b, int or_equal) {
    return -(integer)(or_equal ? a >= b : a > b);
}
SKLSTM_INLINE ivec same(ivec a, ivec b) { return -(integer)(a == b); }
SKLSTM_INLINE ivec isplat(integer x) { return x; }
SKLSTM_INLINE vec clamp(vec x, real low, real high) { return x < low ? low : x > high ? high : x; }
SKLSTM_INLINE real sum_lanes(vec x) { return x; }
enum { SUMS_AT_ONCE = 1 };
SKLSTM_INLINE void store_sums(real *p, const vec *x) { *p = *x; }
#endif

/* Replace the numbers of `most`, and their places, by those of x that are higher (or as high). */
SKLSTM_INLINE void keep_highest(const real *x, int or_equal, integer place, real *most,
                                integer *at) {
    ivec here, higher = above(load(x), load(most), or_equal);
    store(most, of_bits((higher & bits_of(load(x))) | (~higher & bits_of(load(most)))));
    memcpy(&here, at, sizeof here);
    here = (higher & isplat(place)) | (~higher & here);
    memcpy(at, &here, sizeof here);
}
/* x where `at` is the place, else 0. */
SKLSTM_INLINE vec only_at(const integer *at, integer place, vec x) {
    ivec here;
    memcpy(&here, at, sizeof here);
    return of_bits(same(here, isplat(place)) & bits_of(x));
}

#if defined(__AVX512F__) && !defined(SKLSTM_SCALAR)
#include <immintrin.h>
/* The second operand is returned if one is NaN. */
#ifdef SKLSTM_FLOAT
#define SKLSTM_CLAMP(x, low, high) \
    ((vec)_mm512_max_ps((__m512)splat(low), _mm512_min_ps((__m512)splat(high), (__m512)(x))))
#else
#define SKLSTM_CLAMP(x, low, high) \
    ((vec)_mm512_max_pd((__m512d)splat(low), _mm512_min_pd((__m512d)splat(high), (__m512d)(x))))
#endif
#elif defined(__AVX2__) && !defined(SKLSTM_SCALAR)
#include <immintrin.h>
#ifdef SKLSTM_FLOAT
#define SKLSTM_CLAMP(x, low, high) \
    ((vec)_mm256_max_ps((__m256)splat(low), _mm256_min_ps((__m256)splat(high), (__m256)(x))))
#else
#define SKLSTM_CLAMP(x, low, high) \
    ((vec)_mm256_max_pd((__m256d)splat(low), _mm256_min_pd((__m256d)splat(high), (__m256d)(x))))
#endif
#else
#define SKLSTM_CLAMP(x, low, high) clamp(x, low, high)
#endif

/* exp(x) = 2^k (1 + m), with k the nearest integer to x / ln 2 and m = exp(r) - 1 for the rest r,
 * |r| <= ln(2) / 2, from the polynomial whose largest relative error in m there is the least: 1.3e-8
 * in single precision, 1.8e-17 in double. Adding 1.5 * 2^(mantissa bits) leaves k in the low bits.
 */
#ifdef SKLSTM_FLOAT
#define SKLSTM_ROUND ((real)12582912.0)
#define SKLSTM_LN2_HIGH ((real)0.693359375)
#define SKLSTM_LN2_LOW ((real)-2.12194440e-4)
#define SKLSTM_MANTISSA 23
#define SKLSTM_EXP_MAX ((real)87.3)
#define SKLSTM_TANH_MAX ((real)9.1)
#else
#define SKLSTM_ROUND ((real)6755399441055744.0)
#define SKLSTM_LN2_HIGH ((real)6.93145751953125e-1)
#define SKLSTM_LN2_LOW ((real)1.42860682030941723212e-6)
#define SKLSTM_MANTISSA 52
#define SKLSTM_EXP_MAX ((real)708.0)
#define SKLSTM_TANH_MAX ((real)19.1)
#endif

/* m and k; x within +-SKLSTM_EXP_MAX */
SKLSTM_INLINE vec exp_parts(vec x, vec *k) {
    *k = (x * splat((real)1.44269504088896340736) + splat(SKLSTM_ROUND)) - splat(SKLSTM_ROUND);
    vec r = x - *k * splat(SKLSTM_LN2_HIGH);
    r = r - *k * splat(SKLSTM_LN2_LOW);
    vec r2 = r * r;
#define PAIR(a, b) (splat((real)(a)) + r * splat((real)(b)))
    /* pairs of terms, so that the chain of dependent operations is short */
#ifdef SKLSTM_FLOAT
    vec q = PAIR(0.5000000061895205, 0.1666654292483293) +
            r2 * (PAIR(0.0416662818401634, 0.0083665980321888) +
                  r2 * splat((real)0.0013946473569669));
#else
    vec r4 = r2 * r2;
    vec tail = PAIR(0.00138888889323593697, 0.000198412699030287322) +
               r2 * (PAIR(2.48015044377332511e-05, 2.75572279365870627e-06) +
                     r2 * PAIR(2.76263387949050439e-07, 2.51144837605066753e-08));
    vec q = PAIR(0.500000000000000552, 0.16666666666666686) +
            r2 * PAIR(0.0416666666665738062, 0.00833333333331460407) + r4 * tail;
#endif
#undef PAIR
    return r + r2 * q;
}

/* x 2^k */
SKLSTM_INLINE vec times_power(vec x, vec k) {
#if defined(__AVX512F__) && !defined(SKLSTM_SCALAR) && defined(SKLSTM_FLOAT)
    return (vec)_mm512_scalef_ps((__m512)x, (__m512)k);
#elif defined(__AVX512F__) && !defined(SKLSTM_SCALAR)
    return (vec)_mm512_scalef_pd((__m512d)x, (__m512d)k);
#else
    ivec low_bits = bits_of(k + splat(SKLSTM_ROUND)) << SKLSTM_MANTISSA;
    return x * of_bits(low_bits + bits_of(splat((real)1.0)));
#endif
}

SKLSTM_INLINE vec vexp(vec x) {
    vec k, m = exp_parts(SKLSTM_CLAMP(x, -SKLSTM_EXP_MAX, SKLSTM_EXP_MAX), &k);
    return times_power(splat((real)1.0) + m, k);
}

/* 1 / x, to about one unit in the last place. A division takes as long as a dozen multiplications.
 * Its seed is the same on all AVX-512 processors, which AVX2's is not. */
#if defined(__AVX512F__) && !defined(SKLSTM_SCALAR)
#ifdef SKLSTM_FLOAT
SKLSTM_INLINE vec reciprocal(vec x) {
    vec one = splat((real)1.0), y = (vec)_mm512_rcp14_ps((__m512)x);
    return y + y * (one - x * y); /* Newton: twice as many digits */
}
#else
SKLSTM_INLINE vec reciprocal(vec x) {
    vec one = splat((real)1.0), y = (vec)_mm512_rcp14_pd((__m512d)x);
    y = y + y * (one - x * y);
    return y + y * (one - x * y);
}
#endif
#else
SKLSTM_INLINE vec reciprocal(vec x) { return splat((real)1.0) / x; }
#endif

/* 1 / (1 + exp(-x)) */
SKLSTM_INLINE vec sigmoid(vec x) { return reciprocal(splat((real)1.0) + vexp(-x)); }

/* (e^2x - 1) / (e^2x + 1), from e^2x - 1 so that small x keep their digits */
SKLSTM_INLINE vec vtanh(vec x) {
    vec k, y = SKLSTM_CLAMP(x, -SKLSTM_TANH_MAX, SKLSTM_TANH_MAX);
    vec m = exp_parts(y + y, &k), scale = times_power(splat((real)1.0), k);
    vec e = (scale - splat((real)1.0)) + scale * m;
    return e * reciprocal(e + splat((real)2.0));
}

/* out[k * LANES + l] = rows[l][at + k] for LANES k; 0 where there is no row */
SKLSTM_INLINE void turn(const real *const *rows, ptrdiff_t at, real *out) {
#if defined(__GNUC__) && !defined(__clang__) && !defined(SKLSTM_SCALAR)
    vec x[LANES];
    ivec lane;
    SKLSTM_UNROLL
    for (int l = 0; l < LANES; l++) {
        lane[l] = l;
        x[l] = rows[l] ? load(rows[l] + at) : splat(0);
    }
    /* change places of blocks across the diagonal: of 1 x 1, 2 x 2, 4 x 4 ... */
    SKLSTM_UNROLL
    for (int size = 1; size < LANES; size *= 2) {
        ivec second = (ivec)((lane & size) != 0);
        SKLSTM_UNROLL
        for (int l = 0; l < LANES; l++) {
            if ((l & size) == 0) {
                vec a = x[l], b = x[l + size];
                x[l] = __builtin_shuffle(a, b, lane + (second & (LANES - size)));
                x[l + size] = __builtin_shuffle(a, b, lane + size + (second & (LANES - size)));
            }
        }
    }
    SKLSTM_UNROLL
    for (int l = 0; l < LANES; l++) store(out + l * LANES, x[l]);
#else
    for (int l = 0; l < LANES; l++)
        for (int k = 0; k < LANES; k++) out[k * LANES + l] = rows[l] ? rows[l][at + k] : 0;
#endif
}

#ifdef SKLSTM_FLOAT
#define square_root(x) sqrtf(x)
#else
#define square_root(x) sqrt(x)
#endif

/* The largest of n sizes |x|, n of whole vectors. */
SKLSTM_INLINE real largest_size(const real *x, ptrdiff_t n) {
    const ivec no_sign = isplat((integer)-1 >> 1);
    vec most = splat(0);
    real lanes[LANES], found = 0;
    for (ptrdiff_t k = 0; k < n; k += LANES) {
        vec size = of_bits(bits_of(load(x + k)) & no_sign);
        ivec more = above(size, most, 0);
        most = of_bits((more & bits_of(size)) | (~more & bits_of(most)));
    }
    store(lanes, most);
    for (int k = 0; k < LANES; k++) found = lanes[k] > found ? lanes[k] : found;
    return found;
}

/* Ask for a number that will be read soon. */
#if defined(__GNUC__) || defined(__clang__)
#define prefetch(p) __builtin_prefetch(p)
#else
#define prefetch(p) ((void)(p))
#endif

/* Denormal numbers cost a hundred cycles each and mean nothing here: kernels run with them
 * flushed to zero and give the thread back as it was. */
#if defined(__SSE2__) || defined(_M_X64)
#include <xmmintrin.h>
typedef unsigned int float_mode;
SKLSTM_INLINE float_mode flush_denormals(void) {
    float_mode before = _mm_getcsr();
    _mm_setcsr(before | 0x8040);
    return before;
}
SKLSTM_INLINE void restore_float_mode(float_mode before) { _mm_setcsr(before); }
#elif defined(__aarch64__) && (defined(__GNUC__) || defined(__clang__))
typedef uint64_t float_mode;
SKLSTM_INLINE float_mode flush_denormals(void) {
    float_mode before;
    __asm__ __volatile__("mrs %0, fpcr" : "=r"(before));
    __asm__ __volatile__("msr fpcr, %0" : : "r"(before | (1u << 24)));
    return before;
}
SKLSTM_INLINE void restore_float_mode(float_mode before) {
    __asm__ __volatile__("msr fpcr, %0" : : "r"(before));
}
#else
typedef int float_mode;
SKLSTM_INLINE float_mode flush_denormals(void) { return 0; }
SKLSTM_INLINE void restore_float_mode(float_mode before) { (void)before; }
#endif

#endif
