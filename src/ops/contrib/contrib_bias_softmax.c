/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BiasSoftmax (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 *
 * output = softmax(data + bias), over all dimensions from axis on together
 *
 * Shapes    data, output: any of rank 1 or more. bias: broadcast to data, with the dimensions of data
 *           from axis on; before them it is repeated along the last ones (is_inner_broadcast: [B,1,1,S]
 *           to [B,H,S,S]) or along the first ones ([1,1,S,S], or [S,S]).
 * Types     float32, float16, bfloat16 (computed in float32 and rounded once), float64.
 * Attrs     axis: int, default 1, range [-rank, rank-1]. is_inner_broadcast: int, required.
 * Edge      As Softmax.
 * Aliasing  output may share storage with data, or with bias when nothing of it is repeated.
 */
#include "kernels/kernels.h"
#include "ops/common/axes.h"
#include "ops/norm/masked_softmax.h"

static bool is_inner(const struct onr_node *node)
{
    return onr_attr_int(node, "is_inner_broadcast", 0) != 0;
}

/* Dimension d of data in bias, 1 where bias has fewer. */
static int64_t bias_dim(const struct onr_shape *data, const struct onr_shape *bias, int d)
{
    int own = d - (data->rank - bias->rank);
    return own < 0 ? 1 : bias->dim[own];
}

/* True when bias has the dimensions of data from axis on, and is repeated as told before them. */
static bool bias_fits(const struct onr_shape *data, const struct onr_shape *bias, int axis,
                      bool repeats_last)
{
    bool has_changed = false; /* from what comes first to what comes last */
    if (bias->rank > data->rank) {
        return false;
    }
    for (int d = 0; d < data->rank; d++) {
        int64_t a = data->dim[d];
        int64_t b = bias_dim(data, bias, d);
        if (a < 0 || b < 0 || (a == 1 && b == 1)) {
            continue;
        }
        if (a != b && (d >= axis || b != 1)) {
            return false;
        }
        bool is_last_kind = (a != b) == repeats_last;
        if (d < axis && has_changed && !is_last_kind) {
            return false;
        }
        has_changed = has_changed || is_last_kind;
    }
    return true;
}

static enum onr_status bias_softmax_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *data = &ctx->inputs[0]->shape;
    const struct onr_shape *bias = &ctx->inputs[1]->shape;
    int axis = 0;
    ONR_TRY(onr_infer_same_shape(ctx));
    if (data->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    ONR_TRY(onr_axis_check(onr_attr_int(ctx->node, "axis", 1), data->rank, &axis, ctx->err));
    if (bias->rank != ONR_RANK_UNKNOWN && !bias_fits(data, bias, axis, is_inner(ctx->node))) {
        char given[ONR_SHAPE_TEXT_BYTES];
        char wanted[ONR_SHAPE_TEXT_BYTES];
        return onr_infer_fail(
            ctx, ONR_ERR_SHAPE,
            "bias of shape %s cannot be repeated along the %s dimensions of %s before axis %d",
            onr_shape_text(bias, given), is_inner(ctx->node) ? "last" : "first",
            onr_shape_text(data, wanted), axis);
    }
    return ONR_OK;
}

static enum onr_status bias_softmax_plan(struct onr_plan_ctx *ctx)
{
    int axis = 0;
    ONR_TRY(onr_axis_check(onr_attr_int(ctx->node, "axis", 1), ctx->inputs[0]->shape.rank, &axis,
                           ctx->err));
    return onr_masked_softmax_plan(ctx, axis, 1.0f);
}

static const struct onr_attr_spec attrs[] = {
    {"axis", ONR_ATTR_INT, false}, {"is_inner_broadcast", ONR_ATTR_INT, true}, {.name = NULL}};
static const struct onr_param_spec specs[] = {{ONR_DTYPES_FLOAT, 1}, {0}};

extern const struct onr_op_def onr_ops_contrib_bias_softmax[];
const struct onr_op_def onr_ops_contrib_bias_softmax[] = {
    {.domain = "com.microsoft",
     .name = "BiasSoftmax",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {2, 2},
     .outputs = {1, 1},
     .attrs = attrs,
     .input_specs = specs,
     .output_specs = specs,
     .infer = bias_softmax_infer,
     .plan = bias_softmax_plan,
     .run = onr_masked_softmax_run,
     .kernel = ONR_KERNEL_AT(softmax.softmax_f32)},
    {.name = NULL},
};
