/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attention in float whose scores are handed out: blocks of queries against all keys that any of them
 * sees. Softmax is taken over whole rows.
 */
#include "base/size.h"
#include "kernels/kernels.h"
#include "ops/attention/attention_core.h"
#include "ops/common/float_io.h"

#include <math.h>
#include <string.h>

/* Most queries of a block, and floats that its scores should not exceed. */
#define BLOCK_QUERIES 32
#define BLOCK_SCORES  65536
/* Keys that are converted and multiplied at once. */
#define BLOCK_KEYS 128

/* Floats of scratch of one worker, in the order in which they lie. */
struct block_scratch {
    float *scores; /* [block, keys] */
    float *q;      /* [block, head], scaled */
    float *y;      /* [block, v_head] */
    float *factor; /* [block]: 1 / sum of the row */
    float *k;      /* [BLOCK_KEYS, head], for half types */
    float *v;      /* [BLOCK_KEYS, v_head] */
};

/* Where the parts of the scratch begin, and its end. */
static void scratch_offsets(const struct onr_attention *a, size_t at[7])
{
    size_t sizes[6] = {a->block * a->keys, a->block * a->head,   a->block * a->v_head,
                       a->block,           BLOCK_KEYS * a->head, BLOCK_KEYS * a->v_head};
    at[0] = 0;
    for (int i = 0; i < 6; i++) {
        at[i + 1] = at[i] + onr_size_align(sizes[i], 16);
    }
}

static struct block_scratch place_scratch(const struct onr_attention *a, float *base)
{
    size_t at[7];
    scratch_offsets(a, at);
    return (struct block_scratch){base + at[0], base + at[1], base + at[2],
                                  base + at[3], base + at[4], base + at[5]};
}

size_t onr_attention_rows_plan(struct onr_attention *attention)
{
    attention->block = BLOCK_QUERIES;
    while (attention->block > 1 && (attention->block / 2 >= attention->queries ||
                                    attention->block * attention->keys > BLOCK_SCORES)) {
        attention->block /= 2;
    }
    size_t at[7];
    scratch_offsets(attention, at);
    return at[6] * sizeof(float);
}

struct attention_job {
    const struct onr_attention *attention;
    const struct onr_attention_data *data;
    const struct onr_kernels *kernels;
};

/* A block of queries of one head, and the keys that any of them sees. */
struct query_block {
    size_t b;
    size_t n;
    size_t kv; /* head of k and v */
    size_t first;
    size_t count;
    struct onr_key_range keys;
};

static void compute_scores(const struct attention_job *job, const struct query_block *block,
                           const struct block_scratch *scratch)
{
    const struct onr_attention *a = job->attention;
    const struct onr_attention_data *d = job->data;
    struct onr_attention_operand keys = onr_attention_keys(a, d);
    struct onr_rows_f32 q = {scratch->q, a->head};
    for (size_t r = 0; r < block->count; r++) {
        float *row = scratch->q + r * a->head;
        onr_float_gather(a->q_dtype, d->q,
                         onr_head_offset(&a->q, block->b, block->n, block->first + r), 1, a->head,
                         row);
        for (size_t h = 0; h < a->head; h++) {
            row[h] *= (float)a->scale;
        }
    }
    size_t count = 0;
    for (size_t j = block->keys.begin; j < block->keys.end; j += count) {
        size_t rest = block->keys.end - j;
        count = rest < BLOCK_KEYS ? rest : BLOCK_KEYS;
        struct onr_rows_f32 k =
            onr_attention_rows(&keys, block->b, block->kv, a->past, j, &count, scratch->k);
        job->kernels->attention.scores_f32(block->count, count, a->head, q, k, scratch->scores + j,
                                           a->keys);
    }
}

static void compute_values(const struct attention_job *job, const struct query_block *block,
                           const struct block_scratch *scratch)
{
    const struct onr_attention *a = job->attention;
    const struct onr_attention_data *d = job->data;
    struct onr_attention_operand values = onr_attention_values(a, d);
    memset(scratch->y, 0, block->count * a->v_head * sizeof(float));
    size_t count = 0;
    for (size_t j = block->keys.begin; j < block->keys.end; j += count) {
        size_t rest = block->keys.end - j;
        count = rest < BLOCK_KEYS ? rest : BLOCK_KEYS;
        struct onr_rows_f32 v =
            onr_attention_rows(&values, block->b, block->kv, a->past, j, &count, scratch->v);
        struct onr_rows_f32 p = {scratch->scores + j, a->keys};
        job->kernels->attention.values_f32(block->count, count, a->v_head, p, v, scratch->y,
                                           a->v_head);
    }
    for (size_t r = 0; r < block->count; r++) {
        float *row = scratch->y + r * a->v_head;
        for (size_t i = 0; i < a->v_head; i++) {
            row[i] *= scratch->factor[r];
        }
        onr_float_write(a->y_dtype, row,
                        onr_head_offset(&a->y, block->b, block->n, block->first + r), a->v_head,
                        d->y);
    }
}

/* Hands out the scores of a row if it is their turn. */
static void emit_scores(const struct attention_job *job, const struct query_block *block, size_t r,
                        enum onr_scores_output stage, float factor, float *scores)
{
    const struct onr_attention *a = job->attention;
    if (a->scores_output != stage || job->data->scores == NULL) {
        return;
    }
    size_t row =
        onr_head_offset(&a->scores, block->b, block->n, block->first + r - job->data->scores_from);
    for (size_t j = 0; j < a->keys && factor != 1.0f; j++) {
        scores[j] *= factor;
    }
    onr_float_write(a->scores_dtype, scores, row, a->keys, job->data->scores);
}

/* Turns scores into e^(score - max) and returns 1 / sum, 0 when nothing is seen. */
static float exponentiate(const struct attention_job *job, const struct query_block *block,
                          struct onr_key_range keys, float *scores)
{
    const float *sinks = job->data->sinks;
    size_t count = keys.end - keys.begin;
    double max = sinks != NULL ? (double)sinks[block->n] : (double)-INFINITY;
    job->kernels->reduce.row[ONR_REDUCE_F32][ONR_REDUCE_MAX](count, scores + keys.begin, &max);
    if (max == (double)-INFINITY) {
        memset(scores + keys.begin, 0, count * sizeof(float));
        return 0;
    }
    double sum = job->kernels->softmax.exp_sum_f32(count, scores + keys.begin, (float)max,
                                                   scores + keys.begin);
    if (sinks != NULL) {
        sum += exp((double)sinks[block->n] - max);
    }
    return (float)(1.0 / sum);
}

/* Softcap, masks and softmax of one row; keys outside of its range end with probability 0. */
static void finish_row(const struct attention_job *job, const struct query_block *block, size_t r,
                       const struct block_scratch *scratch)
{
    const struct onr_attention *a = job->attention;
    float *scores = scratch->scores + r * a->keys;
    struct onr_key_range all = block->keys;
    struct onr_key_range seen = onr_attention_range(a, job->data, block->b, block->first + r);
    emit_scores(job, block, r, ONR_SCORES_RAW, 1.0f, scores);
    if (a->softcap > 0) {
        job->kernels->attention.softcap_f32(all.end - all.begin, (float)a->softcap,
                                            scores + all.begin);
    }
    emit_scores(job, block, r, ONR_SCORES_CAPPED, 1.0f, scores);
    onr_attention_add_masks(a, job->data, block->b, block->n, block->first + r, seen,
                            scores + seen.begin);
    if (a->scores_output == ONR_SCORES_MASKED) {
        for (size_t j = 0; j < a->keys; j++) {
            scores[j] = j >= seen.begin && j < seen.end ? scores[j] : (float)a->hidden;
        }
        emit_scores(job, block, r, ONR_SCORES_MASKED, 1.0f, scores);
    }
    scratch->factor[r] = exponentiate(job, block, seen, scores);
    size_t begin = a->scores_output == ONR_SCORES_NONE ? all.begin : 0;
    size_t end = a->scores_output == ONR_SCORES_NONE ? all.end : a->keys;
    for (size_t j = begin; j < seen.begin; j++) {
        scores[j] = 0;
    }
    for (size_t j = seen.end; j < end; j++) {
        scores[j] = 0;
    }
    if (a->scores_output == ONR_SCORES_SOFTMAX) {
        emit_scores(job, block, r, ONR_SCORES_SOFTMAX, scratch->factor[r], scores);
        scratch->factor[r] = 1;
    }
}

/* The keys that any query of the block sees; all of them when scores are handed out before masking.
 */
static struct onr_key_range block_range(const struct attention_job *job,
                                        const struct query_block *block)
{
    const struct onr_attention *a = job->attention;
    if (a->scores_output >= ONR_SCORES_RAW && a->scores_output <= ONR_SCORES_MASKED) {
        return (struct onr_key_range){0, a->keys};
    }
    struct onr_key_range first = onr_attention_range(a, job->data, block->b, block->first);
    struct onr_key_range last =
        onr_attention_range(a, job->data, block->b, block->first + block->count - 1);
    return (struct onr_key_range){first.begin, last.end};
}

void onr_attention_rows_run(const struct onr_attention *attention,
                            const struct onr_attention_data *data,
                            const struct onr_kernels *kernels, size_t b, size_t n, size_t begin,
                            size_t end, void *scratch)
{
    struct attention_job job = {attention, data, kernels};
    struct query_block block = {.b = b,
                                .n = n,
                                .kv = n / (attention->heads / attention->kv_heads),
                                .first = begin,
                                .count = end - begin};
    struct block_scratch places = place_scratch(attention, scratch);
    block.keys = block_range(&job, &block);
    compute_scores(&job, &block, &places);
    for (size_t r = 0; r < block.count; r++) {
        finish_row(&job, &block, r, &places);
    }
    if (data->y != NULL) {
        compute_values(&job, &block, &places);
    }
}
