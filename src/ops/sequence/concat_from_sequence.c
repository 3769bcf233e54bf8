/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ConcatFromSequence (ai.onnx), versions 11 and later.
 *                                    https://onnx.ai/onnx/operators/onnx__ConcatFromSequence.html
 *
 * y = the tensors of the sequence one after the other along `axis`.
 *
 * Shapes    of rank r, equal but for dim[axis], whose sum y has. new_axis = 1: equal shapes, and y
 *           has a new dimension at `axis`, the length of the sequence.
 * Types     all.
 * Attrs     axis, required: -r to r - 1, or with new_axis -r - 1 to r; new_axis, default 0.
 * Edge      an empty sequence is refused: y would have no shape.
 */
#include "base/size.h"
#include "kernels/kernels.h"
#include "ops/common/contents.h"
#include "ops/common/copy.h"
#include "ops/sequence/sequence.h"

#include <inttypes.h>

struct joiner {
    int64_t axis; /* as given */
    bool is_new_axis;
};

static struct joiner joiner_of(const struct onr_node *node)
{
    return (struct joiner){.axis = onr_attr_int(node, "axis", 0),
                           .is_new_axis = onr_attr_int(node, "new_axis", 0) != 0};
}

/* The axis and the shape of y as far as one tensor of this shape tells. */
static enum onr_status start_shape(const struct joiner *joiner, const struct onr_shape *item,
                                   int *axis, struct onr_shape *y, struct onr_error *err)
{
    *y = *item;
    if (joiner->is_new_axis && ++y->rank > ONR_MAX_RANK) {
        return onr_fail(err, ONR_ERR_LIMIT, "the result has rank %d, at most %d", y->rank,
                        ONR_MAX_RANK);
    }
    ONR_TRY(onr_check_axis(err, joiner->axis, y->rank, axis));
    for (int i = y->rank - 1; joiner->is_new_axis && i > *axis; i--) {
        y->dim[i] = item->dim[i - 1];
    }
    y->dim[*axis] = ONR_DIM_UNKNOWN;
    return ONR_OK;
}

static enum onr_status concat_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *item = &ctx->inputs[0]->shape;
    struct joiner joiner = joiner_of(ctx->node);
    int axis = 0;
    ONR_TRY(onr_check_sequence(ctx, 0));
    return item->rank != ONR_RANK_UNKNOWN
               ? start_shape(&joiner, item, &axis, &ctx->outputs[0].shape, ctx->err)
               : ONR_OK;
}

static enum onr_status concat_plan(struct onr_plan_ctx *ctx)
{
    struct joiner *joiner = ONR_ARENA_NEW(ctx->arena, struct joiner);
    if (joiner == NULL) {
        return onr_fail_memory(ctx->err, "plan of ConcatFromSequence");
    }
    *joiner = joiner_of(ctx->node);
    ctx->plan = joiner;
    return ONR_OK;
}

/* Checks that tensor i fits the first one; returns its extent along the axis. */
static enum onr_status check_item(struct onr_run_ctx *ctx, const struct onr_tensor *items,
                                  int64_t i, int axis, bool is_new_axis, int64_t *extent)
{
    const struct onr_shape *first = &items[0].shape;
    struct onr_shape shape = items[i].shape;
    *extent = is_new_axis ? 1 : shape.dim[axis];
    if (!is_new_axis && shape.rank == first->rank) {
        shape.dim[axis] = first->dim[axis];
    }
    if (onr_shape_equal(&shape, first)) {
        return ONR_OK;
    }
    char got[ONR_SHAPE_TEXT_BYTES];
    char want[ONR_SHAPE_TEXT_BYTES];
    return onr_fail(ctx->err, ONR_ERR_SHAPE,
                    "tensor %" PRId64 " has shape %s, which does not fit %s of the first one", i,
                    onr_shape_text(&items[i].shape, got), onr_shape_text(first, want));
}

static enum onr_status join_shapes(struct onr_run_ctx *ctx, int *axis, struct onr_shape *y)
{
    const struct joiner *joiner = ctx->plan;
    const struct onr_tensor *items = onr_sequence_items(ctx->inputs[0]);
    int64_t count = onr_sequence_count(ctx->inputs[0]);
    if (count == 0) {
        return onr_fail(ctx->err, ONR_ERR_VALUE, "the sequence has no tensors to concatenate");
    }
    ONR_TRY(start_shape(joiner, &items[0].shape, axis, y, ctx->err));
    int64_t total = 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t extent = 0;
        ONR_TRY(check_item(ctx, items, i, *axis, joiner->is_new_axis, &extent));
        if (!onr_int_add(total, extent, &total)) {
            return onr_fail(ctx->err, ONR_ERR_LIMIT, "dimension %d of the result overflows", *axis);
        }
    }
    y->dim[*axis] = total;
    return ONR_OK;
}

static enum onr_status concat_run(struct onr_run_ctx *ctx)
{
    struct onr_shape y;
    int axis = 0;
    ONR_TRY(join_shapes(ctx, &axis, &y));
    ONR_TRY(ctx->host->alloc_output(ctx, 0, &y));
    size_t size = onr_dtype_size(ctx->outputs[0]->dtype);
    int64_t outer = onr_shape_range(&y, 0, axis);
    int64_t row = onr_shape_range(&y, axis, y.rank);
    char *to = ctx->outputs[0]->data;
    for (int64_t i = 0; i < onr_sequence_count(ctx->inputs[0]); i++) {
        const struct onr_tensor *item = &onr_sequence_items(ctx->inputs[0])[i];
        if (onr_tensor_count(item) == 0) {
            continue;
        }
        int64_t part = onr_tensor_count(item) / outer;
        struct onr_copy copy = {.element_bytes = size};
        onr_copy_add(&copy, outer, row, part);
        onr_copy_add(&copy, part, 1, 1);
        onr_copy_finish(&copy);
        onr_copy_run(&copy, ctx->kernels, ctx->parallel, to, item->data);
        to += (size_t)part * size;
    }
    return ONR_OK;
}

static const struct onr_param_spec concat_specs[] = {{ONR_DTYPES_ALL, 1}, {0}};
static const struct onr_attr_spec concat_attrs[] = {
    {"axis", ONR_ATTR_INT, true}, {"new_axis", ONR_ATTR_INT, false}, {0}};

extern const struct onr_op_def onr_ops_concat_from_sequence[];
const struct onr_op_def onr_ops_concat_from_sequence[] = {
    {.domain = "",
     .name = "ConcatFromSequence",
     .since_version = 11,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {1, 1},
     .outputs = {1, 1},
     .attrs = concat_attrs,
     .input_specs = concat_specs,
     .output_specs = concat_specs,
     .traits = ONR_TRAIT_DYNAMIC | ONR_TRAIT_ANY_KIND | ONR_TRAIT_KEEP_TYPE,
     .infer = concat_infer,
     .plan = concat_plan,
     .run = concat_run,
     .kernel = ONR_KERNEL_AT(move.copy_strided)},
    {.name = NULL},
};
