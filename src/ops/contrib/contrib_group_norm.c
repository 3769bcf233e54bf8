/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GroupNorm, SkipGroupNorm (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 *
 * S = X (GroupNorm) or X + skip + bias (SkipGroupNorm)
 * Y = f((S - mean) / sqrt(variance + epsilon) * gamma + beta), mean and variance over the channels
 * of a group and all pixels
 *
 * Shapes    X, Y, S: [N,H,W,C], or [N,C,H,W] when channels_last is 0. gamma, beta, bias: [C]. skip: as
 *           X, as X with H and W of 1, or [N,C].
 * Types     X with Y, skip, bias and S; gamma with beta: float32, float16, bfloat16 each (computed
 *           in float32; Y from the sum before S is rounded).
 * Attrs     activation: int, required, 0: f(v) = v, 1: f(v) = v sigmoid(v). groups: int, required,
 *           divides C. channels_last: int, default 1. epsilon: float, default 1e-5.
 * Aliasing  Y may share storage with X or skip.
 */
#include "kernels/kernels.h"
#include "ops/common/check_dims.h"
#include "ops/norm/group_rows.h"

#include <inttypes.h>

enum { IN_X, IN_GAMMA, IN_BETA, IN_SKIP, IN_BIAS };

static int channel_axis(const struct onr_node *node)
{
    return onr_attr_int(node, "channels_last", 1) != 0 ? 3 : 1;
}

/* Fails unless skip has one of its three forms. */
static enum onr_status check_skip(const struct onr_infer_ctx *ctx)
{
    int64_t full[4];
    int64_t single[4];
    int axis = channel_axis(ctx->node);
    if (!onr_infer_has_input(ctx, IN_SKIP) || ctx->inputs[IN_SKIP]->shape.rank < 0) {
        return ONR_OK;
    }
    const struct onr_shape *skip = &ctx->inputs[IN_SKIP]->shape;
    bool is_single = skip->rank == 4;
    for (int d = 0; d < 4; d++) {
        bool is_pixel = d != 0 && d != axis;
        full[d] = onr_known_dim(ctx, IN_X, d);
        single[d] = is_pixel ? 1 : full[d];
        is_single = is_single && (!is_pixel || skip->dim[d] == 1);
    }
    const int64_t flat[2] = {full[0], full[axis]};
    if (skip->rank == 2) {
        return onr_check_dims(ctx, IN_SKIP, "skip", 2, flat);
    }
    return onr_check_dims(ctx, IN_SKIP, "skip", 4, is_single ? single : full);
}

static enum onr_status contrib_group_norm_infer(struct onr_infer_ctx *ctx)
{
    const int64_t any[4] = {ONR_DIM_UNKNOWN, ONR_DIM_UNKNOWN, ONR_DIM_UNKNOWN, ONR_DIM_UNKNOWN};
    int64_t value;
    ONR_TRY(onr_check_attr_int(ctx, "activation", 0, 0, 1, &value));
    ONR_TRY(onr_check_attr_int(ctx, "channels_last", 1, 0, 1, &value));
    ONR_TRY(onr_check_attr_int(ctx, "groups", 0, 1, INT32_MAX, &value));
    ONR_TRY(onr_check_dims(ctx, IN_X, "X", 4, any));
    int64_t channels = onr_known_dim(ctx, IN_X, channel_axis(ctx->node));
    int64_t part;
    ONR_TRY(onr_divide_dim(ctx, "channels", channels, value, &part));
    ONR_TRY(onr_check_dims(ctx, IN_GAMMA, "gamma", 1, &channels));
    ONR_TRY(onr_check_dims(ctx, IN_BETA, "beta", 1, &channels));
    ONR_TRY(onr_check_dims(ctx, IN_BIAS, "bias", 1, &channels));
    ONR_TRY(check_skip(ctx));
    for (uint32_t i = 0; i < ctx->node->output_count; i++) {
        ctx->outputs[i].shape = ctx->inputs[IN_X]->shape;
    }
    return ONR_OK;
}

static enum onr_group_skip skip_form(const struct onr_plan_ctx *ctx)
{
    const struct onr_fact *skip = onr_plan_input(ctx, IN_SKIP);
    if (skip == NULL) {
        return ONR_GROUP_NO_SKIP;
    }
    bool is_full = onr_shape_equal(&skip->shape, &ctx->inputs[IN_X]->shape);
    return is_full ? ONR_GROUP_FULL_SKIP : ONR_GROUP_CHANNEL_SKIP;
}

static enum onr_status contrib_group_norm_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_fact *x = ctx->inputs[IN_X];
    int axis = channel_axis(ctx->node);
    struct onr_group_norm *norm = ONR_ARENA_NEW(ctx->arena, struct onr_group_norm);
    if (norm == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a normalization");
    }
    ctx->plan = norm;
    norm->dtype = x->dtype;
    norm->param_dtype = ctx->inputs[IN_GAMMA]->dtype;
    norm->epsilon = (double)onr_attr_float(ctx->node, "epsilon", 1e-5f);
    norm->batch = (size_t)x->shape.dim[0];
    norm->groups = (size_t)onr_attr_int(ctx->node, "groups", 1);
    norm->group_channels = (size_t)x->shape.dim[axis] / norm->groups;
    norm->inner = (size_t)onr_shape_range(&x->shape, axis == 3 ? 1 : 2, axis == 3 ? 3 : 4);
    norm->is_channels_last = axis == 3;
    norm->is_activated = onr_attr_int(ctx->node, "activation", 0) == 1;
    norm->skip = skip_form(ctx);
    return onr_group_norm_plan(norm, ctx);
}

static enum onr_status contrib_group_norm_run(struct onr_run_ctx *ctx)
{
    struct onr_group_tensors tensors = {
        .x = ctx->inputs[IN_X]->data,
        .scale = ctx->inputs[IN_GAMMA]->data,
        .bias = ctx->inputs[IN_BETA]->data,
        .skip = onr_input_data(ctx, IN_SKIP),
        .skip_bias = onr_input_data(ctx, IN_BIAS),
        .y = ctx->outputs[0]->data,
        .sum = onr_output_data(ctx, 1),
    };
    onr_group_norm_run(ctx->plan, &tensors, ctx);
    return ONR_OK;
}

#define TYPES (ONR_BIT(FLOAT) | ONR_DTYPES_HALF)

static const struct onr_attr_spec attrs[] = {{"activation", ONR_ATTR_INT, true},
                                             {"channels_last", ONR_ATTR_INT, false},
                                             {"epsilon", ONR_ATTR_FLOAT, false},
                                             {"groups", ONR_ATTR_INT, true},
                                             {.name = NULL}};
static const struct onr_param_spec inputs[] = {{TYPES, 1}, {TYPES, 2}, {TYPES, 2}, {TYPES, 1}, {0}};
static const struct onr_param_spec outputs[] = {{TYPES, 1}, {0}};

#define GROUP_NORM_ROW(op, min, max, most_outputs)                                                 \
    {                                                                                              \
        .domain = "com.microsoft", .name = (op), .since_version = 1,                               \
        .last_version = ONR_CONTRIB_LATEST, .inputs = {(min), (max)},                              \
        .outputs = {1, (most_outputs)}, .attrs = attrs, .input_specs = inputs,                     \
        .output_specs = outputs, .traits = ONR_TRAIT_INPLACE, .infer = contrib_group_norm_infer,   \
        .plan = contrib_group_norm_plan, .run = contrib_group_norm_run,                            \
        .kernel = ONR_KERNEL_AT(norm.affine_f32)                                                   \
    }

extern const struct onr_op_def onr_ops_contrib_group_norm[];
const struct onr_op_def onr_ops_contrib_group_norm[] = {
    GROUP_NORM_ROW("GroupNorm", 3, 3, 1),
    GROUP_NORM_ROW("SkipGroupNorm", 4, 5, 2),
    {.name = NULL},
};
