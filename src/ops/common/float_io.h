/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Float tensors of any width as float: so that an operator is written once for float32, float16 and
 * bfloat16. What is float32 already is used in place.
 */
#ifndef ONR_OPS_COMMON_FLOAT_IO_H
#define ONR_OPS_COMMON_FLOAT_IO_H

#include "base/dtype.h"

/* FLOAT, FLOAT16 or BFLOAT16: the types that the functions below take. */
static inline bool onr_is_float32_or_less(enum onr_dtype dtype)
{
    return dtype == ONR_FLOAT || dtype == ONR_FLOAT16 || dtype == ONR_BFLOAT16;
}

/* Elements [first, first + count): in the tensor itself when it is FLOAT, else converted into
 * buffer. */
const float *onr_float_read(enum onr_dtype dtype, const void *data, size_t first, size_t count,
                            float *buffer);

/* Where to compute elements that onr_float_write stores: the tensor itself when it is FLOAT, else
 * buffer. */
float *onr_float_place(enum onr_dtype dtype, void *data, size_t first, float *buffer);

/* Stores elements [first, first + count); nothing is to do when values already stand there. */
void onr_float_write(enum onr_dtype dtype, const float *values, size_t first, size_t count,
                     void *data);

/* Elements first, first + stride, ... as float, and back. */
void onr_float_gather(enum onr_dtype dtype, const void *data, size_t first, size_t stride,
                      size_t count, float *out);
void onr_float_scatter(enum onr_dtype dtype, const float *values, size_t first, size_t stride,
                       size_t count, void *data);

/* Elements first, first + stride, ... of any float type (DOUBLE too) as double, and back, rounded
 * once. */
void onr_double_gather(enum onr_dtype dtype, const void *data, size_t first, size_t stride,
                       size_t count, double *out);
void onr_double_scatter(enum onr_dtype dtype, const double *values, size_t first, size_t stride,
                        size_t count, void *data);

#endif
