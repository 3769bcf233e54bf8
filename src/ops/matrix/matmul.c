/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MatMul (ai.onnx), versions 1, 9 and 13. https://onnx.ai/onnx/operators/onnx__MatMul.html
 *
 * Y[..., i, j] = sum_k A[..., i, k] * B[..., k, j], as numpy.matmul
 *
 * Shapes    A: [batch..., m, k], B: [batch..., k, n] -> Y: [batch..., m, n]; batch dimensions
 *           broadcast. A 1-D A is one row and a 1-D B one column, and Y lacks that dimension. Types
 *           float16, bfloat16 (13+), float32, float64; (u)int32 and (u)int64 (9+), which wrap
 *           around. The half types are summed in float32.
 * Attrs     none
 * Edge      k = 0 -> zeros.
 * Aliasing  none.
 */
#include "ops/matrix/product.h"

#include <inttypes.h>

/* A fact's shape as matrices: 1-D operands get their missing dimension. */
struct operand {
    int batch_rank;
    int64_t rows, columns;
};

static struct operand view_a(const struct onr_shape *a)
{
    struct operand view = {.rows = 1, .columns = a->dim[a->rank - 1]};
    if (a->rank > 1) {
        view.batch_rank = a->rank - 2;
        view.rows = a->dim[a->rank - 2];
    }
    return view;
}

static struct operand view_b(const struct onr_shape *b)
{
    struct operand view = {.rows = b->dim[0], .columns = 1};
    if (b->rank > 1) {
        view.batch_rank = b->rank - 2;
        view.rows = b->dim[b->rank - 2];
        view.columns = b->dim[b->rank - 1];
    }
    return view;
}

/* Dimension d of batch_rank broadcast dimensions, for an operand with fewer of them. */
static int64_t batch_dim(const struct onr_shape *shape, int own_rank, int batch_rank, int d)
{
    int own = d - (batch_rank - own_rank);
    return own < 0 ? 1 : shape->dim[own];
}

static enum onr_status infer_batch(struct onr_infer_ctx *ctx, const struct operand *a,
                                   const struct operand *b, struct onr_shape *y)
{
    const struct onr_shape *a_shape = &ctx->inputs[0]->shape;
    const struct onr_shape *b_shape = &ctx->inputs[1]->shape;
    y->rank = a->batch_rank > b->batch_rank ? a->batch_rank : b->batch_rank;
    for (int d = 0; d < y->rank; d++) {
        int64_t from_a = batch_dim(a_shape, a->batch_rank, y->rank, d);
        int64_t from_b = batch_dim(b_shape, b->batch_rank, y->rank, d);
        if (!onr_dim_broadcast(from_a, from_b, &y->dim[d])) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                                  "batch dimension %d does not broadcast: a has %" PRId64
                                  ", b has %" PRId64,
                                  d, from_a, from_b);
        }
    }
    return ONR_OK;
}

static enum onr_status matmul_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *a_shape = &ctx->inputs[0]->shape;
    const struct onr_shape *b_shape = &ctx->inputs[1]->shape;
    if (a_shape->rank == 0 || b_shape->rank == 0) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "input %d is a scalar, expected rank 1 or more",
                              a_shape->rank == 0 ? 0 : 1);
    }
    if (a_shape->rank == ONR_RANK_UNKNOWN || b_shape->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    struct operand a = view_a(a_shape);
    struct operand b = view_b(b_shape);
    if (a.columns >= 0 && b.rows >= 0 && a.columns != b.rows) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "inner dimensions differ: a[...,K]=%" PRId64 ", b[K,...]=%" PRId64,
                              a.columns, b.rows);
    }
    struct onr_shape y;
    ONR_TRY(infer_batch(ctx, &a, &b, &y));
    if (a_shape->rank > 1) {
        y.dim[y.rank++] = a.rows;
    }
    if (b_shape->rank > 1) {
        y.dim[y.rank++] = b.columns;
    }
    ctx->outputs[0].shape = y;
    return ONR_OK;
}

static enum onr_status matmul_prepare(struct onr_prepare_ctx *ctx)
{
    const struct onr_constant *constant = ctx->constants[1];
    if (constant == NULL) {
        return onr_product_prepare(ctx, NULL, 0, 0, 0, 0, 0);
    }
    struct operand b = view_b(&constant->shape);
    size_t batch = (size_t)onr_shape_range(&constant->shape, 0, b.batch_rank);
    return onr_product_prepare(ctx, constant, batch, (size_t)b.rows, (size_t)b.columns,
                               (size_t)b.columns, 1);
}

/* Strides of an operand along the broadcast batch dimensions: 0 where it is repeated. */
static void set_batch_strides(const struct onr_shape *shape, int own_rank, int batch_rank,
                              size_t matrix, size_t *strides)
{
    size_t stride = matrix;
    for (int d = batch_rank - 1; d >= 0; d--) {
        int64_t dim = batch_dim(shape, own_rank, batch_rank, d);
        strides[d] = dim == 1 ? 0 : stride;
        stride *= (size_t)dim;
    }
}

static void set_batch(struct onr_product *product, const struct onr_shape *a_shape,
                      const struct onr_shape *b_shape, const struct onr_shape *y, int a_rank,
                      int b_rank)
{
    int rank = a_rank > b_rank ? a_rank : b_rank;
    product->batch_rank = rank;
    for (int d = 0; d < rank; d++) {
        product->batch_dim[d] = (size_t)y->dim[d];
    }
    set_batch_strides(a_shape, a_rank, rank, product->m * product->k, product->a_batch_stride);
    set_batch_strides(b_shape, b_rank, rank, product->k * product->n, product->b_batch_stride);
    set_batch_strides(y, rank, rank, product->m * product->n, product->y_batch_stride);
}

static enum onr_status matmul_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *a_shape = &ctx->inputs[0]->shape;
    const struct onr_shape *b_shape = &ctx->inputs[1]->shape;
    struct operand a = view_a(a_shape);
    struct operand b = view_b(b_shape);
    struct onr_product *product = ONR_ARENA_NEW(ctx->arena, struct onr_product);
    if (product == NULL) {
        return onr_fail_memory(ctx->err, "plan of MatMul");
    }
    *product = (struct onr_product){
        .dtype = ctx->inputs[0]->dtype,
        .m = (size_t)a.rows,
        .n = (size_t)b.columns,
        .k = (size_t)a.columns,
        .a_row_stride = (size_t)a.columns,
        .a_column_stride = 1,
        .b_row_stride = (size_t)b.columns,
        .b_column_stride = 1,
        .y_row_stride = (size_t)b.columns,
        .alpha = 1.0f,
        .beta = 1.0f,
    };
    if (onr_shape_range(b_shape, 0, b.batch_rank) == 1) {
        /* One matrix B for all of A: the batch is more rows. */
        product->m = (size_t)onr_shape_range(a_shape, 0, a.batch_rank) * product->m;
    } else {
        set_batch(product, a_shape, b_shape, &ctx->outputs[0].shape, a.batch_rank, b.batch_rank);
    }
    onr_product_plan(product, ctx->state, ctx->thread_count, &ctx->workspace_bytes);
    ctx->plan = product;
    ctx->flops = 2 * (uint64_t)onr_shape_count(&ctx->outputs[0].shape) * product->k;
    return ONR_OK;
}

static enum onr_status matmul_run(struct onr_run_ctx *ctx)
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
        .infer = matmul_infer, .prepare = matmul_prepare, .plan = matmul_plan, .run = matmul_run,  \
        .release = onr_product_release                                                             \
    }

extern const struct onr_op_def onr_ops_matmul[];
const struct onr_op_def onr_ops_matmul[] = {
    MATMUL_ROW(1, 8, specs_1),
    MATMUL_ROW(9, 12, specs_9),
    MATMUL_ROW(13, ONR_OPSET_LATEST, specs_13),
    {.name = NULL},
};
