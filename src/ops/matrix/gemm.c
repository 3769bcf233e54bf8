/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gemm (ai.onnx), versions 1, 6, 7, 9, 11 and 13. https://onnx.ai/onnx/operators/onnx__Gemm.html
 *
 * Y = alpha * A' * B' + beta * C,   A' = A or its transpose, B' likewise
 *
 * Shapes    A: [m, k] ([k, m] with transA), B: [k, n] ([n, k] with transB), C: broadcasts to [m, n]
 *           -> Y: [m, n]. Before version 7, C broadcasts only with broadcast = 1 (any C that fits
 *           is accepted). C may be left out from version 11 on.
 * Types     float16, bfloat16 (13+), float32, float64; (u)int32 and (u)int64 (9+), which wrap
 *           around; with an alpha or beta other than 1 their result is computed in float64, cut off
 *           and limited to the type.
 * Attrs     alpha: float, default 1. beta: float, default 1. transA, transB: int, default 0.
 *           broadcast: int (1-6).
 * Edge      k = 0 -> beta * C. beta = 0 still reads C (0 * NaN is NaN).
 * Aliasing  none.
 */
#include "ops/matrix/gemm.h"

#include <inttypes.h>

/* Extents of op(A) and op(B); entries may be unknown. */
struct gemm_dims {
    int64_t m, n, k_a, k_b;
};

static struct gemm_dims find_dims(const struct onr_node *node, const struct onr_shape *a,
                                  const struct onr_shape *b)
{
    int trans_a = onr_attr_int(node, "transA", 0) != 0;
    int trans_b = onr_attr_int(node, "transB", 0) != 0;
    return (struct gemm_dims){.m = a->dim[trans_a],
                              .k_a = a->dim[1 - trans_a],
                              .k_b = b->dim[trans_b],
                              .n = b->dim[1 - trans_b]};
}

/* The dimension of C that runs along dimension d (0 or 1) of Y; 1 when C lacks it. */
static int64_t c_dim(const struct onr_shape *c, int d)
{
    int own = d - (2 - c->rank);
    return own < 0 ? 1 : c->dim[own];
}

static enum onr_status check_c(struct onr_infer_ctx *ctx, const struct onr_shape *c,
                               const struct gemm_dims *dims)
{
    const int64_t want[2] = {dims->m, dims->n};
    if (c->rank > 2) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "c has rank %d, expected at most 2", c->rank);
    }
    for (int d = 0; c->rank >= 0 && d < 2; d++) {
        int64_t dim = c_dim(c, d);
        if (dim >= 0 && dim != 1 && want[d] >= 0 && dim != want[d]) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                                  "c does not broadcast to y: %s is %" PRId64
                                  ", expected 1 or %" PRId64,
                                  d == 0 ? "m" : "n", dim, want[d]);
        }
    }
    return ONR_OK;
}

enum onr_status onr_gemm_infer_of(struct onr_infer_ctx *ctx, uint32_t a_index, uint32_t b_index,
                                  uint32_t c_index)
{
    const struct onr_shape *a = &ctx->inputs[a_index]->shape;
    const struct onr_shape *b = &ctx->inputs[b_index]->shape;
    for (uint32_t i = 0; i < 2; i++) {
        int rank = i == 0 ? a->rank : b->rank;
        if (rank != ONR_RANK_UNKNOWN && rank != 2) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE, "%s has rank %d, expected 2",
                                  i == 0 ? "a" : "b", rank);
        }
    }
    struct onr_shape unknown = {.rank = 2, .dim = {ONR_DIM_UNKNOWN, ONR_DIM_UNKNOWN}};
    struct gemm_dims dims =
        find_dims(ctx->node, a->rank == 2 ? a : &unknown, b->rank == 2 ? b : &unknown);
    if (dims.k_a >= 0 && dims.k_b >= 0 && dims.k_a != dims.k_b) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "inner dimensions differ: op(a)[M,K]=%" PRId64
                              ", op(b)[K,N]=%" PRId64,
                              dims.k_a, dims.k_b);
    }
    if (onr_infer_has_input(ctx, c_index)) {
        ONR_TRY(check_c(ctx, &ctx->inputs[c_index]->shape, &dims));
    }
    ctx->outputs[0].shape = (struct onr_shape){.rank = 2, .dim = {dims.m, dims.n}};
    return ONR_OK;
}

enum onr_status onr_gemm_infer(struct onr_infer_ctx *ctx)
{
    return onr_gemm_infer_of(ctx, 0, 1, 2);
}

enum onr_status onr_gemm_prepare(struct onr_prepare_ctx *ctx)
{
    const struct onr_constant *b = ctx->constants[1];
    if (b == NULL) {
        return onr_product_prepare(ctx, NULL, 0, 0, 0, 0, 0);
    }
    bool trans_b = onr_attr_int(ctx->node, "transB", 0) != 0;
    size_t rows = (size_t)b->shape.dim[0];
    size_t columns = (size_t)b->shape.dim[1];
    return trans_b ? onr_product_prepare(ctx, b, 1, columns, rows, 1, columns)
                   : onr_product_prepare(ctx, b, 1, rows, columns, columns, 1);
}

static enum onr_product_bias find_bias(const struct onr_shape *c, const struct gemm_dims *dims)
{
    bool has_rows = c_dim(c, 0) == dims->m;
    bool has_columns = c_dim(c, 1) == dims->n;
    if (has_rows && has_columns) {
        return dims->m == 1 ? ONR_PRODUCT_COLUMN_BIAS : ONR_PRODUCT_FULL_BIAS;
    }
    if (has_columns) {
        return ONR_PRODUCT_COLUMN_BIAS;
    }
    return has_rows ? ONR_PRODUCT_ROW_BIAS : ONR_PRODUCT_SCALAR_BIAS;
}

enum onr_status onr_gemm_plan_with(struct onr_plan_ctx *ctx,
                                   const struct onr_activation *activation)
{
    const struct onr_node *node = ctx->node;
    const struct onr_shape *a = &ctx->inputs[0]->shape;
    const struct onr_shape *b = &ctx->inputs[1]->shape;
    struct gemm_dims dims = find_dims(node, a, b);
    bool trans_a = onr_attr_int(node, "transA", 0) != 0;
    bool trans_b = onr_attr_int(node, "transB", 0) != 0;
    struct onr_product *product = ONR_ARENA_NEW(ctx->arena, struct onr_product);
    if (product == NULL) {
        return onr_fail_memory(ctx->err, "plan of Gemm");
    }
    *product = (struct onr_product){
        .dtype = ctx->inputs[0]->dtype,
        .m = (size_t)dims.m,
        .n = (size_t)dims.n,
        .k = (size_t)dims.k_a,
        .a_row_stride = trans_a ? 1 : (size_t)a->dim[1],
        .a_column_stride = trans_a ? (size_t)a->dim[1] : 1,
        .b_row_stride = trans_b ? 1 : (size_t)b->dim[1],
        .b_column_stride = trans_b ? (size_t)b->dim[1] : 1,
        .y_row_stride = (size_t)dims.n,
        .alpha = onr_attr_float(node, "alpha", 1.0f),
        .beta = onr_attr_float(node, "beta", 1.0f),
        .activation = *activation,
    };
    if (node->input_count > 2 && ctx->inputs[2] != NULL) {
        product->bias = find_bias(&ctx->inputs[2]->shape, &dims);
    }
    onr_product_plan(product, ctx->state, ctx->thread_count, &ctx->workspace_bytes);
    onr_product_link(product, 1, ctx);
    onr_product_tell(product, ctx);
    ctx->plan = product;
    ctx->flops = 2 * (uint64_t)onr_shape_count(&ctx->outputs[0].shape) * product->k;
    return ONR_OK;
}

static enum onr_status gemm_plan(struct onr_plan_ctx *ctx)
{
    return onr_gemm_plan_with(ctx, &(struct onr_activation){.function = NULL});
}

enum onr_status onr_gemm_run(struct onr_run_ctx *ctx)
{
    const struct onr_product *product = ctx->plan;
    struct onr_product_operands operands = {
        .a = ctx->inputs[0]->data,
        .b = product->packed == NULL ? ctx->inputs[1]->data : NULL,
        .c = product->bias != ONR_PRODUCT_NO_BIAS ? ctx->inputs[2]->data : NULL,
        .y = ctx->outputs[0]->data,
    };
    onr_product_run(product, &operands, ctx);
    return ONR_OK;
}

static const struct onr_param_spec specs_1[] = {
    {ONR_BIT(FLOAT16) | ONR_BIT(FLOAT) | ONR_BIT(DOUBLE), 1}, {0}};
static const struct onr_param_spec specs_9[] = {{ONR_PRODUCT_DTYPES & ~ONR_BIT(BFLOAT16), 1}, {0}};
static const struct onr_param_spec specs_13[] = {{ONR_PRODUCT_DTYPES, 1}, {0}};

static const struct onr_attr_spec attrs_1[] = {
    {"alpha", ONR_ATTR_FLOAT, false},   {"beta", ONR_ATTR_FLOAT, false},
    {"transA", ONR_ATTR_INT, false},    {"transB", ONR_ATTR_INT, false},
    {"broadcast", ONR_ATTR_INT, false}, {.name = NULL}};
static const struct onr_attr_spec attrs_7[] = {{"alpha", ONR_ATTR_FLOAT, false},
                                               {"beta", ONR_ATTR_FLOAT, false},
                                               {"transA", ONR_ATTR_INT, false},
                                               {"transB", ONR_ATTR_INT, false},
                                               {.name = NULL}};

#define GEMM_ROW(since, last, min_inputs, attributes, specs)                                       \
    {                                                                                              \
        .domain = "", .name = "Gemm", .since_version = (since), .last_version = (last),            \
        .inputs = {(min_inputs), 3}, .outputs = {1, 1}, .attrs = (attributes),                     \
        .input_specs = (specs), .output_specs = (specs), .infer = onr_gemm_infer,                  \
        .prepare = onr_gemm_prepare, .plan = gemm_plan, .run = onr_gemm_run                        \
    }

extern const struct onr_op_def onr_ops_gemm[];
const struct onr_op_def onr_ops_gemm[] = {
    GEMM_ROW(1, 6, 3, attrs_1, specs_1),
    GEMM_ROW(7, 8, 3, attrs_7, specs_1),
    GEMM_ROW(9, 10, 3, attrs_7, specs_9),
    GEMM_ROW(11, 12, 2, attrs_7, specs_9),
    GEMM_ROW(13, ONR_OPSET_LATEST, 2, attrs_7, specs_13),
    {.name = NULL},
};
