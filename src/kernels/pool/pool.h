/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Poolings of one plane, x: [in] -> y: [out] of the window, both of the type that the table is
 * indexed with. Positions outside x are left out. Sums are computed in double.
 */
#ifndef ONR_KERNELS_POOL_POOL_H
#define ONR_KERNELS_POOL_POOL_H

#include "base/dtype.h"
#include "kernels/conv/conv.h"

#include <stdbool.h>

/*
 * The largest element; a NaN wins; the type's lowest value where the window sees padding only.
 * index: [out], where it was found in x (the first of equals; 0 where nothing was), or NULL.
 */
typedef void (*onr_max_pool_fn)(const struct onr_window *window, const void *x, void *y,
                                int64_t *index);

/* The mean; counts_padding divides by the positions within the padded plane. 0 where nothing is
 * seen. */
typedef void (*onr_average_pool_fn)(const struct onr_window *window, bool counts_padding,
                                    const void *x, void *y);

/* (sum |x|^p)^(1/p) for p >= 1. */
typedef void (*onr_lp_pool_fn)(const struct onr_window *window, double p, const void *x, void *y);

/* By element type; NULL where there is none. */
struct onr_pool_kernels {
    onr_max_pool_fn max[ONR_DTYPE_COUNT];         /* float types, int8, uint8 */
    onr_average_pool_fn average[ONR_DTYPE_COUNT]; /* float types */
    onr_lp_pool_fn lp[ONR_DTYPE_COUNT];           /* float types */
    /* The same as max[ONR_FLOAT] without an index, but fast. */
    void (*max_f32)(const struct onr_window *window, const float *x, float *y);
    /* y[p] = the mean of plane p of `count` > 0 elements, planes one after another. */
    void (*mean_f32)(size_t planes, size_t count, const float *x, float *y);
};

#endif
