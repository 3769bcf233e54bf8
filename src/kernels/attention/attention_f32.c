/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attention products in portable C on vectors as wide as the instruction set's. Compiled with
 * -ffp-contract=fast: products are added with one rounding where the machine can.
 */
#include "kernels/attention/attention.h"
#include "kernels/elementwise/vmath.h"
#include "kernels/kernel.h"
#include "kernels/kernels.h"

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
        .softcap_f32 = softcap_f32,
    };
}
