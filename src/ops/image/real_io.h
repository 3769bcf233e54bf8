/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elements as the numbers in which they are interpolated: float32 for float32 and the half types,
 * float64 for the others. Integers are rounded to nearest even and saturated on the way back; a bool
 * is what is not 0.
 */
#ifndef ONR_OPS_IMAGE_REAL_IO_H
#define ONR_OPS_IMAGE_REAL_IO_H

#include "kernels/kernels.h"

/* FLOAT or DOUBLE. */
static inline enum onr_dtype onr_real_of(enum onr_dtype dtype)
{
    return dtype == ONR_FLOAT || dtype == ONR_FLOAT16 || dtype == ONR_BFLOAT16 ? ONR_FLOAT
                                                                               : ONR_DOUBLE;
}

/* Elements [first, first + count): in the tensor itself when it has that type, else in buffer. */
const void *onr_real_read(const struct onr_kernels *kernels, enum onr_dtype dtype, const void *data,
                          size_t first, size_t count, void *buffer);

/* Where to compute elements that onr_real_write stores: the tensor itself, or buffer. */
void *onr_real_place(enum onr_dtype dtype, void *data, size_t first, void *buffer);

/* Stores elements [first, first + count); nothing is to do when values already stand there. */
void onr_real_write(const struct onr_kernels *kernels, enum onr_dtype dtype, const void *values,
                    size_t first, size_t count, void *data);

#endif
