/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors of floats as wide as the instruction set that a file is compiled for has them. */
#ifndef ONR_KERNELS_CONV_LANES_H
#define ONR_KERNELS_CONV_LANES_H

#include <string.h>

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

#endif
