/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OneHot (ai.onnx)                               https://onnx.ai/onnx/operators/onnx__OneHot.html
 *
 * y[o, d, i] = values[1] where d == indices[o, i], else values[0].
 *
 * Shapes    indices of rank r, depth scalar or [1], values [2] -> rank r + 1 with `depth` at axis.
 * Types     indices and depth: all numbers, floats cut off; y: that of values, any.
 * Attrs     axis, default -1, in [-r - 1, r].
 * Edge      11+: negative indices count from the end. Those out of range leave all values off.
 */
#include "kernels/kernels.h"
#include "ops/common/contents.h"
#include "ops/common/copy.h"
#include "ops/common/index.h"

#include <inttypes.h>

/* depth when it is known: false and a need when it is not. */
static bool read_depth(struct onr_infer_ctx *ctx, int64_t *depth)
{
    const struct onr_fact *fact = ctx->inputs[1];
    size_t count = 0;
    const struct onr_sint *ints = onr_contents_peek(ctx, 1, &count);
    if (ints != NULL && count > 0) {
        *depth = ints[0].dim == 0 ? ints[0].value : ints[0].dim;
        return ints[0].dim == 0;
    }
    *depth = ONR_DIM_UNKNOWN;
    if (fact->data == NULL) {
        ctx->needs |= 2;
        return false;
    }
    if (onr_dtypes_has(ONR_DTYPES_INT, fact->dtype)) {
        *depth = onr_fact_int(fact, 0);
        return true;
    }
    double value = fact->dtype == ONR_DOUBLE  ? *(const double *)fact->data
                   : fact->dtype == ONR_FLOAT ? (double)*(const float *)fact->data
                   : fact->dtype == ONR_FLOAT16
                       ? (double)onr_half_to_float(*(const uint16_t *)fact->data)
                       : (double)onr_bfloat16_to_float(*(const uint16_t *)fact->data);
    *depth = value >= 0 && value < 0x1p62 ? (int64_t)value : -1;
    return true;
}

static enum onr_status one_hot_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *indices = &ctx->inputs[0]->shape;
    struct onr_shape *y = &ctx->outputs[0].shape;
    int64_t depth = 0;
    int axis = 0;
    if (onr_fact_is_shaped(ctx->inputs[1]) && onr_shape_count(&ctx->inputs[1]->shape) != 1) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "depth is no scalar");
    }
    if (read_depth(ctx, &depth) && depth < 0) {
        return onr_infer_fail(ctx, ONR_ERR_VALUE, "depth is %" PRId64 ", expected at least 0",
                              depth);
    }
    if (onr_fact_is_shaped(ctx->inputs[2]) && onr_shape_count(&ctx->inputs[2]->shape) != 2) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "values have %" PRId64 " elements, expected 2",
                              onr_shape_count(&ctx->inputs[2]->shape));
    }
    if (indices->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    ONR_TRY(onr_check_max_rank(ctx->err, (size_t)indices->rank + 1));
    ONR_TRY(
        onr_check_axis(ctx->err, onr_attr_int(ctx->node, "axis", -1), indices->rank + 1, &axis));
    y->rank = indices->rank + 1;
    for (int i = 0; i < y->rank; i++) {
        y->dim[i] = i == axis ? depth : indices->dim[i < axis ? i : i - 1];
    }
    return ONR_OK;
}

struct one_hot_plan {
    int64_t depth;
    size_t inner; /* elements after the axis */
    bool counts_from_end;
};

static enum onr_status one_hot_make_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *y = &ctx->outputs[0].shape;
    struct one_hot_plan *plan = ONR_ARENA_NEW(ctx->arena, struct one_hot_plan);
    int axis = 0;
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of OneHot");
    }
    ONR_TRY(onr_check_axis(ctx->err, onr_attr_int(ctx->node, "axis", -1), y->rank, &axis));
    plan->depth = y->dim[axis];
    plan->inner = (size_t)onr_shape_range(y, axis + 1, y->rank);
    plan->counts_from_end = ctx->node->version >= 11;
    ctx->plan = plan;
    return ONR_OK;
}

static enum onr_status one_hot_run(struct onr_run_ctx *ctx)
{
    const struct one_hot_plan *plan = ctx->plan;
    const struct onr_tensor *indices = ctx->inputs[0];
    const struct onr_tensor *y = ctx->outputs[0];
    const struct onr_narrowing how = {.is_saturated = true};
    size_t size = onr_dtype_size(y->dtype);
    size_t index_size = onr_dtype_size(indices->dtype);
    const char *off = ctx->inputs[2]->data;
    size_t count = (size_t)onr_tensor_count(indices);
    onr_fill(ctx->kernels, ctx->parallel, y->data, (size_t)onr_tensor_count(y), off, size);
    for (size_t i = 0; i < count; i++) {
        int64_t index = 0;
        const char *at = (const char *)indices->data + i * index_size;
        onr_convert(ctx->kernels, indices->dtype, ONR_INT64, &how, 1, at, &index);
        if (plan->counts_from_end) {
            index = onr_index_wrap(index, plan->depth);
        }
        if (index >= 0 && index < plan->depth) {
            size_t row = i / plan->inner * (size_t)plan->depth + (size_t)index;
            size_t to = row * plan->inner + i % plan->inner;
            onr_copy_element((char *)y->data + to * size, off + size, size);
        }
    }
    return ONR_OK;
}

static const struct onr_param_spec one_hot_inputs[] = {
    {ONR_DTYPES_NUMERIC, 0}, {ONR_DTYPES_NUMERIC, 0}, {ONR_DTYPES_ALL, 1}, {0}};
static const struct onr_param_spec any_specs[] = {{ONR_DTYPES_ALL, 1}, {0}};
static const struct onr_attr_spec axis_attrs[] = {{"axis", ONR_ATTR_INT, false}, {0}};

extern const struct onr_op_def onr_ops_one_hot[];
const struct onr_op_def onr_ops_one_hot[] = {
    {.domain = "",
     .name = "OneHot",
     .since_version = 9,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {3, 3},
     .outputs = {1, 1},
     .attrs = axis_attrs,
     .input_specs = one_hot_inputs,
     .output_specs = any_specs,
     .infer = one_hot_infer,
     .plan = one_hot_make_plan,
     .run = one_hot_run,
     .kernel = ONR_KERNEL_AT(move.copy_strided)},
    {.name = NULL},
};
