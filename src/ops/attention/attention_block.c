/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A block of keys against rows of queries: scores, their weights, and the sums of values. A block that
 * no row sees is neither read nor computed.
 */
#include "ops/attention/attention_block.h"

#include <math.h>

#define NEAR_ROWS 28 /* up to here rows, or keys, do not repay copying values */
#define NEAR_KEYS 32

/* Few rows read keys and values where they lie, unless they must be converted. */
static void read_rows(const struct onr_attention_stream *s, const struct onr_attention_chunk *c,
                      struct onr_key_block *block)
{
    size_t count = block->count;
    size_t past = s->a->past;
    block->k = onr_attention_rows(&s->keys, c->b, c->kv, past, block->begin, &count, c->k);
    block->v = onr_attention_rows(&s->values, c->b, c->kv, past, block->begin, &count, c->v);
}

/* Keys of floats are scaled on the way, so that tiles have only sums to store. */
static void pack_keys(const struct onr_attention_stream *s, const struct onr_attention_chunk *c,
                      struct onr_key_block *block)
{
    const struct onr_attention *a = s->a;
    struct onr_gemm_matrix k = onr_attention_matrix(&s->keys, c->b, c->kv, a->past, block->begin);
    bool is_float = k.dtype == ONR_FLOAT;
    block->k_scale = is_float ? 1.0f : (float)a->scale;
    if (is_float) {
        s->kernels->attention.pack_keys_f32(block->count, a->head,
                                            (struct onr_rows_f32){k.data, k.row_stride},
                                            (float)a->scale, s->k_gemm->columns, c->k);
        return;
    }
    k.column_stride = k.row_stride;
    k.row_stride = 1;
    onr_gemm_f32_pack(s->k_gemm, a->head, block->count, &k, 0,
                      onr_gemm_f32_panels(s->k_gemm, block->count), c->k);
}

/* Values are panels by nature; they are only copied where many rows would read them from all too far
 * apart again and again. */
static void pack_values(const struct onr_attention_stream *s, const struct onr_attention_chunk *c,
                        struct onr_key_block *block)
{
    const struct onr_attention *a = s->a;
    size_t columns = s->v_gemm->columns;
    struct onr_gemm_matrix v = onr_attention_matrix(&s->values, c->b, c->kv, a->past, block->begin);
    bool is_near = v.row_stride % ONR_ATTENTION_FAR != 0 || v.row_stride == a->v_head ||
                   c->count <= NEAR_ROWS || block->count <= NEAR_KEYS;
    if (v.dtype == ONR_FLOAT && a->v_head % columns == 0 && is_near) {
        block->v = (struct onr_rows_f32){v.data, v.row_stride};
        block->v_panel = columns;
        return;
    }
    block->v = (struct onr_rows_f32){c->v, columns};
    block->v_panel = block->count * columns;
    if (v.dtype == ONR_FLOAT) {
        s->kernels->attention.pack_values_f32(
            block->count, a->v_head, (struct onr_rows_f32){v.data, v.row_stride}, columns, c->v);
        return;
    }
    onr_gemm_f32_pack(s->v_gemm, block->count, a->v_head, &v, 0,
                      onr_gemm_f32_panels(s->v_gemm, a->v_head), c->v);
}

static void read_block(const struct onr_attention_stream *s, const struct onr_attention_chunk *c,
                       struct onr_key_block *block)
{
    block->is_ready = true;
    if (c->is_few) {
        read_rows(s, c, block);
    } else {
        pack_keys(s, c, block);
        pack_values(s, c, block);
    }
}

/*
 * Panels for some rows, which are cut evenly into tiles; tile is the first one, and lost. Panels come
 * one after the other, as memory has them: what reads ahead follows. The tile is changed in place: what
 * is written by fields and copied as a whole waits until all that was stored before has left the
 * processor.
 */
static void run_tiles(const struct onr_gemm_f32 *gemm, size_t rows, size_t panels,
                      size_t panel_stride, struct onr_gemm_f32_tile *tile)
{
    const float *b = tile->b;
    float *c = tile->c;
    bool is_added = tile->base == c;
    size_t tiles = (rows + gemm->rows - 1) / gemm->rows;
    for (size_t t = 0, row = 0; t < tiles; t++) {
        size_t count = rows * (t + 1) / tiles - row;
        for (size_t panel = 0; panel < panels; panel++) {
            tile->b = b + panel * panel_stride;
            tile->c = c + row * tile->c_stride + panel * gemm->columns;
            tile->base = is_added ? tile->c : onr_gemm_zeros;
            gemm->tile[count](tile);
        }
        tile->a += count * tile->a_stride;
        row += count;
    }
}

/* Scores of keys [begin, end) of a block for some rows. */
static void multiply_keys(const struct onr_attention_stream *s, const struct onr_attention_chunk *c,
                          size_t row, size_t rows, const struct onr_key_block *block, size_t begin,
                          size_t end)
{
    const float *q = c->q + row * c->q_stride;
    size_t head = s->a->head;
    if (c->is_few) {
        struct onr_rows_f32 k = {block->k.data + begin * block->k.stride, block->k.stride};
        s->kernels->attention.scores_f32(rows, end - begin, head,
                                         (struct onr_rows_f32){q, c->q_stride}, k,
                                         c->scores + begin, c->score_stride);
        return;
    }
    size_t columns = s->k_gemm->columns;
    size_t first = begin / columns;
    size_t last = (end - 1) / columns;
    const struct onr_gemm_f32 *last_gemm = s->last_gemm[(end - 1) % columns / ONR_ATTENTION_LANES];
    bool is_short = last_gemm->columns < columns;
    struct onr_gemm_f32_tile tile = {.k = head,
                                     .a = q,
                                     .a_stride = c->q_stride,
                                     .b = c->k + first * columns * head,
                                     .b_stride = columns,
                                     .c = c->scores + first * columns,
                                     .c_stride = c->score_stride,
                                     .base = onr_gemm_zeros,
                                     .column_bias = onr_gemm_zeros,
                                     .row_bias = onr_gemm_zeros,
                                     .scale = block->k_scale,
                                     .low = -INFINITY};
    run_tiles(s->k_gemm, rows, last - first + !is_short, columns * head, &tile);
    if (is_short) {
        tile.a = q;
        tile.b = c->k + last * columns * head;
        tile.c = c->scores + last * columns;
        run_tiles(last_gemm, rows, 1, 0, &tile);
    }
}

/* Adds the values of keys [begin, end) of a block, weighted with what became of the scores. */
static void multiply_values(const struct onr_attention_stream *s,
                            const struct onr_attention_chunk *c, size_t row, size_t rows,
                            const struct onr_key_block *block, size_t begin, size_t end)
{
    float *y = c->y + row * c->y_stride;
    const float *weights = c->scores + begin;
    if (c->is_few) {
        struct onr_rows_f32 v = {block->v.data + begin * block->v.stride, block->v.stride};
        s->kernels->attention.values_f32(rows, end - begin, s->a->v_head,
                                         (struct onr_rows_f32){weights, c->score_stride}, v, y,
                                         c->y_stride);
        return;
    }
    struct onr_gemm_f32_tile tile = {.k = end - begin,
                                     .a = weights,
                                     .a_stride = c->score_stride,
                                     .b = block->v.data + begin * block->v.stride,
                                     .b_stride = block->v.stride,
                                     .c = y,
                                     .c_stride = c->y_stride,
                                     .base = y,
                                     .base_stride = c->y_stride,
                                     .column_bias = onr_gemm_zeros,
                                     .row_bias = onr_gemm_zeros,
                                     .scale = 1.0f,
                                     .low = -INFINITY};
    run_tiles(s->v_gemm, rows, onr_gemm_f32_panels(s->v_gemm, s->a->v_head), block->v_panel, &tile);
}

static void ask_ahead(const struct onr_attention_stream *s, const struct onr_attention_chunk *c)
{
    if (c->ahead != NULL) {
        onr_attention_ask_ahead(s, c->ahead);
    }
}

static void do_block(const struct onr_attention_stream *s, const struct onr_attention_chunk *c,
                     struct onr_key_block *block)
{
    struct onr_score_rows rows;
    for (size_t t = c->tile; t < c->tile_end; t++) {
        rows.row = onr_attention_tile_row(s, t) - c->row;
        rows.count = onr_attention_tile_row(s, t + 1) - c->row - rows.row;
        onr_attention_see_keys(s, c, block, &rows);
        if (rows.any.begin >= rows.any.end) {
            continue;
        }
        if (!block->is_ready) {
            read_block(s, c, block);
        }
        if (c->q != c->q_copy) {
            onr_attention_ask_rows(s, c, rows.row + rows.count, rows.row + 2 * rows.count);
        }
        size_t begin = (rows.any.begin - block->begin) / ONR_ATTENTION_LANES * ONR_ATTENTION_LANES;
        size_t end = rows.any.end - block->begin;
        rows.from = block->begin + begin;
        rows.scores = c->scores + begin;
        ask_ahead(s, c);
        multiply_keys(s, c, rows.row, rows.count, block, begin, end);
        ask_ahead(s, c);
        onr_attention_weigh_rows(s, c, &rows);
        multiply_values(s, c, rows.row, rows.count, block, rows.any.begin - block->begin, end);
    }
}

void onr_attention_do_keys(const struct onr_attention_stream *stream,
                           const struct onr_attention_chunk *chunk, size_t begin, size_t end)
{
    struct onr_key_block block = {.count = 0};
    for (size_t j = begin; j < end; j += block.count) {
        size_t stop = j < stream->a->past && stream->a->past < end ? stream->a->past : end;
        block.begin = j;
        block.count = stop - j < stream->a->block_keys ? stop - j : stream->a->block_keys;
        block.is_ready = false;
        do_block(stream, chunk, &block);
    }
}
