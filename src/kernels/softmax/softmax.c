/* SPDX-License-Identifier: Apache-2.0 */
/* Softmax rows, in portable C. */
#include "kernels/softmax/softmax.h"

#include "kernels/elementwise/vmath.h"
#include "kernels/kernel.h"
#include "kernels/kernels.h"
#include "kernels/reduce/lanes.h"

void ONR_KERNEL(onr_fill_softmax)(struct onr_kernels *kernels);

ONR_DEFINE_SUM_F32(lane_sum, v)

/* Blocks of the sum, each while its values are in the first level cache. */
static double exp_sum_f32(size_t count, const float *x, float shift, float *y)
{
    double total = 0;
    for (size_t begin = 0; begin < count; begin += ONR_SUM_BLOCK) {
        size_t size = count - begin < ONR_SUM_BLOCK ? count - begin : ONR_SUM_BLOCK;
        ONR_IVDEP
        for (size_t i = begin; i < begin + size; i++) {
            y[i] = onr_vexp_negative(x[i] - shift);
        }
        total += lane_sum(size, y + begin, 0);
    }
    return total;
}

static void softmax_f32(size_t count, const float *x, float *y)
{
    float scale = (float)(1.0 / exp_sum_f32(count, x, onr_max_f32(count, x), y));
    for (size_t i = 0; i < count; i++) {
        y[i] *= scale;
    }
}

static void log_softmax_f32(size_t count, const float *x, float *y)
{
    float max = onr_max_f32(count, x);
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
        .exp_sum_f32 = exp_sum_f32,
    };
}
