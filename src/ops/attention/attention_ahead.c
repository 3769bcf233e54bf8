/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many short heads: while one is computed, what the next one reads and writes is brought into L2. Its
 * rows lie too far apart for the machine to guess them, and there are too few for what is asked for
 * within a head to come in time.
 */
#include "base/size.h"
#include "ops/attention/attention_block.h"

/* Heads up to this large leave most of L2 to the one that is computed. */
#define MOST_BYTES ((size_t)1 << 18)

/* All heads together do not stay in L2 from where they were made. */
#define COLD_BYTES ((size_t)1 << 20)

#define ASKS 2 /* for each tile of rows and block of keys */

#define LINE_BYTES 64
#define INTO_L2    2 /* of __builtin_prefetch */

/* Rows of a head; stride and width in bytes. */
struct rows {
    const char *data;
    size_t count;
    size_t stride;
    size_t width;
};

static struct rows head_rows(const void *data, enum onr_dtype dtype,
                             const struct onr_head_strides *strides, size_t b, size_t n,
                             size_t count, size_t width)
{
    size_t size = onr_dtype_size(dtype);
    return (struct rows){(const char *)data + onr_head_offset(strides, b, n, 0) * size, count,
                         strides->row * size, width * size};
}

static struct rows find_matrix(const struct onr_attention_stream *s,
                               const struct onr_attention_ahead *at)
{
    const struct onr_attention *a = s->a;
    const struct onr_attention_data *d = s->d;
    if (at->matrix == 0) {
        return head_rows(d->k, a->k_dtype, &a->k, at->b, at->kv, a->keys, a->head);
    }
    if (at->matrix == 1) {
        return head_rows(d->v, a->v_dtype, &a->v, at->b, at->kv, a->keys, a->v_head);
    }
    size_t n = at->kv * s->group + (at->matrix - 2) / 2;
    return at->matrix % 2 == 0
               ? head_rows(d->q, a->q_dtype, &a->q, at->b, n, a->queries, a->head)
               : head_rows(d->y, a->y_dtype, &a->y, at->b, n, a->queries, a->v_head);
}

size_t onr_attention_ahead_rows(const struct onr_attention_stream *stream)
{
    const struct onr_attention *a = stream->a;
    size_t bytes =
        a->keys * (a->head * onr_dtype_size(a->k_dtype) + a->v_head * onr_dtype_size(a->v_dtype)) +
        stream->rows *
            (a->head * onr_dtype_size(a->q_dtype) + a->v_head * onr_dtype_size(a->y_dtype));
    if (stream->chunks > 1 || a->past > 0 || a->keys == 0 || bytes > MOST_BYTES ||
        bytes * stream->items < COLD_BYTES) {
        return 0;
    }
    size_t asks = ASKS * stream->tiles * onr_size_divide_up(a->keys, a->block_keys);
    return onr_size_divide_up(2 * (a->keys + stream->rows), asks);
}

void onr_attention_ask_ahead(const struct onr_attention_stream *stream,
                             struct onr_attention_ahead *ahead)
{
    size_t left = stream->ahead_rows;
    while (left > 0 && ahead->matrix < 2 + 2 * stream->group) {
        struct rows rows = find_matrix(stream, ahead);
        size_t end = onr_size_min(ahead->row + left, rows.count);
        left -= end - ahead->row;
        for (; ahead->row < end; ahead->row++) {
            for (size_t i = 0; i < rows.width; i += LINE_BYTES) {
                __builtin_prefetch(rows.data + ahead->row * rows.stride + i, 0, INTO_L2);
            }
        }
        if (ahead->row == rows.count) {
            ahead->matrix++;
            ahead->row = 0;
        }
    }
}
