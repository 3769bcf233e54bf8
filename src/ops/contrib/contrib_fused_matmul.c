/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FusedMatMul, TransposeMatMul (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 *
 * Y = alpha op(A) op(B), see MatMul
 *
 * Shapes    as MatMul, after op: transBatch turns [m, batch..., k] into [batch..., m, k], then
 *           trans swaps the last two dimensions. Operands of rank 1 stay as they are.
 * Types     float16, bfloat16, float32, float64. The half types are summed in float32.
 * Attrs     alpha: float, default 1. transA, transB: int, default 0. transBatchA, transBatchB: int,
 *           default 0 (FusedMatMul); that operand has rank 3 or more.
 * Edge      k = 0 -> zeros.
 * Aliasing  none.
 */
#include "ops/matrix/matmul.h"

static const struct onr_param_spec specs[] = {{ONR_DTYPES_FLOAT, 1}, {0}};
static const struct onr_attr_spec fused_attrs[] = {
    {"transBatchA", ONR_ATTR_INT, false}, {"transBatchB", ONR_ATTR_INT, false},
    {"alpha", ONR_ATTR_FLOAT, false},     {"transA", ONR_ATTR_INT, false},
    {"transB", ONR_ATTR_INT, false},      {.name = NULL}};

#define FUSED_MATMUL_ROW(text, attr_specs)                                                         \
    {                                                                                              \
        .domain = "com.microsoft", .name = (text), .since_version = 1,                             \
        .last_version = ONR_CONTRIB_LATEST, .inputs = {2, 2}, .outputs = {1, 1},                   \
        .attrs = (attr_specs), .input_specs = specs, .output_specs = specs,                        \
        .infer = onr_matmul_infer, .prepare = onr_matmul_prepare, .plan = onr_matmul_plan,         \
        .run = onr_matmul_run                                                                      \
    }

extern const struct onr_op_def onr_ops_contrib_fused_matmul[];
const struct onr_op_def onr_ops_contrib_fused_matmul[] = {
    FUSED_MATMUL_ROW("FusedMatMul", fused_attrs),
    FUSED_MATMUL_ROW("TransposeMatMul", fused_attrs + 2),
    {.name = NULL},
};
