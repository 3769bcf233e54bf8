/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conv (ai.onnx), versions 1, 11 and 22. https://onnx.ai/onnx/operators/onnx__Conv.html
 *
 * Y[n, m, o] = B[m] + sum over c, t of W[m, c, t] * X[n, g * C/group + c, o * stride - pad + t *
 * dilation], g = the group of m; positions outside X count as 0.
 *
 * Shapes    X: [N, C, spatial...], W: [M, C/group, kernel...], B: [M] or absent -> Y: [N, M,
 *           out...]; 1 to 3 spatial dimensions.
 * Types     float16, bfloat16 (22+), float32, float64. The half types are computed in float32.
 * Attrs     kernel_shape: ints, default the extents of W. strides, dilations: ints, default 1.
 *           pads: ints [begin..., end...], default 0. auto_pad: NOTSET (default), VALID,
 *           SAME_UPPER, SAME_LOWER. group: int, default 1.
 * Edge      C = 0 -> B.
 * Aliasing  none.
 */
#include "base/size.h"
#include "ops/conv/conv_run.h"
#include "ops/conv/spatial.h"

#include <inttypes.h>

static enum onr_status check_channels(struct onr_infer_ctx *ctx, const struct onr_shape *x,
                                      const struct onr_shape *w)
{
    int64_t group = onr_attr_int(ctx->node, "group", 1);
    if (group < 1) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "attribute group is %" PRId64 ", expected >= 1",
                              group);
    }
    if (w->dim[0] >= 0 && w->dim[0] % group != 0) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "%" PRId64 " output channels do not divide into %" PRId64 " groups",
                              w->dim[0], group);
    }
    int64_t channels = 0;
    if (w->dim[1] >= 0 &&
        (!onr_int_mul(w->dim[1], group, &channels) || (x->dim[1] >= 0 && x->dim[1] != channels))) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "x has %" PRId64 " channels, w expects %" PRId64 " in %" PRId64
                              " groups of %" PRId64,
                              x->dim[1], channels, group, w->dim[1]);
    }
    return ONR_OK;
}

enum onr_status onr_conv_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    const struct onr_shape *w = &ctx->inputs[1]->shape;
    if (x->rank == ONR_RANK_UNKNOWN || w->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    if (x->rank < 3 || w->rank != x->rank) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "x has rank %d and w rank %d, expected the same rank of at least 3",
                              x->rank, w->rank);
    }
    struct onr_spatial spatial;
    struct onr_shape y = {.rank = x->rank, .dim = {x->dim[0], w->dim[0]}};
    ONR_TRY(check_channels(ctx, x, w));
    ONR_TRY(onr_conv_check_bias(ctx, w->dim[0]));
    ONR_TRY(onr_spatial_read(ctx->node, x->rank - 2, w->dim + 2, &spatial, ctx->err));
    for (int d = 0; d < spatial.rank; d++) {
        ONR_TRY(onr_spatial_output(&spatial, d, x->dim[2 + d], &y.dim[2 + d], ctx->err));
    }
    ctx->outputs[0].shape = y;
    return ONR_OK;
}

/* The state is the kernel table, for plan. */
enum onr_status onr_conv_prepare(struct onr_prepare_ctx *ctx)
{
    ctx->state = (void *)(uintptr_t)ctx->kernels;
    return ONR_OK;
}

enum onr_status onr_conv_make(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    const struct onr_shape *w = &ctx->inputs[1]->shape;
    struct onr_conv *conv = ONR_ARENA_NEW(ctx->arena, struct onr_conv);
    struct onr_spatial spatial;
    if (conv == NULL) {
        return onr_fail_memory(ctx->err, "plan of Conv");
    }
    ONR_TRY(onr_spatial_read(ctx->node, x->rank - 2, w->dim + 2, &spatial, ctx->err));
    conv->dtype = ctx->inputs[0]->dtype;
    conv->has_bias = ctx->node->input_count > 2 && ctx->inputs[2] != NULL;
    conv->batch = (size_t)x->dim[0];
    conv->groups = (size_t)onr_attr_int(ctx->node, "group", 1);
    conv->in_channels = (size_t)w->dim[1];
    conv->out_channels = (size_t)w->dim[0] / conv->groups;
    ONR_TRY(onr_spatial_window(&spatial, x, &conv->window, ctx->err));
    ONR_TRY(onr_conv_plan(conv, ctx->state, ctx->thread_count, &ctx->workspace_bytes, ctx->err));
    onr_conv_tell(conv, &ctx->told);
    ctx->plan = conv;
    ctx->flops = 2 * (uint64_t)onr_shape_count(&ctx->outputs[0].shape) *
                 (uint64_t)onr_shape_range(w, 1, w->rank);
    return ONR_OK;
}

static enum onr_status conv_run(struct onr_run_ctx *ctx)
{
    onr_conv_run(ctx->plan, ctx);
    return ONR_OK;
}

static const struct onr_param_spec specs_1[] = {
    {ONR_BIT(FLOAT16) | ONR_BIT(FLOAT) | ONR_BIT(DOUBLE), 1}, {0}};
static const struct onr_param_spec specs_22[] = {{ONR_DTYPES_FLOAT, 1}, {0}};

static const struct onr_attr_spec attrs[] = {{"auto_pad", ONR_ATTR_STRING, false},
                                             {"dilations", ONR_ATTR_INTS, false},
                                             {"group", ONR_ATTR_INT, false},
                                             {"kernel_shape", ONR_ATTR_INTS, false},
                                             {"pads", ONR_ATTR_INTS, false},
                                             {"strides", ONR_ATTR_INTS, false},
                                             {.name = NULL}};

#define CONV_ROW(since, last, specs)                                                               \
    {                                                                                              \
        .domain = "", .name = "Conv", .since_version = (since), .last_version = (last),            \
        .inputs = {2, 3}, .outputs = {1, 1}, .attrs = attrs, .input_specs = (specs),               \
        .output_specs = (specs), .infer = onr_conv_infer, .prepare = onr_conv_prepare,             \
        .plan = onr_conv_make, .run = conv_run                                                     \
    }

extern const struct onr_op_def onr_ops_conv[];
const struct onr_op_def onr_ops_conv[] = {
    CONV_ROW(1, 21, specs_1),
    CONV_ROW(22, ONR_OPSET_LATEST, specs_22),
    {.name = NULL},
};
