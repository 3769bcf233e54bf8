/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scores of streaming attention: which keys of a block each row sees, masks, and a step of their
 * softmax.
 */
#include "base/size.h"
#include "ops/attention/attention_block.h"
#include "ops/attention/attention_open.h"

#include <math.h>

/* ---- which keys count ---- */

/* A row with a score above this has seen a key that no mask hides. */
#define LOW_SCORE (-1e30f)

/* Keys of a row up to the last that a mask does not hide, as number from `begin` on. */
static size_t last_unhidden(const struct onr_attention_stream *s,
                            const struct onr_attention_mask *mask, const void *data, size_t begin,
                            size_t count, bool is_low_hidden)
{
    const struct onr_attention_kernels *kernels = &s->kernels->attention;
    if (mask->dtype == ONR_FLOAT && !mask->is_flag) {
        const float *x = (const float *)data + begin;
        float limit = is_low_hidden ? ONR_LOW_MASK : -INFINITY;
        return x[count - 1] > limit ? count : kernels->last_above_f32(count, x, limit);
    }
    double most = is_low_hidden ? (double)ONR_LOW_MASK : (double)-INFINITY;
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

static bool has_seen_key(const struct onr_attention_chunk *c, size_t r)
{
    return c->states[r].max > LOW_SCORE;
}

/* The keys that a row may see by rule, of those that its masks cover. */
static struct onr_key_range allowed_keys(const struct onr_attention_chunk *c, size_t r,
                                         const struct onr_key_block *block)
{
    struct onr_key_range range = c->rows[r].keys;
    size_t end = block->begin + block->count;
    range.begin = onr_size_max(range.begin, block->begin);
    range.end = onr_size_min(range.end, end);
    for (int m = 0; m < ONR_ATTENTION_MASKS; m++) {
        if (c->masks[m].dtype != ONR_UNDEFINED && !is_covered(c->masks, m) &&
            c->masks[m].keys < range.end) {
            range.end = c->masks[m].keys;
        }
    }
    range.end = onr_size_max(range.end, range.begin);
    return range;
}

/* Cuts off keys at the end of the range that a mask hides from row r. */
static void cut_hidden(const struct onr_attention_stream *s, const struct onr_attention_chunk *c,
                       size_t r, struct onr_key_range *range)
{
    const struct onr_attention_row *row = &c->rows[r];
    bool has_seen = has_seen_key(c, r);
    bool is_only = c->masks[0].dtype == ONR_UNDEFINED || c->masks[1].dtype == ONR_UNDEFINED;
    for (int m = 0; m < ONR_ATTENTION_MASKS && range->begin < range->end; m++) {
        const struct onr_attention_mask *mask = &c->masks[m];
        if (row->is_open || mask->dtype == ONR_UNDEFINED || is_covered(c->masks, m)) {
            continue;
        }
        size_t count = range->end - range->begin;
        size_t at = row->mask_rows[m] + range->begin;
        size_t left = last_unhidden(s, mask, s->d->masks[m], at, count, has_seen || is_only);
        if (left == 0 && !has_seen) { /* the row may be hidden whole, by numbers that count then */
            left = last_unhidden(s, mask, s->d->masks[m], at, count, false);
        }
        range->end = range->begin + left;
    }
}

/* Rows from r on, at most `most`, that see the same keys of a block. */
static size_t count_alike(const struct onr_attention_chunk *c, size_t r, size_t most)
{
    size_t count = onr_size_min(c->rows[r].alike, most);
    bool has_seen = has_seen_key(c, r);
    for (size_t i = 1; i < count; i++) {
        if (has_seen_key(c, r + i) != has_seen) {
            return i;
        }
    }
    return count;
}

/* Limits what some rows see by rule to what any row sees. */
static void set_seen(struct onr_score_rows *rows, size_t begin, size_t count)
{
    struct onr_key_range range = rows->seen[begin];
    range.begin = onr_size_max(range.begin, rows->any.begin);
    range.end = onr_size_min(range.end, rows->any.end);
    for (size_t r = begin; r < begin + count; r++) {
        rows->seen[r] = range;
    }
}

void onr_attention_see_keys(const struct onr_attention_stream *stream,
                            const struct onr_attention_chunk *chunk,
                            const struct onr_key_block *block, struct onr_score_rows *rows)
{
    const struct onr_attention_chunk *c = chunk;
    size_t alike[ONR_ATTENTION_TILE_ROWS];
    rows->any = (struct onr_key_range){SIZE_MAX, 0};
    for (size_t r = 0; r < rows->count; r += alike[r]) {
        alike[r] = count_alike(c, rows->row + r, rows->count - r);
        struct onr_key_range range = allowed_keys(c, rows->row + r, block);
        rows->seen[r] = range;
        cut_hidden(stream, c, rows->row + r, &range);
        if (range.begin < range.end) {
            rows->any.begin = onr_size_min(rows->any.begin, range.begin);
            rows->any.end = onr_size_max(rows->any.end, range.end);
        }
    }
    for (size_t r = 0; r < rows->count; r += alike[r]) {
        set_seen(rows, r, alike[r]);
    }
    rows->is_alike = alike[0] == rows->count;
}

/* ---- weights ---- */

static bool is_additive(const struct onr_attention_mask *mask)
{
    return mask->dtype == ONR_FLOAT && !mask->is_flag;
}

static void add_mask(const struct onr_attention_stream *s, const struct onr_attention_chunk *c,
                     size_t r, int m, struct onr_key_range seen, float *scores)
{
    const struct onr_attention_mask *mask = &c->masks[m];
    size_t row = c->rows[r].mask_rows[m];
    if (is_additive(mask)) {
        s->kernels->binary.rows[ONR_BINARY_ADD][ONR_FLOAT](
            seen.end - seen.begin, scores, 1, (const float *)s->d->masks[m] + row + seen.begin, 1,
            scores);
    } else {
        onr_attention_add_mask(mask, s->d->masks[m], row, seen, scores);
    }
}

static void hide(float *scores, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++) {
        scores[i] = -INFINITY;
    }
}

/* Whether all rows see all keys from the first score on. */
static bool is_even(const struct onr_score_rows *rows)
{
    bool is_same = rows->from == rows->any.begin;
    for (size_t r = 0; r < rows->count && !rows->is_alike; r++) {
        is_same &= rows->seen[r].begin == rows->any.begin && rows->seen[r].end == rows->any.end;
    }
    return is_same;
}

/* Caps the scores of row r, adds the masks before `masks`, and hides what it does not see. */
static void mask_row(const struct onr_attention_stream *s, const struct onr_attention_chunk *c,
                     const struct onr_score_rows *rows, size_t r, int masks)
{
    struct onr_key_range seen = rows->seen[r];
    float *scores = rows->scores + r * c->score_stride;
    if (seen.begin >= seen.end) {
        hide(scores, 0, rows->any.end - rows->from);
        return;
    }
    float *own = scores + (seen.begin - rows->from);
    if (s->a->softcap > 0) {
        s->kernels->attention.softcap_f32(seen.end - seen.begin, (float)s->a->softcap, own);
    }
    for (int m = 0; m < masks; m++) {
        if (c->masks[m].dtype != ONR_UNDEFINED) {
            add_mask(s, c, rows->row + r, m, seen, own);
        }
    }
    hide(scores, 0, seen.begin - rows->from);
    hide(scores, seen.end - rows->from, rows->any.end - rows->from);
}

/* The last mask is added on the way to the maximum when all rows see the same keys. */
void onr_attention_weigh_rows(const struct onr_attention_stream *stream,
                              const struct onr_attention_chunk *chunk,
                              const struct onr_score_rows *rows)
{
    const struct onr_attention_stream *s = stream;
    const struct onr_attention_chunk *c = chunk;
    const float *mask_rows[ONR_ATTENTION_TILE_ROWS];
    int last = ONR_ATTENTION_MASKS - 1;
    while (last >= 0 && c->masks[last].dtype == ONR_UNDEFINED) {
        last--;
    }
    bool even = is_even(rows);
    bool on_the_way = even && last >= 0 && is_additive(&c->masks[last]);
    int before = on_the_way ? last : last + 1;
    bool is_open = rows->is_alike && (last < 0 || c->rows[rows->row].is_open);
    bool is_plain = even && is_open && s->a->softcap <= 0;
    for (size_t r = 0; r < rows->count && !is_plain; r++) {
        const struct onr_attention_row *row = &c->rows[rows->row + r];
        int own = row->is_open ? 0 : before;
        if (!even || own > 0 || s->a->softcap > 0) {
            mask_row(s, c, rows, r, own);
        }
        mask_rows[r] = on_the_way && !row->is_open
                           ? (const float *)s->d->masks[last] + row->mask_rows[last] + rows->from
                           : NULL;
    }
    s->kernels->attention.softmax_step_f32(
        &(struct onr_softmax_f32){.row_count = rows->count,
                                  .count = rows->any.end - rows->from,
                                  .scores = rows->scores,
                                  .stride = c->score_stride,
                                  .masks = on_the_way && !is_plain ? mask_rows : NULL,
                                  .rows = c->states + rows->row,
                                  .y = c->y + rows->row * c->y_stride,
                                  .width = s->a->v_head,
                                  .y_stride = c->y_stride});
}
