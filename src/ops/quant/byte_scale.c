/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes and the numbers that they stand for. */
#include "ops/quant/byte_scale.h"

#include "ops/common/check_dims.h"
#include "ops/quant/integer_shape.h"

enum onr_status onr_byte_scale_check(struct onr_infer_ctx *ctx, uint32_t scale, uint32_t zero)
{
    ONR_TRY(onr_check_present(ctx, scale));
    ONR_TRY(onr_integer_check(ctx, scale, ONR_PER_TENSOR, NULL));
    return onr_integer_check(ctx, zero, ONR_PER_TENSOR, NULL);
}

struct onr_byte_scale onr_byte_scale_read(const struct onr_run_ctx *ctx, enum onr_dtype dtype,
                                          uint32_t scale, uint32_t zero)
{
    return (struct onr_byte_scale){
        .dtype = dtype,
        .scale = *(const float *)ctx->inputs[scale]->data,
        .zero = onr_byte_range(dtype, onr_input_data(ctx, zero), 0).zero,
    };
}

void onr_byte_values(const struct onr_byte_scale *scale, float values[256])
{
    for (int i = 0; i < 256; i++) {
        int byte = scale->dtype == ONR_INT8 && i > 127 ? i - 256 : i;
        values[i] = ((float)byte - scale->zero) * scale->scale;
    }
}

void onr_byte_table(const struct onr_byte_scale *scale, const struct onr_kernels *kernels,
                    float values[256], uint8_t table[256])
{
    struct onr_byte_range range = onr_byte_range(scale->dtype, NULL, 0);
    kernels->quant.quantize_f32(256, values, &scale->scale, &scale->zero, 0, range.low, range.high,
                                values);
    for (int i = 0; i < 256; i++) {
        table[i] = (uint8_t)(int32_t)values[i];
    }
}

void onr_byte_rescale(const struct onr_byte_scale *from, const struct onr_byte_scale *to,
                      const struct onr_kernels *kernels, uint8_t table[256])
{
    float values[256];
    onr_byte_values(from, values);
    onr_byte_table(to, kernels, values, table);
}
