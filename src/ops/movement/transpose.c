/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transpose, DepthToSpace, SpaceToDepth (ai.onnx)
 * https://onnx.ai/onnx/operators/onnx__Transpose.html
 *
 * Transpose:     y[i0..] = x with dimension i of y being dimension perm[i] of x.
 * SpaceToDepth:  [N, C, H, W] -> [N, b*b*C, H/b, W/b], channel (i*b + j)*C + c takes x[n, c, h*b +
 * i, w*b + j]; in mode CRD channel c*b*b + i*b + j does. DepthToSpace:  the reverse.
 *
 * Types     all.
 * Attrs     Transpose: perm, default: dimensions reversed. The others: blocksize, required, > 0;
 * DepthToSpace 11+, SpaceToDepth 28+: mode "DCR" (default) or "CRD".
 */
#include "ops/movement/transpose.h"

#include "kernels/kernels.h"
#include "ops/common/check_dims.h"
#include "ops/common/contents.h"
#include "ops/common/copy.h"

#include <inttypes.h>

enum onr_status onr_read_perm(const struct onr_node *node, int rank, int *perm,
                              struct onr_error *err)
{
    size_t count = 0;
    const int64_t *list = onr_attr_ints(node, "perm", &count);
    uint32_t seen = 0;
    if (list != NULL && count != (size_t)rank) {
        return onr_fail(err, ONR_ERR_SHAPE, "perm has %zu entries for an input of rank %d", count,
                        rank);
    }
    for (int i = 0; i < rank; i++) {
        perm[i] = rank - 1 - i;
        if (list != NULL) {
            ONR_TRY(onr_check_axis(err, list[i], rank, &perm[i]));
        }
        if ((seen >> perm[i] & 1) != 0) {
            return onr_fail(err, ONR_ERR_VALUE, "perm has %d twice", perm[i]);
        }
        seen |= 1u << perm[i];
    }
    return ONR_OK;
}

static enum onr_status transpose_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    size_t count = 0;
    int perm[ONR_MAX_RANK];
    if (x->rank == ONR_RANK_UNKNOWN) {
        if (onr_attr_ints(ctx->node, "perm", &count) != NULL) {
            ONR_TRY(onr_check_max_rank(ctx->err, count));
            onr_infer_unknown_dims(ctx, (int)count);
        }
        return ONR_OK;
    }
    ONR_TRY(onr_read_perm(ctx->node, x->rank, perm, ctx->err));
    ctx->outputs[0].shape.rank = x->rank;
    for (int i = 0; i < x->rank; i++) {
        ctx->outputs[0].shape.dim[i] = x->dim[perm[i]];
    }
    return ONR_OK;
}

/* y, contiguous, is x of this shape with its dimensions permuted. */
static enum onr_status plan_permuted(struct onr_plan_ctx *ctx, const struct onr_shape *x,
                                     const int *perm)
{
    struct onr_copy *copy = ONR_ARENA_NEW(ctx->arena, struct onr_copy);
    if (copy == NULL) {
        return onr_fail_memory(ctx->err, "plan of a copy");
    }
    struct onr_shape y = {.rank = x->rank};
    int64_t x_stride[ONR_MAX_RANK];
    int64_t y_stride[ONR_MAX_RANK];
    for (int i = 0; i < x->rank; i++) {
        y.dim[i] = x->dim[perm[i]];
    }
    onr_shape_strides(x, x_stride);
    onr_shape_strides(&y, y_stride);
    copy->element_bytes = onr_dtype_size(ctx->outputs[0].dtype);
    for (int i = 0; i < x->rank; i++) {
        onr_copy_add(copy, y.dim[i], y_stride[i], x_stride[perm[i]]);
    }
    onr_copy_finish(copy);
    ctx->plan = copy;
    return ONR_OK;
}

static enum onr_status transpose_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    int perm[ONR_MAX_RANK];
    ONR_TRY(onr_read_perm(ctx->node, x->rank, perm, ctx->err));
    return plan_permuted(ctx, x, perm);
}

static enum onr_status permuted_run(struct onr_run_ctx *ctx)
{
    onr_copy_run(ctx->plan, ctx->kernels, ctx->parallel, ctx->outputs[0]->data,
                 ctx->inputs[0]->data);
    return ONR_OK;
}

static bool is_column_first(const struct onr_node *node)
{
    return onr_string_is(onr_attr_string(node, "mode", "DCR"), "CRD");
}

static enum onr_status read_block(struct onr_infer_ctx *ctx, int64_t *block)
{
    static const char *const orders[] = {"DCR", "CRD", NULL};
    size_t order = 0;
    ONR_TRY(onr_check_attr_choice(ctx->node, "mode", orders, &order, ctx->err));
    *block = onr_attr_int(ctx->node, "blocksize", 0);
    if (*block <= 0 || *block > INT32_MAX) {
        return onr_infer_fail(ctx, ONR_ERR_VALUE, "blocksize is %" PRId64 ", expected above 0",
                              *block);
    }
    return onr_check_rank(ctx, 0, 4);
}

/* dim / divisor, unknown for a symbol. */
static enum onr_status divide_dim(struct onr_infer_ctx *ctx, int axis, int64_t divisor,
                                  int64_t *quotient)
{
    int64_t dim = ctx->inputs[0]->shape.dim[axis];
    if (dim >= 0 && dim % divisor != 0) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "dimension %d is %" PRId64 ", expected a multiple of %" PRId64, axis,
                              dim, divisor);
    }
    *quotient = dim >= 0 ? dim / divisor : ONR_DIM_UNKNOWN;
    return ONR_OK;
}

static enum onr_status depth_to_space_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct onr_shape *y = &ctx->outputs[0].shape;
    int64_t block = 0;
    ONR_TRY(read_block(ctx, &block));
    onr_infer_unknown_dims(ctx, 4);
    if (x->rank != ONR_RANK_UNKNOWN) {
        y->dim[0] = x->dim[0];
        ONR_TRY(divide_dim(ctx, 1, block * block, &y->dim[1]));
        ONR_TRY(onr_multiply_dim(ctx, 2, x->dim[2], block, &y->dim[2]));
        ONR_TRY(onr_multiply_dim(ctx, 3, x->dim[3], block, &y->dim[3]));
    }
    return ONR_OK;
}

static enum onr_status depth_to_space_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    int64_t b = onr_attr_int(ctx->node, "blocksize", 1);
    int64_t c = x->dim[1] / (b * b);
    if (is_column_first(ctx->node)) {
        struct onr_shape crd = {6, {x->dim[0], c, b, b, x->dim[2], x->dim[3]}};
        return plan_permuted(ctx, &crd, (const int[]){0, 1, 4, 2, 5, 3});
    }
    struct onr_shape dcr = {6, {x->dim[0], b, b, c, x->dim[2], x->dim[3]}};
    return plan_permuted(ctx, &dcr, (const int[]){0, 3, 4, 1, 5, 2});
}

static enum onr_status space_to_depth_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct onr_shape *y = &ctx->outputs[0].shape;
    int64_t block = 0;
    ONR_TRY(read_block(ctx, &block));
    onr_infer_unknown_dims(ctx, 4);
    if (x->rank != ONR_RANK_UNKNOWN) {
        y->dim[0] = x->dim[0];
        ONR_TRY(onr_multiply_dim(ctx, 1, x->dim[1], block * block, &y->dim[1]));
        ONR_TRY(divide_dim(ctx, 2, block, &y->dim[2]));
        ONR_TRY(divide_dim(ctx, 3, block, &y->dim[3]));
    }
    return ONR_OK;
}

static enum onr_status space_to_depth_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    int64_t b = onr_attr_int(ctx->node, "blocksize", 1);
    struct onr_shape split = {6, {x->dim[0], x->dim[1], x->dim[2] / b, b, x->dim[3] / b, b}};
    static const int depth_first[] = {0, 3, 5, 1, 2, 4};
    static const int column_first[] = {0, 1, 3, 5, 2, 4};
    return plan_permuted(ctx, &split, is_column_first(ctx->node) ? column_first : depth_first);
}

static const struct onr_param_spec any_specs[] = {{ONR_DTYPES_ALL, 1}, {0}};
static const struct onr_attr_spec perm_attrs[] = {{"perm", ONR_ATTR_INTS, false}, {0}};
static const struct onr_attr_spec block_attrs[] = {{"blocksize", ONR_ATTR_INT, true}, {0}};
static const struct onr_attr_spec mode_attrs[] = {
    {"blocksize", ONR_ATTR_INT, true}, {"mode", ONR_ATTR_STRING, false}, {0}};

#define TRANSPOSE_ROW(op, first, last, attr_specs, infer_fn, plan_fn)                              \
    {                                                                                              \
        .domain = "", .name = (op), .since_version = (first), .last_version = (last),              \
        .inputs = {1, 1}, .outputs = {1, 1}, .attrs = (attr_specs), .input_specs = any_specs,      \
        .output_specs = any_specs, .infer = (infer_fn), .plan = (plan_fn), .run = permuted_run,    \
        .kernel = ONR_KERNEL_AT(move.copy_strided)                                                 \
    }

extern const struct onr_op_def onr_ops_transpose[];
const struct onr_op_def onr_ops_transpose[] = {
    TRANSPOSE_ROW("Transpose", 1, ONR_OPSET_LATEST, perm_attrs, transpose_infer, transpose_plan),
    TRANSPOSE_ROW("DepthToSpace", 1, 10, block_attrs, depth_to_space_infer, depth_to_space_plan),
    TRANSPOSE_ROW("DepthToSpace", 11, ONR_OPSET_LATEST, mode_attrs, depth_to_space_infer,
                  depth_to_space_plan),
    TRANSPOSE_ROW("SpaceToDepth", 1, 27, block_attrs, space_to_depth_infer, space_to_depth_plan),
    TRANSPOSE_ROW("SpaceToDepth", 28, ONR_OPSET_LATEST, mode_attrs, space_to_depth_infer,
                  space_to_depth_plan),
    {.name = NULL},
};
