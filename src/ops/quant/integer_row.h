/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of integer sums: made from bytes, and turned into quantised numbers. */
#ifndef ONR_OPS_QUANT_INTEGER_ROW_H
#define ONR_OPS_QUANT_INTEGER_ROW_H

#include "kernels/kernels.h"

#include <stdbool.h>
#include <stdint.h>

/* Elements that are scaled at once. */
#define ONR_SCALE_CHUNK 256

/* Element `at` of int8 or uint8 data; 0 when data is NULL. */
static inline int32_t onr_byte_at(const void *data, size_t at, bool is_signed)
{
    return data == NULL ? 0
           : is_signed  ? (int32_t)((const int8_t *)data)[at]
                        : (int32_t)((const uint8_t *)data)[at];
}

/* One row of a and a matrix b. */
struct onr_integer_factors {
    size_t k, n;
    const uint8_t *a; /* k elements with distance a_step */
    size_t a_step;
    bool is_a_signed;
    int32_t a_zero;
    const uint8_t *b; /* [k][b_stride], n columns */
    size_t b_stride;
    bool is_b_signed;
};

/*
 * y[j] = sum_p (a[p] - a_zero) * b[p,j], wrapping. Returns sum_p (a[p] - a_zero): y[j] less zero
 * times this is the product with a b less zero.
 */
uint32_t onr_integer_row(const struct onr_quant_kernels *kernels,
                         const struct onr_integer_factors *factors, int32_t *y);

/* The range and the zero point of int8 or uint8 results. */
struct onr_byte_range {
    float zero;
    float low;
    float high;
};

struct onr_byte_range onr_byte_range(enum onr_dtype dtype, const void *zero, size_t at);

/* y[i * step] = saturate(rint(values[i]) + zero) for i < count; halves to even.
 * values are overwritten. */
void onr_bytes_from_floats(const struct onr_quant_kernels *kernels, size_t count, float *values,
                           const struct onr_byte_range *range, uint8_t *y, size_t step);

#endif
