/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What attention computes on blocks of scores: softmax in steps, masks, and the two matrix products
 * for few queries, on rows that need not be packed. For many queries the products are gemm tiles.
 */
#ifndef ONR_KERNELS_ATTENTION_ATTENTION_H
#define ONR_KERNELS_ATTENTION_ATTENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A matrix of floats: row i begins at data + i * stride. */
struct onr_rows_f32 {
    const float *data;
    size_t stride;
};

/* A row of scores of which some blocks are done: before the first, max is -inf and sum 0. */
struct onr_softmax_row_f32 {
    float max;  /* of the scores so far */
    double sum; /* of e^(score - max) */
};

/* A block of scores of some rows. */
struct onr_softmax_f32 {
    size_t row_count;
    size_t count;
    float *scores; /* [row_count, count], and room for ONR_SOFTMAX_ROOM more in each row */
    size_t stride;
    const float *const
        *masks; /* [row_count] rows of [count] numbers to add, or NULL each; NULL: none */
    struct onr_softmax_row_f32 *rows;
    float *y; /* [row_count, width] */
    size_t width;
    size_t y_stride;
};

#define ONR_SOFTMAX_ROOM 16

#define ONR_ROWS_AHEAD 8 /* rows of one head lie too far apart for the machine to guess the next */

/* Asks for memory that is soon used. */
static inline void onr_prefetch(const void *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 64) {
        __builtin_prefetch((const char *)data + i);
    }
}

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
    /*
     * One more block of each row: scores[i] = e^(scores[i] + mask[i] - max) for i < count with the
     * maximum of all blocks up to this, and y[i] *= e^(old max - max) for i < width, unless the old
     * one is -inf: y is 0 then, or NaN. Scores of -inf alone become 0; a NaN or +inf makes the sum
     * NaN, and so do both in y. What is in the room
     * behind a row is lost. Score i is summed in lane i % 16 or a finer one: what comes before or
     * after as -inf changes no bit when it fills whole lanes.
     */
    void (*softmax_step_f32)(const struct onr_softmax_f32 *block);
    /*
     * How many of the first elements there are up to the last that is above limit or NaN, or is not
     * 0; up to 31 more are counted in. 0: there is none.
     */
    size_t (*last_above_f32)(size_t count, const float *x, float limit);
    size_t (*last_set_u8)(size_t count, const uint8_t *x);
    /* How many of the first elements there are before one that is not in [low, high], or whose being
     * not 0 is not is_set. */
    size_t (*run_between_f32)(size_t count, const float *x, float low, float high);
    size_t (*run_alike_u8)(size_t count, const uint8_t *x, bool is_set);
    /* y[r * stride + i] = x[r][i] / states[r].sum for r < rows, i < width, as a product by 1 / sum; by
     * empty where the sum is 0. y may be x. */
    void (*divide_rows_f32)(size_t rows, size_t width, const struct onr_softmax_row_f32 *states,
                            float empty, struct onr_rows_f32 x, float *y, size_t stride);
    /* y[i] = x[i] * factor for i < count; y may be x. */
    void (*scale_f32)(size_t count, float factor, const float *x, float *y);
    /*
     * Packs keys as panels of gemm: y[(j / columns * head + h) * columns + j % columns] = k[j][h] * scale
     * for j < keys and h < head; in the columns that are left over in the last panel the last key stands
     * in. columns is that of a tile shape: whole vectors.
     */
    void (*pack_keys_f32)(size_t keys, size_t head, struct onr_rows_f32 k, float scale,
                          size_t columns, float *y);
    /* The same for values, whose rows stay rows: y[(i / columns * keys + j) * columns + i % columns] =
     * v[j][i] for i < width. */
    void (*pack_values_f32)(size_t keys, size_t width, struct onr_rows_f32 v, size_t columns,
                            float *y);
    /* x[i] = cap * tanh(x[i] / cap) for i < count; cap > 0. */
    void (*softcap_f32)(size_t count, float cap, float *x);
};

#endif
