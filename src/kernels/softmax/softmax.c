/* SPDX-License-Identifier: Apache-2.0 */
/* Softmax rows, in portable C. */
#include "kernels/softmax/softmax.h"

#include "kernels/elementwise/vmath.h"
#include "kernels/kernel.h"
#include "kernels/kernels.h"
#include "kernels/reduce/lanes.h"

void ONR_KERNEL(onr_fill_softmax)(struct onr_kernels *kernels);

ONR_DEFINE_SUM_OVER(exp_sum, y[at] = onr_vexp_negative(v - shift), float shift, float *y)

static double exp_sum_f32(size_t count, const float *x, float shift, float *y)
{
    return exp_sum(count, x, shift, y);
}

/* The largest number of the row; a NaN need not be looked for, it reaches the sum by itself. */
static float max_f32(size_t count, const float *x)
{
    bool has_nan = false;
    return onr_max_number_f32(count, x, &has_nan);
}

static void scale_add_f32(size_t count, const float *x, float scale, const float *mask, float *y)
{
    ONR_IVDEP
    for (size_t i = 0; i < count; i++) {
        y[i] = scale * x[i] + mask[i];
    }
}

static void softmax_f32(size_t count, const float *x, float *y)
{
    float scale = (float)(1.0 / exp_sum_f32(count, x, max_f32(count, x), y));
    for (size_t i = 0; i < count; i++) {
        y[i] *= scale;
    }
}

static void log_softmax_f32(size_t count, const float *x, float *y)
{
    float max = max_f32(count, x);
    float exps[256];
    double total = 0;
    for (size_t begin = 0; begin < count; begin += 256) {
        size_t size = count - begin < 256 ? count - begin : 256;
        total += exp_sum_f32(size, x + begin, max, exps);
    }
    float log_sum = (float)log(total);
    ONR_IVDEP
    for (size_t i = 0; i < count; i++) {
        y[i] = (x[i] - max) - log_sum;
    }
}

static double max_f64(size_t count, const double *x)
{
    double max = (double)-INFINITY;
    for (size_t i = 0; i < count; i++) {
        max = x[i] > max ? x[i] : max;
    }
    return max;
}

static void softmax_f64(size_t count, const double *x, double *y)
{
    double max = max_f64(count, x);
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        y[i] = exp(x[i] - max);
        sum += y[i];
    }
    for (size_t i = 0; i < count; i++) {
        y[i] /= sum;
    }
}

static void log_softmax_f64(size_t count, const double *x, double *y)
{
    double max = max_f64(count, x);
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += exp(x[i] - max);
    }
    double log_sum = log(sum);
    ONR_IVDEP
    for (size_t i = 0; i < count; i++) {
        y[i] = (x[i] - max) - log_sum;
    }
}

void ONR_KERNEL(onr_fill_softmax)(struct onr_kernels *kernels)
{
    kernels->softmax = (struct onr_softmax_kernels){
        .softmax_f32 = softmax_f32,
        .log_softmax_f32 = log_softmax_f32,
        .softmax_f64 = softmax_f64,
        .log_softmax_f64 = log_softmax_f64,
        .scale_add_f32 = scale_add_f32,
        .exp_sum_f32 = exp_sum_f32,
    };
}
