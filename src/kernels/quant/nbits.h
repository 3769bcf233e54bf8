/* SPDX-License-Identifier: Apache-2.0 */
/* Weights of 2, 4 or 8 bits in blocks with a scale and a zero point each. */
#ifndef ONR_KERNELS_QUANT_NBITS_H
#define ONR_KERNELS_QUANT_NBITS_H

#include <stddef.h>
#include <stdint.h>

/*
 * A row of weights, w[b * size + i] = (q - zero[b]) * scale[b] for i < size, size = block_bytes * 8
 * / bits. q is in bits [i % f * bits, ...) of byte i / f of its block, f = 8 / bits.
 */
struct onr_nbits_row {
    unsigned bits;      /* 2, 4 or 8 */
    size_t block_bytes; /* a multiple of 4 */
    size_t blocks;
    const uint8_t *packed; /* [blocks][block_bytes] */
    const float *scales;   /* [blocks] */
    const float *zeros;    /* [blocks] */
};

/* Element i of a block of activations that are split: at i % f * block_bytes + i / f. */
struct onr_nbits_kernels {
    /* sum over the row of w * a; a: [blocks][size], each block split. The order of the sum depends
     * on bits and block_bytes alone. */
    float (*dot)(const struct onr_nbits_row *row, const float *a);
    /* w: [blocks * size] */
    void (*dequantize)(const struct onr_nbits_row *row, float *w);
};

#endif
