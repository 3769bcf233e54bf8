/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QAttention (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 *
 * [Q K V] = input_scale * weight_scale * (input - input_zero_point) * (weight - weight_zero_point)
 *           + bias, with sums in integers; then as Attention (contrib_attention.c).
 *
 * Inputs    input, weight, bias, input_scale, weight_scale, mask_index?, input_zero_point?,
 *           weight_zero_point?, past?
 * Outputs   output, present?
 * Shapes    as Attention with equal sizes of queries, keys and values: input: [B,S,Din], weight:
 *           [Din,3D], bias: [3D]. input_scale, input_zero_point: one element. weight_scale,
 *           weight_zero_point: one element or [3D].
 * Types     input, weight: int8, uint8, each with its zero point. The others and the outputs:
 *           float32 or float16. mask_index: int32.
 * Attrs     num_heads, unidirectional, scale, mask_filter_value, do_rotary as Attention.
 *           past_present_share_buffer: int, must be 0, as there is no past_sequence_length.
 * Edge      as Attention.
 * Aliasing  none.
 */
#include "kernels/kernels.h"
#include "ops/common/workspace.h"
#include "ops/contrib/self_attention.h"
#include "ops/quant/integer_product.h"

enum { INPUT, WEIGHT, BIAS, INPUT_SCALE, WEIGHT_SCALE, MASK, INPUT_ZERO, WEIGHT_ZERO, PAST };

static const struct onr_self_attention_inputs attention_in = {
    .mask = MASK, .past = PAST, .bias = ONR_NO_VALUE, .past_length = ONR_NO_VALUE};

static enum onr_status attention_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *weight = &ctx->inputs[WEIGHT]->shape;
    ONR_TRY(onr_self_attention_infer(ctx, &attention_in));
    ONR_TRY(onr_integer_check(ctx, INPUT_SCALE, ONR_PER_TENSOR, weight));
    ONR_TRY(onr_integer_check(ctx, INPUT_ZERO, ONR_PER_TENSOR, weight));
    ONR_TRY(onr_integer_check(ctx, WEIGHT_SCALE, ONR_PER_COLUMN, weight));
    return onr_integer_check(ctx, WEIGHT_ZERO, ONR_PER_COLUMN, weight);
}

struct attention_plan {
    struct onr_integer_product product;
    struct onr_self_attention self;
    size_t product_at, qkv_at, self_at; /* in the workspace */
};

static enum onr_status plan_workspace(struct attention_plan *plan, struct onr_plan_ctx *ctx)
{
    struct onr_workspace space = {0};
    size_t count = 0;
    space.is_too_large = !onr_size_mul(plan->product.m, plan->product.n, &count);
    plan->product_at = onr_workspace_add(&space, ctx->workspace_bytes, 1);
    plan->qkv_at = onr_workspace_add(&space, count, onr_dtype_size(plan->product.y_dtype));
    plan->self_at = onr_workspace_add(&space, plan->self.bytes, 1);
    return onr_workspace_finish(&space, &ctx->workspace_bytes, ctx->err);
}

static enum onr_status attention_plan(struct onr_plan_ctx *ctx)
{
    struct attention_plan *plan = ONR_ARENA_NEW(ctx->arena, struct attention_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of an attention");
    }
    ctx->plan = plan;
    const struct onr_shape *input = &ctx->inputs[INPUT]->shape;
    enum onr_dtype dtype = ctx->outputs[0].dtype;
    size_t width = (size_t)ctx->inputs[WEIGHT]->shape.dim[1];
    plan->product = (struct onr_integer_product){
        .m = (size_t)input->dim[0] * (size_t)input->dim[1],
        .n = width,
        .k = (size_t)input->dim[2],
        .a_row_stride = (size_t)input->dim[2],
        .a_column_stride = 1,
        .a_dtype = ctx->inputs[INPUT]->dtype,
        .b_dtype = ctx->inputs[WEIGHT]->dtype,
        .y_dtype = dtype,
        .b_zero = onr_integer_steps(onr_plan_input(ctx, WEIGHT_ZERO), width),
        .a_batch = {.count = 1},
        .b_batch = {.count = 1},
        .scale_dtype = dtype,
        .b_scale = onr_integer_steps(ctx->inputs[WEIGHT_SCALE], width),
        .alpha = 1.0f,
    };
    ONR_TRY(onr_integer_workspace(&plan->product, ctx));
    ONR_TRY(onr_self_attention_plan(&plan->self, &attention_in, dtype, ctx));
    return plan_workspace(plan, ctx);
}

static enum onr_status attention_run(struct onr_run_ctx *ctx)
{
    const struct attention_plan *plan = ctx->plan;
    char *workspace = ctx->workspace;
    struct onr_integer_operands operands = {
        .a = ctx->inputs[INPUT]->data,
        .b = ctx->inputs[WEIGHT]->data,
        .a_zero = onr_input_data(ctx, INPUT_ZERO),
        .b_zero = onr_input_data(ctx, WEIGHT_ZERO),
        .a_scale = ctx->inputs[INPUT_SCALE]->data,
        .b_scale = ctx->inputs[WEIGHT_SCALE]->data,
        .bias = ctx->inputs[BIAS]->data,
        .y = workspace + plan->qkv_at,
    };
    onr_integer_product_run(&plan->product, &operands, workspace + plan->product_at, ctx);
    return onr_self_attention_run(&plan->self, operands.y, workspace + plan->self_at, ctx);
}

static const struct onr_attr_spec attention_attrs[] = {
    {"do_rotary", ONR_ATTR_INT, false},
    {"mask_filter_value", ONR_ATTR_FLOAT, false},
    {"num_heads", ONR_ATTR_INT, true},
    {"past_present_share_buffer", ONR_ATTR_INT, false},
    {"scale", ONR_ATTR_FLOAT, false},
    {"unidirectional", ONR_ATTR_INT, false},
    {NULL, 0, false},
};

#define BYTES (ONR_BIT(INT8) | ONR_BIT(UINT8))
#define REALS (ONR_BIT(FLOAT) | ONR_BIT(FLOAT16))

static const struct onr_param_spec attention_inputs[] = {
    {BYTES, 1},          {BYTES, 2}, {REALS, 3}, {REALS, 3}, {REALS, 3},
    {ONR_BIT(INT32), 0}, {BYTES, 1}, {BYTES, 2}, {REALS, 3}, {0, 0}};
static const struct onr_param_spec attention_outputs[] = {{REALS, 3}, {0, 0}};

extern const struct onr_op_def onr_ops_contrib_qattention[];
const struct onr_op_def onr_ops_contrib_qattention[] = {
    {.domain = "com.microsoft",
     .name = "QAttention",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {5, 9},
     .outputs = {1, 2},
     .attrs = attention_attrs,
     .input_specs = attention_inputs,
     .output_specs = attention_outputs,
     .infer = attention_infer,
     .plan = attention_plan,
     .run = attention_run,
     .kernel = ONR_KERNEL_AT(quant.add_product_u8)},
    {.name = NULL},
};
