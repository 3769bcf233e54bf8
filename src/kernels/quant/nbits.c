/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Weights of 2, 4 or 8 bits to float, and activations to 8 bits. The loops over 16 columns are
 * those that the compiler maps to vectors.
 */
#include "kernels/quant/nbits.h"

#include "base/half.h"
#include "kernels/gemm/gemm_unroll.h"
#include "kernels/kernel.h"
#include "kernels/kernels.h"

#include <float.h>
#include <string.h>

void ONR_KERNEL(onr_fill_nbits)(struct onr_kernels *kernels);

#define COLUMNS ONR_NBITS_COLUMNS

/* One word of each column: 32 / bits rows of w. */
ONR_INLINE void dequantize_word(unsigned bits, const uint8_t *packed, const float *zeros,
                                const float *scales, float *w, size_t stride)
{
    const uint32_t mask = (1u << bits) - 1;
    uint32_t words[COLUMNS];
    memcpy(words, packed, sizeof words);
    for (size_t i = 0; i < 32 / bits; i++, w += stride) {
        for (size_t c = 0; c < COLUMNS; c++) {
            int32_t code = (int32_t)(words[c] >> (i * bits) & mask);
            w[c] = ((float)code - zeros[c]) * scales[c];
        }
    }
}

ONR_INLINE void dequantize_bits(unsigned bits, const struct onr_nbits_panel *panel, float *w,
                                size_t stride)
{
    const uint8_t *packed = panel->packed;
    float zeros[COLUMNS];
    for (size_t c = 0; c < COLUMNS; c++) {
        zeros[c] = panel->zero;
    }
    for (size_t b = 0; b < panel->blocks; b++) {
        const float *block_zeros = panel->zeros != NULL ? panel->zeros + b * COLUMNS : zeros;
        for (size_t u = 0; u < panel->block_bytes / 4; u++) {
            dequantize_word(bits, packed, block_zeros, panel->scales + b * COLUMNS, w, stride);
            packed += 4 * COLUMNS;
            w += 32 / bits * stride;
        }
    }
}

static void dequantize(const struct onr_nbits_panel *panel, float *w, size_t stride)
{
    if (panel->bits == 2) {
        dequantize_bits(2, panel, w, stride);
    } else if (panel->bits == 4) {
        dequantize_bits(4, panel, w, stride);
    } else {
        dequantize_bits(8, panel, w, stride);
    }
}

/* max |a|; NaN when one of them is: as integers, magnitudes of NaN are the largest. */
static float magnitude(size_t count, const float *a)
{
    int32_t max = 0;
    for (size_t i = 0; i < count; i++) {
        int32_t bits;
        memcpy(&bits, a + i, sizeof bits);
        bits &= INT32_MAX;
        max = bits > max ? bits : max;
    }
    return onr_float_from_bits((uint32_t)max);
}

/* Words of bits-wide weights hold fields of bytes 0 to 3: codes go to the same places. */
ONR_INLINE void order_codes(size_t fields, size_t size, const int8_t *from, int8_t *to)
{
    for (size_t i = 0; i < size; i += 4 * fields) {
        for (size_t f = 0; f < fields; f++) {
            for (size_t byte = 0; byte < 4; byte++) {
                to[i + f * 4 + byte] = from[i + byte * fields + f];
            }
        }
    }
}

static void quantize(unsigned bits, size_t size, size_t count, const float *a, int8_t *codes,
                     float *scale, int32_t *sum)
{
    const float round = 0x1.8p23f; /* adding it leaves no bits for a fraction */
    int8_t ordered[ONR_NBITS_INT8_BLOCK];
    float max = magnitude(count, a);
    float inverse = 127.0f / max;
    int32_t total = 0;
    *scale = max / 127.0f;
    *sum = 0;
    if (!(max > 0.0f && max <= FLT_MAX)) {
        memset(codes, 0, size);
        return;
    }
    inverse = inverse < FLT_MAX ? inverse : FLT_MAX; /* for the smallest subnormal numbers */
    for (size_t i = 0; i < count; i++) {
        int32_t code = (int32_t)((a[i] * inverse + round) - round);
        ordered[i] = (int8_t)code;
        total += code;
    }
    memset(ordered + count, 0, size - count);
    *sum = total;
    if (bits == 2) {
        order_codes(4, size, ordered, codes);
    } else if (bits == 4) {
        order_codes(2, size, ordered, codes);
    } else {
        memcpy(codes, ordered, size);
    }
}

void ONR_KERNEL(onr_fill_nbits)(struct onr_kernels *kernels)
{
    kernels->nbits.dequantize = dequantize;
    kernels->nbits.quantize = quantize;
}
