/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streaming attention. The queries of all heads that share keys are one list of rows. Many rows are
 * cut into chunks: a chunk packs each block of keys and values once, for tiles of gemm. For few rows
 * the keys are cut into parts, and what comes of these is put together in order; very few
 * rows read keys and values where they lie.
 *
 * Blocks and parts begin at fixed keys, tiles at fixed rows. So what a row gives depends neither on the
 * chunk it is in nor on the number of threads, also where values are NaN or infinite that it does not
 * see but its tile does: times a weight of 0 they give NaN.
 */
#include "ops/attention/attention_stream.h"

#include "base/size.h"
#include "ops/attention/attention_block.h"
#include "ops/attention/attention_open.h"
#include "ops/common/axes.h"

#include <math.h>
#include <string.h>

#define BLOCK_KEYS 512  /* that are packed together: with their values they stay in L2 */
#define CHUNK_ROWS 1120 /* most rows that share packed keys: more would leave L2 between blocks */
#define LEAST_ROWS 56   /* down to here chunks are halved, so that all threads have some */
#define PART_ROWS  16   /* up to here keys are cut into parts */
#define FEW_ROWS   4    /* up to here keys are not packed: one pass over them serves all rows */
#define PART_KEYS  512  /* a multiple of BLOCK_KEYS */
#define ROW_STEPS  256  /* element steps that a row takes beside its products */
#define LINE       16   /* floats in a cache line */

#define LEAST_STEPS 16 /* that a share is taken in, where it has so many items */
#define MOST_STEP   8  /* items of a step */

/* ---- planning ---- */

static size_t padded(size_t floats)
{
    return onr_size_align(floats, LINE);
}

/* Heads that share keys; there may be none at all. */
static size_t group_size(const struct onr_attention *a)
{
    return a->kv_heads > 0 ? a->heads / a->kv_heads : 0;
}

static size_t row_count(const struct onr_attention *a)
{
    return group_size(a) * a->queries;
}

static size_t part_count(const struct onr_attention *a)
{
    return (a->past + PART_KEYS - 1) / PART_KEYS + (a->keys - a->past + PART_KEYS - 1) / PART_KEYS;
}

const char *onr_attention_stream_way(const struct onr_attention *attention)
{
    size_t rows = row_count(attention);
    return rows > PART_ROWS  ? "streaming over blocks of keys, packed"
           : rows > FEW_ROWS ? "streaming over parts of the keys, packed"
                             : "streaming over parts of the keys, read in place";
}

/* Floats from row to row of queries: odd in lines, so that the rows of a tile spread over a cache. */
static size_t query_stride(const struct onr_attention *a)
{
    return (padded(a->head) / LINE | 1) * LINE;
}

/* Places the scratch of a worker at base; the offset of its end is returned. */
static size_t place_scratch(const struct onr_attention *a, char *base,
                            struct onr_attention_chunk *chunk)
{
    size_t wide = a->v_head + ONR_GEMM_MAX_COLUMNS;
    size_t keys = a->block_keys + ONR_GEMM_MAX_COLUMNS;
    size_t rows = a->chunk + ONR_ATTENTION_TILE_ROWS; /* chunks are made of whole tiles */
    size_t sizes[5] = {rows * query_stride(a), rows * padded(wide),
                       ONR_ATTENTION_TILE_ROWS * padded(keys + LINE) + padded(part_count(a)),
                       padded(keys) * padded(a->head + 1), a->block_keys * padded(wide)};
    float **places[5] = {&chunk->q_copy, &chunk->y, &chunk->scores, &chunk->k, &chunk->v};
    size_t states_at = onr_size_align(rows * sizeof *chunk->rows, ONR_MEM_ALIGN);
    size_t at = states_at + onr_size_align(rows * sizeof *chunk->states, ONR_MEM_ALIGN);
    chunk->rows = (void *)base;
    chunk->rows_of = SIZE_MAX;
    chunk->states = base != NULL ? (void *)(base + states_at) : NULL;
    chunk->copy_stride = query_stride(a);
    chunk->y_stride = padded(wide);
    chunk->score_stride = padded(keys + LINE);
    for (int i = 0; i < 5; i++) {
        *places[i] = base != NULL ? (float *)(void *)(base + at) : NULL;
        at += sizes[i] * sizeof(float);
    }
    return at;
}

size_t onr_attention_stream_plan(struct onr_attention *attention, unsigned thread_count)
{
    struct onr_attention *a = attention;
    struct onr_attention_chunk chunk;
    size_t width = a->head + a->v_head;
    size_t heads = a->batch * a->kv_heads;
    a->block_keys = BLOCK_KEYS;
    while (a->block_keys > 64 && a->block_keys * width > 65536) {
        a->block_keys /= 2;
    }
    a->chunk = CHUNK_ROWS;
    while (a->chunk > LEAST_ROWS &&
           (a->chunk * width > 524288 || a->chunk / 2 >= row_count(a) ||
            heads * ((row_count(a) + a->chunk - 1) / a->chunk) < 2 * (size_t)thread_count)) {
        a->chunk /= 2;
    }
    return place_scratch(a, NULL, &chunk);
}

size_t onr_attention_part_count(const struct onr_attention *attention)
{
    size_t rows = row_count(attention) < PART_ROWS ? row_count(attention) : PART_ROWS;
    size_t count = 0;
    if (!onr_size_mul(attention->batch, attention->kv_heads, &count) ||
        !onr_size_mul(count, rows * part_count(attention), &count)) {
        return SIZE_MAX;
    }
    return count;
}

/* A part is [v_head] sums of values, in as many floats as whole tiles write, then the state of the
 * row. */
static size_t part_state_at(const struct onr_attention *a)
{
    return padded(a->v_head + ONR_GEMM_MAX_COLUMNS) * sizeof(float);
}

size_t onr_attention_part_bytes(const struct onr_attention *attention)
{
    return onr_size_align(part_state_at(attention) + sizeof(struct onr_softmax_row_f32),
                          ONR_MEM_ALIGN);
}

/* ---- loops ---- */

/* Chunks of rows of each head, the last one first: a causal mask leaves it the most work, and what is
 * done last should be little. */
static void do_chunk(const struct onr_attention_stream *s, struct onr_attention_chunk *c,
                     size_t item)
{
    size_t index = s->chunks - 1 - item % s->chunks;
    c->b = item / s->chunks / s->a->kv_heads;
    c->kv = item / s->chunks % s->a->kv_heads;
    c->tile = s->tiles * index / s->chunks;
    c->tile_end = s->tiles * (index + 1) / s->chunks;
    c->row = onr_attention_tile_row(s, c->tile);
    c->count = onr_attention_tile_row(s, c->tile_end) - c->row;
    onr_attention_begin_rows(s, c);
    onr_attention_do_keys(s, c, 0, s->a->keys);
    onr_attention_end_rows(s, c);
}

static size_t share_begin(const struct onr_attention_stream *s, size_t share)
{
    return s->items * share / s->shares;
}

/* Takes steps of a share as long as there are any. */
static void do_share(struct onr_attention_stream *s, struct onr_attention_chunk *c, size_t share)
{
    size_t first = share_begin(s, share);
    size_t end = share_begin(s, share + 1);
    for (size_t begin; (begin = first + onr_counter_take(&s->taken[share]) * s->step) < end;) {
        for (size_t item = begin; item < begin + s->step && item < end; item++) {
            struct onr_attention_ahead ahead = {.b = (item + 1) / s->a->kv_heads,
                                                .kv = (item + 1) % s->a->kv_heads};
            c->ahead = s->ahead_rows > 0 && item + 1 < end ? &ahead : NULL;
            do_chunk(s, c, item);
        }
    }
}

/* A thread does its own share first, whose batches are likely the ones that it made itself, and then
 * what others have not come to: none waits long for one that others slow down. */
static void do_chunks(void *arg, size_t begin, size_t end, unsigned worker)
{
    struct onr_attention_stream *s = arg;
    struct onr_attention_chunk c = {.is_few = false};
    place_scratch(s->a, (char *)s->d->workspace + worker * s->a->worker_bytes, &c);
    (void)end;
    for (size_t i = 0; i < s->shares; i++) {
        do_share(s, &c, (begin + i) % s->shares);
    }
}

static float *part_of(const struct onr_attention_stream *s, size_t b, size_t kv, size_t row,
                      size_t part)
{
    size_t index = ((b * s->a->kv_heads + kv) * s->rows + row) * s->parts + part;
    return (void *)((char *)s->d->workspace + s->a->parts_at +
                    index * onr_attention_part_bytes(s->a));
}

static void keep_part(const struct onr_attention_stream *s, const struct onr_attention_chunk *c)
{
    for (size_t r = 0; r < c->count; r++) {
        char *y = (void *)(c->y + r * c->y_stride);
        memcpy(y + part_state_at(s->a), &c->states[r], sizeof c->states[r]);
    }
}

/* Items are parts of the keys, for all rows. */
static void do_parts(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct onr_attention_stream *s = arg;
    const struct onr_attention *a = s->a;
    size_t past_parts = (a->past + PART_KEYS - 1) / PART_KEYS;
    struct onr_attention_chunk c = {.tile_end = s->tiles,
                                    .count = s->rows,
                                    .is_few = s->rows <= FEW_ROWS,
                                    .is_part = s->parts > 1};
    place_scratch(a, (char *)s->d->workspace + worker * a->worker_bytes, &c);
    for (size_t item = begin; item < end; item++) {
        size_t part = item % s->parts;
        size_t first = part < past_parts ? 0 : a->past;
        size_t stop = part < past_parts ? a->past : a->keys;
        size_t from = first + (part < past_parts ? part : part - past_parts) * PART_KEYS;
        c.b = item / s->parts / a->kv_heads;
        c.kv = item / s->parts % a->kv_heads;
        if (c.is_part) {
            c.y = part_of(s, c.b, c.kv, 0, part);
            c.y_stride = s->parts * onr_attention_part_bytes(a) / sizeof(float);
        }
        onr_attention_begin_rows(s, &c);
        onr_attention_do_keys(s, &c, from, stop - from < PART_KEYS ? stop : from + PART_KEYS);
        if (c.is_part) {
            keep_part(s, &c);
        } else {
            onr_attention_end_rows(s, &c);
        }
    }
}

/* Turns the largest scores of the parts of a row into weights e^(max_p - max), and returns the sum
 * of the row. */
static double weigh_parts(const struct onr_attention_stream *s, const float *sink,
                          const char *states, float *weights)
{
    size_t stride = onr_attention_part_bytes(s->a);
    struct onr_softmax_row_f32 row = onr_attention_begin_state(sink);
    struct onr_softmax_row_f32 part;
    for (size_t p = 0; p < s->parts; p++) {
        memcpy(&part, states + p * stride, sizeof part);
        weights[p] = part.max;
    }
    double sum = row.sum;
    s->kernels->attention.softmax_step_f32(&(struct onr_softmax_f32){
        .row_count = 1, .count = s->parts, .scores = weights, .rows = &row, .y = weights});
    if (sum > 0) {
        sum = exp((double)*sink - (double)row.max);
    }
    for (size_t p = 0; p < s->parts; p++) {
        memcpy(&part, states + p * stride, sizeof part);
        sum += (double)weights[p] * part.sum;
    }
    return sum;
}

/* Puts the parts of rows together, in order. Items are rows. */
static void merge_rows(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct onr_attention_stream *s = arg;
    const struct onr_attention *a = s->a;
    struct onr_attention_chunk c;
    place_scratch(a, (char *)s->d->workspace + worker * a->worker_bytes, &c);
    for (size_t item = begin; item < end; item++) {
        size_t b = item / s->rows / a->kv_heads;
        size_t kv = item / s->rows % a->kv_heads;
        size_t row = item % s->rows;
        size_t n = kv * s->group + row / a->queries;
        const float *parts = part_of(s, b, kv, row, 0);
        const float *sink = s->d->sinks != NULL ? s->d->sinks + n : NULL;
        const char *states = (const char *)parts + part_state_at(a);
        struct onr_softmax_row_f32 whole = {.sum = weigh_parts(s, sink, states, c.scores)};
        size_t stride = onr_attention_part_bytes(a) / sizeof(float);
        memset(c.y, 0, a->v_head * sizeof(float));
        s->kernels->attention.values_f32(1, s->parts, a->v_head,
                                         (struct onr_rows_f32){c.scores, s->parts},
                                         (struct onr_rows_f32){parts, stride}, c.y, a->v_head);
        onr_attention_write_rows(s, b, n, row % a->queries, 1, &whole, c.y, a->v_head);
    }
}

void onr_attention_stream_run(const struct onr_attention *attention,
                              const struct onr_attention_data *data, const struct onr_run_ctx *ctx)
{
    const struct onr_attention *a = attention;
    size_t keys = a->keys < a->block_keys ? a->keys : a->block_keys;
    struct onr_attention_stream s = {.a = a,
                                     .d = data,
                                     .kernels = ctx->kernels,
                                     .k_gemm = onr_gemm_f32_choose(&ctx->kernels->gemm, keys),
                                     .v_gemm = onr_gemm_f32_choose(&ctx->kernels->gemm, a->v_head),
                                     .keys = onr_attention_keys(a, data),
                                     .values = onr_attention_values(a, data),
                                     .group = group_size(a),
                                     .rows = row_count(a),
                                     .parts = part_count(a)};
    size_t heads = a->batch * a->kv_heads;
    size_t width = a->head + a->v_head;
    s.has_open = onr_attention_open_find(a, data, ctx);
    for (size_t i = 0; i < ONR_GEMM_MAX_COLUMNS / ONR_ATTENTION_LANES; i++) {
        s.last_gemm[i] = onr_gemm_f32_choose(&ctx->kernels->gemm, (i + 1) * ONR_ATTENTION_LANES);
    }
    for (int m = 0; m < ONR_ATTENTION_MASKS; m++) {
        s.is_head_masked |= a->masks[m].strides.head != 0;
    }
    size_t most = ONR_ATTENTION_TILE_ROWS / s.v_gemm->rows * s.v_gemm->rows;
    s.tiles = (s.rows + most - 1) / most;
    if (s.rows > PART_ROWS) {
        s.chunks = (s.rows + a->chunk - 1) / a->chunk;
        size_t grain = onr_grain(s.rows / s.chunks * (width * a->keys / 16 + ROW_STEPS));
        s.items = heads * s.chunks;
        s.shares = onr_size_max(onr_size_min(s.items / grain, ctx->parallel->thread_count), 1);
        s.step = 1 + onr_size_min(s.items / s.shares / LEAST_STEPS, MOST_STEP - 1);
        s.ahead_rows = onr_attention_ahead_rows(&s);
        onr_parallel_for(ctx->parallel, s.shares, 1, do_chunks, &s);
        return;
    }
    s.parts = s.parts > 0 ? s.parts : 1; /* without keys there are zeros to write */
    onr_parallel_for(ctx->parallel, heads * s.parts,
                     onr_grain(s.rows * (width * a->keys / s.parts / 8 + ROW_STEPS)), do_parts, &s);
    if (s.parts > 1) {
        onr_parallel_for(ctx->parallel, heads * s.rows, onr_grain(s.parts * a->v_head), merge_rows,
                         &s);
    }
}
