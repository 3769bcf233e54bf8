/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transposed convolutions of one plane in float32, in portable C: a row of outputs is summed as rows of
 * outputs that are a stride apart, to which each tap adds neighbours, and these are interleaved then.
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

/* y[i * 2 + p] = line[p][i], and the same of four: loops that are vectors. */
static void interleave_two(int64_t count, const float *line, int64_t width, float *restrict y)
{
    for (int64_t i = 0; i < count; i++) {
        y[2 * i] = line[i];
        y[2 * i + 1] = line[width + i];
    }
}

static void interleave_four(int64_t count, const float *line, int64_t width, float *restrict y)
{
    for (int64_t i = 0; i < count; i++) {
        y[4 * i] = line[i];
        y[4 * i + 1] = line[width + i];
        y[4 * i + 2] = line[2 * width + i];
        y[4 * i + 3] = line[3 * width + i];
    }
}

/* A row of y from the rows of its phases. */
static void interleave(const struct onr_window *s, const float *line, float *restrict y)
{
    int64_t stride = s->stride[2];
    int64_t width = onr_spread_width(s);
    int64_t whole = stride == 2 || stride == 4 ? s->in[2] / stride : 0;
    if (stride == 2) {
        interleave_two(whole, line, width, y);
    } else if (stride == 4) {
        interleave_four(whole, line, width, y);
    }
    for (int64_t p = 0; p < stride; p++) {
        for (int64_t i = whole; i * stride + p < s->in[2]; i++) {
            y[i * stride + p] = line[p * width + i];
        }
    }
}

/* The position whose tap t of dimension d falls on this output, or -1. */
static int64_t find_position(const struct onr_window *s, int d, int64_t t, int64_t output)
{
    int64_t place = output + s->pad[d] - t * s->dilation[d];
    return place >= 0 && place % s->stride[d] == 0 && place / s->stride[d] < s->out[d]
               ? place / s->stride[d]
               : -1;
}

/* What all taps add to the row of these outputs. */
static void add_taps(const struct onr_conv_spread *job, int64_t plane, int64_t row, float *line)
{
    const struct onr_window *s = job->window;
    const float *columns = job->columns;
    for (int64_t t0 = 0; t0 < s->kernel[0]; t0++) {
        int64_t z = find_position(s, 0, t0, plane);
        for (int64_t t1 = 0; t1 < s->kernel[1]; t1++) {
            int64_t r = z >= 0 ? find_position(s, 1, t1, row) : -1;
            for (int64_t t2 = 0; t2 < s->kernel[2]; t2++, columns += job->column_stride) {
                const struct onr_spread_tap *tap = &job->taps[t2];
                if (r >= 0) {
                    add(tap->count, columns + (z * s->out[1] + r) * s->out[2] + tap->from,
                        line + tap->to);
                }
            }
        }
    }
}

static void spread_f32(const struct onr_conv_spread *job)
{
    const struct onr_window *s = job->window;
    size_t line_floats = onr_spread_line(s);
    float *y = job->y;
    for (int64_t plane = 0; plane < s->in[0]; plane++) {
        for (int64_t row = 0; row < s->in[1]; row++, y += s->in[2]) {
            float *line = s->stride[2] == 1 ? y : job->line;
            for (size_t i = 0; i < line_floats; i++) {
                line[i] = job->bias;
            }
            add_taps(job, plane, row, line);
            if (s->stride[2] > 1) {
                interleave(s, line, y);
            }
        }
    }
}

void ONR_KERNEL(onr_fill_conv_spread)(struct onr_kernels *kernels)
{
    kernels->conv.spread_f32 = spread_f32;
}
