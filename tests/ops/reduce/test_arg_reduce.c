/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

static void first_and_last_of_equal_elements(void **state)
{
    (void)state;
    for (int64_t last = 0; last < 2; last++) {
        struct op_test t;
        op_test_begin(&t, "", "ArgMax", 13);
        op_test_int(&t, "axis", 1);
        op_test_int(&t, "select_last_index", last);
        op_test_input(&t, test_f32(SHAPE(2, 3), (float[]){2, 2, 1, 3, 10, 10}));
        op_test_output(&t,
                       test_i64(SHAPE(2, 1), last != 0 ? (int64_t[]){1, 2} : (int64_t[]){0, 1}));
        op_test_run(&t);
    }
}

static void default_axis_is_0_and_columns_are_strided(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "ArgMin", 13);
    op_test_int(&t, "keepdims", 0);
    op_test_input(&t, test_tensor(ONR_INT8, SHAPE(2, 2), (int8_t[]){1, -5, -1, -4}));
    op_test_output(&t, test_i64(SHAPE(2), (int64_t[]){1, 0}));
    op_test_run(&t);
}

static void nan_is_found(void **state)
{
    (void)state;
    const char *names[] = {"ArgMax", "ArgMin"};
    for (int i = 0; i < 2; i++) {
        struct op_test t;
        op_test_begin(&t, "", names[i], 13);
        op_test_int(&t, "keepdims", 0);
        op_test_input(&t, test_f32(SHAPE(4), (float[]){1, NAN, INFINITY, -INFINITY}));
        op_test_output(&t, test_i64(SCALAR, (int64_t[]){1}));
        op_test_run(&t);
    }
}

static void half_types_compare_as_numbers(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "ArgMax", 13);
    op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(2), (uint16_t[]){0xc000, 0x3c00}));
    op_test_output(&t, test_i64(SHAPE(1), (int64_t[]){1}));
    op_test_run(&t);
    op_test_begin(&t, "", "ArgMax", 13);
    op_test_input(&t, test_tensor(ONR_BFLOAT16, SHAPE(2), (uint16_t[]){0xc000, 0x3f80}));
    op_test_output(&t, test_i64(SHAPE(1), (int64_t[]){1}));
    op_test_run(&t);
}

static void empty_axes(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "ArgMax", 13);
    op_test_int(&t, "axis", 1);
    op_test_input(&t, test_f32(SHAPE(0, 3), NULL));
    op_test_output(&t, test_i64(SHAPE(0, 1), NULL));
    op_test_run(&t);
    op_test_begin(&t, "", "ArgMax", 13);
    op_test_input(&t, test_f32(SHAPE(0, 3), NULL));
    op_test_output(&t, test_i64(SHAPE(1, 3), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "axis 0 has no elements");
    op_test_begin(&t, "", "ArgMax", 13);
    op_test_int(&t, "axis", 2);
    op_test_input(&t, test_f32(SHAPE(1, 3), NULL));
    op_test_output(&t, test_i64(SHAPE(1, 3), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "axis 2 out of range for rank 2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(first_and_last_of_equal_elements, test_tensors_free),
        cmocka_unit_test_teardown(default_axis_is_0_and_columns_are_strided, test_tensors_free),
        cmocka_unit_test_teardown(nan_is_found, test_tensors_free),
        cmocka_unit_test_teardown(half_types_compare_as_numbers, test_tensors_free),
        cmocka_unit_test_teardown(empty_axes, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
