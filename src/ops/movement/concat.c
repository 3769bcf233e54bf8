/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Concat (ai.onnx)                               https://onnx.ai/onnx/operators/onnx__Concat.html
 *
 * y = the inputs one after the other along `axis`.
 *
 * Shapes    equal but for dim[axis], whose sum y has; rank >= 1.
 * Types     all.
 * Attrs     axis: required (4+), default 1 (1-3); negative ones count from the end.
 * Edge      inputs with no elements add nothing; a single input is copied.
 * Symbols   of 1-D inputs with known contents y keeps the contents.
 */
#include "ops/movement/concat.h"

#include "kernels/kernels.h"
#include "ops/common/contents.h"
#include "ops/common/copy.h"

#include <inttypes.h>

/* Joins the dimensions of one input to those found so far; y has rank unknown before the first. */
static enum onr_status join_input(struct onr_infer_ctx *ctx, uint32_t index, int axis,
                                  struct onr_shape *y)
{
    const struct onr_shape *x = &ctx->inputs[index]->shape;
    if (y->rank == ONR_RANK_UNKNOWN) {
        *y = *x;
        return ONR_OK;
    }
    ONR_TRY(onr_check_rank(ctx, index, y->rank));
    for (int i = 0; i < x->rank; i++) {
        if (i == axis) {
            y->dim[i] = x->dim[i] == 0   ? y->dim[i]
                        : y->dim[i] == 0 ? x->dim[i]
                        : x->dim[i] > 0 && y->dim[i] > 0 && y->dim[i] <= INT64_MAX - x->dim[i]
                            ? x->dim[i] + y->dim[i]
                            : ONR_DIM_UNKNOWN;
        } else if (y->dim[i] < 0) {
            y->dim[i] = x->dim[i] == ONR_DIM_UNKNOWN ? y->dim[i] : x->dim[i];
        } else if (x->dim[i] >= 0 && x->dim[i] != y->dim[i]) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                                  "input %" PRIu32 " has %" PRId64
                                  " in dimension %d, expected %" PRId64,
                                  index, x->dim[i], i, y->dim[i]);
        }
    }
    return ONR_OK;
}

/* The contents of 1-D inputs, one after the other, when all are known. */
static enum onr_status join_contents(struct onr_infer_ctx *ctx)
{
    int64_t total = ctx->outputs[0].shape.dim[0];
    if (total < 0 || total > ONR_MAX_CONTENTS ||
        !onr_dtypes_has(ONR_DTYPES_INDEX, ctx->outputs[0].dtype)) {
        return ONR_OK;
    }
    struct onr_sint *ints = ONR_ARENA_ARRAY(ctx->arena, (size_t)total + 1, struct onr_sint);
    if (ints == NULL) {
        return onr_fail_memory(ctx->err, "contents of a concatenation");
    }
    size_t filled = 0;
    for (uint32_t i = 0; i < ctx->node->input_count; i++) {
        size_t count = 0;
        const struct onr_sint *part = onr_contents_peek(ctx, i, &count);
        for (size_t k = 0; k < (size_t)onr_list_length(ctx, i); k++) {
            ints[filled++] = part != NULL ? part[k] : onr_sint_of_dim(ONR_DIM_UNKNOWN);
        }
    }
    ctx->outputs[0].contents = ints;
    return ONR_OK;
}

enum onr_status onr_concat_infer(struct onr_infer_ctx *ctx, uint32_t first, uint32_t step)
{
    struct onr_shape y = {.rank = ONR_RANK_UNKNOWN};
    bool is_partial = false;
    int axis = -1;
    for (uint32_t i = first; i < ctx->node->input_count; i += step) {
        if (ctx->inputs[i] == NULL) {
            return onr_infer_fail(ctx, ONR_ERR_MODEL, "input %" PRIu32 " is missing", i);
        }
        if (ctx->inputs[i]->shape.rank == ONR_RANK_UNKNOWN) {
            is_partial = true;
            continue;
        }
        if (axis < 0) {
            ONR_TRY(onr_check_axis(ctx->err, onr_attr_int(ctx->node, "axis", 1),
                                   ctx->inputs[i]->shape.rank, &axis));
        }
        ONR_TRY(join_input(ctx, i, axis, &y));
    }
    if (y.rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    if (is_partial) {
        y.dim[axis] = ONR_DIM_UNKNOWN;
    }
    ctx->outputs[0].shape = y;
    return y.rank == 1 ? join_contents(ctx) : ONR_OK;
}

static enum onr_status concat_infer(struct onr_infer_ctx *ctx)
{
    return onr_concat_infer(ctx, 0, 1);
}

/* Each input is a block of rows, `offset` bytes into the rows of y. */
struct concat_part {
    struct onr_copy copy;
    size_t offset;
};

static enum onr_status concat_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *y = &ctx->outputs[0].shape;
    struct concat_part *parts =
        ONR_ARENA_ARRAY(ctx->arena, ctx->node->input_count, struct concat_part);
    if (parts == NULL) {
        return onr_fail_memory(ctx->err, "plan of Concat");
    }
    int axis = 0;
    ONR_TRY(onr_check_axis(ctx->err, onr_attr_int(ctx->node, "axis", 1), y->rank, &axis));
    size_t size = onr_dtype_size(ctx->outputs[0].dtype);
    int64_t outer = onr_shape_range(y, 0, axis);
    int64_t y_row = onr_shape_range(y, axis, y->rank);
    int64_t inner = onr_shape_range(y, axis + 1, y->rank);
    size_t offset = 0;
    for (uint32_t i = 0; i < ctx->node->input_count; i++) {
        int64_t row = ctx->inputs[i]->shape.dim[axis] * inner;
        parts[i] = (struct concat_part){.copy.element_bytes = size, .offset = offset};
        onr_copy_add(&parts[i].copy, outer, y_row, row);
        onr_copy_add(&parts[i].copy, row, 1, 1);
        onr_copy_finish(&parts[i].copy);
        offset += (size_t)row * size;
    }
    ctx->plan = parts;
    return ONR_OK;
}

static enum onr_status concat_run(struct onr_run_ctx *ctx)
{
    const struct concat_part *parts = ctx->plan;
    char *y = ctx->outputs[0]->data;
    for (uint32_t i = 0; i < ctx->input_count; i++) {
        if (onr_tensor_count(ctx->inputs[i]) > 0) {
            onr_copy_run(&parts[i].copy, ctx->kernels, ctx->parallel, y + parts[i].offset,
                         ctx->inputs[i]->data);
        }
    }
    return ONR_OK;
}

static const struct onr_param_spec any_specs[] = {{ONR_DTYPES_ALL, 1}, {0}};
static const struct onr_attr_spec axis_attrs[] = {{"axis", ONR_ATTR_INT, false}, {0}};
static const struct onr_attr_spec required_axis[] = {{"axis", ONR_ATTR_INT, true}, {0}};

#define CONCAT_ROW(first, last, attr_specs)                                                        \
    {                                                                                              \
        .domain = "", .name = "Concat", .since_version = (first), .last_version = (last),          \
        .inputs = {1, ONR_VARIADIC}, .outputs = {1, 1}, .attrs = (attr_specs),                     \
        .input_specs = any_specs, .output_specs = any_specs, .infer = concat_infer,                \
        .plan = concat_plan, .run = concat_run, .kernel = ONR_KERNEL_AT(move.copy_strided)         \
    }

extern const struct onr_op_def onr_ops_concat[];
const struct onr_op_def onr_ops_concat[] = {
    CONCAT_ROW(1, 3, axis_attrs),
    CONCAT_ROW(4, ONR_OPSET_LATEST, required_axis),
    {.name = NULL},
};
