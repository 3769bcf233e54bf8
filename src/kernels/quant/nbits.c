/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Weights of 2, 4 or 8 bits, taken apart in registers: bytes are widened, shifted and masked, and
 * meet activations that have been split so that the elements of one bit position lie side by side.
 */
#include "kernels/quant/nbits.h"

#include "kernels/gemm/gemm_unroll.h"
#include "kernels/kernel.h"
#include "kernels/kernels.h"

#include <string.h>

void ONR_KERNEL(onr_fill_nbits)(struct onr_kernels *kernels);

/* Vectors of the compiler's, which it maps to what the instruction set has. */
#define LANES 8
typedef float floats __attribute__((vector_size(4 * LANES)));
typedef int32_t ints __attribute__((vector_size(4 * LANES)));
typedef uint8_t bytes __attribute__((vector_size(LANES)));

ONR_INLINE float dot_bits(unsigned bits, const struct onr_nbits_row *row, const float *a)
{
    const size_t fields = 8 / bits;
    const int32_t mask = (1 << bits) - 1;
    const uint8_t *q = row->packed;
    size_t n = row->block_bytes;
    floats total = {0};
    float rest = 0.0f;
    for (size_t b = 0; b < row->blocks; b++, q += n, a += n * fields) {
        floats sum = {0};
        float tail = 0.0f;
        size_t i = 0;
        for (; i + LANES <= n; i += LANES) {
            bytes packed;
            memcpy(&packed, q + i, sizeof packed);
            ints wide = __builtin_convertvector(packed, ints);
            ONR_UNROLL
            for (size_t f = 0; f < fields; f++) {
                floats x;
                memcpy(&x, a + f * n + i, sizeof x);
                ints w = (wide >> (int32_t)(f * bits)) & mask;
                sum += x * (__builtin_convertvector(w, floats) - row->zeros[b]);
            }
        }
        for (; i < n; i++) {
            for (size_t f = 0; f < fields; f++) {
                int32_t w = (q[i] >> (f * bits)) & mask;
                tail += a[f * n + i] * ((float)w - row->zeros[b]);
            }
        }
        total += sum * row->scales[b];
        rest += tail * row->scales[b];
    }
    for (size_t l = 0; l < LANES; l++) {
        rest += total[l];
    }
    return rest;
}

ONR_INLINE void dequantize_bits(unsigned bits, const struct onr_nbits_row *row, float *w)
{
    const size_t fields = 8 / bits;
    const int32_t mask = (1 << bits) - 1;
    const uint8_t *q = row->packed;
    for (size_t b = 0; b < row->blocks; b++, q += row->block_bytes) {
        float zero = row->zeros[b];
        float scale = row->scales[b];
        for (size_t i = 0; i < row->block_bytes; i++, w += fields) {
            ONR_UNROLL
            for (size_t f = 0; f < fields; f++) {
                w[f] = ((float)((q[i] >> (f * bits)) & mask) - zero) * scale;
            }
        }
    }
}

static float dot(const struct onr_nbits_row *row, const float *a)
{
    return row->bits == 2   ? dot_bits(2, row, a)
           : row->bits == 4 ? dot_bits(4, row, a)
                            : dot_bits(8, row, a);
}

static void dequantize(const struct onr_nbits_row *row, float *w)
{
    if (row->bits == 2) {
        dequantize_bits(2, row, w);
    } else if (row->bits == 4) {
        dequantize_bits(4, row, w);
    } else {
        dequantize_bits(8, row, w);
    }
}

void ONR_KERNEL(onr_fill_nbits)(struct onr_kernels *kernels)
{
    kernels->nbits = (struct onr_nbits_kernels){.dot = dot, .dequantize = dequantize};
}
