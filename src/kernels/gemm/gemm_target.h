/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the GEMM family: where a row of a tile is stored and what is added to it, for tiles whose
 * sums are registers. Zeros stand for what is missing, and pointers go from row to row: storing takes
 * neither branches nor many addresses.
 */
#ifndef ONR_KERNELS_GEMM_GEMM_TARGET_H
#define ONR_KERNELS_GEMM_GEMM_TARGET_H

#include "kernels/gemm/gemm.h"
#include "kernels/gemm/gemm_unroll.h"

#include <math.h>

struct onr_gemm_target {
    float *c;
    const float *base, *column_bias, *row_bias;
    size_t c_stride, base_stride;
    float scale, low; /* low: what is below it becomes it, but NaN */
};

/* The first row. zeros: as many as the tile has columns, and rows. A call, that tiles stay small, and so
 * to be made before there are sums in registers. */
static __attribute__((noinline)) struct onr_gemm_target onr_gemm_first_row(
    const struct onr_gemm_f32_tile *tile, const float *zeros)
{
    bool has_base = tile->base != NULL;
    return (struct onr_gemm_target){
        .c = tile->c,
        .base = has_base ? tile->base : zeros,
        .column_bias = tile->column_bias != NULL ? tile->column_bias : zeros,
        .row_bias = tile->row_bias != NULL ? tile->row_bias : zeros,
        .c_stride = tile->c_stride,
        .base_stride = has_base ? tile->base_stride : 0,
        .scale = tile->scale,
        .low = tile->has_relu ? 0.0f : -INFINITY,
    };
}

ONR_INLINE void onr_gemm_next_row(struct onr_gemm_target *to)
{
    to->c += to->c_stride;
    to->base += to->base_stride;
    to->row_bias++;
}

#endif
