/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MatMulIntegerToFloat, DynamicQuantizeMatMul (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 *
 * Y[i,j] = a_scale * b_scale[j] * sum_p (A[i,p] - a_zero_point) * (B[p,j] - b_zero_point[j]) +
 *          bias[j]
 * DynamicQuantizeMatMul quantises its A to uint8 first, as DynamicQuantizeLinear does.
 *
 * Inputs    MatMulIntegerToFloat: A, B, a_scale, b_scale, a_zero_point?, b_zero_point?, bias?.
 *           DynamicQuantizeMatMul: A, B, b_scale, b_zero_point?, bias?.
 * Shapes    A: [batch..., m, k], B: [batch..., k, n] -> Y: [batch..., m, n] with numpy's rules for
 *           batches and vectors. a_scale, a_zero_point: one element. b_scale, b_zero_point: one
 *           element, [n] or [batch..., 1, n]. bias: [n].
 * Types     A, B: int8, uint8, each with its zero point; scales, bias, Y: float32, float16.
 *           DynamicQuantizeMatMul: A, b_scale, bias, Y: float32; B: int8, uint8.
 * Edge      k = 0 gives the bias. Sums wrap around in 32 bits.
 * Aliasing  none.
 */
#include "base/size.h"
#include "kernels/kernels.h"
#include "ops/quant/dynamic_quantize_linear.h"
#include "ops/quant/integer_product.h"

/* Indices of the inputs; ONR_NO_VALUE where the operator has none. */
struct product_form {
    uint32_t a_scale, b_scale, a_zero, b_zero, bias;
};

static const struct product_form integer_form = {2, 3, 4, 5, 6};
static const struct product_form dynamic_form = {ONR_NO_VALUE, 2, ONR_NO_VALUE, 3, 4};

static enum onr_status infer_form(struct onr_infer_ctx *ctx, const struct product_form *form)
{
    const struct onr_shape *a = &ctx->inputs[0]->shape;
    const struct onr_shape *b = &ctx->inputs[1]->shape;
    int64_t columns = b->rank < 0 ? ONR_DIM_UNKNOWN : 1;
    ONR_TRY(onr_integer_infer(ctx, 0, 1, &ctx->outputs[0].shape));
    ONR_TRY(onr_integer_check(ctx, form->a_scale, ONR_PER_TENSOR, a));
    ONR_TRY(onr_integer_check(ctx, form->a_zero, ONR_PER_TENSOR, a));
    ONR_TRY(onr_integer_check(ctx, form->b_scale, ONR_PER_COLUMN, b));
    ONR_TRY(onr_integer_check(ctx, form->b_zero, ONR_PER_COLUMN, b));
    if (b->rank > 1) {
        columns = b->dim[b->rank - 1];
    }
    return onr_integer_check_vector(ctx, form->bias, columns);
}

struct product_plan {
    struct onr_integer_product product; /* its workspace comes first */
    size_t a_count;
    size_t a_at; /* in the workspace: A in uint8, when it is quantised here */
};

static enum onr_status plan_form(struct onr_plan_ctx *ctx, const struct product_form *form)
{
    struct product_plan *plan = ONR_ARENA_NEW(ctx->arena, struct product_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a matrix product");
    }
    ctx->plan = plan;
    struct onr_integer_product *product = &plan->product;
    ONR_TRY(onr_integer_plan(product, ctx, (const uint32_t[]){0, form->a_zero},
                             (const uint32_t[]){1, form->b_zero}));
    product->scale_dtype = ctx->inputs[form->b_scale]->dtype;
    product->b_scale = onr_integer_steps(ctx->inputs[form->b_scale], product->n);
    if (form->a_scale == ONR_NO_VALUE) {
        product->a_dtype = ONR_UINT8;
        plan->a_count = (size_t)onr_shape_count(&ctx->inputs[0]->shape);
        plan->a_at = onr_size_align(ctx->workspace_bytes, ONR_MEM_ALIGN);
        ctx->workspace_bytes = plan->a_at + plan->a_count;
    }
    return ONR_OK;
}

static enum onr_status integer_infer(struct onr_infer_ctx *ctx)
{
    return infer_form(ctx, &integer_form);
}

static enum onr_status integer_plan(struct onr_plan_ctx *ctx)
{
    return plan_form(ctx, &integer_form);
}

static enum onr_status integer_run(struct onr_run_ctx *ctx)
{
    const struct product_plan *plan = ctx->plan;
    struct onr_integer_operands operands = {
        .a = ctx->inputs[0]->data,
        .b = ctx->inputs[1]->data,
        .a_zero = onr_input_data(ctx, integer_form.a_zero),
        .b_zero = onr_input_data(ctx, integer_form.b_zero),
        .a_scale = ctx->inputs[integer_form.a_scale]->data,
        .b_scale = ctx->inputs[integer_form.b_scale]->data,
        .bias = onr_input_data(ctx, integer_form.bias),
        .y = ctx->outputs[0]->data,
    };
    onr_integer_product_run(&plan->product, &operands, ctx->workspace, ctx);
    return ONR_OK;
}

static enum onr_status dynamic_infer(struct onr_infer_ctx *ctx)
{
    return infer_form(ctx, &dynamic_form);
}

static enum onr_status dynamic_plan(struct onr_plan_ctx *ctx)
{
    return plan_form(ctx, &dynamic_form);
}

static enum onr_status dynamic_run(struct onr_run_ctx *ctx)
{
    const struct product_plan *plan = ctx->plan;
    uint8_t *a = (uint8_t *)ctx->workspace + plan->a_at;
    struct onr_dynamic_scale scale = onr_dynamic_scale(plan->a_count, ctx->inputs[0]->data, ctx);
    uint8_t zero = (uint8_t)scale.zero;
    onr_dynamic_quantize(&scale, plan->a_count, ctx->inputs[0]->data, a, ctx);
    struct onr_integer_operands operands = {
        .a = a,
        .b = ctx->inputs[1]->data,
        .a_zero = &zero,
        .b_zero = onr_input_data(ctx, dynamic_form.b_zero),
        .a_scale = &scale.scale,
        .b_scale = ctx->inputs[dynamic_form.b_scale]->data,
        .bias = onr_input_data(ctx, dynamic_form.bias),
        .y = ctx->outputs[0]->data,
    };
    onr_integer_product_run(&plan->product, &operands, ctx->workspace, ctx);
    return ONR_OK;
}

#define BYTES  (ONR_BIT(INT8) | ONR_BIT(UINT8))
#define SCALES (ONR_BIT(FLOAT) | ONR_BIT(FLOAT16))

static const struct onr_param_spec integer_inputs[] = {
    {BYTES, 1}, {BYTES, 2}, {SCALES, 3}, {SCALES, 3}, {BYTES, 1}, {BYTES, 2}, {SCALES, 3}, {0, 0}};
static const struct onr_param_spec integer_outputs[] = {{SCALES, 3}, {0, 0}};
static const struct onr_param_spec dynamic_inputs[] = {
    {ONR_BIT(FLOAT), 0}, {BYTES, 1}, {ONR_BIT(FLOAT), 0}, {BYTES, 1}, {ONR_BIT(FLOAT), 0}, {0, 0}};
static const struct onr_param_spec dynamic_outputs[] = {{ONR_BIT(FLOAT), 0}, {0, 0}};

extern const struct onr_op_def onr_ops_matmul_integer_to_float[];
const struct onr_op_def onr_ops_matmul_integer_to_float[] = {
    {.domain = "com.microsoft",
     .name = "MatMulIntegerToFloat",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {4, 7},
     .outputs = {1, 1},
     .input_specs = integer_inputs,
     .output_specs = integer_outputs,
     .infer = integer_infer,
     .plan = integer_plan,
     .run = integer_run,
     .kernel = ONR_KERNEL_AT(quant.add_product_u8)},
    {.domain = "com.microsoft",
     .name = "DynamicQuantizeMatMul",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {3, 5},
     .outputs = {1, 1},
     .input_specs = dynamic_inputs,
     .output_specs = dynamic_outputs,
     .infer = dynamic_infer,
     .plan = dynamic_plan,
     .run = dynamic_run,
     .kernel = ONR_KERNEL_AT(quant.add_product_u8)},
    {.name = NULL},
};
