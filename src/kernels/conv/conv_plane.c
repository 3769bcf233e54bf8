/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions of one plane with one filter, tap by tap over whole rows, in portable C. */
#include "kernels/conv/conv.h"
#include "kernels/kernel.h"
#include "kernels/kernels.h"

void ONR_KERNEL(onr_fill_conv)(struct onr_kernels *kernels);

/* One tap over all rows; ranges leave out the outputs whose tap falls on padding. */
#define DEFINE_CONV_PLANE(name, type)                                                              \
    static void name##_row(const type *x, int64_t stride, type w, int64_t count, type *restrict y) \
    {                                                                                              \
        if (stride == 1) {                                                                         \
            for (int64_t i = 0; i < count; i++) {                                                  \
                y[i] += w * x[i];                                                                  \
            }                                                                                      \
        } else {                                                                                   \
            for (int64_t i = 0; i < count; i++) {                                                  \
                y[i] += w * x[i * stride];                                                         \
            }                                                                                      \
        }                                                                                          \
    }                                                                                              \
    static void name##_tap(const struct onr_window *s, const int64_t t[3], const type *x, type w,  \
                           type *y)                                                                \
    {                                                                                              \
        int64_t begin[3];                                                                          \
        int64_t end[3];                                                                            \
        int64_t offset[3];                                                                         \
        for (int d = 0; d < 3; d++) {                                                              \
            onr_window_range(s, d, t[d], &begin[d], &end[d]);                                      \
            offset[d] = t[d] * s->dilation[d] - s->pad[d];                                         \
        }                                                                                          \
        for (int64_t z = begin[0]; begin[2] < end[2] && z < end[0]; z++) {                         \
            for (int64_t r = begin[1]; r < end[1]; r++) {                                          \
                int64_t plane = (z * s->stride[0] + offset[0]) * s->in[1];                         \
                int64_t row = (plane + r * s->stride[1] + offset[1]) * s->in[2];                   \
                name##_row(x + row + begin[2] * s->stride[2] + offset[2], s->stride[2], w,         \
                           end[2] - begin[2], y + (z * s->out[1] + r) * s->out[2] + begin[2]);     \
            }                                                                                      \
        }                                                                                          \
    }                                                                                              \
    static void name(const struct onr_window *s, const type *x, const type *w, type *y)            \
    {                                                                                              \
        int64_t t[3];                                                                              \
        for (t[0] = 0; t[0] < s->kernel[0]; t[0]++) {                                              \
            for (t[1] = 0; t[1] < s->kernel[1]; t[1]++) {                                          \
                for (t[2] = 0; t[2] < s->kernel[2]; t[2]++) {                                      \
                    name##_tap(s, t, x, *w++, y);                                                  \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }

DEFINE_CONV_PLANE(plane_f32, float)
DEFINE_CONV_PLANE(plane_f64, double)

void ONR_KERNEL(onr_fill_conv)(struct onr_kernels *kernels)
{
    kernels->conv.plane_f32 = plane_f32;
    kernels->conv.plane_f64 = plane_f64;
}
