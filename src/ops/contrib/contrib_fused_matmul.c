/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FusedMatMul, TransposeMatMul (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 *
 * Y = alpha op(A) op(B), see MatMul
 *
 * Shapes    as MatMul, after op: transBatch turns [m, batch..., k] into [batch..., m, k], then
 *           trans swaps the last two dimensions. Operands of rank 1 stay as they are.
 * Types     float16, bfloat16, float32, float64. The half types are summed in float32.
 * Attrs     alpha: float, default 1. transA, transB: int, default 0. transBatchA, transBatchB: int,
 *           default 0 (FusedMatMul); that operand has rank 3 or more.
 * Edge      k = 0 -> zeros.
 * Aliasing  none.
 */
#include "ops/matrix/product.h"

#include <inttypes.h>

/* A matrix of each item of the batch, by the axes of the tensor that they run along. */
struct operand {
    const struct onr_shape *shape;
    int batch_rank;
    int first_batch; /* axis of the first batch dimension */
    int row, column; /* axes; ONR_MAX_RANK: the dimension that a vector lacks */
};

static struct operand view(const struct onr_node *node, const struct onr_shape *shape, bool is_a)
{
    struct operand operand = {.shape = shape, .row = ONR_MAX_RANK, .column = ONR_MAX_RANK};
    bool is_turned = onr_attr_int(node, is_a ? "transA" : "transB", 0) != 0;
    bool is_batch_turned = onr_attr_int(node, is_a ? "transBatchA" : "transBatchB", 0) != 0;
    if (shape->rank == 1) {
        *(is_a ? &operand.column : &operand.row) = 0;
        return operand;
    }
    int row = is_batch_turned ? 0 : shape->rank - 2;
    int column = shape->rank - 1;
    operand.batch_rank = shape->rank - 2;
    operand.first_batch = is_batch_turned ? 1 : 0;
    operand.row = is_turned ? column : row;
    operand.column = is_turned ? row : column;
    return operand;
}

static int64_t dim_at(const struct operand *operand, int axis)
{
    return axis < ONR_MAX_RANK ? operand->shape->dim[axis] : 1;
}

/* Elements from one index to the next along an axis. */
static size_t stride_at(const struct operand *operand, int axis)
{
    return axis < ONR_MAX_RANK
               ? (size_t)onr_shape_range(operand->shape, axis + 1, operand->shape->rank)
               : 0;
}

/* The axis of dimension d of `rank` broadcast dimensions; ONR_MAX_RANK when the operand has fewer. */
static int batch_axis(const struct operand *operand, int rank, int d)
{
    int own = d - (rank - operand->batch_rank);
    return own < 0 ? ONR_MAX_RANK : operand->first_batch + own;
}

static enum onr_status check_rank(struct onr_infer_ctx *ctx, uint32_t index)
{
    const struct onr_shape *shape = &ctx->inputs[index]->shape;
    bool is_batch_turned =
        onr_attr_int(ctx->node, index == 0 ? "transBatchA" : "transBatchB", 0) != 0;
    if (shape->rank == 0 ||
        (is_batch_turned && shape->rank != ONR_RANK_UNKNOWN && shape->rank < 3)) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "input %" PRIu32 " has rank %d, expected %d or more", index,
                              shape->rank, is_batch_turned ? 3 : 1);
    }
    return ONR_OK;
}

static enum onr_status fused_matmul_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *a_shape = &ctx->inputs[0]->shape;
    const struct onr_shape *b_shape = &ctx->inputs[1]->shape;
    ONR_TRY(check_rank(ctx, 0));
    ONR_TRY(check_rank(ctx, 1));
    if (a_shape->rank == ONR_RANK_UNKNOWN || b_shape->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    struct operand a = view(ctx->node, a_shape, true);
    struct operand b = view(ctx->node, b_shape, false);
    int64_t k_a = dim_at(&a, a.column);
    int64_t k_b = dim_at(&b, b.row);
    if (k_a >= 0 && k_b >= 0 && k_a != k_b) {
        return onr_infer_fail(
            ctx, ONR_ERR_SHAPE,
            "inner dimensions differ: op(a)[...,K]=%" PRId64 ", op(b)[K,...]=%" PRId64, k_a, k_b);
    }
    struct onr_shape y = {.rank = a.batch_rank > b.batch_rank ? a.batch_rank : b.batch_rank};
    for (int d = 0; d < y.rank; d++) {
        int64_t from_a = dim_at(&a, batch_axis(&a, y.rank, d));
        int64_t from_b = dim_at(&b, batch_axis(&b, y.rank, d));
        if (!onr_dim_broadcast(from_a, from_b, &y.dim[d])) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                                  "batch dimension %d does not broadcast: a has %" PRId64
                                  ", b has %" PRId64,
                                  d, from_a, from_b);
        }
    }
    if (a_shape->rank > 1) {
        y.dim[y.rank++] = dim_at(&a, a.row);
    }
    if (b_shape->rank > 1) {
        y.dim[y.rank++] = dim_at(&b, b.column);
    }
    ctx->outputs[0].shape = y;
    return ONR_OK;
}

/* A constant B is packed when its matrices lie one behind the other. */
static enum onr_status fused_matmul_prepare(struct onr_prepare_ctx *ctx)
{
    const struct onr_constant *constant = ctx->constants[1];
    if (constant == NULL || onr_attr_int(ctx->node, "transBatchB", 0) != 0) {
        return onr_product_prepare(ctx, NULL, 0, 0, 0, 0, 0);
    }
    struct operand b = view(ctx->node, &constant->shape, false);
    size_t batch = (size_t)onr_shape_range(&constant->shape, 0, b.batch_rank);
    return onr_product_prepare(ctx, constant, batch, (size_t)dim_at(&b, b.row),
                               (size_t)dim_at(&b, b.column), stride_at(&b, b.row),
                               stride_at(&b, b.column));
}

static void set_batch(struct onr_product *product, const struct operand *a, const struct operand *b,
                      const struct onr_shape *y)
{
    int rank = a->batch_rank > b->batch_rank ? a->batch_rank : b->batch_rank;
    size_t y_stride = product->m * product->n;
    product->batch_rank = rank;
    for (int d = rank - 1; d >= 0; d--) {
        int a_axis = batch_axis(a, rank, d);
        int b_axis = batch_axis(b, rank, d);
        product->batch_dim[d] = (size_t)y->dim[d];
        product->a_batch_stride[d] = dim_at(a, a_axis) == 1 ? 0 : stride_at(a, a_axis);
        product->b_batch_stride[d] = dim_at(b, b_axis) == 1 ? 0 : stride_at(b, b_axis);
        product->y_batch_stride[d] = y_stride;
        y_stride *= (size_t)y->dim[d];
    }
}

static enum onr_status fused_matmul_plan(struct onr_plan_ctx *ctx)
{
    struct operand a = view(ctx->node, &ctx->inputs[0]->shape, true);
    struct operand b = view(ctx->node, &ctx->inputs[1]->shape, false);
    struct onr_product *product = ONR_ARENA_NEW(ctx->arena, struct onr_product);
    if (product == NULL) {
        return onr_fail_memory(ctx->err, "plan of FusedMatMul");
    }
    *product = (struct onr_product){
        .dtype = ctx->inputs[0]->dtype,
        .m = (size_t)dim_at(&a, a.row),
        .n = (size_t)dim_at(&b, b.column),
        .k = (size_t)dim_at(&a, a.column),
        .a_row_stride = stride_at(&a, a.row),
        .a_column_stride = stride_at(&a, a.column),
        .b_row_stride = stride_at(&b, b.row),
        .b_column_stride = stride_at(&b, b.column),
        .y_row_stride = (size_t)dim_at(&b, b.column),
        .alpha = onr_attr_float(ctx->node, "alpha", 1.0f),
        .beta = 1.0f,
    };
    bool is_row_major = a.row == a.shape->rank - 2 && a.column == a.shape->rank - 1;
    int64_t b_batch = onr_shape_range(b.shape, b.first_batch, b.first_batch + b.batch_rank);
    if (is_row_major && b_batch == 1) {
        /* One matrix B for all of A: the batch is more rows. */
        product->m *= (size_t)onr_shape_range(a.shape, 0, a.batch_rank);
    } else {
        set_batch(product, &a, &b, &ctx->outputs[0].shape);
    }
    onr_product_plan(product, ctx->state, ctx->thread_count, &ctx->workspace_bytes);
    ctx->plan = product;
    ctx->flops = 2 * (uint64_t)onr_shape_count(&ctx->outputs[0].shape) * product->k;
    return ONR_OK;
}

static enum onr_status fused_matmul_run(struct onr_run_ctx *ctx)
{
    const struct onr_product *product = ctx->plan;
    struct onr_product_operands operands = {
        .a = ctx->inputs[0]->data,
        .b = product->packed == NULL ? ctx->inputs[1]->data : NULL,
        .y = ctx->outputs[0]->data,
    };
    onr_product_run(product, &operands, ctx);
    return ONR_OK;
}

static const struct onr_param_spec specs[] = {{ONR_DTYPES_FLOAT, 1}, {0}};
static const struct onr_attr_spec fused_attrs[] = {
    {"transBatchA", ONR_ATTR_INT, false}, {"transBatchB", ONR_ATTR_INT, false},
    {"alpha", ONR_ATTR_FLOAT, false},     {"transA", ONR_ATTR_INT, false},
    {"transB", ONR_ATTR_INT, false},      {.name = NULL}};

#define FUSED_MATMUL_ROW(text, attr_specs)                                                         \
    {                                                                                              \
        .domain = "com.microsoft", .name = (text), .since_version = 1,                             \
        .last_version = ONR_CONTRIB_LATEST, .inputs = {2, 2}, .outputs = {1, 1},                   \
        .attrs = (attr_specs), .input_specs = specs, .output_specs = specs,                        \
        .infer = fused_matmul_infer, .prepare = fused_matmul_prepare, .plan = fused_matmul_plan,   \
        .run = fused_matmul_run, .release = onr_product_release                                    \
    }

extern const struct onr_op_def onr_ops_contrib_fused_matmul[];
const struct onr_op_def onr_ops_contrib_fused_matmul[] = {
    FUSED_MATMUL_ROW("FusedMatMul", fused_attrs),
    FUSED_MATMUL_ROW("TransposeMatMul", fused_attrs + 2),
    {.name = NULL},
};
