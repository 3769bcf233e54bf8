/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts of convolutions and poolings over three spatial dimensions. Fewer are held as leading
 * dimensions of 1.
 */
#ifndef ONR_KERNELS_CONV_CONV_H
#define ONR_KERNELS_CONV_CONV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A window that slides over a plane: output o sees the inputs o * stride - pad + t * dilation, t <
 * kernel, of which those outside [0, in) are padding. stride, dilation and kernel are at least 1,
 * pad at least 0.
 */
struct onr_window {
    int64_t in[3], out[3];
    int64_t kernel[3], stride[3], dilation[3];
    int64_t pad[3];     /* before the first input */
    int64_t pad_end[3]; /* behind the last; kernels other than average pooling ignore it */
};

struct onr_patch; /* patch.h */

#define ONR_CONV_LINES_TAPS 16 /* most columns of a window that onr_conv_is_lines tells */

#define ONR_PATCH_BLOCK      16 /* floats that are copied at a time ... */
#define ONR_PATCH_SLACK      16 /* ... so that up to this many are touched behind an end */
#define ONR_PATCH_MAX_BLOCKS 64

struct onr_patch_block {
    size_t to, from;
};

/*
 * y = the patch of `channels` channels of x: float[channels][in]; y has room for ONR_PATCH_SLACK
 * more, which may be overwritten.
 */
typedef void (*onr_patch_fill_fn)(const struct onr_window *window, const struct onr_patch *patch,
                                  const float *x, size_t channels, float *y);

/*
 * y[p * width + block.to ...] = x[offsets[p] + block.from ...] for p < k and all blocks, which are
 * sorted by `to`; for the product of matrices, p being a row of the right side. Reads and writes
 * reach up to ONR_PATCH_SLACK floats behind the last block.
 */
typedef void (*onr_patch_pack_fn)(const float *x, const size_t *offsets, size_t k,
                                  const struct onr_patch_block *blocks, size_t block_count,
                                  size_t width, float *y);

/*
 * For each line l: y[r * y_stride + l * y_line + i] = bias[r] + sum over p of w[r * k + p] *
 * x[offsets[p] + l * x_line + i], r < rows, i < count, p ascending. Less than ONR_PATCH_SLACK floats
 * of x are read behind a line, and written to y when count is less than that. taps_high is not 0
 * when the taps are that many rows of k / taps_high and line l sees its row t at x_line before line
 * l - 1 sees its row t + 1: offsets[p + k / taps_high] = offsets[p] + x_line.
 */
struct onr_conv_direct {
    size_t rows, lines, count, k;
    const float *w;
    const float *bias; /* or NULL */
    const float *x;
    const size_t *offsets;
    size_t taps_high;
    size_t x_line;
    float *y;
    size_t y_stride, y_line;
};

typedef void (*onr_conv_direct_fn)(const struct onr_conv_direct *job);

/*
 * Rows [row, row + rows) of y, in them outputs [first, first + count): bias + sum over taps of w[tap]
 * * x[...]; one plane of input and output. `small` is for windows that onr_conv_is_small tells,
 * `lines` for those of onr_conv_is_lines. An output does not depend on which are asked for together.
 */
struct onr_conv_small {
    const struct onr_window *window;
    const float *x; /* [in] */
    const float *w; /* [kernel] */
    float bias;
    int64_t row, rows;
    int64_t first, count; /* first is 0 or at least 16 in `small` */
    float *y;             /* [out] */
};

/* NULL in the table where an instruction set has no such kernel. */
typedef void (*onr_conv_small_fn)(const struct onr_conv_small *job);

/*
 * y[r][i][lane] = bias[lane] + sum over p of w[p][lane] * x[offsets[p] + r * x_line + i * x_step + lane],
 * p ascending, for r < rows, i < count; there are abreast_lanes lanes. wide is not 0 when the taps are
 * rows of that many, neighbours as the outputs are: x_step = abreast_lanes, and in a row offsets[p + 1] =
 * offsets[p] + abreast_lanes.
 */
struct onr_conv_abreast {
    size_t rows, count, k, wide;
    const float *x;
    const size_t *offsets;
    size_t x_step, x_line;
    const float *w;
    const float *bias;
    float *y;
};

typedef void (*onr_conv_abreast_fn)(const struct onr_conv_abreast *job);

/*
 * Outputs [first, first + count) of a depthwise convolution whose channels stand last: of each channel
 * bias + sum over taps of w[tap] * x[...]. An output does not depend on which are asked for together.
 */
struct onr_conv_last {
    const struct onr_window *window;
    size_t channels;
    const float *x;    /* [in][channels] */
    const float *w;    /* [kernel][channels] */
    const float *bias; /* [channels] or NULL */
    int64_t first, count;
    float *y; /* [count][channels] */
};

typedef void (*onr_conv_last_fn)(const struct onr_conv_last *job);

/*
 * y[o] += sum over taps of w[tap] * x[...]; one plane of input and output, y: [out], x: [in], w:
 * [kernel]. Taps are added in order. y does not overlap the others. In the transposed direction, spread_f64,
 * y[o * stride - pad + t * dilation] += w[t] * x[o], y: [in], x: [out] of the window.
 */
typedef void (*onr_conv_plane_f64_fn)(const struct onr_window *window, const double *x,
                                      const double *w, double *y);

/*
 * The transposed direction, one plane: y[o * stride - pad + t * dilation] = bias + sum of
 * columns[t * column_stride + o] for all taps t and positions o that fall there; y: [in], a column: [out]
 * of the window. Taps are added in order.
 */
struct onr_conv_spread {
    const struct onr_window *window;
    const float *columns;
    size_t column_stride;
    float bias;
    float *scratch; /* onr_spread_floats; not read where columns move by one */
    float *y;
};

typedef void (*onr_conv_spread_f32_fn)(const struct onr_conv_spread *job);

struct onr_conv_kernels {
    onr_patch_fill_fn fill;
    onr_patch_pack_fn pack;
    onr_conv_direct_fn direct;
    onr_conv_small_fn small;
    onr_conv_small_fn lines;
    onr_conv_abreast_fn abreast; /* NULL where an instruction set has no such kernel */
    size_t abreast_lanes;
    onr_conv_last_fn last;
    onr_conv_plane_f64_fn plane_f64;
    onr_conv_spread_f32_fn spread_f32;
    onr_conv_plane_f64_fn spread_f64;
};

/* True for 3 x 3 taps of one slice, neighbours in a row, that move by one or two columns. */
static inline bool onr_conv_is_small(const struct onr_window *w)
{
    return w->in[0] == 1 && w->out[0] == 1 && w->kernel[0] == 1 && w->pad[0] == 0 &&
           w->kernel[1] == 3 && w->kernel[2] == 3 && w->dilation[2] == 1 && w->stride[2] <= 2 &&
           w->pad[2] <= 3 - w->stride[2];
}

/* True for windows of one slice, three rows high or more, that move by one row or column. */
static inline bool onr_conv_is_lines(const struct onr_window *w)
{
    return w->in[0] == 1 && w->out[0] == 1 && w->kernel[0] == 1 && w->pad[0] == 0 &&
           w->kernel[1] >= 3 && w->kernel[2] <= ONR_CONV_LINES_TAPS && w->stride[1] == 1 &&
           w->stride[2] == 1 && w->dilation[1] == 1;
}

/* True for one tap that moves by one: outputs are inputs, weighted. */
static inline bool onr_window_is_plain(const struct onr_window *w)
{
    for (int d = 0; d < 3; d++) {
        if (w->kernel[d] != 1 || w->stride[d] != 1 || w->in[d] != w->out[d]) {
            return false;
        }
    }
    return true;
}

static inline size_t onr_window_volume(const int64_t dims[3])
{
    return (size_t)(dims[0] * dims[1] * dims[2]);
}

/* Outputs o of dimension d, [*begin, *end), whose tap t falls on an input, not on padding. */
static inline void onr_window_range(const struct onr_window *w, int d, int64_t t, int64_t *begin,
                                    int64_t *end)
{
    int64_t offset = t * w->dilation[d] - w->pad[d]; /* input = o * stride + offset */
    int64_t last = w->in[d] - 1 - offset;
    *begin = offset >= 0 ? 0 : (-offset + w->stride[d] - 1) / w->stride[d];
    *end = last < 0 ? 0 : last / w->stride[d] + 1;
    *end = *end < w->out[d] ? *end : w->out[d];
    *begin = *begin < *end ? *begin : *end;
}

/* The same for a tap of all dimensions, and its offsets. */
static inline void onr_window_tap(const struct onr_window *w, const int64_t t[3], int64_t begin[3],
                                  int64_t end[3], int64_t offset[3])
{
    for (int d = 0; d < 3; d++) {
        onr_window_range(w, d, t[d], &begin[d], &end[d]);
        offset[d] = t[d] * w->dilation[d] - w->pad[d];
    }
}

/* A row of outputs while it is summed: those that are a stride apart lie beside each other, in as many parts
 * as there are, each this wide. */
static inline int64_t onr_spread_parts(const struct onr_window *w)
{
    return w->stride[2] < w->in[2] ? w->stride[2] : w->in[2];
}

static inline int64_t onr_spread_width(const struct onr_window *w)
{
    return (w->in[2] + w->stride[2] - 1) / w->stride[2];
}

static inline size_t onr_spread_floats(const struct onr_window *w)
{
    return (size_t)(w->in[0] * w->in[1] * onr_spread_parts(w) * onr_spread_width(w));
}

#endif
