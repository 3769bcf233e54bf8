/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Squeeze, Unsqueeze (ai.onnx)                   https://onnx.ai/onnx/operators/onnx__Squeeze.html
 * ExpandDims (com.microsoft): Unsqueeze with one axis, an int32 input.
 *
 * y = x without (with) dimensions of extent 1 at `axes`.
 *
 * Shapes    Squeeze: rank r -> r - n; without axes all dimensions of extent 1 go. Unsqueeze: r -> r
 *           + n, axes count in y.
 * Types     all.
 * Attrs     axes (1-12); an input from 13 on, of rank 1 or 0. In any order, negative ones count
 *           from the end, none twice.
 * Edge      scalar x -> Unsqueeze [1]; Squeeze [1] -> scalar.
 * Aliasing  y is a view of x.
 */
#include "ops/common/contents.h"
#include "ops/common/copy.h"

#include <inttypes.h>

struct axes {
    const int64_t *list;
    size_t count;
    bool is_given;
    bool is_known;
};

static enum onr_status read_axes(struct onr_infer_ctx *ctx, struct axes *axes)
{
    const struct onr_attr *attr = onr_node_attr(ctx->node, "axes");
    *axes = (struct axes){.is_given = attr != NULL, .is_known = attr != NULL};
    if (attr != NULL) {
        axes->list = onr_attr_ints(ctx->node, "axes", &axes->count);
    } else if (onr_infer_has_input(ctx, 1)) {
        ONR_TRY(onr_infer_ints(ctx, 1, &axes->list, &axes->count));
        axes->is_given = true;
        axes->is_known = axes->list != NULL;
    }
    return ONR_OK;
}

/* Bit i: dimension i of `rank` is listed. */
static enum onr_status axes_mask(struct onr_infer_ctx *ctx, const struct axes *axes, int rank,
                                 uint32_t *mask)
{
    *mask = 0;
    for (size_t i = 0; i < axes->count; i++) {
        int axis = 0;
        ONR_TRY(onr_check_axis(ctx->err, axes->list[i], rank, &axis));
        if ((*mask >> axis & 1) != 0) {
            return onr_infer_fail(ctx, ONR_ERR_VALUE, "axis %d is listed twice", axis);
        }
        *mask |= 1u << axis;
    }
    return ONR_OK;
}

/* The mask of all dimensions of extent 1; false when a dimension is not known. */
static bool unit_mask(const struct onr_shape *x, uint32_t *mask)
{
    *mask = 0;
    for (int i = 0; i < x->rank; i++) {
        *mask |= x->dim[i] == 1 ? 1u << i : 0;
    }
    return onr_shape_is_known(x);
}

static enum onr_status squeeze_dims(struct onr_infer_ctx *ctx, uint32_t mask)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct onr_shape *y = &ctx->outputs[0].shape;
    y->rank = 0;
    for (int i = 0; i < x->rank; i++) {
        if ((mask >> i & 1) == 0) {
            y->dim[y->rank++] = x->dim[i];
        } else if (x->dim[i] >= 0 && x->dim[i] != 1) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                                  "dimension %d is %" PRId64 ", expected 1 to squeeze", i,
                                  x->dim[i]);
        }
    }
    onr_contents_forward(ctx);
    return ONR_OK;
}

static enum onr_status squeeze_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct axes axes;
    uint32_t mask = 0;
    ONR_TRY(read_axes(ctx, &axes));
    if (x->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    if (axes.is_known) {
        ONR_TRY(axes_mask(ctx, &axes, x->rank, &mask));
        return squeeze_dims(ctx, mask);
    }
    if (!axes.is_given && unit_mask(x, &mask)) {
        return squeeze_dims(ctx, mask);
    }
    if (axes.is_given && onr_list_length(ctx, 1) >= 0 && onr_list_length(ctx, 1) <= x->rank) {
        onr_infer_unknown_dims(ctx, x->rank - (int)onr_list_length(ctx, 1));
    }
    return ONR_OK;
}

static enum onr_status unsqueeze_dims(struct onr_infer_ctx *ctx, const struct axes *axes)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct onr_shape *y = &ctx->outputs[0].shape;
    int rank = x->rank + (int)axes->count;
    uint32_t mask = 0;
    ONR_TRY(axes_mask(ctx, axes, rank, &mask));
    y->rank = rank;
    for (int i = 0, k = 0; i < rank; i++) {
        y->dim[i] = (mask >> i & 1) != 0 ? 1 : x->dim[k++];
    }
    onr_contents_forward(ctx);
    return ONR_OK;
}

static enum onr_status unsqueeze_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct axes axes;
    ONR_TRY(read_axes(ctx, &axes));
    if (x->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    if (axes.is_known) {
        ONR_TRY(onr_check_max_rank(ctx->err, (size_t)x->rank + axes.count));
        return unsqueeze_dims(ctx, &axes);
    }
    int64_t added = axes.is_given ? onr_list_length(ctx, 1) : -1;
    if (added >= 0) {
        ONR_TRY(onr_check_max_rank(ctx->err, (size_t)x->rank + (size_t)added));
        onr_infer_unknown_dims(ctx, x->rank + (int)added);
    }
    return ONR_OK;
}

static enum onr_status expand_dims_infer(struct onr_infer_ctx *ctx)
{
    int64_t count = onr_list_length(ctx, 1);
    if (count >= 0 && count != 1) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "axis has %" PRId64 " elements, expected 1",
                              count);
    }
    return unsqueeze_infer(ctx);
}

static enum onr_status squeeze_run(struct onr_run_ctx *ctx)
{
    onr_copy_bytes(ctx->parallel, ctx->outputs[0]->data, ctx->inputs[0]->data,
                   onr_tensor_bytes(ctx->inputs[0]));
    return ONR_OK;
}

static const struct onr_param_spec any_specs[] = {{ONR_DTYPES_ALL, 1}, {0}};
static const struct onr_param_spec axes_inputs[] = {{ONR_DTYPES_ALL, 1}, {ONR_BIT(INT64), 0}, {0}};
static const struct onr_param_spec axis_inputs[] = {{ONR_DTYPES_ALL, 1}, {ONR_BIT(INT32), 0}, {0}};
static const struct onr_attr_spec axes_attrs[] = {{"axes", ONR_ATTR_INTS, false}, {0}};
static const struct onr_attr_spec required_axes[] = {{"axes", ONR_ATTR_INTS, true}, {0}};

#define SQUEEZE_ROW(op, first, last, min, max, specs, attr_specs, infer_fn)                        \
    {                                                                                              \
        .domain = "", .name = (op), .since_version = (first), .last_version = (last),              \
        .inputs = {(min), (max)}, .outputs = {1, 1}, .attrs = (attr_specs),                        \
        .input_specs = (specs), .output_specs = any_specs, .traits = ONR_TRAIT_VIEW,               \
        .infer = (infer_fn), .run = squeeze_run                                                    \
    }

extern const struct onr_op_def onr_ops_squeeze[];
const struct onr_op_def onr_ops_squeeze[] = {
    SQUEEZE_ROW("Squeeze", 1, 12, 1, 1, any_specs, axes_attrs, squeeze_infer),
    SQUEEZE_ROW("Squeeze", 13, ONR_OPSET_LATEST, 1, 2, axes_inputs, NULL, squeeze_infer),
    SQUEEZE_ROW("Unsqueeze", 1, 12, 1, 1, any_specs, required_axes, unsqueeze_infer),
    SQUEEZE_ROW("Unsqueeze", 13, ONR_OPSET_LATEST, 2, 2, axes_inputs, NULL, unsqueeze_infer),
    {.domain = "com.microsoft",
     .name = "ExpandDims",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {2, 2},
     .outputs = {1, 1},
     .input_specs = axis_inputs,
     .output_specs = any_specs,
     .traits = ONR_TRAIT_VIEW,
     .infer = expand_dims_infer,
     .run = squeeze_run},
    {.name = NULL},
};
