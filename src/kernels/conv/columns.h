/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows two or three columns wide that move by one or two columns: what the columns of a window are
 * for a vector of outputs is made from whole vectors of a row, of which each is loaded once. Blocks
 * of outputs go from left to right, and each leaves to the next what it sees of its vectors.
 */
#ifndef ONR_KERNELS_CONV_COLUMNS_H
#define ONR_KERNELS_CONV_COLUMNS_H

#include "kernels/conv/lanes.h"
#include "kernels/gemm/gemm_unroll.h"

/* x[0 .. n) and then `fill`, for any n. */
ONR_INLINE onr_lanes onr_load_first(const float *x, int64_t n, float fill)
{
    if (n >= ONR_LANES) {
        return onr_load(x);
    }
    return n > 0 ? onr_load_part(x, n, fill) : (onr_lanes){0} + fill;
}

/* The vectors of a row that a block of outputs sees, `stride` of them, end with the last column of
 * the last output's window. This is the first column of the first vector; it is none of the padding
 * when pad <= width - stride. */
ONR_INLINE int64_t onr_first_column(int64_t output, int64_t width, int64_t stride, int64_t pad)
{
    return output * stride + width - stride - pad;
}

/* Columns [-ONR_LANES + n, n) for n <= 2 from column 0 on. */
ONR_INLINE onr_lanes onr_columns_before(onr_lanes v, int64_t n, float fill)
{
    onr_lanes padding = (onr_lanes){0} + fill;
    if (n == 0) {
        return padding;
    }
    return n == 1 ? __builtin_shufflevector(padding, v, ONR_BEFORE_1)
                  : __builtin_shufflevector(padding, v, ONR_BEFORE_2);
}

/*
 * tap[t] = column t of the windows of a block, t < width, from its vectors v[stride] and from what
 * the block before has left in *before; leaves in it what the next one needs.
 */
ONR_INLINE void onr_split_columns(const onr_lanes *v, int64_t width, int64_t stride,
                                  onr_lanes *before, onr_lanes *tap)
{
    onr_lanes last = v[0];
    if (stride == 2) {
        tap[width - 2] = __builtin_shufflevector(v[0], v[1], ONR_EVENS);
        last = __builtin_shufflevector(v[0], v[1], ONR_ODDS);
    } else {
        tap[width - 2] = __builtin_shufflevector(*before, last, ONR_AFTER_1);
    }
    tap[width - 1] = last;
    if (width == 3 && stride == 2) {
        tap[0] = __builtin_shufflevector(*before, last, ONR_AFTER_1);
    } else if (width == 3) {
        tap[0] = __builtin_shufflevector(*before, last, ONR_AFTER_2);
    }
    *before = last;
}

#endif
