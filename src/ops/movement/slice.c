/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slice (ai.onnx)                                https://onnx.ai/onnx/operators/onnx__Slice.html
 *
 * y[.., i, ..] = x[.., start + i * step, ..] along each of `axes`.
 *
 * Shapes    dim[axis] becomes ceil((end - start) / step), at least 0; the others stay.
 * Types     all; the lists are int32 or int64.
 * Attrs     1-9: starts, ends, axes (default: the first ones). From 10 on inputs, with steps
 *           (default 1, never 0).
 * Edge      negative starts and ends count from the end; all are cut to the dimension, so INT64_MAX
 *           and INT64_MIN are open ends; a negative step runs backwards. Symbols whole dimensions
 *           stay symbols; a slice of 1-D contents has contents.
 */
#include "base/size.h"
#include "kernels/kernels.h"
#include "ops/common/contents.h"
#include "ops/common/copy.h"
#include "ops/common/index.h"

#include <inttypes.h>

/* What one axis keeps: count elements from start on. */
struct slice_range {
    int64_t start;
    int64_t step;
    int64_t count;
};

/* The lists of a node, each NULL when it is not known. */
struct slice_lists {
    const struct onr_sint *starts;
    const struct onr_sint *ends;
    const int64_t *axes;  /* NULL also when absent */
    const int64_t *steps; /* NULL also when absent */
    size_t count;
    bool is_known; /* axes and steps, where present */
};

static struct slice_range cut_range(int64_t dim, int64_t start, int64_t end, int64_t step)
{
    struct slice_range range = {.step = step};
    int64_t low = step > 0 ? 0 : -1;
    int64_t high = step > 0 ? dim : dim - 1;
    start = start < 0 ? start + dim : start;
    end = end < 0 ? end + dim : end;
    start = onr_int_min(onr_int_max(start, 0), high);
    end = onr_int_min(onr_int_max(end, low), high);
    uint64_t stride = step > 0 ? (uint64_t)step : 0 - (uint64_t)step;
    int64_t span = step > 0 ? end - start : start - end;
    range.start = start;
    range.count = span > 0 ? (int64_t)(((uint64_t)span - 1) / stride) + 1 : 0;
    if (range.count <= 1) {
        range.step = 1; /* unused, but multiplied */
    }
    return range;
}

static enum onr_status read_lists(struct onr_infer_ctx *ctx, struct slice_lists *lists)
{
    size_t counts[4] = {0};
    bool has_axes = onr_infer_has_input(ctx, 3);
    bool has_steps = onr_infer_has_input(ctx, 4);
    ONR_TRY(onr_infer_sints(ctx, 1, &lists->starts, &counts[0]));
    ONR_TRY(onr_infer_sints(ctx, 2, &lists->ends, &counts[1]));
    if (has_axes) {
        ONR_TRY(onr_infer_ints(ctx, 3, &lists->axes, &counts[2]));
    }
    if (has_steps) {
        ONR_TRY(onr_infer_ints(ctx, 4, &lists->steps, &counts[3]));
    }
    int64_t length = -1;
    for (uint32_t i = 1; i < ctx->node->input_count; i++) {
        int64_t got = ctx->inputs[i] != NULL ? onr_list_length(ctx, i) : -1;
        if (got >= 0 && length >= 0 && got != length) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                                  "input %" PRIu32 " has %" PRId64
                                  " entries, the lists before %" PRId64,
                                  i, got, length);
        }
        length = got >= 0 ? got : length;
    }
    lists->count = length >= 0 ? (size_t)length : 0;
    lists->is_known =
        length >= 0 && (!has_axes || lists->axes != NULL) && (!has_steps || lists->steps != NULL);
    return ONR_OK;
}

static enum onr_status list_axis(const struct slice_lists *lists, size_t i, int rank,
                                 struct onr_error *err, int *axis)
{
    int64_t step = lists->steps != NULL ? lists->steps[i] : 1;
    if (step == 0) {
        return onr_fail(err, ONR_ERR_VALUE, "step %zu is 0", i);
    }
    return onr_check_axis(err, lists->axes != NULL ? lists->axes[i] : (int64_t)i, rank, axis);
}

/* The extent of one sliced axis, which may be a symbol. */
static int64_t sliced_dim(int64_t dim, const struct slice_lists *lists, size_t i)
{
    struct onr_sint zero = onr_sint_of(0);
    struct onr_sint start = lists->starts != NULL ? lists->starts[i] : zero;
    struct onr_sint end = lists->ends != NULL ? lists->ends[i] : zero;
    int64_t step = lists->steps != NULL ? lists->steps[i] : 1;
    if (lists->starts == NULL || lists->ends == NULL || start.dim != 0) {
        return ONR_DIM_UNKNOWN;
    }
    if (dim >= 0 && end.dim == 0) {
        return cut_range(dim, start.value, end.value, step).count;
    }
    bool is_open = end.dim == 0 ? end.value >= INT32_MAX : end.dim == dim;
    return start.value == 0 && step == 1 && is_open ? dim : ONR_DIM_UNKNOWN;
}

/* A slice of a small 1-D tensor whose integers are known. */
static enum onr_status slice_contents(struct onr_infer_ctx *ctx, const struct slice_lists *lists)
{
    size_t count = 0;
    const struct onr_sint *from = onr_contents_peek(ctx, 0, &count);
    int64_t kept = ctx->outputs[0].shape.dim[0];
    if (from == NULL || kept < 0 || lists->count != 1 || lists->ends[0].dim != 0) {
        return ONR_OK;
    }
    struct slice_range range =
        cut_range((int64_t)count, lists->starts[0].value, lists->ends[0].value,
                  lists->steps != NULL ? lists->steps[0] : 1);
    struct onr_sint *to = onr_contents_new(ctx, (size_t)kept);
    if (to == NULL) {
        return onr_fail_memory(ctx->err, "contents of a slice");
    }
    for (int64_t i = 0; i < kept; i++) {
        to[i] = from[range.start + i * range.step];
    }
    return ONR_OK;
}

static enum onr_status infer_sliced(struct onr_infer_ctx *ctx, const struct slice_lists *lists)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct onr_shape *y = &ctx->outputs[0].shape;
    if (x->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    if (!lists->is_known) {
        onr_infer_unknown_dims(ctx, x->rank);
        return ONR_OK;
    }
    *y = *x;
    uint32_t seen = 0;
    for (size_t i = 0; i < lists->count; i++) {
        int axis = 0;
        ONR_TRY(list_axis(lists, i, x->rank, ctx->err, &axis));
        if ((seen >> axis & 1) != 0) {
            return onr_infer_fail(ctx, ONR_ERR_VALUE, "axis %d is listed twice", axis);
        }
        seen |= 1u << axis;
        y->dim[axis] = sliced_dim(x->dim[axis], lists, i);
    }
    return x->rank == 1 && lists->count > 0 && lists->starts != NULL && lists->ends != NULL
               ? slice_contents(ctx, lists)
               : ONR_OK;
}

static enum onr_status slice_infer(struct onr_infer_ctx *ctx)
{
    struct slice_lists lists = {0};
    ONR_TRY(read_lists(ctx, &lists));
    return infer_sliced(ctx, &lists);
}

static enum onr_status slice_attr_infer(struct onr_infer_ctx *ctx)
{
    struct onr_sint starts[ONR_MAX_RANK];
    struct onr_sint ends[ONR_MAX_RANK];
    size_t start_count = 0;
    size_t end_count = 0;
    size_t axis_count = 0;
    const int64_t *start = onr_attr_ints(ctx->node, "starts", &start_count);
    const int64_t *end = onr_attr_ints(ctx->node, "ends", &end_count);
    const int64_t *axes = onr_attr_ints(ctx->node, "axes", &axis_count);
    if (start_count > ONR_MAX_RANK || start_count != end_count ||
        (axes != NULL && axis_count != start_count)) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "%zu starts, %zu ends and %zu axes", start_count,
                              end_count, axis_count);
    }
    for (size_t i = 0; i < start_count; i++) {
        starts[i] = onr_sint_of(start[i]);
        ends[i] = onr_sint_of(end[i]);
    }
    struct slice_lists lists = {
        .starts = starts, .ends = ends, .axes = axes, .count = start_count, .is_known = true};
    return infer_sliced(ctx, &lists);
}

struct slice_plan {
    struct onr_copy copy;
    int64_t offset_bytes;
};

/* The lists are given by `ranges`, one for each dimension of x. */
static enum onr_status plan_ranges(struct onr_plan_ctx *ctx, const struct slice_range *ranges)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct slice_plan *plan = ONR_ARENA_NEW(ctx->arena, struct slice_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of Slice");
    }
    int64_t x_stride[ONR_MAX_RANK];
    int64_t y_stride[ONR_MAX_RANK];
    onr_shape_strides(x, x_stride);
    onr_shape_strides(&ctx->outputs[0].shape, y_stride);
    plan->copy.element_bytes = onr_dtype_size(ctx->outputs[0].dtype);
    for (int i = 0; i < x->rank; i++) {
        onr_copy_add(&plan->copy, ranges[i].count, y_stride[i], x_stride[i] * ranges[i].step);
        plan->offset_bytes += x_stride[i] * ranges[i].start * (int64_t)plan->copy.element_bytes;
    }
    onr_copy_finish(&plan->copy);
    ctx->plan = plan;
    return ONR_OK;
}

static int64_t list_entry(const struct onr_plan_ctx *ctx, uint32_t index, int64_t i,
                          int64_t fallback)
{
    bool is_present = index < ctx->node->input_count && ctx->inputs[index] != NULL;
    return is_present ? onr_plan_int(ctx->inputs[index], i) : fallback;
}

static enum onr_status slice_make_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct slice_range ranges[ONR_MAX_RANK];
    for (int i = 0; i < x->rank; i++) {
        ranges[i] = (struct slice_range){.step = 1, .count = x->dim[i]};
    }
    for (uint32_t i = 1; i < 5; i++) {
        ONR_TRY(onr_check_planned(ctx, i));
    }
    int64_t count = onr_shape_count(&ctx->inputs[1]->shape);
    for (int64_t i = 0; i < count; i++) {
        int axis = 0;
        ONR_TRY(onr_check_axis(ctx->err, list_entry(ctx, 3, i, i), x->rank, &axis));
        ranges[axis] = cut_range(x->dim[axis], list_entry(ctx, 1, i, 0), list_entry(ctx, 2, i, 0),
                                 list_entry(ctx, 4, i, 1));
    }
    return plan_ranges(ctx, ranges);
}

static enum onr_status slice_attr_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct slice_range ranges[ONR_MAX_RANK];
    size_t count = 0;
    const int64_t *starts = onr_attr_ints(ctx->node, "starts", &count);
    const int64_t *ends = onr_attr_ints(ctx->node, "ends", &count);
    size_t axis_count = 0;
    const int64_t *axes = onr_attr_ints(ctx->node, "axes", &axis_count);
    for (int i = 0; i < x->rank; i++) {
        ranges[i] = (struct slice_range){.step = 1, .count = x->dim[i]};
    }
    for (size_t i = 0; i < count; i++) {
        int axis = 0;
        ONR_TRY(onr_check_axis(ctx->err, axes != NULL ? axes[i] : (int64_t)i, x->rank, &axis));
        ranges[axis] = cut_range(x->dim[axis], starts[i], ends[i], 1);
    }
    return plan_ranges(ctx, ranges);
}

static enum onr_status slice_run(struct onr_run_ctx *ctx)
{
    const struct slice_plan *plan = ctx->plan;
    if (onr_tensor_count(ctx->outputs[0]) > 0) {
        const char *x = ctx->inputs[0]->data;
        onr_copy_run(&plan->copy, ctx->kernels, ctx->parallel, ctx->outputs[0]->data,
                     x + plan->offset_bytes);
    }
    return ONR_OK;
}

static const struct onr_param_spec any_specs[] = {{ONR_DTYPES_ALL, 1}, {0}};
static const struct onr_param_spec slice_inputs[] = {
    {ONR_DTYPES_ALL, 1}, {ONR_DTYPES_INDEX, 2}, {0}};
static const struct onr_attr_spec slice_attrs[] = {{"starts", ONR_ATTR_INTS, true},
                                                   {"ends", ONR_ATTR_INTS, true},
                                                   {"axes", ONR_ATTR_INTS, false},
                                                   {0}};

extern const struct onr_op_def onr_ops_slice[];
const struct onr_op_def onr_ops_slice[] = {
    {.domain = "",
     .name = "Slice",
     .since_version = 1,
     .last_version = 9,
     .inputs = {1, 1},
     .outputs = {1, 1},
     .attrs = slice_attrs,
     .input_specs = any_specs,
     .output_specs = any_specs,
     .traits = ONR_TRAIT_PICKS,
     .infer = slice_attr_infer,
     .plan = slice_attr_plan,
     .run = slice_run,
     .kernel = ONR_KERNEL_AT(move.copy_strided)},
    {.domain = "",
     .name = "Slice",
     .since_version = 10,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {3, 5},
     .outputs = {1, 1},
     .input_specs = slice_inputs,
     .output_specs = any_specs,
     .traits = ONR_TRAIT_PICKS,
     .infer = slice_infer,
     .plan = slice_make_plan,
     .run = slice_run,
     .kernel = ONR_KERNEL_AT(move.copy_strided)},
    {.name = NULL},
};
