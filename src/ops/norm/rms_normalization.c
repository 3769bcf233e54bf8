/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RMSNormalization (ai.onnx), version 23+.
 * https://onnx.ai/onnx/operators/onnx__RMSNormalization.html
 * SimplifiedLayerNormalization (in the domain "" that exporters write, and com.microsoft): the same
 * with the factor as second output.
 *
 * y = x / sqrt(mean(x^2) + epsilon) * scale, mean over the dims from axis on
 *
 * Shapes    x, y: [d0..dr-1]. scale: broadcast to x. inv_std_var: x's with 1 from axis on.
 * Types     x, and scale with y: float32, float16, bfloat16 (computed in float32 and rounded once
 *           at the end), float64 (computed in float64 when either is). inv_std_var: the stash type.
 * Attrs     axis: int, default -1, range [-rank, rank-1]. epsilon: float, default 1e-5. stash_type:
 *           1 (float32, default), 11 or 16: only the type of inv_std_var, the sums keep their
 *           precision.
 * Aliasing  y may share storage with x.
 */
#include "kernels/kernels.h"
#include "ops/common/axes.h"
#include "ops/norm/norm_rows.h"

#include <inttypes.h>

static enum onr_status rms_norm_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_fact *x = ctx->inputs[0];
    int64_t stash_type = onr_attr_int(ctx->node, "stash_type", ONR_FLOAT);
    if (stash_type != ONR_FLOAT && stash_type != ONR_BFLOAT16 && stash_type != ONR_DOUBLE) {
        return onr_infer_fail(ctx, ONR_ERR_UNSUPPORTED,
                              "stash_type %" PRId64 ", expected 1, 11 or 16", stash_type);
    }
    ONR_TRY(onr_infer_same_shape(ctx));
    ONR_TRY(onr_row_param_check(x, ctx->inputs[1], "scale", ctx->err));
    bool has_factor = ctx->node->output_count > 1;
    if (has_factor) {
        ctx->outputs[1].dtype = (enum onr_dtype)stash_type;
    }
    if (x->shape.rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    int axis = 0;
    ONR_TRY(onr_axis_check(onr_attr_int(ctx->node, "axis", -1), x->shape.rank, &axis, ctx->err));
    if (has_factor) {
        ctx->outputs[1].shape = x->shape;
        for (int d = axis; d < x->shape.rank; d++) {
            ctx->outputs[1].shape.dim[d] = 1;
        }
    }
    return ONR_OK;
}

static enum onr_status rms_norm_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_fact *x = ctx->inputs[0];
    int axis = 0;
    ONR_TRY(onr_axis_check(onr_attr_int(ctx->node, "axis", -1), x->shape.rank, &axis, ctx->err));
    struct onr_norm_rows *norm = ONR_ARENA_NEW(ctx->arena, struct onr_norm_rows);
    if (norm == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a normalization");
    }
    norm->dtype = x->dtype;
    norm->y_dtype = ctx->inputs[1]->dtype;
    norm->stat_dtype = (enum onr_dtype)onr_attr_int(ctx->node, "stash_type", ONR_FLOAT);
    norm->is_rms = true;
    norm->epsilon = (double)onr_attr_float(ctx->node, "epsilon", 1e-5f);
    ONR_TRY(onr_row_param_init(&norm->scale, &x->shape, axis, ctx->inputs[1], ctx));
    ctx->plan = norm;
    return onr_norm_rows_plan(norm, &x->shape, axis, ctx);
}

static enum onr_status rms_norm_run(struct onr_run_ctx *ctx)
{
    struct onr_norm_tensors tensors = {
        .x = ctx->inputs[0]->data,
        .scale = ctx->inputs[1]->data,
        .y = onr_output_data(ctx, 0),
        .inverse_std = onr_output_data(ctx, 1),
    };
    onr_norm_rows_run(ctx->plan, &tensors, ctx);
    return ONR_OK;
}

static const struct onr_attr_spec rms_norm_attrs[] = {
    {"axis", ONR_ATTR_INT, false},
    {"epsilon", ONR_ATTR_FLOAT, false},
    {"stash_type", ONR_ATTR_INT, false},
    {NULL, 0, false},
};
static const struct onr_param_spec rms_norm_inputs[] = {
    {ONR_DTYPES_FLOAT, 1}, {ONR_DTYPES_FLOAT, 2}, {0, 0}};
static const struct onr_param_spec rms_norm_outputs[] = {
    {ONR_DTYPES_FLOAT, 2},
    {ONR_BIT(FLOAT) | ONR_BIT(DOUBLE) | ONR_BIT(BFLOAT16), 0},
    {0, 0},
};

#define RMS_NORM_ROW(of_domain, op, since, last, most_outputs)                                     \
    {                                                                                              \
        .domain = (of_domain), .name = (op), .since_version = (since), .last_version = (last),     \
        .inputs = {2, 2}, .outputs = {1, (most_outputs)}, .attrs = rms_norm_attrs,                 \
        .input_specs = rms_norm_inputs, .output_specs = rms_norm_outputs,                          \
        .traits = ONR_TRAIT_INPLACE, .infer = rms_norm_infer, .plan = rms_norm_plan,               \
        .run = rms_norm_run, .kernel = ONR_KERNEL_AT(norm.rms_f32),                                \
    }

extern const struct onr_op_def onr_ops_rms_normalization[];
const struct onr_op_def onr_ops_rms_normalization[] = {
    RMS_NORM_ROW("", "RMSNormalization", 23, ONR_OPSET_LATEST, 1),
    RMS_NORM_ROW("", "SimplifiedLayerNormalization", 1, ONR_OPSET_LATEST, 2),
    RMS_NORM_ROW("com.microsoft", "SimplifiedLayerNormalization", 1, ONR_CONTRIB_LATEST, 2),
    {.name = NULL},
};
