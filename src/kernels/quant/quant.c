/* SPDX-License-Identifier: Apache-2.0 */
/* Integer quantisation, in portable C. */
#include "kernels/quant/quant.h"

#include "kernels/kernel.h"
#include "kernels/kernels.h"

#include <math.h>

void ONR_KERNEL(onr_fill_quant)(struct onr_kernels *kernels);

/* Half to even for |v| < 2^22, and v itself where it has no fraction; written so that it is
 * vectorised. */
static inline float round_even(float v)
{
    float magic = v < 0.0f ? -8388608.0f : 8388608.0f;
    float rounded = (v + magic) - magic;
    float size = v < 0.0f ? -v : v;
    return size < 8388608.0f ? rounded : v;
}

static inline float quantize_one(float x, float scale, float zero, float low, float high)
{
    float v = round_even(x / scale) + zero;
    v = v > low ? v : low;
    return v < high ? v : high;
}

static void quantize_f32(size_t count, const float *x, const float *scale, const float *zero,
                         size_t step, float low, float high, float *y)
{
    if (step == 0) {
        float one_scale = scale[0];
        float one_zero = zero[0];
        ONR_IVDEP
        for (size_t i = 0; i < count; i++) {
            y[i] = quantize_one(x[i], one_scale, one_zero, low, high);
        }
    } else {
        ONR_IVDEP
        for (size_t i = 0; i < count; i++) {
            y[i] = quantize_one(x[i], scale[i], zero[i], low, high);
        }
    }
}

static void dequantize_f32(size_t count, const float *x, const float *scale, const float *zero,
                           size_t step, float *y)
{
    if (step == 0) {
        float one_scale = scale[0];
        float one_zero = zero[0];
        ONR_IVDEP
        for (size_t i = 0; i < count; i++) {
            y[i] = (x[i] - one_zero) * one_scale;
        }
    } else {
        ONR_IVDEP
        for (size_t i = 0; i < count; i++) {
            y[i] = (x[i] - zero[i]) * scale[i];
        }
    }
}

static void add_product_u8(size_t count, int32_t a, const uint8_t *b, int32_t *y)
{
    for (size_t j = 0; j < count; j++) {
        y[j] = (int32_t)((uint32_t)y[j] + (uint32_t)a * b[j]);
    }
}

static void add_product_s8(size_t count, int32_t a, const int8_t *b, int32_t *y)
{
    for (size_t j = 0; j < count; j++) {
        y[j] = (int32_t)((uint32_t)y[j] + (uint32_t)a * (uint32_t)b[j]);
    }
}

void ONR_KERNEL(onr_fill_quant)(struct onr_kernels *kernels)
{
    kernels->quant = (struct onr_quant_kernels){
        .quantize_f32 = quantize_f32,
        .dequantize_f32 = dequantize_f32,
        .add_product_u8 = add_product_u8,
        .add_product_s8 = add_product_s8,
    };
}
