/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys: unsigned numbers that order as the elements they stand for, so that the best of a row can be
 * looked for without knowing what it is made of. Flipped keys (key ^ UINT64_MAX) order the other way
 * round.
 */
#ifndef ONR_KERNELS_REDUCE_ORDER_H
#define ONR_KERNELS_REDUCE_ORDER_H

#include <stddef.h>
#include <stdint.h>

/* Most keys that pick takes at a time. */
#define ONR_MAX_PICK 65536

struct onr_order_kernels {
    /* keys[i] = key of x[i] ^ flip for i < count. NaN has the largest key, 0 and -0 have the same. */
    void (*keys_f32)(size_t count, const float *x, uint64_t flip, uint64_t *keys);
    /* The largest of keys[0 .. count), 0 for none. */
    uint64_t (*max)(size_t count, const uint64_t *keys);
    /* Writes the i < count with keys[i] >= least to picked, in order, and returns how many they are.
     * picked has room for count; the rest of it is overwritten too. */
    size_t (*pick)(size_t count, const uint64_t *keys, uint64_t least, uint16_t *picked);
};

#endif
