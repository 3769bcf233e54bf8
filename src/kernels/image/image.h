/* SPDX-License-Identifier: Apache-2.0 */
/* Interpolation: weighted sums of elements that are picked by index, and of whole rows. */
#ifndef ONR_KERNELS_IMAGE_IMAGE_H
#define ONR_KERNELS_IMAGE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * y[i] = sum over t < taps of weight[t * stride + i] * x[index[t * stride + i]] for i < count, added
 * to y[i] when `add`. Taps of weight 0 are read but do not count, whatever stands there. Indices are
 * not negative; y overlaps nothing.
 */
typedef void (*onr_sample_f32_fn)(size_t count, size_t taps, size_t stride, const int32_t *index,
                                  const float *weight, const float *x, float *y, bool add);
typedef void (*onr_sample_f64_fn)(size_t count, size_t taps, size_t stride, const int32_t *index,
                                  const double *weight, const double *x, double *y, bool add);

/* y[i] = sum over t < taps of weight[t] * rows[t][i] for i < count. y overlaps no row. */
typedef void (*onr_blend_f32_fn)(size_t count, size_t taps, const float *weight,
                                 const float *const *rows, float *y);
typedef void (*onr_blend_f64_fn)(size_t count, size_t taps, const double *weight,
                                 const double *const *rows, double *y);

/* y[i] = x[index[i]] for i < count, elements of 4 bytes. */
typedef void (*onr_pick_32_fn)(size_t count, const int32_t *index, const uint32_t *x, uint32_t *y);

struct onr_image_kernels {
    onr_sample_f32_fn sample_f32;
    onr_sample_f64_fn sample_f64;
    onr_blend_f32_fn blend_f32;
    onr_blend_f64_fn blend_f64;
    onr_pick_32_fn pick_32;
};

#endif
