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
        cmocka_unit_test_teardown(k_may_be_0_but_not_too_large, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
