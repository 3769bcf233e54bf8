/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tiles for any machine: 4 x 8 in vectors of 4, which the compiler maps to what the base
 * instruction set has; small enough for 16 registers. Product and sum round separately.
 */
#include "kernels/gemm/gemm_unroll.h"
#include "kernels/kernels.h"

#include <string.h>

void onr_fill_gemm__scalar(struct onr_kernels *kernels);

#define LANES   4
#define VECTORS 2

typedef float vector __attribute__((vector_size(LANES * sizeof(float))));

ONR_INLINE vector load(const float *x)
{
    vector v;
    memcpy(&v, x, sizeof(v));
    return v;
}

ONR_INLINE vector fill(float x)
{
    return (vector){x, x, x, x};
}

/* Adds base and bias and stores a row. */
ONR_INLINE void store_row(const struct onr_gemm_f32_tile *t, size_t i, const vector *sum)
{
    float *c = t->c + i * t->c_stride;
    for (size_t v = 0; v < VECTORS; v++) {
        vector base = load(t->base + i * t->base_stride + v * LANES);
        base += fill(t->row_bias[i]) + load(t->column_bias + v * LANES);
        base += t->scale * sum[v];
        for (size_t j = 0; j < LANES; j++) {
            c[v * LANES + j] = base[j] < t->low ? t->low : base[j];
        }
    }
}

ONR_INLINE void tile(const struct onr_gemm_f32_tile *t, size_t rows)
{
    vector sum[4][VECTORS];
    ONR_UNROLL
    for (size_t i = 0; i < rows; i++) {
        sum[i][0] = fill(0.0f);
        sum[i][1] = fill(0.0f);
    }
    const float *b = t->b;
    for (size_t p = 0; p < t->k; p++) {
        vector b0 = load(b);
        vector b1 = load(b + LANES);
        ONR_UNROLL
        for (size_t i = 0; i < rows; i++) {
            vector x = fill(t->a[i * t->a_stride + p]);
            sum[i][0] += x * b0;
            sum[i][1] += x * b1;
        }
        b += t->b_stride;
    }
    ONR_UNROLL
    for (size_t i = 0; i < rows; i++) {
        store_row(t, i, sum[i]);
    }
}

#define TILE(rows)                                                                                 \
    static void tile_##rows(const struct onr_gemm_f32_tile *t)                                     \
    {                                                                                              \
        tile(t, rows);                                                                             \
    }
/* clang-format off */
TILE(1) TILE(2) TILE(3) TILE(4)
    /* clang-format on */

    static const struct onr_gemm_f32 gemm_4x8 = {
        .rows = 4,
        .columns = LANES * VECTORS,
        .cost = LANES * VECTORS,
        .tile = {NULL, tile_1, tile_2, tile_3, tile_4},
        .transpose = onr_transpose_words__scalar,
};

void onr_fill_gemm__scalar(struct onr_kernels *kernels)
{
    kernels->gemm = (struct onr_gemm_kernels){.f32 = {&gemm_4x8}};
}
