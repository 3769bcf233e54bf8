/* SPDX-License-Identifier: Apache-2.0 */
/* The two small matrix products of attention, on blocks of rows that need not be packed. */
#ifndef ONR_KERNELS_ATTENTION_ATTENTION_H
#define ONR_KERNELS_ATTENTION_ATTENTION_H

#include <stddef.h>

/* A matrix of floats: row i begins at data + i * stride. */
struct onr_rows_f32 {
    const float *data;
    size_t stride;
};

struct onr_attention_kernels {
    /*
     * scores[r * stride + j] = sum_h q[r][h] * k[j][h] for r < rows, j < keys, h < head.
     * The order of summation depends on head alone. Nothing is read outside the rows.
     */
    void (*scores_f32)(size_t rows, size_t keys, size_t head, struct onr_rows_f32 q,
                       struct onr_rows_f32 k, float *scores, size_t stride);
    /* y[r * stride + i] += sum_j p[r][j] * v[j][i] for r < rows, i < width, j < keys in ascending
     * order. */
    void (*values_f32)(size_t rows, size_t keys, size_t width, struct onr_rows_f32 p,
                       struct onr_rows_f32 v, float *y, size_t stride);
    /* x[i] = cap * tanh(x[i] / cap) for i < count; cap > 0. */
    void (*softcap_f32)(size_t count, float cap, float *x);
};

#endif
