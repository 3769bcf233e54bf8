/* SPDX-License-Identifier: Apache-2.0 */
/* Interpolation in float32, in portable C. */
#include "kernels/image/interpolate.h"
#include "kernels/kernel.h"
#include "kernels/kernels.h"

void ONR_KERNEL(onr_fill_image_f32)(struct onr_kernels *kernels);

static void pick_32(size_t count, const int32_t *index, const uint32_t *x, uint32_t *restrict y)
{
    for (size_t i = 0; i < count; i++) {
        y[i] = x[index[i]];
    }
}

void ONR_KERNEL(onr_fill_image_f32)(struct onr_kernels *kernels)
{
    kernels->image.sample_f32 = sample;
    kernels->image.blend_f32 = blend;
    kernels->image.pick_32 = pick_32;
}
