/* SPDX-License-Identifier: Apache-2.0 */
/* Integer quantisation. */
#ifndef ONR_KERNELS_QUANT_QUANT_H
#define ONR_KERNELS_QUANT_QUANT_H

#include <stddef.h>
#include <stdint.h>

struct onr_quant_kernels {
    /* y[i] = min(max(rint(x[i] / scale[i * step]) + zero[i * step], low), high), half to even; NaN
     * gives low. step is 0 or 1; y may be x. */
    void (*quantize_f32)(size_t count, const float *x, const float *scale, const float *zero,
                         size_t step, float low, float high, float *y);
    /* y[i] = (x[i] - zero[i * step]) * scale[i * step]; step is 0 or 1; y may be x. */
    void (*dequantize_f32)(size_t count, const float *x, const float *scale, const float *zero,
                           size_t step, float *y);
    /* y[j] += a * b[j] for j < count, wrapping. */
    void (*add_product_u8)(size_t count, int32_t a, const uint8_t *b, int32_t *y);
    void (*add_product_s8)(size_t count, int32_t a, const int8_t *b, int32_t *y);
};

#endif
