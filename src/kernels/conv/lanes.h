/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors of floats as wide as the instruction set that a file is compiled for has them. */
#ifndef ONR_KERNELS_CONV_LANES_H
#define ONR_KERNELS_CONV_LANES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#    include <immintrin.h>
#endif

#if defined(__AVX512F__)
#    define ONR_LANES    16
#    define ONR_EVEN     0, 2, 4, 6, 8, 10, 12, 14, 17, 19, 21, 23, 25, 27, 29, 31
#    define ONR_EVENS    0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#    define ONR_ODDS     1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#    define ONR_AFTER_1  15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
#    define ONR_AFTER_2  14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29
#    define ONR_BEFORE_1 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
#    define ONR_BEFORE_2 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17
#elif defined(__AVX2__)
#    define ONR_LANES    8
#    define ONR_EVEN     0, 2, 4, 6, 9, 11, 13, 15
#    define ONR_EVENS    0, 2, 4, 6, 8, 10, 12, 14
#    define ONR_ODDS     1, 3, 5, 7, 9, 11, 13, 15
#    define ONR_AFTER_1  7, 8, 9, 10, 11, 12, 13, 14
#    define ONR_AFTER_2  6, 7, 8, 9, 10, 11, 12, 13
#    define ONR_BEFORE_1 1, 2, 3, 4, 5, 6, 7, 8
#    define ONR_BEFORE_2 2, 3, 4, 5, 6, 7, 8, 9
#else
#    define ONR_LANES    4
#    define ONR_EVEN     0, 2, 5, 7
#    define ONR_EVENS    0, 2, 4, 6
#    define ONR_ODDS     1, 3, 5, 7
#    define ONR_AFTER_1  3, 4, 5, 6
#    define ONR_AFTER_2  2, 3, 4, 5
#    define ONR_BEFORE_1 1, 2, 3, 4
#    define ONR_BEFORE_2 2, 3, 4, 5
#endif

typedef float onr_lanes __attribute__((vector_size(4 * ONR_LANES)));

static inline __attribute__((always_inline)) onr_lanes onr_load(const float *x)
{
    onr_lanes v;
    memcpy(&v, x, sizeof v);
    return v;
}

static inline __attribute__((always_inline)) void onr_store(float *y, onr_lanes v)
{
    memcpy(y, &v, sizeof v);
}

#if ONR_LANES == 8
typedef int32_t onr_lanes_mask __attribute__((vector_size(32)));

/* The first n lanes. */
static inline __attribute__((always_inline)) onr_lanes_mask onr_first_lanes(int64_t n)
{
    static const int32_t ends[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    onr_lanes_mask mask;
    memcpy(&mask, ends + 8 - n, sizeof mask);
    return mask;
}
#endif

/* x[0 .. n) and then `fill`, for 0 <= n <= ONR_LANES. */
static inline __attribute__((always_inline)) onr_lanes onr_load_part(const float *x, int64_t n,
                                                                     float fill)
{
#if ONR_LANES == 16
    __mmask16 mask = (__mmask16)_bzhi_u32(0xffff, (uint32_t)n);
    return _mm512_mask_loadu_ps((onr_lanes){0} + fill, mask, x);
#elif ONR_LANES == 8
    onr_lanes_mask mask = onr_first_lanes(n);
    onr_lanes_mask some = (onr_lanes_mask)_mm256_maskload_ps(x, (__m256i)mask);
    return (onr_lanes)(some | (~mask & (onr_lanes_mask)((onr_lanes){0} + fill)));
#else
    onr_lanes v = (onr_lanes){0} + fill;
    memcpy(&v, x, (size_t)n * sizeof(float));
    return v;
#endif
}

/* y[0 .. n) = the first lanes, 0 <= n <= ONR_LANES. */
static inline __attribute__((always_inline)) void onr_store_first(float *y, int64_t n, onr_lanes v)
{
#if ONR_LANES == 16
    _mm512_mask_storeu_ps(y, (__mmask16)_bzhi_u32(0xffff, (uint32_t)n), v);
#elif ONR_LANES == 8
    _mm256_maskstore_ps(y, (__m256i)onr_first_lanes(n), v);
#else
    memcpy(y, &v, (size_t)n * sizeof(float));
#endif
}

/* x[0], x[2], ...; the last element that is read is x[2 * ONR_LANES - 2]. */
static inline __attribute__((always_inline)) onr_lanes onr_load_even(const float *x)
{
    return __builtin_shufflevector(onr_load(x), onr_load(x + ONR_LANES - 1), ONR_EVEN);
}

/* a * b + c of each element, in one step where the instruction set has one. Compilers may choose to fuse
 * one of two loops, and the results of both would no longer be the same bits. */
static inline __attribute__((always_inline)) onr_lanes onr_fused(onr_lanes a, onr_lanes b,
                                                                 onr_lanes c)
{
#if defined(__AVX512F__)
    return _mm512_fmadd_ps(a, b, c);
#elif defined(__AVX2__)
    return _mm256_fmadd_ps(a, b, c);
#else
    return a * b + c;
#endif
}

/* The same for a number that is a factor of all elements. */
static inline __attribute__((always_inline)) onr_lanes onr_fused_number(float a, onr_lanes b,
                                                                        onr_lanes c)
{
    return onr_fused(a - (onr_lanes){0}, b, c);
}

/* a > b ? a : b of each element. */
static inline __attribute__((always_inline)) onr_lanes onr_larger(onr_lanes a, onr_lanes b)
{
#if defined(__AVX512F__)
    return _mm512_max_ps(a, b);
#elif defined(__AVX2__)
    return _mm256_max_ps(a, b);
#elif defined(__SSE2__)
    return _mm_max_ps(a, b);
#else
    for (int l = 0; l < ONR_LANES; l++) {
        b[l] = a[l] > b[l] ? a[l] : b[l];
    }
    return b;
#endif
}

/* Lanes in which a NaN was met. */
#if defined(__AVX512F__)
typedef __mmask16 onr_nans;
#else
typedef int32_t onr_nans __attribute__((vector_size(4 * ONR_LANES)));
#endif

static inline __attribute__((always_inline)) onr_nans onr_find_nans(onr_lanes a, onr_lanes b)
{
#if defined(__AVX512F__)
    return _mm512_cmp_ps_mask(a, b, _CMP_UNORD_Q);
#else
    return (a != a) | (b != b);
#endif
}

static inline bool onr_any_nan(onr_nans nans)
{
#if defined(__AVX512F__)
    return nans != 0;
#else
    int32_t any = 0;
    for (int l = 0; l < ONR_LANES; l++) {
        any |= nans[l];
    }
    return any != 0;
#endif
}

typedef float onr_lanes4 __attribute__((vector_size(16)));

/* The sums of the elements l, l + 4, ..., halves first. */
static inline __attribute__((always_inline)) onr_lanes4 onr_lanes_fold(onr_lanes v)
{
#if ONR_LANES == 16
    typedef float lanes8 __attribute__((vector_size(32)));
    lanes8 half = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) +
                  __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
#else
    onr_lanes half = v;
#endif
#if ONR_LANES > 4
    return __builtin_shufflevector(half, half, 0, 1, 2, 3) +
           __builtin_shufflevector(half, half, 4, 5, 6, 7);
#else
    return half;
#endif
}

/* The sum of all elements, halves first. */
static inline __attribute__((always_inline)) float onr_lanes_sum(onr_lanes v)
{
    onr_lanes4 four = onr_lanes_fold(v);
    return (four[0] + four[1]) + (four[2] + four[3]);
}

#endif
