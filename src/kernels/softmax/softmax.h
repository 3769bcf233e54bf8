/* SPDX-License-Identifier: Apache-2.0 */
/* Softmax of one contiguous row. */
#ifndef ONR_KERNELS_SOFTMAX_SOFTMAX_H
#define ONR_KERNELS_SOFTMAX_SOFTMAX_H

#include <stddef.h>

/*
 * y[i] = f(x)[i] for i < count; y may be x.
 *
 * softmax      e^(x[i] - m) / sum_k e^(x[k] - m), m the maximum
 * log_softmax  x[i] - m - ln sum_k e^(x[k] - m)
 *
 * A NaN or +inf in the row makes the sum NaN, and so does a row of -inf alone. The order of
 * summation depends on count alone.
 */
typedef void (*onr_row_f32_fn)(size_t count, const float *x, float *y);
typedef void (*onr_row_f64_fn)(size_t count, const double *x, double *y);

struct onr_softmax_kernels {
    onr_row_f32_fn softmax_f32;
    onr_row_f32_fn log_softmax_f32;
    onr_row_f64_fn softmax_f64;
    onr_row_f64_fn log_softmax_f64;
    /* y[i] = scale * x[i] + mask[i], both rounded; y may be x or mask. */
    void (*scale_add_f32)(size_t count, const float *x, float scale, const float *mask, float *y);
    /* y[i] = e^(x[i] - shift) for x[i] <= shift, 0 below e^-87; returns the sum of y. */
    double (*exp_sum_f32)(size_t count, const float *x, float shift, float *y);
};

#endif
