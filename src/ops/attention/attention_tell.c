/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Weights of attention for who asks for them. Streaming attention never has them as a whole, so they
 * are computed once more, by the form that hands out scores.
 */
#include "ops/attention/attention_core.h"
#include "ops/common/axes.h"

#include <math.h>
#include <string.h>

/* Queries [first, first + count) of batch b. */
struct tell_job {
    struct onr_attention a;
    struct onr_attention_data d; /* scores: [count, heads, told_keys] */
    const struct onr_kernels *kernels;
    size_t b;
    size_t first;
    size_t count;
};

/* Softmax of a query that sees no key, as the nodes of a chain compute it. */
static void mark_empty(const struct onr_attention *a, float *weights)
{
    float sum = 0;
    for (size_t j = 0; j < a->keys; j++) {
        sum += weights[j];
    }
    for (size_t j = 0; j < a->keys && sum == 0.0f; j++) {
        weights[j] = NAN;
    }
}

/* Items are heads. */
static void weigh_heads(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct tell_job *job = arg;
    const struct onr_attention *a = &job->a;
    void *scratch = (char *)job->d.workspace + worker * a->worker_bytes;
    for (size_t n = begin; n < end; n++) {
        onr_attention_rows_do(a, &job->d, job->kernels, job->b, n, job->first,
                              job->first + job->count, scratch);
        for (size_t i = 0; i < job->count && a->empty_is_nan; i++) {
            mark_empty(a, (float *)job->d.scores + onr_head_offset(&a->scores, 0, n, i));
        }
    }
}

static enum onr_status tell_block(const struct tell_job *job, const struct onr_run_ctx *ctx)
{
    const struct onr_attention *a = &job->a;
    for (size_t i = 0; i < job->count; i++) {
        struct onr_weights_row row = {
            .batch = job->d.told_from + job->b,
            .batch_count = a->told_batch,
            .query = job->first + i,
            .query_count = a->told_queries,
            .head_count = a->heads,
            .key_count = a->told_keys,
            .weights = (const float *)job->d.scores + i * a->scores.row,
        };
        ONR_TRY(ctx->host->tell_weights(ctx, &row));
    }
    return ONR_OK;
}

enum onr_status onr_attention_tell(const struct onr_attention *attention,
                                   const struct onr_attention_data *data,
                                   const struct onr_run_ctx *ctx)
{
    struct tell_job job = {.a = *attention, .d = *data, .kernels = ctx->kernels};
    struct onr_attention *a = &job.a;
    a->scores_output = ONR_SCORES_SOFTMAX;
    a->scores_dtype = ONR_FLOAT;
    a->scores = (struct onr_head_strides){0, a->told_keys, a->heads * a->told_keys};
    job.d.y = NULL;
    job.d.scores = (char *)data->workspace + a->told_at;
    for (job.b = 0; job.b < a->batch; job.b++) {
        for (job.first = 0; job.first < a->queries; job.first += job.count) {
            size_t rest = a->queries - job.first;
            job.count = rest < a->block ? rest : a->block;
            job.d.scores_from = job.first;
            if (a->keys < a->told_keys) {
                memset(job.d.scores, 0, job.count * a->scores.row * sizeof(float));
            }
            onr_parallel_for(ctx->parallel, a->heads, onr_grain(job.count * a->keys * a->head),
                             weigh_heads, &job);
            ONR_TRY(tell_block(&job, ctx));
        }
    }
    return ONR_OK;
}
