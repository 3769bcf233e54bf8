/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

static void exclusive_and_reverse_combine(void **state)
{
    (void)state;
    static const float want[4][4] = {{1, 3, 6, 10}, {10, 9, 7, 4}, {0, 1, 3, 6}, {9, 7, 4, 0}};
    for (int i = 0; i < 4; i++) {
        struct op_test t;
        op_test_begin(&t, "", "CumSum", 14);
        op_test_int(&t, "reverse", i % 2);
        op_test_int(&t, "exclusive", i / 2);
        op_test_input(&t, test_f32(SHAPE(4), (float[]){1, 2, 3, 4}));
        op_test_input(&t, test_tensor(ONR_INT32, SCALAR, (int32_t[]){-1}));
        op_test_output(&t, test_f32(SHAPE(4), want[i]));
        op_test_run(&t);
    }
}

static void columns_and_wrapping_integers(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "CumSum", 14);
    op_test_input(&t, test_tensor(ONR_INT32, SHAPE(2, 2), (int32_t[]){INT32_MAX, 1, 1, 5}));
    op_test_input(&t, test_i64(SHAPE(1), (int64_t[]){0}));
    op_test_output(&t,
                   test_tensor(ONR_INT32, SHAPE(2, 2), (int32_t[]){INT32_MAX, 1, INT32_MIN, 6}));
    op_test_run(&t);
}

static void products_start_with_1(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "CumProd", 26);
    op_test_int(&t, "exclusive", 1);
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(3), (double[]){2, 3, 4}));
    op_test_input(&t, test_i64(SCALAR, (int64_t[]){0}));
    op_test_output(&t, test_tensor(ONR_DOUBLE, SHAPE(3), (double[]){1, 2, 6}));
    op_test_run(&t);
    op_test_begin(&t, "", "CumProd", 26);
    op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(2), (uint16_t[]){0x4000, 0x4200}));
    op_test_input(&t, test_i64(SCALAR, (int64_t[]){0}));
    op_test_output(&t, test_tensor(ONR_FLOAT16, SHAPE(2), (uint16_t[]){0x4000, 0x4600}));
    op_test_run(&t);
}

static void axis_is_checked_at_run_time(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "CumSum", 14);
    op_test_input(&t, test_f32(SHAPE(2, 2), NULL));
    op_test_input(&t, test_i64(SCALAR, (int64_t[]){2}));
    op_test_output(&t, test_f32(SHAPE(2, 2), NULL));
    op_test_fails(&t, ONR_ERR_VALUE, "axis 2 out of range for rank 2");
    t.inputs[1] = test_i64(SHAPE(2), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "axis has shape 2, expected one element");
}

static void empty_input(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "CumSum", 14);
    op_test_input(&t, test_f32(SHAPE(2, 0), NULL));
    op_test_input(&t, test_i64(SCALAR, (int64_t[]){0}));
    op_test_output(&t, test_f32(SHAPE(2, 0), NULL));
    op_test_run(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(exclusive_and_reverse_combine, test_tensors_free),
        cmocka_unit_test_teardown(columns_and_wrapping_integers, test_tensors_free),
        cmocka_unit_test_teardown(products_start_with_1, test_tensors_free),
        cmocka_unit_test_teardown(axis_is_checked_at_run_time, test_tensors_free),
        cmocka_unit_test_teardown(empty_input, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
