/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GroupNormalization (ai.onnx), versions 18-20 and 21+.
 * https://onnx.ai/onnx/operators/onnx__GroupNormalization.html
 * InstanceNormalization (ai.onnx), all versions: groups of one channel.
 * https://onnx.ai/onnx/operators/onnx__InstanceNormalization.html
 *
 * y = (x - mean) / sqrt(variance + epsilon) * scale + bias, mean and variance over the channels of
 * a group and all spatial dims
 *
 * Shapes    x, y: [N,C,d1..]. scale, bias: [C], or [num_groups] in GroupNormalization 18-20.
 * Types     float32, float16, bfloat16 (computed in float32 and rounded once at the end), float64.
 * Attrs     epsilon: float, default 1e-5. num_groups: int, required, divides C. stash_type:
 *           accepted, the sums keep their precision. consumed_inputs (InstanceNormalization 1):
 *           ignored.
 * Edge      Variance is taken in two passes.
 * Aliasing  y may share storage with x.
 */
#include "kernels/kernels.h"
#include "ops/common/check_dims.h"
#include "ops/norm/group_rows.h"

#include <inttypes.h>

static bool is_instance(const struct onr_node *node)
{
    return node->op_type[0] == 'I';
}

static enum onr_status group_norm_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    ONR_TRY(onr_infer_same_shape(ctx));
    if (x->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    if (x->rank < 2) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "input has rank %d, expected at least 2",
                              x->rank);
    }
    int64_t channels = x->dim[1];
    int64_t groups = onr_attr_int(ctx->node, "num_groups", 1);
    bool is_per_group = !is_instance(ctx->node) && ctx->node->version < 21;
    if (groups < 1 || (channels >= 0 && channels % groups != 0)) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "num_groups %" PRId64 " does not divide %" PRId64 " channels", groups,
                              channels);
    }
    const int64_t params = is_per_group ? groups : channels;
    ONR_TRY(onr_check_dims(ctx, 1, "scale", 1, &params));
    return onr_check_dims(ctx, 2, "bias", 1, &params);
}

static enum onr_status group_norm_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_fact *x = ctx->inputs[0];
    size_t channels = (size_t)x->shape.dim[1];
    struct onr_group_norm *norm = ONR_ARENA_NEW(ctx->arena, struct onr_group_norm);
    if (norm == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a normalization");
    }
    ctx->plan = norm;
    norm->dtype = x->dtype;
    norm->param_dtype = x->dtype;
    norm->epsilon = (double)onr_attr_float(ctx->node, "epsilon", 1e-5f);
    norm->batch = (size_t)x->shape.dim[0];
    norm->groups =
        is_instance(ctx->node) ? channels : (size_t)onr_attr_int(ctx->node, "num_groups", 1);
    norm->group_channels = norm->groups > 0 ? channels / norm->groups : 0;
    norm->inner = (size_t)onr_shape_range(&x->shape, 2, x->shape.rank);
    norm->is_per_group = !is_instance(ctx->node) && ctx->node->version < 21;
    return onr_group_norm_plan(norm, ctx);
}

static enum onr_status group_norm_run(struct onr_run_ctx *ctx)
{
    struct onr_group_tensors tensors = {
        .x = ctx->inputs[0]->data,
        .scale = ctx->inputs[1]->data,
        .bias = ctx->inputs[2]->data,
        .y = ctx->outputs[0]->data,
    };
    onr_group_norm_run(ctx->plan, &tensors, ctx);
    return ONR_OK;
}

static const struct onr_attr_spec group_norm_attrs[] = {
    {"epsilon", ONR_ATTR_FLOAT, false},
    {"num_groups", ONR_ATTR_INT, true},
    {"stash_type", ONR_ATTR_INT, false},
    {NULL, 0, false},
};
static const struct onr_attr_spec instance_norm_attrs[] = {
    {"epsilon", ONR_ATTR_FLOAT, false},
    {"consumed_inputs", ONR_ATTR_INTS, false},
    {NULL, 0, false},
};
static const struct onr_param_spec group_norm_params[] = {{ONR_DTYPES_FLOAT, 1}, {0, 0}};

#define GROUP_NORM_ROW(op, since, last, attributes)                                                \
    {                                                                                              \
        .domain = "", .name = (op), .since_version = (since), .last_version = (last),              \
        .inputs = {3, 3}, .outputs = {1, 1}, .attrs = (attributes),                                \
        .input_specs = group_norm_params, .output_specs = group_norm_params,                       \
        .traits = ONR_TRAIT_INPLACE, .infer = group_norm_infer, .plan = group_norm_plan,           \
        .run = group_norm_run, .kernel = ONR_KERNEL_AT(norm.affine_f32),                           \
    }

extern const struct onr_op_def onr_ops_group_normalization[];
const struct onr_op_def onr_ops_group_normalization[] = {
    GROUP_NORM_ROW("GroupNormalization", 18, 20, group_norm_attrs),
    GROUP_NORM_ROW("GroupNormalization", 21, ONR_OPSET_LATEST, group_norm_attrs),
    GROUP_NORM_ROW("InstanceNormalization", 1, ONR_OPSET_LATEST, instance_norm_attrs),
    {.name = NULL},
};
