/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inputs that a box of outputs sees, copied so that no output needs care: padding is in place,
 * and the inputs that one tap meets at neighbouring outputs are neighbours, whatever the strides.
 *
 * In each dimension the inputs are cut into parts. Element j of part i is the input
 *
 *     (begin + j) * stride + i * step - pad
 *
 * Parts are the residues modulo the stride (step 1), which taps share; where dilations leave so much
 * unused that this takes more room, each tap has a part of its own (step is the dilation). A channel is
 * [parts[0]][parts[1]][parts[2]][size[0]][size[1]][size[2]].
 */
#ifndef ONR_KERNELS_CONV_PATCH_H
#define ONR_KERNELS_CONV_PATCH_H

#include "kernels/conv/conv.h"

#include <stdbool.h>

struct onr_patch {
    int64_t begin[3], count[3]; /* the box of outputs */
    int64_t parts[3], step[3], size[3];
    bool is_shared[3]; /* parts are residues */
};

/* The patch of a box around outputs [first, first + count) in row-major order, count > 0. */
void onr_patch_plan(const struct onr_window *window, int64_t first, int64_t count,
                    struct onr_patch *patch);

/* Floats of one channel, without the ONR_PATCH_SLACK behind the last; false when out of range. */
bool onr_patch_floats(const struct onr_patch *patch, size_t *floats);

/* Where the first output of the box finds taps [k_begin, k_begin + k), counted over channels, in a
 * patch whose first channel is that of tap k_begin. */
void onr_patch_offsets(const struct onr_window *window, const struct onr_patch *patch,
                       size_t k_begin, size_t k, size_t *offsets);

/* How much further output (o[0], o[1], o[2]), which lies in the box, finds its taps. */
static inline int64_t onr_patch_place(const struct onr_patch *patch, const int64_t o[3])
{
    int64_t row = (o[0] - patch->begin[0]) * patch->size[1] + o[1] - patch->begin[1];
    return row * patch->size[2] + o[2] - patch->begin[2];
}

/*
 * The blocks of floats that put outputs [first, first + count), which lie in the box and of which
 * there are at most ONR_PATCH_MAX_BLOCKS, side by side. Returns their number.
 */
size_t onr_patch_blocks(const struct onr_window *window, const struct onr_patch *patch,
                        int64_t first, int64_t count, struct onr_patch_block *blocks);

#endif
