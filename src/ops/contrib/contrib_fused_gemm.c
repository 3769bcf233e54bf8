/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FusedGemm (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 *
 * Y = f(alpha op(A) op(B) + beta C), see Gemm
 *
 * Shapes    as Gemm.
 * Types     as Gemm; with an activation the float types only. The half types are rounded after it.
 * Attrs     of Gemm, and activation: string, default none, see fused_activation.c;
 *           activation_alpha, activation_beta, activation_gamma: float.
 * Aliasing  none.
 */
#include "ops/common/fused_activation.h"
#include "ops/matrix/gemm.h"

static enum onr_status read_activation(const struct onr_node *node, const struct onr_fact *a,
                                       const struct onr_kernels *kernels,
                                       struct onr_activation *activation, struct onr_error *err)
{
    return onr_fused_activation_read(node, onr_product_value_dtype(a->dtype), kernels, activation,
                                     err);
}

static enum onr_status fused_gemm_prepare(struct onr_prepare_ctx *ctx)
{
    struct onr_activation activation;
    ONR_TRY(read_activation(ctx->node, ctx->inputs[0], ctx->kernels, &activation, ctx->err));
    return onr_gemm_prepare(ctx);
}

static enum onr_status fused_gemm_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_product_state *state = ctx->state;
    struct onr_activation activation;
    ONR_TRY(read_activation(ctx->node, ctx->inputs[0], state->kernels, &activation, ctx->err));
    return onr_gemm_plan_with(ctx, &activation);
}

static const struct onr_param_spec specs[] = {{ONR_PRODUCT_DTYPES, 1}, {0}};
static const struct onr_attr_spec attrs[] = {{"activation", ONR_ATTR_STRING, false},
                                             {"activation_alpha", ONR_ATTR_FLOAT, false},
                                             {"activation_beta", ONR_ATTR_FLOAT, false},
                                             {"activation_gamma", ONR_ATTR_FLOAT, false},
                                             {"alpha", ONR_ATTR_FLOAT, false},
                                             {"beta", ONR_ATTR_FLOAT, false},
                                             {"transA", ONR_ATTR_INT, false},
                                             {"transB", ONR_ATTR_INT, false},
                                             {.name = NULL}};

extern const struct onr_op_def onr_ops_contrib_fused_gemm[];
const struct onr_op_def onr_ops_contrib_fused_gemm[] = {
    {.domain = "com.microsoft",
     .name = "FusedGemm",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {2, 3},
     .outputs = {1, 1},
     .attrs = attrs,
     .input_specs = specs,
     .output_specs = specs,
     .infer = onr_gemm_infer,
     .prepare = fused_gemm_prepare,
     .plan = fused_gemm_plan,
     .run = onr_gemm_run},
    {.name = NULL},
};
