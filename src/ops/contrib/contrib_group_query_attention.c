/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GroupQueryAttention (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 *
 * Attention of N query heads over Nk key heads with a cache: the S new keys and values, keys turned
 * by rotary embedding if asked for, follow those in the cache; query s of batch b has position
 * past(b) + s and sees the keys up to its own.
 *
 * Inputs    query, key?, value?, past_key?, past_value?, seqlens_k, total_sequence_length,
 *           cos_cache?, sin_cache?, position_ids?, attention_bias?, head_sink?, k_scale?, v_scale?,
 *           q_norm_weight?, k_norm_weight?
 * Outputs   output, present_key?, present_value?, output_qk?
 * Shapes    query: [B,S,N*H], key, value: [B,S,Nk*H]; or query alone: [B,S,(N+2Nk)*H]. past:
 *           [B,Nk,P,H], present: [B,Nk,T,H] with T = max(P, total_sequence_length); of 4 bits H/2.
 *           seqlens_k: [B], the number of valid keys less 1. attention_bias: broadcast to
 *           [B,N,S,total]. caches: [max,r/2]. head_sink: [N]. k_scale, v_scale: one number or
 *           Nk*H. norms: [H]. output: [B,S,N*H]. output_qk: [B,N,S,total].
 * Types     float32, float16, bfloat16 (computed in float32). past, present: the same, or quantised
 *           int8 or float8e4m3fn (8 bits), or uint8 (4 bits, the first in the low half, plus 8). seqlens_k,
 *           total_sequence_length: int32. scales: float32.
 * Attrs     num_heads, kv_num_heads: int, required. scale: float, default 0 (1/sqrt(H)). softcap:
 *           float, default 0 (none). local_window_size: int, default -1: a query sees so many keys,
 *           itself included. do_rotary, rotary_interleaved, smooth_softmax: int, default 0. causal:
 *           int, default 1: with 0 a query sees all valid keys. qk_output: int, default 0: 1 hands
 *           out scores (with softcap and bias), 2 probabilities; 0 where a key is not seen.
 *           qk_norm_epsilon: float, default 1e-6: queries and keys are divided by their root mean
 *           square and multiplied by the norms, then turned. k_quant_type, v_quant_type: NONE,
 *           PER_TENSOR or PER_CHANNEL; kv_cache_bit_width: 8 or 4 (code = round(x / scale)).
 *           sliding_window_cache: int, default 0; see below.
 * Sliding   The cache has C = P >= local_window_size = W rows, of which the first L(t) hold the last
 *           of t positions: L(t) = t up to C, then t - G * ceil((t - C) / G), G = C - W + 1.
 * Edge      past(b) is 0 when S = total_sequence_length, else seqlens_k[b] + 1 - S. Rows of present
 *           behind the valid ones are 0. Lengths and positions are checked when the operator runs.
 * Aliasing  none.
 */
#include "base/size.h"
#include "ops/attention/attention_heads.h"
#include "ops/common/axes.h"
#include "ops/common/float_io.h"
#include "ops/common/workspace.h"
#include "ops/contrib/group_query.h"
#include "ops/contrib/group_query_shapes.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* ---- planning ---- */

static enum onr_status plan_workspace(struct onr_gqa_plan *plan, struct onr_plan_ctx *ctx)
{
    struct onr_attention *a = &plan->attention;
    struct onr_workspace space = {0};
    size_t heads = a->batch * a->kv_heads;
    size_t attention_bytes = 0;
    ONR_TRY(onr_attention_plan(a, ctx, &attention_bytes));
    plan->worker_bytes =
        onr_size_align(onr_gqa_scratch_floats(plan) * sizeof(float), ONR_MEM_ALIGN);
    plan->spans_at = onr_workspace_add(&space, a->batch, sizeof(struct onr_gqa_span));
    plan->limit_at = onr_workspace_add(&space, a->batch, sizeof(size_t));
    plan->offset_at = onr_workspace_add(&space, a->batch, sizeof(int64_t));
    plan->columns_at = onr_workspace_add(&space, a->batch, sizeof(size_t));
    plan->sinks_at = onr_workspace_add(&space, a->heads, sizeof(float));
    plan->rotated_at =
        onr_workspace_add(&space, plan->is_turned ? a->batch * a->heads * a->queries : 0,
                          a->head * onr_dtype_size(plan->dtype));
    bool has_present = true;
    for (uint32_t i = 1; i < 3; i++) {
        has_present =
            has_present && i < ctx->node->output_count && ctx->node->outputs[i] != ONR_NO_VALUE;
    }
    plan->present_at = onr_workspace_add(&space, has_present ? 0 : 2 * heads * plan->present_rows,
                                         plan->row_bytes);
    plan->staged_at =
        onr_workspace_add(&space, 2 * heads * plan->staged_rows, onr_gqa_staged_bytes(plan));
    plan->scratch_at = onr_workspace_add(&space, ctx->thread_count, plan->worker_bytes);
    plan->attention_at = onr_workspace_add(&space, attention_bytes, 1);
    ctx->flops = onr_attention_flops(a, onr_attention_last(a));
    return onr_workspace_finish(&space, &ctx->workspace_bytes, ctx->err);
}

/* Sizes of past, present and of what attention reads. */
static enum onr_status plan_lengths(struct onr_gqa_plan *plan, struct onr_plan_ctx *ctx)
{
    const struct onr_fact *past = onr_plan_input(ctx, ONR_GQA_PAST_KEY);
    struct onr_attention *a = &plan->attention;
    int64_t total = 0;
    size_t count = 0;
    size_t bytes = 0;
    if (!onr_fact_ints(ctx->inputs[ONR_GQA_TOTAL], 1, &total, &count) || count != 1) {
        return onr_fail(ctx->err, ONR_ERR_UNSUPPORTED, "total_sequence_length is not known");
    }
    plan->total = (size_t)total;
    plan->past_rows = past != NULL ? (size_t)past->shape.dim[2] : 0;
    plan->present_rows =
        plan->past_rows > plan->total && plan->window == 0 ? plan->past_rows : plan->total;
    a->keys = a->scores_output == ONR_SCORES_NONE ? plan->present_rows : plan->total;
    if (plan->window > 0) {
        plan->present_rows = plan->past_rows;
        a->keys = plan->past_rows + a->queries;
    }
    if (plan->window > 0 || plan->bits > 0) {
        plan->staged_rows = a->keys;
    }
    struct onr_shape cache = {
        .rank = 4,
        .dim = {(int64_t)a->batch, (int64_t)a->kv_heads,
                (int64_t)(plan->staged_rows > 0 ? a->keys : plan->present_rows), (int64_t)a->head}};
    if (!onr_shape_bytes(&cache, ONR_FLOAT, &bytes)) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "a cache of %zu keys is too large", a->keys);
    }
    a->k = onr_head_strides_of(&cache, (int64_t)a->kv_heads);
    a->v = a->k;
    return ONR_OK;
}

static void plan_bias(struct onr_attention *a, const struct onr_fact *bias)
{
    if (bias == NULL) {
        return;
    }
    struct onr_head_strides strides = onr_head_strides_of(&bias->shape, 1);
    strides.batch = bias->shape.dim[0] == 1 ? 0 : strides.batch;
    strides.head = bias->shape.dim[1] == 1 ? 0 : strides.head;
    a->masks[0] = (struct onr_attention_mask){
        .dtype = bias->dtype, .strides = strides, .keys = (size_t)bias->shape.dim[3]};
}

static void plan_operands(struct onr_gqa_plan *plan, const struct onr_plan_ctx *ctx)
{
    const struct onr_shape *query = &ctx->inputs[ONR_GQA_QUERY]->shape;
    struct onr_attention *a = &plan->attention;
    a->batch = (size_t)query->dim[0];
    a->queries = (size_t)query->dim[1];
    a->heads = (size_t)onr_attr_int(ctx->node, "num_heads", 1);
    a->kv_heads = (size_t)onr_attr_int(ctx->node, "kv_num_heads", 1);
    plan->is_packed = onr_plan_input(ctx, ONR_GQA_KEY) == NULL;
    size_t all = plan->is_packed ? a->heads + 2 * a->kv_heads : a->heads;
    a->head = (size_t)query->dim[2] / all;
    a->v_head = a->head;
    plan->q = onr_head_strides_of(query, (int64_t)all);
    if (plan->is_packed) {
        plan->k = plan->v = plan->q;
        plan->k_first = a->heads * a->head;
        plan->v_first = (a->heads + a->kv_heads) * a->head;
    } else {
        plan->k = onr_head_strides_of(&ctx->inputs[ONR_GQA_KEY]->shape, (int64_t)a->kv_heads);
        plan->v = plan->k;
    }
    a->y = onr_head_strides_of(&ctx->outputs[0].shape, (int64_t)a->heads);
    a->q = plan->is_turned ? a->y : plan->q; /* turned queries lie as the output does */
}

/* How queries and keys are changed, and the form of the cache. */
static void plan_rows(struct onr_gqa_plan *plan, const struct onr_plan_ctx *ctx)
{
    const struct onr_node *node = ctx->node;
    plan->dtype = ctx->inputs[ONR_GQA_QUERY]->dtype;
    plan->bits = onr_gqa_cache_bits(node);
    plan->cache_dtype = onr_gqa_cache_dtype(node, onr_plan_input(ctx, ONR_GQA_PAST_KEY));
    plan->is_per_channel =
        onr_string_is(onr_attr_string(node, "k_quant_type", "NONE"), "PER_CHANNEL");
    plan->staged_dtype = plan->bits > 0 ? ONR_FLOAT : plan->dtype;
    plan->has_norms = onr_plan_input(ctx, ONR_GQA_Q_NORM) != NULL;
    plan->epsilon = onr_attr_float(node, "qk_norm_epsilon", 1e-6f);
    plan->is_interleaved = onr_attr_int(node, "rotary_interleaved", 0) != 0;
    plan->is_smooth = onr_attr_int(node, "smooth_softmax", 0) > 0;
    if (onr_attr_int(node, "sliding_window_cache", 0) != 0) {
        plan->window = (size_t)onr_attr_int(node, "local_window_size", -1);
    }
    if (onr_attr_int(node, "do_rotary", 0) != 0) {
        plan->half = (size_t)ctx->inputs[ONR_GQA_COS]->shape.dim[1];
        plan->cache_rows = (size_t)ctx->inputs[ONR_GQA_COS]->shape.dim[0];
    }
    plan->is_turned = plan->half > 0 || plan->has_norms;
}

static enum onr_scores_output scores_of(const struct onr_plan_ctx *ctx)
{
    bool is_wanted = ctx->node->output_count > 3 && ctx->node->outputs[3] != ONR_NO_VALUE;
    if (!is_wanted) {
        return ONR_SCORES_NONE;
    }
    return onr_attr_int(ctx->node, "qk_output", 0) == 1 ? ONR_SCORES_MASKED : ONR_SCORES_SOFTMAX;
}

enum onr_status onr_gqa_make_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_node *node = ctx->node;
    struct onr_gqa_plan *plan = ONR_ARENA_NEW(ctx->arena, struct onr_gqa_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of an attention");
    }
    ctx->plan = plan;
    struct onr_attention *a = &plan->attention;
    plan_rows(plan, ctx);
    plan_operands(plan, ctx);
    a->q_dtype = a->y_dtype = plan->dtype;
    a->k_dtype = a->v_dtype = plan->staged_dtype;
    plan->row_bytes =
        plan->bits > 0 ? a->head * plan->bits / 8 : a->head * onr_dtype_size(plan->dtype);
    a->scores_output = scores_of(ctx);
    ONR_TRY(plan_lengths(plan, ctx));
    plan_bias(a, onr_plan_input(ctx, ONR_GQA_BIAS));
    float scale = onr_attr_float(node, "scale", 0);
    a->scale = scale != 0.0f ? (double)scale : 1.0 / sqrt((double)a->head);
    a->softcap = (double)onr_attr_float(node, "softcap", 0);
    a->is_causal = onr_attr_int(node, "causal", 1) != 0;
    int64_t window = onr_attr_int(node, "local_window_size", -1);
    a->window_left = window > 0 ? window - 1 : -1;
    a->window_right = -1;
    return plan_workspace(plan, ctx);
}

/* ---- running ---- */

static enum onr_status check_positions(const struct onr_run_ctx *ctx, const struct onr_gqa_job *job)
{
    const struct onr_gqa_plan *plan = job->plan;
    size_t queries = plan->attention.queries;
    for (size_t i = 0; i < plan->attention.batch * queries && plan->half > 0; i++) {
        int64_t position = job->positions != NULL
                               ? job->positions[i]
                               : (int64_t)(job->spans[i / queries].past + i % queries);
        if (position < 0 || position >= (int64_t)plan->cache_rows) {
            return onr_fail(ctx->err, ONR_ERR_VALUE,
                            "position %" PRId64 " of row %zu, cos_cache has %zu rows", position, i,
                            plan->cache_rows);
        }
    }
    return ONR_OK;
}

static void locate_operands(const struct onr_run_ctx *ctx, const struct onr_gqa_plan *plan,
                            struct onr_gqa_job *job)
{
    size_t element = onr_dtype_size(plan->dtype);
    job->query = ctx->inputs[ONR_GQA_QUERY]->data;
    job->key =
        plan->is_packed ? job->query + plan->k_first * element : onr_input_data(ctx, ONR_GQA_KEY);
    job->value =
        plan->is_packed ? job->query + plan->v_first * element : onr_input_data(ctx, ONR_GQA_VALUE);
    job->past_key = onr_input_data(ctx, ONR_GQA_PAST_KEY);
    job->past_value = onr_input_data(ctx, ONR_GQA_PAST_VALUE);
    job->cos = onr_input_data(ctx, ONR_GQA_COS);
    job->sin = onr_input_data(ctx, ONR_GQA_SIN);
    job->positions = onr_input_data(ctx, ONR_GQA_POSITIONS);
    job->k_scale = onr_input_data(ctx, ONR_GQA_K_SCALE);
    job->v_scale = onr_input_data(ctx, ONR_GQA_V_SCALE);
    job->q_norm = onr_input_data(ctx, ONR_GQA_Q_NORM);
    job->k_norm = onr_input_data(ctx, ONR_GQA_K_NORM);
}

static void locate_caches(const struct onr_run_ctx *ctx, const struct onr_gqa_plan *plan,
                          struct onr_gqa_job *job)
{
    const struct onr_attention *a = &plan->attention;
    char *workspace = ctx->workspace;
    size_t heads = a->batch * a->kv_heads;
    job->rotated = workspace + plan->rotated_at;
    job->scratch = workspace + plan->scratch_at;
    job->staged_key = workspace + plan->staged_at;
    job->staged_value = job->staged_key + heads * plan->staged_rows * onr_gqa_staged_bytes(plan);
    job->present_key = onr_output_data(ctx, 1);
    job->present_value = onr_output_data(ctx, 2);
    if (job->present_key == NULL) {
        job->present_key = workspace + plan->present_at;
    }
    if (job->present_value == NULL) {
        job->present_value =
            workspace + plan->present_at + heads * plan->present_rows * plan->row_bytes;
    }
}

static const float *read_sinks(const struct onr_run_ctx *ctx, const struct onr_gqa_plan *plan)
{
    const void *sink = onr_input_data(ctx, ONR_GQA_SINK);
    float *sinks = (void *)((char *)ctx->workspace + plan->sinks_at);
    size_t heads = plan->attention.heads;
    if (sink == NULL && !plan->is_smooth) {
        return NULL;
    }
    memset(sinks, 0, heads * sizeof *sinks);
    if (sink != NULL) {
        onr_float_gather(plan->dtype, sink, 0, 1, heads, sinks);
    }
    return sinks;
}

enum onr_status onr_gqa_run(struct onr_run_ctx *ctx)
{
    const struct onr_gqa_plan *plan = ctx->plan;
    const struct onr_attention *a = &plan->attention;
    if (a->batch == 0 || a->head == 0) {
        return ONR_OK;
    }
    char *workspace = ctx->workspace;
    struct onr_gqa_lengths lengths = {
        .spans = (void *)(workspace + plan->spans_at),
        .limit = (void *)(workspace + plan->limit_at),
        .offset = (void *)(workspace + plan->offset_at),
        .columns = (void *)(workspace + plan->columns_at),
    };
    struct onr_gqa_job job = {.plan = plan, .kernels = ctx->kernels, .spans = lengths.spans};
    bool is_staged = plan->staged_rows > 0;
    locate_operands(ctx, plan, &job);
    locate_caches(ctx, plan, &job);
    ONR_TRY(onr_gqa_read_lengths(ctx, plan, &lengths));
    ONR_TRY(check_positions(ctx, &job));
    onr_gqa_fill(&job, ctx);
    struct onr_attention_data data = {
        .q = plan->is_turned ? job.rotated : job.query,
        .k = is_staged ? job.staged_key : job.present_key,
        .v = is_staged ? job.staged_value : job.present_value,
        .masks = {onr_input_data(ctx, ONR_GQA_BIAS)},
        .y = ctx->outputs[0]->data,
        .scores = onr_output_data(ctx, 3),
        .limit = lengths.limit,
        .offset = lengths.offset,
        .columns = lengths.columns,
        .sinks = read_sinks(ctx, plan),
        .workspace = workspace + plan->attention_at,
    };
    return onr_attention_run(a, &data, ctx);
}

#define GQA_TYPES (ONR_BIT(FLOAT) | ONR_DTYPES_HALF)

#define CACHE_TYPES (GQA_TYPES | ONR_BIT(INT8) | ONR_BIT(UINT8) | ONR_BIT(FLOAT8E4M3FN))

static const struct onr_param_spec gqa_inputs[] = {{GQA_TYPES, 1},
                                                   {GQA_TYPES, 1},
                                                   {GQA_TYPES, 1},
                                                   {CACHE_TYPES, 2},
                                                   {CACHE_TYPES, 2},
                                                   {ONR_BIT(INT32), 0},
                                                   {ONR_BIT(INT32), 0},
                                                   {GQA_TYPES, 1},
                                                   {GQA_TYPES, 1},
                                                   {ONR_BIT(INT64), 0},
                                                   {GQA_TYPES, 1},
                                                   {GQA_TYPES, 1},
                                                   {ONR_BIT(FLOAT), 0},
                                                   {ONR_BIT(FLOAT), 0},
                                                   {GQA_TYPES, 1},
                                                   {GQA_TYPES, 1},
                                                   {0, 0}};
static const struct onr_param_spec gqa_outputs[] = {
    {GQA_TYPES, 1}, {CACHE_TYPES, 2}, {CACHE_TYPES, 2}, {GQA_TYPES, 1}, {0, 0}};

extern const struct onr_op_def onr_ops_contrib_group_query_attention[];
const struct onr_op_def onr_ops_contrib_group_query_attention[] = {
    {.domain = "com.microsoft",
     .name = "GroupQueryAttention",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {1, 16},
     .outputs = {1, 4},
     .attrs = onr_gqa_attrs,
     .input_specs = gqa_inputs,
     .output_specs = gqa_outputs,
     .infer = onr_gqa_infer,
     .plan = onr_gqa_make_plan,
     .run = onr_gqa_run},
    {.name = NULL},
};
