/* SPDX-License-Identifier: Apache-2.0 */
/* Transposed convolutions of one plane in float64: taps scattered over rows of the output. */
#include "kernels/conv/conv.h"
#include "kernels/kernel.h"
#include "kernels/kernels.h"

void ONR_KERNEL(onr_fill_conv_spread_f64)(struct onr_kernels *kernels);

/* One tap over all rows; ranges leave out the positions whose tap falls on padding. */
static void spread_tap(const struct onr_window *s, const int64_t t[3], const double *x, double w,
                       double *y)
{
    int64_t begin[3];
    int64_t end[3];
    int64_t offset[3];
    for (int d = 0; d < 3; d++) {
        onr_window_range(s, d, t[d], &begin[d], &end[d]);
        offset[d] = t[d] * s->dilation[d] - s->pad[d];
    }
    for (int64_t z = begin[0]; begin[2] < end[2] && z < end[0]; z++) {
        for (int64_t r = begin[1]; r < end[1]; r++) {
            int64_t plane = (z * s->stride[0] + offset[0]) * s->in[1];
            int64_t row = (plane + r * s->stride[1] + offset[1]) * s->in[2];
            const double *from = x + (z * s->out[1] + r) * s->out[2];
            for (int64_t i = begin[2]; i < end[2]; i++) {
                y[row + i * s->stride[2] + offset[2]] += w * from[i];
            }
        }
    }
}

static void spread_f64(const struct onr_window *s, const double *x, const double *w, double *y)
{
    int64_t t[3];
    for (t[0] = 0; t[0] < s->kernel[0]; t[0]++) {
        for (t[1] = 0; t[1] < s->kernel[1]; t[1]++) {
            for (t[2] = 0; t[2] < s->kernel[2]; t[2]++) {
                spread_tap(s, t, x, *w++, y);
            }
        }
    }
}

void ONR_KERNEL(onr_fill_conv_spread_f64)(struct onr_kernels *kernels)
{
    kernels->conv.spread_f64 = spread_f64;
}
