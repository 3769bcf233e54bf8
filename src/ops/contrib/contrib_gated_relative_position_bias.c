/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GatedRelativePositionBias (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 *
 * output[b, n, s] = gate[b, n, s] rel_pos[0, n, s], rows of S numbers, as in WavLM, with
 * gate = u (r eco_a[n] - 1) + 2, where u and r are the sigmoids of the sums of the first and the
 * second D/2 elements of (query_layer[b, s, n] + query_bias[n]) weight + bias
 *
 * Shapes    query_layer: [B,S,N*H], or [T,N*H] with token_offset [B,S]; query_bias: [N*H]; rel_pos:
 *           [1,N,S,S]; weight: [H,D], D even; bias: [D]; eco_a: [1,N,1,1] -> output [B,N,S,S].
 * Types     float32, float16, bfloat16 (computed in float32 and rounded once); token_offset int32.
 * Attrs     num_heads: int, required: N.
 * Edge      token_offset[t] is the place of token t among the B*S; a place without token has the
 *           query 0.
 * Aliasing  none.
 */
#include "ops/common/axes.h"
#include "ops/common/check_dims.h"
#include "ops/common/float_io.h"
#include "ops/common/workspace.h"

#include <inttypes.h>
#include <math.h>

enum { QUERY, QUERY_BIAS, REL_POS, WEIGHT, BIAS, ECO_A, TOKEN_OFFSET };

static enum onr_status check_weights(struct onr_infer_ctx *ctx, int64_t heads, int64_t head_size)
{
    int64_t width = onr_known_dim(ctx, WEIGHT, 1);
    int64_t half;
    const int64_t weight[2] = {head_size, ONR_DIM_UNKNOWN};
    ONR_TRY(onr_check_dims(ctx, WEIGHT, "weight", 2, weight));
    ONR_TRY(onr_check_dims(ctx, BIAS, "bias", 1, &width));
    const int64_t eco_a[4] = {1, heads, 1, 1};
    ONR_TRY(onr_check_dims(ctx, ECO_A, "eco_a", 4, eco_a));
    return onr_divide_dim(ctx, "columns of weight", width, 2, &half);
}

static enum onr_status gated_bias_infer(struct onr_infer_ctx *ctx)
{
    bool is_packed = onr_infer_has_input(ctx, TOKEN_OFFSET);
    const int64_t any[3] = {ONR_DIM_UNKNOWN, ONR_DIM_UNKNOWN, ONR_DIM_UNKNOWN};
    int64_t heads, head_size;
    ONR_TRY(onr_check_attr_int(ctx, "num_heads", 0, 1, INT32_MAX, &heads));
    ONR_TRY(onr_check_dims(ctx, QUERY, "query_layer", is_packed ? 2 : 3, any));
    ONR_TRY(onr_check_dims(ctx, TOKEN_OFFSET, "token_offset", 2, any));
    uint32_t places = is_packed ? TOKEN_OFFSET : QUERY; /* has B and S */
    int64_t batch = onr_known_dim(ctx, places, 0);
    int64_t length = onr_known_dim(ctx, places, 1);
    int64_t width = onr_known_dim(ctx, QUERY, is_packed ? 1 : 2);
    ONR_TRY(onr_divide_dim(ctx, "width of query_layer", width, heads, &head_size));
    ONR_TRY(onr_check_dims(ctx, QUERY_BIAS, "query_bias", 1, &width));
    const int64_t rel_pos[4] = {1, heads, length, length};
    ONR_TRY(onr_check_dims(ctx, REL_POS, "rel_pos", 4, rel_pos));
    ONR_TRY(check_weights(ctx, heads, head_size));
    int64_t tokens = onr_known_dim(ctx, QUERY, 0);
    if (is_packed && tokens >= 0 && batch >= 0 && length >= 0 &&
        (length == 0 ? tokens > 0 : tokens / length > batch || tokens > batch * length)) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "query_layer has %" PRId64 " tokens, expected at most %" PRId64
                              " x %" PRId64,
                              tokens, batch, length);
    }
    ctx->outputs[0].shape = (struct onr_shape){.rank = 4, .dim = {batch, heads, length, length}};
    return ONR_OK;
}

struct gated_bias_plan {
    enum onr_dtype dtype;
    size_t batch, length, heads, head_size;
    size_t width;    /* D */
    size_t tokens;   /* rows of query_layer */
    size_t token_at; /* in the workspace: int64_t[batch * length], after the sums of weights */
    size_t row_at;   /* and of each worker: float[length] and float[head_size] */
    size_t row_bytes;
};

static enum onr_status gated_bias_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *query = &ctx->inputs[QUERY]->shape;
    const struct onr_shape *y = &ctx->outputs[0].shape;
    const struct onr_shape *weight = &ctx->inputs[WEIGHT]->shape;
    struct onr_workspace row = {0};
    struct onr_workspace space = {0};
    struct gated_bias_plan *plan = ONR_ARENA_NEW(ctx->arena, struct gated_bias_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of GatedRelativePositionBias");
    }
    *plan = (struct gated_bias_plan){.dtype = ctx->inputs[QUERY]->dtype,
                                     .batch = (size_t)y->dim[0],
                                     .length = (size_t)y->dim[2],
                                     .heads = (size_t)y->dim[1],
                                     .head_size = (size_t)weight->dim[0],
                                     .width = (size_t)weight->dim[1],
                                     .tokens = (size_t)onr_shape_range(query, 0, query->rank - 1)};
    ctx->plan = plan;
    (void)onr_workspace_add(&row, plan->length + plan->head_size, sizeof(float));
    ONR_TRY(onr_workspace_finish(&row, &plan->row_bytes, ctx->err));
    (void)onr_workspace_add(&space, plan->head_size, 2 * sizeof(float));
    plan->token_at = onr_workspace_add(&space, plan->batch * plan->length, sizeof(int64_t));
    plan->row_at = onr_workspace_add(&space, ctx->thread_count, plan->row_bytes);
    return onr_workspace_finish(&space, &ctx->workspace_bytes, ctx->err);
}

struct gated_bias_job {
    const struct gated_bias_plan *plan;
    struct onr_tensor *const *inputs;
    void *y;
    const float *sums; /* [2][head_size]: of the two halves of the columns of weight */
    float bias_sum[2]; /* and of bias */
    int64_t *token;    /* [batch * length]: that stands at a place, or -1 */
    char *rows;
};

static float value_at(const struct gated_bias_job *job, uint32_t input, size_t i)
{
    float value;
    onr_float_gather(job->plan->dtype, job->inputs[input]->data, i, 1, 1, &value);
    return value;
}

/* The sum of a weighted sum's columns is the weighted sum of their sums. */
static void sum_columns(struct gated_bias_job *job, float *sums)
{
    const struct gated_bias_plan *plan = job->plan;
    size_t part = plan->width / 2;
    for (size_t half = 0; half < 2; half++) {
        for (size_t h = 0; h < plan->head_size; h++) {
            float sum = 0;
            for (size_t d = half * part; d < (half + 1) * part; d++) {
                sum += value_at(job, WEIGHT, h * plan->width + d);
            }
            sums[half * plan->head_size + h] = sum;
        }
        for (size_t d = half * part; d < (half + 1) * part; d++) {
            job->bias_sum[half] += value_at(job, BIAS, d);
        }
    }
    job->sums = sums;
}

/* Which token stands at each place. */
static enum onr_status find_tokens(struct gated_bias_job *job, const struct onr_tensor *offsets,
                                   struct onr_error *err)
{
    size_t places = job->plan->batch * job->plan->length;
    for (size_t i = 0; i < places; i++) {
        job->token[i] = offsets == NULL ? (int64_t)i : -1;
    }
    for (size_t t = 0; offsets != NULL && t < job->plan->tokens; t++) {
        int32_t place = ((const int32_t *)offsets->data)[t];
        if (place < 0 || (size_t)place >= places) {
            return onr_fail(err, ONR_ERR_VALUE,
                            "token_offset of token %zu is %" PRId32 ", expected less than %zu", t,
                            place, places);
        }
        job->token[place] = (int64_t)t;
    }
    return ONR_OK;
}

/* The factor of head n at a place. */
static float gate_of(const struct gated_bias_job *job, size_t place, size_t n, float *query)
{
    const struct gated_bias_plan *plan = job->plan;
    size_t size = plan->head_size;
    double part[2] = {(double)job->bias_sum[0], (double)job->bias_sum[1]};
    if (job->token[place] >= 0) {
        size_t at = ((size_t)job->token[place] * plan->heads + n) * size;
        onr_float_gather(plan->dtype, job->inputs[QUERY]->data, at, 1, size, query);
    }
    for (size_t h = 0; h < size; h++) {
        float q = (job->token[place] >= 0 ? query[h] : 0) + value_at(job, QUERY_BIAS, n * size + h);
        part[0] += (double)(q * job->sums[h]);
        part[1] += (double)(q * job->sums[size + h]);
    }
    double u = 1 / (1 + exp(-part[0]));
    double r = 1 / (1 + exp(-part[1]));
    return (float)(u * (r * (double)value_at(job, ECO_A, n) - 1) + 2);
}

/* Items are rows of the output. */
static void gated_bias_rows(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct gated_bias_job *job = arg;
    const struct gated_bias_plan *plan = job->plan;
    size_t length = plan->length;
    float *scratch = (void *)(job->rows + worker * plan->row_bytes);
    for (size_t row = begin; row < end; row++) {
        size_t s = row % length;
        size_t n = row / length % plan->heads;
        size_t b = row / length / plan->heads;
        float gate = gate_of(job, b * length + s, n, scratch + length);
        const float *x = onr_float_read(plan->dtype, job->inputs[REL_POS]->data,
                                        (n * length + s) * length, length, scratch);
        float *y = onr_float_place(plan->dtype, job->y, row * length, scratch);
        for (size_t i = 0; i < length; i++) {
            y[i] = gate * x[i];
        }
        onr_float_write(plan->dtype, y, row * length, length, job->y);
    }
}

static enum onr_status gated_bias_run(struct onr_run_ctx *ctx)
{
    const struct gated_bias_plan *plan = ctx->plan;
    char *workspace = ctx->workspace;
    struct gated_bias_job job = {.plan = plan,
                                 .inputs = ctx->inputs,
                                 .y = ctx->outputs[0]->data,
                                 .token = (void *)(workspace + plan->token_at),
                                 .rows = workspace + plan->row_at};
    const struct onr_tensor *offsets =
        ctx->input_count > TOKEN_OFFSET ? ctx->inputs[TOKEN_OFFSET] : NULL;
    ONR_TRY(find_tokens(&job, offsets, ctx->err));
    sum_columns(&job, (void *)workspace);
    onr_parallel_for(ctx->parallel, plan->batch * plan->heads * plan->length,
                     onr_grain(plan->length + 4 * plan->head_size), gated_bias_rows, &job);
    return ONR_OK;
}

#define TYPES (ONR_BIT(FLOAT) | ONR_DTYPES_HALF)

static const struct onr_attr_spec attrs[] = {{"num_heads", ONR_ATTR_INT, true}, {.name = NULL}};
static const struct onr_param_spec inputs[] = {{TYPES, 1},          {TYPES, 1}, {TYPES, 1},
                                               {TYPES, 1},          {TYPES, 1}, {TYPES, 1},
                                               {ONR_BIT(INT32), 0}, {0}};
static const struct onr_param_spec outputs[] = {{TYPES, 1}, {0}};

extern const struct onr_op_def onr_ops_contrib_gated_relative_position_bias[];
const struct onr_op_def onr_ops_contrib_gated_relative_position_bias[] = {
    {.domain = "com.microsoft",
     .name = "GatedRelativePositionBias",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {6, 7},
     .outputs = {1, 1},
     .attrs = attrs,
     .input_specs = inputs,
     .output_specs = outputs,
     .infer = gated_bias_infer,
     .plan = gated_bias_plan,
     .run = gated_bias_run},
    {.name = NULL},
};
