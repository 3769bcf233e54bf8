/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop of all functions of two arguments. BINARY(name, in_t, out_t, expression) defines a
 * function of type onr_binary_fn that computes `expression`, in terms of x and y. An operand of
 * step 0 is read once, before anything is written, so that it may be where the result goes.
 */
#ifndef ONR_KERNELS_ELEMENTWISE_BINARY_LOOP_H
#define ONR_KERNELS_ELEMENTWISE_BINARY_LOOP_H

#include "kernels/kernel.h"

#include <stddef.h>

#define BINARY(name, in_t, out_t, expression)                                                      \
    static inline out_t name##_one(in_t x, in_t y)                                                 \
    {                                                                                              \
        return (out_t)(expression);                                                                \
    }                                                                                              \
    static void name(size_t count, const void *a, size_t a_step, const void *b, size_t b_step,     \
                     void *out)                                                                    \
    {                                                                                              \
        const in_t *xs = a;                                                                        \
        const in_t *ys = b;                                                                        \
        out_t *zs = out;                                                                           \
        if (count == 0) {                                                                          \
            return;                                                                                \
        }                                                                                          \
        if (a_step != 0 && b_step != 0) {                                                          \
            ONR_IVDEP                                                                              \
            for (size_t i = 0; i < count; i++) {                                                   \
                zs[i] = name##_one(xs[i], ys[i]);                                                  \
            }                                                                                      \
        } else if (a_step != 0) {                                                                  \
            const in_t y = ys[0];                                                                  \
            ONR_IVDEP                                                                              \
            for (size_t i = 0; i < count; i++) {                                                   \
                zs[i] = name##_one(xs[i], y);                                                      \
            }                                                                                      \
        } else {                                                                                   \
            const in_t x = xs[0];                                                                  \
            const in_t first = ys[0];                                                              \
            ONR_IVDEP                                                                              \
            for (size_t i = 0; i < count; i++) {                                                   \
                zs[i] = name##_one(x, b_step != 0 ? ys[i] : first);                                \
            }                                                                                      \
        }                                                                                          \
    }

#endif
