/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expand, Tile (ai.onnx)                         https://onnx.ai/onnx/operators/onnx__Expand.html
 *
 * Expand: y = x broadcast with `shape`.   Tile: y = x repeated `repeats[i]` times along dimension
 * i.
 *
 * Shapes    Expand: numpy broadcast of both, so `shape` may have 1 where x has more, and fewer
 *           dimensions than x. Tile: dim[i] * repeats[i].
 * Types     all.
 * Edge      repeats of 0 and dimensions of 0 give empty results.
 */
#include "ops/movement/expand.h"

#include "kernels/kernels.h"
#include "ops/common/check_dims.h"
#include "ops/common/contents.h"
#include "ops/common/copy.h"

#include <inttypes.h>

static enum onr_status expand_dims(struct onr_infer_ctx *ctx, const struct onr_sint *ints,
                                   size_t count)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct onr_shape *y = &ctx->outputs[0].shape;
    ONR_TRY(onr_check_max_rank(ctx->err, count));
    int length = (int)count;
    int rank = x->rank > length ? x->rank : length;
    for (int i = 1; i <= rank; i++) {
        struct onr_sint want = i <= length ? ints[length - i] : onr_sint_of(1);
        int64_t from = i <= x->rank ? x->dim[x->rank - i] : 1;
        int64_t to = want.dim == 0 ? want.value : want.dim;
        if ((want.dim == 0 && to < 0) || !onr_dim_broadcast(from, to, &y->dim[rank - i])) {
            char text[ONR_SHAPE_TEXT_BYTES];
            return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                                  "cannot expand %s: shape asks for %" PRId64 " at %d",
                                  onr_shape_text(x, text), to, length - i);
        }
    }
    y->rank = rank;
    return ONR_OK;
}

static enum onr_status expand_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_sint *ints = NULL;
    size_t count = 0;
    int rank = ctx->inputs[0]->shape.rank;
    ONR_TRY(onr_infer_sints(ctx, 1, &ints, &count));
    int64_t length = onr_list_length(ctx, 1);
    if (rank == ONR_RANK_UNKNOWN || length < 0) {
        return ONR_OK;
    }
    if (ints != NULL) {
        return expand_dims(ctx, ints, count);
    }
    ONR_TRY(onr_check_max_rank(ctx->err, (size_t)length));
    onr_infer_unknown_dims(ctx, rank > (int)length ? rank : (int)length);
    return ONR_OK;
}

static enum onr_status tile_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_sint *repeats = NULL;
    size_t count = 0;
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    ONR_TRY(onr_infer_sints(ctx, 1, &repeats, &count));
    int64_t length = onr_list_length(ctx, 1);
    if (x->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    if (length >= 0 && length != x->rank) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "%" PRId64 " repeats for an input of rank %d",
                              length, x->rank);
    }
    onr_infer_unknown_dims(ctx, x->rank);
    for (int i = 0; repeats != NULL && i < x->rank; i++) {
        if (repeats[i].dim == 0 && repeats[i].value < 0) {
            return onr_infer_fail(ctx, ONR_ERR_VALUE, "repeats has %" PRId64 " at %d",
                                  repeats[i].value, i);
        }
        int64_t factor = repeats[i].dim == 0 ? repeats[i].value : repeats[i].dim;
        ONR_TRY(onr_multiply_dim(ctx, i, x->dim[i], factor, &ctx->outputs[0].shape.dim[i]));
    }
    return ONR_OK;
}

enum onr_status onr_expand_part(struct onr_infer_ctx *ctx, uint32_t list, const struct onr_shape *x,
                                struct onr_shape *y)
{
    *y = *x;
    return onr_infer_has_input(ctx, list)
               ? onr_infer_part(ctx, expand_infer, list, x, ONR_NO_VALUE, y)
               : ONR_OK;
}

enum onr_status onr_tile_part(struct onr_infer_ctx *ctx, uint32_t list, const struct onr_shape *x,
                              struct onr_shape *y)
{
    *y = *x;
    return onr_infer_has_input(ctx, list)
               ? onr_infer_part(ctx, tile_infer, list, x, ONR_NO_VALUE, y)
               : ONR_OK;
}

/* Dimension i of y is dim[i] of x, repeated; a repeated dimension of extent 1 is a stride of 0. */
static enum onr_status repeat_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    const struct onr_shape *y = &ctx->outputs[0].shape;
    struct onr_copy *copy = ONR_ARENA_NEW(ctx->arena, struct onr_copy);
    if (copy == NULL) {
        return onr_fail_memory(ctx->err, "plan of a copy");
    }
    int64_t x_stride[ONR_MAX_RANK];
    int64_t y_stride[ONR_MAX_RANK];
    onr_shape_strides(x, x_stride);
    onr_shape_strides(y, y_stride);
    copy->element_bytes = onr_dtype_size(ctx->outputs[0].dtype);
    for (int i = 0; i < y->rank; i++) {
        int k = i - (y->rank - x->rank);
        int64_t dim = k >= 0 ? x->dim[k] : 1;
        int64_t stride = k >= 0 ? x_stride[k] : 0;
        int64_t repeats = dim == 0 ? 0 : y->dim[i] / dim;
        onr_copy_add(copy, repeats, y_stride[i] * dim, 0);
        onr_copy_add(copy, dim, y_stride[i], stride);
    }
    onr_copy_finish(copy);
    ctx->plan = copy;
    return ONR_OK;
}

static enum onr_status repeat_run(struct onr_run_ctx *ctx)
{
    onr_copy_run(ctx->plan, ctx->kernels, ctx->parallel, ctx->outputs[0]->data,
                 ctx->inputs[0]->data);
    return ONR_OK;
}

static const struct onr_param_spec any_specs[] = {{ONR_DTYPES_ALL, 1}, {0}};
static const struct onr_param_spec inputs[] = {{ONR_DTYPES_ALL, 1}, {ONR_BIT(INT64), 0}, {0}};

extern const struct onr_op_def onr_ops_expand[];
const struct onr_op_def onr_ops_expand[] = {
    {.domain = "",
     .name = "Expand",
     .since_version = 8,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {2, 2},
     .outputs = {1, 1},
     .input_specs = inputs,
     .output_specs = any_specs,
     .infer = expand_infer,
     .plan = repeat_plan,
     .run = repeat_run,
     .kernel = ONR_KERNEL_AT(move.copy_strided)},
    {.domain = "",
     .name = "Tile",
     .since_version = 6,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {2, 2},
     .outputs = {1, 1},
     .input_specs = inputs,
     .output_specs = any_specs,
     .infer = tile_infer,
     .plan = repeat_plan,
     .run = repeat_run,
     .kernel = ONR_KERNEL_AT(move.copy_strided)},
    {.name = NULL},
};
