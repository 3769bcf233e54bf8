/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A block of keys against rows of queries: which of the keys each row sees, scores, a step of their
 * softmax, and the sums of values. A block that no row sees is neither read nor computed.
 */
#include "ops/attention/attention_block.h"

#include <math.h>
#include <string.h>

/* Keys [begin, begin + count), and where they and their values are read. */
struct key_block {
    size_t begin;
    size_t count;
    bool is_ready;
    struct onr_rows_f32 k, v;
    size_t v_panel; /* floats from one panel of values to the next */
};

#define NEAR_ROWS 28 /* up to here rows, or keys, do not repay copying values */
#define NEAR_KEYS 32

/* ---- which keys count ---- */

/* Masks at or below this hide a key from a row that sees another one: e^x is 0 either way. */
#define LOW_MASK (-1e38f)
/* A row with a score above this has seen a key that no mask hides. */
#define LOW_SCORE (-1e30f)

/* Keys of a row up to the last that a mask does not hide, as number from `begin` on. */
static size_t last_unhidden(const struct onr_attention_stream *s,
                            const struct onr_attention_mask *mask, const void *data, size_t begin,
                            size_t count, bool is_low_hidden)
{
    const struct onr_attention_kernels *kernels = &s->kernels->attention;
    if (mask->dtype == ONR_FLOAT && !mask->is_flag) {
        return kernels->last_above_f32(count, (const float *)data + begin,
                                       is_low_hidden ? LOW_MASK : -INFINITY);
    }
    double most = is_low_hidden ? (double)LOW_MASK : (double)-INFINITY;
    if (mask->dtype == ONR_BOOL && mask->is_flag && mask->fill <= most) {
        const uint8_t *flags = (const uint8_t *)data + begin;
        if (!mask->is_inverted) {
            return kernels->last_set_u8(count, flags);
        }
        while (count > 0 && flags[count - 1] != 0) {
            count--;
        }
    }
    return count;
}

/* Whether another mask after this one may give what it hides a score again. */
static bool is_covered(const struct onr_attention_mask *masks, int m)
{
    const struct onr_attention_mask *last = &masks[ONR_ATTENTION_MASKS - 1];
    return &masks[m] != last && last->replaces && last->fill > (double)-INFINITY;
}

static bool has_seen_key(const struct onr_attention_row *row)
{
    return row->state.max > LOW_SCORE;
}

/* Cuts off keys at the end of the range that a mask hides from a row. */
static void cut_hidden(const struct onr_attention_stream *s, const struct onr_attention_chunk *c,
                       const struct onr_attention_row *row, struct onr_key_range *range)
{
    bool has_seen = has_seen_key(row);
    bool is_only = c->masks[0].dtype == ONR_UNDEFINED || c->masks[1].dtype == ONR_UNDEFINED;
    for (int m = 0; m < ONR_ATTENTION_MASKS && range->begin < range->end; m++) {
        const struct onr_attention_mask *mask = &c->masks[m];
        if (mask->dtype == ONR_UNDEFINED || is_covered(c->masks, m)) {
            continue;
        }
        size_t end = range->end < mask->keys ? range->end : mask->keys;
        size_t count = end > range->begin ? end - range->begin : 0;
        size_t at = row->mask_rows[m] + range->begin;
        size_t left = last_unhidden(s, mask, s->d->masks[m], at, count, has_seen || is_only);
        if (left == 0 && !has_seen) { /* the row may be hidden whole, by numbers that count then */
            left = last_unhidden(s, mask, s->d->masks[m], at, count, false);
        }
        range->end = range->begin + left;
    }
}

/* Whether two rows see the same keys of a block: often they share limits and masks. */
static bool see_alike(const struct onr_attention_row *a, const struct onr_attention_row *b)
{
    return a->keys.begin == b->keys.begin && a->keys.end == b->keys.end &&
           a->mask_rows[0] == b->mask_rows[0] && a->mask_rows[1] == b->mask_rows[1] &&
           has_seen_key(a) == has_seen_key(b);
}

/* Sets the keys of the block that each of the rows sees, and returns those that any of them does. */
static struct onr_key_range see_keys(const struct onr_attention_stream *s,
                                     const struct onr_attention_chunk *c, size_t first,
                                     size_t count, const struct key_block *block,
                                     struct onr_key_range *seen)
{
    struct onr_key_range any = {SIZE_MAX, 0};
    const struct onr_attention_row *row = c->rows + first;
    size_t end = block->begin + block->count;
    for (size_t r = 0; r < count; r++) {
        if (r > 0 && see_alike(&row[r - 1], &row[r])) {
            seen[r] = seen[r - 1];
            continue;
        }
        struct onr_key_range range = row[r].keys;
        range.begin = range.begin > block->begin ? range.begin : block->begin;
        range.end = range.end < end ? range.end : end;
        cut_hidden(s, c, &row[r], &range);
        if (range.begin < range.end) {
            any.begin = range.begin < any.begin ? range.begin : any.begin;
            any.end = range.end > any.end ? range.end : any.end;
        }
        seen[r] = range;
    }
    return any;
}

/* ---- blocks ---- */

/* Few rows read keys and values where they lie, unless they must be converted. */
static void read_rows(const struct onr_attention_stream *s, const struct onr_attention_chunk *c,
                      struct key_block *block)
{
    size_t count = block->count;
    size_t past = s->a->past;
    block->k = onr_attention_rows(&s->keys, c->b, c->kv, past, block->begin, &count, c->k);
    block->v = onr_attention_rows(&s->values, c->b, c->kv, past, block->begin, &count, c->v);
}

static void pack_keys(const struct onr_attention_stream *s, const struct onr_attention_chunk *c,
                      const struct key_block *block)
{
    const struct onr_attention *a = s->a;
    struct onr_gemm_matrix k = onr_attention_matrix(&s->keys, c->b, c->kv, a->past, block->begin);
    if (k.dtype == ONR_FLOAT) {
        s->kernels->attention.pack_keys_f32(block->count, a->head,
                                            (struct onr_rows_f32){k.data, k.row_stride},
                                            s->k_gemm->columns, c->k);
        return;
    }
    k.column_stride = k.row_stride;
    k.row_stride = 1;
    onr_gemm_f32_pack(s->k_gemm, a->head, block->count, &k, 0,
                      onr_gemm_f32_panels(s->k_gemm, block->count), c->k);
}

/* Values are panels by nature; they are only copied for rows that would read them from afar again
 * and again. */
static void pack_values(const struct onr_attention_stream *s, const struct onr_attention_chunk *c,
                        struct key_block *block)
{
    const struct onr_attention *a = s->a;
    size_t columns = s->v_gemm->columns;
    struct onr_gemm_matrix v = onr_attention_matrix(&s->values, c->b, c->kv, a->past, block->begin);
    bool is_near = v.row_stride == a->v_head || c->count <= NEAR_ROWS || block->count <= NEAR_KEYS;
    if (v.dtype == ONR_FLOAT && a->v_head % columns == 0 && is_near) {
        block->v = (struct onr_rows_f32){v.data, v.row_stride};
        block->v_panel = columns;
        return;
    }
    block->v = (struct onr_rows_f32){c->v, columns};
    block->v_panel = block->count * columns;
    onr_gemm_f32_pack(s->v_gemm, block->count, a->v_head, &v, 0,
                      onr_gemm_f32_panels(s->v_gemm, a->v_head), c->v);
}

static void read_block(const struct onr_attention_stream *s, const struct onr_attention_chunk *c,
                       struct key_block *block)
{
    block->is_ready = true;
    if (c->is_few) {
        read_rows(s, c, block);
    } else {
        pack_keys(s, c, block);
        pack_values(s, c, block);
    }
}

/* One panel for some rows, cut evenly into tiles. */
static void run_tiles(const struct onr_gemm_f32 *gemm, size_t rows,
                      const struct onr_gemm_f32_tile *first)
{
    size_t tiles = (rows + gemm->rows - 1) / gemm->rows;
    for (size_t t = 0; t < tiles; t++) {
        struct onr_gemm_f32_tile tile = *first;
        size_t row = rows * t / tiles;
        tile.a += row * tile.a_stride;
        tile.c += row * tile.c_stride;
        tile.base = tile.base != NULL ? tile.base + row * tile.base_stride : NULL;
        gemm->tile[rows * (t + 1) / tiles - row](&tile);
    }
}

/* Scores of keys [begin, end) of a block for some rows. */
static void multiply_keys(const struct onr_attention_stream *s, const struct onr_attention_chunk *c,
                          size_t row, size_t rows, const struct key_block *block, size_t begin,
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
    for (size_t panel = begin / columns; panel * columns < end; panel++) {
        struct onr_gemm_f32_tile tile = {.k = head,
                                         .a = q,
                                         .a_stride = c->q_stride,
                                         .b = c->k + panel * columns * head,
                                         .b_stride = columns,
                                         .c = c->scores + panel * columns,
                                         .c_stride = c->score_stride,
                                         .scale = 1.0f};
        run_tiles(s->k_gemm, rows, &tile);
    }
}

/* Adds the values of keys [begin, end) of a block, weighted with what became of the scores. */
static void multiply_values(const struct onr_attention_stream *s,
                            const struct onr_attention_chunk *c, size_t row, size_t rows,
                            const struct key_block *block, size_t begin, size_t end)
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
    size_t panels = onr_gemm_f32_panels(s->v_gemm, s->a->v_head);
    for (size_t panel = 0; panel < panels; panel++) {
        float *sum = y + panel * s->v_gemm->columns;
        struct onr_gemm_f32_tile tile = {.k = end - begin,
                                         .a = weights,
                                         .a_stride = c->score_stride,
                                         .b = block->v.data + panel * block->v_panel +
                                              begin * block->v.stride,
                                         .b_stride = block->v.stride,
                                         .c = sum,
                                         .c_stride = c->y_stride,
                                         .base = sum,
                                         .base_stride = c->y_stride,
                                         .scale = 1.0f};
        run_tiles(s->v_gemm, rows, &tile);
    }
}

/* Adds the masks to the scores of a row, but for one that can be added on the way: it is returned. */
static const float *add_masks(const struct onr_attention_stream *s,
                              const struct onr_attention_chunk *c,
                              const struct onr_attention_row *row, struct onr_key_range seen,
                              float *scores)
{
    const float *last = NULL;
    for (int m = 0; m < ONR_ATTENTION_MASKS; m++) {
        const struct onr_attention_mask *mask = &c->masks[m];
        bool is_last = m + 1 == ONR_ATTENTION_MASKS || c->masks[m + 1].dtype == ONR_UNDEFINED;
        if (mask->dtype == ONR_FLOAT && !mask->is_flag && is_last) {
            last = (const float *)s->d->masks[m] + row->mask_rows[m] + seen.begin;
        } else if (mask->dtype != ONR_UNDEFINED) {
            onr_attention_add_mask(mask, s->d->masks[m], row->mask_rows[m], seen, scores);
        }
    }
    return last;
}

static void clear(float *x, size_t count)
{
    if (count > 0) {
        memset(x, 0, count * sizeof *x);
    }
}

/* Turns the scores of a row, from `any.begin` to `any.end`, into weights; those not seen become 0. */
static void weigh_row(const struct onr_attention_stream *s, const struct onr_attention_chunk *c,
                      size_t r, struct onr_key_range any, struct onr_key_range seen, float *scores)
{
    const struct onr_attention *a = s->a;
    const struct onr_attention_kernels *kernels = &s->kernels->attention;
    if (seen.begin >= seen.end) {
        clear(scores, any.end - any.begin);
        return;
    }
    struct onr_attention_row *row = c->rows + r;
    float *own = scores + (seen.begin - any.begin);
    size_t count = seen.end - seen.begin;
    if (a->softcap > 0) {
        kernels->softcap_f32(count, (float)a->softcap, own);
    }
    const float *mask = add_masks(s, c, row, seen, own);
    kernels->softmax_step_f32(count, own, mask, &row->state, a->v_head, c->y + r * c->y_stride);
    clear(scores, seen.begin - any.begin);
    clear(own + count, any.end - seen.end);
}

static void do_block(const struct onr_attention_stream *s, const struct onr_attention_chunk *c,
                     struct key_block *block)
{
    struct onr_key_range seen[ONR_ATTENTION_TILE_ROWS];
    size_t most = ONR_ATTENTION_TILE_ROWS / s->v_gemm->rows * s->v_gemm->rows;
    size_t tiles = (c->count + most - 1) / most;
    for (size_t t = 0; t < tiles; t++) {
        size_t row = c->count * t / tiles;
        size_t rows = c->count * (t + 1) / tiles - row;
        struct onr_key_range any = see_keys(s, c, row, rows, block, seen);
        if (any.begin >= any.end) {
            continue;
        }
        if (!block->is_ready) {
            read_block(s, c, block);
        }
        size_t begin = any.begin - block->begin;
        size_t end = any.end - block->begin;
        multiply_keys(s, c, row, rows, block, begin, end);
        for (size_t r = 0; r < rows; r++) {
            weigh_row(s, c, row + r, any, seen[r], c->scores + r * c->score_stride + begin);
        }
        multiply_values(s, c, row, rows, block, begin, end);
    }
}

void onr_attention_do_keys(const struct onr_attention_stream *stream,
                           const struct onr_attention_chunk *chunk, size_t begin, size_t end)
{
    struct key_block block = {.count = 0};
    for (size_t j = begin; j < end; j += block.count) {
        size_t stop = j < stream->a->past && stream->a->past < end ? stream->a->past : end;
        block.begin = j;
        block.count = stop - j < stream->a->block_keys ? stop - j : stream->a->block_keys;
        block.is_ready = false;
        do_block(stream, chunk, &block);
    }
}
