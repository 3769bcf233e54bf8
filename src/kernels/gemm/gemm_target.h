/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the GEMM family: where a row of a tile is stored and what is added to it, for tiles whose
 * sums are registers. Pointers go from row to row: storing takes no branches and few addresses.
 */
#ifndef ONR_KERNELS_GEMM_GEMM_TARGET_H
#define ONR_KERNELS_GEMM_GEMM_TARGET_H

#include "kernels/conv/lanes.h"
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

/* Whether the sums are stored as they are, but for a bias of columns and Relu: it takes less than half of the
 * time to load that once, in place of all that may be added to each row. To add a bias of rows as well would
 * take half of what is gained. */
ONR_INLINE bool onr_gemm_is_plain(const struct onr_gemm_f32_tile *tile)
{
    return tile->base == onr_gemm_zeros && tile->row_bias == onr_gemm_zeros && tile->scale == 1.0f;
}

/* Stores such a tile: sums of row i begin at sum[i * stride]. The counts are constants where this is inlined. */
ONR_INLINE void onr_gemm_store_plain(const struct onr_gemm_f32_tile *tile, size_t rows,
                                     size_t vectors, const onr_lanes *sum, size_t stride)
{
    onr_lanes low = (onr_lanes){0} + tile->low;
    onr_lanes bias[ONR_GEMM_MAX_COLUMNS / ONR_LANES];
    ONR_UNROLL
    for (size_t v = 0; v < vectors; v++) {
        bias[v] = onr_load(tile->column_bias + v * ONR_LANES);
    }
    float *c = tile->c;
    ONR_UNROLL
    for (size_t i = 0; i < rows; i++, c += tile->c_stride) {
        ONR_UNROLL
        for (size_t v = 0; v < vectors; v++) {
            onr_lanes y = sum[i * stride + v] + bias[v];
            onr_store(c + v * ONR_LANES, onr_larger(low, y));
        }
    }
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
