/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attention products in portable C on vectors as wide as the instruction set's. Compiled with
 * -ffp-contract=fast: products are added with one rounding where the machine can.
 */
#include "kernels/attention/attention.h"
#include "kernels/elementwise/vmath.h"
#include "kernels/kernel.h"
#include "kernels/kernels.h"

#include <string.h>

#if defined(__AVX512F__)
#    define WIDTH 16
#elif defined(__AVX2__)
#    define WIDTH 8
#else
#    define WIDTH 4
#endif

/* WIDTH floats at any alignment of a float. */
typedef float vector __attribute__((vector_size(4 * WIDTH), aligned(4), may_alias));

void ONR_KERNEL(onr_fill_attention_f32)(struct onr_kernels *kernels);

typedef float vector4 __attribute__((vector_size(16)));
typedef float vector8 __attribute__((vector_size(32)));

/* The sum of all lanes, by halves. */
static inline __attribute__((always_inline)) float sum_lanes(const vector v)
{
#if WIDTH == 16
    vector8 half = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) +
                   __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
#elif WIDTH == 8
    vector8 half = v;
#endif
#if WIDTH >= 8
    vector4 four = __builtin_shufflevector(half, half, 0, 1, 2, 3) +
                   __builtin_shufflevector(half, half, 4, 5, 6, 7);
#else
    vector4 four = v;
#endif
    four += __builtin_shufflevector(four, four, 2, 3, 0, 1);
    return four[0] + four[1];
}

/* Four keys for one or two rows; rows is a constant where this is inlined. */
static inline __attribute__((always_inline)) void score_tile(size_t rows, size_t head,
                                                             const float *q, size_t q_stride,
                                                             const float *k, size_t k_stride,
                                                             float *scores, size_t stride)
{
    vector acc[2][4] = {{{0}}};
    size_t h = 0;
    for (; h + WIDTH <= head; h += WIDTH) {
        for (size_t r = 0; r < rows; r++) {
            const vector a = *(const vector *)(q + r * q_stride + h);
            for (size_t j = 0; j < 4; j++) {
                acc[r][j] += a * *(const vector *)(k + j * k_stride + h);
            }
        }
    }
    /* Apart from the loop over the rest, so that it is unrolled and acc stays in registers. */
    for (size_t r = 0; r < rows; r++) {
        for (size_t j = 0; j < 4; j++) {
            scores[r * stride + j] = sum_lanes(acc[r][j]);
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
    vector acc = {0};
    size_t h = 0;
    for (; h + WIDTH <= head; h += WIDTH) {
        acc += *(const vector *)(q + h) * *(const vector *)(k + h);
    }
    float sum = sum_lanes(acc);
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

/* Columns [0, 4 * WIDTH) of one or four rows; rows is a constant where this is inlined. */
static inline __attribute__((always_inline)) void value_tile(size_t rows, size_t keys,
                                                             const float *p, size_t p_stride,
                                                             const float *v, size_t v_stride,
                                                             float *y, size_t stride)
{
    vector acc[4][4];
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < 4; c++) {
            acc[r][c] = *(const vector *)(y + r * stride + c * WIDTH);
        }
    }
    for (size_t j = 0; j < keys; j++) {
        for (size_t r = 0; r < rows; r++) {
            float weight = p[r * p_stride + j];
            for (size_t c = 0; c < 4; c++) {
                acc[r][c] += weight * *(const vector *)(v + j * v_stride + c * WIDTH);
            }
        }
    }
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < 4; c++) {
            *(vector *)(y + r * stride + c * WIDTH) = acc[r][c];
        }
    }
}

/* The columns that are left over, fewer than 4 * WIDTH, of one row. */
static void value_rest(size_t keys, size_t width, const float *p, struct onr_rows_f32 v, float *y)
{
    float acc[4 * WIDTH];
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
    size_t whole = width - width % (4 * WIDTH);
    for (size_t i = 0; i < whole; i += 4 * WIDTH) {
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

/* Elements that are done together: two vectors. The last ones of a row are filled up with -inf. */
#define LANES (2 * WIDTH)

static inline __attribute__((always_inline)) float larger(float a, float b)
{
    return a > b ? a : b;
}

/* lane[l] = larger(lane[l], lane[l + count]) for l < count. */
static inline __attribute__((always_inline)) void fold_max(size_t count, float *lane)
{
    ONR_IVDEP
    for (size_t l = 0; l < count; l++) {
        lane[l] = larger(lane[l], lane[l + count]);
    }
}

static inline void fill_rest(size_t count, const float *x, float *rest)
{
    for (size_t l = 0; l < LANES; l++) {
        rest[l] = -INFINITY;
    }
    memcpy(rest, x, count * sizeof(float));
}

static inline __attribute__((always_inline)) void max_step(const float *x, float *lane)
{
    ONR_UNROLL_LANES
    for (size_t l = 0; l < LANES; l++) {
        lane[l] = larger(x[l], lane[l]);
    }
}

/* The largest of -inf and the numbers in x: a NaN reaches the sum by itself. */
static float row_max(size_t count, const float *x)
{
    float lane[LANES];
    size_t i = 0;
    for (size_t l = 0; l < LANES; l++) {
        lane[l] = -INFINITY;
    }
    for (; i + LANES <= count; i += LANES) {
        max_step(x + i, lane);
    }
    if (i < count) {
        float rest[LANES];
        fill_rest(count - i, x + i, rest);
        max_step(rest, lane);
    }
#if WIDTH == 16
    fold_max(16, lane);
#endif
#if WIDTH >= 8
    fold_max(8, lane);
#endif
    fold_max(4, lane);
    return larger(larger(lane[0], lane[1]), larger(lane[2], lane[3]));
}

static inline __attribute__((always_inline)) void exp_step(float shift, float *x, float *lane)
{
    ONR_IVDEP
    ONR_UNROLL_LANES
    for (size_t l = 0; l < LANES; l++) {
        x[l] = onr_vexp_negative(x[l] - shift);
        lane[l] += x[l];
    }
}

/* x[i] = e^(x[i] - shift); returns their sum. */
static float row_exp(size_t count, float shift, float *x)
{
    float lane[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        exp_step(shift, x + i, lane);
    }
    if (i < count) {
        float rest[LANES];
        fill_rest(count - i, x + i, rest);
        exp_step(shift, rest, lane);
        memcpy(x + i, rest, (count - i) * sizeof(float));
    }
    return sum_lanes(*(const vector *)lane + *(const vector *)(lane + WIDTH));
}

static void softmax_step_f32(size_t count, float *scores, struct onr_softmax_row_f32 *row,
                             size_t width, float *y)
{
    float max = larger(row_max(count, scores), row->max);
    float sum = row_exp(count, max == -INFINITY ? 0.0f : max, scores);
    if (max != row->max || max == INFINITY) {
        float factor = onr_vexp_negative(row->max - max);
        for (size_t i = 0; i < width; i++) {
            y[i] *= factor;
        }
        row->sum *= (double)factor;
        row->max = max;
    }
    row->sum += (double)sum;
}

/* Elements that are looked at together. */
#define CHUNK 32

static size_t last_above_f32(size_t count, const float *x, float limit)
{
    while (count > 0) {
        size_t size = (count - 1) % CHUNK + 1;
        const float *chunk = x + count - size;
        int32_t any = 0;
        for (size_t i = 0; i < size; i++) {
            any |= !(chunk[i] <= limit);
        }
        if (any != 0) {
            break;
        }
        count -= size;
    }
    return count;
}

static size_t last_set_u8(size_t count, const uint8_t *x)
{
    while (count > 0) {
        size_t size = (count - 1) % CHUNK + 1;
        uint8_t any = 0;
        for (size_t i = count - size; i < count; i++) {
            any |= x[i];
        }
        if (any != 0) {
            break;
        }
        count -= size;
    }
    return count;
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

static void pack_keys_f32(size_t keys, size_t head, struct onr_rows_f32 k, size_t columns, float *y)
{
    for (size_t first = 0; first < keys; first += columns, y += columns * head) {
        size_t count = keys - first < columns ? keys - first : columns;
        size_t j = 0;
        for (; j + 4 <= count; j += 4) {
            const float *x = k.data + (first + j) * k.stride;
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

static void softcap_f32(size_t count, float cap, float *x)
{
    for (size_t i = 0; i < count; i++) {
        x[i] = cap * onr_vtanh(x[i] / cap);
    }
}

void ONR_KERNEL(onr_fill_attention_f32)(struct onr_kernels *kernels)
{
    kernels->attention = (struct onr_attention_kernels){
        .scores_f32 = scores_f32,
        .values_f32 = values_f32,
        .softmax_step_f32 = softmax_step_f32,
        .last_above_f32 = last_above_f32,
        .last_set_u8 = last_set_u8,
        .scale_f32 = scale_f32,
        .pack_keys_f32 = pack_keys_f32,
        .softcap_f32 = softcap_f32,
    };
}
