/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attention (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 *
 * [Q K V] = input * weights + bias, output = softmax(scale * Q K' + mask + attention_bias) V for
 * each head, with the keys and values of past in front of the new ones.
 *
 * Inputs    input, weights, bias?, mask_index?, past?, attention_bias?, past_sequence_length?
 * Outputs   output, present?
 * Shapes    input: [B,S,Din], weights: [Din,D+D+Dv], bias: [D+D+Dv], mask_index: see padding_mask.h,
 *           past: [2,B,N,P,H], attention_bias: [B|1,N|1,S,T], output: [B,S,Dv], present:
 *           [2,B,N,T,H] with T = P + S. A shared buffer: past and present are [2,B,N,M,H], of which
 *           past_sequence_length rows are filled, and T counts these. D and Dv are multiples of N;
 *           past and present need D = Dv.
 * Types     float32, float16, bfloat16 (computed in float32). mask_index, past_sequence_length:
 *           int32.
 * Attrs     num_heads: int, required. unidirectional: int, default 0: query i sees keys up to
 *           P + i. scale: float, default 1/sqrt(H). mask_filter_value: float, default -10000, added
 *           to scores of keys that the mask leaves out. qkv_hidden_sizes: ints, default D, D, D.
 *           do_rotary: int, default 0: halves of the first rotary_embedding_dim (default H) elements
 *           of queries and keys turn, base 10000. past_present_share_buffer: int, default 0.
 * Edge      A query of which the mask leaves out all keys attends to all that it may see.
 * Aliasing  none.
 */
#include "ops/common/workspace.h"
#include "ops/contrib/projection.h"
#include "ops/contrib/self_attention.h"

static const struct onr_self_attention_inputs attention_in = {
    .mask = 3, .past = 4, .bias = 5, .past_length = 6};

static enum onr_status attention_infer(struct onr_infer_ctx *ctx)
{
    return onr_self_attention_infer(ctx, &attention_in);
}

struct attention_plan {
    struct onr_product product; /* its workspace comes first */
    struct onr_self_attention self;
    size_t qkv_at, self_at;
};

static enum onr_status attention_plan(struct onr_plan_ctx *ctx)
{
    struct attention_plan *plan = ONR_ARENA_NEW(ctx->arena, struct attention_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of an attention");
    }
    ctx->plan = plan;
    size_t width = (size_t)ctx->inputs[1]->shape.dim[1];
    enum onr_dtype dtype = ctx->inputs[0]->dtype;
    size_t product_bytes = 0;
    size_t count = 0;
    struct onr_workspace space = {0};
    onr_projection_plan(&plan->product, ctx, &product_bytes);
    ONR_TRY(onr_self_attention_plan(&plan->self, &attention_in, dtype, ctx));
    onr_workspace_add(&space, product_bytes, 1);
    space.is_too_large = space.is_too_large || !onr_size_mul(plan->product.m, width, &count);
    plan->qkv_at = onr_workspace_add(&space, count, onr_dtype_size(dtype));
    plan->self_at = onr_workspace_add(&space, plan->self.bytes, 1);
    ctx->flops =
        2 * (uint64_t)count * plan->product.k +
        onr_attention_flops(&plan->self.attention, onr_attention_last(&plan->self.attention));
    return onr_workspace_finish(&space, &ctx->workspace_bytes, ctx->err);
}

static enum onr_status attention_run(struct onr_run_ctx *ctx)
{
    const struct attention_plan *plan = ctx->plan;
    char *workspace = ctx->workspace;
    void *qkv = workspace + plan->qkv_at;
    onr_projection_run(&plan->product, qkv, ctx);
    return onr_self_attention_run(&plan->self, qkv, workspace + plan->self_at, ctx);
}

static const struct onr_attr_spec attention_attrs[] = {
    {"do_rotary", ONR_ATTR_INT, false},
    {"mask_filter_value", ONR_ATTR_FLOAT, false},
    {"num_heads", ONR_ATTR_INT, true},
    {"past_present_share_buffer", ONR_ATTR_INT, false},
    {"qkv_hidden_sizes", ONR_ATTR_INTS, false},
    {"rotary_embedding_dim", ONR_ATTR_INT, false},
    {"scale", ONR_ATTR_FLOAT, false},
    {"unidirectional", ONR_ATTR_INT, false},
    {NULL, 0, false},
};

#define ATTENTION_TYPES (ONR_BIT(FLOAT) | ONR_DTYPES_HALF)

static const struct onr_param_spec attention_inputs[] = {
    {ATTENTION_TYPES, 1}, {ATTENTION_TYPES, 1}, {ATTENTION_TYPES, 1}, {ONR_BIT(INT32), 0},
    {ATTENTION_TYPES, 1}, {ATTENTION_TYPES, 1}, {ONR_BIT(INT32), 0},  {0, 0}};
static const struct onr_param_spec attention_outputs[] = {{ATTENTION_TYPES, 1}, {0, 0}};

extern const struct onr_op_def onr_ops_contrib_attention[];
const struct onr_op_def onr_ops_contrib_attention[] = {
    {.domain = "com.microsoft",
     .name = "Attention",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {2, 7},
     .outputs = {1, 2},
     .attrs = attention_attrs,
     .input_specs = attention_inputs,
     .output_specs = attention_outputs,
     .infer = attention_infer,
     .prepare = onr_projection_prepare,
     .plan = attention_plan,
     .run = attention_run},
    {.name = NULL},
};
