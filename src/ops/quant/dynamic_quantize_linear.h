/* SPDX-License-Identifier: Apache-2.0 */
/* Quantisation of floats to uint8 by their own range. */
#ifndef ONR_OPS_QUANT_DYNAMIC_QUANTIZE_LINEAR_H
#define ONR_OPS_QUANT_DYNAMIC_QUANTIZE_LINEAR_H

#include "graph/op_def.h"

struct onr_dynamic_scale {
    float scale;
    float zero; /* an integer from 0 to 255 */
};

/* What maps the range of x[count], to which 0 counts, to 0 .. 255. */
struct onr_dynamic_scale onr_dynamic_scale(size_t count, const float *x,
                                           const struct onr_run_ctx *ctx);

/* y[i] = saturate(rint(x[i] / scale) + zero) for i < count. */
void onr_dynamic_quantize(const struct onr_dynamic_scale *scale, size_t count, const float *x,
                          uint8_t *y, const struct onr_run_ctx *ctx);

#endif
