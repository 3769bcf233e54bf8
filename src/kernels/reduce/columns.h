/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the reduce family: the loop of a reduction across rows, whatever its types. */
#ifndef ONR_KERNELS_REDUCE_COLUMNS_H
#define ONR_KERNELS_REDUCE_COLUMNS_H

#include <stddef.h>

/* NaN in either argument gives NaN. */
#define ONR_LARGER(a, v)  ((((a) != (a)) | ((a) >= (v))) ? (a) : (v))
#define ONR_SMALLER(a, v) ((((a) != (a)) | ((a) <= (v))) ? (a) : (v))

/* Defines columns_NAME: for all rows and columns j, acc[j] = an expression in a = acc[j] and v = x[j]. */
#define ONR_DEFINE_COLUMNS(name, element, accumulator, expression)                                 \
    static void columns_##name(size_t rows, size_t stride, size_t count, const void *x, void *acc) \
    {                                                                                              \
        const element *restrict values = x;                                                        \
        accumulator *restrict into = acc;                                                          \
        for (size_t r = 0; r < rows; r++) {                                                        \
            for (size_t j = 0; j < count; j++) {                                                   \
                accumulator v = (accumulator)values[r * stride + j];                               \
                accumulator a = into[j];                                                           \
                into[j] = (expression);                                                            \
            }                                                                                      \
        }                                                                                          \
    }

#endif
