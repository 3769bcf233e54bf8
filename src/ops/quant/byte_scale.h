/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tensors of bytes with one scale and one zero point: what the QLinear operators share. With 256
 * values that a byte can have, functions of one of them are tables.
 */
#ifndef ONR_OPS_QUANT_BYTE_SCALE_H
#define ONR_OPS_QUANT_BYTE_SCALE_H

#include "graph/op_def.h"
#include "ops/quant/integer_row.h"

/* int8 and uint8. */
#define ONR_BYTE_DTYPES (ONR_BIT(INT8) | ONR_BIT(UINT8))

/* The real number of a byte is (byte - zero) * scale. */
struct onr_byte_scale {
    enum onr_dtype dtype; /* int8 or uint8 */
    float scale;
    float zero;
};

/*
 * Checks that input `scale` is there and has one element, as has input `zero`, if it is there.
 * Errors: ONR_ERR_MODEL, ONR_ERR_SHAPE.
 */
enum onr_status onr_byte_scale_check(struct onr_infer_ctx *ctx, uint32_t scale,
                                     uint32_t zero) ONR_MUST_USE;

/* Reads these inputs; without zero point it is 0. */
struct onr_byte_scale onr_byte_scale_read(const struct onr_run_ctx *ctx, enum onr_dtype dtype,
                                          uint32_t scale, uint32_t zero);

/* values[i] is the number of byte i. */
void onr_byte_values(const struct onr_byte_scale *scale, float values[256]);

/* table[i] = saturate(rint(values[i] / scale) + zero), halves to even. values are overwritten. */
void onr_byte_table(const struct onr_byte_scale *scale, const struct onr_kernels *kernels,
                    float values[256], uint8_t table[256]);

/* table[i] is what byte i becomes under another scale. */
void onr_byte_rescale(const struct onr_byte_scale *from, const struct onr_byte_scale *to,
                      const struct onr_kernels *kernels, uint8_t table[256]);

#endif
