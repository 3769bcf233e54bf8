/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transposed convolutions of one plane in float32, in portable C: outputs of a row that are a stride apart
 * are summed beside each other, so that a tap adds to neighbours, and interleaved when all is added.
 */
#include "kernels/conv/conv.h"
#include "kernels/kernel.h"
#include "kernels/kernels.h"

void ONR_KERNEL(onr_fill_conv_spread)(struct onr_kernels *kernels);

static void add(int64_t count, const float *x, float *restrict y)
{
    for (int64_t i = 0; i < count; i++) {
        y[i] += x[i];
    }
}

/* y[i * 2 + p] = parts[p][i], and the same of four: loops that are vectors. */
static void interleave_two(int64_t count, const float *parts, int64_t width, float *restrict y)
{
    for (int64_t i = 0; i < count; i++) {
        y[2 * i] = parts[i];
        y[2 * i + 1] = parts[width + i];
    }
}

static void interleave_four(int64_t count, const float *parts, int64_t width, float *restrict y)
{
    for (int64_t i = 0; i < count; i++) {
        y[4 * i] = parts[i];
        y[4 * i + 1] = parts[width + i];
        y[4 * i + 2] = parts[2 * width + i];
        y[4 * i + 3] = parts[3 * width + i];
    }
}

/* A row of y from its parts. */
static void interleave(const struct onr_window *s, const float *parts, float *restrict y)
{
    int64_t stride = s->stride[2];
    int64_t width = onr_spread_width(s);
    int64_t whole = stride == 2 || stride == 4 ? s->in[2] / stride : 0;
    if (stride == 2) {
        interleave_two(whole, parts, width, y);
    } else if (stride == 4) {
        interleave_four(whole, parts, width, y);
    }
    for (int64_t p = 0; p < onr_spread_parts(s); p++) {
        for (int64_t i = whole; i * stride + p < s->in[2]; i++) {
            y[i * stride + p] = parts[p * width + i];
        }
    }
}

/* One tap over all rows, each `line` floats; ranges leave out the positions whose tap falls on padding. */
static void add_tap(const struct onr_window *s, const int64_t t[3], const float *column,
                    float *sums, int64_t line)
{
    int64_t begin[3];
    int64_t end[3];
    int64_t offset[3];
    onr_window_tap(s, t, begin, end, offset);
    int64_t first = begin[2] * s->stride[2] + offset[2];
    for (int64_t z = begin[0]; begin[2] < end[2] && z < end[0]; z++) {
        for (int64_t r = begin[1]; r < end[1]; r++) {
            int64_t plane = (z * s->stride[0] + offset[0]) * s->in[1];
            int64_t row = (plane + r * s->stride[1] + offset[1]) * line;
            add(end[2] - begin[2], column + (z * s->out[1] + r) * s->out[2] + begin[2],
                sums + row + first % s->stride[2] * onr_spread_width(s) + first / s->stride[2]);
        }
    }
}

static void spread_f32(const struct onr_conv_spread *job)
{
    const struct onr_window *s = job->window;
    bool is_whole = s->stride[2] == 1; /* rows have one part */
    float *sums = is_whole ? job->y : job->scratch;
    int64_t line = onr_spread_parts(s) * onr_spread_width(s);
    const float *column = job->columns;
    int64_t t[3];
    for (size_t i = 0; i < onr_spread_floats(s); i++) {
        sums[i] = job->bias;
    }
    for (t[0] = 0; t[0] < s->kernel[0]; t[0]++) {
        for (t[1] = 0; t[1] < s->kernel[1]; t[1]++) {
            for (t[2] = 0; t[2] < s->kernel[2]; t[2]++, column += job->column_stride) {
                add_tap(s, t, column, sums, line);
            }
        }
    }
    for (int64_t row = 0; !is_whole && row < s->in[0] * s->in[1]; row++) {
        interleave(s, sums + row * line, job->y + row * s->in[2]);
    }
}

void ONR_KERNEL(onr_fill_conv_spread)(struct onr_kernels *kernels)
{
    kernels->conv.spread_f32 = spread_f32;
}
