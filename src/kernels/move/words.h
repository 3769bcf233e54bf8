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
typedef uint32_t onr_word4 __attribute__((vector_size(16)));
typedef uint32_t onr_word8 __attribute__((vector_size(32)));

/* Four words of row i and four of row i + 4, beside each other: the loads do the exchange of halves
 * that shuffles would have to do otherwise. */
#define ONR_LOAD_4_AND_4(a, i)                                                                     \
    onr_word8 a;                                                                                   \
    do {                                                                                           \
        onr_word4 low;                                                                             \
        onr_word4 high;                                                                            \
        memcpy(&low, x + (i)*x_stride, sizeof low);                                                \
        memcpy(&high, x + ((i) + 4) * x_stride, sizeof high);                                      \
        (a) = __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7);                          \
    } while (0)
#define ONR_WORDS_LOW(a, b)  __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define ONR_WORDS_HIGH(a, b) __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
#define ONR_PAIRS_LOW(a, b)  __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13)
#define ONR_PAIRS_HIGH(a, b) __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15)
#define ONR_STORE_8(i, a)                                                                          \
    do {                                                                                           \
        onr_word8 row = (a);                                                                       \
        memcpy(y + (i)*y_stride, &row, sizeof row);                                                \
    } while (0)

/* y[r * y_stride + c] = x[c * x_stride + r] for r < 4, c < 8. Written out, as loops over the rows
 * would go through memory. */
static inline void onr_transpose_4x8(onr_word *y, int64_t y_stride, const onr_word *x,
                                     int64_t x_stride)
{
    ONR_LOAD_4_AND_4(a0, 0);
    ONR_LOAD_4_AND_4(a1, 1);
    ONR_LOAD_4_AND_4(a2, 2);
    ONR_LOAD_4_AND_4(a3, 3);
    onr_word8 b0 = ONR_WORDS_LOW(a0, a1);
    onr_word8 b1 = ONR_WORDS_HIGH(a0, a1);
    onr_word8 b2 = ONR_WORDS_LOW(a2, a3);
    onr_word8 b3 = ONR_WORDS_HIGH(a2, a3);
    ONR_STORE_8(0, ONR_PAIRS_LOW(b0, b2));
    ONR_STORE_8(1, ONR_PAIRS_HIGH(b0, b2));
    ONR_STORE_8(2, ONR_PAIRS_LOW(b1, b3));
    ONR_STORE_8(3, ONR_PAIRS_HIGH(b1, b3));
}

/* Bytes between what is read and what is asked for: a line. */
#define ONR_PREFETCH_BYTES 64

/* Asks for what comes in 8 rows after x. */
static inline void onr_prefetch_rows(const onr_word *x, int64_t x_stride)
{
    for (int i = 0; i < 8; i++) {
        __builtin_prefetch((const void *)((uintptr_t)(x + i * x_stride) + ONR_PREFETCH_BYTES));
    }
}

/* The streams of an element are written out: a loop over them would not be vectorised. */
#define ONR_EACH_2(of, n) of(0, n) of(1, n)
#define ONR_EACH_3(of, n) ONR_EACH_2(of, n) of(2, n)
#define ONR_EACH_4(of, n) ONR_EACH_3(of, n) of(3, n)
#define ONR_TAKE(s, n)    y[(s)*y_stride + i] = x[i * (n) + (s)];
#define ONR_PUT(s, n)     y[i * (n) + (s)] = x[(s)*x_stride + i];

/*
 * onr_take_apart_N: y[s * y_stride + i] = x[i * N + s] for s < N: images with the channels last
 * become planes. onr_put_together_N: the reverse.
 */
#define ONR_DEFINE_STREAMS(n)                                                                      \
    static inline void onr_take_apart_##n(int64_t count, onr_word *y, int64_t y_stride,            \
                                          const onr_word *x)                                       \
    {                                                                                              \
        ONR_IVDEP                                                                                  \
        for (int64_t i = 0; i < count; i++) {                                                      \
            ONR_EACH_##n(ONR_TAKE, n)                                                              \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    static inline void onr_put_together_##n(int64_t count, onr_word *y, const onr_word *x,         \
                                            int64_t x_stride)                                      \
    {                                                                                              \
        ONR_IVDEP                                                                                  \
        for (int64_t i = 0; i < count; i++) {                                                      \
            ONR_EACH_##n(ONR_PUT, n)                                                               \
        }                                                                                          \
    }

ONR_DEFINE_STREAMS(2)
ONR_DEFINE_STREAMS(3)
ONR_DEFINE_STREAMS(4)

#endif
