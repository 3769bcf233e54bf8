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
 *           cos_cache?, sin_cache?, position_ids?, attention_bias?, head_sink?
 * Outputs   output, present_key, present_value
 * Shapes    query: [B,S,N*H], key, value: [B,S,Nk*H]; or query alone: [B,S,(N+2Nk)*H]. past:
 *           [B,Nk,P,H], present: [B,Nk,T,H] with T = max(P, total_sequence_length). seqlens_k: [B],
 *           the number of valid keys less 1. attention_bias: broadcast to [B,N,S,T]. caches:
 *           [max,r/2]. head_sink: [N]. output: [B,S,N*H].
 * Types     float32, float16, bfloat16 (computed in float32). seqlens_k, total_sequence_length:
 *           int32.
 * Attrs     num_heads, kv_num_heads: int, required. scale: float, default 0 (1/sqrt(H)). softcap:
 *           float, default 0 (none). local_window_size: int, default -1: a query sees so many keys,
 *           itself included. do_rotary, rotary_interleaved, smooth_softmax: int, default 0.
 *           Quantised caches, norms of query and key and the output of scores are unsupported.
 * Edge      past(b) is 0 when S = total_sequence_length, else seqlens_k[b] + 1 - S. Rows of present
 *           behind the valid ones are 0. Lengths and positions are checked when the operator runs.
 * Aliasing  none.
 */
#include "base/size.h"
#include "ops/attention/attention_heads.h"
#include "ops/attention/rotary.h"
#include "ops/common/axes.h"
#include "ops/common/float_io.h"
#include "ops/contrib/group_query_shapes.h"
#include "ops/norm/norm_rows.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* ---- planning ---- */

struct gqa_plan {
    struct onr_attention attention;
    struct onr_head_strides q, k, v; /* of the operands as they come */
    size_t k_first, v_first;         /* where key and value begin in their tensor */
    bool is_packed;
    bool is_interleaved;
    bool is_smooth;
    size_t past_rows;  /* of past_key */
    size_t total;      /* total_sequence_length */
    size_t half;       /* pairs that turn; 0: none */
    size_t cache_rows; /* of cos_cache */
    /* offsets in the workspace */
    size_t limit_at, offset_at, sinks_at, rotated_at, present_at, scratch_at, attention_at;
    size_t worker_bytes; /* scratch of one head */
};

/* Appends bytes to the workspace and returns where they lie; remembers when they do not fit. */
static size_t reserve(size_t *used, size_t bytes, bool *fits)
{
    size_t at = *used;
    *fits = *fits && bytes <= ONR_SIZE_LIMIT &&
            onr_size_add(*used, onr_size_align(bytes, ONR_MEM_ALIGN), used);
    return at;
}

static enum onr_status plan_workspace(struct gqa_plan *plan, struct onr_plan_ctx *ctx)
{
    struct onr_attention *a = &plan->attention;
    size_t element = onr_dtype_size(a->q_dtype);
    size_t present_bytes = a->batch * a->kv_heads * a->keys * a->head * element;
    size_t attention_bytes = 0;
    size_t used = 0;
    bool fits = true;
    ONR_TRY(onr_attention_plan(a, ctx->thread_count, &attention_bytes, ctx->err));
    plan->worker_bytes = onr_size_align((3 * a->head + 1) * sizeof(float), ONR_MEM_ALIGN);
    plan->limit_at = reserve(&used, a->batch * sizeof(size_t), &fits);
    plan->offset_at = reserve(&used, a->batch * sizeof(int64_t), &fits);
    plan->sinks_at = reserve(&used, a->heads * sizeof(float), &fits);
    plan->rotated_at = reserve(
        &used, plan->half > 0 ? a->batch * a->heads * a->queries * a->head * element : 0, &fits);
    bool has_present = true;
    for (uint32_t i = 1; i < 3; i++) {
        has_present =
            has_present && i < ctx->node->output_count && ctx->node->outputs[i] != ONR_NO_VALUE;
    }
    plan->present_at = reserve(&used, has_present ? 0 : 2 * present_bytes, &fits);
    plan->scratch_at = reserve(&used, plan->worker_bytes * ctx->thread_count, &fits);
    plan->attention_at = reserve(&used, attention_bytes, &fits);
    ctx->workspace_bytes = used;
    return fits
               ? ONR_OK
               : onr_fail(ctx->err, ONR_ERR_LIMIT, "attention over %zu keys is too large", a->keys);
}

static enum onr_status plan_lengths(struct gqa_plan *plan, struct onr_plan_ctx *ctx)
{
    const struct onr_fact *past = onr_plan_input(ctx, ONR_GQA_PAST_KEY);
    int64_t total = 0;
    size_t count = 0;
    size_t bytes = 0;
    if (!onr_fact_ints(ctx->inputs[ONR_GQA_TOTAL], 1, &total, &count) || count != 1) {
        return onr_fail(ctx->err, ONR_ERR_UNSUPPORTED, "total_sequence_length is not known");
    }
    struct onr_attention *a = &plan->attention;
    plan->total = (size_t)total;
    plan->past_rows = past != NULL ? (size_t)past->shape.dim[2] : 0;
    a->keys = plan->past_rows > plan->total ? plan->past_rows : plan->total;
    struct onr_shape present = {
        .rank = 4,
        .dim = {(int64_t)a->batch, (int64_t)a->kv_heads, (int64_t)a->keys, (int64_t)a->head}};
    if (!onr_shape_bytes(&present, a->q_dtype, &bytes)) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "a cache of %zu keys is too large", a->keys);
    }
    a->k = onr_head_strides_of(&present, (int64_t)a->kv_heads);
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

static void plan_operands(struct gqa_plan *plan, const struct onr_plan_ctx *ctx)
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
    a->q = plan->half > 0 ? a->y : plan->q; /* turned queries lie as the output does */
}

static enum onr_status gqa_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_node *node = ctx->node;
    struct gqa_plan *plan = ONR_ARENA_NEW(ctx->arena, struct gqa_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of an attention");
    }
    ctx->plan = plan;
    struct onr_attention *a = &plan->attention;
    enum onr_dtype dtype = ctx->inputs[ONR_GQA_QUERY]->dtype;
    a->q_dtype = a->v_dtype = a->y_dtype = dtype;
    if (onr_attr_int(node, "do_rotary", 0) != 0) {
        plan->half = (size_t)ctx->inputs[ONR_GQA_COS]->shape.dim[1];
        plan->cache_rows = (size_t)ctx->inputs[ONR_GQA_COS]->shape.dim[0];
    }
    plan_operands(plan, ctx);
    ONR_TRY(plan_lengths(plan, ctx));
    plan_bias(a, onr_plan_input(ctx, ONR_GQA_BIAS));
    float scale = onr_attr_float(node, "scale", 0);
    a->scale = scale != 0.0f ? (double)scale : 1.0 / sqrt((double)a->head);
    a->softcap = (double)onr_attr_float(node, "softcap", 0);
    a->is_causal = true;
    int64_t window = onr_attr_int(node, "local_window_size", -1);
    a->window_left = window > 0 ? window - 1 : -1;
    a->window_right = -1;
    a->scores_output = ONR_SCORES_NONE;
    plan->is_interleaved = onr_attr_int(node, "rotary_interleaved", 0) != 0;
    plan->is_smooth = onr_attr_int(node, "smooth_softmax", 0) > 0;
    return plan_workspace(plan, ctx);
}

/* ---- running ---- */

struct gqa_job {
    const struct gqa_plan *plan;
    const char *query, *key, *value, *past_key, *past_value;
    const void *cos, *sin;
    const int64_t *positions; /* NULL: they follow the past */
    const int64_t *offset;    /* [batch]: past keys */
    char *rotated;            /* [B,S,N,H] */
    char *present_key, *present_value;
    char *scratch;
};

/* Copies one head from x to y and turns it by its position. */
static void place_head(const struct gqa_job *job, size_t b, size_t s, bool is_turned, const char *x,
                       char *y, float *scratch)
{
    const struct gqa_plan *plan = job->plan;
    const struct onr_attention *a = &plan->attention;
    if (!is_turned || plan->half == 0) {
        memcpy(y, x, a->head * onr_dtype_size(a->q_dtype));
        return;
    }
    size_t position = job->positions != NULL ? (size_t)job->positions[b * a->queries + s]
                                             : (size_t)job->offset[b] + s;
    size_t at = position * plan->half;
    const float *cos = onr_float_read(a->q_dtype, job->cos, at, plan->half, scratch + a->head);
    const float *sin = onr_float_read(a->q_dtype, job->sin, at, plan->half, scratch + 2 * a->head);
    onr_float_gather(a->q_dtype, x, 0, 1, a->head, scratch);
    onr_rotate(plan->half, plan->is_interleaved, cos, sin, scratch, scratch);
    onr_float_scatter(a->q_dtype, scratch, 0, 1, a->head, y);
}

/* One head of the cache: past rows, new rows, zeros. */
static void fill_present(const struct gqa_job *job, size_t b, size_t n, bool is_key, float *scratch)
{
    const struct gqa_plan *plan = job->plan;
    const struct onr_attention *a = &plan->attention;
    size_t element = onr_dtype_size(a->q_dtype);
    size_t row_bytes = a->head * element;
    size_t past = (size_t)job->offset[b];
    size_t head = b * a->kv_heads + n;
    char *out = (is_key ? job->present_key : job->present_value) + head * a->keys * row_bytes;
    const char *old = is_key ? job->past_key : job->past_value;
    const char *added = is_key ? job->key : job->value;
    const struct onr_head_strides *strides = is_key ? &plan->k : &plan->v;
    if (past > 0) {
        memcpy(out, old + head * plan->past_rows * row_bytes, past * row_bytes);
    }
    for (size_t s = 0; s < a->queries; s++) {
        place_head(job, b, s, is_key, added + onr_head_offset(strides, b, n, s) * element,
                   out + (past + s) * row_bytes, scratch);
    }
    memset(out + (past + a->queries) * row_bytes, 0, (a->keys - past - a->queries) * row_bytes);
}

/* Items are the heads of keys, of values, and of queries if they turn, of each batch. */
static void prepare_heads(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct gqa_job *job = arg;
    const struct gqa_plan *plan = job->plan;
    const struct onr_attention *a = &plan->attention;
    size_t element = onr_dtype_size(a->q_dtype);
    size_t heads = 2 * a->kv_heads + (plan->half > 0 ? a->heads : 0);
    float *scratch = (void *)(job->scratch + worker * plan->worker_bytes);
    for (size_t item = begin; item < end; item++) {
        size_t b = item / heads;
        size_t n = item % heads;
        if (n < 2 * a->kv_heads) {
            fill_present(job, b, n % a->kv_heads, n < a->kv_heads, scratch);
            continue;
        }
        n -= 2 * a->kv_heads;
        for (size_t s = 0; s < a->queries; s++) {
            place_head(job, b, s, true, job->query + onr_head_offset(&plan->q, b, n, s) * element,
                       job->rotated + onr_head_offset(&a->q, b, n, s) * element, scratch);
        }
    }
}

static enum onr_status read_lengths(const struct onr_run_ctx *ctx, const struct gqa_plan *plan,
                                    size_t *limit, int64_t *offset)
{
    const struct onr_attention *a = &plan->attention;
    const int32_t *seqlens = ctx->inputs[ONR_GQA_SEQLENS]->data;
    bool is_prompt = a->queries == plan->total;
    for (size_t b = 0; b < a->batch; b++) {
        int64_t valid = (int64_t)seqlens[b] + 1;
        int64_t past = is_prompt ? 0 : valid - (int64_t)a->queries;
        if (valid < 0 || valid > (int64_t)a->keys || past < 0 || past > (int64_t)plan->past_rows ||
            past + (int64_t)a->queries > (int64_t)a->keys) {
            return onr_fail(ctx->err, ONR_ERR_VALUE,
                            "seqlens_k[%zu] is %" PRId32 ", which does not fit %zu new and %zu "
                            "cached rows",
                            b, seqlens[b], a->queries, plan->past_rows);
        }
        limit[b] = (size_t)valid;
        offset[b] = past;
    }
    return ONR_OK;
}

static enum onr_status check_positions(const struct onr_run_ctx *ctx, const struct gqa_job *job)
{
    const struct gqa_plan *plan = job->plan;
    size_t queries = plan->attention.queries;
    for (size_t i = 0; i < plan->attention.batch * queries && plan->half > 0; i++) {
        int64_t position = job->positions != NULL
                               ? job->positions[i]
                               : job->offset[i / queries] + (int64_t)(i % queries);
        if (position < 0 || position >= (int64_t)plan->cache_rows) {
            return onr_fail(ctx->err, ONR_ERR_VALUE,
                            "position %" PRId64 " of row %zu, cos_cache has %zu rows", position, i,
                            plan->cache_rows);
        }
    }
    return ONR_OK;
}

static void locate_operands(const struct onr_run_ctx *ctx, const struct gqa_plan *plan,
                            struct gqa_job *job)
{
    const struct onr_attention *a = &plan->attention;
    size_t element = onr_dtype_size(a->q_dtype);
    char *workspace = ctx->workspace;
    char *spare = workspace + plan->present_at;
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
    job->rotated = workspace + plan->rotated_at;
    job->scratch = workspace + plan->scratch_at;
    job->present_key = onr_output_data(ctx, 1);
    job->present_value = onr_output_data(ctx, 2);
    if (job->present_key == NULL) {
        job->present_key = spare;
    }
    if (job->present_value == NULL) {
        job->present_value = spare + a->batch * a->kv_heads * a->keys * a->head * element;
    }
}

static enum onr_status gqa_run(struct onr_run_ctx *ctx)
{
    const struct gqa_plan *plan = ctx->plan;
    const struct onr_attention *a = &plan->attention;
    if (a->batch == 0 || a->head == 0) {
        return ONR_OK;
    }
    char *workspace = ctx->workspace;
    size_t *limit = (void *)(workspace + plan->limit_at);
    int64_t *offset = (void *)(workspace + plan->offset_at);
    struct gqa_job job = {.plan = plan, .offset = offset};
    locate_operands(ctx, plan, &job);
    ONR_TRY(read_lengths(ctx, plan, limit, offset));
    ONR_TRY(check_positions(ctx, &job));
    size_t heads = 2 * a->kv_heads + (plan->half > 0 ? a->heads : 0);
    onr_parallel_for(ctx->parallel, a->batch * heads, onr_grain(a->keys * a->head), prepare_heads,
                     &job);
    struct onr_attention_data data = {
        .q = plan->half > 0 ? job.rotated : job.query,
        .k = job.present_key,
        .v = job.present_value,
        .masks = {onr_input_data(ctx, ONR_GQA_BIAS)},
        .y = ctx->outputs[0]->data,
        .limit = limit,
        .offset = offset,
        .workspace = workspace + plan->attention_at,
    };
    const void *sink = onr_input_data(ctx, ONR_GQA_SINK);
    if (sink != NULL || plan->is_smooth) {
        float *sinks = (void *)(workspace + plan->sinks_at);
        memset(sinks, 0, a->heads * sizeof *sinks);
        if (sink != NULL) {
            onr_float_gather(a->q_dtype, sink, 0, 1, a->heads, sinks);
        }
        data.sinks = sinks;
    }
    onr_attention_run(a, &data, ctx);
    return ONR_OK;
}

#define GQA_TYPES (ONR_BIT(FLOAT) | ONR_DTYPES_HALF)

static const struct onr_param_spec gqa_inputs[] = {
    {GQA_TYPES, 1},      {GQA_TYPES, 1}, {GQA_TYPES, 1},
    {GQA_TYPES, 1},      {GQA_TYPES, 1}, {ONR_BIT(INT32), 0},
    {ONR_BIT(INT32), 0}, {GQA_TYPES, 1}, {GQA_TYPES, 1},
    {ONR_BIT(INT64), 0}, {GQA_TYPES, 1}, {GQA_TYPES, 1},
    {ONR_DTYPES_ALL, 0}, {0, 0}};
static const struct onr_param_spec gqa_outputs[] = {{GQA_TYPES, 1}, {0, 0}};

extern const struct onr_op_def onr_ops_contrib_group_query_attention[];
const struct onr_op_def onr_ops_contrib_group_query_attention[] = {
    {.domain = "com.microsoft",
     .name = "GroupQueryAttention",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {1, 16},
     .outputs = {1, 3},
     .attrs = onr_gqa_attrs,
     .input_specs = gqa_inputs,
     .output_specs = gqa_outputs,
     .infer = onr_gqa_infer,
     .plan = gqa_plan,
     .run = gqa_run},
    {.name = NULL},
};
