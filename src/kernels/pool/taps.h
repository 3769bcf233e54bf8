/* SPDX-License-Identifier: Apache-2.0 */
/* Which inputs an output of a pooling sees. */
#ifndef ONR_KERNELS_POOL_TAPS_H
#define ONR_KERNELS_POOL_TAPS_H

#include "kernels/conv/conv.h"

/* The inputs that one output sees: first, first + dilation, ... (count of them) in each dimension. */
struct onr_taps {
    int64_t first[3];
    int64_t count[3];
};

/* n / d, rounded down, for n >= 0. Most dilations are 1, and a division costs as much as a vector of
 * outputs. */
static inline int64_t onr_tap_divide(int64_t n, int64_t d)
{
    return d > 1 ? n / d : n; /* compilers divide all the same when this is written d == 1 ? n : */
}

/* Number of taps of output o in dimension d whose input lies in [low, high); *first: the input of
 * the first of them. */
static inline int64_t onr_tap_range(const struct onr_window *w, int d, int64_t o, int64_t low,
                                    int64_t high, int64_t *first)
{
    int64_t start = o * w->stride[d] - w->pad[d];
    int64_t begin =
        start >= low ? 0 : onr_tap_divide(low - start + w->dilation[d] - 1, w->dilation[d]);
    int64_t end = start >= high ? 0 : onr_tap_divide(high - 1 - start, w->dilation[d]) + 1;
    end = end < w->kernel[d] ? end : w->kernel[d];
    *first = start + begin * w->dilation[d];
    return end > begin ? end - begin : 0;
}

/* The taps on the plane of output (z, y, x). */
static inline struct onr_taps onr_find_taps(const struct onr_window *w, int64_t z, int64_t y,
                                            int64_t x)
{
    struct onr_taps taps;
    const int64_t o[3] = {z, y, x};
    for (int d = 0; d < 3; d++) {
        taps.count[d] = onr_tap_range(w, d, o[d], 0, w->in[d], &taps.first[d]);
    }
    return taps;
}

/* Element of the plane at tap (a, b, c) of those found. */
static inline int64_t onr_tap_position(const struct onr_window *w, const struct onr_taps *taps,
                                       int64_t a, int64_t b, int64_t c)
{
    int64_t z = taps->first[0] + a * w->dilation[0];
    int64_t y = taps->first[1] + b * w->dilation[1];
    return (z * w->in[1] + y) * w->in[2] + taps->first[2] + c * w->dilation[2];
}

#endif
