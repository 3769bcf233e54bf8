/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of queries of streaming attention: what each may see, its scaled copy, where its result goes. */
#include "base/size.h"
#include "ops/attention/attention_block.h"
#include "ops/attention/attention_heads.h"
#include "ops/attention/attention_open.h"
#include "ops/common/axes.h"
#include "ops/common/float_io.h"

#include <math.h>
#include <string.h>

struct onr_softmax_row_f32 onr_attention_begin_state(const float *sink)
{
    struct onr_softmax_row_f32 state = {.max = sink != NULL ? *sink : -INFINITY};
    state.sum = state.max == -INFINITY ? 0 : 1;
    return state;
}

/* Row `index` of the queries of the heads that share keys. */
static struct onr_attention_row make_row(const struct onr_attention_stream *s,
                                         const struct onr_attention_chunk *c, size_t index)
{
    const struct onr_attention *a = s->a;
    struct onr_attention_row row = {.member = index / a->queries, .query = index % a->queries};
    size_t head = c->kv * s->group + row.member;
    row.keys = onr_attention_range(a, s->d, c->b, row.query);
    for (int m = 0; m < ONR_ATTENTION_MASKS; m++) {
        if (a->masks[m].dtype != ONR_UNDEFINED) {
            struct onr_attention_mask mask = a->masks[m];
            row.mask_rows[m] = onr_mask_row(&mask, s->d, c->b, head, row.query);
        }
    }
    row.is_open = s->has_open && onr_attention_open_keys(a, s->d, row.mask_rows, &row.keys);
    return row;
}

static bool is_alike(const struct onr_attention_row *a, const struct onr_attention_row *b)
{
    return a->keys.begin == b->keys.begin && a->keys.end == b->keys.end &&
           a->is_open == b->is_open && a->mask_rows[0] == b->mask_rows[0] &&
           a->mask_rows[1] == b->mask_rows[1];
}

/* What is known of the rows of a chunk before the scores. Heads that no mask tells apart share it. */
static void find_rows(const struct onr_attention_stream *s, struct onr_attention_chunk *c)
{
    const struct onr_attention *a = s->a;
    size_t which = c->b * s->rows + c->row;
    if (c->rows_of == which && !s->is_head_masked) {
        return;
    }
    for (int m = 0; m < ONR_ATTENTION_MASKS; m++) {
        c->masks[m] = a->masks[m];
        (void)onr_mask_row(&c->masks[m], s->d, c->b, 0, 0);
    }
    for (size_t r = c->count; r-- > 0;) {
        struct onr_attention_row *row = &c->rows[r];
        *row = make_row(s, c, c->row + r);
        row->alike = r + 1 < c->count && is_alike(row, row + 1) ? row[1].alike + 1 : 1;
    }
    c->rows_of = which;
}

static size_t head_of(const struct onr_attention_stream *s, const struct onr_attention_chunk *c,
                      size_t r)
{
    return c->kv * s->group + c->rows[r].member;
}

static size_t first_of(const struct onr_attention_stream *s, const struct onr_attention_chunk *c,
                       size_t r)
{
    return onr_head_offset(&s->a->q, c->b, head_of(s, c, r), c->rows[r].query);
}

void onr_attention_ask_rows(const struct onr_attention_stream *stream,
                            const struct onr_attention_chunk *chunk, size_t begin, size_t end)
{
    const struct onr_attention *a = stream->a;
    size_t size = onr_dtype_size(a->q_dtype);
    for (size_t r = begin; r < end && r < chunk->count; r++) {
        onr_prefetch((const char *)stream->d->q + first_of(stream, chunk, r) * size,
                     a->head * size);
    }
}

/* Copies row r of queries. Few rows are scaled on the way; for the others keys or products are. */
static void copy_row(const struct onr_attention_stream *s, const struct onr_attention_chunk *c,
                     size_t r)
{
    const struct onr_attention *a = s->a;
    float *q = c->q_copy + r * c->copy_stride;
    const float *x = onr_float_read(a->q_dtype, s->d->q, first_of(s, c, r), a->head, q);
    s->kernels->attention.scale_f32(a->head, c->is_few ? (float)a->scale : 1.0f, x, q);
}

/* Tiles read queries where they lie, unless they are no floats, of several heads or too far apart. */
static bool are_near(const struct onr_attention_stream *s, const struct onr_attention_chunk *c)
{
    const struct onr_attention *a = s->a;
    return !c->is_few && a->q_dtype == ONR_FLOAT && a->q.row % ONR_ATTENTION_FAR != 0 &&
           c->rows[0].member == c->rows[c->count - 1].member;
}

static void find_queries(const struct onr_attention_stream *s, struct onr_attention_chunk *c)
{
    size_t ahead = s->chunks > 0 ? ONR_ROWS_AHEAD : 0; /* the few rows of parts gain nothing */
    if (are_near(s, c)) {
        c->q = (const float *)s->d->q + first_of(s, c, 0);
        c->q_stride = s->a->q.row;
        return;
    }
    c->q = c->q_copy;
    c->q_stride = c->copy_stride;
    onr_attention_ask_rows(s, c, 0, ahead);
    for (size_t r = 0; r < c->count; r++) {
        onr_attention_ask_rows(s, c, r + ahead, ahead > 0 ? r + ahead + 1 : 0);
        copy_row(s, c, r);
    }
}

void onr_attention_begin_rows(const struct onr_attention_stream *stream,
                              struct onr_attention_chunk *chunk)
{
    const struct onr_attention *a = stream->a;
    const float *sinks = chunk->is_part ? NULL : stream->d->sinks;
    size_t width = chunk->is_few
                       ? a->v_head
                       : onr_gemm_f32_panels(stream->v_gemm, a->v_head) * stream->v_gemm->columns;
    find_rows(stream, chunk);
    find_queries(stream, chunk);
    for (size_t r = 0; r < chunk->count; r++) {
        const float *sink = sinks != NULL ? sinks + head_of(stream, chunk, r) : NULL;
        chunk->states[r] = onr_attention_begin_state(sink);
        memset(chunk->y + r * chunk->y_stride, 0, width * sizeof(float));
    }
}

void onr_attention_write_rows(const struct onr_attention_stream *stream, size_t b, size_t n,
                              size_t i, size_t count, const struct onr_softmax_row_f32 *states,
                              float *y, size_t y_stride)
{
    const struct onr_attention *a = stream->a;
    float empty = a->empty_is_nan ? NAN : 0.0f;
    size_t first = onr_head_offset(&a->y, b, n, i);
    bool is_float = a->y_dtype == ONR_FLOAT;
    stream->kernels->attention.divide_rows_f32(
        count, a->v_head, states, empty, (struct onr_rows_f32){y, y_stride},
        is_float ? (float *)stream->d->y + first : y, is_float ? a->y.row : y_stride);
    for (size_t r = 0; r < count && !is_float; r++) {
        onr_float_write(a->y_dtype, y + r * y_stride, first + r * a->y.row, a->v_head,
                        stream->d->y);
    }
}

void onr_attention_end_rows(const struct onr_attention_stream *stream,
                            const struct onr_attention_chunk *chunk)
{
    size_t queries = stream->a->queries;
    for (size_t r = 0, count; r < chunk->count; r += count) {
        const struct onr_attention_row *row = chunk->rows + r;
        count = onr_size_min(queries - row->query, chunk->count - r);
        onr_attention_write_rows(stream, chunk->b, head_of(stream, chunk, r), row->query, count,
                                 chunk->states + r, chunk->y + r * chunk->y_stride,
                                 chunk->y_stride);
    }
}
