/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the move family: transposes of words of 4 bytes in registers. Strides are in words. */
#ifndef ONR_KERNELS_MOVE_WORDS_H
#define ONR_KERNELS_MOVE_WORDS_H

#include "kernels/kernel.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Words of any type at any alignment. */
typedef uint32_t __attribute__((may_alias, aligned(1))) onr_word;
typedef uint32_t onr_word8 __attribute__((vector_size(32)));

/* Words, then pairs, then halves of rows change places. */
static inline void onr_transpose_8x8(onr_word *y, int64_t y_stride, const onr_word *x,
                                     int64_t x_stride)
{
    onr_word8 a[8];
    onr_word8 b[8];
    for (int i = 0; i < 8; i++) {
        memcpy(&a[i], x + i * x_stride, sizeof a[i]);
    }
    for (int i = 0; i < 8; i += 2) {
        b[i] = __builtin_shufflevector(a[i], a[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
        b[i + 1] = __builtin_shufflevector(a[i], a[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
    }
    for (int i = 0; i < 8; i += 4) {
        for (int j = 0; j < 2; j++) {
            a[i + 2 * j] =
                __builtin_shufflevector(b[i + j], b[i + j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
            a[i + 2 * j + 1] =
                __builtin_shufflevector(b[i + j], b[i + j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        }
    }
    for (int i = 0; i < 4; i++) {
        b[i] = __builtin_shufflevector(a[i], a[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        b[i + 4] = __builtin_shufflevector(a[i], a[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
    for (int i = 0; i < 8; i++) {
        memcpy(y + i * y_stride, &b[i], sizeof b[i]);
    }
}

/* y[s * y_stride + i] = x[i * streams + s]: images with the channels last become planes. */
static inline void onr_take_apart(int64_t streams, int64_t count, onr_word *y, int64_t y_stride,
                                  const onr_word *x)
{
    ONR_IVDEP
    for (int64_t i = 0; i < count; i++) {
        for (int64_t s = 0; s < streams; s++) {
            y[s * y_stride + i] = x[i * streams + s];
        }
    }
}

/* y[i * streams + s] = x[s * x_stride + i]: the reverse. */
static inline void onr_put_together(int64_t streams, int64_t count, onr_word *y, const onr_word *x,
                                    int64_t x_stride)
{
    ONR_IVDEP
    for (int64_t i = 0; i < count; i++) {
        for (int64_t s = 0; s < streams; s++) {
            y[i * streams + s] = x[s * x_stride + i];
        }
    }
}

#endif
