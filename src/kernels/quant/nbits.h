/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products with weights of 2, 4 or 8 bits in blocks with a scale and a zero point each. 16 columns
 * make a panel, in which words of 4 bytes of the columns lie side by side: a vector instruction
 * works on all of them, and nothing is summed across lanes.
 */
#ifndef ONR_KERNELS_QUANT_NBITS_H
#define ONR_KERNELS_QUANT_NBITS_H

#include <stddef.h>
#include <stdint.h>

#define ONR_NBITS_COLUMNS 16

/* Largest block whose activations are rounded to 8 bits. */
#define ONR_NBITS_INT8_BLOCK 256

/*
 * 16 columns of weights. A block has size = block_bytes * 8 / bits weights per column, of which
 * i is in bits [i % f * bits, ...) of byte i / f, f = 8 / bits; w = (code - zero) * scale.
 */
struct onr_nbits_panel {
    unsigned bits;         /* 2, 4 or 8 */
    size_t block_bytes;    /* of one column; a multiple of 4 */
    size_t blocks;         /* along k */
    const uint8_t *packed; /* [blocks][block_bytes / 4][16][4] */
    const float *scales;   /* [blocks][16] */
    const float *zeros;    /* [blocks][16], or NULL: each is `zero` */
    float zero;
};

/* Rows of activations in 8 bits: a = code * scale of its block. */
struct onr_nbits_rows {
    const int8_t *codes; /* [rows][blocks][size], in the order of onr_nbits_kernels.quantize */
    const float *scales; /* [rows][blocks] */
    const int32_t *sums; /* [rows][blocks], of the codes */
};

struct onr_nbits_kernels {
    /* w[i * stride + c] for the weights i < blocks * size of the columns c < 16 */
    void (*dequantize)(const struct onr_nbits_panel *panel, float *w, size_t stride);
    /*
     * y[c] = sum over begin <= i < end of a[i] * w[i][c], i ascending, each product added as the
     * tiles of kernels/gemm do: what those compute of dequantised weights in one block of k.
     */
    void (*multiply)(const struct onr_nbits_panel *panel, size_t begin, size_t end, const float *a,
                     float *y);
    /*
     * Rounds a block of size <= ONR_NBITS_INT8_BLOCK activations, of which the first count <= size
     * are given and the others 0, to codes of -127 to 127, to nearest, ties to even: scale =
     * max |a| / 127. When an a is not finite, nor is the scale, and the codes are 0. Code i stands
     * where the kernels find it with weight i: at i / (4 * f) * 4 * f + i % f * 4 + i / f % 4.
     */
    void (*quantize)(unsigned bits, size_t size, size_t count, const float *a, int8_t *codes,
                     float *scale, int32_t *sum);
    /*
     * y[r * 16 + c] = sum over blocks of (sum of codes * (weight code - zero)) * (scale of the
     * weights * scale of the row). The inner sums are exact, zeros are whole numbers; the order of
     * the outer one does not depend on row_count. blocks of at most ONR_NBITS_INT8_BLOCK.
     */
    void (*dot)(const struct onr_nbits_panel *panel, const struct onr_nbits_rows *rows,
                size_t row_count, float *y);
    /* What dot is on machines of the same instruction set without its dot products of bytes. */
    void (*dot_plain)(const struct onr_nbits_panel *panel, const struct onr_nbits_rows *rows,
                      size_t row_count, float *y);
};

#endif
