/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Columns of the state do not depend on each other: a worker takes a head and a block of columns
 * through all tokens, while the block stays in its cache.
 */
#include "kernels/kernels.h"
#include "ops/common/axes.h"
#include "ops/common/float_io.h"
#include "ops/recurrent/linear_attention.h"

#include <math.h>
#include <string.h>

struct job {
    const struct onr_linear_attention *plan;
    const void *query, *key, *value, *past, *decay, *beta;
    void *output, *present;
    char *scratch; /* of all workers */
};

/* What one worker works on: columns [first, first + columns) of a head. */
struct block {
    size_t batch, head, first, columns;
    float *state;                   /* [dk][columns] */
    float *key, *query, *decay;     /* [dk] */
    float *value, *change, *result; /* [columns] */
};

/* Where row d of the block lies in slot `slot` of past or present. */
static size_t state_at(const struct onr_linear_attention *plan, const struct block *b, size_t slot,
                       size_t d)
{
    size_t head = (slot * plan->batch + b->batch) * plan->heads + b->head;
    return (head * plan->dk + d) * plan->dv + b->first;
}

static void load_state(const struct job *job, const struct block *b)
{
    const struct onr_linear_attention *plan = job->plan;
    memset(b->state, 0, plan->dk * b->columns * sizeof(float));
    for (size_t d = 0; job->past != NULL && d < plan->dk; d++) {
        onr_float_gather(plan->state_dtype, job->past, state_at(plan, b, plan->slots - 1, d), 1,
                         b->columns, b->state + d * b->columns);
    }
}

static void store_state(const struct job *job, const struct block *b, size_t slot)
{
    const struct onr_linear_attention *plan = job->plan;
    for (size_t d = 0; job->present != NULL && d < plan->dk; d++) {
        onr_float_scatter(plan->state_dtype, b->state + d * b->columns, state_at(plan, b, slot, d),
                          1, b->columns, job->present);
    }
}

/* y += factor * x */
static void add_scaled(size_t count, float factor, const float *x, float *y)
{
    for (size_t i = 0; i < count; i++) {
        y[i] += factor * x[i];
    }
}

static void apply_decay(const struct job *job, const struct block *b, size_t token)
{
    const struct onr_linear_attention *plan = job->plan;
    size_t wide = plan->is_decay_wide ? plan->dk : 1;
    onr_float_gather(plan->dtype, job->decay, (token * plan->heads + b->head) * wide, 1, wide,
                     b->decay);
    for (size_t d = 0; d < wide; d++) {
        b->decay[d] = expf(b->decay[d]);
    }
    for (size_t d = 0; d < plan->dk; d++) {
        float factor = b->decay[plan->is_decay_wide ? d : 0];
        float *row = b->state + d * b->columns;
        for (size_t i = 0; i < b->columns; i++) {
            row[i] *= factor;
        }
    }
}

/* value = beta (value - S^T key) */
static void correct_value(const struct job *job, const struct block *b, const float *key,
                          size_t token)
{
    const struct onr_linear_attention *plan = job->plan;
    float beta = 0.0f;
    size_t at = plan->is_beta_wide ? token * plan->heads + b->head : token;
    onr_float_gather(plan->dtype, job->beta, at, 1, 1, &beta);
    memset(b->change, 0, b->columns * sizeof(float));
    for (size_t d = 0; d < plan->dk; d++) {
        add_scaled(b->columns, key[d], b->state + d * b->columns, b->change);
    }
    for (size_t i = 0; i < b->columns; i++) {
        b->value[i] = beta * (b->value[i] - b->change[i]);
    }
}

static void read_out(const struct job *job, const struct block *b, size_t token, size_t q_head,
                     size_t out_head)
{
    const struct onr_linear_attention *plan = job->plan;
    size_t out_heads = plan->q_heads > plan->heads ? plan->q_heads : plan->heads;
    const float *query = onr_float_read(
        plan->dtype, job->query, (token * plan->q_heads + q_head) * plan->dk, plan->dk, b->query);
    memset(b->result, 0, b->columns * sizeof(float));
    for (size_t d = 0; d < plan->dk; d++) {
        add_scaled(b->columns, query[d], b->state + d * b->columns, b->result);
    }
    for (size_t i = 0; i < b->columns; i++) {
        b->result[i] *= plan->scale;
    }
    onr_float_scatter(plan->dtype, b->result, (token * out_heads + out_head) * plan->dv + b->first,
                      1, b->columns, job->output);
}

static void run_token(const struct job *job, const struct block *b, size_t token)
{
    const struct onr_linear_attention *plan = job->plan;
    size_t k_head = b->head / (plan->heads / plan->k_heads);
    const float *key = onr_float_read(
        plan->dtype, job->key, (token * plan->k_heads + k_head) * plan->dk, plan->dk, b->key);
    onr_float_gather(plan->dtype, job->value, (token * plan->heads + b->head) * plan->dv + b->first,
                     1, b->columns, b->value);
    if (plan->is_gated) {
        apply_decay(job, b, token);
    }
    if (plan->is_delta) {
        correct_value(job, b, key, token);
    }
    for (size_t d = 0; d < plan->dk; d++) {
        add_scaled(b->columns, key[d], b->value, b->state + d * b->columns);
    }
    if (plan->q_heads < plan->heads) {
        read_out(job, b, token, b->head / (plan->heads / plan->q_heads), b->head);
        return;
    }
    size_t group = plan->q_heads / plan->heads;
    for (size_t n = b->head * group; n < (b->head + 1) * group; n++) {
        read_out(job, b, token, n, n);
    }
}

static void run_block(const struct job *job, const struct block *b)
{
    const struct onr_linear_attention *plan = job->plan;
    memset(b->state, 0, plan->dk * b->columns * sizeof(float));
    for (size_t slot = 0; slot + plan->length < plan->slots; slot++) {
        store_state(job, b, slot);
    }
    load_state(job, b);
    for (size_t t = 0; t < plan->length; t++) {
        run_token(job, b, b->batch * plan->length + t);
        if (t + plan->slots >= plan->length) {
            store_state(job, b, t + plan->slots - plan->length);
        }
    }
    if (plan->length == 0) {
        store_state(job, b, plan->slots - 1);
    }
}

static void run_blocks(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct job *job = arg;
    const struct onr_linear_attention *plan = job->plan;
    struct block b = {.state = (float *)(void *)(job->scratch + worker * plan->worker_bytes)};
    b.key = b.state + plan->dk * ONR_LINEAR_COLUMNS;
    b.query = b.key + plan->dk;
    b.decay = b.query + plan->dk;
    b.value = b.decay + plan->dk;
    b.change = b.value + ONR_LINEAR_COLUMNS;
    b.result = b.change + ONR_LINEAR_COLUMNS;
    for (size_t item = begin; item < end; item++) {
        b.first = item % plan->blocks * ONR_LINEAR_COLUMNS;
        b.head = item / plan->blocks % plan->heads;
        b.batch = item / plan->blocks / plan->heads;
        size_t left = plan->dv - b.first;
        b.columns = left < ONR_LINEAR_COLUMNS ? left : ONR_LINEAR_COLUMNS;
        run_block(job, &b);
    }
}

static const void *data_of(const struct onr_run_ctx *ctx, uint32_t index)
{
    return index < ctx->input_count && ctx->inputs[index] != NULL ? ctx->inputs[index]->data : NULL;
}

enum onr_status onr_linear_attention_run(struct onr_run_ctx *ctx)
{
    const struct onr_linear_attention *plan = ctx->plan;
    struct job job = {
        .plan = plan,
        .query = ctx->inputs[ONR_LINEAR_QUERY]->data,
        .key = ctx->inputs[ONR_LINEAR_KEY]->data,
        .value = ctx->inputs[ONR_LINEAR_VALUE]->data,
        .past = data_of(ctx, ONR_LINEAR_PAST),
        .decay = data_of(ctx, ONR_LINEAR_DECAY),
        .beta = data_of(ctx, ONR_LINEAR_BETA),
        .output = ctx->outputs[0]->data,
        .present = ctx->output_count > 1 && ctx->outputs[1] != NULL ? ctx->outputs[1]->data : NULL,
        .scratch = ctx->workspace,
    };
    size_t work = plan->length * (plan->dk + 1) * ONR_LINEAR_COLUMNS * 4;
    onr_parallel_for(ctx->parallel, plan->batch * plan->heads * plan->blocks, onr_grain(work),
                     run_blocks, &job);
    return ONR_OK;
}
