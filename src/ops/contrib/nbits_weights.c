/* SPDX-License-Identifier: Apache-2.0 */
/* A packed panel: words, then scales, then zero points where there are any. */
#include "ops/contrib/nbits_weights.h"

#include "base/size.h"
#include "ops/common/float_io.h"

#include <string.h>

#define COLUMNS ONR_NBITS_COLUMNS

static uint8_t field_at(const uint8_t *packed, size_t i, unsigned bits)
{
    size_t fields = 8 / bits;
    return (uint8_t)(((unsigned)packed[i / fields] >> (i % fields * bits)) & ((1u << bits) - 1));
}

/* Element `at` of data, which may be unaligned. */
static float number_at(enum onr_dtype dtype, const void *data, size_t at)
{
    float bits;
    float value;
    size_t bytes = onr_dtype_size(dtype);
    memcpy(&bits, (const char *)data + at * bytes, bytes);
    onr_float_gather(dtype, &bits, 0, 1, 1, &value);
    return value;
}

/* Weight i of column j as it is stored. */
static uint8_t code_at(const struct onr_nbits_weights *weights, size_t j, size_t i)
{
    return field_at(weights->b + j * weights->column_bytes, i, weights->bits);
}

static float scale_at(const struct onr_nbits_weights *weights, size_t j, size_t block)
{
    return number_at(weights->dtype, weights->scales, j * weights->blocks + block);
}

static float zero_at(const struct onr_nbits_weights *weights, size_t j, size_t block)
{
    if (!weights->has_zeros) {
        return (float)(1u << (weights->bits - 1));
    }
    if (!weights->has_packed_zeros) {
        return number_at(weights->dtype, weights->zeros, j * weights->blocks + block);
    }
    if (weights->has_joint_zeros) {
        return (float)field_at(weights->zeros, j * weights->blocks + block, weights->bits);
    }
    size_t column_bytes = (weights->blocks * weights->bits + 7) / 8;
    return (float)field_at((const uint8_t *)weights->zeros + j * column_bytes, block,
                           weights->bits);
}

void onr_nbits_fill(const struct onr_nbits_weights *weights, const int32_t *groups, size_t k,
                    size_t begin, size_t end, float *w, size_t stride)
{
    for (size_t j = begin; j < end; j++, w++) {
        size_t group = SIZE_MAX;
        float scale = 0.0f;
        float zero = 0.0f;
        for (size_t i = 0; i < k; i++) {
            size_t own = groups != NULL ? (size_t)groups[i] : i / weights->block_size;
            if (own != group) {
                group = own;
                scale = scale_at(weights, j, group);
                zero = zero_at(weights, j, group);
            }
            w[i * stride] = ((float)code_at(weights, j, i) - zero) * scale;
        }
    }
}

bool onr_nbits_panel_bytes(const struct onr_nbits_weights *weights, size_t *bytes)
{
    size_t block = weights->block_bytes + (weights->has_zeros ? 2 : 1) * sizeof(float);
    return onr_size_mul(weights->blocks, block, bytes) && onr_size_mul(*bytes, COLUMNS, bytes) &&
           *bytes <= ONR_SIZE_LIMIT;
}

static size_t word_bytes(const struct onr_nbits_weights *weights)
{
    return weights->blocks * weights->block_bytes * COLUMNS;
}

void onr_nbits_pack(const struct onr_nbits_weights *weights, size_t index, void *to)
{
    const size_t first = index * COLUMNS;
    const size_t row_bytes = weights->column_bytes;
    const size_t count = weights->n - first < COLUMNS ? weights->n - first : COLUMNS;
    char *words = to;
    float *scales = (void *)(words + word_bytes(weights));
    float *zeros = scales + weights->blocks * COLUMNS;
    if (count < COLUMNS) {
        memset(to, 0,
               word_bytes(weights) +
                   weights->blocks * COLUMNS * sizeof(float) * (weights->has_zeros ? 2 : 1));
    }
    for (size_t c = 0; c < count; c++) {
        const uint8_t *from = weights->b + (first + c) * row_bytes;
        for (size_t u = 0; u < row_bytes / 4; u++) {
            memcpy(words + (u * COLUMNS + c) * 4, from + u * 4, 4);
        }
        for (size_t b = 0; b < weights->blocks; b++) {
            scales[b * COLUMNS + c] = scale_at(weights, first + c, b);
        }
        for (size_t b = 0; b < weights->blocks && weights->has_zeros; b++) {
            zeros[b * COLUMNS + c] = zero_at(weights, first + c, b);
        }
    }
}

struct onr_nbits_panel onr_nbits_panel_at(const struct onr_nbits_weights *weights, const void *from)
{
    const float *scales = (const void *)((const char *)from + word_bytes(weights));
    return (struct onr_nbits_panel){
        .bits = weights->bits,
        .block_bytes = weights->block_bytes,
        .blocks = weights->blocks,
        .packed = from,
        .scales = scales,
        .zeros = weights->has_zeros ? scales + weights->blocks * COLUMNS : NULL,
        .zero = (float)(1u << (weights->bits - 1)),
    };
}
