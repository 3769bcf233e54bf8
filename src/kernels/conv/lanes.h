/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors of floats as wide as the instruction set that a file is compiled for has them. */
#ifndef ONR_KERNELS_CONV_LANES_H
#define ONR_KERNELS_CONV_LANES_H

#include <string.h>

#if defined(__SSE2__)
#    include <immintrin.h>
#endif

#if defined(__AVX512F__)
#    define ONR_LANES 16
#    define ONR_EVEN  0, 2, 4, 6, 8, 10, 12, 14, 17, 19, 21, 23, 25, 27, 29, 31
#elif defined(__AVX2__)
#    define ONR_LANES 8
#    define ONR_EVEN  0, 2, 4, 6, 9, 11, 13, 15
#else
#    define ONR_LANES 4
#    define ONR_EVEN  0, 2, 5, 7
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

/* x[0], x[2], ...; the last element that is read is x[2 * ONR_LANES - 2]. */
static inline __attribute__((always_inline)) onr_lanes onr_load_even(const float *x)
{
    return __builtin_shufflevector(onr_load(x), onr_load(x + ONR_LANES - 1), ONR_EVEN);
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

/* The sum of all elements, halves first. */
static inline __attribute__((always_inline)) float onr_lanes_sum(onr_lanes v)
{
    typedef float lanes4 __attribute__((vector_size(16)));
#if ONR_LANES == 16
    typedef float lanes8 __attribute__((vector_size(32)));
    lanes8 half = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) +
                  __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
#else
    onr_lanes half = v;
#endif
#if ONR_LANES > 4
    lanes4 four = __builtin_shufflevector(half, half, 0, 1, 2, 3) +
                  __builtin_shufflevector(half, half, 4, 5, 6, 7);
#else
    lanes4 four = half;
#endif
    return (four[0] + four[1]) + (four[2] + four[3]);
}

#endif
