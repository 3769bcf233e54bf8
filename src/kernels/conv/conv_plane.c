/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions of one double plane with one filter, and transposed ones, tap by tap over whole rows. */
#include "kernels/conv/conv.h"
#include "kernels/kernel.h"
#include "kernels/kernels.h"

void ONR_KERNEL(onr_fill_conv)(struct onr_kernels *kernels);

/* Adds inputs that are a stride apart to outputs that lie beside each other. */
static void gather_row(const double *x, int64_t stride, double w, int64_t count, double *restrict y)
{
    if (stride == 1) {
        for (int64_t i = 0; i < count; i++) {
            y[i] += w * x[i];
        }
    } else {
        for (int64_t i = 0; i < count; i++) {
            y[i] += w * x[i * stride];
        }
    }
}

/* The other way round. */
static void spread_row(const double *x, int64_t stride, double w, int64_t count, double *restrict y)
{
    for (int64_t i = 0; i < count; i++) {
        y[i * stride] += w * x[i];
    }
}

/* One tap over all rows; ranges leave out the outputs whose tap falls on padding. */
static void add_tap(const struct onr_window *s, const int64_t t[3], const double *x, double w,
                    bool is_spread, double *y)
{
    int64_t begin[3];
    int64_t end[3];
    int64_t offset[3];
    onr_window_tap(s, t, begin, end, offset);
    for (int64_t z = begin[0]; begin[2] < end[2] && z < end[0]; z++) {
        for (int64_t r = begin[1]; r < end[1]; r++) {
            int64_t plane = (z * s->stride[0] + offset[0]) * s->in[1];
            int64_t row = (plane + r * s->stride[1] + offset[1]) * s->in[2];
            int64_t in = row + begin[2] * s->stride[2] + offset[2];
            int64_t out = (z * s->out[1] + r) * s->out[2] + begin[2];
            if (is_spread) {
                spread_row(x + out, s->stride[2], w, end[2] - begin[2], y + in);
            } else {
                gather_row(x + in, s->stride[2], w, end[2] - begin[2], y + out);
            }
        }
    }
}

static void add_taps(const struct onr_window *s, const double *x, const double *w, bool is_spread,
                     double *y)
{
    int64_t t[3];
    for (t[0] = 0; t[0] < s->kernel[0]; t[0]++) {
        for (t[1] = 0; t[1] < s->kernel[1]; t[1]++) {
            for (t[2] = 0; t[2] < s->kernel[2]; t[2]++) {
                add_tap(s, t, x, *w++, is_spread, y);
            }
        }
    }
}

static void plane_f64(const struct onr_window *s, const double *x, const double *w, double *y)
{
    add_taps(s, x, w, false, y);
}

static void spread_f64(const struct onr_window *s, const double *x, const double *w, double *y)
{
    add_taps(s, x, w, true, y);
}

void ONR_KERNEL(onr_fill_conv)(struct onr_kernels *kernels)
{
    kernels->conv.plane_f64 = plane_f64;
    kernels->conv.spread_f64 = spread_f64;
}
