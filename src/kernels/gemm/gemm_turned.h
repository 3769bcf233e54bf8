/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the GEMM family: the loops of onr_gemm_f32_turned_fn, for instruction sets that can turn a
 * block of B in registers. */
#ifndef ONR_KERNELS_GEMM_GEMM_TURNED_H
#define ONR_KERNELS_GEMM_GEMM_TURNED_H

#include "kernels/gemm/gemm.h"
#include "kernels/gemm/gemm_unroll.h"

#include <string.h>

/* Columns of B that are gone through together: as many streams as machines follow by themselves. */
#define ONR_GEMM_STRIP 16

#define ONR_GEMM_TURNED_STEPS 16 /* most steps of a block */

/* sums[i * stride + j] += a[i * a_stride + p] * b[j * b_stride + p], p ascending, for all columns of
 * a strip and the steps of a block. */
typedef void (*onr_gemm_turned_block_fn)(size_t rows, const float *a, size_t a_stride,
                                         const float *b, size_t b_stride, float *sums,
                                         size_t stride);

/* steps: of a block. Blocks that are not whole are copied and filled up with zeros. */
ONR_INLINE void onr_gemm_turned_loop(size_t rows, size_t columns, size_t k, const float *a,
                                     size_t a_stride, const float *b, size_t b_stride, float *sums,
                                     size_t steps, onr_gemm_turned_block_fn block)
{
    float rest_a[ONR_GEMM_TURNED_ROWS * ONR_GEMM_TURNED_STEPS] = {0};
    float rest_b[ONR_GEMM_STRIP * ONR_GEMM_TURNED_STEPS] = {0};
    size_t whole = k / steps * steps;
    for (size_t i = 0; i < rows && whole < k; i++) {
        memcpy(rest_a + i * steps, a + i * a_stride + whole, (k - whole) * sizeof(float));
    }
    memset(sums, 0, rows * columns * sizeof *sums);
    for (size_t j = 0; j < columns; j += ONR_GEMM_STRIP) {
        const float *strip = b + j * b_stride;
        for (size_t i = 0; i < ONR_GEMM_STRIP && whole < k; i++) {
            memcpy(rest_b + i * steps, strip + i * b_stride + whole, (k - whole) * sizeof(float));
        }
        for (size_t p = 0; p < k; p += steps) {
            bool is_whole = p < whole;
            block(rows, is_whole ? a + p : rest_a, is_whole ? a_stride : steps,
                  is_whole ? strip + p : rest_b, is_whole ? b_stride : steps, sums + j, columns);
        }
    }
}

#endif
