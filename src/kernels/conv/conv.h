/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts of convolutions and poolings over three spatial dimensions. Fewer are held as leading
 * dimensions of 1.
 */
#ifndef ONR_KERNELS_CONV_CONV_H
#define ONR_KERNELS_CONV_CONV_H

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

/*
 * Columns [column, column + count) and rows [k_begin, k_begin + k) of the matrix that turns a
 * convolution into a product, as [k][width], zeros from count on. Row r is (channel, tap) of x:
 * float[channels][in], column an output position.
 */
void onr_im2col_f32(const struct onr_window *window, const float *x, size_t k_begin, size_t k,
                    size_t column, size_t count, size_t width, float *piece);

/*
 * y[o] += sum over taps of w[tap] * x[...]; one plane of input and output, y: [out], x: [in], w:
 * [kernel]. Taps are added in order. y does not overlap the others.
 */
typedef void (*onr_conv_plane_f32_fn)(const struct onr_window *window, const float *x,
                                      const float *w, float *y);
typedef void (*onr_conv_plane_f64_fn)(const struct onr_window *window, const double *x,
                                      const double *w, double *y);

/*
 * The transposed direction: y[o * stride - pad + t * dilation] += w[t] * x[t * x_stride + o] for
 * all taps t and positions o that fall on y; y: [in], x: [out] of the window. w NULL: all 1. Taps
 * are added in order.
 */
typedef void (*onr_conv_spread_f32_fn)(const struct onr_window *window, const float *x,
                                       size_t x_stride, const float *w, float *y);
typedef void (*onr_conv_spread_f64_fn)(const struct onr_window *window, const double *x,
                                       size_t x_stride, const double *w, double *y);

struct onr_conv_kernels {
    onr_conv_plane_f32_fn plane_f32;
    onr_conv_plane_f64_fn plane_f64;
    onr_conv_spread_f32_fn spread_f32;
    onr_conv_spread_f64_fn spread_f64;
};

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

#endif
