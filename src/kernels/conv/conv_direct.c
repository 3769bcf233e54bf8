/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolutions with few outputs, in vectors of what the instruction set has: a tile keeps some
 * vectors of each output row in registers while it goes over the taps, and reads the patch in place.
 */
#include "kernels/conv/lanes.h"
#include "kernels/gemm/gemm_unroll.h"
#include "kernels/kernel.h"
#include "kernels/kernels.h"

void ONR_KERNEL(onr_fill_conv_direct)(struct onr_kernels *kernels);

/* Lines that are done together; one more than the least number of tap rows. */
#define SHARED 4

/* Sums of a tile, some vectors of some rows, fit the registers with what they are made of. */
#define MOST_ROWS    (ONR_LANES == 16 ? 8 : 4)
#define ROWS_VECTORS (ONR_LANES == 16 ? 3 : 2) /* of so many rows */
#define MOST_VECTORS 8                         /* of one row */

/* A line of some rows. */
struct line {
    size_t rows, count, k;
    const float *w;
    const float *bias;
    const float *x;
    const size_t *offsets;
    float *y;
    size_t y_stride;
};

/* Outputs from i on. rows and vectors are constants where this is inlined, so that the sums are
 * registers. */
ONR_INLINE void tile(const struct line *line, size_t i, size_t rows, size_t vectors)
{
    onr_lanes sum[MOST_ROWS][MOST_VECTORS];
    ONR_UNROLL
    for (size_t r = 0; r < rows; r++) {
        float bias = line->bias != NULL ? line->bias[r] : 0.0f;
        ONR_UNROLL
        for (size_t v = 0; v < vectors; v++) {
            sum[r][v] = (onr_lanes){0} + bias;
        }
    }
    for (size_t p = 0; p < line->k; p++) {
        const float *x = line->x + line->offsets[p] + i;
        ONR_UNROLL
        for (size_t v = 0; v < vectors; v++) {
            onr_lanes in = onr_load(x + v * ONR_LANES);
            ONR_UNROLL
            for (size_t r = 0; r < rows; r++) {
                sum[r][v] = onr_fused_number(line->w[r * line->k + p], in, sum[r][v]);
            }
        }
    }
    ONR_UNROLL
    for (size_t r = 0; r < rows; r++) {
        ONR_UNROLL
        for (size_t v = 0; v < vectors; v++) {
            onr_store(line->y + r * line->y_stride + i + v * ONR_LANES, sum[r][v]);
        }
    }
}

/* As many whole tiles as there are from output i on; returns the first output that is left. */
ONR_INLINE size_t run_tiles(const struct line *line, size_t i, size_t rows, size_t vectors)
{
    for (; i + vectors * ONR_LANES <= line->count; i += vectors * ONR_LANES) {
        tile(line, i, rows, vectors);
    }
    return i;
}

/* The last vector of a line is done once more, with what is left, when there is one. */
ONR_INLINE void run_rest(const struct line *line, size_t i, size_t rows)
{
    if (i < line->count) {
        tile(line, line->count >= ONR_LANES ? line->count - ONR_LANES : 0, rows, 1);
    }
}

static void run_row(const struct line *line)
{
    size_t i = run_tiles(line, 0, 1, 8);
    i = run_tiles(line, i, 1, 4);
    i = run_tiles(line, i, 1, 2);
    run_rest(line, run_tiles(line, i, 1, 1), 1);
}

static void run_two_rows(const struct line *line)
{
    size_t i = run_tiles(line, 0, 2, 4);
    i = run_tiles(line, i, 2, 2);
    run_rest(line, run_tiles(line, i, 2, 1), 2);
}

static void run_four_rows(const struct line *line)
{
    size_t i = run_tiles(line, 0, 4, ROWS_VECTORS);
    run_rest(line, run_tiles(line, i, 4, 1), 4);
}

static void run_most_rows(const struct line *line)
{
    size_t i = run_tiles(line, 0, MOST_ROWS, ROWS_VECTORS);
    i = run_tiles(line, i, MOST_ROWS, 2);
    run_rest(line, run_tiles(line, i, MOST_ROWS, 1), MOST_ROWS);
}

static void run_line(const struct onr_conv_direct *job, size_t l)
{
    struct line line = {
        .count = job->count,
        .k = job->k,
        .x = job->x + l * job->x_line,
        .offsets = job->offsets,
        .y_stride = job->y_stride,
    };
    for (size_t row = 0; row < job->rows; row += line.rows) {
        size_t left = job->rows - row;
        line.rows = left >= MOST_ROWS ? MOST_ROWS : (left >= 4 ? 4 : (left >= 2 ? 2 : 1));
        line.w = job->w + row * job->k;
        line.bias = job->bias != NULL ? job->bias + row : NULL;
        line.y = job->y + row * job->y_stride + l * job->y_line;
        if (line.rows > 4) {
            run_most_rows(&line);
        } else if (line.rows == 4) {
            run_four_rows(&line);
        } else if (line.rows == 2) {
            run_two_rows(&line);
        } else {
            run_row(&line);
        }
    }
}

/* Outputs from i on of SHARED lines. All of them that see a row of the patch use it when it is
 * loaded: row r of the patch is tap row r - l of line l. */
ONR_INLINE void shared_row(const struct onr_conv_direct *job, const float *x, const float *w,
                           size_t wide, size_t first, size_t end, size_t vectors,
                           onr_lanes (*sum)[2])
{
    for (size_t t = 0; t < wide; t++) {
        onr_lanes in[2];
        ONR_UNROLL
        for (size_t v = 0; v < vectors; v++) {
            in[v] = onr_load(x + job->offsets[t] + v * ONR_LANES);
        }
        ONR_UNROLL
        for (size_t l = first; l < end; l++) {
            float tap = *(w + t - l * wide);
            ONR_UNROLL
            for (size_t v = 0; v < vectors; v++) {
                sum[l][v] = onr_fused_number(tap, in[v], sum[l][v]);
            }
        }
    }
}

ONR_INLINE void shared_tile(const struct onr_conv_direct *job, size_t row, size_t line, size_t i,
                            size_t vectors)
{
    onr_lanes sum[SHARED][2];
    size_t wide = job->k / job->taps_high;
    const float *x = job->x + line * job->x_line + i;
    const float *w = job->w + row * job->k;
    float *y = job->y + row * job->y_stride + line * job->y_line + i;
    float bias = job->bias != NULL ? job->bias[row] : 0.0f;
    ONR_UNROLL
    for (size_t l = 0; l < SHARED; l++) {
        sum[l][0] = (onr_lanes){0} + bias;
        sum[l][1] = sum[l][0];
    }
    ONR_UNROLL
    for (size_t r = 0; r < SHARED - 1; r++, x += job->x_line) {
        shared_row(job, x, w + r * wide, wide, 0, r + 1, vectors, sum);
    }
    for (size_t r = SHARED - 1; r < job->taps_high; r++, x += job->x_line) {
        shared_row(job, x, w + r * wide, wide, 0, SHARED, vectors, sum);
    }
    ONR_UNROLL
    for (size_t r = 1; r < SHARED; r++, x += job->x_line) {
        shared_row(job, x, w + (job->taps_high - 1 + r) * wide, wide, r, SHARED, vectors, sum);
    }
    ONR_UNROLL
    for (size_t l = 0; l < SHARED; l++) {
        ONR_UNROLL
        for (size_t v = 0; v < vectors; v++) {
            onr_store(y + l * job->y_line + v * ONR_LANES, sum[l][v]);
        }
    }
}

static void run_shared_lines(const struct onr_conv_direct *job, size_t line)
{
    for (size_t row = 0; row < job->rows; row++) {
        size_t i = 0;
        for (; i + 2 * ONR_LANES <= job->count; i += 2 * ONR_LANES) {
            shared_tile(job, row, line, i, 2);
        }
        if (i + ONR_LANES <= job->count) {
            shared_tile(job, row, line, i, 1);
            i += ONR_LANES;
        }
        if (i < job->count) {
            shared_tile(job, row, line, job->count - ONR_LANES, 1);
        }
    }
}

static void direct(const struct onr_conv_direct *job)
{
    size_t l = 0;
    for (; job->taps_high >= SHARED - 1 && job->count >= ONR_LANES && l + SHARED <= job->lines;
         l += SHARED) {
        run_shared_lines(job, l);
    }
    for (; l < job->lines; l++) {
        run_line(job, l);
    }
}

void ONR_KERNEL(onr_fill_conv_direct)(struct onr_kernels *kernels)
{
    kernels->conv.direct = direct;
}
