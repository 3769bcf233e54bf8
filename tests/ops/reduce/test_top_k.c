/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

static void largest_and_smallest_with_ties_in_order(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "TopK", 11);
    op_test_input(&t, test_f32(SHAPE(2, 4), (float[]){1, 3, 3, 2, -0.0f, 0, -1, -2}));
    op_test_input(&t, test_i64(SHAPE(1), (int64_t[]){3}));
    op_test_output(&t, test_f32(SHAPE(2, 3), (float[]){3, 3, 2, -0.0f, 0, -1}));
    op_test_output(&t, test_i64(SHAPE(2, 3), (int64_t[]){1, 2, 3, 0, 1, 2}));
    op_test_run(&t);
    op_test_int(&t, "largest", 0);
    t.outputs[0] = test_f32(SHAPE(2, 3), (float[]){1, 2, 3, -2, -1, 0});
    t.outputs[1] = test_i64(SHAPE(2, 3), (int64_t[]){0, 3, 1, 3, 2, 0});
    op_test_run(&t);
}

static void other_axis_type_and_version(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "TopK", 24);
    op_test_int(&t, "axis", 0);
    op_test_input(&t, test_tensor(ONR_INT8, SHAPE(3, 2), (int8_t[]){-1, 5, 3, -128, 2, 127}));
    op_test_input(&t, test_i64(SHAPE(1), (int64_t[]){2}));
    op_test_output(&t, test_tensor(ONR_INT8, SHAPE(2, 2), (int8_t[]){3, 127, 2, 5}));
    op_test_output(&t, test_i64(SHAPE(2, 2), (int64_t[]){1, 2, 2, 0}));
    op_test_run(&t);
    op_test_begin(&t, "", "TopK", 1);
    op_test_int(&t, "k", 1);
    op_test_input(&t,
                  test_tensor(ONR_DOUBLE, SHAPE(3), (double[]){1, (double)NAN, (double)INFINITY}));
    op_test_output(&t, test_tensor(ONR_DOUBLE, SHAPE(1), (double[]){(double)NAN}));
    op_test_output(&t, test_i64(SHAPE(1), (int64_t[]){1}));
    op_test_run(&t);
}

/* k = n sorts: 500 rows of a permutation. */
static void k_of_the_whole_axis_sorts(void **state)
{
    (void)state;
    enum { ROWS = 500, N = 61 };
    struct onr_tensor *x = test_f32(SHAPE(ROWS, N), NULL);
    struct onr_tensor *sorted = test_f32(SHAPE(ROWS, N), NULL);
    struct onr_tensor *index = test_i64(SHAPE(ROWS, N), NULL);
    for (int64_t i = 0; i < ROWS * N; i++) {
        int64_t value = i % N * 17 % N;
        ((float *)x->data)[i] = (float)value;
        ((float *)sorted->data)[i] = (float)(N - 1 - i % N);
        ((int64_t *)index->data)[i / N * N + N - 1 - value] = i % N;
    }
    struct op_test t;
    op_test_begin(&t, "", "TopK", 11);
    op_test_input(&t, x);
    op_test_input(&t, test_i64(SHAPE(1), (int64_t[]){N}));
    op_test_output(&t, sorted);
    op_test_output(&t, index);
    op_test_run(&t);
}

/* Writes the k best of a row the plain way: one after the other, the first of those that are equal. */
static void plain_top_k(size_t count, const double *x, size_t stride, size_t k, bool is_largest,
                        double *values, int64_t *indices)
{
    bool *is_taken = test_tensor(ONR_BOOL, SHAPE((int64_t)count), NULL)->data;
    for (size_t n = 0; n < k; n++) {
        size_t best = count;
        for (size_t i = 0; i < count; i++) {
            double v = x[i * stride];
            double a = best < count ? x[best * stride] : 0;
            bool is_above = a == a && (v != v || v > a);
            bool is_below = v == v && (a != a || v < a);
            if (!is_taken[i] && (best == count || (is_largest ? is_above : is_below))) {
                best = i;
            }
        }
        is_taken[best] = true;
        values[n * stride] = x[best * stride];
        indices[n * stride] = (int64_t)best;
    }
}

/* The same numbers as float, double or int64. */
static struct onr_tensor *converted(const struct onr_tensor *exact, enum onr_dtype dtype)
{
    struct onr_tensor *tensor =
        test_tensor(dtype, (size_t)exact->shape.rank, exact->shape.dim, exact->data);
    const double *from = exact->data;
    for (int64_t i = 0; i < onr_tensor_count(exact); i++) {
        if (dtype == ONR_FLOAT) {
            ((float *)tensor->data)[i] = (float)from[i];
        } else if (dtype == ONR_INT64) {
            ((int64_t *)tensor->data)[i] = (int64_t)from[i];
        }
    }
    return tensor;
}

/* x [2, count, inner] along axis 1, of whole numbers below limit, some of them NaN. */
static void check_long_rows(enum onr_dtype dtype, int64_t count, int64_t inner, int64_t k,
                            int limit, bool is_largest)
{
    struct onr_tensor *exact = test_tensor(ONR_DOUBLE, SHAPE(2, count, inner), NULL);
    struct onr_tensor *values = test_tensor(ONR_DOUBLE, SHAPE(2, k, inner), NULL);
    struct onr_tensor *indices = test_i64(SHAPE(2, k, inner), NULL);
    double *x = exact->data;
    uint32_t seed = 7;
    for (int64_t i = 0; i < 2 * count * inner; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = (double)((int)(seed >> 16) % limit);
        x[i] = dtype != ONR_INT64 && i % 701 == 300 ? (double)NAN : x[i];
        x[i] = dtype != ONR_INT64 && i % 3 == 0 && x[i] == 0 ? -0.0 : x[i];
    }
    for (int64_t row = 0; row < 2 * inner; row++) {
        int64_t outer = row / inner;
        int64_t column = row % inner;
        plain_top_k((size_t)count, x + outer * count * inner + column, (size_t)inner, (size_t)k,
                    is_largest, (double *)values->data + outer * k * inner + column,
                    (int64_t *)indices->data + outer * k * inner + column);
    }
    struct op_test t;
    op_test_begin(&t, "", "TopK", 11);
    op_test_int(&t, "axis", 1);
    op_test_int(&t, "largest", is_largest);
    op_test_input(&t, converted(exact, dtype));
    op_test_input(&t, test_i64(SHAPE(1), &k));
    op_test_output(&t, converted(values, dtype));
    op_test_output(&t, indices);
    op_test_run(&t);
}

static void long_rows_agree_with_the_plain_way(void **state)
{
    (void)state;
    static const enum onr_dtype dtypes[] = {ONR_FLOAT, ONR_DOUBLE, ONR_INT64};
    for (size_t i = 0; i < 6; i++) {
        enum onr_dtype dtype = dtypes[i / 2];
        bool is_largest = i % 2 == 0;
        check_long_rows(dtype, 2003, 1, 1, 30000, is_largest);
        check_long_rows(dtype, 2003, 1, 10, 30000, is_largest);
        check_long_rows(dtype, 2003, 1, 10, 3, is_largest); /* most are equal */
        check_long_rows(dtype, 2003, 1, 10, 1, is_largest); /* all are */
        check_long_rows(dtype, 100, 1, 45, 30000, is_largest);
        check_long_rows(dtype, 640, 1, 10, 30000, is_largest); /* just in blocks of 16 */
        check_long_rows(dtype, 639, 1, 10, 30000, is_largest); /* just not */
        check_long_rows(dtype, 400, 3, 5, 50, is_largest);
        test_tensors_free(NULL);
    }
}

static void k_may_be_0_but_not_too_large(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "TopK", 11);
    op_test_input(&t, test_f32(SHAPE(2, 4), NULL));
    op_test_input(&t, test_i64(SHAPE(1), (int64_t[]){0}));
    op_test_output(&t, test_f32(SHAPE(2, 0), NULL));
    op_test_output(&t, test_i64(SHAPE(2, 0), NULL));
    op_test_run(&t);
    t.inputs[1] = test_i64(SHAPE(1), (int64_t[]){5});
    op_test_fails(&t, ONR_ERR_VALUE, "k is 5, expected 0 to 4");
    t.inputs[1] = test_i64(SHAPE(1), (int64_t[]){-1});
    op_test_fails(&t, ONR_ERR_VALUE, "k is -1, expected 0 to 4");
    t.inputs[1] = test_i64(SHAPE(2), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "K has 2 elements, expected 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(largest_and_smallest_with_ties_in_order, test_tensors_free),
        cmocka_unit_test_teardown(other_axis_type_and_version, test_tensors_free),
        cmocka_unit_test_teardown(k_of_the_whole_axis_sorts, test_tensors_free),
        cmocka_unit_test_teardown(long_rows_agree_with_the_plain_way, test_tensors_free),
        cmocka_unit_test_teardown(k_may_be_0_but_not_too_large, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
