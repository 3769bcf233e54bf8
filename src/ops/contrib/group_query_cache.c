/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache of GroupQueryAttention: old rows are copied, new ones normalised, turned and quantised.
 * A cache that is quantised, or gives up rows that this step still reads, is staged: attention
 * reads a copy of all its rows as numbers.
 */
#include "kernels/kernels.h"
#include "ops/attention/rotary.h"
#include "ops/common/axes.h"
#include "ops/common/float_io.h"
#include "ops/contrib/group_query.h"
#include "ops/contrib/group_query_shapes.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* How many of the last of `positions` a sliding cache holds. */
static size_t resident_rows(const struct onr_gqa_plan *plan, size_t positions)
{
    size_t step = plan->past_rows - plan->window + 1;
    if (positions <= plan->past_rows) {
        return positions;
    }
    return positions - (positions - plan->past_rows + step - 1) / step * step;
}

enum onr_status onr_gqa_read_lengths(const struct onr_run_ctx *ctx, const struct onr_gqa_plan *plan,
                                     const struct onr_gqa_lengths *lengths)
{
    const struct onr_attention *a = &plan->attention;
    const int32_t *seqlens = ctx->inputs[ONR_GQA_SEQLENS]->data;
    bool is_prompt = a->queries == plan->total;
    bool is_sliding = plan->window > 0;
    int64_t most = (int64_t)(is_sliding || plan->is_sparse ? plan->total : a->keys);
    for (size_t b = 0; b < a->batch; b++) {
        int64_t valid = (int64_t)seqlens[b] + (plan->is_sparse ? 0 : 1);
        int64_t past = is_prompt ? 0 : valid - (int64_t)a->queries;
        if (valid < 0 || valid > most || past < 0 ||
            (past > (int64_t)plan->past_rows && !is_sliding) || past + (int64_t)a->queries > most) {
            return onr_fail(ctx->err, ONR_ERR_VALUE,
                            "%s[%zu] is %" PRId32 ", which does not fit %zu new and %zu cached "
                            "rows",
                            plan->is_sparse ? "key_total_sequence_lengths" : "seqlens_k", b,
                            seqlens[b], a->queries, plan->past_rows);
        }
        struct onr_gqa_span span = {.past = (size_t)past, .old = (size_t)past};
        span.kept = span.past + a->queries;
        size_t end = (size_t)valid;
        if (is_sliding) {
            span.old = resident_rows(plan, span.past);
            span.kept = resident_rows(plan, (size_t)valid);
            end = span.old + (size_t)(valid - past);
            span.first_kept = end - span.kept;
        }
        lengths->spans[b] = span;
        lengths->limit[b] = end;
        lengths->offset[b] = (int64_t)span.old;
        lengths->columns[b] = span.past - span.old;
    }
    return ONR_OK;
}

/* What is done to one head. */
struct head_place {
    size_t b, n;
    bool is_turned;
    const void *norm; /* weights, or NULL */
};

/* x * weight / sqrt(mean(x^2) + epsilon) */
static void normalise(const struct onr_gqa_plan *plan, const void *norm, float *x, float *buffer)
{
    size_t size = plan->attention.head;
    const float *weight = onr_float_read(plan->dtype, norm, 0, size, buffer);
    float sum = 0.0f;
    for (size_t i = 0; i < size; i++) {
        sum += x[i] * x[i];
    }
    float factor = 1.0f / sqrtf(sum / (float)size + plan->epsilon);
    for (size_t i = 0; i < size; i++) {
        x[i] = x[i] * factor * weight[i];
    }
}

/* New row s of a head as floats, in scratch. */
static void compute_row(const struct onr_gqa_job *job, const struct head_place *place, size_t s,
                        const char *x, float *scratch)
{
    const struct onr_gqa_plan *plan = job->plan;
    const struct onr_attention *a = &plan->attention;
    onr_float_gather(plan->dtype, x, 0, 1, a->head, scratch);
    if (place->is_turned && plan->has_norms) {
        normalise(plan, place->norm, scratch, scratch + a->head);
    }
    if (!place->is_turned || plan->half == 0) {
        return;
    }
    size_t position = job->positions != NULL ? (size_t)job->positions[place->b * a->queries + s]
                                             : job->spans[place->b].past + s;
    size_t at = position * plan->half;
    const float *cos = onr_float_read(plan->dtype, job->cos, at, plan->half, scratch + a->head);
    const float *sin = onr_float_read(plan->dtype, job->sin, at, plan->half, scratch + 2 * a->head);
    onr_rotate(plan->half, plan->is_interleaved, cos, sin, scratch, scratch);
}

/* The same, stored as it came. */
static void place_row(const struct onr_gqa_job *job, const struct head_place *place, size_t s,
                      const char *x, char *y, float *scratch)
{
    const struct onr_gqa_plan *plan = job->plan;
    size_t size = plan->attention.head;
    if (!place->is_turned || !plan->is_turned) {
        memcpy(y, x, size * onr_dtype_size(plan->dtype));
        return;
    }
    compute_row(job, place, s, x, scratch);
    onr_float_scatter(plan->dtype, scratch, 0, 1, size, y);
}

/* The scales of a head. */
static const float *scales_of(const struct onr_gqa_plan *plan, const float *scales, size_t n)
{
    return scales + (plan->is_per_channel ? n * plan->attention.head : 0);
}

/* Rounds x, which is changed, to codes; zeros: [head], zero points, and room for as many bytes. */
static void quantize_row(const struct onr_gqa_job *job, const float *scales, float *x, float *zeros,
                         uint8_t *codes)
{
    const struct onr_gqa_plan *plan = job->plan;
    const struct onr_narrowing how = {.is_saturated = true};
    const size_t size = plan->attention.head;
    const size_t step = plan->is_per_channel ? 1 : 0;
    uint8_t *bytes = (uint8_t *)(zeros + size);
    if (plan->cache_dtype == ONR_FLOAT8E4M3FN) {
        for (size_t i = 0; i < size; i++) {
            x[i] /= scales[i * step];
        }
        onr_convert(job->kernels, ONR_FLOAT, ONR_FLOAT8E4M3FN, &how, size, x, codes);
    } else if (plan->bits == 8) {
        job->kernels->quant.quantize_f32(size, x, scales, zeros, step, -128.0f, 127.0f, x);
        onr_convert(job->kernels, ONR_FLOAT, ONR_INT8, &how, size, x, codes);
    } else {
        job->kernels->quant.quantize_f32(size, x, scales, zeros, step, 0.0f, 15.0f, x);
        onr_convert(job->kernels, ONR_FLOAT, ONR_UINT8, &how, size, x, bytes);
        onr_dtype_pack(ONR_UINT4, size, bytes, codes);
    }
}

static void dequantize_row(const struct onr_gqa_job *job, const float *scales, const uint8_t *codes,
                           float *zeros, float *y)
{
    const struct onr_gqa_plan *plan = job->plan;
    const struct onr_narrowing how = {.is_saturated = true};
    const size_t size = plan->attention.head;
    uint8_t *bytes = (uint8_t *)(zeros + size);
    if (plan->bits == 4) {
        onr_dtype_unpack(ONR_UINT4, size, codes, bytes);
        codes = bytes;
    }
    onr_convert(job->kernels, plan->cache_dtype, ONR_FLOAT, &how, size, codes, y);
    job->kernels->quant.dequantize_f32(size, y, scales, zeros, plan->is_per_channel ? 1 : 0, y);
}

/* The rows of one head of keys or values. */
struct cache_rows {
    const struct onr_gqa_span *span;
    struct head_place place;
    const char *past;
    const char *added; /* of row s: + s * step */
    size_t step;
    const float *scales;
    char *present;
    char *staged;
};

static struct cache_rows find_rows(const struct onr_gqa_job *job, size_t b, size_t n, bool is_key)
{
    const struct onr_gqa_plan *plan = job->plan;
    const struct onr_head_strides *strides = is_key ? &plan->k : &plan->v;
    size_t head = b * plan->attention.kv_heads + n;
    size_t element = onr_dtype_size(plan->dtype);
    size_t stage = head * plan->staged_rows * onr_gqa_staged_bytes(plan);
    const char *past = is_key ? job->past_key : job->past_value;
    struct cache_rows rows = {
        .span = &job->spans[b],
        .place = {b, n, is_key, job->k_norm},
        .added = (is_key ? job->key : job->value) + onr_head_offset(strides, b, n, 0) * element,
        .step = strides->row * element,
        .scales = plan->bits > 0 ? scales_of(plan, is_key ? job->k_scale : job->v_scale, n) : NULL,
        .present = (is_key ? job->present_key : job->present_value) +
                   head * plan->present_rows * plan->row_bytes,
        .staged = (is_key ? job->staged_key : job->staged_value) + stage,
    };
    rows.past = past != NULL ? past + head * plan->past_rows * plan->row_bytes : NULL;
    return rows;
}

/* Present itself is read: past rows, new rows. */
static void fill_direct(const struct onr_gqa_job *job, const struct cache_rows *rows,
                        float *scratch)
{
    size_t row_bytes = job->plan->row_bytes;
    size_t old = rows->span->old;
    if (old > 0) {
        memcpy(rows->present, rows->past, old * row_bytes);
    }
    for (size_t s = 0; s < job->plan->attention.queries; s++) {
        place_row(job, &rows->place, s, rows->added + s * rows->step,
                  rows->present + (old + s) * row_bytes, scratch);
    }
}

/* Row j of old and new ones in the form of the cache; buffer has room for one. */
static const char *cache_row(const struct onr_gqa_job *job, const struct cache_rows *rows, size_t j,
                             char *buffer, float *scratch)
{
    const struct onr_gqa_plan *plan = job->plan;
    if (j < rows->span->old) {
        return rows->past + j * plan->row_bytes;
    }
    size_t s = j - rows->span->old;
    const char *x = rows->added + s * rows->step;
    if (plan->bits == 0) {
        place_row(job, &rows->place, s, x, buffer, scratch);
    } else {
        compute_row(job, &rows->place, s, x, scratch);
        quantize_row(job, rows->scales, scratch, scratch + 4 * plan->attention.head,
                     (uint8_t *)buffer);
    }
    return buffer;
}

static void fill_staged(const struct onr_gqa_job *job, const struct cache_rows *rows,
                        float *scratch)
{
    const struct onr_gqa_plan *plan = job->plan;
    const struct onr_gqa_span *span = rows->span;
    size_t staged_bytes = onr_gqa_staged_bytes(plan);
    size_t count = span->old + plan->attention.queries;
    char *buffer = (char *)(scratch + 3 * plan->attention.head);
    float *zeros = scratch + 4 * plan->attention.head;
    for (size_t i = 0; i < plan->attention.head; i++) {
        zeros[i] = plan->bits == 4 ? 8.0f : 0.0f;
    }
    for (size_t j = 0; j < count; j++) {
        char *staged = rows->staged + j * staged_bytes;
        const char *row = cache_row(job, rows, j, buffer, scratch);
        if (j >= span->first_kept && j - span->first_kept < span->kept) {
            memcpy(rows->present + (j - span->first_kept) * plan->row_bytes, row, plan->row_bytes);
        }
        if (plan->bits == 0) {
            memcpy(staged, row, staged_bytes);
        } else {
            dequantize_row(job, rows->scales, (const uint8_t *)row, zeros, (void *)staged);
        }
    }
    memset(rows->staged + count * staged_bytes, 0, (plan->staged_rows - count) * staged_bytes);
}

/* Rows of present behind those that are kept. */
static void fill_rest(const struct onr_gqa_plan *plan, const struct cache_rows *rows)
{
    size_t first = rows->span->kept * plan->row_bytes;
    size_t rest = plan->present_rows * plan->row_bytes - first;
    if (!plan->is_sparse) {
        memset(rows->present + first, 0, rest);
    } else if (rest > 0) {
        memcpy(rows->present + first, rows->past + first, rest);
    }
}

/* Heads of keys and of values, and of queries if they turn, of one batch. */
static size_t items_of(const struct onr_gqa_plan *plan)
{
    return 2 * plan->attention.kv_heads + (plan->is_turned ? plan->attention.heads : 0);
}

static void turn_query(const struct onr_gqa_job *job, size_t b, size_t n, float *scratch)
{
    const struct onr_gqa_plan *plan = job->plan;
    const struct onr_attention *a = &plan->attention;
    size_t element = onr_dtype_size(plan->dtype);
    struct head_place place = {b, n, true, job->q_norm};
    for (size_t s = 0; s < a->queries; s++) {
        place_row(job, &place, s, job->query + onr_head_offset(&plan->q, b, n, s) * element,
                  job->rotated + onr_head_offset(&a->q, b, n, s) * element, scratch);
    }
}

static void fill_items(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct onr_gqa_job *job = arg;
    const struct onr_gqa_plan *plan = job->plan;
    size_t kv_heads = plan->attention.kv_heads;
    float *scratch = (void *)(job->scratch + worker * plan->worker_bytes);
    for (size_t item = begin; item < end; item++) {
        size_t b = item / items_of(plan);
        size_t n = item % items_of(plan);
        if (n >= 2 * kv_heads) {
            turn_query(job, b, n - 2 * kv_heads, scratch);
            continue;
        }
        struct cache_rows rows = find_rows(job, b, n % kv_heads, n < kv_heads);
        if (plan->staged_rows > 0) {
            fill_staged(job, &rows, scratch);
        } else {
            fill_direct(job, &rows, scratch);
        }
        fill_rest(plan, &rows);
    }
}

void onr_gqa_fill(const struct onr_gqa_job *job, const struct onr_run_ctx *ctx)
{
    const struct onr_attention *a = &job->plan->attention;
    onr_parallel_for(ctx->parallel, a->batch * items_of(job->plan), onr_grain(a->keys * a->head),
                     fill_items, (void *)(uintptr_t)job);
}
