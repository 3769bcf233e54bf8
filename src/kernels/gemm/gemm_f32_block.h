/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the GEMM family: a block of a product, and the tiles over one panel of it. */
#ifndef ONR_KERNELS_GEMM_GEMM_F32_BLOCK_H
#define ONR_KERNELS_GEMM_GEMM_F32_BLOCK_H

#include "kernels/gemm/gemm.h"

/* A block of work: rows x k steps, for which A has been copied if it must be. */
struct onr_gemm_block {
    const struct onr_gemm_f32_job *job;
    size_t row, rows; /* of C */
    size_t k_begin, k;
    const float *a; /* first row, first step */
    size_t a_stride;
    float *piece;       /* scratch for a piece of B: k * columns floats */
    const float *after; /* the first piece of the block that follows, or NULL */
    bool is_first;      /* no block came before, nor has anybody else prefetched it */
};

/* A piece of a panel of B. */
struct onr_gemm_piece {
    const struct onr_gemm_f32 *kernel;
    size_t column, count; /* of C; count <= kernel->columns */
    const float *b;
    size_t b_stride;
    const float *next; /* the piece that is read after this, or NULL */
    bool is_cold;      /* has not been prefetched */
    bool is_first;     /* of its block: what comes after finds A in L2 */
};

/* All rows of the block for one piece. */
void onr_gemm_f32_run_piece(const struct onr_gemm_block *block, const struct onr_gemm_piece *piece);

/* The same for as many whole panels as a wide tile spans; piece: the first of them. */
void onr_gemm_f32_run_wide(const struct onr_gemm_block *block, const struct onr_gemm_piece *piece);

/* The same for one whole panel of a B of floats that lies transposed, for which the kernel has
 * `turned`; piece: its first element and the distance of columns. */
void onr_gemm_f32_run_turned(const struct onr_gemm_block *block,
                             const struct onr_gemm_piece *piece);

#endif
