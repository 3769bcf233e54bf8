/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PackedAttention (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.PackedAttention
 *
 * Attention (contrib_attention.c) of sequences without padding, see packed_attention.h.
 *
 * Inputs    input, weights, bias, token_offset, cumulative_sequence_length, attention_bias?
 * Shapes    input: [T,Din], weights: [Din,D+D+Dv], bias: [D+D+Dv], token_offset: [B,S],
 *           cumulative_sequence_length: [B+1], attention_bias: [B|1,N|1,S,S], output: [T,Dv].
 * Types     float32, float16, bfloat16 (computed in float32). token_offset,
 *           cumulative_sequence_length: int32.
 * Attrs     num_heads: int, required. qkv_hidden_sizes: ints, default D, D, D. scale: float,
 *           default 1/sqrt(H).
 * Edge      A sequence without tokens gives none.
 * Aliasing  none.
 */
#include "ops/common/check_dims.h"
#include "ops/common/contents.h"
#include "ops/common/workspace.h"
#include "ops/contrib/packed_attention.h"
#include "ops/contrib/projection.h"
#include "ops/contrib/self_attention.h"

enum { INPUT, WEIGHTS, BIAS };

static const struct onr_packed_inputs packed_in = {
    .token_offset = 3, .cumulated = 4, .attention_bias = 5};

static enum onr_status packed_infer(struct onr_infer_ctx *ctx)
{
    int64_t heads = 0;
    int64_t hidden = 0;
    int64_t v_hidden = 0;
    ONR_TRY(onr_packed_attention_heads(ctx, &heads));
    ONR_TRY(onr_check_rank(ctx, INPUT, 2));
    int64_t depth = onr_known_dim(ctx, INPUT, 1);
    ONR_TRY(onr_check_dims(ctx, WEIGHTS, "weights", 2, (int64_t[]){depth, -1}));
    int64_t width = onr_known_dim(ctx, WEIGHTS, 1);
    ONR_TRY(onr_check_dims(ctx, BIAS, "bias", 1, &width));
    width = width >= 0 ? width : onr_known_dim(ctx, BIAS, 0);
    ONR_TRY(onr_self_attention_widths(ctx, width, heads, &hidden, &v_hidden));
    return onr_packed_attention_infer(ctx, &packed_in, onr_known_dim(ctx, INPUT, 0), heads,
                                      v_hidden);
}

struct packed_plan {
    struct onr_product product; /* its workspace comes first */
    struct onr_packed_attention packed;
    size_t hidden;
    size_t qkv_at, packed_at;
};

static enum onr_status packed_plan(struct onr_plan_ctx *ctx)
{
    struct packed_plan *plan = ONR_ARENA_NEW(ctx->arena, struct packed_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of an attention");
    }
    ctx->plan = plan;
    size_t width = (size_t)ctx->inputs[WEIGHTS]->shape.dim[1];
    size_t v_hidden = (size_t)ctx->outputs[0].shape.dim[1];
    plan->hidden = (width - v_hidden) / 2;
    struct onr_attention *a = &plan->packed.attention;
    a->heads = (size_t)onr_attr_int(ctx->node, "num_heads", 1);
    a->head = plan->hidden / a->heads;
    a->v_head = v_hidden / a->heads;
    a->q = a->k = (struct onr_head_strides){0, a->head, width};
    a->v = (struct onr_head_strides){0, a->v_head, width};
    size_t product_bytes = 0;
    size_t count = 0;
    struct onr_workspace space = {0};
    onr_projection_plan(&plan->product, ctx, &product_bytes);
    ONR_TRY(onr_packed_attention_plan(&plan->packed, &packed_in, ctx));
    onr_workspace_add(&space, product_bytes, 1);
    space.is_too_large = space.is_too_large || !onr_size_mul(plan->product.m, width, &count);
    plan->qkv_at = onr_workspace_add(&space, count, onr_dtype_size(a->q_dtype));
    plan->packed_at = onr_workspace_add(&space, plan->packed.bytes, 1);
    ctx->flops =
        2 * (uint64_t)count * plan->product.k + plan->packed.batch * onr_attention_flops(a, 0);
    return onr_workspace_finish(&space, &ctx->workspace_bytes, ctx->err);
}

static enum onr_status packed_run(struct onr_run_ctx *ctx)
{
    const struct packed_plan *plan = ctx->plan;
    const struct onr_attention *a = &plan->packed.attention;
    char *qkv = (char *)ctx->workspace + plan->qkv_at;
    size_t part = plan->hidden * onr_dtype_size(a->q_dtype);
    onr_projection_run(&plan->product, qkv, ctx);
    return onr_packed_attention_run(&plan->packed, qkv, qkv + part, qkv + 2 * part,
                                    (char *)ctx->workspace + plan->packed_at, ctx);
}

#define PACKED_TYPES (ONR_BIT(FLOAT) | ONR_DTYPES_HALF)

static const struct onr_attr_spec packed_attrs[] = {
    {"num_heads", ONR_ATTR_INT, true},
    {"qkv_hidden_sizes", ONR_ATTR_INTS, false},
    {"scale", ONR_ATTR_FLOAT, false},
    {NULL, 0, false},
};
static const struct onr_param_spec packed_inputs[] = {{PACKED_TYPES, 1},
                                                      {PACKED_TYPES, 1},
                                                      {PACKED_TYPES, 1},
                                                      {ONR_BIT(INT32), 0},
                                                      {ONR_BIT(INT32), 0},
                                                      {PACKED_TYPES, 1},
                                                      {0, 0}};
static const struct onr_param_spec packed_outputs[] = {{PACKED_TYPES, 1}, {0, 0}};

extern const struct onr_op_def onr_ops_contrib_packed_attention[];
const struct onr_op_def onr_ops_contrib_packed_attention[] = {
    {.domain = "com.microsoft",
     .name = "PackedAttention",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {5, 6},
     .outputs = {1, 1},
     .attrs = packed_attrs,
     .input_specs = packed_inputs,
     .output_specs = packed_outputs,
     .infer = packed_infer,
     .prepare = onr_projection_prepare,
     .plan = packed_plan,
     .run = packed_run},
    {.name = NULL},
};
