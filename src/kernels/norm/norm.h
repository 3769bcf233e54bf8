/* SPDX-License-Identifier: Apache-2.0 */
/* Normalisation of contiguous rows. */
#ifndef ONR_KERNELS_NORM_NORM_H
#define ONR_KERNELS_NORM_NORM_H

#include <stddef.h>

/* What a row was normalised by. */
struct onr_norm_stats {
    double mean;        /* 0 for the root mean square form */
    double inverse_std; /* 1 / sqrt(mean of squares + epsilon) */
};

/*
 * y[i] = (x[i] - mean) * inverse_std * scale[i] + bias[i] for i < count; scale and bias may be NULL
 * (1 and 0), y may be x. Mean and variance are taken in two passes. The order of summation depends
 * on count alone. Floats: for some rows that follow each other, x and y [rows, count], stats [rows].
 */
typedef void (*onr_norm_rows_f32_fn)(size_t rows, size_t count, const float *x, const float *scale,
                                     const float *bias, double epsilon, float *y,
                                     struct onr_norm_stats *stats);
typedef struct onr_norm_stats (*onr_norm_row_f64_fn)(size_t count, const double *x,
                                                     const double *scale, const double *bias,
                                                     double epsilon, double *y);

struct onr_norm_kernels {
    onr_norm_rows_f32_fn layer_f32;
    onr_norm_rows_f32_fn rms_f32; /* the same with mean = 0 */
    onr_norm_row_f64_fn layer_f64;
    onr_norm_row_f64_fn rms_f64;
    /* Mean and inverse_std alone. */
    struct onr_norm_stats (*stats_f32)(size_t count, const float *x, double epsilon);
    struct onr_norm_stats (*stats_f64)(size_t count, const double *x, double epsilon);
    /* y[i] = (x[i] - center) * scale + bias for i < count; y may be x. */
    void (*affine_f32)(size_t count, const float *x, float center, float scale, float bias,
                       float *y);
    void (*affine_f64)(size_t count, const double *x, double center, double scale, double bias,
                       double *y);
};

#endif
