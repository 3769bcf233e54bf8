/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QGemm (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 *
 * s[i,j] = C[i,j] + sum_p (A'[i,p] - a_zero_point) * (B'[p,j] - b_zero_point[j])
 * Y      = alpha * a_scale * b_scale[j] * s, or
 *          saturate(rint(alpha * a_scale * b_scale[j] / y_scale * s) + y_zero_point)
 *
 * Inputs    A, a_scale, a_zero_point, B, b_scale, b_zero_point, C?, y_scale?, y_zero_point?
 * Shapes    A: [m, k] ([k, m] with transA), B: [k, n] ([n, k] with transB), C: broadcasts to [m, n]
 *           -> Y: [m, n]. Scales and zero points: one element, those of B also [n].
 * Types     A, B: int8, uint8, each with its zero point. C: int32. Scales: float32. Y has the type
 *           of y_zero_point, int8 or uint8; without y_scale and y_zero_point float32.
 * Attrs     alpha: float, default 1. transA, transB: int, default 0.
 * Edge      k = 0 gives the scaled C. Sums wrap around in 32 bits.
 * Aliasing  none.
 */
#include "kernels/kernels.h"
#include "ops/common/copy.h"
#include "ops/common/workspace.h"
#include "ops/matrix/gemm.h"
#include "ops/quant/integer_product.h"

enum { A, A_SCALE, A_ZERO, B, B_SCALE, B_ZERO, C, Y_SCALE, Y_ZERO };

static enum onr_status qgemm_infer(struct onr_infer_ctx *ctx)
{
    static const uint32_t singles[] = {A_SCALE, A_ZERO, Y_SCALE, Y_ZERO};
    bool has_zero = onr_infer_has_input(ctx, Y_ZERO);
    if (onr_infer_has_input(ctx, Y_SCALE) != has_zero) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "y_scale and y_zero_point must come together");
    }
    ctx->outputs[0].dtype = has_zero ? ctx->inputs[Y_ZERO]->dtype : ONR_FLOAT;
    ONR_TRY(onr_gemm_infer_of(ctx, A, B, C));
    const struct onr_shape columns = {.rank = 2,
                                      .dim = {ONR_DIM_UNKNOWN, ctx->outputs[0].shape.dim[1]}};
    for (size_t i = 0; i < sizeof singles / sizeof singles[0]; i++) {
        ONR_TRY(onr_integer_check(ctx, singles[i], ONR_PER_TENSOR, &columns));
    }
    ONR_TRY(onr_integer_check(ctx, B_SCALE, ONR_PER_COLUMN, &columns));
    return onr_integer_check(ctx, B_ZERO, ONR_PER_COLUMN, &columns);
}

struct qgemm_plan {
    struct onr_integer_product product;
    bool is_transposed; /* B */
    struct onr_copy transpose;
    size_t product_at, b_at; /* in the workspace */
};

static enum onr_status plan_workspace(struct qgemm_plan *plan, struct onr_plan_ctx *ctx)
{
    const struct onr_integer_product *p = &plan->product;
    struct onr_workspace space = {0};
    size_t count = 0;
    ONR_TRY(onr_integer_workspace(&plan->product, ctx));
    plan->product_at = onr_workspace_add(&space, ctx->workspace_bytes, 1);
    if (plan->is_transposed) {
        space.is_too_large = space.is_too_large || !onr_size_mul(p->k, p->n, &count);
        plan->b_at = onr_workspace_add(&space, count, 1);
        plan->transpose.element_bytes = 1;
        onr_copy_add(&plan->transpose, (int64_t)p->k, (int64_t)p->n, 1);
        onr_copy_add(&plan->transpose, (int64_t)p->n, 1, (int64_t)p->k);
        onr_copy_finish(&plan->transpose);
    }
    return onr_workspace_finish(&space, &ctx->workspace_bytes, ctx->err);
}

/* C has 0, 1 or 2 dimensions. */
static void plan_c(struct onr_integer_product *product, const struct onr_shape *c)
{
    int64_t rows = c->rank == 2 ? c->dim[0] : 1;
    int64_t columns = c->rank > 0 ? c->dim[c->rank - 1] : 1;
    product->c_row_step = rows == 1 ? 0 : (size_t)columns;
    product->c_column_step = columns == 1 ? 0 : 1;
}

static enum onr_status qgemm_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *a = &ctx->inputs[A]->shape;
    const struct onr_shape *y = &ctx->outputs[0].shape;
    const struct onr_fact *c = onr_plan_input(ctx, C);
    size_t trans_a = onr_attr_int(ctx->node, "transA", 0) != 0;
    struct qgemm_plan *plan = ONR_ARENA_NEW(ctx->arena, struct qgemm_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a matrix product");
    }
    ctx->plan = plan;
    plan->is_transposed = onr_attr_int(ctx->node, "transB", 0) != 0;
    plan->product = (struct onr_integer_product){
        .m = (size_t)y->dim[0],
        .n = (size_t)y->dim[1],
        .k = (size_t)a->dim[1 - trans_a],
        .a_row_stride = trans_a ? 1 : (size_t)a->dim[1],
        .a_column_stride = trans_a ? (size_t)a->dim[1] : 1,
        .a_dtype = ctx->inputs[A]->dtype,
        .b_dtype = ctx->inputs[B]->dtype,
        .y_dtype = ctx->outputs[0].dtype,
        .b_zero = onr_integer_steps(ctx->inputs[B_ZERO], (size_t)y->dim[1]),
        .a_batch = {.count = 1},
        .b_batch = {.count = 1},
        .scale_dtype = ONR_FLOAT,
        .b_scale = onr_integer_steps(ctx->inputs[B_SCALE], (size_t)y->dim[1]),
        .alpha = onr_attr_float(ctx->node, "alpha", 1.0f),
    };
    if (c != NULL) {
        plan_c(&plan->product, &c->shape);
    }
    return plan_workspace(plan, ctx);
}

static enum onr_status qgemm_run(struct onr_run_ctx *ctx)
{
    const struct qgemm_plan *plan = ctx->plan;
    char *workspace = ctx->workspace;
    struct onr_integer_operands operands = {
        .a = ctx->inputs[A]->data,
        .b = ctx->inputs[B]->data,
        .a_zero = ctx->inputs[A_ZERO]->data,
        .b_zero = ctx->inputs[B_ZERO]->data,
        .a_scale = ctx->inputs[A_SCALE]->data,
        .b_scale = ctx->inputs[B_SCALE]->data,
        .y_scale = onr_input_data(ctx, Y_SCALE),
        .y_zero = onr_input_data(ctx, Y_ZERO),
        .c = onr_input_data(ctx, C),
        .y = ctx->outputs[0]->data,
    };
    if (plan->is_transposed && onr_tensor_count(ctx->inputs[B]) > 0) {
        onr_copy_run(&plan->transpose, ctx->kernels, ctx->parallel, workspace + plan->b_at,
                     operands.b);
        operands.b = workspace + plan->b_at;
    }
    onr_integer_product_run(&plan->product, &operands, workspace + plan->product_at, ctx);
    return ONR_OK;
}

#define BYTES (ONR_BIT(INT8) | ONR_BIT(UINT8))
#define SCALE ONR_BIT(FLOAT)

static const struct onr_attr_spec qgemm_attrs[] = {{"alpha", ONR_ATTR_FLOAT, false},
                                                   {"transA", ONR_ATTR_INT, false},
                                                   {"transB", ONR_ATTR_INT, false},
                                                   {NULL, 0, false}};
static const struct onr_param_spec qgemm_inputs[] = {
    {BYTES, 1}, {SCALE, 0},          {BYTES, 1}, {BYTES, 2}, {SCALE, 0},
    {BYTES, 2}, {ONR_BIT(INT32), 0}, {SCALE, 0}, {BYTES, 0}, {0, 0}};
static const struct onr_param_spec qgemm_outputs[] = {{BYTES | ONR_BIT(FLOAT), 0}, {0, 0}};

extern const struct onr_op_def onr_ops_qgemm[];
const struct onr_op_def onr_ops_qgemm[] = {
    {.domain = "com.microsoft",
     .name = "QGemm",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {6, 9},
     .outputs = {1, 1},
     .attrs = qgemm_attrs,
     .input_specs = qgemm_inputs,
     .output_specs = qgemm_outputs,
     .infer = qgemm_infer,
     .plan = qgemm_plan,
     .run = qgemm_run,
     .kernel = ONR_KERNEL_AT(quant.add_product_u8)},
    {.name = NULL},
};
