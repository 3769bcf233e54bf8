/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attention products in portable C on vectors as wide as the instruction set's. Compiled with
 * -ffp-contract=fast: products are added with one rounding where the machine can.
 */
#include "kernels/attention/attention.h"
#include "kernels/conv/lanes.h"
#include "kernels/kernel.h"
#include "kernels/kernels.h"

#include <string.h>

void ONR_KERNEL(onr_fill_attention_f32)(struct onr_kernels *kernels);

typedef float vector4 __attribute__((vector_size(16)));

/* Four keys for one or two rows; rows is a constant where this is inlined. */
static inline __attribute__((always_inline)) void score_tile(size_t rows, size_t head,
                                                             const float *q, size_t q_stride,
                                                             const float *k, size_t k_stride,
                                                             float *scores, size_t stride)
{
    onr_lanes acc[2][4] = {{{0}}};
    size_t h = 0;
    for (; h + ONR_LANES <= head; h += ONR_LANES) {
        for (size_t r = 0; r < rows; r++) {
            const onr_lanes a = onr_load(q + r * q_stride + h);
            for (size_t j = 0; j < 4; j++) {
                acc[r][j] += a * onr_load(k + j * k_stride + h);
            }
        }
    }
    /* Apart from the loop over the rest, so that it is unrolled and acc stays in registers. */
    for (size_t r = 0; r < rows; r++) {
        for (size_t j = 0; j < 4; j++) {
            scores[r * stride + j] = onr_lanes_sum(acc[r][j]);
        }
    }
    for (; h < head; h++) {
        for (size_t r = 0; r < rows; r++) {
            for (size_t j = 0; j < 4; j++) {
                scores[r * stride + j] += q[r * q_stride + h] * k[j * k_stride + h];
            }
        }
    }
}

static inline float score_one(size_t head, const float *q, const float *k)
{
    onr_lanes acc = {0};
    size_t h = 0;
    for (; h + ONR_LANES <= head; h += ONR_LANES) {
        acc += onr_load(q + h) * onr_load(k + h);
    }
    float sum = onr_lanes_sum(acc);
    for (; h < head; h++) {
        sum += q[h] * k[h];
    }
    return sum;
}

static void scores_f32(size_t rows, size_t keys, size_t head, struct onr_rows_f32 q,
                       struct onr_rows_f32 k, float *scores, size_t stride)
{
    size_t whole = keys - keys % 4;
    for (size_t j = 0; j < whole; j += 4) {
        const float *four = k.data + j * k.stride;
        size_t r = 0;
        for (; r + 2 <= rows; r += 2) {
            score_tile(2, head, q.data + r * q.stride, q.stride, four, k.stride,
                       scores + r * stride + j, stride);
        }
        if (r < rows) {
            score_tile(1, head, q.data + r * q.stride, q.stride, four, k.stride,
                       scores + r * stride + j, stride);
        }
    }
    for (size_t j = whole; j < keys; j++) {
        for (size_t r = 0; r < rows; r++) {
            scores[r * stride + j] = score_one(head, q.data + r * q.stride, k.data + j * k.stride);
        }
    }
}

/* Columns [0, 4 * ONR_LANES) of one or four rows; rows is a constant where this is inlined. */
static inline __attribute__((always_inline)) void value_tile(size_t rows, size_t keys,
                                                             const float *p, size_t p_stride,
                                                             const float *v, size_t v_stride,
                                                             float *y, size_t stride)
{
    onr_lanes acc[4][4];
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < 4; c++) {
            acc[r][c] = onr_load(y + r * stride + c * ONR_LANES);
        }
    }
    for (size_t j = 0; j < keys; j++) {
        for (size_t r = 0; r < rows; r++) {
            float weight = p[r * p_stride + j];
            for (size_t c = 0; c < 4; c++) {
                acc[r][c] += weight * onr_load(v + j * v_stride + c * ONR_LANES);
            }
        }
    }
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < 4; c++) {
            onr_store(y + r * stride + c * ONR_LANES, acc[r][c]);
        }
    }
}

/* The columns that are left over, fewer than 4 * ONR_LANES, of one row. */
static void value_rest(size_t keys, size_t width, const float *p, struct onr_rows_f32 v, float *y)
{
    float acc[4 * ONR_LANES];
    for (size_t i = 0; i < width; i++) {
        acc[i] = y[i];
    }
    for (size_t j = 0; j < keys; j++) {
        for (size_t i = 0; i < width; i++) {
            acc[i] += p[j] * v.data[j * v.stride + i];
        }
    }
    for (size_t i = 0; i < width; i++) {
        y[i] = acc[i];
    }
}

static void values_f32(size_t rows, size_t keys, size_t width, struct onr_rows_f32 p,
                       struct onr_rows_f32 v, float *y, size_t stride)
{
    size_t whole = width - width % (4 * ONR_LANES);
    for (size_t i = 0; i < whole; i += 4 * ONR_LANES) {
        size_t r = 0;
        for (; r + 4 <= rows; r += 4) {
            value_tile(4, keys, p.data + r * p.stride, p.stride, v.data + i, v.stride,
                       y + r * stride + i, stride);
        }
        for (; r < rows; r++) {
            value_tile(1, keys, p.data + r * p.stride, p.stride, v.data + i, v.stride,
                       y + r * stride + i, stride);
        }
    }
    struct onr_rows_f32 rest = {v.data + whole, v.stride};
    for (size_t r = 0; r < rows && whole < width; r++) {
        value_rest(keys, width - whole, p.data + r * p.stride, rest, y + r * stride + whole);
    }
}

static void scale_f32(size_t count, float factor, const float *x, float *y)
{
    ONR_IVDEP
    for (size_t i = 0; i < count; i++) {
        y[i] = x[i] * factor;
    }
}

/* y[i * y_stride + j] = x[j * x_stride + i] for i, j < 4. */
static inline void transpose_four(const float *x, size_t x_stride, float *y, size_t y_stride)
{
    vector4 row[4];
    for (size_t i = 0; i < 4; i++) {
        memcpy(&row[i], x + i * x_stride, sizeof row[i]);
    }
    vector4 low01 = __builtin_shufflevector(row[0], row[1], 0, 4, 1, 5);
    vector4 high01 = __builtin_shufflevector(row[0], row[1], 2, 6, 3, 7);
    vector4 low23 = __builtin_shufflevector(row[2], row[3], 0, 4, 1, 5);
    vector4 high23 = __builtin_shufflevector(row[2], row[3], 2, 6, 3, 7);
    row[0] = __builtin_shufflevector(low01, low23, 0, 1, 4, 5);
    row[1] = __builtin_shufflevector(low01, low23, 2, 3, 6, 7);
    row[2] = __builtin_shufflevector(high01, high23, 0, 1, 4, 5);
    row[3] = __builtin_shufflevector(high01, high23, 2, 3, 6, 7);
    for (size_t i = 0; i < 4; i++) {
        memcpy(y + i * y_stride, &row[i], sizeof row[i]);
    }
}

/* Rows that are asked for before they are transposed: heads lie too far apart for the machine to
 * see that they are read one after the other. */
#define KEYS_AHEAD 12

static inline void prefetch_row(const float *x, size_t count)
{
    for (size_t i = 0; i < count; i += 16) {
        __builtin_prefetch(x + i);
    }
}

static void pack_keys_f32(size_t keys, size_t head, struct onr_rows_f32 k, size_t columns, float *y)
{
    for (size_t first = 0; first < keys; first += columns, y += columns * head) {
        size_t count = keys - first < columns ? keys - first : columns;
        size_t j = 0;
        for (; j + 4 <= count; j += 4) {
            const float *x = k.data + (first + j) * k.stride;
            for (size_t i = first + j + KEYS_AHEAD; i < first + j + KEYS_AHEAD + 4 && i < keys;
                 i++) {
                prefetch_row(k.data + i * k.stride, head);
            }
            size_t h = 0;
            for (; h + 4 <= head; h += 4) {
                transpose_four(x + h, k.stride, y + h * columns + j, columns);
            }
            for (; h < head; h++) {
                for (size_t i = 0; i < 4; i++) {
                    y[h * columns + j + i] = x[i * k.stride + h];
                }
            }
        }
        for (; j < columns; j++) {
            for (size_t h = 0; h < head; h++) {
                y[h * columns + j] = j < count ? k.data[(first + j) * k.stride + h] : 0.0f;
            }
        }
    }
}

void ONR_KERNEL(onr_fill_attention_f32)(struct onr_kernels *kernels)
{
    struct onr_attention_kernels *own = &kernels->attention;
    own->scores_f32 = scores_f32;
    own->values_f32 = values_f32;
    own->scale_f32 = scale_f32;
    own->pack_keys_f32 = pack_keys_f32;
}
