/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the GEMM family: pieces of operands copied into scratch. */
#ifndef ONR_KERNELS_GEMM_GEMM_F32_PACK_H
#define ONR_KERNELS_GEMM_GEMM_F32_PACK_H

#include "kernels/gemm/gemm.h"

/* Packs steps [k_begin, k_begin + k) of `count` columns from `column` on as [k][kernel->columns],
 * padded with zeros. */
void onr_gemm_f32_pack_piece(const struct onr_gemm_f32 *kernel, const struct onr_gemm_matrix *b,
                             size_t k_begin, size_t k, size_t column, size_t count, float *piece);

/* Copies steps [k_begin, k_begin + k) of at most ONR_GEMM_MC rows as [rows][copy_stride]. */
void onr_gemm_f32_copy_rows(const struct onr_gemm_f32 *kernel, const struct onr_gemm_matrix *a,
                            size_t row, size_t rows, size_t k_begin, size_t k, float *copy,
                            size_t copy_stride);

#endif
