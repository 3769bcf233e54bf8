/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of elements, in portable C. */
#include "kernels/reduce/order.h"

#include "base/half.h"
#include "kernels/kernel.h"
#include "kernels/kernels.h"

void ONR_KERNEL(onr_fill_order)(struct onr_kernels *kernels);

static void keys_f32(size_t count, const float *x, uint64_t flip, uint64_t *keys)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = onr_float_bits(x[i] + 0.0f); /* -0 becomes 0 */
        uint32_t key = bits ^ ((0u - (bits >> 31)) | 0x80000000u);
        key = x[i] != x[i] ? UINT32_MAX : key;
        keys[i] = key ^ flip;
    }
}

static uint64_t max_key(size_t count, const uint64_t *keys)
{
    uint64_t best = 0;
    for (size_t i = 0; i < count; i++) {
        best = keys[i] > best ? keys[i] : best;
    }
    return best;
}

static size_t pick(size_t count, const uint64_t *keys, uint64_t least, uint16_t *picked)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        picked[found] = (uint16_t)i;
        found += keys[i] >= least;
    }
    return found;
}

void ONR_KERNEL(onr_fill_order)(struct onr_kernels *kernels)
{
    kernels->order = (struct onr_order_kernels){.keys_f32 = keys_f32, .max = max_key, .pick = pick};
}
