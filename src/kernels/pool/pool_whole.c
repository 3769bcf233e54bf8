/* SPDX-License-Identifier: Apache-2.0 */
/* Means of whole float planes, in vectors of what the instruction set has. */
#include "kernels/conv/lanes.h"
#include "kernels/kernel.h"
#include "kernels/kernels.h"

void ONR_KERNEL(onr_fill_pool_whole)(struct onr_kernels *kernels);

/* Elements that are summed in float; such sums are added in double. */
#define BLOCK 1024

static float sum_block(size_t count, const float *x)
{
    onr_lanes sum[2] = {{0}, {0}};
    float rest = 0.0f;
    size_t i = 0;
    for (; i + 2 * ONR_LANES <= count; i += 2 * ONR_LANES) {
        sum[0] += onr_load(x + i);
        sum[1] += onr_load(x + i + ONR_LANES);
    }
    if (i + ONR_LANES <= count) {
        sum[0] += onr_load(x + i);
        i += ONR_LANES;
    }
    for (; i < count; i++) {
        rest += x[i];
    }
    return onr_lanes_sum(sum[0] + sum[1]) + rest;
}

static void mean_f32(size_t planes, size_t count, const float *x, float *y)
{
    double scale = 1.0 / (double)count;
    for (size_t p = 0; p < planes; p++) {
        double sum = 0.0;
        for (size_t begin = 0; begin < count; begin += BLOCK) {
            size_t left = count - begin;
            sum += (double)sum_block(left < BLOCK ? left : BLOCK, x + begin);
        }
        y[p] = (float)(sum * scale);
        x += count;
    }
}

void ONR_KERNEL(onr_fill_pool_whole)(struct onr_kernels *kernels)
{
    kernels->pool.mean_f32 = mean_f32;
}
