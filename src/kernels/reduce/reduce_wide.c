/* SPDX-License-Identifier: Apache-2.0 */
/* Reductions of double, int64_t and uint64_t, in portable C. */
#include "kernels/kernel.h"
#include "kernels/kernels.h"
#include "kernels/reduce/columns.h"
#include "kernels/reduce/reduce.h"

#include <math.h>
#include <string.h>

void ONR_KERNEL(onr_fill_reduce_wide)(struct onr_kernels *kernels);

/* columns_NAME, and row_NAME, which combines into one accumulator. */
#define DEFINE_BOTH(name, element, expression)                                                     \
    ONR_DEFINE_COLUMNS(name, element, element, expression)                                         \
    static void row_##name(size_t count, const void *x, void *acc)                                 \
    {                                                                                              \
        const element *values = x;                                                                 \
        element a = *(element *)acc;                                                               \
        for (size_t i = 0; i < count; i++) {                                                       \
            element v = values[i];                                                                 \
            a = (expression);                                                                      \
        }                                                                                          \
        *(element *)acc = a;                                                                       \
    }

DEFINE_BOTH(sum_f64, double, a + v)
DEFINE_BOTH(sum_square_f64, double, a + v * v)
DEFINE_BOTH(sum_abs_f64, double, a + fabs(v))
DEFINE_BOTH(prod_f64, double, a *v)
DEFINE_BOTH(max_f64, double, ONR_LARGER(a, v))
DEFINE_BOTH(min_f64, double, ONR_SMALLER(a, v))

/* Signed sums and products are the unsigned ones: both wrap. */
DEFINE_BOTH(sum_u64, uint64_t, a + v)
DEFINE_BOTH(sum_square_u64, uint64_t, a + v * v)
DEFINE_BOTH(prod_u64, uint64_t, a *v)
DEFINE_BOTH(max_u64, uint64_t, a > v ? a : v)
DEFINE_BOTH(min_u64, uint64_t, a < v ? a : v)
DEFINE_BOTH(sum_abs_i64, int64_t, (int64_t)((uint64_t)a + (v < 0 ? 0u - (uint64_t)v : (uint64_t)v)))
DEFINE_BOTH(max_i64, int64_t, a > v ? a : v)
DEFINE_BOTH(min_i64, int64_t, a < v ? a : v)

#define REDUCTIONS(form, sum, sum_square, sum_abs, prod, max, min)                                 \
    {                                                                                              \
        form##_##sum, form##_##sum_square, form##_##sum_abs, form##_##prod, form##_##max,          \
            form##_##min                                                                           \
    }
#define DOMAINS(form)                                                                              \
    {                                                                                              \
        REDUCTIONS(form, sum_f64, sum_square_f64, sum_abs_f64, prod_f64, max_f64, min_f64),        \
            REDUCTIONS(form, sum_u64, sum_square_u64, sum_abs_i64, prod_u64, max_i64, min_i64),    \
            REDUCTIONS(form, sum_u64, sum_square_u64, sum_u64, prod_u64, max_u64, min_u64),        \
    }

void ONR_KERNEL(onr_fill_reduce_wide)(struct onr_kernels *kernels)
{
    static const onr_reduce_row_fn rows[][ONR_REDUCTION_COUNT] = DOMAINS(row);
    static const onr_reduce_columns_fn columns[][ONR_REDUCTION_COUNT] = DOMAINS(columns);
    memcpy(kernels->reduce.row[ONR_REDUCE_F64], rows, sizeof rows);
    memcpy(kernels->reduce.columns[ONR_REDUCE_F64], columns, sizeof columns);
}
