/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of queries of streaming attention: what each may see, its scaled copy, where its result goes. */
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
    for (size_t r = 0; r < c->count; r++) {
        c->rows[r] = make_row(s, c, c->row + r);
    }
    c->rows_of = which;
}

static size_t head_of(const struct onr_attention_stream *s, const struct onr_attention_chunk *c,
                      size_t r)
{
    return c->kv * s->group + c->rows[r].member;
}

/* Reads row r of queries. */
static void begin_row(const struct onr_attention_stream *s, struct onr_attention_chunk *c, size_t r,
                      const float *sinks)
{
    const struct onr_attention *a = s->a;
    size_t head = head_of(s, c, r);
    float *q = c->q + r * c->q_stride;
    size_t first = onr_head_offset(&a->q, c->b, head, c->rows[r].query);
    const float *x = onr_float_read(a->q_dtype, s->d->q, first, a->head, q);
    s->kernels->attention.scale_f32(a->head, (float)a->scale, x, q);
    c->states[r] = onr_attention_begin_state(sinks != NULL ? sinks + head : NULL);
}

/* Asks for row r of queries. */
static void ask_row(const struct onr_attention_stream *s, const struct onr_attention_chunk *c,
                    size_t r)
{
    const struct onr_attention *a = s->a;
    size_t first = onr_head_offset(&a->q, c->b, head_of(s, c, r), c->rows[r].query);
    size_t size = onr_dtype_size(a->q_dtype);
    onr_prefetch((const char *)s->d->q + first * size, a->head * size);
}

void onr_attention_begin_rows(const struct onr_attention_stream *stream,
                              struct onr_attention_chunk *chunk)
{
    const struct onr_attention *a = stream->a;
    const float *sinks = chunk->is_part ? NULL : stream->d->sinks;
    size_t ahead = stream->chunks > 0 ? ONR_ROWS_AHEAD : 0; /* the few rows of parts gain nothing */
    size_t width = chunk->is_few
                       ? a->v_head
                       : onr_gemm_f32_panels(stream->v_gemm, a->v_head) * stream->v_gemm->columns;
    find_rows(stream, chunk);
    for (size_t next = 0; next < chunk->count + ahead; next++) {
        if (ahead > 0 && next < chunk->count) {
            ask_row(stream, chunk, next);
        }
        if (next >= ahead) {
            begin_row(stream, chunk, next - ahead, sinks);
            memset(chunk->y + (next - ahead) * chunk->y_stride, 0, width * sizeof(float));
        }
    }
}

void onr_attention_write_row(const struct onr_attention_stream *stream, size_t b, size_t n,
                             size_t i, double sum, float *y)
{
    const struct onr_attention *a = stream->a;
    float factor = sum == 0 ? 0.0f : (float)(1.0 / sum);
    size_t first = onr_head_offset(&a->y, b, n, i);
    float *out = onr_float_place(a->y_dtype, stream->d->y, first, y);
    stream->kernels->attention.scale_f32(a->v_head, factor, y, out);
    onr_float_write(a->y_dtype, out, first, a->v_head, stream->d->y);
}

void onr_attention_end_rows(const struct onr_attention_stream *stream,
                            const struct onr_attention_chunk *chunk)
{
    for (size_t r = 0; r < chunk->count; r++) {
        const struct onr_attention_row *row = chunk->rows + r;
        onr_attention_write_row(stream, chunk->b, head_of(stream, chunk, r), row->query,
                                chunk->states[r].sum, chunk->y + r * chunk->y_stride);
    }
}
