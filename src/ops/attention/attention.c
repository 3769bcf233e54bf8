/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attention (ai.onnx), versions 23, 24, 25+. https://onnx.ai/onnx/operators/onnx__Attention.html
 *
 * Y = softmax(softcap(scale * Q K') + bias) V for each head, softcap(x) = c tanh(x / c)
 *
 * Inputs    Q, K, V, attn_mask?, past_key?, past_value?, nonpad_kv_seqlen? (24+)
 * Outputs   Y, present_key?, present_value?, qk_matmul_output?
 * Shapes    Q: [B,N,S,H], K: [B,Nk,L,H], V: [B,Nk,L,Hv], Y: [B,N,S,Hv]; or [B,S,N*H], [B,L,Nk*H],
 *           [B,L,Nk*Hv], [B,S,N*Hv] with the numbers of heads as attributes. past: [B,Nk,P,.],
 *           present: [B,Nk,T,.], T = P + L. attn_mask: broadcast to [B,N,S,T], its last dimension
 *           may be shorter: the rest is hidden. qk_matmul_output: [B,N,S,T]. N is a multiple of Nk.
 * Types     Q, K, V: float32, float16, bfloat16 (computed in float32), float64. Mask: bool (false
 *           hides) or any number (added).
 * Attrs     scale: float, default 1/sqrt(H). softcap: float, default 0 (none). is_causal: int,
 *           default 0: query i sees keys up to i + P, or up to i + nonpad_kv_seqlen - S.
 *           qk_matmul_output_mode: 0 scores, 1 after softcap, 2 after the mask, 3 probabilities.
 *           softmax_precision: 1, 10, 11 or 16; never computed in less than float32, 11 makes all
 *           of it float64. left_window_size, right_window_size (25+): int, default -1 (none).
 *           q_num_heads, kv_num_heads: required for rank 3; with rank 4 refused (25+) or ignored.
 * Edge      A query that sees no key gives zeros. nonpad_kv_seqlen hides the keys from that number
 *           on; it is checked when the operator runs.
 * Aliasing  none.
 */
#include "base/size.h"
#include "kernels/kernels.h"
#include "ops/attention/attention_core.h"
#include "ops/attention/attention_heads.h"
#include "ops/attention/attention_shapes.h"

#include <inttypes.h>
#include <math.h>

/* ---- planning ---- */

struct attention_plan {
    struct onr_attention attention;
    size_t batch_bytes; /* of the limits and offsets at the head of the workspace */
};

static void plan_mask(struct onr_attention *a, const struct onr_fact *mask)
{
    if (mask == NULL) {
        return;
    }
    int64_t strides[ONR_MAX_RANK];
    size_t by_axis[4] = {0};
    int lead = 4 - mask->shape.rank;
    onr_shape_strides(&mask->shape, strides);
    for (int i = 0; i < mask->shape.rank; i++) {
        by_axis[lead + i] = mask->shape.dim[i] == 1 ? 0 : (size_t)strides[i];
    }
    a->masks[0] = (struct onr_attention_mask){
        .dtype = mask->dtype,
        .is_flag = mask->dtype == ONR_BOOL,
        .fill = (double)-INFINITY,
        .strides = {by_axis[0], by_axis[1], by_axis[2]},
        .keys = (size_t)mask->shape.dim[mask->shape.rank - 1],
    };
}

static void plan_operands(struct onr_attention *a, const struct onr_plan_ctx *ctx)
{
    const struct onr_shape *q = &ctx->inputs[ONR_ATTENTION_IN_Q]->shape;
    const struct onr_shape *k = &ctx->inputs[ONR_ATTENTION_IN_K]->shape;
    const struct onr_shape *v = &ctx->inputs[ONR_ATTENTION_IN_V]->shape;
    int64_t heads = q->rank == 4 ? q->dim[1] : onr_attr_int(ctx->node, "q_num_heads", 1);
    int64_t kv_heads = q->rank == 4 ? k->dim[1] : onr_attr_int(ctx->node, "kv_num_heads", 1);
    const struct onr_fact *past = onr_plan_input(ctx, ONR_ATTENTION_IN_PAST_KEY);
    a->batch = (size_t)q->dim[0];
    a->heads = (size_t)heads;
    a->kv_heads = (size_t)kv_heads;
    a->queries = (size_t)q->dim[q->rank - 2];
    a->past = past != NULL ? (size_t)past->shape.dim[2] : 0;
    a->keys = a->past + (size_t)k->dim[k->rank - 2];
    a->q = onr_head_strides_of(q, heads);
    a->k = onr_head_strides_of(k, kv_heads);
    a->v = onr_head_strides_of(v, kv_heads);
    a->y = onr_head_strides_of(&ctx->outputs[0].shape, heads);
    a->head = q->rank == 4 ? (size_t)q->dim[3] : (size_t)(q->dim[2] / heads);
    a->v_head = q->rank == 4 ? (size_t)v->dim[3] : (size_t)(v->dim[2] / kv_heads);
    if (past != NULL) {
        a->past_k = onr_head_strides_of(&past->shape, kv_heads);
        a->past_v = onr_head_strides_of(&ctx->inputs[ONR_ATTENTION_IN_PAST_VALUE]->shape, kv_heads);
    }
}

static enum onr_status attention_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_node *node = ctx->node;
    struct attention_plan *plan = ONR_ARENA_NEW(ctx->arena, struct attention_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of an attention");
    }
    ctx->plan = plan;
    struct onr_attention *a = &plan->attention;
    plan_operands(a, ctx);
    plan_mask(a, onr_plan_input(ctx, ONR_ATTENTION_IN_MASK));
    a->q_dtype = ctx->inputs[ONR_ATTENTION_IN_Q]->dtype;
    a->v_dtype = ctx->inputs[ONR_ATTENTION_IN_V]->dtype;
    a->k_dtype = a->y_dtype = a->q_dtype;
    a->is_double = a->q_dtype == ONR_DOUBLE || a->v_dtype == ONR_DOUBLE ||
                   onr_attr_int(node, "softmax_precision", ONR_FLOAT) == ONR_DOUBLE;
    const struct onr_attr *scale = onr_node_attr(node, "scale");
    a->scale = scale != NULL ? (double)scale->as.f : 1.0 / sqrt((double)a->head);
    a->softcap = (double)onr_attr_float(node, "softcap", 0);
    a->is_causal = onr_attr_int(node, "is_causal", 0) != 0;
    a->window_left = onr_attr_int(node, "left_window_size", -1);
    a->window_right = onr_attr_int(node, "right_window_size", -1);
    a->hidden = (double)-INFINITY;
    bool has_scores = node->output_count > ONR_ATTENTION_OUT_SCORES &&
                      node->outputs[ONR_ATTENTION_OUT_SCORES] != ONR_NO_VALUE;
    a->scores_output = has_scores
                           ? (enum onr_scores_output)onr_attr_int(node, "qk_matmul_output_mode", 0)
                           : ONR_SCORES_NONE;
    size_t bytes = 0;
    ONR_TRY(onr_attention_plan(a, ctx, &bytes));
    if (onr_plan_input(ctx, ONR_ATTENTION_IN_NONPAD) != NULL) {
        plan->batch_bytes =
            onr_size_align(a->batch * (sizeof(size_t) + sizeof(int64_t)), ONR_MEM_ALIGN);
    }
    ctx->workspace_bytes = bytes + plan->batch_bytes;
    ctx->flops = onr_attention_flops(a, a->past);
    return ONR_OK;
}

/* ---- running ---- */

/* Fills limits and offsets of each batch from nonpad_kv_seqlen. */
static enum onr_status read_nonpad(const struct onr_run_ctx *ctx, const struct onr_attention *a,
                                   size_t *limit, int64_t *offset)
{
    const int64_t *nonpad = ctx->inputs[ONR_ATTENTION_IN_NONPAD]->data;
    for (size_t b = 0; b < a->batch; b++) {
        if (nonpad[b] < 0 || nonpad[b] > (int64_t)a->keys) {
            return onr_fail(ctx->err, ONR_ERR_VALUE,
                            "nonpad_kv_seqlen[%zu] is %" PRId64 ", expected 0 to %zu", b, nonpad[b],
                            a->keys);
        }
        limit[b] = (size_t)nonpad[b];
        offset[b] = nonpad[b] - (int64_t)a->queries;
    }
    return ONR_OK;
}

static enum onr_status attention_run(struct onr_run_ctx *ctx)
{
    const struct attention_plan *plan = ctx->plan;
    const struct onr_attention *a = &plan->attention;
    struct onr_attention_data data = {
        .q = ctx->inputs[ONR_ATTENTION_IN_Q]->data,
        .k = ctx->inputs[ONR_ATTENTION_IN_K]->data,
        .v = ctx->inputs[ONR_ATTENTION_IN_V]->data,
        .past_k = onr_input_data(ctx, ONR_ATTENTION_IN_PAST_KEY),
        .past_v = onr_input_data(ctx, ONR_ATTENTION_IN_PAST_VALUE),
        .masks = {onr_input_data(ctx, ONR_ATTENTION_IN_MASK)},
        .y = onr_output_data(ctx, ONR_ATTENTION_OUT_Y),
        .scores = onr_output_data(ctx, ONR_ATTENTION_OUT_SCORES),
        .workspace = (char *)ctx->workspace + plan->batch_bytes,
    };
    if (plan->batch_bytes > 0) {
        size_t *limit = ctx->workspace;
        int64_t *offset = (int64_t *)(void *)(limit + a->batch);
        ONR_TRY(read_nonpad(ctx, a, limit, offset));
        data.limit = limit;
        data.offset = offset;
    }
    struct onr_present key = {.dtype = a->q_dtype,
                              .batch = a->batch,
                              .heads = a->kv_heads,
                              .past = a->past,
                              .added = a->keys - a->past,
                              .rows = a->keys,
                              .width = a->head,
                              .past_strides = a->past_k,
                              .strides = a->k};
    struct onr_present value = key;
    value.dtype = a->v_dtype;
    value.width = a->v_head;
    value.past_strides = a->past_v;
    value.strides = a->v;
    onr_present_write(&key, data.past_k, data.k,
                      onr_output_data(ctx, ONR_ATTENTION_OUT_PRESENT_KEY), ctx);
    onr_present_write(&value, data.past_v, data.v,
                      onr_output_data(ctx, ONR_ATTENTION_OUT_PRESENT_VALUE), ctx);
    return onr_attention_run(a, &data, ctx);
}

static const struct onr_attr_spec attention_attrs[] = {
    {"is_causal", ONR_ATTR_INT, false},         {"kv_num_heads", ONR_ATTR_INT, false},
    {"q_num_heads", ONR_ATTR_INT, false},       {"qk_matmul_output_mode", ONR_ATTR_INT, false},
    {"scale", ONR_ATTR_FLOAT, false},           {"softcap", ONR_ATTR_FLOAT, false},
    {"softmax_precision", ONR_ATTR_INT, false}, {NULL, 0, false},
};
static const struct onr_attr_spec attention_attrs_25[] = {
    {"is_causal", ONR_ATTR_INT, false},
    {"kv_num_heads", ONR_ATTR_INT, false},
    {"left_window_size", ONR_ATTR_INT, false},
    {"q_num_heads", ONR_ATTR_INT, false},
    {"qk_matmul_output_mode", ONR_ATTR_INT, false},
    {"right_window_size", ONR_ATTR_INT, false},
    {"scale", ONR_ATTR_FLOAT, false},
    {"softcap", ONR_ATTR_FLOAT, false},
    {"softmax_precision", ONR_ATTR_INT, false},
    {NULL, 0, false},
};
static const struct onr_param_spec attention_inputs[] = {
    {ONR_DTYPES_FLOAT, 1}, {ONR_DTYPES_FLOAT, 1},
    {ONR_DTYPES_FLOAT, 2}, {ONR_DTYPES_NUMERIC | ONR_BIT(BOOL), 0},
    {ONR_DTYPES_FLOAT, 1}, {ONR_DTYPES_FLOAT, 2},
    {ONR_BIT(INT64), 0},   {0, 0}};
static const struct onr_param_spec attention_outputs[] = {{ONR_DTYPES_FLOAT, 1},
                                                          {ONR_DTYPES_FLOAT, 1},
                                                          {ONR_DTYPES_FLOAT, 2},
                                                          {ONR_DTYPES_FLOAT, 1},
                                                          {0, 0}};

#define ATTENTION_ROW(since, last, most_inputs, attributes)                                        \
    {                                                                                              \
        .domain = "", .name = "Attention", .since_version = (since), .last_version = (last),       \
        .inputs = {3, (most_inputs)}, .outputs = {1, 4}, .attrs = (attributes),                    \
        .input_specs = attention_inputs, .output_specs = attention_outputs,                        \
        .infer = onr_attention_infer, .plan = attention_plan, .run = attention_run,                \
    }

extern const struct onr_op_def onr_ops_attention[];
const struct onr_op_def onr_ops_attention[] = {
    ATTENTION_ROW(23, 23, 6, attention_attrs),
    ATTENTION_ROW(24, 24, 7, attention_attrs),
    ATTENTION_ROW(25, ONR_OPSET_LATEST, 7, attention_attrs_25),
    {.name = NULL},
};
