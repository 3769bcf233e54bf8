/* SPDX-License-Identifier: Apache-2.0 */
/* Reductions along contiguous rows and across them. */
#ifndef ONR_KERNELS_REDUCE_REDUCE_H
#define ONR_KERNELS_REDUCE_REDUCE_H

#include <stdbool.h>
#include <stddef.h>

/* What is combined, over elements x: acc + x, acc + x * x, acc + |x|, acc * x, max(acc, x),
 * min(acc, x). */
enum onr_reduction {
    ONR_REDUCE_SUM,
    ONR_REDUCE_SUM_SQUARE,
    ONR_REDUCE_SUM_ABS,
    ONR_REDUCE_PROD,
    ONR_REDUCE_MAX,
    ONR_REDUCE_MIN,
};
#define ONR_REDUCTION_COUNT 6

/* Element type, and the type of the accumulator in parentheses; 8 bytes wide from F64 on. */
enum onr_reduce_domain {
    ONR_REDUCE_F32, /* float (double) */
    ONR_REDUCE_F64, /* double (double) */
    ONR_REDUCE_I64, /* int64_t (int64_t) */
    ONR_REDUCE_U64, /* uint64_t (uint64_t) */
};
#define ONR_REDUCE_DOMAIN_COUNT 4

/*
 * *acc = combination of *acc and x[0 .. count).
 *
 * x and acc point to the domain's types and do not overlap. Floats: sums of a row run in 32 float
 * lanes over blocks of 1024 elements and in double from block to block; the order depends on count
 * alone. MAX and MIN hand on a NaN wherever it stands. Integers wrap.
 */
typedef void (*onr_reduce_row_fn)(size_t count, const void *x, void *acc);

/*
 * acc[j] = combination of acc[j] and x[r * stride + j], r < rows, for j < count. As for rows, but
 * floats are added pair by pair over 8 rows at a time, and in double from there on; other sums of
 * floats run in double alone.
 */
typedef void (*onr_reduce_columns_fn)(size_t rows, size_t stride, size_t count, const void *x,
                                      void *acc);

/* Index of the first or last of the largest or smallest of x[0 .. count), count > 0. A NaN counts as
 * both; 0 and -0 are equal. */
typedef size_t (*onr_arg_f32_fn)(size_t count, const float *x, bool is_last);

struct onr_reduce_kernels {
    onr_reduce_row_fn row[ONR_REDUCE_DOMAIN_COUNT][ONR_REDUCTION_COUNT];
    onr_reduce_columns_fn columns[ONR_REDUCE_DOMAIN_COUNT][ONR_REDUCTION_COUNT];
    onr_arg_f32_fn arg_max_f32;
    onr_arg_f32_fn arg_min_f32;
};

#endif
