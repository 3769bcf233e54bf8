/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attention in float: blocks of queries against all keys that any of them sees. The scores of a
 * block stay in cache, softmax is taken over whole rows.
 */
#include "ops/attention/attention_core.h"

#include "base/size.h"
#include "kernels/kernels.h"
#include "ops/common/float_io.h"

#include <math.h>
#include <string.h>

/* Most queries of a block, and floats that its scores should not exceed. */
#define BLOCK_QUERIES 32
#define BLOCK_SCORES  65536
/* Keys that are converted and multiplied at once. */
#define BLOCK_KEYS 128

struct onr_key_range onr_attention_range(const struct onr_attention *attention,
                                         const struct onr_attention_data *data, size_t b, size_t i)
{
    int64_t end = (int64_t)(data->limit != NULL ? data->limit[b] : attention->keys);
    int64_t offset = data->offset != NULL ? data->offset[b] : (int64_t)attention->past;
    int64_t at = offset + (int64_t)i;
    int64_t begin = 0;
    if (attention->is_causal) {
        end = onr_int_min(end, at + 1);
    }
    if (attention->window_right >= 0 && attention->window_right < INT32_MAX) {
        end = onr_int_min(end, at + attention->window_right + 1);
    }
    if (attention->window_left >= 0 && attention->window_left < INT32_MAX) {
        begin = onr_int_max(0, at - attention->window_left);
    }
    end = onr_int_max(end, 0);
    return (struct onr_key_range){(size_t)onr_int_min(begin, end), (size_t)end};
}

/* An element of a mask as a number. */
static double mask_number(enum onr_dtype dtype, const void *data, size_t at)
{
    double value = 0;
    switch (dtype) {
    case ONR_BOOL:
    case ONR_UINT8:
        return ((const uint8_t *)data)[at];
    case ONR_INT8:
        return ((const int8_t *)data)[at];
    case ONR_UINT16:
        return ((const uint16_t *)data)[at];
    case ONR_INT16:
        return ((const int16_t *)data)[at];
    case ONR_UINT32:
        return ((const uint32_t *)data)[at];
    case ONR_INT32:
        return ((const int32_t *)data)[at];
    case ONR_UINT64:
        return (double)((const uint64_t *)data)[at];
    case ONR_INT64:
        return (double)((const int64_t *)data)[at];
    default:
        onr_double_gather(dtype, data, at, 1, 1, &value);
        return value;
    }
}

double onr_attention_bias(const struct onr_attention_mask *mask, const void *data, size_t row,
                          size_t key)
{
    if (key >= mask->keys) {
        return (double)-INFINITY;
    }
    double value = mask_number(mask->dtype, data, row + key);
    if (mask->is_flag) {
        return value > 0 ? 0 : mask->fill;
    }
    return value;
}

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

enum onr_status onr_attention_plan(struct onr_attention *attention, unsigned thread_count,
                                   size_t *bytes, struct onr_error *err)
{
    attention->block = BLOCK_QUERIES;
    while (attention->block > 1 && (attention->block / 2 >= attention->queries ||
                                    attention->block * attention->keys > BLOCK_SCORES)) {
        attention->block /= 2;
    }
    if (attention->keys > ONR_SIZE_LIMIT / 1024 || attention->head > ONR_SIZE_LIMIT / 4096 ||
        attention->v_head > ONR_SIZE_LIMIT / 4096) {
        return onr_fail(err, ONR_ERR_LIMIT, "attention over %zu keys is too large",
                        attention->keys);
    }
    size_t at[7];
    scratch_offsets(attention, at);
    size_t worker = attention->is_double ? onr_attention_scratch_f64(attention) * sizeof(double)
                                         : at[6] * sizeof(float);
    attention->worker_bytes = onr_size_align(worker + ONR_MEM_ALIGN, ONR_MEM_ALIGN);
    if (!onr_size_mul(attention->worker_bytes, thread_count, bytes) || *bytes > ONR_SIZE_LIMIT) {
        return onr_fail(err, ONR_ERR_LIMIT, "attention over %zu keys is too large",
                        attention->keys);
    }
    return ONR_OK;
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

/* Keys [j, j + *count) of k or v as float rows; *count shrinks so that they come from one place. */
static struct onr_rows_f32 read_keys(enum onr_dtype dtype, const struct query_block *block,
                                     const struct onr_head_strides *past_strides, const void *past,
                                     size_t past_count, const struct onr_head_strides *strides,
                                     const void *data, size_t j, size_t *count, size_t width,
                                     float *buffer)
{
    bool is_past = j < past_count;
    if (is_past && *count > past_count - j) {
        *count = past_count - j;
    }
    const struct onr_head_strides *from = is_past ? past_strides : strides;
    const void *source = is_past ? past : data;
    size_t first = onr_head_offset(from, block->b, block->kv, is_past ? j : j - past_count);
    if (dtype == ONR_FLOAT) {
        return (struct onr_rows_f32){(const float *)source + first, from->row};
    }
    for (size_t i = 0; i < *count; i++) {
        onr_float_gather(dtype, source, first + i * from->row, 1, width, buffer + i * width);
    }
    return (struct onr_rows_f32){buffer, width};
}

static void compute_scores(const struct attention_job *job, const struct query_block *block,
                           const struct block_scratch *scratch)
{
    const struct onr_attention *a = job->attention;
    const struct onr_attention_data *d = job->data;
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
        struct onr_rows_f32 k = read_keys(a->k_dtype, block, &a->past_k, d->past_k, a->past, &a->k,
                                          d->k, j, &count, a->head, scratch->k);
        job->kernels->attention.scores_f32(block->count, count, a->head, q, k, scratch->scores + j,
                                           a->keys);
    }
}

static void compute_values(const struct attention_job *job, const struct query_block *block,
                           const struct block_scratch *scratch)
{
    const struct onr_attention *a = job->attention;
    const struct onr_attention_data *d = job->data;
    memset(scratch->y, 0, block->count * a->v_head * sizeof(float));
    size_t count = 0;
    for (size_t j = block->keys.begin; j < block->keys.end; j += count) {
        size_t rest = block->keys.end - j;
        count = rest < BLOCK_KEYS ? rest : BLOCK_KEYS;
        struct onr_rows_f32 v = read_keys(a->v_dtype, block, &a->past_v, d->past_v, a->past, &a->v,
                                          d->v, j, &count, a->v_head, scratch->v);
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

static void add_mask(const struct onr_attention_mask *mask, const void *data, size_t row,
                     struct onr_key_range keys, float *scores)
{
    size_t covered = keys.end < mask->keys ? keys.end : mask->keys;
    size_t j = keys.begin;
    if (mask->dtype == ONR_FLOAT) {
        const float *values = (const float *)data + row;
        for (; j < covered; j++) {
            scores[j] += values[j];
        }
    } else if (mask->dtype == ONR_BOOL) {
        const uint8_t *flags = (const uint8_t *)data + row;
        bool is_hidden = mask->fill == (double)-INFINITY; /* even where the score is no number */
        for (; j < covered; j++) {
            float masked = is_hidden ? -INFINITY : scores[j] + (float)mask->fill;
            scores[j] = flags[j] != 0 ? scores[j] : masked;
        }
    }
    for (; j < keys.end; j++) {
        scores[j] += (float)onr_attention_bias(mask, data, row, j);
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
    size_t row = (block->b * a->heads + block->n) * a->queries + block->first + r;
    for (size_t j = 0; j < a->keys && factor != 1.0f; j++) {
        scores[j] *= factor;
    }
    onr_float_write(a->q_dtype, scores, row * a->keys, a->keys, job->data->scores);
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
    for (int m = 0; m < ONR_ATTENTION_MASKS; m++) {
        if (a->masks[m].dtype != ONR_UNDEFINED) {
            struct onr_attention_mask mask = a->masks[m];
            size_t row = onr_mask_row(&mask, job->data, block->b, block->n, block->first + r);
            add_mask(&mask, job->data->masks[m], row, seen, scores);
        }
    }
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

static void attend(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct attention_job *job = arg;
    const struct onr_attention *a = job->attention;
    size_t blocks = (a->queries + a->block - 1) / a->block;
    char *workspace = (char *)job->data->workspace + worker * a->worker_bytes;
    for (size_t item = begin; item < end; item++) {
        struct query_block block = {
            .b = item / blocks / a->heads,
            .n = item / blocks % a->heads,
            .first = item % blocks * a->block,
        };
        size_t rest = a->queries - block.first;
        block.count = rest < a->block ? rest : a->block;
        block.kv = block.n / (a->heads / a->kv_heads);
        if (a->is_double) {
            onr_attention_rows_f64(a, job->data, block.b, block.n, block.first,
                                   block.first + block.count, (void *)workspace);
            continue;
        }
        struct block_scratch scratch = place_scratch(a, (void *)workspace);
        block.keys = block_range(job, &block);
        compute_scores(job, &block, &scratch);
        for (size_t r = 0; r < block.count; r++) {
            finish_row(job, &block, r, &scratch);
        }
        compute_values(job, &block, &scratch);
    }
}

void onr_attention_run(const struct onr_attention *attention, const struct onr_attention_data *data,
                       const struct onr_run_ctx *ctx)
{
    struct attention_job job = {attention, data, ctx->kernels};
    size_t blocks = (attention->queries + attention->block - 1) / attention->block;
    onr_parallel_for(ctx->parallel, attention->batch * attention->heads * blocks, 1, attend, &job);
}
