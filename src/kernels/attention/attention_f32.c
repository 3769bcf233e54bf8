/* SPDX-License-Identifier: Apache-2.0 */
/* Attention products in portable C on vectors as wide as the instruction set's. */
#include "kernels/attention/attention.h"
#include "kernels/conv/lanes.h"
#include "kernels/gemm/gemm_unroll.h"
#include "kernels/kernel.h"
#include "kernels/kernels.h"

#include <stdbool.h>
#include <string.h>

void ONR_KERNEL(onr_fill_attention_f32)(struct onr_kernels *kernels);

/* Of two vectors, in each group of four elements: the first halves or the last ones interleaved, and
 * their first or last two elements one after the other. */
#if ONR_LANES == 16
#    define LOW        0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29
#    define HIGH       2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31
#    define LOW_PAIRS  0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#    define HIGH_PAIRS 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#elif ONR_LANES == 8
#    define LOW        0, 8, 1, 9, 4, 12, 5, 13
#    define HIGH       2, 10, 3, 11, 6, 14, 7, 15
#    define LOW_PAIRS  0, 1, 8, 9, 4, 5, 12, 13
#    define HIGH_PAIRS 2, 3, 10, 11, 6, 7, 14, 15
#else
#    define LOW        0, 4, 1, 5
#    define HIGH       2, 6, 3, 7
#    define LOW_PAIRS  0, 1, 4, 5
#    define HIGH_PAIRS 2, 3, 6, 7
#endif
#define SHUFFLE(a, b, order) __builtin_shufflevector(a, b, order)

/* Most rows that a tile of few rows has: as many as leave its sums in registers. */
#if ONR_LANES == 16
#    define TILE_ROWS 4
#else
#    define TILE_ROWS 2
#endif

/* The sums of all elements of each of four vectors. */
ONR_INLINE onr_lanes4 sum_four(const onr_lanes *x)
{
    onr_lanes low = SHUFFLE(x[0], x[1], LOW) + SHUFFLE(x[0], x[1], HIGH);
    onr_lanes high = SHUFFLE(x[2], x[3], LOW) + SHUFFLE(x[2], x[3], HIGH);
    return onr_lanes_fold(SHUFFLE(low, high, LOW_PAIRS) + SHUFFLE(low, high, HIGH_PAIRS));
}

#define LINE 16 /* floats in a cache line */

/* Asks for `count` elements of row j, if there is one. */
ONR_INLINE void prefetch_row(struct onr_rows_f32 x, size_t rows, size_t j, size_t count)
{
    if (j < rows) {
        onr_prefetch(x.data + j * x.stride, count * sizeof(float));
    }
}

/* Four keys for some rows; their number is a constant where this is inlined. */
ONR_INLINE void score_tile(size_t rows, size_t head, struct onr_rows_f32 q, const float *const *k,
                           onr_lanes4 *scores)
{
    onr_lanes acc[TILE_ROWS][4] = {{{0}}};
    size_t h = 0;
    for (; h + ONR_LANES <= head; h += ONR_LANES) {
        ONR_UNROLL
        for (size_t r = 0; r < rows; r++) {
            const onr_lanes a = onr_load(q.data + r * q.stride + h);
            ONR_UNROLL
            for (size_t j = 0; j < 4; j++) {
                acc[r][j] = onr_fused(a, onr_load(k[j] + h), acc[r][j]);
            }
        }
    }
    if (h < head) {
        int64_t left = (int64_t)(head - h);
        ONR_UNROLL
        for (size_t r = 0; r < rows; r++) {
            const onr_lanes a = onr_load_part(q.data + r * q.stride + h, left, 0.0f);
            ONR_UNROLL
            for (size_t j = 0; j < 4; j++) {
                acc[r][j] = onr_fused(a, onr_load_part(k[j] + h, left, 0.0f), acc[r][j]);
            }
        }
    }
    ONR_UNROLL
    for (size_t r = 0; r < rows; r++) {
        scores[r] = sum_four(acc[r]);
    }
}

static void score_rows(size_t rows, size_t head, struct onr_rows_f32 q, const float *const *k,
                       onr_lanes4 *scores)
{
    switch (rows) {
#if TILE_ROWS == 4
    case 4:
        score_tile(4, head, q, k, scores);
        break;
    case 3:
        score_tile(3, head, q, k, scores);
        break;
#endif
    case 2:
        score_tile(2, head, q, k, scores);
        break;
    default:
        score_tile(1, head, q, k, scores);
        break;
    }
}

static void scores_f32(size_t rows, size_t keys, size_t head, struct onr_rows_f32 q,
                       struct onr_rows_f32 k, float *scores, size_t stride)
{
    for (size_t j = 0; j < keys; j += 4) {
        size_t count = keys - j < 4 ? keys - j : 4;
        const float *four[4];
        for (size_t i = 0; i < 4; i++) { /* the last key stands in for those that are missing */
            four[i] = k.data + (j + (i < count ? i : count - 1)) * k.stride;
            prefetch_row(k, keys, j + i + ONR_ROWS_AHEAD, head);
        }
        for (size_t r = 0; r < rows; r += TILE_ROWS) {
            size_t some = rows - r < TILE_ROWS ? rows - r : TILE_ROWS;
            struct onr_rows_f32 from = {q.data + r * q.stride, q.stride};
            onr_lanes4 sums[TILE_ROWS];
            score_rows(some, head, from, four, sums);
            for (size_t i = 0; i < some; i++) {
                memcpy(scores + (r + i) * stride + j, &sums[i], count * sizeof(float));
            }
        }
    }
}

/* A strip of some rows: `columns` vectors, or one of which `width` elements count. The numbers of rows and
 * vectors are constants where this is inlined. */
ONR_INLINE void value_tile(size_t rows, size_t columns, size_t keys, size_t ahead, int64_t width,
                           struct onr_rows_f32 p, struct onr_rows_f32 v, float *y, size_t stride)
{
    onr_lanes acc[TILE_ROWS][4];
    ONR_UNROLL
    for (size_t r = 0; r < rows; r++) {
        ONR_UNROLL
        for (size_t c = 0; c < columns; c++) {
            const float *from = y + r * stride + c * ONR_LANES;
            acc[r][c] = columns > 1 ? onr_load(from) : onr_load_part(from, width, 0.0f);
        }
    }
    for (size_t j = 0; j < keys; j++) {
        prefetch_row(v, keys, j + ONR_ROWS_AHEAD, ahead);
        ONR_UNROLL
        for (size_t r = 0; r < rows; r++) {
            float weight = p.data[r * p.stride + j];
            ONR_UNROLL
            for (size_t c = 0; c < columns; c++) {
                const float *from = v.data + j * v.stride + c * ONR_LANES;
                onr_lanes in = columns > 1 ? onr_load(from) : onr_load_part(from, width, 0.0f);
                acc[r][c] = onr_fused_number(weight, in, acc[r][c]);
            }
        }
    }
    ONR_UNROLL
    for (size_t r = 0; r < rows; r++) {
        ONR_UNROLL
        for (size_t c = 0; c < columns; c++) {
            float *to = y + r * stride + c * ONR_LANES;
            if (columns > 1) {
                onr_store(to, acc[r][c]);
            } else {
                onr_store_first(to, width, acc[r][c]);
            }
        }
    }
}

ONR_INLINE void value_rows(size_t rows, size_t columns, size_t keys, size_t ahead, int64_t width,
                           struct onr_rows_f32 p, struct onr_rows_f32 v, float *y, size_t stride)
{
    switch (rows) {
#if TILE_ROWS == 4
    case 4:
        value_tile(4, columns, keys, ahead, width, p, v, y, stride);
        break;
    case 3:
        value_tile(3, columns, keys, ahead, width, p, v, y, stride);
        break;
#endif
    case 2:
        value_tile(2, columns, keys, ahead, width, p, v, y, stride);
        break;
    default:
        value_tile(1, columns, keys, ahead, width, p, v, y, stride);
        break;
    }
}

/* Elements of the next rows that are asked for: those of the next strip as well. */
#define AHEAD 128

static void values_f32(size_t rows, size_t keys, size_t width, struct onr_rows_f32 p,
                       struct onr_rows_f32 v, float *y, size_t stride)
{
    size_t some = 0;
    for (size_t i = 0; i < width; i += some * ONR_LANES) {
        size_t left = width - i;
        int64_t last = left < ONR_LANES ? (int64_t)left : ONR_LANES;
        size_t ahead = left < AHEAD ? left : AHEAD;
        some = left >= 4 * ONR_LANES ? 4 : left >= 2 * ONR_LANES ? 2 : 1;
        struct onr_rows_f32 from = {v.data + i, v.stride};
        for (size_t r = 0; r < rows; r += TILE_ROWS) {
            size_t count = rows - r < TILE_ROWS ? rows - r : TILE_ROWS;
            struct onr_rows_f32 weights = {p.data + r * p.stride, p.stride};
            float *out = y + r * stride + i;
            if (some == 4) {
                value_rows(count, 4, keys, ahead, last, weights, from, out, stride);
            } else if (some == 2) {
                value_rows(count, 2, keys, ahead, last, weights, from, out, stride);
            } else {
                value_rows(count, 1, keys, ahead, last, weights, from, out, stride);
            }
        }
    }
}

static void scale_f32(size_t count, float factor, const float *x, float *y)
{
    ONR_IVDEP
    for (size_t i = 0; i < count; i++) {
        y[i] = x[i] * factor;
    }
}

static void divide_rows_f32(size_t rows, size_t width, const struct onr_softmax_row_f32 *states,
                            float empty, struct onr_rows_f32 x, float *y, size_t stride)
{
    for (size_t r = 0; r < rows; r++) {
        double sum = states[r].sum;
        const float factor = sum == 0 ? empty : (float)(1.0 / sum);
        const float *from = x.data + r * x.stride;
        float *to = y + r * stride;
        size_t i = 0;
        for (; i + ONR_LANES <= width; i += ONR_LANES) {
            onr_store(to + i, onr_load(from + i) * factor);
        }
        for (; i < width; i++) {
            to[i] = from[i] * factor;
        }
    }
}

/* Four elements of each row, one behind the other. */
ONR_INLINE onr_lanes4 load_four(const float *x)
{
    onr_lanes4 v;
    memcpy(&v, x, sizeof v);
    return v;
}

/* Lane l is element l % 4 of row l / 4 * 4, where row i begins at x[i]. */
ONR_INLINE onr_lanes load_every_fourth(const float *const *x)
{
#if ONR_LANES == 4
    return load_four(x[0]);
#else
    typedef float vector8 __attribute__((vector_size(32)));
    vector8 first =
        __builtin_shufflevector(load_four(x[0]), load_four(x[4]), 0, 1, 2, 3, 4, 5, 6, 7);
#    if ONR_LANES == 8
    return first;
#    else
    vector8 last =
        __builtin_shufflevector(load_four(x[8]), load_four(x[12]), 0, 1, 2, 3, 4, 5, 6, 7);
    return __builtin_shufflevector(first, last, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
                                   15);
#    endif
#endif
}

/* y[i * stride + j] = x[j][i] * scale for i < 4, j < ONR_LANES. */
ONR_INLINE void transpose(const float *const *x, float scale, float *y, size_t stride)
{
    onr_lanes row[4];
    ONR_UNROLL
    for (size_t i = 0; i < 4; i++) {
        row[i] = load_every_fourth(x + i);
    }
    onr_lanes low01 = SHUFFLE(row[0], row[1], LOW);
    onr_lanes high01 = SHUFFLE(row[0], row[1], HIGH);
    onr_lanes low23 = SHUFFLE(row[2], row[3], LOW);
    onr_lanes high23 = SHUFFLE(row[2], row[3], HIGH);
    onr_store(y, SHUFFLE(low01, low23, LOW_PAIRS) * scale);
    onr_store(y + stride, SHUFFLE(low01, low23, HIGH_PAIRS) * scale);
    onr_store(y + 2 * stride, SHUFFLE(high01, high23, LOW_PAIRS) * scale);
    onr_store(y + 3 * stride, SHUFFLE(high01, high23, HIGH_PAIRS) * scale);
}

/* Keys [0, ONR_LANES) as columns. What will be read next is asked for meanwhile: rows of one head lie
 * too far apart for the machine to guess it. next: NULL for nothing. */
static inline void pack_lanes(size_t head, struct onr_rows_f32 k, const float *next, float scale,
                              size_t columns, float *y)
{
    size_t h = 0;
    for (; h + 4 <= head; h += 4) {
        for (size_t i = 0; next != NULL && i < ONR_LANES / 4; i++) {
            size_t row = h / 4 % 4 * (ONR_LANES / 4) + i;
            __builtin_prefetch(next + row * k.stride + h / LINE * LINE);
        }
        const float *row[ONR_LANES];
        ONR_UNROLL
        for (size_t j = 0; j < ONR_LANES; j++) {
            row[j] = k.data + j * k.stride + h;
        }
        transpose(row, scale, y + h * columns, columns);
    }
    for (; h < head; h++) {
        for (size_t i = 0; i < ONR_LANES; i++) {
            y[h * columns + i] = k.data[i * k.stride + h] * scale;
        }
    }
}

/* Fewer keys than lanes: the last one stands in for those that are missing. */
static void pack_last(size_t count, size_t head, struct onr_rows_f32 k, float scale, size_t columns,
                      float *y)
{
    const float *row[ONR_LANES];
    for (size_t j = 0; j < ONR_LANES; j++) {
        row[j] = k.data + (j < count ? j : count - 1) * k.stride;
    }
    size_t h = 0;
    for (; h + 4 <= head; h += 4) {
        transpose(row, scale, y + h * columns, columns);
        for (size_t j = 0; j < ONR_LANES; j++) {
            row[j] += 4;
        }
    }
    for (; h < head; h++) {
        for (size_t j = 0; j < ONR_LANES; j++) {
            y[h * columns + j] = *row[j]++ * scale;
        }
    }
}

static void pack_keys_f32(size_t keys, size_t head, struct onr_rows_f32 k, float scale,
                          size_t columns, float *y)
{
    for (size_t first = 0; first < keys; first += columns, y += columns * head) {
        for (size_t c = 0; c < columns; c += ONR_LANES) {
            size_t j = first + c;
            size_t left = j < keys ? keys - j : 1;
            struct onr_rows_f32 rows = {k.data + (keys - left) * k.stride, k.stride};
            if (left < ONR_LANES) {
                pack_last(left, head, rows, scale, columns, y + c);
            } else {
                bool has_next = left >= 2 * ONR_LANES;
                const float *next = has_next ? rows.data + ONR_LANES * k.stride : NULL;
                pack_lanes(head, rows, next, scale, columns, y + c);
            }
        }
    }
}

static void pack_values_f32(size_t keys, size_t width, struct onr_rows_f32 v, size_t columns,
                            float *y)
{
    for (size_t j = 0; j < keys; j++) {
        const float *x = v.data + j * v.stride;
        prefetch_row(v, keys, j + ONR_ROWS_AHEAD, width);
        float *out = y + j * columns;
        for (size_t i = 0; i < width; i += columns, out += keys * columns) {
            size_t count = width - i < columns ? width - i : columns;
            size_t c = 0;
            for (; c + ONR_LANES <= count; c += ONR_LANES) {
                onr_store(out + c, onr_load(x + i + c));
            }
            for (; c < columns; c++) {
                out[c] = c < count ? x[i + c] : 0.0f;
            }
        }
    }
}

void ONR_KERNEL(onr_fill_attention_f32)(struct onr_kernels *kernels)
{
    struct onr_attention_kernels *own = &kernels->attention;
    own->scores_f32 = scores_f32;
    own->values_f32 = values_f32;
    own->divide_rows_f32 = divide_rows_f32;
    own->scale_f32 = scale_f32;
    own->pack_keys_f32 = pack_keys_f32;
    own->pack_values_f32 = pack_values_f32;
}
