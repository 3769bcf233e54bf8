/* SPDX-License-Identifier: Apache-2.0 */
/* Rotation of one head by cosines and sines of its position. */
#ifndef ONR_OPS_ATTENTION_ROTARY_H
#define ONR_OPS_ATTENTION_ROTARY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Rotates `half` pairs of x into y, which may be x: the pair (x[i], x[i + half]), or (x[2i], x[2i +
 * 1]) when interleaved, becomes (cos[i] a - sin[i] b, sin[i] a + cos[i] b).
 */
static inline void onr_rotate(size_t half, bool is_interleaved, const float *cos, const float *sin,
                              const float *x, float *y)
{
    size_t step = is_interleaved ? 2 : 1;
    size_t apart = is_interleaved ? 1 : half;
    for (size_t i = 0; i < half; i++) {
        float a = x[i * step];
        float b = x[i * step + apart];
        y[i * step] = cos[i] * a - sin[i] * b;
        y[i * step + apart] = sin[i] * a + cos[i] * b;
    }
}

#endif
