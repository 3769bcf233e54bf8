/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Depthwise convolutions with windows of 3 x 3, where vectors are long and loads have masks: each
 * vector of a row of the plane is loaded once for a line of outputs, where it lies, and permutes make
 * what the taps see of it.
 */
#include "kernels/conv/columns.h"
#include "kernels/conv/conv.h"
#include "kernels/kernel.h"
#include "kernels/kernels.h"

void ONR_KERNEL(onr_fill_conv_small)(struct onr_kernels *kernels);

#define TAPS 3

/* A line of outputs. */
struct line {
    const float *x; /* the row that tap row `first_tap` sees */
    const float *w; /* of that tap row */
    int64_t rows, row_pitch;
    int64_t width, column; /* of x; the first column that the line loads */
    int64_t count;
    float bias;
    float *y;
};

/* sum and what a row gives, from its vectors. The sums of rows do not wait for each other. */
ONR_INLINE onr_lanes add_row(onr_lanes sum, const onr_lanes *v, const float *w, int64_t stride,
                             onr_lanes *before)
{
    onr_lanes tap[TAPS];
    onr_split_columns(v, TAPS, stride, before, tap);
    onr_lanes row = w[0] * tap[0];
    row = onr_fused_number(w[1], tap[1], row);
    row = onr_fused_number(w[2], tap[2], row);
    return sum + row;
}

/* The vector of columns before the first that a line loads, in one of its rows: for a piece of a
 * line, which is rare ... */
static __attribute__((noinline)) onr_lanes load_piece(const struct line *line, const float *x)
{
    int64_t from = line->column - ONR_LANES;
    return onr_load_first(x + from, line->width - from, 0.0f);
}

/* ... and for all. */
ONR_INLINE onr_lanes load_before(const struct line *line, const float *x, int64_t first)
{
    if (first > 0) {
        return load_piece(line, x);
    }
    onr_lanes v = onr_load_first(x, line->column > 0 ? line->width : 0, 0.0f);
    return onr_columns_before(v, line->column, 0.0f);
}

/* Outputs from o on, which see all rows. */
ONR_INLINE onr_lanes block(const struct line *line, int64_t o, int64_t stride, bool is_inside,
                           onr_lanes *before)
{
    int64_t column = line->column + o * stride;
    const float *x = line->x + column;
    onr_lanes sum = (onr_lanes){0} + line->bias;
    ONR_UNROLL
    for (int64_t t = 0; t < TAPS; t++, x += line->row_pitch) {
        onr_lanes v[2];
        ONR_UNROLL
        for (int64_t i = 0; i < stride; i++) {
            int64_t left = line->width - column - i * ONR_LANES;
            v[i] = is_inside ? onr_load(x + i * ONR_LANES)
                             : onr_load_first(x + i * ONR_LANES, left, 0.0f);
        }
        sum = add_row(sum, v, line->w + t * TAPS, stride, before + t);
    }
    return sum;
}

/* A line that sees all rows. */
ONR_INLINE void run_whole(const struct line *line, int64_t first, int64_t stride)
{
    const struct line own = *line; /* which what is stored cannot change */
    onr_lanes before[TAPS];
    ONR_UNROLL
    for (int64_t t = 0; t < TAPS; t++) {
        before[t] = load_before(&own, own.x + t * own.row_pitch, first);
    }
    int64_t inside = own.width > own.column ? (own.width - own.column) / stride : 0;
    int64_t end = (inside < own.count ? inside : own.count) & -ONR_LANES;
    int64_t o = 0;
    for (; o < end; o += ONR_LANES) {
        onr_store(own.y + o, block(&own, o, stride, true, before));
    }
    for (; o < own.count; o += ONR_LANES) {
        int64_t left = own.count - o;
        onr_store_first(own.y + o, left < ONR_LANES ? left : ONR_LANES,
                        block(&own, o, stride, false, before));
    }
}

/* A line that sees fewer rows. */
static void run_edge(const struct line *line, int64_t first, int64_t stride)
{
    onr_lanes before[TAPS];
    for (int64_t t = 0; t < line->rows; t++) {
        before[t] = load_before(line, line->x + t * line->row_pitch, first);
    }
    for (int64_t o = 0; o < line->count; o += ONR_LANES) {
        int64_t left = line->count - o;
        onr_lanes sum = (onr_lanes){0} + line->bias;
        for (int64_t t = 0; t < line->rows; t++) {
            int64_t column = line->column + o * stride;
            onr_lanes v[2] = {{0}, {0}};
            for (int64_t i = 0; i < stride; i++, column += ONR_LANES) {
                v[i] = onr_load_first(line->x + t * line->row_pitch + column, line->width - column,
                                      0.0f);
            }
            sum = add_row(sum, v, line->w + t * TAPS, stride, before + t);
        }
        onr_store_first(line->y + o, left < ONR_LANES ? left : ONR_LANES, sum);
    }
}

static void run_line(const struct line *line, int64_t first, int64_t stride)
{
    if (line->rows < TAPS) {
        run_edge(line, first, stride);
    } else if (stride == 1) {
        run_whole(line, first, 1);
    } else {
        run_whole(line, first, 2);
    }
}

static void small(const struct onr_conv_small *job)
{
    const struct onr_window *w = job->window;
    int64_t stride = w->stride[2];
    struct line line = {.row_pitch = w->dilation[1] * w->in[2],
                        .width = w->in[2],
                        .column = onr_first_column(job->first, TAPS, stride, w->pad[2]),
                        .count = job->count,
                        .bias = job->bias};
    for (int64_t r = job->row; r < job->row + job->rows; r++) {
        int64_t top = r * w->stride[1] - w->pad[1];
        int64_t tap = 0;
        while (tap < TAPS && top + tap * w->dilation[1] < 0) {
            tap++;
        }
        line.rows = 0;
        while (tap + line.rows < TAPS && top + (tap + line.rows) * w->dilation[1] < w->in[1]) {
            line.rows++;
        }
        line.x = line.rows > 0 ? job->x + (top + tap * w->dilation[1]) * w->in[2] : job->x;
        line.w = job->w + tap * TAPS;
        line.y = job->y + r * w->out[2] + job->first;
        run_line(&line, job->first, stride);
    }
}

void ONR_KERNEL(onr_fill_conv_small)(struct onr_kernels *kernels)
{
    kernels->conv.small = ONR_LANES == 16 ? small : NULL;
}
