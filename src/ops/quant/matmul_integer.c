/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MatMulInteger (ai.onnx), version 10+.
 * https://onnx.ai/onnx/operators/onnx__MatMulInteger.html
 * MatMulInteger16 (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 * QLinearMatMul (ai.onnx), versions 10-20, 21+.
 * https://onnx.ai/onnx/operators/onnx__QLinearMatMul.html
 *
 * s[i,j] = sum_p (A[i,p] - a_zero_point) * (B[p,j] - b_zero_point)
 * MatMulInteger, MatMulInteger16: Y = s. MatMulInteger16 has no zero points.
 * QLinearMatMul: y = saturate(rint(s * (a_scale * b_scale / y_scale)) + y_zero_point), halves to
 * even; 8-bit floats are converted as by Cast.
 *
 * Shapes    A: [batch..., m, k], B: [batch..., k, n] -> Y: [batch..., m, n] with numpy's rules for
 *           batches and vectors. Scales and zero points of A and Y: one element, [m] or [batch...,
 *           m, 1]; of B: one element, [n] or [batch..., 1, n].
 * Types     A, B, y: int8, uint8, each with its zero point; QLinearMatMul from 21 on also 8-bit
 *           floats, summed in float32. MatMulInteger's Y: int32, wrapping. Scales: float32, from
 *           21 on also float16, bfloat16; their product is computed in float32. MatMulInteger16: A,
 *           B: int16, uint16; Y: uint32 when both are uint16, else int32, wrapping.
 * Edge      k = 0 gives zeros.
 * Aliasing  none.
 */
#include "kernels/kernels.h"
#include "ops/quant/integer_product.h"

static enum onr_status integer_infer(struct onr_infer_ctx *ctx)
{
    ONR_TRY(onr_integer_infer(ctx, 0, 1, &ctx->outputs[0].shape));
    ONR_TRY(onr_integer_check(ctx, 2, ONR_PER_ROW, &ctx->inputs[0]->shape));
    return onr_integer_check(ctx, 3, ONR_PER_COLUMN, &ctx->inputs[1]->shape);
}

static enum onr_status integer_plan(struct onr_plan_ctx *ctx)
{
    struct onr_integer_product *product = ONR_ARENA_NEW(ctx->arena, struct onr_integer_product);
    if (product == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a matrix product");
    }
    ctx->plan = product;
    return onr_integer_plan(product, ctx, (const uint32_t[]){0, 2}, (const uint32_t[]){1, 3});
}

static enum onr_status integer_run(struct onr_run_ctx *ctx)
{
    struct onr_integer_operands operands = {
        .a = ctx->inputs[0]->data,
        .b = ctx->inputs[1]->data,
        .a_zero = onr_input_data(ctx, 2),
        .b_zero = onr_input_data(ctx, 3),
        .y = ctx->outputs[0]->data,
    };
    onr_integer_product_run(ctx->plan, &operands, ctx->workspace, ctx);
    return ONR_OK;
}

static enum onr_status words_infer(struct onr_infer_ctx *ctx)
{
    bool is_unsigned = ctx->inputs[0]->dtype == ONR_UINT16 && ctx->inputs[1]->dtype == ONR_UINT16;
    ctx->outputs[0].dtype = is_unsigned ? ONR_UINT32 : ONR_INT32;
    return onr_integer_infer(ctx, 0, 1, &ctx->outputs[0].shape);
}

/* Inputs of QLinearMatMul. */
enum { A, A_SCALE, A_ZERO, B, B_SCALE, B_ZERO, Y_SCALE, Y_ZERO };

static enum onr_status qlinear_infer(struct onr_infer_ctx *ctx)
{
    struct onr_shape *y = &ctx->outputs[0].shape;
    ONR_TRY(onr_integer_infer(ctx, A, B, y));
    for (uint32_t i = A_SCALE; i <= A_ZERO; i++) {
        ONR_TRY(onr_integer_check(ctx, i, ONR_PER_ROW, &ctx->inputs[A]->shape));
    }
    for (uint32_t i = B_SCALE; i <= B_ZERO; i++) {
        ONR_TRY(onr_integer_check(ctx, i, ONR_PER_COLUMN, &ctx->inputs[B]->shape));
    }
    /* A vector B leaves Y without columns: then only its rows are left to count. */
    struct onr_shape rows = *y;
    if (rows.rank > 0 && ctx->inputs[B]->shape.rank == 1) {
        rows.dim[rows.rank++] = 1;
    }
    for (uint32_t i = Y_SCALE; i <= Y_ZERO; i++) {
        ONR_TRY(onr_integer_check(ctx, i, ONR_PER_ROW, &rows));
    }
    return ONR_OK;
}

static enum onr_status qlinear_plan(struct onr_plan_ctx *ctx)
{
    struct onr_integer_product *p = ONR_ARENA_NEW(ctx->arena, struct onr_integer_product);
    if (p == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a matrix product");
    }
    ctx->plan = p;
    ONR_TRY(onr_integer_plan(p, ctx, (const uint32_t[]){A, A_ZERO}, (const uint32_t[]){B, B_ZERO}));
    p->scale_dtype = ctx->inputs[A_SCALE]->dtype;
    p->a_scale = onr_integer_steps(ctx->inputs[A_SCALE], p->m);
    p->b_scale = onr_integer_steps(ctx->inputs[B_SCALE], p->n);
    p->y_scale = onr_integer_steps(ctx->inputs[Y_SCALE], p->m);
    p->y_zero = onr_integer_steps(ctx->inputs[Y_ZERO], p->m);
    return ONR_OK;
}

static enum onr_status qlinear_run(struct onr_run_ctx *ctx)
{
    struct onr_integer_operands operands = {
        .a = ctx->inputs[A]->data,
        .b = ctx->inputs[B]->data,
        .a_zero = ctx->inputs[A_ZERO]->data,
        .b_zero = ctx->inputs[B_ZERO]->data,
        .a_scale = ctx->inputs[A_SCALE]->data,
        .b_scale = ctx->inputs[B_SCALE]->data,
        .y_scale = ctx->inputs[Y_SCALE]->data,
        .y_zero = ctx->inputs[Y_ZERO]->data,
        .y = ctx->outputs[0]->data,
    };
    onr_integer_product_run(ctx->plan, &operands, ctx->workspace, ctx);
    return ONR_OK;
}

#define BYTES_10 (ONR_BIT(INT8) | ONR_BIT(UINT8))
#define BYTES_21 (BYTES_10 | (ONR_DTYPES_FLOAT8 & ~ONR_BIT(FLOAT8E8M0)))
#define SCALE_10 ONR_BIT(FLOAT)
#define SCALE_21 (ONR_BIT(FLOAT) | ONR_DTYPES_HALF)

static const struct onr_param_spec integer_inputs[] = {
    {BYTES_10, 1}, {BYTES_10, 2}, {BYTES_10, 1}, {BYTES_10, 2}, {0, 0}};
static const struct onr_param_spec integer_outputs[] = {{ONR_BIT(INT32), 0}, {0, 0}};
static const struct onr_param_spec words_inputs[] = {{ONR_BIT(INT16) | ONR_BIT(UINT16), 0}, {0, 0}};
static const struct onr_param_spec words_outputs[] = {{ONR_BIT(INT32) | ONR_BIT(UINT32), 0},
                                                      {0, 0}};
static const struct onr_param_spec qlinear_inputs_10[] = {
    {BYTES_10, 1}, {SCALE_10, 4}, {BYTES_10, 1}, {BYTES_10, 2}, {SCALE_10, 4},
    {BYTES_10, 2}, {SCALE_10, 4}, {BYTES_10, 3}, {0, 0}};
static const struct onr_param_spec qlinear_outputs_10[] = {{BYTES_10, 3}, {0, 0}};
static const struct onr_param_spec qlinear_inputs_21[] = {
    {BYTES_21, 1}, {SCALE_21, 4}, {BYTES_21, 1}, {BYTES_21, 2}, {SCALE_21, 4},
    {BYTES_21, 2}, {SCALE_21, 4}, {BYTES_21, 3}, {0, 0}};
static const struct onr_param_spec qlinear_outputs_21[] = {{BYTES_21, 3}, {0, 0}};

#define QLINEAR_ROW(since, last, in, out)                                                          \
    {                                                                                              \
        .domain = "", .name = "QLinearMatMul", .since_version = (since), .last_version = (last),   \
        .inputs = {8, 8}, .outputs = {1, 1}, .input_specs = (in), .output_specs = (out),           \
        .infer = qlinear_infer, .plan = qlinear_plan, .run = qlinear_run,                          \
        .kernel = ONR_KERNEL_AT(quant.add_product_u8),                                             \
    }

extern const struct onr_op_def onr_ops_matmul_integer[];
const struct onr_op_def onr_ops_matmul_integer[] = {
    {.domain = "",
     .name = "MatMulInteger",
     .since_version = 10,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {2, 4},
     .outputs = {1, 1},
     .input_specs = integer_inputs,
     .output_specs = integer_outputs,
     .infer = integer_infer,
     .plan = integer_plan,
     .run = integer_run,
     .kernel = ONR_KERNEL_AT(quant.add_product_u8)},
    {.domain = "com.microsoft",
     .name = "MatMulInteger16",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {2, 2},
     .outputs = {1, 1},
     .input_specs = words_inputs,
     .output_specs = words_outputs,
     .infer = words_infer,
     .plan = integer_plan,
     .run = integer_run},
    QLINEAR_ROW(10, 20, qlinear_inputs_10, qlinear_outputs_10),
    QLINEAR_ROW(21, ONR_OPSET_LATEST, qlinear_inputs_21, qlinear_outputs_21),
    {.name = NULL},
};
