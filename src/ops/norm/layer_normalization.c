/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LayerNormalization (ai.onnx), version 17+; and with the same meaning in earlier operator sets, where
 * the optimisers of ONNX Runtime write it.
 * https://onnx.ai/onnx/operators/onnx__LayerNormalization.html
 *
 * y = (x - mean) / sqrt(variance + epsilon) * scale + bias, mean and variance over the dims from
 * axis on
 *
 * Shapes    x, y: [d0..dr-1]. scale, bias: broadcast to x. mean, inv_std_dev: x's with 1 from axis
 *           on.
 * Types     float32, float16, bfloat16 (computed in float32 and rounded once at the end), float64.
 *           mean and inv_std_dev: the stash type.
 * Attrs     axis: int, default -1, range [-rank, rank-1]. epsilon: float, default 1e-5. stash_type:
 *           1 (float32, default) or 16 (bfloat16): only the type of mean and inv_std_dev, the sums
 *           keep their precision.
 * Edge      Variance is taken in two passes. Rows without elements have mean NaN.
 * Aliasing  y may share storage with x.
 */
#include "kernels/kernels.h"
#include "ops/common/axes.h"
#include "ops/norm/norm_rows.h"

#include <inttypes.h>

static enum onr_status layer_norm_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_fact *x = ctx->inputs[0];
    int64_t stash_type = onr_attr_int(ctx->node, "stash_type", ONR_FLOAT);
    if (stash_type != ONR_FLOAT && stash_type != ONR_BFLOAT16) {
        return onr_infer_fail(ctx, ONR_ERR_UNSUPPORTED, "stash_type %" PRId64 ", expected 1 or 16",
                              stash_type);
    }
    for (uint32_t i = 1; i < ctx->node->output_count; i++) {
        ctx->outputs[i].dtype = (enum onr_dtype)stash_type;
    }
    ONR_TRY(onr_infer_same_shape(ctx));
    ONR_TRY(onr_row_param_check(x, ctx->inputs[1], "scale", ctx->err));
    if (onr_infer_has_input(ctx, 2)) {
        ONR_TRY(onr_row_param_check(x, ctx->inputs[2], "bias", ctx->err));
    }
    if (x->shape.rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    int axis = 0;
    ONR_TRY(onr_axis_check(onr_attr_int(ctx->node, "axis", -1), x->shape.rank, &axis, ctx->err));
    for (uint32_t i = 1; i < ctx->node->output_count; i++) {
        ctx->outputs[i].shape = x->shape;
        for (int d = axis; d < x->shape.rank; d++) {
            ctx->outputs[i].shape.dim[d] = 1;
        }
    }
    return ONR_OK;
}

static enum onr_status layer_norm_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_fact *x = ctx->inputs[0];
    int axis = 0;
    ONR_TRY(onr_axis_check(onr_attr_int(ctx->node, "axis", -1), x->shape.rank, &axis, ctx->err));
    struct onr_norm_rows *norm = ONR_ARENA_NEW(ctx->arena, struct onr_norm_rows);
    if (norm == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a normalization");
    }
    norm->dtype = x->dtype;
    norm->y_dtype = x->dtype;
    norm->stat_dtype = (enum onr_dtype)onr_attr_int(ctx->node, "stash_type", ONR_FLOAT);
    norm->epsilon = (double)onr_attr_float(ctx->node, "epsilon", 1e-5f);
    ONR_TRY(onr_row_param_init(&norm->scale, &x->shape, axis, ctx->inputs[1], ctx));
    ONR_TRY(onr_row_param_init(&norm->bias, &x->shape, axis, onr_plan_input(ctx, 2), ctx));
    ctx->plan = norm;
    return onr_norm_rows_plan(norm, &x->shape, axis, ctx);
}

static enum onr_status layer_norm_run(struct onr_run_ctx *ctx)
{
    struct onr_norm_tensors tensors = {
        .x = ctx->inputs[0]->data,
        .scale = ctx->inputs[1]->data,
        .bias = onr_input_data(ctx, 2),
        .y = onr_output_data(ctx, 0),
        .mean = onr_output_data(ctx, 1),
        .inverse_std = onr_output_data(ctx, 2),
    };
    onr_norm_rows_run(ctx->plan, &tensors, ctx);
    return ONR_OK;
}

static const struct onr_attr_spec layer_norm_attrs[] = {
    {"axis", ONR_ATTR_INT, false},
    {"epsilon", ONR_ATTR_FLOAT, false},
    {"stash_type", ONR_ATTR_INT, false},
    {NULL, 0, false},
};
static const struct onr_param_spec layer_norm_inputs[] = {{ONR_DTYPES_FLOAT, 1}, {0, 0}};
static const struct onr_param_spec layer_norm_outputs[] = {
    {ONR_DTYPES_FLOAT, 1}, {ONR_BIT(FLOAT) | ONR_BIT(BFLOAT16), 0}, {0, 0}};

extern const struct onr_op_def onr_ops_layer_normalization[];
const struct onr_op_def onr_ops_layer_normalization[] = {
    {.domain = "",
     .name = "LayerNormalization",
     .since_version = 1,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {2, 3},
     .outputs = {1, 3},
     .attrs = layer_norm_attrs,
     .input_specs = layer_norm_inputs,
     .output_specs = layer_norm_outputs,
     .traits = ONR_TRAIT_INPLACE,
     .infer = layer_norm_infer,
     .plan = layer_norm_plan,
     .run = layer_norm_run,
     .kernel = ONR_KERNEL_AT(norm.layer_f32)},
    {.name = NULL},
};
