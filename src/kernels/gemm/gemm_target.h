/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the GEMM family: where a row of a tile is stored and what is added to it, for tiles whose
 * sums are registers. Pointers go from row to row: storing takes no branches and few addresses.
 */
#ifndef ONR_KERNELS_GEMM_GEMM_TARGET_H
#define ONR_KERNELS_GEMM_GEMM_TARGET_H

#include "kernels/gemm/gemm.h"
#include "kernels/gemm/gemm_unroll.h"

/* Asks for the rows of c, and for what is added to them. */
ONR_INLINE void onr_gemm_prefetch_target(const struct onr_gemm_f32_tile *t, size_t rows,
                                         size_t columns)
{
    ONR_OWN_POINTER(t); /* else what it points to is read before loops that need those registers */
    const float *c = t->c;
    const float *base = t->base;
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < columns; j += ONR_GEMM_LINE_FLOATS) {
            __builtin_prefetch(c + j, 1);
            __builtin_prefetch(base + j);
        }
        c += t->c_stride;
        base += t->base_stride;
    }
}

/* Whether the sums are stored as they are, but for a bias and Relu. A bias of columns is loaded once then, and
 * no base: that takes a third to a half of the time. */
ONR_INLINE bool onr_gemm_is_plain(const struct onr_gemm_f32_tile *tile)
{
    return tile->base == onr_gemm_zeros && tile->scale == 1.0f;
}

struct onr_gemm_target {
    float *c;
    const float *base, *column_bias, *row_bias;
    size_t c_stride, base_stride;
    float scale, low;
};

ONR_INLINE struct onr_gemm_target onr_gemm_first_row(const struct onr_gemm_f32_tile *tile)
{
    return (struct onr_gemm_target){
        .c = tile->c,
        .base = tile->base,
        .column_bias = tile->column_bias,
        .row_bias = tile->row_bias,
        .c_stride = tile->c_stride,
        .base_stride = tile->base_stride,
        .scale = tile->scale,
        .low = tile->low,
    };
}

ONR_INLINE void onr_gemm_next_row(struct onr_gemm_target *to)
{
    to->c += to->c_stride;
    to->base += to->base_stride;
    to->row_bias++;
}

#endif
