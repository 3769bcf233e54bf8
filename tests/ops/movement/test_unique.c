/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

static void unique(struct op_test *t, const struct onr_tensor *x, int64_t sorted)
{
    op_test_begin(t, "", "Unique", 11);
    op_test_int(t, "sorted", sorted);
    op_test_input(t, x);
}

static void elements_are_sorted_or_stay_in_order(void **state)
{
    (void)state;
    const float x[] = {2, 1, 1, 3, 4, 3};
    struct op_test t;
    unique(&t, test_f32(SHAPE(2, 3), x), 1);
    op_test_output(&t, test_f32(SHAPE(4), (float[]){1, 2, 3, 4}));
    op_test_output(&t, test_i64(SHAPE(4), (int64_t[]){1, 0, 3, 4}));
    op_test_output(&t, test_i64(SHAPE(6), (int64_t[]){1, 0, 0, 2, 3, 2}));
    op_test_output(&t, test_i64(SHAPE(4), (int64_t[]){2, 1, 2, 1}));
    op_test_run(&t);
    unique(&t, test_f32(SHAPE(6), x), 0);
    op_test_output(&t, test_f32(SHAPE(4), (float[]){2, 1, 3, 4}));
    op_test_output(&t, test_i64(SHAPE(4), (int64_t[]){0, 1, 3, 4}));
    op_test_output(&t, test_i64(SHAPE(6), (int64_t[]){0, 1, 1, 2, 3, 2}));
    op_test_output(&t, test_i64(SHAPE(4), (int64_t[]){1, 2, 2, 1}));
    op_test_run(&t);
}

static void slices_are_compared_along_axis(void **state)
{
    (void)state;
    struct op_test t;
    unique(&t, test_i64(SHAPE(3, 2), (int64_t[]){1, 0, 1, 0, 0, 7}), 1);
    op_test_int(&t, "axis", 0);
    op_test_output(&t, test_i64(SHAPE(2, 2), (int64_t[]){0, 7, 1, 0}));
    op_test_output(&t, NULL);
    op_test_output(&t, test_i64(SHAPE(3), (int64_t[]){1, 1, 0}));
    op_test_run(&t);
    unique(&t, test_i64(SHAPE(2, 3), (int64_t[]){5, 4, 5, 1, 1, 1}), 1);
    op_test_int(&t, "axis", -1);
    op_test_output(&t, test_i64(SHAPE(2, 2), (int64_t[]){4, 5, 1, 1}));
    op_test_run(&t);
}

static void nan_strings_and_nothing_have_an_order_too(void **state)
{
    (void)state;
    struct op_test t;
    unique(&t, test_f32(SHAPE(4), (float[]){NAN, 1, NAN, -INFINITY}), 1);
    op_test_output(&t, test_f32(SHAPE(3), (float[]){-INFINITY, 1, NAN}));
    op_test_run(&t);
    struct onr_string words[] = {{"b", 1}, {"ab", 2}, {"b", 1}, {"a", 1}};
    struct onr_string order[] = {{"a", 1}, {"ab", 2}, {"b", 1}};
    unique(&t, test_tensor(ONR_STRING, SHAPE(4), words), 1);
    op_test_output(&t, test_tensor(ONR_STRING, SHAPE(3), order));
    op_test_run(&t);
    unique(&t, test_tensor(ONR_FLOAT16, SHAPE(3), (uint16_t[]){0x3c00, 0xbc00, 0x3c00}), 1);
    op_test_output(&t, test_tensor(ONR_FLOAT16, SHAPE(2), (uint16_t[]){0xbc00, 0x3c00}));
    op_test_run(&t);
    unique(&t, test_f32(SHAPE(0), NULL), 0);
    op_test_output(&t, test_f32(SHAPE(0), NULL));
    op_test_output(&t, test_i64(SHAPE(0), NULL));
    op_test_run(&t);
}

static void axis_must_be_in_range(void **state)
{
    (void)state;
    struct op_test t;
    unique(&t, test_f32(SHAPE(2), NULL), 1);
    op_test_int(&t, "axis", 1);
    op_test_output(&t, test_f32(SHAPE(2), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "axis 1 out of range for rank 1");
}

static void unique_of_com_microsoft_has_no_indices_and_no_order(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "Unique", 1);
    op_test_input(&t, test_f32(SHAPE(6), (float[]){2, 1, 1, 3, 4, 3}));
    op_test_output(&t, test_f32(SHAPE(4), (float[]){2, 1, 3, 4}));
    op_test_output(&t, test_i64(SHAPE(6), (int64_t[]){0, 1, 1, 2, 3, 2}));
    op_test_output(&t, test_i64(SHAPE(4), (int64_t[]){1, 2, 2, 1}));
    op_test_run(&t);
    op_test_begin(&t, "com.microsoft", "Unique", 1);
    op_test_input(&t, test_tensor(ONR_BOOL, SHAPE(0), NULL));
    op_test_output(&t, test_tensor(ONR_BOOL, SHAPE(0), NULL));
    op_test_output(&t, NULL);
    op_test_output(&t, test_i64(SHAPE(0), NULL));
    op_test_run(&t);
    op_test_begin(&t, "com.microsoft", "Unique", 1);
    op_test_input(&t, test_f32(SHAPE(2, 2), NULL));
    op_test_output(&t, test_f32(SHAPE(1), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "input 0 has rank 2, expected 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(elements_are_sorted_or_stay_in_order, test_tensors_free),
        cmocka_unit_test_teardown(slices_are_compared_along_axis, test_tensors_free),
        cmocka_unit_test_teardown(nan_strings_and_nothing_have_an_order_too, test_tensors_free),
        cmocka_unit_test_teardown(axis_must_be_in_range, test_tensors_free),
        cmocka_unit_test_teardown(unique_of_com_microsoft_has_no_indices_and_no_order,
                                  test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
