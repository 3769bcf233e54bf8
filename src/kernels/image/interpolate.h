/* SPDX-License-Identifier: Apache-2.0 */
/* The bodies of the interpolation kernels, for the type REAL, which is float unless defined. */
#ifndef ONR_KERNELS_IMAGE_INTERPOLATE_H
#define ONR_KERNELS_IMAGE_INTERPOLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef REAL
#    define REAL float
#endif

/* What one tap adds. */
static inline REAL tap(REAL weight, REAL value)
{
    REAL product = weight * value;
    return weight != 0 ? product : 0;
}

static inline void sample_2(size_t count, size_t stride, const int32_t *index, const REAL *weight,
                            const REAL *x, REAL *restrict y)
{
    const int32_t *index_b = index + stride;
    const REAL *weight_b = weight + stride;
    for (size_t i = 0; i < count; i++) {
        REAL a = x[index[i]];
        REAL b = x[index_b[i]];
        y[i] = tap(weight[i], a) + tap(weight_b[i], b);
    }
}

static inline void sample_4(size_t count, size_t stride, const int32_t *index, const REAL *weight,
                            const REAL *x, REAL *restrict y)
{
    const int32_t *at[4] = {index, index + stride, index + 2 * stride, index + 3 * stride};
    const REAL *w[4] = {weight, weight + stride, weight + 2 * stride, weight + 3 * stride};
    for (size_t i = 0; i < count; i++) {
        REAL a = x[at[0][i]];
        REAL b = x[at[1][i]];
        REAL c = x[at[2][i]];
        REAL d = x[at[3][i]];
        y[i] = (tap(w[0][i], a) + tap(w[1][i], b)) + (tap(w[2][i], c) + tap(w[3][i], d));
    }
}

static inline void sample(size_t count, size_t taps, size_t stride, const int32_t *index,
                          const REAL *weight, const REAL *x, REAL *restrict y, bool add)
{
    if (taps == 2 && !add) {
        sample_2(count, stride, index, weight, x, y);
        return;
    }
    if (taps == 4 && !add) {
        sample_4(count, stride, index, weight, x, y);
        return;
    }
    for (size_t i = 0; i < count && !add; i++) {
        y[i] = 0;
    }
    for (size_t t = 0; t < taps; t++) {
        const int32_t *at = index + t * stride;
        const REAL *w = weight + t * stride;
        for (size_t i = 0; i < count; i++) {
            REAL value = x[at[i]];
            y[i] += tap(w[i], value);
        }
    }
}

/* Adds up to four rows at a time, so that y is seldom read again. */
static inline void blend(size_t count, size_t taps, const REAL *weight, const REAL *const *rows,
                         REAL *restrict y)
{
    for (size_t i = 0; i < count && taps == 0; i++) {
        y[i] = 0;
    }
    for (size_t t = 0; t < taps; t += 4) {
        size_t rest = taps - t;
        const REAL *a = rows[t];
        const REAL *b = rows[t + (rest > 1 ? 1 : 0)];
        const REAL *c = rows[t + (rest > 2 ? 2 : 0)];
        const REAL *d = rows[t + (rest > 3 ? 3 : 0)];
        REAL wa = weight[t];
        REAL wb = rest > 1 ? weight[t + 1] : 0;
        REAL wc = rest > 2 ? weight[t + 2] : 0;
        REAL wd = rest > 3 ? weight[t + 3] : 0;
        if (t > 0) {
            for (size_t i = 0; i < count; i++) {
                REAL sum = tap(wa, a[i]) + tap(wb, b[i]) + (tap(wc, c[i]) + tap(wd, d[i]));
                y[i] += sum;
            }
        } else if (rest > 2) {
            for (size_t i = 0; i < count; i++) {
                y[i] = tap(wa, a[i]) + tap(wb, b[i]) + (tap(wc, c[i]) + tap(wd, d[i]));
            }
        } else {
            for (size_t i = 0; i < count; i++) {
                y[i] = tap(wa, a[i]) + tap(wb, b[i]);
            }
        }
    }
}

#endif
