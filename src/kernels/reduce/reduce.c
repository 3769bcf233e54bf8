/* SPDX-License-Identifier: Apache-2.0 */
/* Reductions of floats, in portable C. */
#include "kernels/reduce/reduce.h"

#include "kernels/kernel.h"
#include "kernels/kernels.h"
#include "kernels/reduce/columns.h"
#include "kernels/reduce/lanes.h"

void ONR_KERNEL(onr_fill_reduce)(struct onr_kernels *kernels);

static inline float abs_f32(float v)
{
    return v < 0.0f ? -v : v;
}

#define ADD(a, v) ((a) + (v))

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
    *(double *)acc = ONR_LARGER(*(double *)acc, (double)onr_max_f32(count, x));
}

static void row_min_f32(size_t count, const void *x, void *acc)
{
    *(double *)acc = ONR_SMALLER(*(double *)acc, (double)onr_min_f32(count, x));
}

/* Rows of floats, 8 at a time, which `pair` combines two by two as floats; columns_rest_NAME does
 * those that are left over. */
#define DEFINE_COLUMNS_BY_8(name, pair, expression)                                                \
    static void columns_##name(size_t rows, size_t stride, size_t count, const void *x, void *acc) \
    {                                                                                              \
        const float *restrict values = x;                                                          \
        double *restrict into = acc;                                                               \
        for (; rows >= 8; rows -= 8, values += 8 * stride) {                                       \
            for (size_t j = 0; j < count; j++) {                                                   \
                float v01 = pair(values[j], values[stride + j]);                                   \
                float v23 = pair(values[2 * stride + j], values[3 * stride + j]);                  \
                float v45 = pair(values[4 * stride + j], values[5 * stride + j]);                  \
                float v67 = pair(values[6 * stride + j], values[7 * stride + j]);                  \
                double v = (double)pair(pair(v01, v23), pair(v45, v67));                           \
                double a = into[j];                                                                \
                into[j] = (expression);                                                            \
            }                                                                                      \
        }                                                                                          \
        columns_rest_##name(rows, stride, count, values, into);                                    \
    }

ONR_DEFINE_COLUMNS(rest_sum_f32, float, double, a + v)
ONR_DEFINE_COLUMNS(sum_square_f32, float, double, a + v * v)
ONR_DEFINE_COLUMNS(sum_abs_f32, float, double, a + fabs(v))
ONR_DEFINE_COLUMNS(prod_f32, float, double, a *v)
ONR_DEFINE_COLUMNS(rest_max_f32, float, double, ONR_LARGER(a, v))
ONR_DEFINE_COLUMNS(rest_min_f32, float, double, ONR_SMALLER(a, v))
DEFINE_COLUMNS_BY_8(sum_f32, ADD, a + v)
DEFINE_COLUMNS_BY_8(max_f32, ONR_LARGER, ONR_LARGER(a, v))
DEFINE_COLUMNS_BY_8(min_f32, ONR_SMALLER, ONR_SMALLER(a, v))

/* Elements whose best value is found before it is looked for among them. */
#define ARG_BLOCK 1024

static bool is_same(float a, float b)
{
    return a == b || (a != a && b != b);
}

/* The best value of each block decides which block it is in. */
#define DEFINE_ARG(name, best_of, is_better)                                                       \
    static size_t arg_##name##_f32(size_t count, const float *x, bool is_last)                     \
    {                                                                                              \
        float best = 0;                                                                            \
        size_t block = 0;                                                                          \
        for (size_t begin = 0; begin < count; begin += ARG_BLOCK) {                                \
            size_t size = count - begin < ARG_BLOCK ? count - begin : ARG_BLOCK;                   \
            float value = best_of(size, x + begin);                                                \
            bool is_found = best == best && (value != value || value is_better best);              \
            if (begin == 0 || is_found || (is_last && is_same(value, best))) {                     \
                best = value;                                                                      \
                block = begin;                                                                     \
            }                                                                                      \
        }                                                                                          \
        size_t end = count - block < ARG_BLOCK ? count : block + ARG_BLOCK;                        \
        size_t at = is_last ? end - 1 : block;                                                     \
        while (!is_same(x[at], best)) {                                                            \
            at = is_last ? at - 1 : at + 1;                                                        \
        }                                                                                          \
        return at;                                                                                 \
    }

DEFINE_ARG(max, onr_max_f32, >)
DEFINE_ARG(min, onr_min_f32, <)

void ONR_KERNEL(onr_fill_reduce)(struct onr_kernels *kernels)
{
    static const onr_reduce_row_fn rows[] = {row_sum_f32,  row_sum_square_f32, row_sum_abs_f32,
                                             row_prod_f32, row_max_f32,        row_min_f32};
    static const onr_reduce_columns_fn columns[] = {columns_sum_f32,     columns_sum_square_f32,
                                                    columns_sum_abs_f32, columns_prod_f32,
                                                    columns_max_f32,     columns_min_f32};
    memcpy(kernels->reduce.row[ONR_REDUCE_F32], rows, sizeof rows);
    memcpy(kernels->reduce.columns[ONR_REDUCE_F32], columns, sizeof columns);
    kernels->reduce.arg_max_f32 = arg_max_f32;
    kernels->reduce.arg_min_f32 = arg_min_f32;
}
