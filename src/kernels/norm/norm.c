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

/* One loop over the rows for each step, whose latencies overlap then: of short rows a step is little
 * more than a chain of additions or divisions. */
static void stats_of_rows(size_t rows, size_t count, const float *x, double epsilon,
                          bool is_centered, struct onr_norm_stats *stats)
{
    for (size_t r = 0; r < rows; r++) {
        stats[r].mean = is_centered ? sum_f32(count, x + r * count, 0) / (double)count : 0;
    }
    for (size_t r = 0; r < rows; r++) {
        float center = (float)stats[r].mean;
        double variance = sum_square_f32(count, x + r * count, center) / (double)count;
        /* The squares were taken around the rounded mean. */
        double rounding = stats[r].mean - (double)center;
        stats[r].inverse_std = variance - rounding * rounding;
    }
    for (size_t r = 0; r < rows; r++) {
        stats[r].inverse_std = 1.0 / sqrt(stats[r].inverse_std + epsilon);
    }
}

static struct onr_norm_stats stats_f32(size_t count, const float *x, double epsilon)
{
    struct onr_norm_stats stats;
    stats_of_rows(1, count, x, epsilon, true, &stats);
    return stats;
}

static struct onr_norm_stats stats_of_row(size_t count, const double *x, double epsilon,
                                          bool is_centered)
{
    double mean = is_centered ? sum_f64(count, x) / (double)count : 0;
    double variance = sum_square_f64(count, x, mean) / (double)count;
    return (struct onr_norm_stats){.mean = mean, .inverse_std = 1.0 / sqrt(variance + epsilon)};
}

static struct onr_norm_stats stats_f64(size_t count, const double *x, double epsilon)
{
    return stats_of_row(count, x, epsilon, true);
}

/* The loops that the presence of scale and bias asks for. */
static void apply_f32(size_t count, const float *x, const float *scale, const float *bias,
                      float center, float factor, float *y)
{
    if (scale != NULL && bias != NULL) {
        ONR_IVDEP
        for (size_t i = 0; i < count; i++) {
            y[i] = (x[i] - center) * factor * scale[i] + bias[i];
        }
    } else if (scale != NULL) {
        ONR_IVDEP
        for (size_t i = 0; i < count; i++) {
            y[i] = (x[i] - center) * factor * scale[i];
        }
    } else {
        ONR_IVDEP
        for (size_t i = 0; i < count; i++) {
            y[i] = (x[i] - center) * factor + (bias != NULL ? bias[i] : 0);
        }
    }
}

/* Its sums, one addition after the other, take longer than the loop. */
static struct onr_norm_stats row_f64(size_t count, const double *x, const double *scale,
                                     const double *bias, double epsilon, double *y,
                                     bool is_centered)
{
    struct onr_norm_stats stats = stats_of_row(count, x, epsilon, is_centered);
    ONR_IVDEP
    for (size_t i = 0; i < count; i++) {
        double value = (x[i] - stats.mean) * stats.inverse_std;
        value = scale != NULL ? value * scale[i] : value;
        y[i] = value + (bias != NULL ? bias[i] : 0);
    }
    return stats;
}

static void apply_rows(size_t rows, size_t count, const float *x, const float *scale,
                       const float *bias, float *y, const struct onr_norm_stats *stats)
{
    for (size_t r = 0; r < rows; r++) {
        apply_f32(count, x + r * count, scale, bias, (float)stats[r].mean,
                  (float)stats[r].inverse_std, y + r * count);
    }
}

static void layer_f32(size_t rows, size_t count, const float *x, const float *scale,
                      const float *bias, double epsilon, float *y, struct onr_norm_stats *stats)
{
    stats_of_rows(rows, count, x, epsilon, true, stats);
    apply_rows(rows, count, x, scale, bias, y, stats);
}

static struct onr_norm_stats layer_f64(size_t count, const double *x, const double *scale,
                                       const double *bias, double epsilon, double *y)
{
    return row_f64(count, x, scale, bias, epsilon, y, true);
}

static void rms_f32(size_t rows, size_t count, const float *x, const float *scale,
                    const float *bias, double epsilon, float *y, struct onr_norm_stats *stats)
{
    stats_of_rows(rows, count, x, epsilon, false, stats);
    apply_rows(rows, count, x, scale, bias, y, stats);
}

static struct onr_norm_stats rms_f64(size_t count, const double *x, const double *scale,
                                     const double *bias, double epsilon, double *y)
{
    return row_f64(count, x, scale, bias, epsilon, y, false);
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
