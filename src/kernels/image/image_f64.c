/* SPDX-License-Identifier: Apache-2.0 */
/* Interpolation in float64, in portable C. */
#define REAL double
#include "kernels/image/interpolate.h"
#include "kernels/kernel.h"
#include "kernels/kernels.h"

void ONR_KERNEL(onr_fill_image_f64)(struct onr_kernels *kernels);

void ONR_KERNEL(onr_fill_image_f64)(struct onr_kernels *kernels)
{
    kernels->image.sample_f64 = sample;
    kernels->image.blend_f64 = blend;
}
