/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CenterCropPad (ai.onnx), version 18+. https://onnx.ai/onnx/operators/onnx__CenterCropPad.html
 *
 * y is the middle of x where an axis gets shorter, and has x in its middle, between zeros, where an
 * axis gets longer. What is odd goes behind.
 *
 * Shapes    x: any rank, shape: [number of axes] -> y: `shape` along the axes, else the dims of x.
 * Types     x: numbers, bool, complex, string (padded with ""); shape: int32, int64.
 * Attrs     axes: ints, default all; negative ones count from the back.
 * Edge      An axis listed twice is refused; the specification leaves it undefined.
 * Aliasing  none.
 */
#include "kernels/kernels.h"
#include "ops/common/contents.h"
#include "ops/common/copy.h"

#include <inttypes.h>

static enum onr_status set_dim(struct onr_infer_ctx *ctx, size_t i, struct onr_sint size,
                               int64_t *dim)
{
    if (size.dim == 0 && size.value < 0) {
        return onr_infer_fail(ctx, ONR_ERR_VALUE, "shape[%zu] is %" PRId64 ", expected >= 0", i,
                              size.value);
    }
    *dim = size.dim != 0 ? size.dim : size.value;
    return ONR_OK;
}

static enum onr_status center_crop_pad_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    const struct onr_sint *sizes = NULL;
    size_t size_count = 0;
    size_t count = 0;
    uint32_t seen = 0;
    const int64_t *axes = onr_attr_ints(ctx->node, "axes", &count);
    ONR_TRY(onr_infer_sints(ctx, 1, &sizes, &size_count));
    if (x->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    count = axes != NULL ? count : (size_t)x->rank;
    int64_t listed = onr_list_length(ctx, 1);
    if (listed >= 0 && (size_t)listed != count) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "shape has %" PRId64 " numbers, expected one for each of %zu axes",
                              listed, count);
    }
    struct onr_shape y = *x;
    for (size_t i = 0; i < count; i++) {
        int axis = 0;
        ONR_TRY(onr_check_axis(ctx->err, axes != NULL ? axes[i] : (int64_t)i, x->rank, &axis));
        if ((seen >> axis & 1) != 0) {
            return onr_infer_fail(ctx, ONR_ERR_MODEL, "axis %d is listed twice", axis);
        }
        seen |= 1u << axis;
        y.dim[axis] = ONR_DIM_UNKNOWN;
        if (sizes != NULL) {
            ONR_TRY(set_dim(ctx, i, sizes[i], &y.dim[axis]));
        }
    }
    ctx->outputs[0].shape = y;
    return ONR_OK;
}

struct crop_plan {
    struct onr_copy copy;
    size_t x_offset, y_offset; /* bytes to what is copied */
    bool pads;
};

static enum onr_status center_crop_pad_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    const struct onr_shape *y = &ctx->outputs[0].shape;
    struct crop_plan *plan = ONR_ARENA_NEW(ctx->arena, struct crop_plan);
    int64_t x_stride[ONR_MAX_RANK];
    int64_t y_stride[ONR_MAX_RANK];
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of CenterCropPad");
    }
    ctx->plan = plan;
    onr_shape_strides(x, x_stride);
    onr_shape_strides(y, y_stride);
    plan->copy.element_bytes = onr_dtype_size(ctx->outputs[0].dtype);
    for (int d = 0; d < x->rank; d++) {
        int64_t in = x->dim[d];
        int64_t out = y->dim[d];
        if (in > out) {
            plan->x_offset += (size_t)((in - out) / 2 * x_stride[d]) * plan->copy.element_bytes;
        } else {
            plan->y_offset += (size_t)((out - in) / 2 * y_stride[d]) * plan->copy.element_bytes;
        }
        plan->pads = plan->pads || out > in;
        onr_copy_add(&plan->copy, in < out ? in : out, y_stride[d], x_stride[d]);
    }
    onr_copy_finish(&plan->copy);
    return ONR_OK;
}

static enum onr_status center_crop_pad_run(struct onr_run_ctx *ctx)
{
    static const double zeros[2];
    static const struct onr_string empty = {.data = ""};
    const struct crop_plan *plan = ctx->plan;
    const struct onr_tensor *x = ctx->inputs[0];
    const struct onr_tensor *y = ctx->outputs[0];
    size_t count = (size_t)onr_tensor_count(y);
    if (plan->pads && count > 0) {
        const void *zero = y->dtype == ONR_STRING ? (const void *)&empty : zeros;
        onr_fill(ctx->kernels, ctx->parallel, y->data, count, zero, onr_dtype_size(y->dtype));
    }
    if (count > 0 && onr_tensor_count(x) > 0) {
        onr_copy_run(&plan->copy, ctx->kernels, ctx->parallel, (char *)y->data + plan->y_offset,
                     (const char *)x->data + plan->x_offset);
    }
    return ONR_OK;
}

#define ANY (ONR_DTYPES_NUMERIC | ONR_DTYPES_COMPLEX | ONR_BIT(BOOL) | ONR_BIT(STRING))

static const struct onr_attr_spec attrs[] = {{"axes", ONR_ATTR_INTS, false}, {.name = NULL}};
static const struct onr_param_spec specs[] = {{ANY, 1}, {ONR_DTYPES_INDEX, 0}, {0}};

extern const struct onr_op_def onr_ops_center_crop_pad[];
const struct onr_op_def onr_ops_center_crop_pad[] = {
    {.domain = "",
     .name = "CenterCropPad",
     .since_version = 18,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {2, 2},
     .outputs = {1, 1},
     .attrs = attrs,
     .input_specs = specs,
     .output_specs = specs,
     .infer = center_crop_pad_infer,
     .plan = center_crop_pad_plan,
     .run = center_crop_pad_run,
     .kernel = ONR_KERNEL_AT(move.copy_strided)},
    {.name = NULL},
};
