/* SPDX-License-Identifier: Apache-2.0 */
/* Symbolic dimensions and contents for inference. */
#include "ops/common/contents.h"

#include "base/size.h"

#include <inttypes.h>

int64_t onr_dim_mul(int64_t a, int64_t b)
{
    int64_t product = 0;
    if (a == 0 || b == 0) {
        return 0;
    }
    if (a == 1 || b == 1) {
        return a == 1 ? b : a;
    }
    return a > 0 && b > 0 && onr_int_mul(a, b, &product) ? product : ONR_DIM_UNKNOWN;
}

int64_t onr_dim_range(const struct onr_shape *shape, int begin, int end)
{
    int64_t product = 1;
    for (int i = begin; i < end; i++) {
        /* An unknown factor must not hide a later zero. */
        product = onr_dim_mul(product, shape->dim[i]);
    }
    return product;
}

enum onr_status onr_check_axis(struct onr_error *err, int64_t axis, int rank, int *normalized)
{
    if (!onr_axis_normalize(axis, rank, normalized)) {
        return onr_fail(err, ONR_ERR_SHAPE, "axis %" PRId64 " out of range for rank %d", axis,
                        rank);
    }
    return ONR_OK;
}

enum onr_status onr_check_rank(const struct onr_infer_ctx *ctx, uint32_t index, int rank)
{
    int got = ctx->inputs[index]->shape.rank;
    if (got != ONR_RANK_UNKNOWN && got != rank) {
        return onr_fail(ctx->err, ONR_ERR_SHAPE, "input %" PRIu32 " has rank %d, expected %d",
                        index, got, rank);
    }
    return ONR_OK;
}

enum onr_status onr_check_max_rank(struct onr_error *err, size_t rank)
{
    if (rank > ONR_MAX_RANK) {
        return onr_fail(err, ONR_ERR_LIMIT, "output has rank %zu, at most %d is supported", rank,
                        ONR_MAX_RANK);
    }
    return ONR_OK;
}

int64_t onr_list_length(const struct onr_infer_ctx *ctx, uint32_t index)
{
    const struct onr_shape *shape = &ctx->inputs[index]->shape;
    if (shape->rank == 0) {
        return 1;
    }
    return shape->rank == 1 && shape->dim[0] >= 0 ? shape->dim[0] : -1;
}

void onr_infer_unknown_dims(struct onr_infer_ctx *ctx, int rank)
{
    ctx->outputs[0].shape.rank = rank;
    for (int i = 0; i < rank; i++) {
        ctx->outputs[0].shape.dim[i] = ONR_DIM_UNKNOWN;
    }
}

const struct onr_sint *onr_contents_peek(struct onr_infer_ctx *ctx, uint32_t index, size_t *count)
{
    const struct onr_fact *fact = ctx->inputs[index];
    int64_t length = onr_list_length(ctx, index);
    const struct onr_sint *ints = NULL;
    if (!onr_dtypes_has(ONR_DTYPES_INDEX, fact->dtype) || length < 0 || length > ONR_MAX_CONTENTS) {
        return NULL;
    }
    uint32_t needs = ctx->needs;
    if (onr_infer_sints(ctx, index, &ints, count) != ONR_OK) {
        ints = NULL; /* out of memory: do without; what really needs memory will say so */
    }
    ctx->needs = needs;
    return ints;
}

struct onr_sint *onr_contents_new(struct onr_infer_ctx *ctx, size_t count)
{
    struct onr_sint *ints = ONR_ARENA_ARRAY(ctx->arena, count + 1, struct onr_sint);
    ctx->outputs[0].contents = ints;
    return ints;
}

void onr_contents_forward(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *out = &ctx->outputs[0].shape;
    size_t count = 0;
    const struct onr_sint *ints = onr_contents_peek(ctx, 0, &count);
    if (ints != NULL && (out->rank == 0 || (out->rank == 1 && out->dim[0] == (int64_t)count))) {
        ctx->outputs[0].contents = ints;
    }
}
