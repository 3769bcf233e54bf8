/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GemmFastGelu (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 *
 * Y = gelu(X W + bias),  gelu(v) = v/2 (1 + tanh(sqrt(2 / pi) (v + 0.044715 v^3)))
 *
 * Shapes    X: [..., M, K]; W: [K, N]; bias, optional: [N] -> Y: [..., M, N].
 * Types     float32, float16, bfloat16. The half types are computed in float32 and rounded once.
 * Attrs     none.
 * Edge      K = 0 -> gelu(bias).
 * Aliasing  none.
 */
#include "ops/common/check_dims.h"
#include "ops/matrix/product.h"

static enum onr_status gemm_gelu_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    int64_t width = onr_known_dim(ctx, 1, 1);
    int64_t w[2] = {ONR_DIM_UNKNOWN, ONR_DIM_UNKNOWN};
    if (x->rank != ONR_RANK_UNKNOWN) {
        if (x->rank < 2) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE, "X has rank %d, expected 2 or more", x->rank);
        }
        w[0] = x->dim[x->rank - 1];
    }
    ONR_TRY(onr_check_dims(ctx, 1, "W", 2, w));
    ONR_TRY(onr_check_dims(ctx, 2, "bias", 1, &width));
    ctx->outputs[0].shape = *x;
    if (x->rank != ONR_RANK_UNKNOWN) {
        ctx->outputs[0].shape.dim[x->rank - 1] = width;
    }
    return ONR_OK;
}

static enum onr_status gemm_gelu_prepare(struct onr_prepare_ctx *ctx)
{
    const struct onr_constant *w = ctx->constants[1];
    if (w == NULL) {
        return onr_product_prepare(ctx, NULL, 0, 0, 0, 0, 0);
    }
    size_t columns = (size_t)w->shape.dim[1];
    return onr_product_prepare(ctx, w, 1, (size_t)w->shape.dim[0], columns, columns, 1);
}

static enum onr_status gemm_gelu_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_product_state *state = ctx->state;
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    const struct onr_shape *w = &ctx->inputs[1]->shape;
    enum onr_dtype dtype = ctx->inputs[0]->dtype;
    struct onr_product *product = ONR_ARENA_NEW(ctx->arena, struct onr_product);
    if (product == NULL) {
        return onr_fail_memory(ctx->err, "plan of GemmFastGelu");
    }
    bool has_bias = ctx->node->input_count > 2 && ctx->inputs[2] != NULL;
    *product = (struct onr_product){
        .dtype = dtype,
        .m = (size_t)onr_shape_range(x, 0, x->rank - 1),
        .n = (size_t)w->dim[1],
        .k = (size_t)w->dim[0],
        .a_row_stride = (size_t)w->dim[0],
        .a_column_stride = 1,
        .b_row_stride = (size_t)w->dim[1],
        .b_column_stride = 1,
        .y_row_stride = (size_t)w->dim[1],
        .alpha = 1.0f,
        .beta = 1.0f,
        .bias = has_bias ? ONR_PRODUCT_COLUMN_BIAS : ONR_PRODUCT_NO_BIAS,
        .activation = {.function = state->kernels->unary
                                       .rows[ONR_UNARY_GELU_TANH][onr_product_value_dtype(dtype)]},
    };
    onr_product_plan(product, state, ctx->thread_count, &ctx->workspace_bytes);
    onr_product_tell(product, ctx);
    ctx->plan = product;
    ctx->flops = 2 * (uint64_t)onr_shape_count(&ctx->outputs[0].shape) * product->k;
    return ONR_OK;
}

static enum onr_status gemm_gelu_run(struct onr_run_ctx *ctx)
{
    const struct onr_product *product = ctx->plan;
    struct onr_product_operands operands = {
        .a = ctx->inputs[0]->data,
        .b = product->packed == NULL ? ctx->inputs[1]->data : NULL,
        .c = product->bias != ONR_PRODUCT_NO_BIAS ? ctx->inputs[2]->data : NULL,
        .y = ctx->outputs[0]->data,
    };
    onr_product_run(product, &operands, ctx);
    return ONR_OK;
}

static const struct onr_param_spec specs[] = {{ONR_BIT(FLOAT) | ONR_DTYPES_HALF, 1}, {0}};

extern const struct onr_op_def onr_ops_contrib_gemm_fast_gelu[];
const struct onr_op_def onr_ops_contrib_gemm_fast_gelu[] = {
    {.domain = "com.microsoft",
     .name = "GemmFastGelu",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {2, 3},
     .outputs = {1, 1},
     .input_specs = specs,
     .output_specs = specs,
     .infer = gemm_gelu_infer,
     .prepare = gemm_gelu_prepare,
     .plan = gemm_gelu_plan,
     .run = gemm_gelu_run},
    {.name = NULL},
};
