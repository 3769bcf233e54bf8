/* SPDX-License-Identifier: Apache-2.0 */
/* Reductions, in portable C. */
#include "kernels/reduce/reduce.h"

#include "kernels/kernel.h"
#include "kernels/kernels.h"
#include "kernels/reduce/lanes.h"

void ONR_KERNEL(onr_fill_reduce)(struct onr_kernels *kernels);

static inline float abs_f32(float v)
{
    return v < 0.0f ? -v : v;
}

static inline double abs_f64(double v)
{
    return v < 0.0 ? -v : v;
}

/* NaN in either argument gives NaN. */
static inline double max_f64(double a, double v)
{
    return ((a != a) | (a >= v)) ? a : v;
}

static inline double min_f64(double a, double v)
{
    return ((a != a) | (a <= v)) ? a : v;
}

ONR_DEFINE_SUM_F32(lane_sum, v)
ONR_DEFINE_SUM_F32(lane_sum_square, v *v)
ONR_DEFINE_SUM_F32(lane_sum_abs, abs_f32(v))

static void row_sum_f32(size_t count, const void *x, void *acc)
{
    *(double *)acc += lane_sum(count, x, 0);
}

static void row_sum_square_f32(size_t count, const void *x, void *acc)
{
    *(double *)acc += lane_sum_square(count, x, 0);
}

static void row_sum_abs_f32(size_t count, const void *x, void *acc)
{
    *(double *)acc += lane_sum_abs(count, x, 0);
}

static void row_prod_f32(size_t count, const void *x, void *acc)
{
    const float *values = x;
    double product = *(double *)acc;
    for (size_t i = 0; i < count; i++) {
        product *= (double)values[i];
    }
    *(double *)acc = product;
}

static void row_max_f32(size_t count, const void *x, void *acc)
{
    *(double *)acc = max_f64(*(double *)acc, (double)onr_max_f32(count, x));
}

static void row_min_f32(size_t count, const void *x, void *acc)
{
    *(double *)acc = min_f64(*(double *)acc, (double)onr_min_f32(count, x));
}

/* name(count, x, acc): for all j, acc[j] = an expression in a = acc[j] and v = x[j]. */
#define DEFINE_COLUMNS(name, element, accumulator, expression)                                     \
    static void columns_##name(size_t count, const void *x, void *acc)                             \
    {                                                                                              \
        const element *restrict values = x;                                                        \
        accumulator *restrict into = acc;                                                          \
        for (size_t j = 0; j < count; j++) {                                                       \
            accumulator v = (accumulator)values[j];                                                \
            accumulator a = into[j];                                                               \
            into[j] = (expression);                                                                \
        }                                                                                          \
    }

/* The same, and row_name(count, x, acc), which combines into one accumulator. */
#define DEFINE_BOTH(name, element, expression)                                                     \
    DEFINE_COLUMNS(name, element, element, expression)                                             \
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

DEFINE_COLUMNS(sum_f32, float, double, a + v)
DEFINE_COLUMNS(sum_square_f32, float, double, a + v * v)
DEFINE_COLUMNS(sum_abs_f32, float, double, a + abs_f64(v))
DEFINE_COLUMNS(prod_f32, float, double, a *v)
DEFINE_COLUMNS(max_f32, float, double, max_f64(a, v))
DEFINE_COLUMNS(min_f32, float, double, min_f64(a, v))

DEFINE_BOTH(sum_f64, double, a + v)
DEFINE_BOTH(sum_square_f64, double, a + v * v)
DEFINE_BOTH(sum_abs_f64, double, a + abs_f64(v))
DEFINE_BOTH(prod_f64, double, a *v)
DEFINE_BOTH(max_f64, double, max_f64(a, v))
DEFINE_BOTH(min_f64, double, min_f64(a, v))

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
        REDUCTIONS(form, sum_f32, sum_square_f32, sum_abs_f32, prod_f32, max_f32, min_f32),        \
            REDUCTIONS(form, sum_f64, sum_square_f64, sum_abs_f64, prod_f64, max_f64, min_f64),    \
            REDUCTIONS(form, sum_u64, sum_square_u64, sum_abs_i64, prod_u64, max_i64, min_i64),    \
            REDUCTIONS(form, sum_u64, sum_square_u64, sum_u64, prod_u64, max_u64, min_u64),        \
    }

void ONR_KERNEL(onr_fill_reduce)(struct onr_kernels *kernels)
{
    kernels->reduce = (struct onr_reduce_kernels){.row = DOMAINS(row), .columns = DOMAINS(columns)};
}
