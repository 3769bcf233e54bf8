/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PackedMultiHeadAttention (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.PackedMultiHeadAttention
 *
 * MultiHeadAttention (contrib_multi_head_attention.c) of sequences without padding, see
 * packed_attention.h.
 *
 * Inputs    query, key?, value?, bias?, token_offset, cumulative_sequence_length, attention_bias?
 * Shapes    query, key: [T,D], value: [T,Dv]; or query: [T,N,3,H] alone. bias: [D+D+Dv],
 *           token_offset: [B,S], cumulative_sequence_length: [B+1], attention_bias:
 *           [B|1,N|1,S,S], output: [T,Dv].
 * Types     float32, float16, bfloat16 (computed in float32). token_offset,
 *           cumulative_sequence_length: int32.
 * Attrs     num_heads: int, required. scale: float, default 1/sqrt(H). mask_filter_value: float,
 *           without effect: there is no mask.
 * Edge      A sequence without tokens gives none.
 * Aliasing  none.
 */
#include "ops/attention/attention_heads.h"
#include "ops/common/check_dims.h"
#include "ops/common/workspace.h"
#include "ops/contrib/packed_attention.h"

enum { QUERY, KEY, VALUE, BIAS, TOKEN_OFFSET, CUMULATED, ATTENTION_BIAS };

static const struct onr_packed_inputs packed_in = {
    .token_offset = TOKEN_OFFSET, .cumulated = CUMULATED, .attention_bias = ATTENTION_BIAS};

/* The widths of queries and values where they come apart. */
static enum onr_status read_apart(const struct onr_infer_ctx *ctx, int64_t heads, int64_t *hidden,
                                  int64_t *v_hidden)
{
    int64_t head = 0;
    int64_t tokens = onr_known_dim(ctx, QUERY, 0);
    if (!onr_infer_has_input(ctx, KEY) || !onr_infer_has_input(ctx, VALUE)) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL,
                              "key and value are expected with a query of rank 2");
    }
    *hidden = onr_known_dim(ctx, QUERY, 1);
    *v_hidden = onr_known_dim(ctx, VALUE, 1);
    ONR_TRY(onr_check_dims(ctx, KEY, "key", 2, (int64_t[]){tokens, *hidden}));
    ONR_TRY(onr_check_dims(ctx, VALUE, "value", 2, (int64_t[]){tokens, -1}));
    ONR_TRY(onr_divide_dim(ctx, "hidden size", *hidden, heads, &head));
    return onr_divide_dim(ctx, "hidden size of values", *v_hidden, heads, &head);
}

static enum onr_status packed_infer(struct onr_infer_ctx *ctx)
{
    int64_t heads = 0;
    int64_t hidden = ONR_DIM_UNKNOWN;
    int64_t v_hidden = ONR_DIM_UNKNOWN;
    int rank = ctx->inputs[QUERY]->shape.rank;
    ONR_TRY(onr_packed_attention_heads(ctx, &heads));
    if (!onr_infer_has_input(ctx, TOKEN_OFFSET) || !onr_infer_has_input(ctx, CUMULATED)) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL,
                              "token_offset and cumulative_sequence_length are expected");
    }
    if (rank == 4) {
        int64_t head = onr_known_dim(ctx, QUERY, 3);
        if (onr_infer_has_input(ctx, KEY) || onr_infer_has_input(ctx, VALUE)) {
            return onr_infer_fail(ctx, ONR_ERR_MODEL,
                                  "key and value are not expected with a query of rank 4");
        }
        ONR_TRY(onr_check_dims(ctx, QUERY, "query", 4, (int64_t[]){-1, heads, 3, -1}));
        hidden = v_hidden = head >= 0 ? heads * head : ONR_DIM_UNKNOWN;
    } else if (rank == 2) {
        ONR_TRY(read_apart(ctx, heads, &hidden, &v_hidden));
    } else if (rank != ONR_RANK_UNKNOWN) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "query has rank %d, expected 2 or 4", rank);
    }
    int64_t width = ONR_DIM_UNKNOWN;
    if (hidden >= 0 && v_hidden >= 0 &&
        (!onr_int_mul(hidden, 2, &width) || !onr_int_add(width, v_hidden, &width))) {
        return onr_infer_fail(ctx, ONR_ERR_LIMIT, "hidden sizes are too large");
    }
    ONR_TRY(onr_check_dims(ctx, BIAS, "bias", 1, &width));
    return onr_packed_attention_infer(ctx, &packed_in, onr_known_dim(ctx, QUERY, 0), heads,
                                      v_hidden);
}

struct packed_plan {
    struct onr_packed_attention packed;
    uint32_t input[3];
    size_t first[3];                  /* element at which queries, keys and values begin */
    struct onr_biased_heads heads[3]; /* how a copy with bias is made */
    bool is_biased;
    size_t copy_at[3], bias_at, packed_at;
};

/* Where queries (0), keys (1) or values (2) stand. */
static void plan_operand(struct packed_plan *plan, uint32_t index, const struct onr_plan_ctx *ctx)
{
    struct onr_attention *a = &plan->packed.attention;
    struct onr_head_strides *strides[] = {&a->q, &a->k, &a->v};
    bool is_together = ctx->inputs[QUERY]->shape.rank == 4;
    size_t width = index == VALUE ? a->v_head : a->head;
    struct onr_head_strides own = {0, width, a->heads * width};
    struct onr_head_strides joint = {0, 3 * a->head, 3 * a->heads * a->head};
    plan->input[index] = is_together ? QUERY : index;
    plan->first[index] = is_together ? index * a->head : 0;
    plan->heads[index] = (struct onr_biased_heads){
        .dtype = ctx->inputs[QUERY]->dtype,
        .batch = 1,
        .heads = a->heads,
        .rows = (size_t)ctx->inputs[QUERY]->shape.dim[0],
        .width = width,
        .strides = is_together ? joint : own,
        .first = index * a->heads * a->head,
        .worker_bytes = onr_biased_heads_scratch(width),
    };
    *strides[index] = plan->is_biased ? own : plan->heads[index].strides;
}

static enum onr_status packed_plan(struct onr_plan_ctx *ctx)
{
    struct packed_plan *plan = ONR_ARENA_NEW(ctx->arena, struct packed_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of an attention");
    }
    ctx->plan = plan;
    struct onr_attention *a = &plan->packed.attention;
    const struct onr_shape *query = &ctx->inputs[QUERY]->shape;
    struct onr_workspace space = {0};
    a->heads = (size_t)onr_attr_int(ctx->node, "num_heads", 1);
    a->head = (size_t)query->dim[query->rank - 1] / (query->rank == 2 ? a->heads : 1);
    a->v_head = (size_t)ctx->outputs[0].shape.dim[1] / a->heads;
    plan->is_biased = onr_plan_input(ctx, BIAS) != NULL;
    size_t worker_bytes = 0;
    for (uint32_t i = 0; i < 3; i++) {
        plan_operand(plan, i, ctx);
        const struct onr_biased_heads *heads = &plan->heads[i];
        plan->copy_at[i] =
            onr_workspace_add(&space, plan->is_biased ? heads->rows : 0,
                              heads->heads * heads->width * onr_dtype_size(heads->dtype));
        worker_bytes = worker_bytes > heads->worker_bytes ? worker_bytes : heads->worker_bytes;
    }
    plan->bias_at = onr_workspace_add(&space, ctx->thread_count, worker_bytes);
    ONR_TRY(onr_packed_attention_plan(&plan->packed, &packed_in, ctx));
    plan->packed_at = onr_workspace_add(&space, plan->packed.bytes, 1);
    return onr_workspace_finish(&space, &ctx->workspace_bytes, ctx->err);
}

static enum onr_status packed_run(struct onr_run_ctx *ctx)
{
    const struct packed_plan *plan = ctx->plan;
    char *workspace = ctx->workspace;
    size_t element = onr_dtype_size(plan->packed.attention.q_dtype);
    const void *operands[3];
    for (size_t i = 0; i < 3; i++) {
        const char *x = ctx->inputs[plan->input[i]]->data;
        operands[i] = plan->packed.tokens > 0 ? x + plan->first[i] * element : x;
        if (plan->is_biased) {
            onr_biased_heads_write(&plan->heads[i], operands[i], ctx->inputs[BIAS]->data,
                                   workspace + plan->copy_at[i], workspace + plan->bias_at, ctx);
            operands[i] = workspace + plan->copy_at[i];
        }
    }
    return onr_packed_attention_run(&plan->packed, operands[0], operands[1], operands[2],
                                    workspace + plan->packed_at, ctx);
}

#define PACKED_TYPES (ONR_BIT(FLOAT) | ONR_DTYPES_HALF)

static const struct onr_attr_spec packed_attrs[] = {
    {"mask_filter_value", ONR_ATTR_FLOAT, false},
    {"num_heads", ONR_ATTR_INT, true},
    {"scale", ONR_ATTR_FLOAT, false},
    {NULL, 0, false},
};
static const struct onr_param_spec packed_inputs[] = {
    {PACKED_TYPES, 1},   {PACKED_TYPES, 1},   {PACKED_TYPES, 1}, {PACKED_TYPES, 1},
    {ONR_BIT(INT32), 0}, {ONR_BIT(INT32), 0}, {PACKED_TYPES, 1}, {0, 0}};
static const struct onr_param_spec packed_outputs[] = {{PACKED_TYPES, 1}, {0, 0}};

extern const struct onr_op_def onr_ops_contrib_packed_multi_head_attention[];
const struct onr_op_def onr_ops_contrib_packed_multi_head_attention[] = {
    {.domain = "com.microsoft",
     .name = "PackedMultiHeadAttention",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {1, 7},
     .outputs = {1, 1},
     .attrs = packed_attrs,
     .input_specs = packed_inputs,
     .output_specs = packed_outputs,
     .infer = packed_infer,
     .plan = packed_plan,
     .run = packed_run},
    {.name = NULL},
};
