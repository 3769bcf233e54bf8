/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FusedGemm (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 *
 * Y = f(alpha op(A) op(B) + beta C), see Gemm
 *
 * Shapes    as Gemm.
 * Types     as Gemm; with an activation the float types only.
 * Attrs     of Gemm, and activation: string, default none, see fused_activation.c;
 *           activation_alpha, activation_beta, activation_gamma: float.
 * Aliasing  none.
 */
#include "ops/contrib/fused_activation.h"
#include "ops/matrix/gemm.h"

struct fused_gemm {
    void *product; /* plan of Gemm */
    struct onr_fused_activation activation;
};

static enum onr_status fused_gemm_prepare(struct onr_prepare_ctx *ctx)
{
    struct onr_fused_activation activation;
    ONR_TRY(onr_fused_activation_read(ctx->node, ctx->inputs[0]->dtype, ctx->kernels, &activation,
                                      ctx->err));
    return onr_gemm_prepare(ctx);
}

static enum onr_status fused_gemm_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_product_state *state = ctx->state;
    struct fused_gemm *plan = ONR_ARENA_NEW(ctx->arena, struct fused_gemm);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of FusedGemm");
    }
    ONR_TRY(onr_fused_activation_read(ctx->node, ctx->inputs[0]->dtype, state->kernels,
                                      &plan->activation, ctx->err));
    ONR_TRY(onr_gemm_plan(ctx));
    plan->product = ctx->plan;
    ctx->plan = plan;
    return ONR_OK;
}

static enum onr_status fused_gemm_run(struct onr_run_ctx *ctx)
{
    const struct fused_gemm *plan = ctx->plan;
    struct onr_run_ctx gemm = *ctx;
    gemm.plan = plan->product;
    ONR_TRY(onr_gemm_run(&gemm));
    onr_fused_activation_run(&plan->activation, NULL, NULL,
                             (size_t)onr_tensor_count(ctx->outputs[0]), ctx->outputs[0]->data,
                             ctx->parallel);
    return ONR_OK;
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
     .run = fused_gemm_run,
     .release = onr_product_release},
    {.name = NULL},
};
