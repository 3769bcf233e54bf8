/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MatMul (ai.onnx), versions 1, 9 and 13. https://onnx.ai/onnx/operators/onnx__MatMul.html
 *
 * Y[..., i, j] = sum_k A[..., i, k] * B[..., k, j], as numpy.matmul
 *
 * Shapes    A: [batch..., m, k], B: [batch..., k, n] -> Y: [batch..., m, n]; batch dimensions
 *           broadcast. A 1-D A is one row and a 1-D B one column, and Y lacks that dimension.
 * Types     float16, bfloat16 (13+), float32, float64; (u)int32 and (u)int64 (9+), which wrap
 *           around. The half types are summed in float32.
 * Attrs     none
 * Edge      k = 0 -> zeros.
 * Aliasing  none.
 */
#include "ops/matrix/matmul.h"

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

static enum onr_status check_rank(const struct onr_node *node, const struct onr_shape *shape,
                                  bool is_a, struct onr_error *err)
{
    bool is_batch_turned = onr_attr_int(node, is_a ? "transBatchA" : "transBatchB", 0) != 0;
    int least = is_batch_turned ? 3 : 1;
    if (shape->rank != ONR_RANK_UNKNOWN && shape->rank < least) {
        return onr_fail(err, ONR_ERR_SHAPE, "input %d has rank %d, expected %d or more",
                        is_a ? 0 : 1, shape->rank, least);
    }
    return ONR_OK;
}

/* The dimensions of Y before its last two. */
static enum onr_status find_batch(const struct operand *a, const struct operand *b,
                                  struct onr_shape *y, struct onr_error *err)
{
    y->rank = a->batch_rank > b->batch_rank ? a->batch_rank : b->batch_rank;
    for (int d = 0; d < y->rank; d++) {
        int64_t from_a = dim_at(a, batch_axis(a, y->rank, d));
        int64_t from_b = dim_at(b, batch_axis(b, y->rank, d));
        if (!onr_dim_broadcast(from_a, from_b, &y->dim[d])) {
            return onr_fail(err, ONR_ERR_SHAPE,
                            "batch dimension %d does not broadcast: a has %" PRId64
                            ", b has %" PRId64,
                            d, from_a, from_b);
        }
    }
    return ONR_OK;
}

enum onr_status onr_matmul_shape(const struct onr_node *node, const struct onr_shape *a_shape,
                                 const struct onr_shape *b_shape, struct onr_shape *y,
                                 struct onr_error *err)
{
    *y = (struct onr_shape){.rank = ONR_RANK_UNKNOWN};
    ONR_TRY(check_rank(node, a_shape, true, err));
    ONR_TRY(check_rank(node, b_shape, false, err));
    if (a_shape->rank == ONR_RANK_UNKNOWN || b_shape->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    struct operand a = view(node, a_shape, true);
    struct operand b = view(node, b_shape, false);
    int64_t k_a = dim_at(&a, a.column);
    int64_t k_b = dim_at(&b, b.row);
    if (k_a >= 0 && k_b >= 0 && k_a != k_b) {
        bool is_plain = node->attr_count == 0;
        return onr_fail(err, ONR_ERR_SHAPE,
                        "inner dimensions differ: %s[...,K]=%" PRId64 ", %s[K,...]=%" PRId64,
                        is_plain ? "a" : "op(a)", k_a, is_plain ? "b" : "op(b)", k_b);
    }
    ONR_TRY(find_batch(&a, &b, y, err));
    if (a_shape->rank > 1) {
        y->dim[y->rank++] = dim_at(&a, a.row);
    }
    if (b_shape->rank > 1) {
        y->dim[y->rank++] = dim_at(&b, b.column);
    }
    return ONR_OK;
}

enum onr_status onr_matmul_infer(struct onr_infer_ctx *ctx)
{
    return onr_matmul_shape(ctx->node, &ctx->inputs[0]->shape, &ctx->inputs[1]->shape,
                            &ctx->outputs[0].shape, ctx->err);
}

/* A constant B is packed when its matrices lie one behind the other. It may be a scalar in a body, which
 * is only refused when it runs. */
enum onr_status onr_matmul_prepare(struct onr_prepare_ctx *ctx)
{
    const struct onr_constant *constant = ctx->constants[1];
    if (constant == NULL || constant->shape.rank == 0 ||
        onr_attr_int(ctx->node, "transBatchB", 0) != 0) {
        return onr_product_prepare(ctx, NULL, 0, 0, 0, 0, 0);
    }
    struct operand b = view(ctx->node, &constant->shape, false);
    size_t batch = (size_t)onr_shape_range(&constant->shape, 0, b.batch_rank);
    return onr_product_prepare(ctx, constant, batch, (size_t)dim_at(&b, b.row),
                               (size_t)dim_at(&b, b.column), stride_at(&b, b.row),
                               stride_at(&b, b.column));
}

static enum onr_status set_batch(const struct onr_plan_ctx *ctx, struct onr_product *product,
                                 const struct operand *a, const struct operand *b,
                                 const struct onr_shape *y)
{
    int rank = a->batch_rank > b->batch_rank ? a->batch_rank : b->batch_rank;
    size_t y_stride = product->m * product->n;
    struct onr_product_dim *batch =
        ONR_ARENA_ARRAY(ctx->arena, (size_t)rank, struct onr_product_dim);
    if (batch == NULL) {
        return onr_fail_memory(ctx->err, "batch of a product");
    }
    product->batch = batch;
    product->batch_rank = rank;
    for (int d = rank - 1; d >= 0; d--) {
        int a_axis = batch_axis(a, rank, d);
        int b_axis = batch_axis(b, rank, d);
        batch[d] = (struct onr_product_dim){.count = (size_t)y->dim[d],
                                            .a = dim_at(a, a_axis) == 1 ? 0 : stride_at(a, a_axis),
                                            .b = dim_at(b, b_axis) == 1 ? 0 : stride_at(b, b_axis),
                                            .y = y_stride};
        y_stride *= (size_t)y->dim[d];
    }
    return ONR_OK;
}

enum onr_status onr_matmul_product(const struct onr_plan_ctx *ctx, const struct onr_shape *y,
                                   struct onr_product *product)
{
    struct operand a = view(ctx->node, &ctx->inputs[0]->shape, true);
    struct operand b = view(ctx->node, &ctx->inputs[1]->shape, false);
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
        return ONR_OK;
    }
    return set_batch(ctx, product, &a, &b, y);
}

enum onr_status onr_matmul_plan(struct onr_plan_ctx *ctx)
{
    struct onr_product *product = ONR_ARENA_NEW(ctx->arena, struct onr_product);
    if (product == NULL) {
        return onr_fail_memory(ctx->err, "plan of a product");
    }
    ONR_TRY(onr_matmul_product(ctx, &ctx->outputs[0].shape, product));
    onr_product_plan(product, ctx->state, ctx->thread_count, &ctx->workspace_bytes);
    onr_product_link(product, 1, ctx);
    onr_product_tell(product, ctx);
    ctx->plan = product;
    ctx->flops = 2 * (uint64_t)onr_shape_count(&ctx->outputs[0].shape) * product->k;
    return ONR_OK;
}

enum onr_status onr_matmul_run(struct onr_run_ctx *ctx)
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

static const struct onr_param_spec specs_1[] = {
    {ONR_BIT(FLOAT16) | ONR_BIT(FLOAT) | ONR_BIT(DOUBLE), 1}, {0}};
static const struct onr_param_spec specs_9[] = {{ONR_PRODUCT_DTYPES & ~ONR_BIT(BFLOAT16), 1}, {0}};
static const struct onr_param_spec specs_13[] = {{ONR_PRODUCT_DTYPES, 1}, {0}};

#define MATMUL_ROW(since, last, specs)                                                             \
    {                                                                                              \
        .domain = "", .name = "MatMul", .since_version = (since), .last_version = (last),          \
        .inputs = {2, 2}, .outputs = {1, 1}, .input_specs = (specs), .output_specs = (specs),      \
        .infer = onr_matmul_infer, .prepare = onr_matmul_prepare, .plan = onr_matmul_plan,         \
        .run = onr_matmul_run                                                                      \
    }

extern const struct onr_op_def onr_ops_matmul[];
const struct onr_op_def onr_ops_matmul[] = {
    MATMUL_ROW(1, 8, specs_1),
    MATMUL_ROW(9, 12, specs_9),
    MATMUL_ROW(13, ONR_OPSET_LATEST, specs_13),
    {.name = NULL},
};
