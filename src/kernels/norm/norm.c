/* SPDX-License-Identifier: Apache-2.0 */
/* Normalisation of rows, in portable C. */
#include "kernels/norm/norm.h"

#include "kernels/kernel.h"
#include "kernels/kernels.h"
#include "kernels/reduce/lanes.h"

#include <math.h>

void ONR_KERNEL(onr_fill_norm)(struct onr_kernels *kernels);

ONR_DEFINE_SUM_F32(sum_f32, v)
ONR_DEFINE_SUM_F32(sum_square_f32, (v - shift) * (v - shift))

static double sum_f64(size_t count, const double *x)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += x[i];
    }
    return sum;
}

static double sum_square_f64(size_t count, const double *x, double shift)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += (x[i] - shift) * (x[i] - shift);
    }
    return sum;
}

static struct onr_norm_stats stats_f32(size_t count, const float *x, double epsilon)
{
    double mean = sum_f32(count, x, 0) / (double)count;
    double variance = sum_square_f32(count, x, (float)mean) / (double)count;
    /* The squares were taken around the rounded mean. */
    double rounding = mean - (double)(float)mean;
    variance -= rounding * rounding;
    return (struct onr_norm_stats){.mean = mean, .inverse_std = 1.0 / sqrt(variance + epsilon)};
}

static struct onr_norm_stats stats_f64(size_t count, const double *x, double epsilon)
{
    double mean = sum_f64(count, x) / (double)count;
    double variance = sum_square_f64(count, x, mean) / (double)count;
    return (struct onr_norm_stats){.mean = mean, .inverse_std = 1.0 / sqrt(variance + epsilon)};
}

/* The four loops that the presence of scale and bias asks for. */
#define DEFINE_APPLY(name, real)                                                                   \
    static void name(size_t count, const real *x, const real *scale, const real *bias,             \
                     real center, real factor, real *y)                                            \
    {                                                                                              \
        if (scale != NULL && bias != NULL) {                                                       \
            ONR_IVDEP                                                                              \
            for (size_t i = 0; i < count; i++) {                                                   \
                y[i] = (x[i] - center) * factor * scale[i] + bias[i];                              \
            }                                                                                      \
        } else if (scale != NULL) {                                                                \
            ONR_IVDEP                                                                              \
            for (size_t i = 0; i < count; i++) {                                                   \
                y[i] = (x[i] - center) * factor * scale[i];                                        \
            }                                                                                      \
        } else {                                                                                   \
            ONR_IVDEP                                                                              \
            for (size_t i = 0; i < count; i++) {                                                   \
                y[i] = (x[i] - center) * factor + (bias != NULL ? bias[i] : 0);                    \
            }                                                                                      \
        }                                                                                          \
    }

DEFINE_APPLY(apply_f32, float)
DEFINE_APPLY(apply_f64, double)

static struct onr_norm_stats layer_f32(size_t count, const float *x, const float *scale,
                                       const float *bias, double epsilon, float *y)
{
    struct onr_norm_stats stats = stats_f32(count, x, epsilon);
    apply_f32(count, x, scale, bias, (float)stats.mean, (float)stats.inverse_std, y);
    return stats;
}

static struct onr_norm_stats layer_f64(size_t count, const double *x, const double *scale,
                                       const double *bias, double epsilon, double *y)
{
    struct onr_norm_stats stats = stats_f64(count, x, epsilon);
    apply_f64(count, x, scale, bias, stats.mean, stats.inverse_std, y);
    return stats;
}

static struct onr_norm_stats rms_f32(size_t count, const float *x, const float *scale,
                                     const float *bias, double epsilon, float *y)
{
    double square = sum_square_f32(count, x, 0) / (double)count;
    struct onr_norm_stats stats = {.inverse_std = 1.0 / sqrt(square + epsilon)};
    apply_f32(count, x, scale, bias, 0, (float)stats.inverse_std, y);
    return stats;
}

static struct onr_norm_stats rms_f64(size_t count, const double *x, const double *scale,
                                     const double *bias, double epsilon, double *y)
{
    double square = sum_square_f64(count, x, 0) / (double)count;
    struct onr_norm_stats stats = {.inverse_std = 1.0 / sqrt(square + epsilon)};
    apply_f64(count, x, scale, bias, 0, stats.inverse_std, y);
    return stats;
}

static void affine_f32(size_t count, const float *x, float center, float scale, float bias,
                       float *y)
{
    ONR_IVDEP
    for (size_t i = 0; i < count; i++) {
        y[i] = (x[i] - center) * scale + bias;
    }
}

static void affine_f64(size_t count, const double *x, double center, double scale, double bias,
                       double *y)
{
    ONR_IVDEP
    for (size_t i = 0; i < count; i++) {
        y[i] = (x[i] - center) * scale + bias;
    }
}

void ONR_KERNEL(onr_fill_norm)(struct onr_kernels *kernels)
{
    kernels->norm = (struct onr_norm_kernels){
        .layer_f32 = layer_f32,
        .rms_f32 = rms_f32,
        .layer_f64 = layer_f64,
        .rms_f64 = rms_f64,
        .stats_f32 = stats_f32,
        .stats_f64 = stats_f64,
        .affine_f32 = affine_f32,
        .affine_f64 = affine_f64,
    };
}
