/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products with panels for any machine. Sums of codes are made in float, which is exact: the products of a block and
 * of its zero point stay below 2^24. Vectors of 4 columns are what the base instruction set has.
 */
#include "kernels/gemm/gemm_unroll.h"
#include "kernels/kernels.h"

#include <string.h>

void onr_fill_nbits_dot__scalar(struct onr_kernels *kernels);

#define COLUMNS   ONR_NBITS_COLUMNS
#define LANES     4
#define MOST_ROWS 4

typedef float floats __attribute__((vector_size(LANES * sizeof(float))));
typedef int32_t ints __attribute__((vector_size(LANES * sizeof(float))));

ONR_INLINE floats load(const float *x)
{
    floats value;
    memcpy(&value, x, sizeof value);
    return value;
}

/* Adds the products of block b of the columns from `column` on with rows of codes. */
ONR_INLINE void add_block(const struct onr_nbits_panel *panel, size_t b, size_t column,
                          const int8_t *codes, size_t stride, size_t rows, floats *sums)
{
    const unsigned bits = panel->bits;
    const int32_t mask = (1 << bits) - 1;
    const uint8_t *packed = panel->packed + (b * panel->block_bytes * COLUMNS) + column * 4;
    for (size_t u = 0; u < panel->block_bytes / 4; u++, packed += 4 * COLUMNS) {
        ints words;
        memcpy(&words, packed, sizeof words);
        for (unsigned i = 0; i < 32 / bits; i++, codes++) {
            int32_t shift = (int32_t)(i % 4 * 8 + i / 4 * bits);
            floats weights = __builtin_convertvector((words >> shift) & mask, floats);
            ONR_UNROLL
            for (size_t r = 0; r < rows; r++) {
                sums[r] += weights * (float)codes[r * stride];
            }
        }
    }
}

/* Rows [first, first + rows) of the columns from `column` on. */
ONR_INLINE void dot_tile(const struct onr_nbits_panel *panel, const struct onr_nbits_rows *a,
                         size_t rows, size_t first, size_t column, float *y)
{
    const size_t size = panel->block_bytes * 8 / panel->bits;
    floats totals[MOST_ROWS] = {{0}};
    for (size_t b = 0; b < panel->blocks; b++) {
        const size_t at = first * panel->blocks + b;
        floats zero = (floats){0} + panel->zero;
        floats scale = load(panel->scales + b * COLUMNS + column);
        floats sums[MOST_ROWS];
        if (panel->zeros != NULL) {
            zero = load(panel->zeros + b * COLUMNS + column);
        }
        for (size_t r = 0; r < rows; r++) {
            sums[r] = zero * (float)-a->sums[at + r * panel->blocks];
        }
        add_block(panel, b, column, a->codes + at * size, panel->blocks * size, rows, sums);
        for (size_t r = 0; r < rows; r++) {
            totals[r] += sums[r] * (scale * a->scales[at + r * panel->blocks]);
        }
    }
    for (size_t r = 0; r < rows; r++) {
        memcpy(y + r * COLUMNS, &totals[r], sizeof totals[r]);
    }
}

static void dot(const struct onr_nbits_panel *panel, const struct onr_nbits_rows *rows,
                size_t row_count, float *y)
{
    size_t r = 0;
    for (; r + MOST_ROWS <= row_count; r += MOST_ROWS) {
        for (size_t c = 0; c < COLUMNS; c += LANES) {
            dot_tile(panel, rows, MOST_ROWS, r, c, y + r * COLUMNS + c);
        }
    }
    for (; r < row_count; r++) {
        for (size_t c = 0; c < COLUMNS; c += LANES) {
            dot_tile(panel, rows, 1, r, c, y + r * COLUMNS + c);
        }
    }
}

static void multiply(const struct onr_nbits_panel *panel, size_t begin, size_t end, const float *a,
                     float *y)
{
    const size_t count = 32 / panel->bits; /* in a word */
    const int32_t mask = (1 << panel->bits) - 1;
    for (size_t c = 0; c < COLUMNS; c += LANES) {
        floats sum = {0};
        for (size_t k = begin; k < end; k++) {
            size_t b = k / count / (panel->block_bytes / 4);
            int32_t shift = (int32_t)(k % count * panel->bits);
            floats zero = (floats){0} + panel->zero;
            ints words;
            memcpy(&words, panel->packed + (k / count * COLUMNS + c) * 4, sizeof words);
            if (panel->zeros != NULL) {
                zero = load(panel->zeros + b * COLUMNS + c);
            }
            floats code = __builtin_convertvector((words >> shift) & mask, floats);
            sum += a[k - begin] * ((code - zero) * load(panel->scales + b * COLUMNS + c));
        }
        memcpy(y + c, &sum, sizeof sum);
    }
}

void onr_fill_nbits_dot__scalar(struct onr_kernels *kernels)
{
    kernels->nbits.dot = kernels->nbits.dot_plain = dot;
    kernels->nbits.multiply = multiply;
}
