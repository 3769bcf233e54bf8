/* SPDX-License-Identifier: Apache-2.0 */
/* Symbolic dimensions and contents for inference. */
#include "ops/common/contents.h"

#include "base/size.h"

#include <inttypes.h>
#include <string.h>

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

enum onr_status onr_infer_part(struct onr_infer_ctx *ctx,
                               enum onr_status (*infer)(struct onr_infer_ctx *ctx), uint32_t list,
                               const struct onr_shape *x, uint32_t output, struct onr_shape *y)
{
    struct onr_fact from = onr_fact_of(ONR_FLOAT, x);
    struct onr_fact to = from;
    const struct onr_fact *inputs[] = {&from, ctx->inputs[list]};
    struct onr_node node = *ctx->node;
    struct onr_infer_ctx part = *ctx;
    node.outputs = &output;
    part.node = &node;
    part.inputs = inputs;
    part.outputs = &to;
    part.needs = 0;
    to.shape.rank = ONR_RANK_UNKNOWN;
    ONR_TRY(infer(&part));
    ctx->needs |= part.needs != 0 ? 1u << list : 0;
    *y = to.shape;
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

/* ---- arithmetic ---- */

static int64_t dim_max(int64_t a, int64_t b)
{
    return a == b || (a >= 0 && b >= 0) ? onr_int_max(a, b) : ONR_DIM_UNKNOWN;
}

/* Two lists with as many elements as the output, or one. */
struct operands {
    const struct onr_sint *lists[2];
    size_t steps[2];
    size_t count;
};

static bool read_operands(struct onr_infer_ctx *ctx, struct operands *x)
{
    const struct onr_shape *y = &ctx->outputs[0].shape;
    bool is_list =
        ctx->node->input_count == 2 && (y->rank == 0 || (y->rank == 1 && y->dim[0] >= 0));
    x->count = is_list ? (size_t)onr_shape_range(y, 0, y->rank) : 0;
    for (uint32_t i = 0; is_list && i < 2; i++) {
        size_t count = 0;
        x->lists[i] = onr_contents_peek(ctx, i, &count);
        x->steps[i] = count == 1 ? 0 : 1;
        is_list = x->lists[i] != NULL && (count == 1 || count == x->count);
    }
    return is_list;
}

void onr_contents_combine(struct onr_infer_ctx *ctx)
{
    const char *op_type = ctx->node->op_type;
    int64_t (*combine)(int64_t a, int64_t b) = strcmp(op_type, "Mul") == 0   ? onr_dim_mul
                                               : strcmp(op_type, "Div") == 0 ? onr_dim_div
                                               : strcmp(op_type, "Max") == 0 ? dim_max
                                                                             : NULL;
    struct operands x;
    if (combine == NULL || ctx->outputs[0].dtype != ONR_INT64 || !read_operands(ctx, &x)) {
        return;
    }
    struct onr_sint *y = onr_contents_new(ctx, x.count);
    for (size_t i = 0; y != NULL && i < x.count; i++) {
        y[i] = onr_sint_of_dim(combine(onr_sint_dim(x.lists[0][i * x.steps[0]]),
                                       onr_sint_dim(x.lists[1][i * x.steps[1]])));
    }
}

/* For sure: an unknown number may be any, a symbol is not negative. */
static bool are_different(struct onr_sint a, struct onr_sint b)
{
    bool is_known = a.dim == 0 && b.dim == 0;
    bool is_negative = (a.dim == 0 && a.value < 0 && onr_dim_is_symbol(b.dim)) ||
                       (b.dim == 0 && b.value < 0 && onr_dim_is_symbol(a.dim));
    return is_negative || (is_known && a.value != b.value);
}

void onr_contents_equal(struct onr_infer_ctx *ctx)
{
    struct operands x;
    if (!read_operands(ctx, &x)) {
        return;
    }
    uint8_t *y = onr_arena_alloc(ctx->arena, x.count + 1);
    for (size_t i = 0; y != NULL && i < x.count; i++) {
        struct onr_sint a = x.lists[0][i * x.steps[0]];
        struct onr_sint b = x.lists[1][i * x.steps[1]];
        bool is_same = a.dim == b.dim && a.value == b.value && a.dim != ONR_DIM_UNKNOWN;
        if (!is_same && !are_different(a, b)) {
            return;
        }
        y[i] = is_same;
    }
    ctx->outputs[0].data = y;
}
