/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pad (ai.onnx)                                  https://onnx.ai/onnx/operators/onnx__Pad.html
 * Pad (com.microsoft), version 1: as version 11 for float types; pads may be [1, 2 rank].
 *
 * y[i..] = x[i - begin..] where that is inside x; outside it as `mode` says.
 *
 * Shapes    dim[a] + begin[a] + end[a], pads being [begins.., ends..] of all dimensions or of
 *           `axes`.
 * Types     all (floats up to version 10).
 * Attrs     mode: "constant" (default), "reflect" (without repeating the border, to and fro as far
 *           as needed), "edge", "wrap" (19+). 2-10: pads, value. From 11 on inputs pads,
 *           constant_value (default 0), 18+ axes.
 * Edge      negative pads cut off; the other modes then pad what is left, which must not be empty.
 */
#include "ops/movement/pad.h"

#include "base/size.h"
#include "kernels/kernels.h"
#include "ops/common/check_dims.h"
#include "ops/common/contents.h"
#include "ops/common/index.h"

#include <inttypes.h>

/* dim + begin + end, or an error. */
static enum onr_status padded_dim(struct onr_infer_ctx *ctx, int axis, struct onr_sint begin,
                                  struct onr_sint end, int64_t *padded)
{
    int64_t dim = ctx->inputs[0]->shape.dim[axis];
    *padded = ONR_DIM_UNKNOWN;
    if (begin.dim != 0 || end.dim != 0) {
        return ONR_OK;
    }
    if (begin.value == 0 && end.value == 0) {
        *padded = dim;
    } else if (dim >= 0 && (!onr_int_add(dim, begin.value, padded) ||
                            !onr_int_add(*padded, end.value, padded) || *padded < 0)) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "pads %" PRId64 " and %" PRId64 " of dimension %d, which is %" PRId64,
                              begin.value, end.value, axis, dim);
    }
    return ONR_OK;
}

/* Shape of y when dimension axes[i] (or i) gets pads[i] before and pads[count + i] behind. */
static enum onr_status pad_dims(struct onr_infer_ctx *ctx, const int64_t *axes,
                                const struct onr_sint *pads, size_t count)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct onr_shape y = *x;
    uint32_t seen = 0;
    for (size_t i = 0; i < count; i++) {
        int axis = 0;
        ONR_TRY(onr_check_axis(ctx->err, axes != NULL ? axes[i] : (int64_t)i, x->rank, &axis));
        if ((seen >> axis & 1) != 0) {
            return onr_infer_fail(ctx, ONR_ERR_VALUE, "axis %d is listed twice", axis);
        }
        seen |= 1u << axis;
        ONR_TRY(padded_dim(ctx, axis, pads[i], pads[count + i], &y.dim[axis]));
    }
    ctx->outputs[0].shape = y;
    return ONR_OK;
}

static enum onr_status pad_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    const struct onr_sint *pads = NULL;
    const int64_t *axes = NULL;
    size_t pad_count = 0;
    size_t axis_count = 0;
    enum onr_pad_mode mode;
    bool has_axes = onr_infer_has_input(ctx, 3);
    ONR_TRY(onr_pad_read_mode(ctx->node, &mode, ctx->err));
    ONR_TRY(onr_infer_sints(ctx, 1, &pads, &pad_count));
    if (has_axes) {
        ONR_TRY(onr_infer_ints(ctx, 3, &axes, &axis_count));
    }
    if (x->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    if (pads == NULL || (has_axes && axes == NULL)) {
        onr_infer_unknown_dims(ctx, x->rank);
        return ONR_OK;
    }
    size_t padded = has_axes ? axis_count : (size_t)x->rank;
    if (pad_count != 2 * padded) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "%zu pads for %zu dimensions, expected %zu",
                              pad_count, padded, 2 * padded);
    }
    return pad_dims(ctx, axes, pads, padded);
}

/* A single row of pads counts as a list. */
static enum onr_status contrib_pad_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_fact *inputs[3];
    struct onr_fact pads = *ctx->inputs[1];
    struct onr_infer_ctx list_ctx = *ctx;
    memcpy(inputs, ctx->inputs, ctx->node->input_count * sizeof *inputs);
    inputs[1] = &pads;
    list_ctx.inputs = inputs;
    if (pads.shape.rank == 2 && (pads.shape.dim[0] == 1 || pads.shape.dim[0] < 0)) {
        pads.shape = (struct onr_shape){.rank = 1, .dim = {pads.shape.dim[1]}};
    }
    ONR_TRY(pad_infer(&list_ctx));
    ctx->needs = list_ctx.needs;
    return ONR_OK;
}

static enum onr_status pad_attr_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    size_t count = 0;
    const int64_t *pads = onr_attr_ints(ctx->node, "pads", &count);
    struct onr_sint list[2 * ONR_MAX_RANK];
    enum onr_pad_mode mode;
    ONR_TRY(onr_pad_read_mode(ctx->node, &mode, ctx->err));
    if (x->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    if (count != 2 * (size_t)x->rank) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "%zu pads for %d dimensions, expected %d", count,
                              x->rank, 2 * x->rank);
    }
    for (size_t i = 0; i < count; i++) {
        list[i] = onr_sint_of(pads[i]);
    }
    return pad_dims(ctx, NULL, list, (size_t)x->rank);
}

static enum onr_status pad_make_plan(struct onr_plan_ctx *ctx)
{
    int rank = ctx->inputs[0]->shape.rank;
    const struct onr_fact *axes = ctx->node->input_count > 3 ? ctx->inputs[3] : NULL;
    int64_t count = axes != NULL ? onr_shape_count(&axes->shape) : rank;
    struct onr_pads pads = {{0}, {0}};
    ONR_TRY(onr_check_planned(ctx, 1));
    ONR_TRY(onr_check_planned(ctx, 3));
    for (int64_t i = 0; i < count; i++) {
        int axis = 0;
        ONR_TRY(onr_check_axis(ctx->err, axes != NULL ? onr_plan_int(axes, i) : i, rank, &axis));
        pads.begin[axis] = onr_plan_int(ctx->inputs[1], i);
        pads.end[axis] = onr_plan_int(ctx->inputs[1], count + i);
    }
    return onr_pad_plan(ctx, &pads);
}

static enum onr_status pad_attr_plan(struct onr_plan_ctx *ctx)
{
    int rank = ctx->inputs[0]->shape.rank;
    size_t count = 0;
    const int64_t *list = onr_attr_ints(ctx->node, "pads", &count);
    struct onr_pads pads = {{0}, {0}};
    for (int i = 0; i < rank; i++) {
        pads.begin[i] = list[i];
        pads.end[i] = list[rank + i];
    }
    return onr_pad_plan(ctx, &pads);
}

static const struct onr_param_spec float_specs[] = {{ONR_DTYPES_FLOAT, 1}, {0}};
static const struct onr_param_spec any_specs[] = {{ONR_DTYPES_ALL, 1}, {0}};
static const struct onr_param_spec pad_inputs[] = {
    {ONR_DTYPES_ALL, 1}, {ONR_BIT(INT64), 0}, {ONR_DTYPES_ALL, 1}, {ONR_DTYPES_INDEX, 0}, {0}};
static const struct onr_attr_spec old_attrs[] = {{"mode", ONR_ATTR_STRING, false},
                                                 {"pads", ONR_ATTR_INTS, true},
                                                 {"value", ONR_ATTR_FLOAT, false},
                                                 {0}};
static const struct onr_attr_spec mode_attrs[] = {{"mode", ONR_ATTR_STRING, false}, {0}};

#define PAD_ROW(first, last, max)                                                                  \
    {                                                                                              \
        .domain = "", .name = "Pad", .since_version = (first), .last_version = (last),             \
        .inputs = {2, (max)}, .outputs = {1, 1}, .attrs = mode_attrs, .input_specs = pad_inputs,   \
        .output_specs = any_specs, .infer = pad_infer, .plan = pad_make_plan, .run = onr_pad_run,  \
        .kernel = ONR_KERNEL_AT(move.copy_strided)                                                 \
    }

static const struct onr_param_spec contrib_inputs[] = {
    {ONR_DTYPES_FLOAT, 1}, {ONR_BIT(INT64), 0}, {ONR_DTYPES_FLOAT, 1}, {0}};

extern const struct onr_op_def onr_ops_pad[];
const struct onr_op_def onr_ops_pad[] = {
    {.domain = "",
     .name = "Pad",
     .since_version = 2,
     .last_version = 10,
     .inputs = {1, 1},
     .outputs = {1, 1},
     .attrs = old_attrs,
     .input_specs = float_specs,
     .output_specs = float_specs,
     .infer = pad_attr_infer,
     .plan = pad_attr_plan,
     .run = onr_pad_run,
     .kernel = ONR_KERNEL_AT(move.copy_strided)},
    PAD_ROW(11, 17, 3),
    PAD_ROW(18, ONR_OPSET_LATEST, 4),
    {.domain = "com.microsoft",
     .name = "Pad",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {2, 3},
     .outputs = {1, 1},
     .attrs = mode_attrs,
     .input_specs = contrib_inputs,
     .output_specs = float_specs,
     .infer = contrib_pad_infer,
     .plan = pad_make_plan,
     .run = onr_pad_run,
     .kernel = ONR_KERNEL_AT(move.copy_strided)},
    {.name = NULL},
};
