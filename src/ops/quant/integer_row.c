/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of integer sums. */
#include "ops/quant/integer_row.h"

#include <string.h>

uint32_t onr_integer_row(const struct onr_quant_kernels *kernels,
                         const struct onr_integer_factors *factors, int32_t *y)
{
    uint32_t sum = 0;
    if (factors->n > 0) {
        memset(y, 0, factors->n * sizeof *y);
    }
    for (size_t p = 0; p < factors->k; p++) {
        int32_t a = onr_byte_at(factors->a, p * factors->a_step, factors->is_a_signed);
        const uint8_t *b = factors->b + p * factors->b_stride;
        a -= factors->a_zero;
        sum += (uint32_t)a;
        if (factors->is_b_signed) {
            kernels->add_product_s8(factors->n, a, (const int8_t *)b, y);
        } else {
            kernels->add_product_u8(factors->n, a, b, y);
        }
    }
    return sum;
}

struct onr_byte_range onr_byte_range(enum onr_dtype dtype, const void *zero, size_t at)
{
    bool is_signed = dtype == ONR_INT8;
    float low = is_signed ? -128.0f : 0.0f;
    return (struct onr_byte_range){(float)onr_byte_at(zero, at, is_signed), low, low + 255.0f};
}

void onr_bytes_from_floats(const struct onr_quant_kernels *kernels, size_t count, float *values,
                           const struct onr_byte_range *range, uint8_t *y, size_t step)
{
    float one = 1.0f;
    kernels->quantize_f32(count, values, &one, &range->zero, 0, range->low, range->high, values);
    for (size_t i = 0; i < count; i++) {
        y[i * step] = (uint8_t)(int32_t)values[i];
    }
}
